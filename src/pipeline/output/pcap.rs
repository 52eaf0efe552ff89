// SPDX-License-Identifier: MIT OR Apache-2.0
//! Packet captures: each DNS message in packets made up from its addresses, protocol and time.
//!
//! Messages of encrypted protocols are written unencrypted, as DNS over UDP if they used QUIC and over TCP
//! otherwise. The format is that of libpcap with nanoseconds; packets start with the IP header.

mod flows;
mod packet;

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use dnstap::Message;
use dnstap::schema::{HttpProtocol, SocketFamily, SocketProtocol};
use etherparse::err::packet::BuildVecWriteError;
use files::content::{Content, Rejoin};
use flows::TcpFlows;
use packet::{Endpoints, SEGMENT_MAX, UDP_MAX};
use strum::IntoStaticStr;

use super::FrameOutput;
use super::error::FrameOutputError;
use super::file_writer::FileWriter;
use super::recent::RecentMap;
use crate::address::ip_address;
use crate::decoded_frame::DecodedFrame;
use crate::pairing;
use crate::remarks::Remarks;

/// The file header, in little endian: magic number for nanoseconds, version 2.4, two unused fields, maximum
/// packet size, and the link type RAW.
const FILE_HEADER: [u8; 24] =
    [0x4d, 0x3c, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 101, 0, 0, 0];

/// Size of the header of a packet.
const PACKET_HEADER_SIZE: usize = 16;

/// Minimum number of queries that are remembered.
const QUERIES: usize = 1 << 15;

/// The port that readers decode as DNS.
const DNS_PORT: u16 = 53;

/// Maximum number of other ports that are reported at the end.
const PORTS_MAX: usize = 16;

const BILLION: u64 = 1_000_000_000;

/// The output to packet captures.
pub struct PcapOutput {
    files: FileWriter,
    flows: TcpFlows,
    /// Recent queries by endpoints and message ID; true if their response is pending.
    queries: RecentMap<(Endpoints, [u8; 2]), bool>,
    remarks: Remarks,
    /// Ports of responders, other than [`DNS_PORT`], with the name of their transport.
    ports: BTreeSet<(&'static str, u16)>,
    /// A buffer for a message with its length prefix, as sent over TCP.
    stream: Vec<u8>,
    /// Number of packets of the current message.
    packets: u64,
}

/// The transport of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
enum PacketTransport {
    Udp,
    Tcp,
}

impl PacketTransport {
    fn of(message: &Message<'_>) -> Self {
        match message.socket_protocol {
            Some(SocketProtocol::DOH) if message.http_protocol == Some(HttpProtocol::HTTP3) => {
                Self::Udp
            }
            protocol => protocol.and_then(Self::of_protocol).unwrap_or(Self::Udp),
        }
    }

    /// Returns the transport of a protocol, other than DNS over HTTP/3. Returns `None` for an unknown protocol.
    const fn of_protocol(protocol: SocketProtocol) -> Option<Self> {
        match protocol {
            SocketProtocol::UDP | SocketProtocol::DNSCRYPT_UDP | SocketProtocol::DOQ => {
                Some(Self::Udp)
            }
            SocketProtocol::TCP
            | SocketProtocol::DOT
            | SocketProtocol::DOH
            | SocketProtocol::DNSCRYPT_TCP => Some(Self::Tcp),
            _ => None,
        }
    }
}

const _: () = {
    let mut rest = SocketProtocol::ALL;
    while let [protocol, others @ ..] = rest {
        assert!(
            PacketTransport::of_protocol(*protocol).is_some(),
            "named protocols have a transport"
        );
        rest = others;
    }
};

impl PcapOutput {
    /// Returns the content of pcap files.
    pub fn content() -> Content {
        Content {
            start: FILE_HEADER.to_vec(),
            stop: Vec::new(),
            whole: whole_packets,
            unit: "packets",
            content_type: None,
            is_logged: false,
            rejoin: Rejoin::Beginning,
        }
    }

