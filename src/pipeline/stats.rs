// SPDX-License-Identifier: MIT OR Apache-2.0
//! Statistics of messages: counts by type, protocol, question and response code, the most frequent names and
//! clients, and latencies. Memory is bounded for any input.

pub(crate) mod http;
pub(crate) mod latency;
pub mod metrics;
pub(crate) mod span;
pub mod text;
pub(crate) mod top;

use std::collections::BTreeMap;

use dns::section::Parts;
use dns::{BadMessage, name};
use dnstap::schema::{Hop, MessageType, SocketProtocol};
use dnstap::{Event, Message};
use printable::text::TextSink;

use self::latency::{Histogram, LatencyTracker};
use self::span::TimeSpans;
use self::top::TopKeys;
use super::address::ip_address;
use super::pairing::{self, ExchangeTimes, Latency};

/// Number of protocols that are counted separately. Number 0 counts all others.
const PROTOCOLS: usize = 16;

const _: () = assert!((SocketProtocol::ALL.last().unwrap().0 as usize) < PROTOCOLS);

/// Statistics of messages.
#[derive(Debug, Default)]
pub struct MessageStats {
    /// Number of frames, including those without a message.
    pub(crate) frames: u64,
    /// Size of all frames in bytes.
    pub(crate) bytes: u64,
    /// Number of frames that are not dnstap messages.
    pub(crate) bad_frames: u64,
    /// Number of messages with an invalid DNS message.
    pub(crate) bad_dns: u64,
    /// Number of responses dropped by a policy.
    pub(crate) unsent: u64,
    /// Number of responses that are earlier than their queries.
    pub(crate) before_query: u64,
    /// Times of the messages.
    pub(crate) times: TimeSpans,
    /// Messages by type; index 0 counts types without a name.
    pub(crate) types: [u64; MessageType::LIMIT],
    /// Messages by protocol.
    pub(crate) protocols: [u64; PROTOCOLS],
    /// Questions by type.
    pub(crate) questions: BTreeMap<u16, u64>,
    /// Responses by code.
    pub(crate) codes: BTreeMap<u16, u64>,
    /// Queried names.
    pub(crate) names: TopKeys,
    /// Addresses of clients.
    pub(crate) clients: TopKeys,
    /// Latencies by hop.
    pub(crate) latency: [Histogram; Hop::ALL.len()],
    latencies: LatencyTracker,
    scratch: Vec<u8>,
}

impl MessageStats {
    /// Counts a frame that is not a dnstap message.
    pub fn add_undecodable(&mut self, frame: &[u8]) {
        self.frames += 1;
        self.bytes += frame.len() as u64;
        self.bad_frames += 1;
    }

    /// Counts a frame.
    pub fn add(&mut self, frame: &[u8], event: &Event<'_>) {
        self.frames += 1;
        self.bytes += frame.len() as u64;
        if let Some(message) = &event.message {
            self.add_message(event.identity, message);
        }
    }

    fn add_message(&mut self, identity: Option<&[u8]>, message: &Message<'_>) {
        let kind = message.message_type;
        self.types[kind.name().map_or(0, |_| kind.0 as usize)] += 1;
        if let Some(protocol) = message.socket_protocol {
            let number = Some(protocol.0 as usize).filter(|number| *number < PROTOCOLS);
            self.protocols[number.unwrap_or(0)] += 1;
        }
        let times = ExchangeTimes::of(message);
        let is_response = kind.is_response();
        let is_unsent = pairing::is_unsent(message);
        self.unsent += u64::from(is_unsent);
        if let Some(now) = times.response.or(times.query) {
            self.times.add(now);
        }
        let wire = match is_response && !is_unsent {
            true => message.response_message,
            false => message.query_message,
        };
        let parts = wire.map(Parts::find).transpose().unwrap_or_else(|_: BadMessage| {
            self.bad_dns += 1;
            None
        });
        let Some(hop) = kind.hop() else { return };
        if is_response && !is_unsent {
            if let Some(parts) = &parts {
                *self.codes.entry(parts.response_code()).or_default() += 1;
            }
        }
        // Count each question once: that of a response only if queries are not logged.
        let queries = self.types[kind.0 as usize - usize::from(is_response)];
        if !is_response || queries == 0 {
            self.add_question(message, hop, parts.as_ref());
        }
        let latency = match &parts {
            Some(parts) => self.latencies.add(identity, message, parts),
            None => pairing::latency(None, times),
        };
        match latency {
            Latency::Known(took) if !is_unsent => self.latency[hop as usize].add(took),
            Latency::Negative if !is_unsent => self.before_query += 1,
            _ => (),
        }
    }

    fn add_question(&mut self, message: &Message<'_>, hop: Hop, parts: Option<&Parts<'_>>) {
        if let Some(parts) = parts {
            if let Some(question) = parts.question {
                *self.questions.entry(question.qtype).or_default() += 1;
                self.scratch.clear();
                if name::canonical(parts.wire, question.name_at, &mut self.scratch).is_ok() {
                    self.names.add(&self.scratch);
                }
            }
        }
        let is_client = match hop {
            Hop::Auth | Hop::Client | Hop::Stub | Hop::Tool | Hop::Update => true,
            // The initiator is the server itself, not a client.
            Hop::Resolver | Hop::Forwarder => false,
        };
        if is_client {
            if let Some(
                address @ ([_, _, _, _] | [_, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _]),
            ) = message.query_address
            {
                self.clients.add(address);
            }
        }
    }
}

/// Returns the name of a message type by its index in [`MessageStats::types`].
pub(crate) fn type_name(number: usize) -> &'static str {
    MessageType(number as u32).name().unwrap_or("other")
}

/// Returns a name as text.
pub(crate) fn name_text(wire: &[u8]) -> String {
    printed(|out| {
        // Cannot fail: only valid names are counted.
        let _ = name::print_first(wire, out);
    })
}

/// Returns an address as text.
pub(crate) fn address_text(address: &[u8]) -> String {
    ip_address(address).map_or_else(String::new, |address| address.to_canonical().to_string())
}

/// Returns the text that `print` appends.
pub(crate) fn printed(print: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut text = Vec::new();
    print(&mut text);
    String::from_utf8_lossy(&text).into_owned()
}

/// Returns the name of a protocol by its index in [`MessageStats::protocols`].
pub(crate) fn protocol_name(number: usize) -> String {
    let protocol = SocketProtocol(number as u32);
    match protocol.name() {
        Some(name) => name.into(),
        None if number == 0 => "other".into(),
        None => printed(|out| out.number(number as u64)),
    }
}
