// SPDX-License-Identifier: MIT OR Apache-2.0
//! Single fields of record data, as text.

use printable::civil_time::date_time_digits;
use printable::text::Text;

use crate::mnemonic;
use crate::record_data::{Data, Done};

/// Prints nothing, before a space that golang's tool prints first.
pub(super) fn nothing(_: &mut Data<'_>, _: &mut impl Text) -> Done {
    Ok(())
}

pub(super) fn u8(data: &mut Data<'_>, out: &mut impl Text) -> Done {
    data.u8().map(|number| out.number(number))
}

pub(super) fn u16(data: &mut Data<'_>, out: &mut impl Text) -> Done {
    data.u16().map(|number| out.number(number))
}

pub(super) fn u32(data: &mut Data<'_>, out: &mut impl Text) -> Done {
    data.u32().map(|number| out.number(number))
}

/// Prints a time in seconds, of 32 bits.
pub(super) fn time(data: &mut Data<'_>, out: &mut impl Text) -> Done {
    data.u32().map(|seconds| date_time_digits(seconds.into(), out))
}

/// Prints a time in seconds, of 48 bits.
pub(super) fn long_time(data: &mut Data<'_>, out: &mut impl Text) -> Done {
    data.integer(6).map(|seconds| date_time_digits(seconds, out))
}

pub(super) fn name(data: &mut Data<'_>, out: &mut impl Text) -> Done {
    data.name(out)
}

/// Prints the type of other records.
pub(super) fn record_type(data: &mut Data<'_>, out: &mut impl Text) -> Done {
    data.u16().map(|number| mnemonic::type_text(number, out))
}

/// Prints an algorithm of DNSSEC by its name.
pub(super) fn algorithm(data: &mut Data<'_>, out: &mut impl Text) -> Done {
    let number = data.u8()?;
    mnemonic::print(mnemonic::algorithm(number), "", number.into(), out);
    Ok(())
}

/// Prints the type of a certificate by its name.
pub(super) fn certificate_type(data: &mut Data<'_>, out: &mut impl Text) -> Done {
    let number = data.u16()?;
    mnemonic::print(mnemonic::certificate(number), "", number, out);
    Ok(())
}

/// Prints a character string without quotation marks.
pub(super) fn string(data: &mut Data<'_>, out: &mut impl Text) -> Done {
    data.string().map(|bytes| string_text(bytes, out))
}

/// Prints a character string between quotation marks.
pub(super) fn quoted(data: &mut Data<'_>, out: &mut impl Text) -> Done {
    data.string().map(|bytes| quoted_text(bytes, out))
}

/// Prints all that is left, at least one character string.
pub(super) fn strings(data: &mut Data<'_>, out: &mut impl Text) -> Done {
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

/// Prints all that is left as text between quotation marks.
pub(super) fn quoted_rest(data: &mut Data<'_>, out: &mut impl Text) -> Done {
    quoted_text(data.rest(), out);
    Ok(())
}

fn quoted_text(bytes: &[u8], out: &mut impl Text) {
    out.byte(b'"');
    string_text(bytes, out);
    out.byte(b'"');
}

/// Prints the bytes of a character string, without the quotation marks.
fn string_text(bytes: &[u8], out: &mut impl Text) {
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

/// Prints all that is left in base 64.
pub(super) fn base64(data: &mut Data<'_>, out: &mut impl Text) -> Done {
    out.base64(data.rest());
    Ok(())
}

/// Prints all that is left in hexadecimal digits.
pub(super) fn hex(data: &mut Data<'_>, out: &mut impl Text) -> Done {
    out.hex(data.rest());
    Ok(())
}

/// The same in upper case.
pub(super) fn upper_hex(data: &mut Data<'_>, out: &mut impl Text) -> Done {
    out.upper_hex(data.rest());
    Ok(())
}

/// Prints all that is left in pieces of 1024 hexadecimal digits.
pub(super) fn hex_pieces(data: &mut Data<'_>, out: &mut impl Text) -> Done {
    for piece in data.rest().chunks(512) {
        out.hex(piece);
        if piece.len() == 512 {
            out.byte(b' ');
        }
    }
    Ok(())
}

/// Prints a length and as many bytes, in hexadecimal digits.
pub(super) fn sized_hex(data: &mut Data<'_>, out: &mut impl Text) -> Done {
    let length = data.u16()?;
    out.number(length);
    out.byte(b' ');
    out.hex(data.sized(length)?);
    Ok(())
}

/// The same in upper case.
pub(super) fn sized_upper_hex(data: &mut Data<'_>, out: &mut impl Text) -> Done {
    let length = data.u16()?;
    out.number(length);
    out.byte(b' ');
    out.upper_hex(data.sized(length)?);
    Ok(())
}

/// Prints all that is left as data of no known format (RFC 3597, section 5).
pub(super) fn unknown(data: &mut Data<'_>, out: &mut impl Text) -> Done {
    let bytes = data.rest();
    out.str("\\# ");
    out.number(bytes.len() as u64);
    out.byte(b' ');
    out.hex(bytes);
    Ok(())
}
