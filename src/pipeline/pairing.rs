// SPDX-License-Identifier: MIT OR Apache-2.0
//! Pairs of queries and responses, and their latency: one definition for all views.
//!
//! - A query and a response belong together if they are of the same server, kind, far end, initiator,
//!   protocol, message ID and question, and no more than 10 seconds apart.
//! - Of several queries, as when one is sent again, a response answers the one whose time it has; or else
//!   the first that is still unanswered, which is when its client began to wait.
//! - The latency is that between both times of the response; without a query time, from the query's.
//! - A response before its query has an unknown latency: the clock was set, or there are two clocks.

pub mod waiting;

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use dns::name;
use dns::section::Parts;
use dnstap::Message;
use dnstap::schema::{Hop, PolicyAction};
use waiting::Fit;

/// The longest time between a query and its response.
pub const TIMEOUT: Duration = Duration::from_secs(10);

/// Returns a time of a message in nanoseconds since 1970, if its seconds are known and it is not later
/// than the year 2262, which is the latest that all formats of our own can express.
pub fn nanoseconds(seconds: Option<u64>, nanoseconds: Option<u32>) -> Option<u64> {
    let time = seconds?.checked_mul(1_000_000_000)?.checked_add(nanoseconds.unwrap_or(0).into())?;
    i64::try_from(time).is_ok().then_some(time)
}

/// The times of a query and its response, as in one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExchangeTimes {
    /// The time of the query, in nanoseconds since 1970.
    pub query: Option<u64>,
    /// The time of the response, of a response only.
    pub response: Option<u64>,
}

impl ExchangeTimes {
    /// Returns the times of a message.
    pub fn of(message: &Message<'_>) -> Self {
        let response = nanoseconds(message.response_time_sec, message.response_time_nsec);
        Self {
            query: nanoseconds(message.query_time_sec, message.query_time_nsec),
            response: response.filter(|_| message.message_type.is_response()),
        }
    }

    /// Returns the time of the query, or else of the response.
    pub fn first(self) -> Option<u64> {
        self.query.or(self.response)
    }

    /// Returns whether a message of `time` comes too late to be the other half.
    pub fn is_over_at(self, time: Option<u64>) -> bool {
        let timeout = TIMEOUT.as_nanos() as u64;
        self.first().zip(time).is_some_and(|(own, time)| time > own.saturating_add(timeout))
    }
}

/// Returns how well a query and a response with the same key belong together.
pub fn fit(query: ExchangeTimes, response: ExchangeTimes) -> Fit {
    if query.is_over_at(response.first()) || response.is_over_at(query.first()) {
        return Fit::Not;
    }
    match (query.query, response.query, response.response) {
        (asked, Some(own), _) if asked == Some(own) => Fit::Best,
        (Some(asked), None, Some(answered)) if answered < asked => Fit::Poor,
        _ => Fit::Good,
    }
}

/// The time that a response took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Latency {
    /// Nanoseconds.
    Took(u64),
    /// The response is before its query.
    Backwards,
    /// A time is not known.
    Unknown,
}

/// Returns the latency of a response to a query.
pub fn latency(query: Option<u64>, response: ExchangeTimes) -> Latency {
    match (response.query.or(query), response.response) {
        (Some(asked), Some(answered)) => {
            answered.checked_sub(asked).map_or(Latency::Backwards, Latency::Took)
        }
        _ => Latency::Unknown,
    }
}

/// Returns whether a message says that a query was dropped by a policy, and nothing was sent.
pub fn is_unsent(message: &Message<'_>) -> bool {
    message.message_type.is_response()
        && message.response_message.is_none()
        && message.query_message.is_some()
        && message.policy.is_some_and(|policy| policy.action == Some(PolicyAction::DROP))
}

/// Makes keys that a query and its response have in common.
#[derive(Debug, Default)]
pub struct Keys {
    hasher: RandomState,
    scratch: Vec<u8>,
    /// The last identity, with the number that stands for it: many messages share one.
    server: (Vec<u8>, u64),
}

impl Keys {
    /// Returns a number that stands for a server.
    pub fn server(&mut self, identity: Option<&[u8]>) -> u64 {
        let identity = identity.unwrap_or_default();
        let (last, number) = &mut self.server;
        if last != identity {
            last.clear();
            last.extend_from_slice(identity);
            *number = self.hasher.hash_one(identity);
        }
        *number
    }

    /// Returns the key of a message.
    pub fn key(
        &mut self,
        identity: Option<&[u8]>,
        message: &Message<'_>,
        parts: &Parts<'_>,
    ) -> u64 {
        let server = self.server(identity);
        self.scratch.clear();
        let question = parts.question.map(|question| {
            // The parts were found: the name is good.
            let _ = name::canonical(parts.wire, question.name_at, &mut self.scratch);
            (question.qtype, question.qclass)
        });
        let protocol = message.socket_protocol.map_or(0, |protocol| protocol.0);
        let initiator =
            (message.query_address.unwrap_or_default(), message.query_port.unwrap_or_default());
        // A server's own address may be that of any interface.
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
    fn a_latency_is_that_of_the_response_and_never_negative() {
        assert_eq!(latency(Some(3), times(Some(5), Some(9))), Latency::Took(4));
        assert_eq!(latency(Some(3), times(None, Some(9))), Latency::Took(6));
        assert_eq!(latency(Some(9), times(None, Some(9))), Latency::Took(0));
        assert_eq!(latency(Some(10), times(None, Some(9))), Latency::Backwards);
        assert_eq!(latency(None, times(Some(10), Some(9))), Latency::Backwards);
        assert_eq!(latency(None, times(None, Some(9))), Latency::Unknown);
        assert_eq!(latency(Some(9), times(Some(9), None)), Latency::Unknown);
    }

    #[test]
    fn halves_fit_by_their_times() {
        let query = |at| times(Some(at), None);
        for (query, response, expected) in [
            (query(5), times(Some(5), Some(9)), Fit::Best),
            (query(4), times(Some(5), Some(9)), Fit::Good),
            (query(5), times(None, Some(9)), Fit::Good),
            (query(9), times(None, Some(5)), Fit::Poor),
            (times(None, None), times(None, Some(5)), Fit::Good),
            (query(0), times(None, Some(10 * SECOND)), Fit::Good),
            (query(0), times(None, Some(10 * SECOND + 1)), Fit::Not),
            (query(10 * SECOND + 1), times(None, Some(0)), Fit::Not),
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
