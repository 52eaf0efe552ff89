// SPDX-License-Identifier: MIT OR Apache-2.0
//! Passive DNS: the records that resolvers received from name servers, with the times, one JSON object per
//! line in the Common Output Format (draft-dulaunoy-dnsop-passive-dns-cof).
//!
//! Only records within the zone of the query are accepted. Otherwise any name server could insert records
//! into the history of other zones.

use std::time::{Duration, Instant};

use dns::record::{OPT, Record};
use dns::section::{Parts, flag};
use dns::{BadMessage, mnemonic, name, rdata};
use dnstap::Message;
use dnstap::schema::MessageType;
use indexmap::IndexMap;
use printable::bound::{TEXT_MAX, text_max};
use printable::text::TextSink;

use super::FrameOutput;
use super::error::FrameOutputError;
use super::file_writer::FileWriter;
use crate::decoded_frame::DecodedFrame;
use crate::pairing::ExchangeTimes;
use crate::print::json;
use crate::remarks::Remarks;
use crate::stats::span::TimeSpan;

/// Interval at which counted records are printed.
const INTERVAL: Duration = Duration::from_secs(60);

/// Maximum memory for counted records.
const BYTES_MAX: usize = 16 << 20;

/// Approximate memory for a record in addition to its text.
const OVERHEAD: usize = 100;

const IN: u16 = 1;

const BILLION: u64 = 1_000_000_000;

/// The output of passive DNS.
pub(crate) struct PassiveDnsOutput {
    files: FileWriter,
    /// Number and times of sightings, in seconds since 1970, by the start of the record's line.
    seen: IndexMap<Vec<u8>, TimeSpan>,
    bytes: usize,
    /// Time of the first counted record.
    since: Option<Instant>,
    remarks: Remarks,
    line: Vec<u8>,
    owner: Vec<u8>,
    scratch: Vec<u8>,
}

/// The origin of records.
#[derive(Clone, Copy, Debug)]
struct RecordOrigin<'a> {
    /// Identity of the resolver.
    identity: Option<&'a [u8]>,
    /// Address of the name server.
    nameserver: Option<&'a [u8]>,
    /// Zone of the query in canonical form.
    zone: &'a [u8],
    /// The response.
    wire: &'a [u8],
    /// Time of the response in seconds since 1970.
    time: u64,
}

impl PassiveDnsOutput {
    pub(crate) fn new(files: FileWriter) -> Self {
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

    /// Counts the records of a message. An error is the remark about a skipped message.
    fn message(
        &mut self,
        identity: Option<&[u8]>,
        message: &Message<'_>,
    ) -> Result<(), &'static str> {
        if message.message_type != MessageType::RESOLVER_RESPONSE {
            return Err("messages skipped: not RESOLVER_RESPONSE");
        }
        let wire = message.response_message.ok_or("messages skipped: they contain no response")?;
        let parts = Parts::find(wire).and_then(|parts| parts.check().map(|()| parts));
        let parts = parts.map_err(|_| "responses skipped: invalid DNS")?;
        if parts.flags & flag::QR == 0 || parts.opcode() != 0 {
            return Err("messages skipped: not a response to a query");
        }
        if parts.flags & flag::TC != 0 {
            return Err("responses skipped: truncated");
        }
        if parts.response_code() != 0 {
            return Err("responses skipped: code other than NOERROR");
        }
        let time = ExchangeTimes::of(message);
        let time = time.response.or(time.query).map(|time| time / BILLION);
        let time = time.ok_or("responses skipped: no time up to the year 2262")?;
        let mut zone = Vec::new();
        let zone_is_good = message
            .query_zone
            .is_some_and(|given| name::canonical(given, 0, &mut zone) == Ok(given.len()));
        if !zone_is_good {
            return Err("responses skipped: no zone of the query");
        }
        let nameserver = message.response_address;
        let origin = RecordOrigin { identity, nameserver, zone: &zone, wire, time };
        let mut text = 0;
        for section in parts.sections {
            for record in parts.records(section) {
                match self.record(&origin, &record) {
                    Ok(size) => text += size,
                    Err(why) => self.remarks.count(why),
                }
                if text > response_text_max(wire) {
                    return Err("responses cut short: text too long");
                }
            }
        }
        Ok(())
    }

