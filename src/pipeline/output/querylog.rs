// SPDX-License-Identifier: MIT OR Apache-2.0
//! A query log: one line a query, with its answer where both are there.

mod line;
mod upstream;

use std::time::Instant;

use dns::section::Parts;
use dnstap::Message;
use dnstap::schema::Hop;
use line::Answer;
use upstream::Upstream;

use super::error::FrameOutputError;
use super::remarks::Remarks;
use super::series::FileSeries;
use super::{Frame, FrameOutput};
use crate::pairing;
use crate::pairing::unpaired::{Fit, UnpairedTable};
use crate::pairing::{ExchangeTimes, Latency, PairKeys, TIMEOUT};
use crate::print::time::Clock;

/// Bytes that messages which wait take at most.
const BYTES_MAX: usize = 12 << 20;

/// About how many bytes one takes beside its text and times: itself, where there may be
/// room for as many again, and its key.
const BESIDE: usize = 320;

/// Unanswered queries after which it is assumed that responses are not logged.
const UNANSWERED_MAX: u32 = 100;

/// A query log.
pub(crate) struct QueryLog {
    files: FileSeries,
    clock: Clock,
    waiting: UnpairedTable<UnpairedLine>,
    /// The sum of [`UnpairedLine::bytes`] of all pending halves.
    bytes: usize,
    upstream: Upstream,
    /// The kinds of messages seen at each hop.
    seen: [SeenKinds; Hop::ALL.len()],
    lines: u64,
    /// Messages that say only what a resolver did for a client.
    helpers: u64,
    keys: PairKeys,
    remarks: Remarks,
}

/// The kinds of messages seen at a hop: a kind that the server does not log is not waited for.
#[derive(Clone, Copy, Debug, Default)]
struct SeenKinds {
    queries: bool,
    responses: bool,
    /// Queries whose wait ended without a response.
    unanswered: u32,
}

impl SeenKinds {
    /// Returns whether only queries seem to be logged.
    fn queries_alone(self) -> bool {
        !self.responses && self.unanswered >= UNANSWERED_MAX
    }
}

/// A query or a response without the other.
#[derive(Debug)]
struct UnpairedLine {
    hop: Hop,
    times: ExchangeTimes,
    /// The line up to the answer, without the time.
    front: Vec<u8>,
    /// The answer, of a response.
    answer: Option<Answer>,
    /// Stands for the identity of the server.
    server: u64,
    since: Instant,
}

impl UnpairedLine {
    /// Bytes that it takes, about.
    fn bytes(&self) -> usize {
        let asked = self.answer.as_ref().and_then(|answer| answer.asked.as_ref());
        BESIDE
            + self.front.capacity()
            + asked.map_or(0, |asked| asked.capacity() * size_of::<u64>())
    }

    /// Returns how well a query and a response fit that have the same key.
    fn fit(&self, other: &UnpairedLine) -> Fit {
        match (self.answer.is_some(), other.answer.is_some()) {
            (false, true) => pairing::fit(self.times, other.times),
            (true, false) => pairing::fit(other.times, self.times),
            _ => Fit::Mismatch,
        }
    }
}

impl QueryLog {
    /// Writes to `files`.
    pub(crate) fn new(files: FileSeries) -> Self {
        Self {
            files,
            clock: Clock::default(),
            waiting: UnpairedTable::default(),
            bytes: 0,
            upstream: Upstream::new(),
            seen: Default::default(),
            lines: 0,
            helpers: 0,
            keys: PairKeys::default(),
            remarks: Remarks::default(),
        }
    }

    fn message(
        &mut self,
        identity: Option<&[u8]>,
        message: &Message<'_>,
    ) -> Result<(), FrameOutputError> {
        let is_query = message.message_type.is_query();
        let times = ExchangeTimes::of(message);
        let (wire, time) = match is_query {
            true => (message.query_message, times.query),
            false if pairing::is_unsent(message) => (message.query_message, times.response),
            false => (message.response_message, times.response),
        };
        let Some(wire) = wire else {
            self.remarks.count("messages hold no DNS message, and have no line");
            return Ok(());
        };
        let hop = match message.message_type.hop() {
            Some(Hop::Resolver | Hop::Forwarder) => {
                self.helpers += 1;
                if let (Ok(parts), Some(time)) = (Parts::find(wire), time) {
                    self.upstream.note(identity.unwrap_or_default(), &parts, time);
                }
                return Ok(());
            }
            Some(hop @ (Hop::Auth | Hop::Client | Hop::Stub | Hop::Tool | Hop::Update)) => hop,
            None => {
                self.remarks.count("messages are of an unknown type, and have no line");
                return Ok(());
            }
        };
        // This message has its line even if another's could not be written: it is counted then.
        let ended = self.end_older(identity, times.first());
        let seen = &mut self.seen[hop as usize];
        seen.queries |= is_query;
        seen.responses |= !is_query;
        let mut front = Vec::with_capacity(128);
        line::ends(identity, hop.name(), message, &mut front);
        ended.and(match Parts::find(wire) {
            Ok(parts) => {
                let half = self.half(hop, identity, message, &parts, front);
                let key = self.keys.key(identity, message, &parts);
                self.pair(key, half)
            }
            Err(error) => {
                let out = &mut self.files.buffer;
                line::begin(time, &mut self.clock, out);
                out.extend_from_slice(&front);
                line::bad(wire, &error.to_string(), out);
                self.lines += 1;
                self.files.end_unit()
            }
        })
    }

