// SPDX-License-Identifier: MIT OR Apache-2.0
//! Passive DNS: which records resolvers got from which name servers, and when, one JSON object a
//! line in the Common Output Format (draft-dulaunoy-dnsop-passive-dns-cof).
//!
//! A name server is believed of the zone that it was asked for, and of nothing else: an answer from
//! elsewhere could be made to put records into somebody's history.

use std::time::{Duration, Instant};

use dns::record::{OPT, Record};
use dns::section::{Parts, flag};
use dns::{BadMessage, name, rdata};
use dnstap::Message;
use dnstap::schema::MessageType;
use indexmap::IndexMap;
use printable::bound::{TEXT_MAX, text_max};
use printable::text::Text;

use super::error::FrameOutputError;
use super::remarks::Remarks;
use super::series::FileSeries;
use super::{Frame, FrameOutput};
use crate::pairing::ExchangeTimes;
use crate::print::json;

/// Time for which records are counted before they are printed.
const INTERVAL: Duration = Duration::from_secs(60);

/// Bytes that records take while they are counted, at most.
const BYTES_MAX: usize = 16 << 20;

/// About how many bytes a record takes beside its text.
const OVERHEAD: usize = 100;

const IN: u16 = 1;

const BILLION: u64 = 1_000_000_000;

/// Records that are about a message or its transport, and no zone has.
mod meta {
    pub(crate) const SIG: u16 = 24;
    pub(crate) const TKEY: u16 = 249;
    pub(crate) const TSIG: u16 = 250;
}

/// Passive DNS.
pub(crate) struct PassiveDns {
    files: FileSeries,
    /// By the front of the line, which says what was seen.
    seen: IndexMap<Vec<u8>, Sightings>,
    bytes: usize,
    /// When the first of them was seen here.
    since: Option<Instant>,
    remarks: Remarks,
    line: Vec<u8>,
    owner: Vec<u8>,
    scratch: Vec<u8>,
}

/// Where records come from.
#[derive(Clone, Copy, Debug)]
struct RecordOrigin<'a> {
    /// The resolver.
    identity: Option<&'a [u8]>,
    /// The address of the server that answered.
    nameserver: Option<&'a [u8]>,
    /// The zone that it was asked for, in canonical form.
    zone: &'a [u8],
    /// Its answer.
    wire: &'a [u8],
    /// When it came, in seconds since 1970.
    time: u64,
}

/// The count of a record, and the times of its first and last answer in seconds since 1970.
#[derive(Clone, Copy, Debug)]
struct Sightings {
    count: u64,
    first: u64,
    last: u64,
}

impl PassiveDns {
    /// Writes to `files`.
    pub(crate) fn new(files: FileSeries) -> Self {
        Self {
            files,
            seen: IndexMap::new(),
            bytes: 0,
            since: None,
            remarks: Remarks::default(),
            line: Vec::new(),
            owner: Vec::new(),
            scratch: Vec::new(),
        }
    }

