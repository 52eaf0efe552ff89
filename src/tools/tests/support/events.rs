// SPDX-License-Identifier: MIT OR Apache-2.0
//! Events with everything that the golang tool supports as well: types, families, protocols, records
//! and EDNS options, whole and cut off.

use dnstap::schema::{MessageType, SocketFamily, SocketProtocol};
use dnstap::{Event, Message};

/// Encodes an event.
pub(crate) fn frame(event: &Event<'_>) -> Vec<u8> {
    let mut out = vec![0; event.max_len().unwrap()];
    let size = event.encode(&mut out).unwrap();
    out.truncate(size);
    out
}

/// Names with characters that must be escaped, and an ordinary one.
pub(crate) const NAMES: [&[u8]; 4] = [
    b"\x03www\x07example\0",
    b"\0",
    b"\x0ca.b'@;() \"\\\xff\x03A\n\x7f\0",
    b"\x01*\x07_domain\x04\xc3\xa4-x\0",
];

/// Data of record types that Debian 12's golang tool does not support.
pub(crate) const NEWER: [(u16, &[u8]); 9] = [
    (20, b"\x05a\"b\\c\x03def"),
    (45, b"\x0a\x00\x02key"),
    (45, b"\x0a\x01\x02\xc0\0\x02\x01key"),
    (45, b"\x0a\x02\x02\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01key"),
    (45, b"\x0a\x03\x02\x04mail\x07example\0key"),
    (128, b""),
    (260, b"\x0a\x01\xc0\0\x02\x01"),
    (260, b"\x0a\x03\x04mail\x07example\0"),
    (261, b"\x05qname\x07abc=\"\\d"),
];

