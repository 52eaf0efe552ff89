// SPDX-License-Identifier: MIT OR Apache-2.0
//! Query logs: one line per query, including its answer if both are logged.

mod line;
mod upstream;

use std::time::Instant;

use dns::section::Parts;
use dnstap::Message;
use dnstap::schema::Hop;
use line::AnswerColumns;
use upstream::UpstreamQueries;

use super::FrameOutput;
use super::error::FrameOutputError;
use super::file_writer::FileWriter;
use crate::decoded_frame::DecodedFrame;
use crate::pairing;
use crate::pairing::unpaired::{Fit, UnpairedTable};
use crate::pairing::{ExchangeTimes, Latency, PairKeys, TIMEOUT};
use crate::print::time::TimePrinter;
use crate::remarks::Remarks;

/// Maximum memory for unpaired messages.
const BYTES_MAX: usize = 12 << 20;

/// Approximate memory for an unpaired message in addition to its text and times. A table may have twice as
/// many slots as messages.
const OVERHEAD: usize = 320;

/// Number of unanswered queries after which responses are assumed not to be logged.
const UNANSWERED_MAX: u32 = 100;

/// The output of query logs.
pub(crate) struct QueryLogOutput {
    files: FileWriter,
    clock: TimePrinter,
    unpaired: UnpairedTable<UnpairedLine>,
    /// Sum of [`UnpairedLine::bytes`] of all unpaired messages.
    bytes: usize,
    upstream: UpstreamQueries,
    /// Kinds of messages seen at each hop.
    seen: [SeenKinds; Hop::ALL.len()],
    lines: u64,
    /// Number of messages about upstream queries, which are not printed.
    upstream_messages: u64,
    keys: PairKeys,
    remarks: Remarks,
}

/// The kinds of messages seen at a hop. A kind that is not logged is not expected.
#[derive(Clone, Copy, Debug, Default)]
struct SeenKinds {
    queries: bool,
    responses: bool,
    /// Number of queries whose wait ended without a response.
    unanswered: u32,
}

impl SeenKinds {
    /// Returns whether apparently only queries are logged.
    fn logs_only_queries(self) -> bool {
        !self.responses && self.unanswered >= UNANSWERED_MAX
    }
}

/// A query or response without its counterpart.
#[derive(Debug)]
struct UnpairedLine {
    hop: Hop,
    times: ExchangeTimes,
    /// The columns between the time and the answer.
    middle: Vec<u8>,
    /// The answer columns, for responses only.
    answer: Option<AnswerColumns>,
    /// Hash of the server's identity.
    server: u64,
    since: Instant,
}

impl UnpairedLine {
    /// Returns the approximate memory in bytes.
    fn bytes(&self) -> usize {
        let asked = self.answer.as_ref().and_then(|answer| answer.upstream_times.as_ref());
        OVERHEAD
            + self.middle.capacity()
            + asked.map_or(0, |asked| asked.capacity() * size_of::<u64>())
    }

    /// Returns how well two messages with the same key match.
    fn fit(&self, other: &UnpairedLine) -> Fit {
        match (self.answer.is_some(), other.answer.is_some()) {
            (false, true) => pairing::fit(self.times, other.times),
            (true, false) => pairing::fit(other.times, self.times),
            _ => Fit::Mismatch,
        }
    }
}

impl QueryLogOutput {
    pub(crate) fn new(files: FileWriter) -> Self {
        Self {
            files,
            clock: TimePrinter::default(),
            unpaired: UnpairedTable::default(),
            bytes: 0,
            upstream: UpstreamQueries::new(),
            seen: Default::default(),
            lines: 0,
            upstream_messages: 0,
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
            self.remarks.count("messages skipped: they contain no DNS message");
            return Ok(());
        };
        let hop = match message.message_type.hop() {
            Some(Hop::Resolver | Hop::Forwarder) => {
                self.upstream_messages += 1;
                if let (Ok(parts), Some(time)) = (Parts::find(wire), time) {
                    self.upstream.record(identity.unwrap_or_default(), &parts, time);
                }
                return Ok(());
            }
            Some(hop @ (Hop::Auth | Hop::Client | Hop::Stub | Hop::Tool | Hop::Update)) => hop,
            None => {
                self.remarks.count("messages skipped: unknown type");
                return Ok(());
            }
        };
        // This message is processed, and thus counted, even if writing another one failed.
        let ended = self.end_expired(identity, times.first());
        let seen = &mut self.seen[hop as usize];
        seen.queries |= is_query;
        seen.responses |= !is_query;
        let mut middle = Vec::with_capacity(128);
        line::endpoints(identity, hop.name(), message, &mut middle);
        ended.and(match Parts::find(wire) {
            Ok(parts) => {
                let line = self.unpaired_line(hop, identity, message, &parts, middle);
                let key = self.keys.key(identity, message, &parts);
                self.pair(key, line)
            }
            Err(error) => {
                let out = &mut self.files.buffer;
                line::begin(time, &mut self.clock, out);
                out.extend_from_slice(&middle);
                line::invalid(wire, &error.to_string(), out);
                self.lines += 1;
                self.files.end_unit()
            }
        })
    }