    /// Counts a record. Returns the length of its text. An error is the remark about a skipped record.
    fn record(
        &mut self,
        origin: &RecordOrigin<'_>,
        record: &Record,
    ) -> Result<usize, &'static str> {
        // These are about a message or its transport, and do not belong to a zone.
        if [OPT, rdata::SIG, rdata::TKEY, rdata::TSIG].contains(&record.rtype) {
            return Ok(0);
        }
        if record.class != IN {
            return Err("records skipped: class other than IN");
        }
        if record.start == record.end {
            return Err("records skipped: no data");
        }
        self.owner.clear();
        // Cannot fail: the message was checked.
        let _ = name::canonical(origin.wire, record.name_at, &mut self.owner);
        if !name::is_within(&self.owner, origin.zone) {
            return Err("records skipped: out of bailiwick");
        }
        let _ = self.build_prefix(origin, record);
        if self.line.len() > response_text_max(origin.wire) {
            return Err("records skipped: text too long");
        }
        let sighting = TimeSpan::at(origin.time);
        match self.seen.get_mut(&self.line) {
            Some(sightings) => sightings.add(&sighting),
            None => {
                self.bytes += self.line.len() + OVERHEAD;
                self.seen.insert(self.line.clone(), sighting);
                self.since.get_or_insert_with(Instant::now);
            }
        }
        Ok(self.line.len())
    }

    /// Builds the start of a line: the record and its origin.
    fn build_prefix(
        &mut self,
        origin: &RecordOrigin<'_>,
        record: &Record,
    ) -> Result<(), BadMessage> {
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
        mnemonic::assigned_type_text(record.rtype, scratch);
        string(",\"rrtype\":", scratch);
        rdata::data(origin.wire, record, scratch)?;
        if has_compressed_names(record.rtype) {
            scratch.make_ascii_lowercase();
        }
        string(",\"rdata\":", scratch);
        name::print(origin.zone, 0, scratch)?;
        string(",\"bailiwick\":", scratch);
        if let Some(address) = origin.nameserver {
            scratch.address(address);
            string(",\"nameserver\":", scratch);
        }
        if let Some(identity) = origin.identity.filter(|identity| !identity.is_empty()) {
            scratch.field(identity, |identity, scratch| scratch.bytes(identity));
            string(",\"sensor_id\":", scratch);
        }
        Ok(())
    }

    /// Prints the counted records and resets the counts.
    fn print(&mut self) -> Result<(), FrameOutputError> {
        let mut printed = Ok(());
        for (prefix, TimeSpan { first, last, count }) in self.seen.drain(..) {
            let out = &mut self.files.buffer;
            out.extend_from_slice(&prefix);
            for (key, number) in
                [(",\"count\":", count), (",\"time_first\":", first), (",\"time_last\":", last)]
            {
                out.str(key);
                out.number(number);
            }
            out.str("}\n");
            // After a failure, the remaining lines are counted as lost.
            printed = printed.and(self.files.end_unit());
        }
        self.bytes = 0;
        self.since = None;
        printed.and(self.files.write())
    }
}

/// Returns the maximum length of the text of one response: twice [`text_max`], because each line contains
/// more than its record.
fn response_text_max(wire: &[u8]) -> usize {
    TEXT_MAX.min(2 * text_max(wire.len()))
}

/// Returns whether names in the data may be compressed (RFC 3597, section 4), and thus may have the random
/// case of the resolver's query.
fn has_compressed_names(rtype: u16) -> bool {
    matches!(rtype, 2..=9 | 12 | 14 | 15 | 17 | 18 | 21 | 26 | 33 | 36 | 39)
}

impl FrameOutput for PassiveDnsOutput {
    fn files(&mut self) -> Option<&mut FileWriter> {
        Some(&mut self.files)
    }

    fn write_frame(&mut self, frame: &DecodedFrame<'_>) -> Result<(), FrameOutputError> {
        // The worker reports frames that cannot be decoded.
        let Ok(event) = frame.event else { return Ok(()) };
        let taken = match &event.message {
            Some(message) => self.message(event.identity, message),
            None => Err("messages skipped: not RESOLVER_RESPONSE"),
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
        // Records counted during the time of a file belong in that file.
        if self.files.is_split_due(now) || self.since.is_some_and(|since| since + INTERVAL <= now) {
            self.print()?;
        }
        self.files.tick()
    }

    fn reopen(&mut self) -> Result<(), FrameOutputError> {
        self.print()?;
        self.files.reopen()
    }

    fn finish(mut self: Box<Self>, report: &mut dyn FnMut(String)) -> Result<(), FrameOutputError> {
        self.remarks.report(&self.files.name, report);
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
    use files::rotating_file::FileConfig;

    #[test]
    fn counted_records_are_printed_at_intervals() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let files = FileConfig {
            name: file.path().into(),
            calendar: None,
            split: None,
            split_size: None,
            post_rotate: None,
            placing: Placing::Replace,
            compressed: false,
        };
        let files = FileWriter::open(&files, Content::text(), Arc::default()).unwrap();
        let mut output = PassiveDnsOutput::new(files);
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
                output.write_frame(&DecodedFrame { event: Ok(&event), bytes: &[] }).unwrap();
                output.flush().unwrap();
            }
            let left = output.due().unwrap().saturating_duration_since(Instant::now());
            assert!(left <= INTERVAL && left > INTERVAL / 2);
            let before = text();
            output.tick().unwrap();
            assert_eq!(text(), before, "printed too early");
            output.since = Instant::now().checked_sub(INTERVAL);
            output.tick().unwrap();
            let end = format!("\"count\":{count},\"time_first\":7,\"time_last\":7}}\n");
            assert!(text().ends_with(&end));
            assert_eq!(output.due(), None);
        }
    }
}
