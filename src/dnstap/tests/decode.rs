// SPDX-License-Identifier: MIT OR Apache-2.0
//! Decoding of single frames that protobuf allows, or does not allow.

use dnstap::decode::{DecodeError, DecodeReason};
use dnstap::schema::{EventType, HttpProtocol, MessageType, PolicyAction, SocketProtocol};
use dnstap::{Event, Message, Policy};

/// Returns a field of bytes, which must be fewer than 128.
fn bytes(number: u8, bytes: &[u8]) -> Vec<u8> {
    [&[number << 3 | 2, bytes.len() as u8], bytes].concat()
}

/// Returns a frame with a message of these fields, followed by these fields of the event.
fn frame(message: &[&[u8]], event: &[&[u8]]) -> Vec<u8> {
    [bytes(14, &message.concat()), event.concat(), vec![0x78, 1]].concat()
}

fn message(frame: &[u8]) -> Message<'_> {
    Event::decode(frame).expect("an event").message.expect("a message")
}

fn error(frame: &[u8]) -> (usize, DecodeReason) {
    let DecodeError { offset, reason } = Event::decode(frame).expect_err("no event");
    (offset, reason)
}

const CLIENT_QUERY: &[u8] = &[0x08, 5];

#[test]
fn only_the_type_is_required() {
    assert_eq!(Event::decode(&[0x78, 1]), Ok(Event::new()));
    let frame = frame(&[CLIENT_QUERY], &[]);
    assert_eq!(message(&frame), Message::new(MessageType::CLIENT_QUERY));
}

#[test]
fn events_and_messages_without_a_type_are_refused() {
    assert_eq!(error(&[]), (0, DecodeReason::EventType));
    assert_eq!(error(&bytes(1, b"ns1")), (5, DecodeReason::EventType));
    assert_eq!(error(&bytes(14, CLIENT_QUERY)), (4, DecodeReason::EventType));
    assert_eq!(error(&frame(&[], &[])), (4, DecodeReason::MessageType));
    assert_eq!(error(&frame(&[&bytes(10, &[0; 100])], &[])).1, DecodeReason::MessageType);
}

#[test]
fn numbers_without_a_name_are_kept() {
    let event = Event::decode(&[0x78, 2]).expect("an event");
    assert_eq!(event.event_type, EventType(2));
    let frame = frame(&[&[0x08, 99], &[0x18, 8], &[0x80, 1, 4]], &[]);
    let expected = Message {
        socket_protocol: Some(SocketProtocol(8)),
        http_protocol: Some(HttpProtocol(4)),
        ..Message::new(MessageType(99))
    };
    assert_eq!(message(&frame), expected);
}

#[test]
fn long_numbers_are_truncated() {
    // -1 as an int32, 2^32 + 53 as an uint32.
    let minus_one = [0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1];
    let frame = frame(&[&minus_one, &[0x30, 0xb5, 0x80, 0x80, 0x80, 0x10]], &[]);
    let expected = Message { query_port: Some(53), ..Message::new(MessageType(u32::MAX)) };
    assert_eq!(message(&frame), expected);
}

#[test]
fn fields_may_come_in_any_order_and_the_last_one_counts() {
    let frame = [
        vec![0x78, 9],
        bytes(2, b"version"),
        bytes(14, &[&[0x38, 53], &bytes(5, &[1, 1, 1, 1])[..], CLIENT_QUERY, &[0x38, 54]].concat()),
        bytes(1, b"first"),
        bytes(1, b"last"),
        vec![0x78, 1],
    ]
    .concat();
    let expected = Event {
        identity: Some(b"last"),
        version: Some(b"version"),
        message: Some(Message {
            response_address: Some(&[1, 1, 1, 1]),
            response_port: Some(54),
            ..Message::new(MessageType::CLIENT_QUERY)
        }),
        ..Event::new()
    };
    assert_eq!(Event::decode(&frame), Ok(expected));
}

#[test]
fn pieces_of_a_message_are_merged() {
    let numbers = [0x08, 6, 0x10, 1, 0x18, 1];
    let response = bytes(14, &[7; 80]);
    let rule = bytes(15, &bytes(2, b"rule"));
    let action = bytes(15, &[0x18, 4]);
    let second = bytes(14, &[&[0x18, 2][..], &bytes(11, b"zone"), &action].concat());
    let frame = frame(&[&numbers, &response, &rule], &[&second]);
    let expected = Message {
        socket_family: Some(dnstap::schema::SocketFamily::INET),
        socket_protocol: Some(SocketProtocol::TCP),
        query_zone: Some(b"zone"),
        response_message: Some(&[7; 80]),
        policy: Some(Policy {
            rule: Some(b"rule"),
            action: Some(PolicyAction::DROP),
            ..Policy::default()
        }),
        ..Message::new(MessageType::CLIENT_RESPONSE)
    };
    assert_eq!(message(&frame), expected);
    // The type may be in any of the pieces.
    let pieces = [bytes(14, &[0x38, 53]), bytes(14, CLIENT_QUERY), vec![0x78, 1]].concat();
    assert_eq!(message(&pieces).message_type, MessageType::CLIENT_QUERY);
    assert_eq!(message(&pieces).response_port, Some(53));
}