    pub(crate) fn new(files: FileWriter) -> Self {
        Self {
            files,
            flows: TcpFlows::new(),
            queries: RecentMap::new(QUERIES),
            remarks: Remarks::default(),
            ports: BTreeSet::new(),
            stream: Vec::new(),
            packets: 0,
        }
    }

    fn message(&mut self, message: &Message<'_>) {
        if message.query_message.or(message.response_message).is_none() {
            return self.remarks.count("messages skipped: they contain no DNS message");
        }
        if pairing::is_unsent(message) {
            self.remarks.count("responses skipped: a policy dropped them");
        }
        let endpoints = self.endpoints(message);
        let transport = PacketTransport::of(message);
        if endpoints.to.port() != DNS_PORT && self.ports.len() < PORTS_MAX {
            self.ports.insert((transport.into(), endpoints.to.port()));
        }
        let query_time = time(message.query_time_sec, message.query_time_nsec);
        let response_time = time(message.response_time_sec, message.response_time_nsec);
        if let Some(wire) = message.query_message {
            if self.needs_packet(endpoints, wire, message.message_type.is_response()) {
                self.packet(endpoints, transport, true, wire, query_time.or(response_time));
            }
        }
        if let Some(wire) = message.response_message {
            self.packet(endpoints, transport, false, wire, response_time.or(query_time));
        }
    }

    /// Returns whether a query needs a packet: one contained in a response may have been logged separately.
    fn needs_packet(&mut self, endpoints: Endpoints, wire: &[u8], is_in_response: bool) -> bool {
        let Some(id) = wire.first_chunk::<2>() else { return true };
        let pending = self.queries.entry(&(endpoints, *id), || false);
        !std::mem::replace(pending, !is_in_response) || !is_in_response
    }

    /// Returns the endpoints of the query.
    fn endpoints(&mut self, message: &Message<'_>) -> Endpoints {
        let given = [message.query_address, message.response_address];
        let [from, to] = given.map(|bytes| bytes.and_then(ip_address));
        // A missing address has the family of the other one.
        let is_ipv6 = match from.or(to) {
            Some(known) => known.is_ipv6(),
            None => message.socket_family == Some(SocketFamily::INET6),
        };
        let unspecified: IpAddr =
            if is_ipv6 { Ipv6Addr::UNSPECIFIED.into() } else { Ipv4Addr::UNSPECIFIED.into() };
        if from.is_none() || to.is_none() {
            self.remarks.count("messages lack an address: written as 0.0.0.0 or ::");
        }
        let given = [message.query_port, message.response_port];
        let [from_port, to_port] = given.map(|port| port.and_then(|port| u16::try_from(port).ok()));
        if from_port.is_none() || to_port.is_none() {
            self.remarks.count("messages lack a port: written as 0 (initiator) or 53 (responder)");
        }
        Endpoints {
            from: SocketAddr::new(from.unwrap_or(unspecified), from_port.unwrap_or(0)),
            to: SocketAddr::new(to.unwrap_or(unspecified), to_port.unwrap_or(DNS_PORT)),
        }
    }

    fn packet(
        &mut self,
        endpoints: Endpoints,
        transport: PacketTransport,
        by_initiator: bool,
        wire: &[u8],
        time: Option<u64>,
    ) {
        let time = time.unwrap_or_else(|| {
            self.remarks.count("messages lack a time up to the year 2106: written as 1970");
            0
        });
        match transport {
            PacketTransport::Udp => self.udp(endpoints, by_initiator, wire, time),
            PacketTransport::Tcp => self.tcp(endpoints, by_initiator, wire, time),
        }
    }

    fn udp(&mut self, endpoints: Endpoints, by_initiator: bool, wire: &[u8], time: u64) {
        if wire.len() > UDP_MAX {
            return self.remarks.count("messages skipped: too long for UDP");
        }
        let endpoints = if by_initiator { endpoints } else { endpoints.reversed() };
        let build = |out: &mut Vec<u8>| packet::udp(endpoints, wire, out);
        self.packets += add_packet(&mut self.files.buffer, time, build);
    }

