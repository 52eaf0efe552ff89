// SPDX-License-Identifier: MIT OR Apache-2.0
//! The reader on real files, pipes, FIFOs and sockets.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use dnstap::reader::{Foreign, ReadError, Reader};
use dnstap::sink::CONTENT_TYPE;
use framestream::control::{ControlError, ControlFrame, ControlType, Header};
use framestream::frame::MAX_FRAME_SIZE_DEFAULT;
use framestream::transport::{FileSender, SocketSender, Transport};
use framestream::writer::{StreamWriter, WriterOptions};
use tempfile::tempfile;

/// A time limit that a correct reader does not reach.
const PATIENCE: Duration = Duration::from_secs(20);

fn control(control_type: ControlType, content_types: &[&[u8]]) -> Vec<u8> {
    let frame = ControlFrame::new(control_type, content_types.iter().copied());
    frame.encode(Header::With).expect("a short control frame")
}

fn ready() -> Vec<u8> {
    control(ControlType::Ready, &[CONTENT_TYPE])
}

fn start() -> Vec<u8> {
    control(ControlType::Start, &[CONTENT_TYPE])
}

fn stop() -> Vec<u8> {
    control(ControlType::Stop, &[])
}

fn data(payload: &[u8]) -> Vec<u8> {
    [&(payload.len() as u32).to_be_bytes(), payload].concat()
}

/// Returns a payload that differs from those of other lengths, and varies within.
fn payload(length: usize) -> Vec<u8> {
    (0..length).map(|index| (length + index * 7 + index / 251) as u8).collect()
}

/// Returns a reader of a regular file with this content.
fn file(content: &[u8]) -> Reader {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("stream");
    fs::write(&path, content).expect("a file");
    Reader::open(&path).expect("the file")
}

/// Returns a reader of a socket, and the sender's end.
fn socket() -> (Reader, UnixStream) {
    let (ours, theirs) = UnixStream::pair().expect("a socket pair");
    theirs.set_read_timeout(Some(PATIENCE)).expect("a socket");
    (Reader::from_fd(ours.into()).expect("a socket"), theirs)
}

/// Returns a reader of a socket to which a sender has written `content` and nothing more.
fn sent(content: &[u8]) -> (Reader, UnixStream) {
    let (reader, mut sender) = socket();
    sender.write_all(content).expect("room in the socket");
    sender.shutdown(Shutdown::Write).expect("a socket");
    (reader, sender)
}

fn next(reader: &mut Reader) -> Option<Vec<u8>> {
    reader.next(PATIENCE).expect("no error").map(Vec::from)
}

fn error(reader: &mut Reader) -> ReadError {
    reader.next(PATIENCE).map(|frame| frame.map(Vec::from)).expect_err("an error")
}

/// Checks that there is nothing to read yet.
fn assert_waits(reader: &mut Reader) {
    let result = reader.next(Duration::ZERO);
    assert!(matches!(result, Err(ReadError::TimedOut)), "{result:?}");
}

fn assert_ended(reader: &mut Reader) {
    for _ in 0..3 {
        assert_eq!(next(reader), None);
    }
}

/// Reads frames of these lengths, from `offset` on, up to STOP.
fn assert_frames(reader: &mut Reader, mut offset: u64, lengths: &[usize]) {
    for (index, length) in lengths.iter().enumerate() {
        assert!(next(reader) == Some(payload(*length)), "the frame of {length} bytes");
        assert_eq!((reader.offset(), reader.frames()), (offset, index as u64 + 1));
        offset += 4 + *length as u64;
    }
    assert_ended(reader);
    assert_eq!(reader.frames(), lengths.len() as u64);
}

/// Writes frames of these lengths as a stream of dnstap.
fn write_stream(transport: impl Transport + 'static, lengths: &[usize]) {
    let mut options = WriterOptions::default();
    options.add_content_type(CONTENT_TYPE).expect("a short content type");
    let mut writer = StreamWriter::new(Box::new(transport), options);
    for length in lengths {
        writer.write(&payload(*length)).expect("the reader reads");
    }
    writer.close().expect("the end of the stream");
}

