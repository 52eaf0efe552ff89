// SPDX-License-Identifier: MIT OR Apache-2.0
//! Properties that must hold for any input: the bodies of the fuzz targets, which the test `corpus`
//! runs too.

use std::cell::Cell;
use std::fs;
use std::io::{self, Read};
use std::sync::atomic::Ordering;

use dnstap::Event;
use files::content::Content;
use files::continued_file::continue_at_end;
use files::input::FileReader;
use files::input::frames::FileFrames;
use framestream::frame::{LENGTH_SIZE, data_frames};
use operator_log as log;
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use pipeline::address::decode_into;
use pipeline::columns;
use pipeline::decoded_frame::DecodedFrame;
use pipeline::format::{FileSettings, Format};
use pipeline::mask::Mask;
use pipeline::output::pcap::PcapOutput;
use pipeline::output::table::{RowPrinter, TableSyntax};
use pipeline::print::{EventPrinter, Style};
use pipeline::queue::{BatchQueue, Popped};
use pipeline::stats::metrics::RejectedCounts;
use pipeline::stats::text::ViewSize;
use pipeline::stats::{MessageStats, metrics, text};
use printable::hidden::is_hidden;
use strum::VariantArray;

/// Maximum length of the text of one event: two DNS messages of 1 MiB, and the other fields.
const EVENT_TEXT_MAX: usize = 4 << 20;

/// Frame size limit of the reader, so small that short files can exceed it.
const FRAME_LIMIT: usize = 512;

const CONTENT_TYPE: &[u8] = b"protobuf:dnstap.Dnstap";

/// Prints a frame as a row of each syntax: one line, as long as text may be, and valid JSON.
fn table(frame: &DecodedFrame<'_>) {
    let columns: Vec<_> = columns::all().collect();
    for syntax in [TableSyntax::Ndjson, TableSyntax::Csv, TableSyntax::Tsv] {
        let mut out = Vec::new();
        RowPrinter::new(syntax, &columns).print(frame, &mut out);
        let text = std::str::from_utf8(&out).expect("text");
        let line = text.strip_suffix('\n').expect("a whole line");
        assert!(text.len() <= 2 * EVENT_TEXT_MAX, "{} bytes of {syntax:?}", text.len());
        match syntax {
            TableSyntax::Ndjson => {
                serde_json::from_str::<serde_json::Value>(line).expect("JSON");
                assert!(!line.contains(is_hidden), "a hidden character: {line:?}");
            }
            // A quoted value may have line ends and tabs.
            TableSyntax::Csv => {
                assert!(!line.contains(|c| is_hidden(c) && !"\r\n\t".contains(c)), "{line:?}");
                let unquoted = line.split('"').step_by(2).map(|part| part.matches(',').count());
                assert_eq!(unquoted.sum::<usize>(), columns.len() - 1, "{line}");
            }
            TableSyntax::Tsv => {
                assert!(!line.contains(|c| is_hidden(c) && c != '\t'), "{line:?}");
                assert_eq!(line.matches('\t').count(), columns.len() - 1, "{line}");
            }
        }
    }
}

