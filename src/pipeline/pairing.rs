// SPDX-License-Identifier: MIT OR Apache-2.0
//! Pairing of queries with responses, and their latency: one definition for all outputs.
//!
//! - A query and a response form a pair if they have the same server, kind, remote end, initiator,
//!   protocol, message ID and question, and are at most 10 seconds apart.
//! - If several queries match, because of retransmissions, a response belongs to the one with the query
//!   time that it repeats; otherwise to the first unanswered one, when the client started to wait.
//! - The latency is the difference of both times of the response. If the response lacks a query time, the
//!   time of the query is used.
//! - If a response is earlier than its query, because a clock was set or there are two clocks, the latency
//!   is unknown.

pub(crate) mod unpaired;

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use dns::name;
use dns::section::Parts;
use dnstap::Message;
use dnstap::schema::{Hop, PolicyAction};
use unpaired::Fit;

/// Maximum time between a query and its response.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(10);

/// Returns a time of a message in nanoseconds since 1970. Returns `None` without seconds, and for times
/// after the year 2262, which not all output formats can express.
pub(crate) fn nanoseconds(seconds: Option<u64>, nanoseconds: Option<u32>) -> Option<u64> {
    let time = seconds?.checked_mul(1_000_000_000)?.checked_add(nanoseconds.unwrap_or(0).into())?;
    i64::try_from(time).is_ok().then_some(time)
}

/// The query time and response time of one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ExchangeTimes {
    /// Query time in nanoseconds since 1970.
    pub(crate) query: Option<u64>,
    /// Response time in nanoseconds since 1970, for responses only.
    pub(crate) response: Option<u64>,
}

impl ExchangeTimes {
    pub(crate) fn of(message: &Message<'_>) -> Self {
        let response = nanoseconds(message.response_time_sec, message.response_time_nsec);
        Self {
            query: nanoseconds(message.query_time_sec, message.query_time_nsec),
            response: response.filter(|_| message.message_type.is_response()),
        }
    }

    /// Returns the query time or, if absent, the response time.
    pub(crate) fn first(self) -> Option<u64> {
        self.query.or(self.response)
    }

    /// Returns whether a message at `time` is too late to form a pair.
    pub(crate) fn has_expired_at(self, time: Option<u64>) -> bool {
        let timeout = TIMEOUT.as_nanos() as u64;
        self.first().zip(time).is_some_and(|(own, time)| time > own.saturating_add(timeout))
    }
}

/// Returns how well a query and a response with the same key match.
pub(crate) fn fit(query: ExchangeTimes, response: ExchangeTimes) -> Fit {
    if query.has_expired_at(response.first()) || response.has_expired_at(query.first()) {
        return Fit::Mismatch;
    }
    match (query.query, response.query, response.response) {
        (asked, Some(own), _) if asked == Some(own) => Fit::Best,
        (Some(asked), None, Some(answered)) if answered < asked => Fit::Poor,
        _ => Fit::Good,
    }
}

/// The time from a query to its response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Latency {
    /// The latency in nanoseconds.
    Known(u64),
    /// The response is earlier than its query.
    Negative,
    /// One of the times is unknown.
    Unknown,
}

/// Returns the latency of a response to a query.
pub(crate) fn latency(query: Option<u64>, response: ExchangeTimes) -> Latency {
    match (response.query.or(query), response.response) {
        (Some(asked), Some(answered)) => {
            answered.checked_sub(asked).map_or(Latency::Negative, Latency::Known)
        }
        _ => Latency::Unknown,
    }
}

/// Returns whether a message reports a query that a policy dropped without a response.
pub(crate) fn is_unsent(message: &Message<'_>) -> bool {
    message.message_type.is_response()
        && message.response_message.is_none()
        && message.query_message.is_some()
        && message.policy.is_some_and(|policy| policy.action == Some(PolicyAction::DROP))
}

