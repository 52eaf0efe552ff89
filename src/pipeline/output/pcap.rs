// SPDX-License-Identifier: MIT OR Apache-2.0
//! A packet capture: each DNS message in a packet such as its addresses, protocol and time report of.
//!
//! What was encrypted is not: it is written as DNS over TCP, or over UDP where QUIC was below it.
//! The format is that of libpcap with nanoseconds; packets begin with the IP header.

mod flows;
mod packet;

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use dnstap::Message;
use dnstap::schema::{HttpProtocol, SocketFamily, SocketProtocol};
use files::content::{Content, Rejoin};
use flows::Flows;
use packet::{SEGMENT_MAX, UDP_MAX, Way};

use super::error::FrameOutputError;
use super::recent::Recent;
use super::remarks::Remarks;
use super::series::FileSeries;
use super::{Frame, FrameOutput};
use crate::pairing;

/// What a file begins with: magic number of nanoseconds, version 2.4, two unused fields, the most
/// bytes of a packet, and the link type RAW; all in little endian.
const FILE_HEADER: [u8; 24] =
    [0x4d, 0x3c, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 101, 0, 0, 0];

/// Bytes of what stands before a packet.
const PACKET_HEADER_SIZE: usize = 16;

/// Queries that are remembered at least.
const QUERIES: usize = 1 << 15;

/// The port that readers take for DNS.
const DNS_PORT: u16 = 53;

/// Other ports of which the end tells.
const PORTS_MAX: usize = 16;

const BILLION: u64 = 1_000_000_000;

/// A packet capture.
pub struct Pcap {
    files: FileSeries,
    flows: Flows,
    /// Queries by way and ID, and whether their response is still to come.
    queries: Recent<(Way, [u8; 2]), bool>,
    remarks: Remarks,
    /// Ports of responders, with the name of the protocol, that a reader has to be told of.
    ports: BTreeSet<(&'static str, u16)>,
    /// The length and the message, as TCP has them.
    stream: Vec<u8>,
    /// Packets of the message that is taken.
    packets: u64,
}

/// The transport of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Carrier {
    Udp,
    Tcp,
}

impl Carrier {
    fn of(message: &Message<'_>) -> Self {
        match message.socket_protocol {
            Some(SocketProtocol::DOH) if message.http_protocol == Some(HttpProtocol::HTTP3) => {
                Self::Udp
            }
            protocol => protocol.and_then(Self::usual).unwrap_or(Self::Udp),
        }
    }

    /// Returns the carrier of a protocol, except of DNS over HTTP/3; `None` if it is not known.
    const fn usual(protocol: SocketProtocol) -> Option<Self> {
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

    fn name(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
        }
    }
}

const _: () = {
    let mut rest = SocketProtocol::ALL;
    while let [protocol, others @ ..] = rest {
        assert!(Carrier::usual(*protocol).is_some(), "a protocol with a name has a carrier");
        rest = others;
    }
};

impl Pcap {
    /// Returns the content of pcap files.
    pub fn content() -> Content {
        Content {
            start: FILE_HEADER.to_vec(),
            stop: Vec::new(),
            whole: whole_packets,
            unit: "packets",
            content_type: None,
            told: false,
            rejoin: Rejoin::Beginning,
        }
    }

    /// Writes to `files`.
    pub(crate) fn new(files: FileSeries) -> Self {
        Self {
            files,
            flows: Flows::new(),
            queries: Recent::new(QUERIES),
            remarks: Remarks::default(),
            ports: BTreeSet::new(),
            stream: Vec::new(),
            packets: 0,
        }
    }

    fn message(&mut self, message: &Message<'_>) {
        if message.query_message.or(message.response_message).is_none() {
            return self.remarks.count("messages hold no DNS message, and are left out");
        }
        if pairing::is_unsent(message) {
            self.remarks.count("responses were not sent, but dropped: they have no packet");
        }
        let way = self.way(message);
        let carrier = Carrier::of(message);
        if way.to.port() != DNS_PORT && self.ports.len() < PORTS_MAX {
            self.ports.insert((carrier.name(), way.to.port()));
        }
        let query_time = time(message.query_time_sec, message.query_time_nsec);
        let response_time = time(message.response_time_sec, message.response_time_nsec);
        if let Some(wire) = message.query_message
            && self.is_new(way, wire, message.message_type.is_response())
        {
            self.packet(way, carrier, true, wire, query_time.or(response_time));
        }
        if let Some(wire) = message.response_message {
            self.packet(way, carrier, false, wire, response_time.or(query_time));
        }
    }

    /// Returns whether a query has no packet yet: a response may bring along one that came by
    /// itself.
    fn is_new(&mut self, way: Way, wire: &[u8], is_brought: bool) -> bool {
        let Some(id) = wire.first_chunk::<2>() else { return true };
        let waits = self.queries.entry(&(way, *id), || false);
        !std::mem::replace(waits, !is_brought) || !is_brought
    }

