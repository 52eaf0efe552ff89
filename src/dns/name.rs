// SPDX-License-Identifier: MIT OR Apache-2.0
//! Domain names in a message (RFC 1035, sections 3.1 and 4.1.4).

use printable::text::TextSink;

use super::{BadMessage, BadMessageReason};

/// Maximum length of a name in bytes.
const NAME_MAX: usize = 255;

/// Maximum number of compression pointers in a name: one for each label of the longest name.
const POINTERS_MAX: usize = 126;

/// The printed form of a byte: verbatim, after a backslash, or as a backslash and three digits.
const PLAIN: u8 = 0;
const ESCAPED: u8 = 1;
const NUMBERED: u8 = 2;

/// The printed form of each byte of a label.
static ESCAPES: [u8; 256] = {
    let mut escapes = [NUMBERED; 256];
    let mut byte = b' ';
    while byte <= b'~' {
        escapes[byte as usize] = PLAIN;
        byte += 1;
    }
    let special = b". '@;()\"\\";
    let mut index = 0;
    while index < special.len() {
        escapes[special[index] as usize] = ESCAPED;
        index += 1;
    }
    escapes
};

/// Prints the name at `at` and returns the offset of the next field. Compression pointers may refer to
/// any offset in `wire`.
#[inline]
pub fn print<T: TextSink>(wire: &[u8], at: usize, out: &mut T) -> Result<usize, BadMessage> {
    if !T::KEEPS_TEXT {
        return skip(wire, at);
    }
    let mut root = true;
    let next = walk(wire, at, |label| {
        root = false;
        label_text(label, out);
        out.byte(b'.');
    })?;
    if root {
        out.byte(b'.');
    }
    Ok(next)
}

/// Skips the name at `at` and returns the offset of the next field.
pub fn skip(wire: &[u8], at: usize) -> Result<usize, BadMessage> {
    walk(wire, at, |_| ())
}

/// Appends the name at `at` to `out` in canonical wire format: uncompressed and in lower case. Returns
/// the offset of the next field.
pub fn canonical(wire: &[u8], at: usize, out: &mut Vec<u8>) -> Result<usize, BadMessage> {
    let next = walk(wire, at, |label| {
        out.push(label.len() as u8);
        let start = out.len();
        out.extend_from_slice(label);
        out[start..].make_ascii_lowercase();
    })?;
    out.push(0);
    Ok(next)
}

/// Calls `visit` with each label of a name and returns the offset of the next field.
#[inline]
fn walk<'a>(
    wire: &'a [u8],
    mut at: usize,
    mut visit: impl FnMut(&'a [u8]),
) -> Result<usize, BadMessage> {
    let bad = |offset, reason| BadMessage { offset, reason };
    let mut next = None;
    let mut left = NAME_MAX;
    let mut pointers = 0;
    loop {
        let first = *wire.get(at).ok_or(bad(at, BadMessageReason::Truncated))?;
        match first {
            0 => return Ok(next.unwrap_or(at + 1)),
            1..=0x3f => {
                let end = at + 1 + usize::from(first);
                let label = wire.get(at + 1..end).ok_or(bad(at, BadMessageReason::Truncated))?;
                // The root label needs the last byte.
                if left <= label.len() + 1 {
                    return Err(bad(at, BadMessageReason::LongName));
                }
                left -= label.len() + 1;
                visit(label);
                at = end;
            }
            0xc0.. => {
                let second = *wire.get(at + 1).ok_or(bad(at, BadMessageReason::Truncated))?;
                next.get_or_insert(at + 2);
                pointers += 1;
                if pointers > POINTERS_MAX {
                    return Err(bad(at, BadMessageReason::Pointers));
                }
                at = usize::from(first & 0x3f) << 8 | usize::from(second);
            }
            _ => return Err(bad(at, BadMessageReason::LabelType)),
        }
    }
}

/// Prints a label with escapes.
fn label_text(label: &[u8], out: &mut impl TextSink) {
    if label.iter().all(|byte| ESCAPES[usize::from(*byte)] == PLAIN) {
        return out.plain(label);
    }
    for &byte in label {
        match ESCAPES[usize::from(byte)] {
            PLAIN => out.byte(byte),
            ESCAPED => out.bytes(&[b'\\', byte]),
            _ => out.escaped(byte),
        }
    }
}

/// Prints the name at the start of `wire`.
pub fn print_first(wire: &[u8], out: &mut impl TextSink) -> Result<(), BadMessage> {
    print(wire, 0, out).map(drop)
}

/// Returns whether `bytes` are exactly one name in wire format.
pub fn is_exact(bytes: &[u8]) -> bool {
    skip(bytes, 0) == Ok(bytes.len())
}

/// Prints `bytes` if they are exactly one name in wire format.
pub fn print_exact(bytes: &[u8], out: &mut Vec<u8>) -> Option<()> {
    (print(bytes, 0, out) == Ok(bytes.len())).then_some(())
}