/// Prints the frame `bytes` in every style, and counts it. Text has no hidden characters beside those
/// of the style, and JSON is valid. A masked event can be encoded and decoded.
pub(crate) fn print(bytes: &[u8]) {
    let decode = |bytes| {
        let mut event = Event::new();
        decode_into(bytes, &mut event).map(|()| event)
    };
    let event = decode(bytes);
    for &style in Style::VARIANTS {
        let mut out = Vec::new();
        let mut printer = EventPrinter::new(style);
        match &event {
            Ok(event) => printer.print(event, &mut out),
            Err(error) => printer.print_undecodable(bytes, error, &mut out),
        }
        let text = std::str::from_utf8(&out).expect("text");
        let lines = text.strip_suffix('\n').expect("a whole line");
        // The control characters that the style itself prints.
        let allowed: &[char] = match style {
            Style::Quiet | Style::Json => &[],
            Style::Yaml => &['\n', '\t'],
        };
        let hidden = lines.chars().find(|found| is_hidden(*found) && !allowed.contains(found));
        assert_eq!(hidden, None, "a hidden character in {style:?}: {text:?}");
        assert!(text.len() <= EVENT_TEXT_MAX, "{} bytes of {style:?}", text.len());
        if style == Style::Json {
            serde_json::from_str::<serde_json::Value>(lines).expect("JSON");
        }
    }
    let framed = [&(bytes.len() as u32).to_be_bytes(), bytes].concat();
    table(&DecodedFrame { event: event.as_ref(), bytes: &framed });
    let mut stats = MessageStats::default();
    match &event {
        Ok(event) => stats.add(bytes, event),
        Err(_) => stats.add_undecodable(bytes),
    }
    let size = ViewSize { width: 80, height: Some(24) };
    let shown = text::lines(&stats, Some(1.0), size).join(" ");
    let page = metrics::text(&stats, &[], &RejectedCounts::default()).replace('\n', " ");
    assert!(!(shown + &page).chars().any(is_hidden));
    let Ok(event) = event else { return };
    let mut mask = Mask::new(24, 48);
    let mut buffer = Vec::new();
    let masked = mask.apply(&event);
    if let Some(encoded) = Mask::encode(&mut buffer, &masked) {
        assert_eq!(decode(&encoded[LENGTH_SIZE..]).as_ref(), Ok(&masked));
    }
    // Masking twice is the same as masking once.
    assert_eq!(Mask::new(24, 48).apply(&masked), masked);
}

/// Returns the frames of an input: each has two bytes for its length, and the last one takes the
/// remaining bytes if they are fewer.
fn frames_in(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut frames = Vec::new();
    let mut rest = bytes;
    while let Some((length, after)) = rest.split_first_chunk::<2>() {
        let length = usize::from(u16::from_be_bytes(*length)).min(after.len());
        let (payload, after) = after.split_at(length);
        frames.push([&(length as u32).to_be_bytes()[..], payload].concat());
        rest = after;
    }
    frames
}

/// Returns the file that an output of this format has written after all frames.
fn exported(frames: &[Vec<u8>], format: Format) -> Vec<u8> {
    log::set_level(log::Level::Error);
    let place = tempfile::tempdir().expect("a folder");
    let name = place.path().join("file");
    let files = format.files(&name, &FileSettings::default());
    let mut output = format.open(&files, None, Default::default()).expect("a file");
    output.begin().expect("begun");
    for bytes in frames {
        let mut event = Event::new();
        let decoded = decode_into(&bytes[LENGTH_SIZE..], &mut event);
        let event = decoded.as_ref().map(|()| &event);
        output.write_frame(&DecodedFrame { event, bytes }).expect("taken");
    }
    output.flush().expect("flushed");
    output
        .finish(&mut |message| assert!(!message.contains("failed"), "{message}"))
        .expect("finished");
    fs::read(name).expect("read")
}

/// Exports frames in every format that no other target checks. A line of the query log has all columns, passive DNS is valid JSON,
/// a packet capture contains whole packets, and Parquet has a row for each frame.
pub(crate) fn export(bytes: &[u8]) {
    let frames = &frames_in(bytes);
    for &format in Format::VARIANTS {
        let exported = || exported(frames, format);
        match format {
            // The target `print` checks styles of text and tables, and `file` files of frames.
            Format::Frames
            | Format::Quiet
            | Format::Yaml
            | Format::Json
            | Format::Ndjson
            | Format::Csv
            | Format::Tsv => {}
            Format::Querylog => check_query_log(exported(), frames.len()),
            Format::Pdns => check_passive_dns(exported(), frames.len()),
            Format::Pcap => check_packets(&exported()),
            Format::Parquet => check_rows(exported(), frames.len()),
        }
    }
}

