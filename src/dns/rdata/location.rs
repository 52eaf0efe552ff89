// SPDX-License-Identifier: MIT OR Apache-2.0
//! Geographic locations.

use printable::text::TextSink;

use crate::record_data::{PrintResult, RecordData};

/// Prints LOC (RFC 1876).
pub(super) fn loc(data: &mut RecordData<'_>, out: &mut impl TextSink) -> PrintResult {
    const ZERO: u32 = 1 << 31;
    let _version = data.u8()?;
    let sizes = [data.u8()?, data.u8()?, data.u8()?];
    for [positive, negative] in [*b"NS", *b"EW"] {
        let value = data.u32()?;
        let (direction, angle) =
            if value > ZERO { (positive, value - ZERO) } else { (negative, ZERO - value) };
        let milliseconds = angle % 60_000;
        out.padded(angle / 3_600_000, 2);
        out.byte(b' ');
        out.padded(angle / 60_000 % 60, 2);
        out.byte(b' ');
        out.number(milliseconds / 1000);
        out.byte(b'.');
        out.padded(milliseconds % 1000, 3);
        out.bytes(&[b' ', direction, b' ']);
    }
    let centimetres = i64::from(data.u32()?) - 10_000_000;
    if centimetres < 0 {
        out.byte(b'-');
    }
    out.number(centimetres.unsigned_abs() / 100);
    if centimetres % 100 != 0 {
        out.byte(b'.');
        out.padded(centimetres.unsigned_abs() % 100, 2);
    }
    out.byte(b'm');
    for size in sizes {
        let (digit, exponent) = (size >> 4, size & 0xf);
        out.byte(b' ');
        match exponent {
            0 | 1 => {
                out.str("0.");
                out.padded(if exponent == 1 { digit * 10 } else { digit }, 2);
            }
            _ => {
                out.number(digit);
                for _ in 2..exponent {
                    out.byte(b'0');
                }
            }
        }
        out.byte(b'm');
    }
    Ok(())
}
