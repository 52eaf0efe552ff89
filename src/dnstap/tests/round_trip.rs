// SPDX-License-Identifier: MIT OR Apache-2.0
//! Comparison of the encoder and the decoder with prost.

mod arbitrary;

use std::marker::PhantomData;

use arbitrary::{event, fast_event, short_event};
use dnstap::decode::DecodeReason;
use dnstap::encode::fast_path::{
    self, FastKind, FastMessage, OneByte, Query, Response, TimedResponse, TwoBytes, ZonedQuery,
    ZonedResponse,
};
use dnstap::encode::{EncodeError, Encoder, Envelope, Origin, max_len};
use dnstap::proto::Dnstap;
use dnstap::schema::{MessageType, SocketFamily, SocketProtocol};
use dnstap::{Event, Message};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use prost::Message as _;

/// The contents of a buffer before it is written to.
const BEFORE: u8 = 0xa5;

fn encode(event: &Event<'_>) -> Vec<u8> {
    let mut out = vec![BEFORE; event.max_len().expect("fields within the limits")];
    let length = event.encode(&mut out).expect("enough room");
    out.truncate(length);
    out
}

/// Compares two decodings of `bytes`.
fn compare(bytes: &[u8]) -> Result<(), TestCaseError> {
    match (Event::decode(bytes), Dnstap::decode(bytes)) {
        (Ok(ours), Ok(theirs)) => prop_assert_eq!(ours, Event::from(&theirs)),
        // prost insists on UTF-8, and on the wire types of the schema.
        (Ok(_), Err(error)) => {
            let error = error.to_string();
            let known = error.contains("UTF-8") || error.contains("invalid wire type");
            prop_assert!(known, "{}", error);
        }
        // prost does not insist on required fields.
        (Err(error), Ok(_)) => {
            prop_assert!(matches!(
                error.reason,
                DecodeReason::EventType | DecodeReason::MessageType
            ));
        }
        (Err(error), Err(_)) => prop_assert!(error.offset <= bytes.len()),
    }
    Ok(())
}

/// A change to the bytes of an event, which may make it invalid.
#[derive(Clone, Debug)]
enum Damage {
    Set(Index, u8),
    Remove(Index, usize),
    Insert(Index, Vec<u8>),
    /// Copies bytes to another place.
    Repeat(Index, usize, Index),
}

fn damage() -> impl Strategy<Value = Damage> {
    prop_oneof![
        (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Damage::Set(at, byte)),
        (any::<Index>(), 1..20usize).prop_map(|(at, count)| Damage::Remove(at, count)),
        (any::<Index>(), vec(any::<u8>(), 1..12)).prop_map(|(at, new)| Damage::Insert(at, new)),
        (any::<Index>(), 1..80usize, any::<Index>())
            .prop_map(|(from, count, to)| Damage::Repeat(from, count, to)),
    ]
}

impl Damage {
    fn apply(&self, bytes: &mut Vec<u8>) {
        let size = bytes.len();
        match self {
            Self::Set(at, byte) => bytes[at.index(size)] = *byte,
            Self::Remove(at, count) => {
                let at = at.index(size);
                bytes.drain(at..(at + count).min(size - 1).max(at));
            }
            Self::Insert(at, new) => {
                let at = at.index(size);
                bytes.splice(at..at, new.iter().copied());
            }
            Self::Repeat(from, count, to) => {
                let from = from.index(size);
                let copy = bytes[from..(from + count).min(size)].to_vec();
                let to = to.index(size);
                bytes.splice(to..to, copy);
            }
        }
    }
}

/// Returns whether the fast path must encode an event.
fn is_short(event: &Event<'_>) -> bool {
    let length = |bytes: Option<&[u8]>| bytes.map_or(0, <[u8]>::len);
    let message = event.message.as_ref().expect("a message");
    let bytes = length(message.query_message) + length(message.response_message);
    // With a zone, or with short ports, the size of the length may be guessed wrong.
    let guessed = message.query_zone.is_none() && !(40..130).contains(&bytes) && bytes < 16_000;
    length(event.identity) + length(event.version) < 59 && guessed
}

/// A message that has the fields of its kind.
struct Fast<'a, const N: usize, K>(&'a Message<'a>, PhantomData<K>);

