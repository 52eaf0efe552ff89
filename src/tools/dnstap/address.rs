// SPDX-License-Identifier: MIT OR Apache-2.0
//! Addresses as messages have them. A socket for both families has IPv4 addresses within IPv6 ones
//! (RFC 4291, section 2.5.5.2): they are printed, selected and masked as the IPv4 addresses they are.

/// What stands before an IPv4 address within an IPv6 one.
pub const IPV4_MAPPED: [u8; 12] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];

/// The bits of [`IPV4_MAPPED`].
pub const MAPPED_BITS: u8 = 96;

/// The IPv4 address within an IPv6 one, or else the bytes as they are.
pub fn unmapped(bytes: &[u8]) -> &[u8] {
    match bytes.strip_prefix(&IPV4_MAPPED) {
        Some(ipv4) if ipv4.len() == 4 => ipv4,
        _ => bytes,
    }
}