/// Parses a name in presentation format into canonical wire format. The final dot is optional.
pub fn parse(text: &str) -> Option<Vec<u8>> {
    let mut wire = Vec::new();
    let text = if text == "." { "" } else { text };
    let mut bytes = text.bytes();
    let mut label = Vec::new();
    let mut ended = true;
    while let Some(byte) = bytes.next() {
        ended = false;
        match byte {
            b'.' => {
                push_label(&mut wire, &label)?;
                label.clear();
                ended = true;
            }
            b'\\' => label.push(unescaped(&mut bytes)?),
            _ => label.push(byte.to_ascii_lowercase()),
        }
    }
    if !ended {
        push_label(&mut wire, &label)?;
    }
    wire.push(0);
    (wire.len() <= NAME_MAX).then_some(wire)
}

fn push_label(wire: &mut Vec<u8>, label: &[u8]) -> Option<()> {
    let length = u8::try_from(label.len()).ok().filter(|length| (1..=63).contains(length))?;
    wire.push(length);
    wire.extend_from_slice(label);
    Some(())
}

/// Returns the byte that the characters after a backslash stand for.
fn unescaped(bytes: &mut std::str::Bytes<'_>) -> Option<u8> {
    let first = bytes.next()?;
    if !first.is_ascii_digit() {
        return Some(first.to_ascii_lowercase());
    }
    let mut number = u16::from(first - b'0');
    for _ in 0..2 {
        let digit = bytes.next().filter(u8::is_ascii_digit)?;
        number = number * 10 + u16::from(digit - b'0');
    }
    u8::try_from(number).ok().map(|byte| byte.to_ascii_lowercase())
}

/// Returns whether the canonical name `name` is `zone` or a name below it.
pub fn is_within(name: &[u8], zone: &[u8]) -> bool {
    let Some(start) = name.len().checked_sub(zone.len()) else { return false };
    // A matching suffix must start at a label boundary.
    let mut at = 0;
    while at < start {
        at += 1 + usize::from(name[at]);
    }
    at == start && name[start..] == *zone
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(wire: &[u8], at: usize) -> Result<(String, usize), BadMessage> {
        let mut out = Vec::new();
        print(wire, at, &mut out).map(|next| (String::from_utf8(out).unwrap(), next))
    }

    #[test]
    fn names_are_printed_with_escapes_and_pointers() {
        assert_eq!(text(b"\0", 0), Ok((".".into(), 1)));
        assert_eq!(text(b"\x03www\x02ex\0", 0), Ok(("www.ex.".into(), 8)));
        assert_eq!(text(b"\x02ex\0\x03www\xc0\0", 4), Ok(("www.ex.".into(), 10)));
        let odd = b"\x0ca.b'@;() \"\\\xff\x01\n\0";
        assert_eq!(text(odd, 0).unwrap().0, r#"a\.b\'\@\;\(\)\ \"\\\255.\010."#);
    }

    #[test]
    fn bad_names_are_rejected() {
        let reason = |wire: &[u8]| text(wire, 0).unwrap_err().reason;
        assert_eq!(reason(b""), BadMessageReason::Truncated);
        assert_eq!(reason(b"\x03ab"), BadMessageReason::Truncated);
        assert_eq!(reason(b"\xc0"), BadMessageReason::Truncated);
        assert_eq!(reason(b"\x40"), BadMessageReason::LabelType);
        assert_eq!(reason(b"\xc0\0"), BadMessageReason::Pointers);
        let longest = [&b"\x3f"[..], &[b'a'; 63]].concat().repeat(3);
        let fits = [&longest[..], b"\x3d", &[b'b'; 61], b"\0"].concat();
        assert!(text(&fits, 0).is_ok());
        let too_long = [&longest[..], b"\x3e", &[b'b'; 62], b"\0"].concat();
        assert_eq!(reason(&too_long), BadMessageReason::LongName);
    }

    #[test]
    fn presentation_format_is_parsed() {
        assert_eq!(parse("."), Some(b"\0".to_vec()));
        assert_eq!(parse("Www.example"), Some(b"\x03www\x07example\0".to_vec()));
        assert_eq!(parse(r"a\.b\065."), Some(b"\x04a.ba\0".to_vec()));
        for bad in ["a..b", ".a", r"a\", r"\25", r"\256", &"a".repeat(64)] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_zone_contains_the_names_below_it() {
        let name = parse("www.example.com").unwrap();
        for zone in [".", "com", "example.com", "www.example.com"] {
            assert!(is_within(&name, &parse(zone).unwrap()), "{zone}");
        }
        for other in ["ample.com", "org", "x.www.example.com"] {
            assert!(!is_within(&name, &parse(other).unwrap()), "{other}");
        }
        // The bytes within a label can look like labels.
        assert!(!is_within(b"\x05x\x03com\0", b"\x03com\0"));
    }
}