/// Lengths on both sides of those at which the length prefix or the buffer changes.
const LENGTHS: [usize; 12] =
    [1, 2, 255, 256, 65_479, 65_531, 65_532, 65_533, 131_072, 3, 1_048_575, 1_048_576];

#[test]
fn the_reader_reads_the_files_of_a_writer() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("stream");
    write_stream(FileSender::new(&path), &LENGTHS);
    let mut reader = Reader::open(&path).expect("the file");
    assert_frames(&mut reader, start().len() as u64, &LENGTHS);
}

#[test]
fn a_writer_on_a_socket_gets_its_answers() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("socket");
    let listener = UnixListener::bind(&path).expect("a socket");
    thread::scope(|scope| {
        scope.spawn(|| {
            write_stream(SocketSender::unix(&path).expect("a short path"), &LENGTHS);
        });
        let (accepted, _) = listener.accept().expect("a sender");
        let mut reader = Reader::from_fd(accepted.into()).expect("a socket");
        assert_frames(&mut reader, (ready().len() + start().len()) as u64, &LENGTHS);
    });
}

#[test]
fn a_pipe_is_read_while_it_is_written_to() {
    let lengths: Vec<usize> = (1..3000).collect();
    let (read, mut write) = io::pipe().expect("a pipe");
    thread::scope(|scope| {
        // Dropped here if the test fails, so that the writer fails too.
        let mut reader = Reader::from_fd(read.into()).expect("a pipe");
        scope.spawn(|| {
            write.write_all(&start()).expect("the reader reads");
            for length in &lengths {
                write.write_all(&data(&payload(*length))).expect("the reader reads");
            }
            write.write_all(&stop()).expect("the reader reads");
        });
        assert_frames(&mut reader, start().len() as u64, &lengths);
    });
}

#[test]
fn a_fifo_is_opened_before_and_after_its_writer() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("fifo");
    assert!(Command::new("mkfifo").arg(&path).status().expect("mkfifo").success());
    let mut reader = Reader::open(&path).expect("the FIFO");
    assert_waits(&mut reader);
    let mut writer = OpenOptions::new().write(true).open(&path).expect("the FIFO");
    assert_waits(&mut reader);
    writer.write_all(&[start(), data(b"first")].concat()).expect("room in the FIFO");
    assert_eq!(next(&mut reader).as_deref(), Some(&b"first"[..]));
    assert_waits(&mut reader);
    drop(writer);
    let end = error(&mut reader);
    let offset = (start().len() + 9) as u64;
    assert!(matches!(end, ReadError::NoStop { offset: at, frames: 1 } if at == offset), "{end}");

    let mut writer = OpenOptions::new().read(true).write(true).open(&path).expect("the FIFO");
    writer.write_all(&[start(), data(b"other"), stop()].concat()).expect("room in the FIFO");
    let mut other = Reader::open(&path).expect("the FIFO");
    assert_eq!(next(&mut other).as_deref(), Some(&b"other"[..]));
    assert_ended(&mut other);
}

#[test]
fn a_stream_may_arrive_in_single_bytes() {
    let frames = [start(), data(&payload(1)), data(&payload(300)), stop()].concat();
    for stream in [frames.clone(), [ready(), frames].concat()] {
        let (mut reader, mut sender) = socket();
        let mut got = Vec::new();
        let mut ends = 0;
        for byte in &stream {
            sender.write_all(&[*byte]).expect("room in the socket");
            match reader.next(Duration::ZERO) {
                Ok(Some(frame)) => got.push(frame.to_vec()),
                Ok(None) => ends += 1,
                Err(ReadError::TimedOut) => (),
                Err(other) => panic!("{other}"),
            }
        }
        assert_eq!((got, ends), (vec![payload(1), payload(300)], 1));
    }
}