    /// Returns a query or response as an unpaired line.
    fn unpaired_line(
        &mut self,
        hop: Hop,
        identity: Option<&[u8]>,
        message: &Message<'_>,
        parts: &Parts<'_>,
        mut middle: Vec<u8>,
    ) -> UnpairedLine {
        // A response may contain its query.
        let query = message.query_message.and_then(|wire| Parts::find(wire).ok());
        line::question(query.as_ref().unwrap_or(parts), query.is_some(), &mut middle);
        let answer = message.message_type.is_response().then(|| AnswerColumns {
            code: (!pairing::is_unsent(message)).then(|| parts.response_code()),
            upstream_times: if hop == Hop::Client {
                self.upstream.times_for(identity.unwrap_or_default(), parts)
            } else {
                None
            },
        });
        UnpairedLine {
            hop,
            times: ExchangeTimes::of(message),
            middle,
            answer,
            server: self.keys.server(identity),
            since: Instant::now(),
        }
    }

    /// Writes the line of a message and its counterpart. Without a counterpart, the message waits for one if
    /// it is expected.
    fn pair(&mut self, key: u64, mut line: UnpairedLine) -> Result<(), FrameOutputError> {
        let seen = self.seen[line.hop as usize];
        let is_query = line.answer.is_none();
        let is_expected = match is_query {
            true => !seen.logs_only_queries(),
            // If queries are logged, this applies even to the query of a response that contains it.
            false => seen.queries,
        };
        if let Some(other) = self.unpaired.take_best(key, |other| line.fit(other)) {
            self.bytes -= other.bytes();
            let (query, response) = if is_query { (line, other) } else { (other, line) };
            return self.write_line(&query, Some(&response));
        }
        if !is_expected {
            return self.write_unpaired(&line);
        }
        line.middle.shrink_to_fit();
        self.bytes += line.bytes();
        self.unpaired.push(key, line);
        while self.bytes > BYTES_MAX {
            if seen.responses {
                self.remarks.count("messages unpaired: too many were pending");
            }
            self.end_oldest()?;
        }
        Ok(())
    }

    /// Writes the line of a message without its counterpart.
    fn write_unpaired(&mut self, line: &UnpairedLine) -> Result<(), FrameOutputError> {
        self.write_line(line, line.answer.is_some().then_some(line))
    }

    /// Writes the line of a query and its response, which may be the same message.
    fn write_line(
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
            self.remarks.count("responses without latency: earlier than their queries");
        }
        let until = own.and_then(|own| own.response);
        let out = &mut self.files.buffer;
        line::begin(time, &mut self.clock, out);
        out.extend_from_slice(&query.middle);
        line::answer(answer, latency, until, out);
        self.lines += 1;
        self.files.end_unit()
    }

    /// Ends the wait of messages that have expired at the time of a message from the same server.
    fn end_expired(
        &mut self,
        identity: Option<&[u8]>,
        time: Option<u64>,
    ) -> Result<(), FrameOutputError> {
        let server = self.keys.server(identity);
        while self
            .unpaired
            .oldest()
            .is_some_and(|oldest| oldest.server == server && oldest.times.has_expired_at(time))
        {
            self.end_oldest()?;
        }
        Ok(())
    }

    /// Ends the wait of the oldest message, and of the following ones if no response is expected.
    fn end_oldest(&mut self) -> Result<(), FrameOutputError> {
        while let Some(line) = self.unpaired.pop_oldest() {
            self.bytes -= line.bytes();
            self.write_unpaired(&line)?;
            let seen = &mut self.seen[line.hop as usize];
            seen.unanswered = seen.unanswered.saturating_add(line.answer.is_none().into());
            let next = self.unpaired.oldest().map(|next| next.hop);
            if !seen.logs_only_queries() || next != Some(line.hop) {
                break;
            }
        }
        Ok(())
    }

    /// Returns the time at which the wait of the oldest message ends.
    fn timeout_at(&self) -> Option<Instant> {
        self.unpaired.oldest().map(|oldest| oldest.since + TIMEOUT)
    }
}

impl FrameOutput for QueryLogOutput {
    fn write_frame(&mut self, frame: &DecodedFrame<'_>) -> Result<(), FrameOutputError> {
        // The worker reports frames that cannot be decoded.
        let Ok(event) = frame.event else { return Ok(()) };
        match &event.message {
            Some(message) => self.message(event.identity, message),
            None => {
                self.remarks.count("messages skipped: they contain no DNS message");
                Ok(())
            }
        }
    }

    fn files(&mut self) -> Option<&mut FileWriter> {
        Some(&mut self.files)
    }

    fn due(&mut self) -> Option<Instant> {
        [self.timeout_at(), self.files.due()].into_iter().flatten().min()
    }

    fn tick(&mut self) -> Result<(), FrameOutputError> {
        let now = Instant::now();
        while self.timeout_at().is_some_and(|timeout_at| timeout_at <= now) {
            self.end_oldest()?;
        }
        self.files.write()?;
        self.files.tick()
    }

    fn finish(mut self: Box<Self>, report: &mut dyn FnMut(String)) -> Result<(), FrameOutputError> {
        let mut ended = Ok(());
        while self.unpaired.count() > 0 {
            // After a failure, the remaining lines are counted as lost.
            ended = ended.and(self.end_oldest());
        }
        let name = &self.files.name;
        self.remarks.report(name, report);
        if self.lines == 0 && self.upstream_messages > 0 {
            let upstream_messages = self.upstream_messages;
            report(format!(
                "{name}: no client queries; {upstream_messages} RESOLVER and FORWARDER messages have no line of \
                 their own"
            ));
        }
        self.files.finish_after(ended)
    }
}