impl<const N: usize, K: FastKind> FastMessage<N> for Fast<'_, N, K> {
    type Kind = K;

    fn message_type(&self) -> MessageType {
        self.0.message_type
    }

    fn socket_protocol(&self) -> SocketProtocol {
        self.0.socket_protocol.expect("a protocol")
    }

    fn query_address(&self) -> &[u8; N] {
        self.0.query_address.expect("an address").try_into().expect("its length")
    }

    fn response_address(&self) -> &[u8; N] {
        self.0.response_address.expect("an address").try_into().expect("its length")
    }

    fn query_port(&self) -> u16 {
        self.0.query_port.map_or(0, |port| port as u16)
    }

    fn response_port(&self) -> u16 {
        self.0.response_port.map_or(0, |port| port as u16)
    }

    fn query_time(&self) -> (u64, u32) {
        (self.0.query_time_sec.expect("a time"), self.0.query_time_nsec.expect("a time"))
    }

    fn response_time(&self) -> (u64, u32) {
        (self.0.response_time_sec.expect("a time"), self.0.response_time_nsec.expect("a time"))
    }

    fn zone(&self) -> &[u8] {
        self.0.query_zone.expect("a zone")
    }

    fn bytes(&self) -> &[u8] {
        self.0.query_message.or(self.0.response_message).expect("a DNS message")
    }
}