#[test]
fn a_stream_that_begins_with_ready_is_answered() {
    let (mut reader, mut sender) = socket();
    let mut answer = vec![0; control(ControlType::Accept, &[CONTENT_TYPE]).len()];
    sender.write_all(&ready()).expect("room in the socket");
    assert_waits(&mut reader);
    sender.read_exact(&mut answer).expect("an answer");
    assert_eq!(answer, control(ControlType::Accept, &[CONTENT_TYPE]));
    sender.write_all(&[start(), data(b"frame"), stop()].concat()).expect("room in the socket");
    assert_eq!(next(&mut reader).as_deref(), Some(&b"frame"[..]));
    assert_ended(&mut reader);
    let finish = control(ControlType::Finish, &[]);
    answer.truncate(finish.len());
    sender.read_exact(&mut answer).expect("an answer");
    assert_eq!(answer, finish);
    drop(reader);
    assert_eq!(sender.read(&mut answer).expect("the end"), 0);
}

#[test]
fn a_stream_that_begins_with_start_gets_no_answer() {
    let (mut reader, mut sender) = sent(&[start(), data(b"frame"), stop()].concat());
    assert_eq!(next(&mut reader).as_deref(), Some(&b"frame"[..]));
    assert_ended(&mut reader);
    drop(reader);
    let mut answer = Vec::new();
    sender.read_to_end(&mut answer).expect("the end");
    assert!(answer.is_empty(), "{answer:?}");
}

#[test]
fn a_sender_need_not_wait_for_finish() {
    let (mut reader, mut sender) = socket();
    sender.write_all(&ready()).expect("room in the socket");
    assert_waits(&mut reader);
    let mut answer = [0; 64];
    assert_ne!(sender.read(&mut answer).expect("ACCEPT"), 0);
    sender.write_all(&[start(), data(b"frame"), stop()].concat()).expect("room in the socket");
    drop(sender);
    assert_eq!(next(&mut reader).as_deref(), Some(&b"frame"[..]));
    assert_ended(&mut reader);
}

#[test]
fn the_reader_waits_for_a_silent_sender_until_the_deadline() {
    let (mut reader, mut sender) = socket();
    let frame = data(&payload(100));
    let begins = [start(), frame[..50].to_vec()].concat();
    for (piece, patience) in [(&b""[..], 40), (&begins, 80)] {
        sender.write_all(piece).expect("room in the socket");
        let (begun, patience) = (Instant::now(), Duration::from_millis(patience));
        let result = reader.next(patience);
        assert!(matches!(result, Err(ReadError::TimedOut)), "{result:?}");
        assert!((patience..PATIENCE / 2).contains(&begun.elapsed()), "{:?}", begun.elapsed());
    }
    sender.write_all(&frame[50..]).expect("room in the socket");
    assert_eq!(next(&mut reader), Some(payload(100)));

    // A wait without a deadline ends with the frame.
    thread::scope(|scope| {
        let mut later = sender.try_clone().expect("a socket");
        scope.spawn(move || later.write_all(&data(b"later")).expect("room in the socket"));
        let frame = reader.next(Duration::MAX).expect("no error");
        assert_eq!(frame, Some(&b"later"[..]));
    });
}

#[test]
fn a_slow_sender_does_not_extend_the_deadline() {
    let (mut reader, mut sender) = socket();
    let patience = Duration::from_millis(100);
    thread::scope(|scope| {
        scope.spawn(move || {
            let begun = Instant::now();
            let frame = data(&payload(100_000));
            for byte in [start(), frame].concat() {
                // Until the reader has returned; it must do so before the time limit.
                if sender.write_all(&[byte]).is_err() || begun.elapsed() > PATIENCE / 2 {
                    return;
                }
                thread::sleep(Duration::from_millis(5));
            }
        });
        let begun = Instant::now();
        let result = reader.next(patience);
        assert!(matches!(result, Err(ReadError::TimedOut)), "{result:?}");
        assert!((patience..PATIENCE / 2).contains(&begun.elapsed()), "{:?}", begun.elapsed());
        drop(reader);
    });
}