    /// Takes what a message says, or says why not.
    fn message(
        &mut self,
        identity: Option<&[u8]>,
        message: &Message<'_>,
    ) -> Result<(), &'static str> {
        if message.message_type != MessageType::RESOLVER_RESPONSE {
            return Err("messages are no RESOLVER_RESPONSE, and are left out");
        }
        let wire = message.response_message.ok_or("messages hold no response")?;
        let parts = Parts::find(wire).and_then(|parts| parts.check().map(|()| parts));
        let parts = parts.map_err(|_| "responses are no valid DNS, and are left out")?;
        if parts.flags & flag::QR == 0 || parts.opcode() != 0 {
            return Err("messages are no response to a query, and are left out");
        }
        if parts.flags & flag::TC != 0 {
            return Err("responses are truncated, and are left out");
        }
        if parts.response_code() != 0 {
            return Err("responses have another code than NOERROR, and are left out");
        }
        let time = ExchangeTimes::of(message);
        let time = time.response.or(time.query).map(|time| time / BILLION);
        let time = time.ok_or("responses have no time up to the year 2262, and are left out")?;
        let mut zone = Vec::new();
        let zone_is_good = message
            .query_zone
            .is_some_and(|given| name::canonical(given, 0, &mut zone) == Ok(given.len()));
        if !zone_is_good {
            return Err("responses have no zone that was asked, and are left out");
        }
        let nameserver = message.response_address;
        let source = RecordOrigin { identity, nameserver, zone: &zone, wire, time };
        let mut text = 0;
        for section in parts.sections {
            for record in parts.records(section) {
                match self.record(&source, &record) {
                    Ok(size) => text += size,
                    Err(why) => self.remarks.count(why),
                }
                if text > most_text(wire) {
                    return Err("responses have too many records as text, and are cut");
                }
            }
        }
        Ok(())
    }

    /// Counts a record, or says why not. Returns how long its text is.
    fn record(
        &mut self,
        source: &RecordOrigin<'_>,
        record: &Record,
    ) -> Result<usize, &'static str> {
        if [OPT, meta::SIG, meta::TKEY, meta::TSIG].contains(&record.rtype) {
            return Ok(0);
        }
        if record.class != IN {
            return Err("records are of another class than IN, and are left out");
        }
        if record.start == record.end {
            return Err("records have no data, and are left out");
        }
        self.owner.clear();
        // The message was checked: from here on nothing is bad.
        let _ = name::canonical(source.wire, record.name_at, &mut self.owner);
        if !name::is_within(&self.owner, source.zone) {
            return Err("records are out of bailiwick, and are left out");
        }
        let _ = self.front(source, record);
        if self.line.len() > most_text(source.wire) {
            return Err("records are too long as text, and are left out");
        }
        let time = source.time;
        match self.seen.get_mut(&self.line) {
            Some(sightings) => {
                sightings.count += 1;
                sightings.first = sightings.first.min(time);
                sightings.last = sightings.last.max(time);
            }
            None => {
                self.bytes += self.line.len() + OVERHEAD;
                let sightings = Sightings { count: 1, first: time, last: time };
                self.seen.insert(self.line.clone(), sightings);
                self.since.get_or_insert_with(Instant::now);
            }
        }
        Ok(self.line.len())
    }

    /// Makes the front of a line: what was seen, and where.
    fn front(&mut self, source: &RecordOrigin<'_>, record: &Record) -> Result<(), BadMessage> {
        let Self { line, owner, scratch, .. } = self;
        line.clear();
        scratch.clear();
        let mut string = |key: &str, scratch: &mut Vec<u8>| {
            line.str(key);
            json::string(scratch, line);
            scratch.clear();
        };
        name::print(owner, 0, scratch)?;
        string("{\"rrname\":", scratch);
        rdata::assigned_type_text(record.rtype, scratch);
        string(",\"rrtype\":", scratch);
        rdata::data(source.wire, record, scratch)?;
        if has_compressed_names(record.rtype) {
            scratch.make_ascii_lowercase();
        }
        string(",\"rdata\":", scratch);
        name::print(source.zone, 0, scratch)?;
        string(",\"bailiwick\":", scratch);
        if let Some(address) = source.nameserver {
            scratch.address(address);
            string(",\"nameserver\":", scratch);
        }
        if let Some(identity) = source.identity.filter(|identity| !identity.is_empty()) {
            scratch.field(identity, |identity, scratch| scratch.bytes(identity));
            string(",\"sensor_id\":", scratch);
        }
        Ok(())
    }

    /// Prints what was counted, and begins anew.
    fn print(&mut self) -> Result<(), FrameOutputError> {
        let mut printed = Ok(());
        for (front, Sightings { count, first, last }) in self.seen.drain(..) {
            let out = &mut self.files.buffer;
            out.extend_from_slice(&front);
            out.str(",\"count\":");
            out.number(count);
            out.str(",\"time_first\":");
            out.number(first);
            out.str(",\"time_last\":");
            out.number(last);
            out.str("}\n");
            // After a failure the others are counted.
            printed = printed.and(self.files.end_unit());
        }
        self.bytes = 0;
        self.since = None;
        printed.and(self.files.write())
    }
}