/// Encodes a message on the fast path, into a buffer of `room` bytes.
fn encode_fast(
    message: &Message<'_>,
    encoder: &Encoder,
    origin: &Origin,
    room: usize,
) -> Option<Vec<u8>> {
    fn kind<const N: usize, K: FastKind>(
        message: &Message<'_>,
        encoder: &Encoder,
        origin: &Origin,
        out: &mut [u8],
    ) -> Option<usize> {
        let message = Fast::<N, K>(message, PhantomData);
        if fast_path::takes_two_bytes::<N, K>(message.bytes().len()) {
            fast_path::encode::<N, TwoBytes, _>(&message, encoder, origin, out)
        } else {
            fast_path::encode::<N, OneByte, _>(&message, encoder, origin, out)
        }
    }
    fn between<const N: usize>(
        message: &Message<'_>,
        encoder: &Encoder,
        origin: &Origin,
        out: &mut [u8],
    ) -> Option<usize> {
        let (response, zone) = (message.response_message.is_some(), message.query_zone.is_some());
        let encode = match (response, message.query_time_sec.is_some(), zone) {
            (false, _, false) => kind::<N, Query>,
            (false, _, true) => kind::<N, ZonedQuery>,
            (true, false, false) => kind::<N, Response>,
            (true, true, false) => kind::<N, TimedResponse>,
            (true, true, true) => kind::<N, ZonedResponse>,
            (true, false, true) => return None,
        };
        encode(message, encoder, origin, out)
    }
    let mut out = vec![0; room];
    let is_ipv4 = message.socket_family == Some(SocketFamily::INET);
    let encode = if is_ipv4 { between::<4> } else { between::<16> };
    let length = encode(message, encoder, origin, &mut out)?;
    out.truncate(length);
    Some(out)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    #[test]
    fn events_are_encoded_as_by_prost_and_decoded_again(owned in event()) {
        let event = Event::from(&owned);
        let bytes = encode(&event);
        prop_assert!(bytes == owned.encode_to_vec(), "different bytes");
        prop_assert!(Event::decode(&bytes) == Ok(event), "a different event");
        prop_assert!(Dnstap::from(&event) == owned, "a different owned event");
    }

    #[test]
    fn an_encoder_with_an_origin_writes_the_same_bytes(events in vec(event(), 1..8)) {
        let encoder = Encoder::new();
        for owned in &events {
            let event = Event { event_type: dnstap::schema::EventType::MESSAGE, ..Event::from(owned) };
            let Some(message) = &event.message else { continue };
            let Event { identity, version, extra, .. } = event;
            let own = Origin::new(identity, version, 1).expect("short fields");
            let other = Origin::new(identity.and(Some(b"other")), version.and(Some(b"1.0")), 1)
                .expect("short fields");
            let envelope = Envelope { extra, ..Envelope::EMPTY };
            for (origin, envelope) in [
                (&own, envelope),
                (&other, Envelope { identity, version, extra }),
            ] {
                let max_len = max_len(origin, message, envelope).expect("short fields");
                let mut out = vec![BEFORE; max_len];
                let length = encoder.encode(origin, message, envelope, &mut out);
                prop_assert!(out[..length.expect("room")] == encode(&event), "different bytes");
            }
        }
    }

    #[test]
    fn the_fast_path_writes_the_same_bytes(owned in fast_event(), room in 0..400usize) {
        let event = Event::from(&owned);
        let message = event.message.as_ref().expect("a message");
        let origin = Origin::new(event.identity, event.version, 1).expect("short fields");
        let encoder = Encoder::new();
        let before = encode_fast(message, &encoder, &origin, 70_000);
        prop_assert!(before.is_none(), "in a second that the encoder has not cached");
        let mut out = vec![0; 70_000];
        let any = encoder.encode(&origin, message, Envelope::EMPTY, &mut out).expect("enough room");
        match encode_fast(message, &encoder, &origin, 70_000) {
            Some(bytes) => prop_assert!(bytes == out[..any], "different bytes"),
            None => prop_assert!(!is_short(&event), "refused"),
        }
        if let Some(bytes) = encode_fast(message, &encoder, &origin, room) {
            prop_assert!(bytes == out[..any], "different bytes in a small buffer");
        }
    }

    #[test]
    fn a_small_buffer_is_sufficient_or_an_error(owned in short_event(), share in 0..=100usize) {
        let event = Event::from(&owned);
        let whole = encode(&event);
        let origin = Origin::new(event.identity, event.version, 1).expect("short fields");
        let message = event.message.as_ref().expect("a message");
        let envelope = Envelope { extra: event.extra, ..Envelope::EMPTY };
        let max_len = max_len(&origin, message, envelope).expect("short fields");
        let mut out = vec![BEFORE; max_len * share / 100];
        match Encoder::new().encode(&origin, message, envelope, &mut out) {
            Ok(length) => prop_assert_eq!(&out[..length], &whole[..]),
            Err(error) => prop_assert_eq!(error, EncodeError::BufferTooSmall),
        }
        match event.encode(&mut out) {
            Ok(length) => prop_assert_eq!(&out[..length], &whole[..]),
            Err(error) => prop_assert_eq!(error, EncodeError::BufferTooSmall),
        }
    }

    #[test]
    fn a_truncated_event_is_an_error(owned in event(), cuts in vec(any::<Index>(), 20)) {
        let bytes = owned.encode_to_vec();
        let places = cuts.iter().map(|cut| cut.index(bytes.len()));
        for length in places.chain(0..bytes.len().min(300)) {
            // The type is the last field.
            prop_assert!(Event::decode(&bytes[..length.min(bytes.len() - 1)]).is_err());
        }
    }

    #[test]
    fn damaged_events_are_decoded_as_by_prost(
        owned in short_event(),
        damages in vec(damage(), 1..4),
    ) {
        let mut bytes = owned.encode_to_vec();
        for damage in &damages {
            damage.apply(&mut bytes);
            compare(&bytes)?;
            // Also damages the message with its length intact, as most damage of an event makes a
            // length invalid.
            let Ok(Dnstap { message: Some(message), .. }) = Dnstap::decode(&bytes[..]) else {
                continue;
            };
            let mut inner = message.encode_to_vec();
            damage.apply(&mut inner);
            let mut frame = vec![0x72];
            prost::encoding::encode_varint(inner.len() as u64, &mut frame);
            frame.extend(inner);
            frame.extend([0x78, 1]);
            compare(&frame)?;
        }
    }

    #[test]
    fn arbitrary_bytes_are_decoded_as_by_prost(bytes in vec(any::<u8>(), 0..200)) {
        compare(&bytes)?;
    }
}