    fn tcp(&mut self, endpoints: Endpoints, by_initiator: bool, wire: &[u8], time: u64) {
        let Ok(length) = u16::try_from(wire.len()) else {
            return self.remarks.count("messages skipped: too long for TCP");
        };
        self.stream.clear();
        self.stream.extend_from_slice(&length.to_be_bytes());
        self.stream.extend_from_slice(wire);
        let direction = if by_initiator { endpoints } else { endpoints.reversed() };
        for segment in self.stream.chunks(SEGMENT_MAX) {
            let (sequence, acknowledged) =
                self.flows.send(endpoints, by_initiator, segment.len(), time);
            let build =
                |out: &mut Vec<u8>| packet::tcp(direction, sequence, acknowledged, segment, out);
            self.packets += add_packet(&mut self.files.buffer, time, build);
        }
    }
}

/// Returns a time in nanoseconds since 1970 if the format can express it.
fn time(seconds: Option<u64>, nanoseconds: Option<u32>) -> Option<u64> {
    pairing::nanoseconds(seconds, nanoseconds).filter(|time| time / BILLION <= u32::MAX.into())
}

/// Appends a packet with its header, unless it cannot be built. Returns the number of packets added.
fn add_packet(
    out: &mut Vec<u8>,
    time: u64,
    build: impl FnOnce(&mut Vec<u8>) -> Result<(), BuildVecWriteError>,
) -> u64 {
    let start = out.len();
    out.resize(start + PACKET_HEADER_SIZE, 0);
    let built = build(out).is_ok();
    debug_assert!(built, "lengths were checked before");
    if !built {
        out.truncate(start);
        return 0;
    }
    let size = (out.len() - start - PACKET_HEADER_SIZE) as u32;
    let fields = [(time / BILLION) as u32, (time % BILLION) as u32, size, size];
    for (at, field) in fields.into_iter().enumerate() {
        out[start + 4 * at..][..4].copy_from_slice(&field.to_le_bytes());
    }
    1
}

/// Returns the number of complete packets at the start of `bytes`, and their size.
fn whole_packets(bytes: &[u8]) -> (u64, usize) {
    let (mut count, mut size) = (0, 0);
    while let Some((header, packet)) = bytes[size..].split_first_chunk::<PACKET_HEADER_SIZE>() {
        let [.., a, b, c, d] = *header;
        let length = u32::from_le_bytes([a, b, c, d]) as usize;
        if packet.len() < length {
            break;
        }
        count += 1;
        size += PACKET_HEADER_SIZE + length;
    }
    (count, size)
}

impl FrameOutput for PcapOutput {
    fn write_frame(&mut self, frame: &DecodedFrame<'_>) -> Result<(), FrameOutputError> {
        // The worker reports frames that cannot be decoded.
        if let Ok(event) = frame.event {
            match &event.message {
                Some(message) => self.message(message),
                None => self.remarks.count("messages skipped: they contain no DNS message"),
            }
        }
        match std::mem::take(&mut self.packets) {
            0 => Ok(()),
            packets => self.files.end_units(packets),
        }
    }

    fn files(&mut self) -> Option<&mut FileWriter> {
        Some(&mut self.files)
    }

    fn finish(self: Box<Self>, report: &mut dyn FnMut(String)) -> Result<(), FrameOutputError> {
        let name = &self.files.name;
        self.remarks.report(name, report);
        if !self.ports.is_empty() {
            let options = self.ports.iter();
            let decode: String = options
                .map(|(transport, port)| format!(" -d {transport}.port=={port},dns"))
                .collect();
            report(format!("{name}: to decode DNS on other ports: wireshark{decode}"));
        }
        self.files.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::whole_packets;

    #[test]
    fn an_incomplete_packet_does_not_count() {
        let packet = [&[0; 12][..], &[3, 0, 0, 0], b"abc"].concat();
        let packets = packet.repeat(2);
        assert_eq!(whole_packets(&packets), (2, 38));
        for size in 19..38 {
            assert_eq!(whole_packets(&packets[..size]), (1, 19), "{size}");
        }
        assert_eq!(whole_packets(&packets[..18]), (0, 0));
    }
}
