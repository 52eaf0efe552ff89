// SPDX-License-Identifier: MIT OR Apache-2.0
//! Addresses, locators and identifiers of hosts.

use printable::text::TextSink;

use crate::BadMessageReason;
use crate::record_data::{PrintResult, RecordData};

pub(super) fn ipv4(data: &mut RecordData<'_>, out: &mut impl TextSink) -> PrintResult {
    if !data.is_empty() {
        out.ipv4(data.array()?);
    }
    Ok(())
}

pub(super) fn ipv6(data: &mut RecordData<'_>, out: &mut impl TextSink) -> PrintResult {
    if !data.is_empty() {
        out.ipv6(data.array()?.into());
    }
    Ok(())
}

/// Prints APL (RFC 3123).
pub(super) fn apl(data: &mut RecordData<'_>, out: &mut impl TextSink) -> PrintResult {
    let mut first = true;
    while !data.is_empty() {
        let [high, low, prefix, last] = data.array()?;
        let (negated, length) = (last & 0x80 != 0, last & 0x7f);
        let (family, size) = match [high, low] {
            [0, 1] => (b'1', 4),
            [0, 2] => (b'2', 16),
            _ => return Err(data.error(BadMessageReason::AddressPrefix)),
        };
        let given = data.take(length.into())?;
        if usize::from(prefix) > 8 * size || given.len() > size || given.last() == Some(&0) {
            return Err(data.error(BadMessageReason::AddressPrefix));
        }
        let mut address = [0; 16];
        address[..given.len()].copy_from_slice(given);
        if !first {
            out.byte(b' ');
        }
        first = false;
        if negated {
            out.byte(b'!');
        }
        out.bytes(&[family, b':']);
        out.address(&address[..size]);
        out.byte(b'/');
        out.number(prefix);
    }
    Ok(())
}

/// Prints L32 (RFC 6742).
pub(super) fn l32(data: &mut RecordData<'_>, out: &mut impl TextSink) -> PrintResult {
    out.number(data.u16()?);
    if !data.is_empty() {
        out.byte(b' ');
    }
    ipv4(data, out)
}

/// Prints the identifier of NID.
pub(super) fn node_id(data: &mut RecordData<'_>, out: &mut impl TextSink) -> PrintResult {
    groups(&data.integer(8)?.to_be_bytes(), 2, b':', out, TextSink::hex);
    Ok(())
}

/// Prints the locator of L64.
pub(super) fn locator64(data: &mut RecordData<'_>, out: &mut impl TextSink) -> PrintResult {
    groups(&data.integer(8)?.to_be_bytes(), 2, b':', out, TextSink::upper_hex);
    Ok(())
}

pub(super) fn eui48(data: &mut RecordData<'_>, out: &mut impl TextSink) -> PrintResult {
    groups(&data.integer(6)?.to_be_bytes()[2..], 1, b'-', out, TextSink::hex);
    Ok(())
}

pub(super) fn eui64(data: &mut RecordData<'_>, out: &mut impl TextSink) -> PrintResult {
    groups(&data.integer(8)?.to_be_bytes(), 1, b'-', out, TextSink::hex);
    Ok(())
}

/// Prints groups of `size` bytes with `print`, separated by `separator`.
fn groups<T: TextSink>(
    bytes: &[u8],
    size: usize,
    separator: u8,
    out: &mut T,
    print: impl Fn(&mut T, &[u8]),
) {
    for (index, group) in bytes.chunks(size).enumerate() {
        if index > 0 {
            out.byte(separator);
        }
        print(out, group);
    }
}
