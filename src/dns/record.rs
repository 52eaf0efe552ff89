// SPDX-License-Identifier: MIT OR Apache-2.0
//! Resource records (RFC 1035, section 4.1.3).

use super::{BadMessage, BadMessageReason, name};

/// The type of the pseudo-record of EDNS (RFC 6891).
pub const OPT: u16 = 41;

/// Size in bytes of the fields between the name and the data of a record.
const FIXED_SIZE: usize = 10;

/// The header of a record and the position of its data.
#[derive(Clone, Copy, Debug)]
pub struct Record {
    /// Offset of the name in the message.
    pub name_at: usize,
    /// The type.
    pub rtype: u16,
    /// The class.
    pub class: u16,
    /// The time to live, in seconds.
    pub ttl: u32,
    /// Offset of the data in the message.
    pub start: usize,
    /// Offset of the end of the data.
    pub end: usize,
}

impl Record {
    /// Parses the record at `at`.
    #[inline]
    pub(crate) fn at(wire: &[u8], at: usize) -> Result<Self, BadMessage> {
        let next = name::skip(wire, at)?;
        let cut = BadMessage { offset: next, reason: BadMessageReason::Truncated };
        let Some(fixed) = wire[next..].first_chunk::<FIXED_SIZE>() else { return Err(cut) };
        let [t1, t2, c1, c2, ttl1, ttl2, ttl3, ttl4, l1, l2] = *fixed;
        let start = next + FIXED_SIZE;
        let end = start + usize::from(u16::from_be_bytes([l1, l2]));
        if end > wire.len() {
            return Err(cut);
        }
        Ok(Self {
            name_at: at,
            rtype: u16::from_be_bytes([t1, t2]),
            class: u16::from_be_bytes([c1, c2]),
            ttl: u32::from_be_bytes([ttl1, ttl2, ttl3, ttl4]),
            start,
            end,
        })
    }
}
