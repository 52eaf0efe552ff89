// SPDX-License-Identifier: MIT OR Apache-2.0
//! Packets as they might have been on the wire: IP and UDP or TCP around bytes.

use std::net::{IpAddr, SocketAddr};

use etherparse::err::packet::BuildVecWriteError;
use etherparse::{IpHeaders, Ipv4Header, PacketBuilder, PacketBuilderStep, TcpHeader, UdpHeader};

/// Hops that a packet may still take.
const TTL: u8 = 64;

/// Window that a TCP segment announces.
const WINDOW: u16 = u16::MAX;

/// Most bytes in a UDP packet of either family.
pub(crate) const UDP_MAX: usize = u16::MAX as usize - Ipv4Header::MIN_LEN - UdpHeader::LEN;

/// Most bytes in a TCP segment of either family.
pub(crate) const SEGMENT_MAX: usize = u16::MAX as usize - Ipv4Header::MIN_LEN - TcpHeader::MIN_LEN;

/// Where a packet comes from and where it goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Way {
    /// The sender.
    pub(crate) from: SocketAddr,
    /// The receiver.
    pub(crate) to: SocketAddr,
}

impl Way {
    /// The way back.
    pub(crate) fn back(self) -> Self {
        Self { from: self.to, to: self.from }
    }

    /// The IP header. Of two families it is that of IPv6, with the other address mapped.
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
pub(crate) fn udp(way: Way, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), BuildVecWriteError> {
    way.ip().udp(way.from.port(), way.to.port()).write_to_vec(out, bytes)
}

/// Appends a TCP segment of at most [`SEGMENT_MAX`] bytes to `out`.
pub(crate) fn tcp(
    way: Way,
    sequence: u32,
    acknowledged: u32,
    bytes: &[u8],
    out: &mut Vec<u8>,
) -> Result<(), BuildVecWriteError> {
    let segment = way.ip().tcp(way.from.port(), way.to.port(), sequence, WINDOW);
    segment.psh().ack(acknowledged).write_to_vec(out, bytes)
}