/// Returns control frames, or the beginning of a data frame of `size` bytes.
fn endless(size: u32) -> Vec<u8> {
    match size {
        0 => control(ControlType::Accept, &[]).repeat(50_000),
        _ => [size.to_be_bytes().to_vec(), payload(1_000_000)].concat(),
    }
}

#[test]
fn a_sender_that_never_pauses_does_not_extend_the_deadline() {
    // Control frames, a frame over the limit, and one below it.
    for (limit, size) in [(512, 0), (512, u32::MAX), (i32::MAX as usize, 1 << 30)] {
        let (mut reader, mut sender) = socket();
        assert!(reader.set_max_frame_size(limit));
        let patience = Duration::from_millis(100);
        thread::scope(|scope| {
            scope.spawn(move || {
                let begun = Instant::now();
                let mut more = [start(), endless(size)].concat();
                while sender.write_all(&more).is_ok() && begun.elapsed() < PATIENCE / 2 {
                    more = if size == 0 { endless(0) } else { payload(1_000_000) };
                }
            });
            if size as usize > limit {
                assert!(matches!(error(&mut reader), ReadError::TooLarge { .. }));
            }
            for _ in 0..3 {
                let begun = Instant::now();
                let result = reader.next(patience);
                assert!(matches!(result, Err(ReadError::TimedOut)), "{result:?}");
                let took = begun.elapsed();
                assert!((patience..PATIENCE / 4).contains(&took), "{took:?} of {limit}, {size}");
            }
            drop(reader);
        });
    }
}

#[test]
fn received_frames_are_read_without_patience() {
    let (mut reader, mut sender) = socket();
    let lengths = [100, 65_000, 1, 70_000];
    let frames: Vec<u8> = lengths.iter().flat_map(|length| data(&payload(*length))).collect();
    sender.write_all(&[start(), frames].concat()).expect("room in the socket");
    for length in lengths {
        let frame = reader.next(Duration::ZERO).expect("no wait");
        assert!(frame == Some(&payload(length)[..]), "the frame of {length} bytes");
    }
    assert_waits(&mut reader);
}

#[test]
fn the_error_of_a_torn_stream_contains_the_offset() {
    let frames = [start(), data(&payload(1)), data(&payload(40)), data(&payload(300)), stop()];
    let stream = frames.concat();
    let begins = |index: usize| frames[..index].concat().len();
    for cut in 0..stream.len() {
        let piece = &stream[..cut];
        // The frame that contains the cut, or begins at it.
        let torn = (0..frames.len()).rfind(|index| begins(*index) <= cut).expect("the first");
        let (offset, good) = (begins(torn) as u64, torn.saturating_sub(1) as u64);
        let expected = match cut - begins(torn) {
            0 if torn == 0 => "the stream ends at byte 0, without START".to_owned(),
            0 => format!(
                "the stream ends at byte {offset} without STOP, after {good} complete frames"
            ),
            size => format!(
                "the frame at byte {offset} is cut off after {size} bytes; {good} frames before \
                 it are complete"
            ),
        };
        for mut reader in [file(piece), sent(piece).0] {
            for _ in 0..good {
                next(&mut reader).expect("a frame");
            }
            assert_eq!(reader.frames(), good);
            for _ in 0..2 {
                assert_eq!(error(&mut reader).to_string(), expected, "cut at {cut}");
            }
        }
    }
}

#[test]
fn a_stream_that_ends_in_the_handshake_differs_from_an_empty_one() {
    let ready = ready();
    for (content, expected) in [
        (&b""[..], "the stream ends at byte 0, without START".to_owned()),
        (&ready, format!("the stream ends at byte {}, without START", ready.len())),
    ] {
        let (mut reader, _sender) = sent(content);
        assert_eq!(error(&mut reader).to_string(), expected);
    }
}

