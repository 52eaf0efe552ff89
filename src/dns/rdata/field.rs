// SPDX-License-Identifier: MIT OR Apache-2.0
//! Printers of single fields of record data.

use printable::civil_time::date_time_digits;
use printable::text::TextSink;

use crate::mnemonic;
use crate::record_data::{PrintResult, RecordData};

/// Prints an empty field, which makes the golang tool's leading space.
pub(super) fn nothing(_: &mut RecordData<'_>, _: &mut impl TextSink) -> PrintResult {
    Ok(())
}

pub(super) fn u8(data: &mut RecordData<'_>, out: &mut impl TextSink) -> PrintResult {
    data.u8().map(|number| out.number(number))
}

pub(super) fn u16(data: &mut RecordData<'_>, out: &mut impl TextSink) -> PrintResult {
    data.u16().map(|number| out.number(number))
}

pub(super) fn u32(data: &mut RecordData<'_>, out: &mut impl TextSink) -> PrintResult {
    data.u32().map(|number| out.number(number))
}

/// Prints a 32-bit time in seconds.
pub(super) fn time(data: &mut RecordData<'_>, out: &mut impl TextSink) -> PrintResult {
    data.u32().map(|seconds| date_time_digits(seconds.into(), out))
}

/// Prints a 48-bit time in seconds.
pub(super) fn long_time(data: &mut RecordData<'_>, out: &mut impl TextSink) -> PrintResult {
    data.integer(6).map(|seconds| date_time_digits(seconds, out))
}

pub(super) fn name(data: &mut RecordData<'_>, out: &mut impl TextSink) -> PrintResult {
    data.name(out)
}

/// Prints a record type.
pub(super) fn record_type(data: &mut RecordData<'_>, out: &mut impl TextSink) -> PrintResult {
    data.u16().map(|number| mnemonic::type_text(number, out))
}

/// Prints the name of a DNSSEC algorithm.
pub(super) fn algorithm(data: &mut RecordData<'_>, out: &mut impl TextSink) -> PrintResult {
    let number = data.u8()?;
    mnemonic::print(mnemonic::algorithm(number), "", number.into(), out);
    Ok(())
}

/// Prints the name of a certificate type.
pub(super) fn certificate_type(data: &mut RecordData<'_>, out: &mut impl TextSink) -> PrintResult {
    let number = data.u16()?;
    mnemonic::print(mnemonic::certificate(number), "", number, out);
    Ok(())
}

/// Prints a character string without quotation marks.
pub(super) fn string(data: &mut RecordData<'_>, out: &mut impl TextSink) -> PrintResult {
    data.string().map(|bytes| string_text(bytes, out))
}

/// Prints a character string between quotation marks.
pub(super) fn quoted(data: &mut RecordData<'_>, out: &mut impl TextSink) -> PrintResult {
    data.string().map(|bytes| quoted_text(bytes, out))
}

/// Prints the remaining data as character strings.
pub(super) fn strings(data: &mut RecordData<'_>, out: &mut impl TextSink) -> PrintResult {
    let mut first = true;
    while !data.is_empty() {
        if !first {
            out.byte(b' ');
        }
        first = false;
        quoted(data, out)?;
    }
    Ok(())
}

/// Prints the remaining data as text between quotation marks.
pub(super) fn quoted_rest(data: &mut RecordData<'_>, out: &mut impl TextSink) -> PrintResult {
    quoted_text(data.rest(), out);
    Ok(())
}

fn quoted_text(bytes: &[u8], out: &mut impl TextSink) {
    out.byte(b'"');
    string_text(bytes, out);
    out.byte(b'"');
}

/// Prints the bytes of a character string with escapes.
fn string_text(bytes: &[u8], out: &mut impl TextSink) {
    let plain = |byte: &u8| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\');
    if bytes.iter().all(plain) {
        return out.plain(bytes);
    }
    for &byte in bytes {
        match byte {
            b'"' | b'\\' => out.bytes(&[b'\\', byte]),
            b' '..=b'~' => out.byte(byte),
            _ => out.escaped(byte),
        }
    }
}

/// Prints the remaining data in base 64.
pub(super) fn base64(data: &mut RecordData<'_>, out: &mut impl TextSink) -> PrintResult {
    out.base64(data.rest());
    Ok(())
}

/// Prints the remaining data in lower-case hexadecimal.
pub(super) fn hex(data: &mut RecordData<'_>, out: &mut impl TextSink) -> PrintResult {
    out.hex(data.rest());
    Ok(())
}

/// Prints the remaining data in upper-case hexadecimal.
pub(super) fn upper_hex(data: &mut RecordData<'_>, out: &mut impl TextSink) -> PrintResult {
    out.upper_hex(data.rest());
    Ok(())
}

/// Prints the remaining data in groups of 1024 hexadecimal digits.
pub(super) fn hex_pieces(data: &mut RecordData<'_>, out: &mut impl TextSink) -> PrintResult {
    for piece in data.rest().chunks(512) {
        out.hex(piece);
        if piece.len() == 512 {
            out.byte(b' ');
        }
    }
    Ok(())
}

/// Prints a length and the bytes that follow it in lower-case hexadecimal.
pub(super) fn sized_hex(data: &mut RecordData<'_>, out: &mut impl TextSink) -> PrintResult {
    let length = data.u16()?;
    out.number(length);
    out.byte(b' ');
    out.hex(data.sized(length)?);
    Ok(())
}

/// Prints a length and the bytes that follow it in upper-case hexadecimal.
pub(super) fn sized_upper_hex(data: &mut RecordData<'_>, out: &mut impl TextSink) -> PrintResult {
    let length = data.u16()?;
    out.number(length);
    out.byte(b' ');
    out.upper_hex(data.sized(length)?);
    Ok(())
}

/// Prints the remaining data in the format of unknown types (RFC 3597, section 5).
pub(super) fn unknown(data: &mut RecordData<'_>, out: &mut impl TextSink) -> PrintResult {
    let bytes = data.rest();
    out.str("\\# ");
    out.number(bytes.len() as u64);
    out.byte(b' ');
    out.hex(bytes);
    Ok(())
}