    /// The way of the query.
    fn way(&mut self, message: &Message<'_>) -> Way {
        let given = [message.query_address, message.response_address];
        let [from, to] = given.map(|bytes| bytes.and_then(address));
        // What is missing is of the family of the other.
        let is_ipv6 = match from.or(to) {
            Some(known) => known.is_ipv6(),
            None => message.socket_family == Some(SocketFamily::INET6),
        };
        let nowhere: IpAddr =
            if is_ipv6 { Ipv6Addr::UNSPECIFIED.into() } else { Ipv4Addr::UNSPECIFIED.into() };
        if from.is_none() || to.is_none() {
            self.remarks.count("messages lack an address: 0.0.0.0 or :: stands for it");
        }
        let given = [message.query_port, message.response_port];
        let [from_port, to_port] = given.map(|port| port.and_then(|port| u16::try_from(port).ok()));
        if from_port.is_none() || to_port.is_none() {
            self.remarks
                .count("messages lack a port: 0 stands for the initiator's, 53 for the other");
        }
        Way {
            from: SocketAddr::new(from.unwrap_or(nowhere), from_port.unwrap_or(0)),
            to: SocketAddr::new(to.unwrap_or(nowhere), to_port.unwrap_or(DNS_PORT)),
        }
    }

    fn packet(
        &mut self,
        way: Way,
        carrier: Carrier,
        by_initiator: bool,
        wire: &[u8],
        time: Option<u64>,
    ) {
        let time = time.unwrap_or_else(|| {
            self.remarks.count("messages have no time up to the year 2106: 1970 stands for it");
            0
        });
        match carrier {
            Carrier::Udp => self.udp(way, by_initiator, wire, time),
            Carrier::Tcp => self.tcp(way, by_initiator, wire, time),
        }
    }

    fn udp(&mut self, way: Way, by_initiator: bool, wire: &[u8], time: u64) {
        if wire.len() > UDP_MAX {
            return self.remarks.count("messages are too long for UDP, and are left out");
        }
        let way = if by_initiator { way } else { way.back() };
        let out = &mut self.files.buffer;
        let start = packet_header(out);
        let built = packet::udp(way, wire, out).is_ok();
        self.packets += finish_packet(out, start, time, built);
    }

    fn tcp(&mut self, way: Way, by_initiator: bool, wire: &[u8], time: u64) {
        let Ok(length) = u16::try_from(wire.len()) else {
            return self.remarks.count("messages are too long for TCP, and are left out");
        };
        self.stream.clear();
        self.stream.extend_from_slice(&length.to_be_bytes());
        self.stream.extend_from_slice(wire);
        let direction = if by_initiator { way } else { way.back() };
        for segment in self.stream.chunks(SEGMENT_MAX) {
            let (sequence, acknowledged) = self.flows.send(way, by_initiator, segment.len(), time);
            let out = &mut self.files.buffer;
            let start = packet_header(out);
            let built = packet::tcp(direction, sequence, acknowledged, segment, out).is_ok();
            self.packets += finish_packet(out, start, time, built);
        }
    }
}

/// A time that the format can express, in nanoseconds.
fn time(seconds: Option<u64>, nanoseconds: Option<u32>) -> Option<u64> {
    pairing::nanoseconds(seconds, nanoseconds).filter(|time| time / BILLION <= u32::MAX.into())
}

/// The address that these bytes are.
fn address(bytes: &[u8]) -> Option<IpAddr> {
    let ipv4 = <[u8; 4]>::try_from(bytes).map(IpAddr::from).ok();
    ipv4.or_else(|| <[u8; 16]>::try_from(bytes).map(IpAddr::from).ok())
}

/// Makes room for what stands before a packet, and says where.
fn packet_header(out: &mut Vec<u8>) -> usize {
    let start = out.len();
    out.resize(start + PACKET_HEADER_SIZE, 0);
    start
}

/// Fills in what stands before a packet; takes back one that could not be built. Returns how many
/// packets that makes.
fn finish_packet(out: &mut Vec<u8>, start: usize, time: u64, built: bool) -> u64 {
    debug_assert!(built, "lengths were looked at before");
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

/// Returns the number of whole packets at the front of `bytes`, and their size.
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

impl FrameOutput for Pcap {
    fn write_frame(&mut self, frame: &Frame<'_>) -> Result<(), FrameOutputError> {
        // Of frames that hold no event the worker tells.
        if let Ok(event) = frame.event {
            match &event.message {
                Some(message) => self.message(message),
                None => self.remarks.count("messages hold no DNS message, and are left out"),
            }
        }
        match std::mem::take(&mut self.packets) {
            0 => Ok(()),
            packets => self.files.end_units(packets),
        }
    }

    fn files(&mut self) -> Option<&mut FileSeries> {
        Some(&mut self.files)
    }

    fn finish(self: Box<Self>, report: &mut dyn FnMut(String)) -> Result<(), FrameOutputError> {
        let name = self.files.name();
        self.remarks.report(name, report);
        if !self.ports.is_empty() {
            let decode =
                self.ports.iter().map(|(carrier, port)| format!(" -d {carrier}.port=={port},dns"));
            let decode: String = decode.collect();
            report(format!("{name}: for its DNS on other ports: wireshark{decode}"));
        }
        self.files.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::whole_packets;

    #[test]
    fn a_torn_packet_is_not_whole() {
        let packet = [&[0; 12][..], &[3, 0, 0, 0], b"abc"].concat();
        let packets = packet.repeat(2);
        assert_eq!(whole_packets(&packets), (2, 38));
        for size in 19..38 {
            assert_eq!(whole_packets(&packets[..size]), (1, 19), "{size}");
        }
        assert_eq!(whole_packets(&packets[..18]), (0, 0));
    }
}