/// Returns the most text that records of one response may become. Each line has more beside its record
/// than the text of a message has.
fn most_text(wire: &[u8]) -> usize {
    TEXT_MAX.min(2 * text_max(wire.len()))
}

/// Returns whether names in the data may point to others in the message (RFC 3597, section 4), and
/// so have the letters that the resolver asked with.
fn has_compressed_names(rtype: u16) -> bool {
    matches!(rtype, 2..=9 | 12 | 14 | 15 | 17 | 18 | 21 | 26 | 33 | 36 | 39)
}

impl FrameOutput for PassiveDns {
    fn files(&mut self) -> Option<&mut FileSeries> {
        Some(&mut self.files)
    }

    fn write_frame(&mut self, frame: &Frame<'_>) -> Result<(), FrameOutputError> {
        // Of frames that hold no event the worker tells.
        let Ok(event) = frame.event else { return Ok(()) };
        let taken = match &event.message {
            Some(message) => self.message(event.identity, message),
            None => Err("messages are no RESOLVER_RESPONSE, and are left out"),
        };
        if let Err(why) = taken {
            self.remarks.count(why);
        }
        if self.bytes >= BYTES_MAX { self.print() } else { Ok(()) }
    }

    fn due(&mut self) -> Option<Instant> {
        let print = self.since.map(|since| since + INTERVAL);
        [print, self.files.due()].into_iter().flatten().min()
    }

    fn tick(&mut self) -> Result<(), FrameOutputError> {
        let now = Instant::now();
        // What was counted in the time of a file belongs there.
        if self.files.is_over(now) || self.since.is_some_and(|since| since + INTERVAL <= now) {
            self.print()?;
        }
        self.files.tick()
    }

    fn reopen(&mut self) -> Result<(), FrameOutputError> {
        self.print()?;
        self.files.reopen()
    }

    fn finish(mut self: Box<Self>, report: &mut dyn FnMut(String)) -> Result<(), FrameOutputError> {
        self.remarks.report(self.files.name(), report);
        let printed = self.print();
        self.files.finish_after(printed)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use dnstap::Event;

    use super::*;
    use files::content::Content;
    use files::output_file::Placing;
    use files::rotating_file::Files;

    #[test]
    fn what_was_counted_is_printed_from_time_to_time() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let files = Files {
            name: file.path().into(),
            calendar: None,
            split: None,
            split_size: None,
            post_rotate: None,
            placing: Placing::Replace,
            compressed: false,
        };
        let files = FileSeries::open(&files, Content::text(), Arc::default()).unwrap();
        let mut output = PassiveDns::new(files);
        let text = || std::fs::read_to_string(file.path()).unwrap();
        let wire = b"\0\x01\x80\0\0\0\0\x01\0\0\0\0\0\0\x10\0\x01\0\0\0\0\0\x02\x01x";
        let message = Message {
            query_zone: Some(b"\0"),
            response_time_sec: Some(7),
            response_message: Some(wire),
            ..Message::new(MessageType::RESOLVER_RESPONSE)
        };
        let event = Event { message: Some(message), ..Event::new() };
        assert_eq!(output.due(), None);
        for count in [2, 1] {
            for _ in 0..count {
                output.write_frame(&Frame { event: Ok(&event), bytes: &[] }).unwrap();
                output.flush().unwrap();
            }
            let left = output.due().unwrap().saturating_duration_since(Instant::now());
            assert!(left <= INTERVAL && left > INTERVAL / 2);
            let before = text();
            output.tick().unwrap();
            assert_eq!(text(), before, "it is not time yet");
            output.since = Instant::now().checked_sub(INTERVAL);
            output.tick().unwrap();
            let end = format!("\"count\":{count},\"time_first\":7,\"time_last\":7}}\n");
            assert!(text().ends_with(&end));
            assert_eq!(output.due(), None);
        }
    }
}