/// Returns record types and data in wire format.
pub(crate) fn records() -> Vec<(u16, Vec<u8>)> {
    let name = b"\x04mail\x07example\0";
    let with = |front: &[u8]| [front, name].concat();
    let key = |front: &[u8]| [front, &(0..61).collect::<Vec<u8>>()].concat();
    let numbers = [0, 0, 0, 1, 0, 0, 14, 16, 0, 0, 3, 132, 0, 9, 58, 128, 255, 255, 255, 255];
    let bitmap = b"\0\x07\x62\x01\x80\x08\0\x03\x80\x01\x01\x40\x80\x02\xc0\x01";
    let mut records = vec![
        (1, vec![192, 0, 2, 1]),
        (28, "2001:db8::1".parse::<std::net::Ipv6Addr>().unwrap().octets().to_vec()),
        (28, "::ffff:1.2.3.4".parse::<std::net::Ipv6Addr>().unwrap().octets().to_vec()),
        (28, vec![0; 16]),
        (6, [&name[..], name, &numbers].concat()),
        (14, with(name)),
        (17, with(name)),
        (58, with(name)),
        (13, b"\x03x86\x05Linux".to_vec()),
        (16, b"\x05hello\x00\x07a\"b\\c\xff\n".to_vec()),
        (56, b"\x01x".to_vec()),
        (99, b"\x06v=spf1".to_vec()),
        (258, b"\x01y\x01z".to_vec()),
        (19, b"\x05311\"6".to_vec()),
        (100, b"\x04info".to_vec()),
        (26, [&b"\0\x0a"[..], name, name].concat()),
        (27, b"\x0244\x0255\x0266".to_vec()),
        (29, b"\0\x12\x16\x13\x89\x17\x2d\xd0\x70\xbe\x15\xf0\0\x98\x8d\x20".to_vec()),
        (29, b"\0\x00\x51\x90\x70\x17\x2d\xd0\x90\xbe\x15\xf0\0\0\0\x21".to_vec()),
        (31, b"\x0a\xbc".to_vec()),
        (32, b"\x0a\xbc".to_vec()),
        (33, with(b"\0\x01\0\x02\x14\xe9")),
        (35, with(b"\0d\0\x0a\x01u\x07E2U+sip\x04!x\"!")),
        (37, key(b"\0\x01\0\x05\x08")),
        (37, key(b"\x12\x34\0\x05\xc8")),
        (42, b"\0\x01\x15\x83\xc0\xa8\x20\0\x02\x10\x02\xff\x01\0\x01\0\0".to_vec()),
        (44, key(b"\x01\x02")),
        (47, with(b"").into_iter().chain(bitmap.iter().copied()).collect()),
        (49, key(b"\0\x01\x01")),
        (61, key(b"")),
        (50, [&b"\x01\x01\0\x05\x04\xaa\xbb\xcc\xdd\x14"[..], &[7; 20], bitmap].concat()),
        (50, [&b"\x01\0\0\0\0\x14"[..], &[200; 20]].concat()),
        (51, b"\x01\0\0\x05\0".to_vec()),
        (51, b"\x01\0\0\x05\x02\xab\xcd".to_vec()),
        (52, key(b"\x03\x01\x01")),
        (53, key(b"\x03\x01\x01")),
        (53, [b"\x03\x01\x01", &[0xab; 512][..]].concat()),
        (53, [b"\x03\x01\x01", &[0xab; 700][..]].concat()),
        (55, [&b"\x02\x02\0\x03\xaa\xbbkey"[..], name, name].concat()),
        (62, [&b"\0\0\0\x42\0\x03"[..], bitmap].concat()),
        (63, key(b"\0\0\0\x42\x01\x01")),
        (64, with(b"\0\0")),
        (
            65,
            [
                &b"\0\x01\0\0\0\0\x04\0\x01\0\x03\0\x01\0\x0a\x02h2\x06a,b\\\" "[..],
                b"\0\x02\0\0\0\x03\0\x02\x01\xbb\0\x04\0\x08\xc0\0\x02\x01\xc0\0\x02\x02",
                b"\0\x05\0\x03ech\0\x06\0\x10\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01",
                b"\0\x07\0\x05/q{?}\x02\x9a\0\x04a\";\xff",
            ]
            .concat(),
        ),
        (101, b"\0\0\x01\0".to_vec()),
        (102, b"\0\0\x01\0".to_vec()),
        (104, b"\0\x0a\0\x14\x4f\xff\xff\x20\xee\x64".to_vec()),
        (105, b"\0\x0a\xc0\0\x02\x01".to_vec()),
        (106, b"\0\x0a\0\x14\x4f\xff\xff\x20\xee\x64".to_vec()),
        (108, b"\0\x14\x4f\xff\xff\x20".to_vec()),
        (109, b"\0\x14\x4f\xff\xff\x20\xee\x64".to_vec()),
        (256, b"\0\x0a\0\x01ftp://ftp1.example/\"\xff".to_vec()),
        (257, b"\x80\x05issue ca.example; x\"".to_vec()),
        (249, [name, &b"\x5f\0\0\0\x60\0\0\0\0\x03\0\0\0\x02\xab\xcd\0\x01\xff"[..]].concat()),
        (
            250,
            [name, &b"\0\0\x5f\0\0\0\x01\x2c\0\x02\xab\xcd\x12\x34\0\x12\0\x01\xff"[..]].concat(),
        ),
        (65400, b"\x01\x02\x03".to_vec()),
    ];
    records.extend(NEWER.map(|(rtype, data)| (rtype, data.to_vec())));
    records.extend([2, 3, 4, 5, 7, 8, 9, 12, 23, 39].map(|rtype| (rtype, with(b""))));
    records.extend([15, 18, 21, 36, 107].map(|rtype| (rtype, with(b"\0\x0a"))));
    records.extend([24, 46].map(|rtype| {
        let front = b"\0\x01\x0d\x02\0\0\x0e\x10\x66\x5b\x7a\0\x66\x33\xed\0\x30\x39";
        (rtype, [&with(front)[..], &[9; 64]].concat())
    }));
    records.extend([25, 48, 57, 60].map(|rtype| (rtype, key(b"\x01\x01\x03\x0d"))));
    records.extend([43, 59, 32768, 32769].map(|rtype| (rtype, key(b"\x30\x39\x0d\x02"))));
    records
}

/// Encodes a message with `records` in each section.
pub(crate) fn message(
    flags: u16,
    question: &[u8],
    qtype: u16,
    records: &[(u16, u16, &[u8])],
) -> Vec<u8> {
    let count = records.len() as u8;
    let mut wire = vec![0x12, 0x34, (flags >> 8) as u8, flags as u8];
    wire.extend([0, 1, 0, count, 0, count, 0, count]);
    wire.extend_from_slice(question);
    wire.extend(qtype.to_be_bytes());
    wire.extend([0, 1]);
    for section in 0..3_u32 {
        for (rtype, class, data) in records {
            wire.extend([0xc0, 12]);
            wire.extend(rtype.to_be_bytes());
            wire.extend(class.to_be_bytes());
            wire.extend((section * 86400).to_be_bytes());
            wire.extend((data.len() as u16).to_be_bytes());
            wire.extend_from_slice(data);
        }
    }
    wire
}

