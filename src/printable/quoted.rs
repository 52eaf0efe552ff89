// SPDX-License-Identifier: MIT OR Apache-2.0
//! Quoted strings as printed by fstrm's programs: in double quotes, with `\"` for a quote and `\xNN` for
//! bytes outside printable ASCII. Backslashes are not escaped.

const HEX: &[u8; 16] = b"0123456789abcdef";

/// Appends `bytes`, quoted, to `out`.
pub fn push_quoted(out: &mut Vec<u8>, bytes: &[u8]) {
    out.reserve(2 + 4 * bytes.len());
    out.push(b'"');
    for &byte in bytes {
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b' '..=b'~' => out.push(byte),
            _ => out.extend_from_slice(&[
                b'\\',
                b'x',
                HEX[usize::from(byte >> 4)],
                HEX[usize::from(byte & 15)],
            ]),
        }
    }
    out.push(b'"');
}

/// Returns `bytes`, quoted.
pub fn quoted(bytes: &[u8]) -> String {
    let mut out = Vec::new();
    push_quoted(&mut out, bytes);
    out.into_iter().map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn quotes_and_unprintable_bytes_are_escaped_and_backslashes_are_not() {
        assert_eq!(quoted(b"a\"\\ ~\x7f\0\n\xff"), r#""a\"\ ~\x7f\x00\x0a\xff""#);
    }
}
