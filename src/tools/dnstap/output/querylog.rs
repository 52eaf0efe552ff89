// SPDX-License-Identifier: MIT OR Apache-2.0
//! A query log: one line a query, with its answer where both are there.

mod line;
mod upstream;
mod waiting;

use std::time::{Duration, Instant};

use ::dnstap::Message;
use ::dnstap::schema::MessageType;

use super::remarks::Remarks;
use super::text::TextFile;
use super::{Frame, Output, OutputError, nanoseconds};
use crate::dnstap::dns::name;
use crate::dnstap::dns::section::Parts;
use crate::dnstap::print::time::Clock;
use line::Answer;
use upstream::Upstream;
use waiting::{Fit, Waiting};

/// How long a query waits for its response, and the other way round: by the clock, and by the times
/// of the messages.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Messages that wait at most.
const WAITING_MAX: usize = 1 << 16;

/// Queries that wait in vain before it seems that no response is logged.
const IN_VAIN: u32 = 100;

/// The kinds of queries that have lines: of each pair of message types the first part of the name.
const KINDS: [(MessageType, &str); 5] = [
    (MessageType::AUTH_QUERY, "AUTH"),
    (MessageType::CLIENT_QUERY, "CLIENT"),
    (MessageType::STUB_QUERY, "STUB"),
    (MessageType::TOOL_QUERY, "TOOL"),
    (MessageType::UPDATE_QUERY, "UPDATE"),
];

/// A query log.
pub struct QueryLog {
    file: TextFile,
    clock: Clock,
    waiting: Waiting<Half>,
    upstream: Upstream,
    /// What has come of each kind.
    came: [Came; KINDS.len()],
    lines: u64,
    /// Messages that say only what a resolver did for a client.
    helpers: u64,
    key: Vec<u8>,
    remarks: Remarks,
}

/// What has come of a kind: it is not worth to wait for what a server does not log.
#[derive(Clone, Copy, Debug, Default)]
struct Came {
    queries: bool,
    responses: bool,
    /// Queries that have waited in vain.
    in_vain: u32,
}

impl Came {
    /// Whether it seems that only queries are logged.
    fn queries_alone(self) -> bool {
        !self.responses && self.in_vain >= IN_VAIN
    }
}

/// A query or a response without the other.
#[derive(Debug)]
struct Half {
    /// Which of [`KINDS`].
    kind: usize,
    /// When the query was sent.
    query_time: Option<u64>,
    /// What the line says before the answer, the time left out.
    front: Vec<u8>,
    /// The answer, of a response.
    answer: Option<Answer>,
    identity: Option<Vec<u8>>,
    since: Instant,
}

impl Half {
    /// The time of the line, in nanoseconds.
    fn time(&self) -> Option<u64> {
        self.query_time.or(self.answer.as_ref().and_then(|answer| answer.time))
    }

    /// Whether a response of this time comes too late for it to be the one.
    fn is_over_at(&self, time: Option<u64>) -> bool {
        let timeout = TIMEOUT.as_nanos() as u64;
        self.time().zip(time).is_some_and(|(own, time)| time > own.saturating_add(timeout))
    }

    /// How well a query and a response fit that have the same key.
    fn fit(&self, other: &Half) -> Fit {
        if self.answer.is_some() == other.answer.is_some()
            || self.is_over_at(other.time())
            || other.is_over_at(self.time())
        {
            Fit::Not
        } else if self.query_time == other.query_time {
            Fit::Best
        } else {
            Fit::Well
        }
    }
}

impl QueryLog {
    /// Writes to `file`.
    pub fn new(file: TextFile) -> Self {
        Self {
            file,
            clock: Clock::default(),
            waiting: Waiting::default(),
            upstream: Upstream::new(),
            came: Default::default(),
            lines: 0,
            helpers: 0,
            key: Vec::new(),
            remarks: Remarks::default(),
        }
    }