#[test]
fn fields_that_are_too_long_are_an_error() {
    let too_long = vec![0; 65_536];
    let long = &too_long[..65_535];
    let empty = Message::new(dnstap::schema::MessageType::CLIENT_QUERY);
    let origin = Origin::new(Some(long), Some(long), 1).expect("not too long");
    let mut out = vec![0; 300_000];
    let mut try_to_encode = |message: &Message<'_>, extra: Option<&[u8]>| {
        let envelope = Envelope { extra, ..Envelope::EMPTY };
        let in_place = Encoder::new().encode(&origin, message, envelope, &mut out).map(drop);
        let mut buffer = vec![0; 500_000];
        let event = Event { message: Some(*message), extra, ..Event::new() };
        assert_eq!(event.encode(&mut buffer).map(drop), in_place);
        in_place
    };
    let limit = |name| Err(EncodeError::TooLong(name));
    assert_eq!(try_to_encode(&empty, Some(long)), Ok(()));
    assert_eq!(try_to_encode(&empty, Some(&too_long)), limit("extra"));
    let message = Message { query_message: Some(long), response_message: Some(long), ..empty };
    assert_eq!(try_to_encode(&message, None), Ok(()));
    for (message, name) in [
        (Message { query_message: Some(&too_long), ..empty }, "query_message"),
        (Message { response_message: Some(&too_long), ..empty }, "response_message"),
        (Message { query_zone: Some(&too_long), ..empty }, "query_zone"),
        (Message { query_address: Some(&too_long[..17]), ..empty }, "query_address"),
        (Message { response_address: Some(&too_long[..17]), ..empty }, "response_address"),
    ] {
        assert_eq!(try_to_encode(&message, None), limit(name));
    }
    for (policy, error) in [
        (dnstap::Policy { rule: Some(&too_long), ..Default::default() }, "policy.rule"),
        (dnstap::Policy { value: Some(&too_long), ..Default::default() }, "policy.value"),
        (dnstap::Policy { policy_type: Some(&too_long), ..Default::default() }, "policy.type"),
    ] {
        let message = Message { policy: Some(policy), ..empty };
        assert_eq!(try_to_encode(&message, None), limit(error));
        assert_eq!(max_len(&origin, &message, Envelope::EMPTY), Err(EncodeError::TooLong(error)));
    }
    let policy = dnstap::Policy { policy_type: Some(b"RPZ\xff"), ..Default::default() };
    let message = Message { policy: Some(policy), ..empty };
    assert_eq!(try_to_encode(&message, None), Err(EncodeError::PolicyType));
    assert!(Origin::new(Some(&too_long), None, 1).is_err());
    assert!(Origin::new(None, Some(&too_long), 1).is_err());
    assert!(
        max_len(&origin, &Message { query_message: Some(&too_long), ..empty }, Envelope::EMPTY)
            .is_err()
    );
}

/// Encodes all fields in their longest form.
#[test]
fn the_longest_fields_fit_into_the_required_buffer() {
    use dnstap::schema::{
        HttpProtocol, MessageType, PolicyAction, PolicyMatch, SocketFamily, SocketProtocol,
    };
    const MOST: u32 = u32::MAX;
    let origin = Origin::new(None, None, 1).expect("nothing");
    for length in [0, 1, 75, 76, 127, 128, 16_383, 16_384, 65_535] {
        let long = vec![b'x'; length];
        let policy = dnstap::Policy {
            policy_type: Some(&long),
            rule: Some(&long),
            action: Some(PolicyAction(MOST)),
            policy_match: Some(PolicyMatch(MOST)),
            value: Some(&long),
        };
        let longest = Message {
            message_type: MessageType(MOST),
            socket_family: Some(SocketFamily(MOST)),
            socket_protocol: Some(SocketProtocol(MOST)),
            query_address: Some(&[1; 16]),
            response_address: Some(&[2; 16]),
            query_port: Some(MOST),
            response_port: Some(MOST),
            query_time_sec: Some(u64::MAX),
            query_time_nsec: Some(MOST),
            query_message: Some(&long),
            query_zone: Some(&long),
            response_time_sec: Some(u64::MAX),
            response_time_nsec: Some(MOST),
            response_message: Some(&long),
            policy: Some(policy),
            http_protocol: Some(HttpProtocol(MOST)),
        };
        let without_query = Message { query_message: None, query_zone: None, ..longest };
        let without_response = Message { response_message: None, policy: None, ..longest };
        for message in [longest, without_query, without_response] {
            for extra in [None, Some(&long[..])] {
                let envelope = Envelope { extra, ..Envelope::EMPTY };
                let max_len = max_len(&origin, &message, envelope).expect("not too long");
                let mut out = vec![BEFORE; max_len];
                let length = Encoder::new().encode(&origin, &message, envelope, &mut out);
                let event = Event { message: Some(message), extra, ..Event::new() };
                assert!(Event::decode(&out[..length.expect("room")]) == Ok(event));
                assert!(encode(&event) == Dnstap::from(&event).encode_to_vec());
            }
        }
    }
}