#[test]
fn a_reader_continues_when_a_file_grows() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("stream");
    let mut writer = File::create(&path).expect("a file");
    let mut reader = Reader::open(&path).expect("the file");
    let stream = [start(), data(&payload(1)), data(&payload(70_000)), stop()].concat();
    let mut got = Vec::new();
    for piece in stream.chunks(997) {
        writer.write_all(piece).expect("room on the disk");
        let end = loop {
            match reader.next(PATIENCE) {
                Ok(Some(frame)) => got.push(frame.to_vec()),
                other => break other.map(|_| ()),
            }
        };
        match end {
            Ok(()) | Err(ReadError::Torn { .. } | ReadError::NoStop { .. }) => (),
            Err(other) => panic!("{other}"),
        }
    }
    assert!(got == [payload(1), payload(70_000)], "other frames");
    assert_ended(&mut reader);
}

#[test]
fn frames_over_the_limit_are_skipped_and_reported_once() {
    for (limit, over) in [
        (512, vec![513]),
        (512, vec![200_000, 600, 1000]),
        (70_000, vec![70_001, 3_000_000]),
        (MAX_FRAME_SIZE_DEFAULT, vec![MAX_FRAME_SIZE_DEFAULT + 1]),
    ] {
        let good = data(&payload(limit));
        let mut stream = [start(), good.clone()].concat();
        let mut offset = stream.len() as u64;
        stream.extend(over.iter().flat_map(|size| data(&payload(*size))));
        stream.extend([good, stop()].concat());
        let mut reader = file(&stream);
        assert!(limit == MAX_FRAME_SIZE_DEFAULT || reader.set_max_frame_size(limit));
        assert!(next(&mut reader) == Some(payload(limit)), "a frame at the limit");
        for (index, size) in over.iter().enumerate() {
            assert_eq!(
                error(&mut reader).to_string(),
                format!(
                    "the frame at byte {offset} was skipped: its {size} bytes exceed the limit"
                ),
            );
            assert_eq!((reader.skipped(), reader.frames()), (index as u64 + 1, 1));
            offset += 4 + *size as u64;
        }
        assert!(next(&mut reader) == Some(payload(limit)), "the next frame");
        assert_eq!((reader.offset(), reader.frames()), (offset, 2));
        assert_ended(&mut reader);
    }
}

#[test]
fn a_skipped_frame_can_be_torn() {
    let begins = [start(), data(b"good"), 3_000_000u32.to_be_bytes().to_vec()].concat();
    let offset = begins.len() as u64 - 4;
    for size in [0, 1, 100_000] {
        let mut reader = file(&[begins.clone(), payload(size)].concat());
        next(&mut reader).expect("a frame");
        assert!(matches!(error(&mut reader), ReadError::TooLarge { .. }));
        let (end, size) = (error(&mut reader), size as u64 + 4);
        assert!(
            matches!(end, ReadError::Torn { offset: at, size: there, frames: 1 }
                if (at, there) == (offset, size)),
            "{end}"
        );
    }
}

#[test]
fn invalid_limits_are_refused() {
    let mut reader = file(b"");
    for (limit, is_set) in [(0, false), (511, false), (512, true), (1 << 31, false)] {
        assert_eq!(reader.set_max_frame_size(limit), is_set, "{limit}");
    }
}

#[test]
fn memory_is_allocated_for_bytes_and_not_for_lengths() {
    let limit = i32::MAX as usize;
    let length = (limit as u32).to_be_bytes();
    let mut reader = file(&[&start(), &length[..], &payload(100_000)].concat());
    assert!(reader.set_max_frame_size(limit));
    let before = memory_size();
    let end = error(&mut reader);
    assert!(matches!(end, ReadError::Torn { size: 100_004, .. }), "{end}");
    let more = memory_size() - before;
    // Other tests allocate memory too, but not that much.
    assert!(more < 1024 * 1024, "{more} KiB");
}

/// Returns the size of the memory of this process, in KiB.
fn memory_size() -> i64 {
    let status = fs::read_to_string("/proc/self/status").expect("the status");
    let line = status.lines().find(|line| line.starts_with("VmSize:")).expect("a size");
    line.split_whitespace().nth(1).and_then(|size| size.parse().ok()).expect("a number")
}