    /// A query or response.
    fn half(
        &mut self,
        hop: Hop,
        identity: Option<&[u8]>,
        message: &Message<'_>,
        parts: &Parts<'_>,
        mut front: Vec<u8>,
    ) -> UnpairedLine {
        // A response may bring its query along.
        let query = message.query_message.and_then(|wire| Parts::find(wire).ok());
        line::question(query.as_ref().unwrap_or(parts), query.is_some(), &mut front);
        let answer = message.message_type.is_response().then(|| Answer {
            code: (!pairing::is_unsent(message)).then(|| parts.response_code()),
            asked: if hop == Hop::Client {
                self.upstream.asked_for(identity.unwrap_or_default(), parts)
            } else {
                None
            },
        });
        UnpairedLine {
            hop,
            times: ExchangeTimes::of(message),
            front,
            answer,
            server: self.keys.server(identity),
            since: Instant::now(),
        }
    }

    /// Makes a line of a half and the one that waits for it; or else lets it wait, unless that is
    /// of no use.
    fn pair(&mut self, key: u64, mut half: UnpairedLine) -> Result<(), FrameOutputError> {
        let seen = self.seen[half.hop as usize];
        let is_query = half.answer.is_none();
        let waits = match is_query {
            true => !seen.queries_alone(),
            // One that brings its query along has it in an event of its own too, where queries are logged.
            false => seen.queries,
        };
        if let Some(other) = self.waiting.take_best(key, |other| half.fit(other)) {
            self.bytes -= other.bytes();
            let (query, response) = if is_query { (half, other) } else { (other, half) };
            return self.line(&query, Some(&response));
        }
        if !waits {
            return self.line_alone(&half);
        }
        half.front.shrink_to_fit();
        self.bytes += half.bytes();
        self.waiting.push(key, half);
        while self.bytes > BYTES_MAX {
            if seen.responses {
                self.remarks.count("messages were too many to wait for their other half");
            }
            self.end_oldest()?;
        }
        Ok(())
    }

    /// Writes the line of a half without the other.
    fn line_alone(&mut self, half: &UnpairedLine) -> Result<(), FrameOutputError> {
        self.line(half, half.answer.is_some().then_some(half))
    }

    /// Writes the line of a query and its response, which may be one and the same.
    fn line(
        &mut self,
        query: &UnpairedLine,
        response: Option<&UnpairedLine>,
    ) -> Result<(), FrameOutputError> {
        let own = response.map(|response| response.times);
        let time = query.times.query.or(own.and_then(ExchangeTimes::first));
        let asked = query.times.query;
        let latency = own.map_or(Latency::Unknown, |own| pairing::latency(asked, own));
        let answer = response.and_then(|response| response.answer.as_ref());
        if latency == Latency::Negative {
            self.remarks.count("responses are before their queries, and have no latency");
        }
        let until = own.and_then(|own| own.response);
        let out = &mut self.files.buffer;
        line::begin(time, &mut self.clock, out);
        out.extend_from_slice(&query.front);
        line::answer(answer, latency, until, out);
        self.lines += 1;
        self.files.end_unit()
    }

    /// Ends those for whom, at the time of a message of the same server, it is too late.
    fn end_older(
        &mut self,
        identity: Option<&[u8]>,
        time: Option<u64>,
    ) -> Result<(), FrameOutputError> {
        let server = self.keys.server(identity);
        while self
            .waiting
            .oldest()
            .is_some_and(|oldest| oldest.server == server && oldest.times.has_expired_at(time))
        {
            self.end_oldest()?;
        }
        Ok(())
    }

    /// Ends the wait of the oldest, and of the following ones for which no response is expected.
    fn end_oldest(&mut self) -> Result<(), FrameOutputError> {
        while let Some(half) = self.waiting.pop_oldest() {
            self.bytes -= half.bytes();
            self.line_alone(&half)?;
            let seen = &mut self.seen[half.hop as usize];
            seen.unanswered = seen.unanswered.saturating_add(half.answer.is_none().into());
            let next = self.waiting.oldest().map(|next| next.hop);
            if !seen.queries_alone() || next != Some(half.hop) {
                break;
            }
        }
        Ok(())
    }

    fn end_all(&mut self) -> Result<(), FrameOutputError> {
        let mut ended = Ok(());
        while self.waiting.count() > 0 {
            // After a failure the others are counted.
            ended = ended.and(self.end_oldest());
        }
        ended
    }

    /// When the oldest has waited for long enough.
    fn over_at(&self) -> Option<Instant> {
        self.waiting.oldest().map(|oldest| oldest.since + TIMEOUT)
    }
}

impl FrameOutput for QueryLog {
    fn write_frame(&mut self, frame: &Frame<'_>) -> Result<(), FrameOutputError> {
        // Of frames that hold no event the worker tells.
        let Ok(event) = frame.event else { return Ok(()) };
        match &event.message {
            Some(message) => self.message(event.identity, message),
            None => {
                self.remarks.count("messages hold no DNS message, and have no line");
                Ok(())
            }
        }
    }

    fn files(&mut self) -> Option<&mut FileSeries> {
        Some(&mut self.files)
    }

    fn due(&mut self) -> Option<Instant> {
        [self.over_at(), self.files.due()].into_iter().flatten().min()
    }

    fn tick(&mut self) -> Result<(), FrameOutputError> {
        let now = Instant::now();
        while self.over_at().is_some_and(|over_at| over_at <= now) {
            self.end_oldest()?;
        }
        self.files.write()?;
        self.files.tick()
    }

    fn finish(mut self: Box<Self>, report: &mut dyn FnMut(String)) -> Result<(), FrameOutputError> {
        let ended = self.end_all();
        let name = self.files.name();
        self.remarks.report(name, report);
        if self.lines == 0 && self.helpers > 0 {
            let helpers = self.helpers;
            report(format!(
                "{name}: {helpers} messages of RESOLVER and FORWARDER only say what was in the \
                 cache: no query of a client came"
            ));
        }
        self.files.finish_after(ended)
    }
}
