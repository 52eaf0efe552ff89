// SPDX-License-Identifier: MIT OR Apache-2.0
//! Recognises the format of a stream that is not Frame Streams.

use framestream::frame::MAX_FRAME_SIZE_DEFAULT;
use thiserror::Error;

/// The apparent content of a stream that does not begin with a control frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Foreign {
    /// A TLS record (RFC 8446, section 5.1).
    #[error("this is TLS; decrypt it first")]
    Tls,
    /// A gzip file (RFC 1952).
    #[error("this is compressed with gzip")]
    Gzip,
    /// A Zstandard file (RFC 8878).
    #[error("this is compressed with zstd")]
    Zstd,
    /// An xz file.
    #[error("this is compressed with xz")]
    Xz,
    /// A packet capture, pcap or pcapng.
    #[error("this is a packet capture (pcap)")]
    Pcap,
    /// Text, such as dnstap as YAML or JSON, a query log, or HTTP.
    #[error("this is text")]
    Text,
    /// dnstap messages with 4-byte length prefixes.
    #[error("these are dnstap messages without a START frame")]
    NoStart,
    /// Protobuf messages with 2-byte length prefixes, as PowerDNS logs them.
    #[error("these are protobuf messages with 2-byte lengths, as PowerDNS sends them")]
    PowerDns,
    /// None of these.
    #[error("this begins with neither READY nor START")]
    Unknown,
}

/// Beginnings that no other stream has.
const MAGIC: [(&[u8], Foreign); 8] = [
    (b"\x1f\x8b", Foreign::Gzip),
    (b"\x28\xb5\x2f\xfd", Foreign::Zstd),
    (b"\xfd7zXZ\0", Foreign::Xz),
    // In either byte order, with microseconds and with nanoseconds; pcapng.
    (b"\xd4\xc3\xb2\xa1", Foreign::Pcap),
    (b"\xa1\xb2\xc3\xd4", Foreign::Pcap),
    (b"\x4d\x3c\xb2\xa1", Foreign::Pcap),
    (b"\xa1\xb2\x3c\x4d", Foreign::Pcap),
    (b"\x0a\x0d\x0d\x0a", Foreign::Pcap),
];

/// Keys of the fields of `Dnstap`: identity, version, extra, message, type.
const DNSTAP_KEYS: [u8; 5] = [0x0a, 0x12, 0x1a, 0x72, 0x78];

/// Keys of the field 1, as a number and as bytes, with which a logger's protobuf begins.
const FIRST_KEYS: [u8; 2] = [0x08, 0x0a];

impl Foreign {
    /// Guesses the format of a stream that begins with `head`, which is not a control frame. 12
    /// bytes suffice.
    pub fn recognise(head: &[u8]) -> Self {
        if let Some((_, known)) = MAGIC.iter().find(|(magic, _)| head.starts_with(magic)) {
            return *known;
        }
        let is_text = |byte: &u8| matches!(byte, b'\t' | b'\n' | b'\r' | b' '..=b'~');
        match head {
            // A skippable frame, with which some compressors begin.
            [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Self::Zstd,
            // Handshake or alert, of SSL 3.0 to TLS 1.3.
            [0x15 | 0x16, 0x03, 0..=4, ..] => Self::Tls,
            _ if head.iter().all(is_text) => Self::Text,
            [a, b, c, d, key, ..]
                if (2..=MAX_FRAME_SIZE_DEFAULT as u32)
                    .contains(&u32::from_be_bytes([*a, *b, *c, *d]))
                    && DNSTAP_KEYS.contains(key) =>
            {
                Self::NoStart
            }
            [a, b, key, ..] if u16::from_be_bytes([*a, *b]) > 3 && FIRST_KEYS.contains(key) => {
                Self::PowerDns
            }
            _ => Self::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Foreign;

    #[test]
    fn formats_are_recognised_by_their_beginning() {
        for (head, foreign) in [
            (&b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\x9a"[..], Foreign::Tls),
            (b"\x15\x03\x03\x00\x02\x02\x28", Foreign::Tls),
            (b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\x63\x60", Foreign::Gzip),
            (b"\x28\xb5\x2f\xfd\x04\x58\x61\x00\x00", Foreign::Zstd),
            (b"\x5d\x2a\x4d\x18\x04\x00\x00\x00", Foreign::Zstd),
            (b"\xfd7zXZ\0\x00\x04", Foreign::Xz),
            (b"\xd4\xc3\xb2\xa1\x02\x00\x04\x00", Foreign::Pcap),
            (b"\x0a\x0d\x0d\x0a\x1c\x00\x00\x00", Foreign::Pcap),
            (b"type: MESSAG", Foreign::Text),
            (b"GET / HTTP/1", Foreign::Text),
            (b"\n", Foreign::Text),
            (b"\x00\x00\x00\x9a\x0a\x05ns1.e", Foreign::NoStart),
            (b"\x00\x01\x0a\x9a\x72\x05", Foreign::NoStart),
            (b"\x00\x9a\x0a\x10\x0a\x05", Foreign::PowerDns),
            (b"\x00\x64\x08\x01\x12\x10", Foreign::PowerDns),
            (b"\x00\x00\x00\x01\x78\x01", Foreign::Unknown),
            (b"\xff\xff\xff\xff\xff\xff", Foreign::Unknown),
            (b"\x00\x00\x01", Foreign::Unknown),
        ] {
            assert_eq!(Foreign::recognise(head), foreign, "{}", head.escape_ascii());
        }
    }
}
