// SPDX-License-Identifier: MIT OR Apache-2.0
//! Fields of NSEC, NSEC3 and CSYNC.

use printable::text::TextSink;

use crate::record_data::{PrintResult, RecordData};
use crate::{BadMessageReason, mnemonic};

/// Prints the salt of NSEC3 (RFC 5155).
pub(super) fn salt(data: &mut RecordData<'_>, out: &mut impl TextSink) -> PrintResult {
    let length = data.u8()?;
    match data.sized(length)? {
        [] => out.byte(b'-'),
        salt => out.upper_hex(salt),
    }
    Ok(())
}

/// Prints the hash of the next owner name.
pub(super) fn next_hash(data: &mut RecordData<'_>, out: &mut impl TextSink) -> PrintResult {
    let length = data.u8()?;
    out.base32hex(data.sized(length)?);
    Ok(())
}

/// Prints the types in a bitmap (RFC 4034, section 4.1.2), each preceded by a space.
pub(super) fn types(data: &mut RecordData<'_>, out: &mut impl TextSink) -> PrintResult {
    let mut last = None;
    while !data.is_empty() {
        let [window, length] = data.array()?;
        if last.is_some_and(|last| window <= last) || !(1..=32).contains(&length) {
            return Err(data.error(BadMessageReason::Bitmap));
        }
        last = Some(window);
        for (index, byte) in data.take(length.into())?.iter().enumerate() {
            for bit in (0..8).filter(|bit| byte & 0x80 >> bit != 0) {
                out.byte(b' ');
                mnemonic::type_text(u16::from(window) << 8 | (8 * index + bit) as u16, out);
            }
        }
    }
    Ok(())
}