#[test]
fn other_content_types_are_refused_by_name() {
    let other = control(ControlType::Start, &[b"protobuf:other\n.Log"]);
    let stream = [other.clone(), data(b"frame"), stop()].concat();
    let message = |offset: usize| {
        format!(
            "the stream is not dnstap: the content type at byte {offset} is \
             \"protobuf:other\\n.Log\""
        )
    };
    for mut reader in [file(&stream), sent(&stream).0] {
        for _ in 0..2 {
            assert_eq!(error(&mut reader).to_string(), message(0));
        }
    }
    let (mut reader, _sender) = sent(&[ready(), other].concat());
    assert_eq!(error(&mut reader).to_string(), message(ready().len()));
    let offer = control(ControlType::Ready, &[b"protobuf:other\n.Log", b"more"]);
    let (mut reader, mut sender) = sent(&offer);
    assert_eq!(error(&mut reader).to_string(), message(0));
    drop(reader);
    let mut answer = Vec::new();
    sender.read_to_end(&mut answer).expect("the end");
    assert!(answer.is_empty(), "{answer:?}");
}

#[test]
fn streams_without_a_content_type_are_accepted() {
    let bare = [control(ControlType::Start, &[]), data(b"frame"), stop()].concat();
    let offer = control(ControlType::Ready, &[]);
    let among = control(ControlType::Ready, &[b"other", CONTENT_TYPE]);
    for mut reader in [
        file(&bare),
        sent(&bare).0,
        sent(&[offer, bare.clone()].concat()).0,
        sent(&[among, bare.clone()].concat()).0,
    ] {
        assert_eq!(next(&mut reader).as_deref(), Some(&b"frame"[..]));
    }
}