/// Encodes a message with valid EDNS options.
fn edns() -> Vec<u8> {
    let options: [(u16, &[u8]); 21] = [
        (1, b"\0\x01\0\x02\0\x03\0\0\0\0\0\0\0\x04\0\0\0\x05"),
        (2, b"\0\0\x0e\x10"),
        (2, b"\0\0\x0e\x10\0\0\0\x07"),
        (3, b"ns1"),
        (4, b"sip:x@example"),
        (5, b"\x08\x0d\xc8"),
        (6, b"\x01\x02\x09"),
        (7, b"\x01"),
        (8, b"\0\x01\x18\0\xc0\0\x02"),
        (8, b"\0\x02\x38\x10\x20\x01\x0d\xb8\0\0\0"),
        (8, b"\0\0\0\0"),
        (9, b""),
        (9, b"\0\x01\0\0"),
        (10, b"\x01\x02\x03\x04\x05\x06\x07\x08"),
        (11, b""),
        (11, b"\0\x64"),
        (12, b"\0\0"),
        (15, b"\0\x16no route"),
        (15, b"\0\x1dmade"),
        (15, b"\x01\0"),
        (65001, b"\xde\xad"),
    ];
    let mut data = Vec::new();
    for (code, value) in options {
        data.extend(code.to_be_bytes());
        data.extend((value.len() as u16).to_be_bytes());
        data.extend_from_slice(value);
    }
    let mut wire = vec![0, 7, 0x81, 0x83, 0, 1, 0, 0, 0, 0, 0, 2];
    wire.extend(b"\x01x\0\0\x01\0\x01");
    wire.extend(b"\0\0\x29\x04\xd0\x01\0\x80\0");
    wire.extend((data.len() as u16).to_be_bytes());
    wire.extend(data);
    wire.extend(b"\xc0\x0c\0\x01\0\x01\0\0\0\x05\0\x04\xc0\0\x02\x01");
    wire
}

/// Returns events of every type, family, protocol and record that the golang tool supports.
pub(crate) fn events() -> Vec<Vec<u8>> {
    events_without(&[])
}

/// Returns [`events`] without these records.
pub(crate) fn events_without(left_out: &[(u16, &[u8])]) -> Vec<Vec<u8>> {
    let mut wires = vec![edns(), vec![0, 1, 0x81, 0x85, 0, 1, 0, 0, 0, 0, 0, 0]];
    for (index, name) in NAMES.into_iter().enumerate() {
        for qtype in [1, 255, 252, 23, 45, 65280, 65535] {
            wires.push(message(0x0100 << index, name, qtype, &[]));
        }
    }
    for (rtype, data) in records() {
        if left_out.contains(&(rtype, &data)) {
            continue;
        }
        wires.push(message(0x8580, NAMES[0], rtype, &[(rtype, 1, &data)]));
        wires.push(message(0x8583, NAMES[2], rtype, &[(rtype, 254, &data), (rtype, 77, &data)]));
        // Without data, as in updates, and with data that ends between two fields or within one.
        wires.push(message(0x2800, NAMES[0], 6, &[(rtype, 255, &[])]));
        for length in 1..data.len().min(24) {
            wires.push(message(0x8580, NAMES[0], rtype, &[(rtype, 1, &data[..length])]));
        }
        let longer = [&data[..], b"\x7f"].concat();
        wires.push(message(0x8580, NAMES[0], rtype, &[(rtype, 1, &longer)]));
    }
    let whole = message(0x8180, NAMES[0], 1, &[(1, 1, &[192, 0, 2, 1])]);
    wires.extend((0..whole.len()).map(|length| whole[..length].to_vec()));
    let addresses: [(SocketFamily, &[u8], &[u8]); 2] = [
        (SocketFamily::INET, &[192, 0, 2, 1], &[198, 51, 100, 7]),
        (SocketFamily::INET6, &[0x20, 1, 0xd, 0xb8, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 9], &[0; 16]),
    ];
    let mut events = Vec::new();
    for (index, wire) in wires.iter().enumerate() {
        let number = index as u32;
        let (family, query_address, response_address) = addresses[index % 2];
        // The golang tool prints stub queries as unknown.
        let types = (1..=14).filter(|number| !matches!(number, 9 | 10)).collect::<Vec<u32>>();
        let kind = MessageType(types[index % types.len()]);
        let message = Message {
            socket_family: Some(family),
            // Debian's golang tool prints later protocols as numbers.
            socket_protocol: Some(SocketProtocol(1 + number % 4)),
            query_address: (index % 7 != 0).then_some(query_address),
            response_address: (index % 5 != 0).then_some(response_address),
            query_port: Some(1024 + number),
            response_port: (index % 2 == 0).then_some(53),
            query_time_sec: Some(1_700_000_000 + u64::from(number)),
            query_time_nsec: Some(number * 1_000_370),
            query_message: kind.is_query().then_some(wire),
            query_zone: (index % 3 == 0).then_some(NAMES[index % 4]),
            response_time_sec: (index % 4 != 0).then_some(1_700_000_001),
            response_time_nsec: (index % 4 != 1).then_some(number * 100_000),
            response_message: kind.is_response().then_some(wire),
            ..Message::new(kind)
        };
        events.push(frame(&Event {
            identity: (index % 2 == 0).then_some(b"ns1.\"x\"\\\n\xc3\xa4\x01"),
            version: Some(b"Knot 3"),
            message: Some(message),
            ..Event::new()
        }));
    }
    events
}