    fn message(&mut self, identity: Option<&[u8]>, message: &Message<'_>) {
        let kind = message.message_type;
        let is_query = kind.is_query();
        let (wire, time) = if is_query {
            (message.query_message, nanoseconds(message.query_time_sec, message.query_time_nsec))
        } else {
            let time = nanoseconds(message.response_time_sec, message.response_time_nsec);
            (message.response_message, time)
        };
        let Some(wire) = wire else {
            return self.remarks.count("messages hold no DNS message, and have no line");
        };
        if let MessageType::RESOLVER_QUERY
        | MessageType::RESOLVER_RESPONSE
        | MessageType::FORWARDER_QUERY
        | MessageType::FORWARDER_RESPONSE = kind
        {
            self.helpers += 1;
            if let (Ok(parts), Some(time)) = (Parts::find(wire), time) {
                self.upstream.note(identity.unwrap_or_default(), &parts, time);
            }
            return;
        }
        let Some(kind) =
            KINDS.iter().position(|(query, _)| [query.0, query.0 + 1].contains(&kind.0))
        else {
            return self.remarks.count("messages are of an unknown type, and have no line");
        };
        self.end_older(identity, time);
        let came = &mut self.came[kind];
        came.queries |= is_query;
        came.responses |= !is_query;
        let mut front = Vec::with_capacity(128);
        line::ends(identity, KINDS[kind].1, message, &mut front);
        let parts = match Parts::find(wire) {
            Ok(parts) => parts,
            Err(error) => {
                line::begin(time, &mut self.clock, &mut self.file.buffer);
                self.file.buffer.extend_from_slice(&front);
                line::bad(wire, &error.to_string(), &mut self.file.buffer);
                self.lines += 1;
                return;
            }
        };
        // A response may bring its query along.
        let query = message.query_message.and_then(|wire| Parts::find(wire).ok());
        line::question(query.as_ref().unwrap_or(&parts), is_query || query.is_some(), &mut front);
        let answer = (!is_query).then(|| Answer {
            code: parts.response_code(),
            time,
            asked: if KINDS[kind].0 == MessageType::CLIENT_QUERY {
                self.upstream.asked_for(identity.unwrap_or_default(), &parts)
            } else {
                None
            },
        });
        let half = Half {
            kind,
            query_time: nanoseconds(message.query_time_sec, message.query_time_nsec),
            front,
            answer,
            identity: identity.map(<[u8]>::to_vec),
            since: Instant::now(),
        };
        self.make_key(kind, identity, message, &parts);
        let came = self.came[kind];
        let waits = match is_query {
            true => !came.queries_alone(),
            false => came.queries && query.is_none(),
        };
        match self.waiting.take(&self.key, |other| half.fit(other)) {
            Some(other) if is_query => self.line(&half, other.answer.as_ref()),
            Some(other) => self.line(&other, half.answer.as_ref()),
            None if waits => {
                self.waiting.push(&self.key, half);
                if self.waiting.len() > WAITING_MAX {
                    self.end_oldest();
                    if came.responses {
                        self.remarks.count("messages were too many to wait for their other half");
                    }
                }
            }
            None => self.line(&half, half.answer.as_ref()),
        }
    }

    /// What a query and its response have in common.
    fn make_key(
        &mut self,
        kind: usize,
        identity: Option<&[u8]>,
        message: &Message<'_>,
        parts: &Parts<'_>,
    ) {
        let key = &mut self.key;
        key.clear();
        key.push(kind as u8);
        key.extend(parts.id.to_ne_bytes());
        key.extend(message.query_port.unwrap_or(0).to_ne_bytes());
        key.extend(message.socket_protocol.map_or(0, |protocol| protocol.0).to_ne_bytes());
        for bytes in [identity, message.query_address] {
            let bytes = bytes.unwrap_or_default();
            key.extend(bytes.len().to_ne_bytes());
            key.extend_from_slice(bytes);
        }
        if let Some(question) = parts.question {
            key.extend(question.qtype.to_ne_bytes());
            key.extend(question.qclass.to_ne_bytes());
            // The parts were found: the name is good.
            let _ = name::canonical(parts.wire, question.name_at, key);
        }
    }

    fn line(&mut self, half: &Half, answer: Option<&Answer>) {
        let out = &mut self.file.buffer;
        line::begin(half.time(), &mut self.clock, out);
        out.extend_from_slice(&half.front);
        line::answer(answer, half.query_time, out);
        self.lines += 1;
    }

    /// Ends those for whom, at the time of a message of the same server, it is too late.
    fn end_older(&mut self, identity: Option<&[u8]>, time: Option<u64>) {
        while self
            .waiting
            .oldest()
            .is_some_and(|oldest| oldest.identity.as_deref() == identity && oldest.is_over_at(time))
        {
            self.end_oldest();
        }
    }

    /// Ends the wait of the oldest, and of those behind it who wait for what does not come.
    fn end_oldest(&mut self) {
        while let Some(half) = self.waiting.pop_oldest() {
            self.line(&half, half.answer.as_ref());
            let came = &mut self.came[half.kind];
            came.in_vain = came.in_vain.saturating_add(half.answer.is_none().into());
            let next = self.waiting.oldest().map(|next| next.kind);
            if !came.queries_alone() || next != Some(half.kind) {
                break;
            }
        }
    }
}

impl Output for QueryLog {
    fn take(&mut self, frame: &Frame<'_>) -> Result<(), OutputError> {
        // Of frames that hold no event the worker tells.
        if let Ok(event) = frame.event {
            match &event.message {
                Some(message) => self.message(event.identity, message),
                None => self.remarks.count("messages hold no DNS message, and have no line"),
            }
        }
        self.file.write_if_full()
    }

    fn flush(&mut self) -> Result<(), OutputError> {
        self.file.write()
    }

    fn due(&self) -> Option<Instant> {
        self.waiting.oldest().map(|oldest| oldest.since + TIMEOUT)
    }

    fn tick(&mut self) -> Result<(), OutputError> {
        let now = Instant::now();
        while self.due().is_some_and(|due| due <= now) {
            self.end_oldest();
        }
        self.file.write()
    }

    fn reopen(&mut self) -> Result<(), OutputError> {
        self.file.reopen()
    }

    fn finish(mut self: Box<Self>, tell: &mut dyn FnMut(String)) -> Result<(), OutputError> {
        while self.waiting.len() > 0 {
            self.end_oldest();
            self.file.write_if_full()?;
        }
        let name = self.file.name();
        self.remarks.tell(&name, tell);
        if self.lines == 0 && self.helpers > 0 {
            let helpers = self.helpers;
            tell(format!(
                "{name}: {helpers} messages of RESOLVER and FORWARDER only say what was in the \
                 cache: no query of a client came"
            ));
        }
        self.file.write()
    }
}
