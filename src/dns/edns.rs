// SPDX-License-Identifier: MIT OR Apache-2.0
//! EDNS options (RFC 6891, section 6.1.2).

pub mod text;

use crate::record::Record;

/// Returns the codes and values of the options of `opt` in `wire`, up to the first that is cut short.
pub fn options<'a>(
    wire: &'a [u8],
    opt: &Record,
) -> impl Iterator<Item = (u16, &'a [u8])> + use<'a> {
    let mut rest = wire.get(opt.start..opt.end).unwrap_or_default();
    std::iter::from_fn(move || {
        let ([code1, code2, length1, length2], after) = rest.split_first_chunk()?;
        let length = usize::from(u16::from_be_bytes([*length1, *length2]));
        let (value, after) = after.split_at_checked(length)?;
        rest = after;
        Some((u16::from_be_bytes([*code1, *code2]), value))
    })
}

/// Option codes.
pub mod code {
    /// Long-lived query (RFC 8764).
    pub(crate) const LLQ: u16 = 1;
    /// Dynamic update lease (RFC 9664).
    pub const UPDATE_LEASE: u16 = 2;
    /// Name server identifier (RFC 5001).
    pub const NSID: u16 = 3;
    /// ENUM source URI.
    pub const ESU: u16 = 4;
    /// Supported DNSSEC algorithms (RFC 6975).
    pub const DAU: u16 = 5;
    /// Supported hash algorithms of DS records (RFC 6975).
    pub const DHU: u16 = 6;
    /// Supported hash algorithms of NSEC3 records (RFC 6975).
    pub const N3U: u16 = 7;
    /// Client subnet (RFC 7871).
    pub const SUBNET: u16 = 8;
    /// Time until a zone expires (RFC 7314).
    pub const EXPIRE: u16 = 9;
    /// Cookie (RFC 7873).
    pub const COOKIE: u16 = 10;
    /// Idle timeout of TCP connections (RFC 7828).
    pub const KEEPALIVE: u16 = 11;
    /// Padding (RFC 7830).
    pub const PADDING: u16 = 12;
    /// Key tags of the trust anchors of a validator (RFC 8145).
    pub const KEY_TAG: u16 = 14;
    /// Extended DNS error (RFC 8914).
    pub const EDE: u16 = 15;
    /// Agent domain for error reports (RFC 9567).
    pub const REPORT_CHANNEL: u16 = 18;
    /// Zone version (RFC 9660).
    pub const ZONEVERSION: u16 = 19;
}
