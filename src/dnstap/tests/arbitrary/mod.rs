// SPDX-License-Identifier: MIT OR Apache-2.0
//! Strategies for events, as owned values.

use dnstap::proto::{Dnstap, Message, Policy};
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;

/// Returns bytes of at most `max_len`, usually short, and often of a length around which its varint
/// gets longer.
fn bytes(max_len: usize) -> BoxedStrategy<Vec<u8>> {
    let length = prop_oneof![
        6 => 0..200usize,
        1 => 125..131usize,
        1 => 16_380..16_390usize,
        1 => 0..=max_len,
    ];
    (length, any::<u8>())
        .prop_map(move |(length, first)| {
            (0..length.min(max_len)).map(|index| first.wrapping_add(index as u8)).collect()
        })
        .boxed()
}

fn dns_message() -> impl Strategy<Value = Vec<u8>> {
    bytes(65_535)
}

fn address() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![4 => vec(any::<u8>(), 4), 4 => vec(any::<u8>(), 16), 1 => vec(any::<u8>(), 0..=16)]
}

/// Returns the number of an enumeration, usually one that has a name.
fn number() -> impl Strategy<Value = i32> {
    prop_oneof![8 => 1..16i32, 1 => 100..200i32, 1 => any::<i32>()]
}

fn port() -> impl Strategy<Value = u32> {
    prop_oneof![4 => 0..=65_535u32, 2 => Just(53u32), 1 => any::<u32>()]
}

fn seconds() -> impl Strategy<Value = u64> {
    let around = (1..10u32).prop_flat_map(|sevens| {
        let limit = 1u64 << (7 * sevens);
        limit - 1..=limit
    });
    prop_oneof![6 => 1_700_000_000..1_700_000_003u64, 2 => around, 1 => any::<u64>()]
}

fn policy() -> impl Strategy<Value = Policy> {
    let text = of("\\PC{0,20}");
    (text, of(bytes(65_535)), of(number()), of(number()), of(bytes(65_535))).prop_map(
        |(r#type, rule, action, r#match, value)| Policy { r#type, rule, action, r#match, value },
    )
}

/// Returns a message of which any field may be absent.
fn message() -> impl Strategy<Value = Message> {
    let numbers = (number(), of(number()), of(number()), of(number()));
    let addresses = (of(address()), of(address()), of(port()), of(port()));
    let query = (of(seconds()), of(any::<u32>()), of(dns_message()), of(bytes(255)));
    let response = (of(seconds()), of(any::<u32>()), of(dns_message()));
    (numbers, addresses, query, response, prop::option::weighted(0.2, policy())).prop_map(
        |(numbers, addresses, query, response, policy)| Message {
            r#type: numbers.0,
            socket_family: numbers.1,
            socket_protocol: numbers.2,
            http_protocol: numbers.3,
            query_address: addresses.0,
            response_address: addresses.1,
            query_port: addresses.2,
            response_port: addresses.3,
            query_time_sec: query.0,
            query_time_nsec: query.1,
            query_message: query.2,
            query_zone: query.3,
            response_time_sec: response.0,
            response_time_nsec: response.1,
            response_message: response.2,
            policy,
        },
    )
}

/// Returns a message as servers log it.
fn typical_message() -> impl Strategy<Value = Message> {
    let ends = (any::<bool>(), any::<[u8; 16]>(), any::<u16>(), prop_oneof![Just(53), Just(853)]);
    let times = (seconds(), any::<u32>());
    (1..15i32, 1..8i32, ends, times, vec(any::<u8>(), 12..300), of(bytes(20))).prop_map(
        |(r#type, socket_protocol, (is_ipv6, address, query_port, port), time, dns, zone)| {
            let is_query = r#type % 2 == 1;
            let address = Some(address[..if is_ipv6 { 16 } else { 4 }].to_vec());
            Message {
                r#type,
                socket_family: Some(1 + i32::from(is_ipv6)),
                socket_protocol: Some(socket_protocol),
                query_address: address.clone(),
                response_address: address,
                query_port: Some(query_port.into()),
                response_port: Some(port),
                query_time_sec: Some(time.0),
                query_time_nsec: Some(time.1),
                query_zone: zone,
                response_time_sec: (!is_query).then_some(time.0),
                response_time_nsec: (!is_query).then_some(time.1),
                query_message: is_query.then_some(dns.clone()),
                response_message: (!is_query).then_some(dns),
                ..Message::default()
            }
        },
    )
}

/// Returns an event of which any field may be absent, or one as servers log it.
pub(crate) fn event() -> impl Strategy<Value = Dnstap> {
    let message = prop_oneof![
        10 => message().prop_map(Some),
        10 => typical_message().prop_map(Some),
        1 => Just(None),
    ];
    let r#type = prop_oneof![9 => Just(1), 1 => number()];
    let origin = (of(bytes(65_535)), of(bytes(65_535)));
    (origin, prop::option::weighted(0.2, bytes(65_535)), message, r#type).prop_map(
        |((identity, version), extra, message, r#type)| Dnstap {
            identity,
            version,
            extra,
            message,
            r#type,
        },
    )
}

/// Returns an event of type MESSAGE with a message and only short fields.
pub(crate) fn short_event() -> impl Strategy<Value = Dnstap> {
    let origin = of(vec(any::<u8>(), 0..40));
    (origin.clone(), origin.clone(), origin, typical_message()).prop_map(
        |(identity, version, extra, message)| Dnstap {
            identity,
            version,
            extra,
            message: Some(message),
            r#type: 1,
        },
    )
}

/// Returns an event that the fast path encodes, with times between 1978 and 3058.
pub(crate) fn fast_event() -> impl Strategy<Value = Dnstap> {
    let origin = of(vec(any::<u8>(), 0..34));
    let port = prop_oneof![Just(None), (1..=65_535u32).prop_map(Some)];
    let more = (1 << 28..1u64 << 35, any::<bool>(), dns_message(), port.clone(), port);
    (origin.clone(), origin, typical_message(), more).prop_map(
        |(identity, version, mut message, (second, is_timed, dns, query_port, response_port))| {
            message.query_port = query_port;
            message.response_port = response_port;
            let is_response = message.response_message.is_some();
            let has_query_time = is_timed || !is_response;
            message.query_time_sec = has_query_time.then_some(second);
            message.query_time_nsec = message.query_time_nsec.filter(|_| has_query_time);
            message.response_time_sec = is_response.then_some(second);
            message.query_message = (!is_response).then(|| dns.clone());
            message.response_message = is_response.then_some(dns);
            Dnstap { identity, version, extra: None, message: Some(message), r#type: 1 }
        },
    )
}