#[test]
fn nothing_is_read_beyond_the_end_of_a_message() {
    // The short message is followed by bytes that could be its next fields.
    let frame = frame(&[&[0x08, 6, 0x10, 1, 0x18, 1]], &[&[0x30, 53], &[0x38, 53], &[0x40, 1]]);
    let frame = [frame, bytes(3, &[0; 80])].concat();
    let decoded = message(&frame);
    assert_eq!((decoded.query_port, decoded.response_port), (None, None));
    assert_eq!(decoded.query_time_sec, None);
}

#[test]
fn varints_may_be_longer_than_necessary() {
    let long = |number: u8, value: u8| {
        let mut varint = vec![0x80; 11];
        varint[0] = number << 3;
        varint[1] |= value;
        varint[10] = 0;
        varint
    };
    let frame = frame(&[&long(1, 5), &long(7, 53), &[0xc0, 0x80, 0, 7]], &[]);
    let decoded = message(&frame);
    assert_eq!(decoded.message_type, MessageType::CLIENT_QUERY);
    assert_eq!((decoded.response_port, decoded.query_time_sec), (Some(53), Some(7)));
    let longer = [&[0x38][..], &[0x80; 10], &[0]].concat();
    assert_eq!(error(&longer), (0, DecodeReason::Varint));
    let larger = [&[0x38][..], &[0xff; 9], &[2]].concat();
    assert_eq!(error(&[bytes(1, b"x"), larger].concat()), (3, DecodeReason::Varint));
}

#[test]
fn unknown_fields_are_skipped() {
    // The numbers 1000 and 1001, which new fields of the schema do not take.
    let unknown: [&[u8]; 5] = [
        &[0xc0, 0x3e, 0xff, 1],
        &[0xc1, 0x3e, 1, 2, 3, 4, 5, 6, 7, 8],
        &[0xc2, 0x3e, 3, 1, 2, 3],
        &[0xc5, 0x3e, 1, 2, 3, 4],
        // A group with a varint and another group in it.
        &[0xc3, 0x3e, 0x08, 1, 0xcb, 0x3e, 0x10, 1, 0xcc, 0x3e, 0xc4, 0x3e],
    ];
    let unknown = unknown.concat();
    let frame = frame(&[&unknown, CLIENT_QUERY, &unknown], &[&unknown]);
    assert_eq!(message(&frame), Message::new(MessageType::CLIENT_QUERY));
}

#[test]
fn a_known_field_with_another_wire_type_is_skipped() {
    let frame = frame(&[&bytes(6, b"53"), CLIENT_QUERY, &[0x22, 0, 0x20, 1]], &[&[0x08, 1]]);
    let expected = Message { query_address: Some(&[]), ..Message::new(MessageType::CLIENT_QUERY) };
    let event = Event { message: Some(expected), ..Event::new() };
    assert_eq!(Event::decode(&frame), Ok(event));
}

#[test]
fn groups_must_be_balanced_and_not_too_deep() {
    assert_eq!(error(&[0x93, 2, 0x08, 1]), (2, DecodeReason::Truncated));
    assert_eq!(error(&[0x93, 2, 0x9c, 2]), (2, DecodeReason::GroupEnd));
    assert_eq!(error(&[0x94, 2]), (0, DecodeReason::GroupEnd));
    let nested = |depth| [[0x0b].repeat(depth), [0x0c].repeat(depth), vec![0x78, 1]].concat();
    assert_eq!(Event::decode(&nested(100)), Ok(Event::new()));
    assert_eq!(error(&nested(101)), (100, DecodeReason::GroupDepth));
}

#[test]
fn invalid_protobuf_is_an_error() {
    for (frame, expected) in [
        (&[0x0a][..], (0, DecodeReason::Truncated)),
        (&[0x0a, 2, b'x'], (0, DecodeReason::Truncated)),
        (
            &[0x78, 1, 0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1],
            (2, DecodeReason::Truncated),
        ),
        (&[0x78, 0x80], (0, DecodeReason::Truncated)),
        (&[0x78, 1, 0x80], (2, DecodeReason::Truncated)),
        (&[0x78, 1, 0xa5, 1, 0, 0, 0], (2, DecodeReason::Truncated)),
        (&[0x78, 1, 0xa1, 1, 0, 0, 0], (2, DecodeReason::Truncated)),
        (&[0x72, 3, 0x08, 5, 0x4d, 0x78, 1], (4, DecodeReason::Truncated)),
        (&[0x78, 1, 0x00, 1], (2, DecodeReason::FieldNumber)),
        (&[0x78, 1, 0x80, 0x80, 0x80, 0x80, 0x10, 0], (2, DecodeReason::FieldNumber)),
        (&[0x78, 1, 0x0e], (2, DecodeReason::WireType)),
        (&[0x78, 1, 0x0f], (2, DecodeReason::WireType)),
    ] {
        assert_eq!(error(frame), expected, "{frame:x?}");
    }
    let error = Event::decode(&[0x78, 1, 0x0e]).expect_err("no event");
    assert_eq!(error.to_string(), "a wire type is unknown at byte 2");
}
