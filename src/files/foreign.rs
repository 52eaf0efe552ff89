// SPDX-License-Identifier: MIT OR Apache-2.0
//! Recognises files and protocols that are not Frame Streams.

use dnstap::reader::Foreign;

/// Number of bytes needed to recognise a format.
pub const HEAD_SIZE: usize = 16;

const HTTP_METHODS: [&[u8]; 9] = [
    b"GET ",
    b"HEAD ",
    b"POST ",
    b"PUT ",
    b"DELETE ",
    b"CONNECT ",
    b"OPTIONS ",
    b"PATCH ",
    b"PRI * HTTP/2",
];

/// The magic number of Apache Parquet.
const PARQUET: &[u8] = b"PAR1";

/// Returns the likely format of a file that begins with `head`, which is not a control frame.
pub(crate) fn recognise(head: &[u8]) -> &'static str {
    if head.starts_with(PARQUET) {
        return "this is a Parquet file, which is not read, only written";
    }
    match Foreign::recognise(head) {
        Foreign::Tls => "this is a recording of TLS, not a file of frames",
        Foreign::Gzip => "this is compressed with gzip",
        Foreign::Zstd => "this is compressed with zstd",
        Foreign::Xz => "this is compressed with xz, which has to be taken off first",
        Foreign::Pcap => "this is a packet capture (pcap), not a file of frames",
        Foreign::Text => "this is text, not a file of frames",
        Foreign::NoStart => "these are messages with a 4-byte length, without START before them",
        Foreign::PowerDns => {
            "these are protobuf messages with a 2-byte length, as PowerDNS logs them"
        }
        Foreign::Unknown => "this is not a file of frames: it does not begin with START",
    }
}

/// Returns the likely protocol of a peer whose stream begins with `head`, which is not a control
/// frame.
pub fn recognise_peer(head: &[u8]) -> &'static str {
    match Foreign::recognise(head) {
        Foreign::Tls => "the peer speaks TLS; this socket takes Frame Streams without TLS",
        Foreign::PowerDns => {
            "the peer sends protobuf messages with a 2-byte length (as PowerDNS' protobuf logger \
             does), not Frame Streams"
        }
        _ if HTTP_METHODS.iter().any(|method| starts_like(head, method)) => {
            "the peer speaks HTTP, not Frame Streams"
        }
        // The content type may be any, not only that of dnstap.
        _ if head.len() >= 4 && head[0] == 0 && head[..4] != [0; 4] => {
            "the peer sends data without START: messages with a 4-byte length, or a Frame Streams \
             sender without handshake"
        }
        _ => "the peer does not speak Frame Streams",
    }
}

/// Returns whether the shorter slice is a prefix of the longer one.
fn starts_like(head: &[u8], whole: &[u8]) -> bool {
    let length = head.len().min(whole.len());
    length >= 4 && head[..length] == whole[..length]
}

#[cfg(test)]
mod tests {
    use super::{recognise, recognise_peer};

    #[test]
    fn files_of_other_formats_are_recognised() {
        for (head, word) in [
            (&b"PAR1\x15\x04\x15\x10"[..], "Parquet"),
            (b"\x4d\x3c\xb2\xa1\x02\x00\x04\x00", "pcap"),
            (b"\x0a\x0d\x0d\x0a\x1c\x00\x00\x00", "pcap"),
            (b"12:00:00 CQ 192.", "text"),
            (b"\xfd7zXZ\0\x00\x04", "xz"),
            (b"\xee\xee\xee\xee", "START"),
        ] {
            assert!(recognise(head).contains(word), "{head:?}: {}", recognise(head));
            assert!(!recognise(head).contains("peer"), "{head:?}");
        }
    }

    #[test]
    fn other_protocols_are_recognised() {
        for (head, word) in [
            (&b"\x16\x03\x01\x02\x00\x01"[..], "TLS"),
            (b"GET / HTTP/1.1\r\n", "HTTP"),
            (b"POST", "HTTP"),
            (b"\x00\x64\x08\x01\x12\x10", "2-byte"),
            (b"\x01\x00\x0a\x04", "2-byte"),
            (b"\x00\x00\x00\x9a\x0a\x05", "4-byte"),
            (b"\x00\x01\x0a\x9a", "4-byte"),
            (b"SSH-2.0-", "does not speak"),
            (b"\x1f\x8b\x08\x00", "does not speak"),
            (b"a:\nb:\n", "does not speak"),
            (b"\x00\x00\x00\x00\x00\x00", "does not speak"),
        ] {
            assert!(recognise_peer(head).contains(word), "{head:?}: {}", recognise_peer(head));
        }
    }
}