#[test]
fn other_formats_are_recognised() {
    let lines = b"type: MESSAGE\nidentity: ns1\n".repeat(5000);
    let messages = data(b"\x0a\x03ns1\x78\x01").repeat(3);
    for (content, foreign) in [
        (&b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\x9a"[..], Foreign::Tls),
        (b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03", Foreign::Gzip),
        (b"\x28\xb5\x2f\xfd\x04\x58\x61\x00\x00\xab\xcd\xef", Foreign::Zstd),
        (b"\xd4\xc3\xb2\xa1\x02\x00\x04\x00\x00\x00\x00\x00\x00", Foreign::Pcap),
        (&lines, Foreign::Text),
        (b"-\n", Foreign::Text),
        (&messages, Foreign::NoStart),
        (b"\x00\x20\x08\x01\x12\x10\x00\x00\x00\x00\x00\x00\x00\x00", Foreign::PowerDns),
        (&[0xee; 100], Foreign::Unknown),
    ] {
        for mut reader in [file(content), sent(&content[..content.len().min(9000)]).0] {
            let end = error(&mut reader);
            assert!(matches!(end, ReadError::Foreign(found) if found == foreign), "{end}");
        }
    }
}

#[test]
fn the_error_of_an_invalid_control_frame_contains_the_offset() {
    let good = [start(), data(b"good")].concat();
    for (bad, reason) in [
        (b"\0\0\0\0\0\0\x02\x01".to_vec(), ControlError::TooLong(513)),
        (b"\0\0\0\0\0\0\0\0".to_vec(), ControlError::Truncated),
        (b"\0\0\0\0\0\0\0\x04\0\0\0\x09".to_vec(), ControlError::UnknownType(9)),
        (b"\0\0\0\0\0\0\0\x0c\0\0\0\x02\0\0\0\x07\0\0\0\0".to_vec(), ControlError::UnknownField(7)),
    ] {
        let padding = vec![0xaa; 12];
        for (before, frames) in [(&b""[..], 0), (&good, 1)] {
            let stream = [before, &bad, &padding].concat();
            for mut reader in [file(&stream), sent(&stream).0] {
                for _ in 0..frames {
                    next(&mut reader).expect("a frame");
                }
                for _ in 0..2 {
                    let end = error(&mut reader);
                    assert!(
                        matches!(end, ReadError::Control { offset, error }
                            if (offset, error) == (before.len() as u64, reason)),
                        "{end}"
                    );
                }
            }
        }
    }
}

#[test]
fn control_frames_out_of_order_are_refused() {
    let twice = ready().repeat(2);
    let at = ready().len();
    for (mut reader, expected) in [
        (file(&ready()), "at byte 0 is Ready, but Start was expected".to_owned()),
        (file(&stop()), "at byte 0 is Stop, but Start was expected".to_owned()),
        (sent(&stop()).0, "at byte 0 is Stop, but Ready was expected".to_owned()),
    ] {
        assert_eq!(error(&mut reader).to_string(), format!("the control frame {expected}"));
    }
    let (mut reader, _sender) = sent(&twice);
    let expected = format!("the control frame at byte {at} is Ready, but Start was expected");
    for _ in 0..2 {
        assert_eq!(error(&mut reader).to_string(), expected);
    }
}

#[test]
fn data_before_start_is_refused() {
    for early in [data(b"frame"), data(&payload(100_000))] {
        let (mut reader, _sender) = sent(&[ready(), early, start(), data(b"frame")].concat());
        let expected =
            format!("the frame at byte {} is data, but Start was expected", ready().len());
        for _ in 0..2 {
            assert_eq!(error(&mut reader).to_string(), expected);
        }
    }
}

#[test]
fn control_frames_between_data_are_ignored() {
    let between = control(ControlType::Accept, &[b"one", b"two"]);
    let stream = [start(), data(b"1"), between, start(), data(b"2"), stop(), data(b"3")].concat();
    let mut reader = file(&stream);
    assert_eq!(next(&mut reader).as_deref(), Some(&b"1"[..]));
    assert_eq!(next(&mut reader).as_deref(), Some(&b"2"[..]));
    assert_ended(&mut reader);
}

#[test]
fn shared_status_flags_do_not_change() {
    let (read, write) = io::pipe().expect("a pipe");
    let (ours, theirs) = UnixStream::pair().expect("a socket pair");
    for fd in [OwnedFd::from(read), OwnedFd::from(ours)] {
        let shared = fd.try_clone().expect("a descriptor");
        let before = flags(&shared);
        let mut reader = Reader::from_fd(fd).expect("a descriptor");
        assert_waits(&mut reader);
        assert_eq!(flags(&shared), before);
    }
    drop((write, theirs));
}

/// Returns the file status flags of `fd`.
fn flags(fd: &OwnedFd) -> String {
    let info = Path::new("/proc/self/fdinfo").join(fd.as_raw_fd().to_string());
    let info = fs::read_to_string(info).expect("an open descriptor");
    info.lines().find(|line| line.starts_with("flags:")).expect("flags").to_owned()
}

#[test]
fn reading_begins_at_the_offset_of_the_descriptor() {
    let mut file = tempfile().expect("a file");
    file.write_all(b"before").expect("room on the disk");
    let mut again = file.try_clone().expect("a descriptor");
    again.write_all(&[start(), data(b"frame"), stop()].concat()).expect("room on the disk");
    io::Seek::seek(&mut again, io::SeekFrom::Start(6)).expect("a file");
    let mut reader = Reader::from_fd(file.into()).expect("a file");
    assert_eq!(next(&mut reader).as_deref(), Some(&b"frame"[..]));
    assert_eq!(reader.offset(), start().len() as u64);
}

#[test]
fn system_errors_are_returned() {
    let folder = tempfile::tempdir().expect("a folder");
    let missing = Reader::open(&folder.path().join("missing")).expect_err("no file");
    assert_eq!(missing.kind(), io::ErrorKind::NotFound);
    let mut reader = Reader::open(folder.path()).expect("a folder");
    let end = error(&mut reader);
    assert!(matches!(&end, ReadError::Io(error) if error.kind() == io::ErrorKind::IsADirectory));
}