/// A generator of keys that are equal for a query and its response.
#[derive(Debug, Default)]
pub(crate) struct PairKeys {
    hasher: RandomState,
    scratch: Vec<u8>,
    /// The last server identity and its hash, cached because consecutive messages often share it.
    server: (Vec<u8>, u64),
}

impl PairKeys {
    /// Returns the hash of a server's identity.
    pub(crate) fn server(&mut self, identity: Option<&[u8]>) -> u64 {
        let identity = identity.unwrap_or_default();
        let (last, number) = &mut self.server;
        if last != identity {
            last.clear();
            last.extend_from_slice(identity);
            *number = self.hasher.hash_one(identity);
        }
        *number
    }

    pub(crate) fn key(
        &mut self,
        identity: Option<&[u8]>,
        message: &Message<'_>,
        parts: &Parts<'_>,
    ) -> u64 {
        let server = self.server(identity);
        self.scratch.clear();
        let question = parts.question.map(|question| {
            // Cannot fail: `Parts::find` has checked the name.
            let _ = name::canonical(parts.wire, question.name_at, &mut self.scratch);
            (question.qtype, question.qclass)
        });
        let protocol = message.socket_protocol.map_or(0, |protocol| protocol.0);
        let initiator =
            (message.query_address.unwrap_or_default(), message.query_port.unwrap_or_default());
        // A server may log different addresses of its own interfaces in query and response.
        let is_server = match message.message_type.hop() {
            Some(Hop::Auth | Hop::Client | Hop::Update) => true,
            Some(Hop::Resolver | Hop::Forwarder | Hop::Stub | Hop::Tool) | None => false,
        };
        let responder = message.response_address.filter(|_| !is_server).unwrap_or_default();
        let ends = (initiator, responder, server);
        let pair = message.message_type.pair();
        self.hasher.hash_one((pair, parts.id, protocol, ends, question, &self.scratch))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn times(query: Option<u64>, response: Option<u64>) -> ExchangeTimes {
        ExchangeTimes { query, response }
    }

    #[test]
    fn a_latency_is_computed_from_the_times_of_the_response() {
        assert_eq!(latency(Some(3), times(Some(5), Some(9))), Latency::Known(4));
        assert_eq!(latency(Some(3), times(None, Some(9))), Latency::Known(6));
        assert_eq!(latency(Some(9), times(None, Some(9))), Latency::Known(0));
        assert_eq!(latency(Some(10), times(None, Some(9))), Latency::Negative);
        assert_eq!(latency(None, times(Some(10), Some(9))), Latency::Negative);
        assert_eq!(latency(None, times(None, Some(9))), Latency::Unknown);
        assert_eq!(latency(Some(9), times(Some(9), None)), Latency::Unknown);
    }

    #[test]
    fn messages_fit_by_their_times() {
        let query = |at| times(Some(at), None);
        for (query, response, expected) in [
            (query(5), times(Some(5), Some(9)), Fit::Best),
            (query(4), times(Some(5), Some(9)), Fit::Good),
            (query(5), times(None, Some(9)), Fit::Good),
            (query(9), times(None, Some(5)), Fit::Poor),
            (times(None, None), times(None, Some(5)), Fit::Good),
            (query(0), times(None, Some(10 * SECOND)), Fit::Good),
            (query(0), times(None, Some(10 * SECOND + 1)), Fit::Mismatch),
            (query(10 * SECOND + 1), times(None, Some(0)), Fit::Mismatch),
        ] {
            assert_eq!(fit(query, response), expected, "{query:?} {response:?}");
        }
    }

    #[test]
    fn times_that_no_format_can_express_are_unknown() {
        assert_eq!(nanoseconds(Some(1), Some(5)), Some(SECOND + 5));
        assert_eq!(nanoseconds(Some(1), None), Some(SECOND));
        assert_eq!(nanoseconds(Some(9_223_372_036), Some(u32::MAX)), None);
        for seconds in [9_223_372_037, 253_402_300_800, u64::MAX] {
            assert_eq!(nanoseconds(Some(seconds), None), None);
        }
    }
}
