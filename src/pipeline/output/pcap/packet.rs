// SPDX-License-Identifier: MIT OR Apache-2.0
//! IP packets with UDP or TCP around given data.

use std::net::{IpAddr, SocketAddr};

use etherparse::err::packet::BuildVecWriteError;
use etherparse::{IpHeaders, Ipv4Header, PacketBuilder, PacketBuilderStep, TcpHeader, UdpHeader};

/// Time to live of packets.
const TTL: u8 = 64;

/// Window of TCP segments.
const WINDOW: u16 = u16::MAX;

/// Maximum size of the data in a UDP packet of either family.
pub(crate) const UDP_MAX: usize = u16::MAX as usize - Ipv4Header::MIN_LEN - UdpHeader::LEN;

/// Maximum size of the data in a TCP segment of either family.
pub(crate) const SEGMENT_MAX: usize = u16::MAX as usize - Ipv4Header::MIN_LEN - TcpHeader::MIN_LEN;

/// The endpoints of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Endpoints {
    /// The sender.
    pub(crate) from: SocketAddr,
    /// The receiver.
    pub(crate) to: SocketAddr,
}

impl Endpoints {
    /// Returns the endpoints of packets in the opposite direction.
    pub(crate) fn reversed(self) -> Self {
        Self { from: self.to, to: self.from }
    }

    /// Returns the IP header. For different families, it is IPv6 with a mapped IPv4 address.
    fn ip(self) -> PacketBuilderStep<IpHeaders> {
        match (self.from.ip(), self.to.ip()) {
            (IpAddr::V4(from), IpAddr::V4(to)) => {
                PacketBuilder::ipv4(from.octets(), to.octets(), TTL)
            }
            (from, to) => PacketBuilder::ipv6(octets(from), octets(to), TTL),
        }
    }
}

fn octets(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().octets(),
        IpAddr::V6(address) => address.octets(),
    }
}

/// Appends a UDP packet of at most [`UDP_MAX`] bytes to `out`.
pub(crate) fn udp(
    endpoints: Endpoints,
    bytes: &[u8],
    out: &mut Vec<u8>,
) -> Result<(), BuildVecWriteError> {
    endpoints.ip().udp(endpoints.from.port(), endpoints.to.port()).write_to_vec(out, bytes)
}

/// Appends a TCP segment of at most [`SEGMENT_MAX`] bytes to `out`.
pub(crate) fn tcp(
    endpoints: Endpoints,
    sequence: u32,
    acknowledged: u32,
    bytes: &[u8],
    out: &mut Vec<u8>,
) -> Result<(), BuildVecWriteError> {
    let segment = endpoints.ip().tcp(endpoints.from.port(), endpoints.to.port(), sequence, WINDOW);
    segment.psh().ack(acknowledged).write_to_vec(out, bytes)
}