fn check_query_log(log: Vec<u8>, frame_count: usize) {
    assert!(log.len() <= frame_count * EVENT_TEXT_MAX && (log.is_empty() || log.ends_with(b"\n")));
    let log = String::from_utf8(log).expect("text");
    assert!(log.lines().count() <= frame_count);
    for line in log.lines() {
        let is_bad = line.contains(" - - - - - - - - [");
        let columns = line.split(' ').count();
        assert!(is_bad || columns == 14, "{columns}: {line}");
        assert!(line.bytes().all(|byte| matches!(byte, b' '..=b'~')), "{line:?}");
    }
}

fn check_passive_dns(records: Vec<u8>, frame_count: usize) {
    assert!(records.len() <= frame_count * EVENT_TEXT_MAX);
    let records = String::from_utf8(records).expect("text");
    for line in records.lines() {
        assert!(!line.chars().any(is_hidden), "{line:?}");
        serde_json::from_str::<serde_json::Value>(line).expect("JSON");
    }
}

fn check_packets(file: &[u8]) {
    let content = PcapOutput::content();
    let packets = &file[content.start.len()..];
    let (_, size) = (content.whole)(packets);
    assert_eq!(size, packets.len());
}

fn check_rows(file: Vec<u8>, frame_count: usize) {
    let reader = SerializedFileReader::new(bytes::Bytes::from(file)).expect("Parquet");
    assert_eq!(reader.metadata().file_metadata().num_rows(), frame_count as i64);
}

/// A reader that returns at most 3 bytes at a time.
struct Pieces<'a>(&'a [u8]);

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = buffer.len().min(3);
        self.0.read(&mut buffer[..count])
    }
}

/// Returns the frames that are read from `source`, and the error that ends it, if any.
fn frames_of(source: impl Read) -> (Vec<Vec<u8>>, String) {
    let reading = FileReader {
        frame_limit: FRAME_LIMIT,
        follow: false,
        stop: Default::default(),
        progress: Default::default(),
    };
    let queue = BatchQueue::default();
    let at_stop = Cell::new(false);
    let frames = FileFrames::new(source, "file".into(), &reading, &queue, &at_stop);
    let ending = match frames.pass_on() {
        Ok(()) => String::new(),
        Err(error) => error.to_string(),
    };
    queue.close();
    let mut frames = Vec::new();
    while let Popped::Batch(_, batch) = queue.pop(None) {
        frames.extend(data_frames(&batch).map(<[u8]>::to_vec));
    }
    assert_eq!(frames.len() as u64, reading.progress.frames.load(Ordering::Relaxed));
    (frames, ending)
}

/// Reads the file `bytes` at once and in pieces, with the same result. Then continues it: a refused
/// file stays unchanged, and an accepted one can be continued again after the same frames.
pub(crate) fn file(bytes: &[u8]) {
    let (frames, ending) = frames_of(bytes);
    assert_eq!(frames_of(Pieces(bytes)), (frames, ending));
    let place = tempfile::NamedTempFile::new().expect("a file");
    fs::write(place.path(), bytes).expect("written");
    let content = Content::frames(CONTENT_TYPE).expect("a content type");
    match continue_at_end(place.path(), &content) {
        Err(_) => assert_eq!(fs::read(place.path()).expect("read"), bytes),
        Ok((_, continued)) => {
            // Only the first write truncates the file.
            assert_eq!(fs::read(place.path()).expect("read"), bytes);
            let kept = &bytes[..continued.bytes as usize];
            let whole = if kept.is_empty() { content.start.clone() } else { kept.to_vec() };
            let whole = [whole, content.stop.clone()].concat();
            let again = tempfile::NamedTempFile::new().expect("a file");
            fs::write(again.path(), &whole).expect("written");
            let (_, continued_again) =
                continue_at_end(again.path(), &content).expect("a good file");
            assert_eq!(continued_again.torn, 0);
            assert_eq!(continued_again.frames, continued.frames);
            assert_eq!(continued_again.bytes + content.stop.len() as u64, whole.len() as u64);
        }
    }
}
