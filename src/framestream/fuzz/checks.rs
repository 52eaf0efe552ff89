// SPDX-License-Identifier: MIT OR Apache-2.0
//! Properties that must hold for any input: the bodies of the fuzz targets, which the test `corpus`
//! runs too.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::os::fd::BorrowedFd;
use std::sync::{Arc, Mutex};

use framestream::StreamError;
use framestream::address::{host_and_port, host_at_port};
use framestream::control::{
    CONTROL_FRAME_LENGTH_MAX, ControlError, ControlFrame, ControlType, Header,
};
use framestream::frame::{FrameError, LENGTH_SIZE, data_frames};
use framestream::handshake::{
    Direction, Handshake, HandshakeError, Opening, ReceiverOpen, SenderClose, SenderOpen, Step,
};
use framestream::reader::{ReaderOptions, StreamReader};
use framestream::transport::Transport;
use framestream::walk::{Front, Walker};

/// The content type of both sides of a stream.
const CONTENT_TYPE: &[u8] = b"type";

/// Frame size limit of the reader: the smallest that can be set, so that short streams can exceed
/// it.
const MAX_FRAME_SIZE: usize = CONTROL_FRAME_LENGTH_MAX;

/// Splits a text into host and port. Joining and splitting again gives the same parts.
pub(crate) fn address(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok((host, port)) = host_and_port(text) {
        assert!(text.contains(host), "a host that is not in the text");
        let again =
            if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
        assert_eq!(host_and_port(&again), Ok((host, port)), "{again}");
        assert!(text.contains('@') || host_at_port(text) == Ok((host, port)), "another result");
    }
    if let Ok((host, port)) = host_at_port(text) {
        assert!(!host.contains(['[', ']']), "{host}");
        let again = format!("{host}@{port}");
        assert_eq!(host_at_port(&again), Ok((host, port)), "{again}");
    }
}

/// Decodes a control frame. A decoded frame is encoded to the same bytes, except that encoding, as
/// in the C library, counts the header towards the largest size.
pub(crate) fn control(bytes: &[u8]) {
    for header in [Header::With, Header::Without] {
        let mut frame = ControlFrame::default();
        let decoded = frame.decode(bytes, header);
        let encoded = frame.encode(header);
        assert_eq!(encoded.as_ref().map(Vec::len).ok(), frame.encoded_size(header).ok());
        match encoded {
            Err(ControlError::TooLong(size)) if decoded.is_ok() => {
                assert_eq!((size, header), (bytes.len(), Header::With));
            }
            encoded if decoded.is_ok() => assert_eq!(encoded.as_deref(), Ok(bytes), "{header:?}"),
            _ => (),
        }
    }
}

/// Returns the side of a handshake that the first byte of an input chooses.
fn side(choice: u8) -> Box<dyn Handshake> {
    let content_types: Vec<Box<[u8]>> = match choice & 1 {
        0 => Vec::new(),
        _ => vec![b"other".as_slice().into(), CONTENT_TYPE.into()],
    };
    let sender =
        |direction| SenderOpen::new(&content_types, direction).expect("short content types");
    match choice >> 1 & 7 {
        0 => Box::new(sender(Direction::Bidirectional)),
        1 => Box::new(sender(Direction::Unidirectional)),
        2 => Box::new(SenderClose::new(Direction::Bidirectional).expect("a STOP")),
        3 => Box::new(SenderClose::new(Direction::Unidirectional).expect("a STOP")),
        4 => Box::new(ReceiverOpen::new(&content_types, Opening::Ready)),
        5 => Box::new(ReceiverOpen::new(&content_types, Opening::Start)),
        _ => Box::new(ReceiverOpen::new(&content_types, Opening::Either)),
    }
}

/// The result of a handshake.
#[derive(Debug, PartialEq, Eq)]
struct HandshakeResult {
    sent: Vec<u8>,
    received: usize,
    /// `None` if the bytes of the peer ended before the handshake.
    end: Option<Result<(), HandshakeError>>,
}

/// Runs a handshake with a peer that sends `bytes`, `max_len` at a time.
fn run_handshake(
    mut handshake: Box<dyn Handshake>,
    bytes: &[u8],
    max_len: usize,
) -> HandshakeResult {
    let mut result = HandshakeResult { sent: Vec::new(), received: 0, end: None };
    loop {
        match handshake.step() {
            Step::Done => {
                result.end = Some(Ok(()));
                return result;
            }
            Step::Send(rest) => {
                assert_ne!(rest.len(), 0, "nothing to send");
                let count = rest.len().min(max_len);
                result.sent.extend_from_slice(&rest[..count]);
                handshake.sent(count);
            }
            Step::Receive(room) => {
                assert!((1..=CONTROL_FRAME_LENGTH_MAX).contains(&room), "{room} bytes wanted");
                let rest = &bytes[result.received..];
                let count = rest.len().min(room).min(max_len);
                if count == 0 {
                    return result;
                }
                result.received += count;
                if let Err(error) = handshake.received(&rest[..count]) {
                    result.end = Some(Err(error));
                    return result;
                }
            }
        }
    }
}

/// Runs one side of a handshake, chosen by the first byte; its peer sends the rest of the bytes.
/// The result does not depend on how they are split, and only control frames are sent.
pub(crate) fn handshake(bytes: &[u8]) {
    let Some((&choice, bytes)) = bytes.split_first() else { return };
    let result = run_handshake(side(choice), bytes, usize::MAX);
    for max_len in [1, 3, 100] {
        let split = run_handshake(side(choice), bytes, max_len);
        assert_eq!(split, result, "{max_len} bytes at a time");
    }
    let mut sent = &result.sent[..];
    while !sent.is_empty() {
        match Walker::new(0).step(sent) {
            Ok(Front::Start(_, size) | Front::Control(_, _, size)) => sent = &sent[size..],
            other => panic!("{other:?} is sent"),
        }
    }
}

/// A sender whose bytes arrive in pieces of `max_len` bytes.
struct SlowSender {
    bytes: VecDeque<u8>,
    max_len: usize,
    direction: Direction,
    answers: Arc<Mutex<Vec<u8>>>,
}

impl Transport for SlowSender {
    fn direction(&self) -> Direction {
        self.direction
    }

    fn open(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn close(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let count = bytes.len().min(self.max_len).min(self.bytes.len());
        for (target, byte) in bytes.iter_mut().zip(self.bytes.drain(..count)) {
            *target = byte;
        }
        Ok(count)
    }

    fn write(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let first = slices.iter().find(|slice| !slice.is_empty()).expect("bytes to write");
        let count = first.len().min(self.max_len);
        self.answers.lock().expect("no panic").extend_from_slice(&first[..count]);
        Ok(count)
    }

    fn poll_fd(&self) -> Option<BorrowedFd<'_>> {
        None
    }

    fn for_child(&self) -> Box<dyn Transport> {
        unreachable!("no fork")
    }
}

/// The data frames of a stream, whether it ended with STOP, and the answers of the reader.
type ReadResult = (Vec<Vec<u8>>, bool, Vec<u8>);

fn read(bytes: &[u8], direction: Direction, max_len: usize) -> ReadResult {
    let answers = Arc::<Mutex<Vec<u8>>>::default();
    let sender = SlowSender {
        bytes: bytes.iter().copied().collect(),
        max_len,
        direction,
        answers: Arc::clone(&answers),
    };
    let mut options = ReaderOptions::default();
    options.add_content_type(CONTENT_TYPE).expect("short");
    assert!(options.set_max_frame_size(MAX_FRAME_SIZE));
    let mut reader = StreamReader::new(Box::new(sender), options);
    let mut frames = Vec::new();
    let stopped = loop {
        match reader.read() {
            Ok(Some(frame)) => frames.push(frame.to_vec()),
            Ok(None) => break true,
            Err(_) => break false,
        }
    };
    // An ended stream stays ended; one that never began can begin again.
    assert!(!stopped || matches!(reader.read(), Err(StreamError::NotOpen)));
    assert_eq!(reader.close().is_ok(), stopped);
    let answers = std::mem::take(&mut *answers.lock().expect("no panic"));
    (frames, stopped, answers)
}

/// The results of the steps of a walk, with the offset of each.
type Fronts = Vec<(usize, Result<Front, FrameError>)>;

/// Walks over a stream that arrives in pieces of at most `max_len` bytes. Successive steps over
/// data frames, and over skipped bytes, are joined.
fn walk(bytes: &[u8], max_len: usize) -> Fronts {
    let mut walker = Walker::new(MAX_FRAME_SIZE);
    let mut fronts = Fronts::new();
    let (mut at, mut end) = (0, 0);
    loop {
        let front = walker.step(&bytes[at..end]);
        let step = match &front {
            Ok(Front::Needs(needs)) if end < bytes.len() => {
                assert!(at + needs > end, "{needs} bytes are there");
                end = bytes.len().min(end.saturating_add(max_len));
                continue;
            }
            Ok(
                Front::Frames { size, .. }
                | Front::Start(_, size)
                | Front::Stop(_, size)
                | Front::Control(_, _, size)
                | Front::Skipped(size),
            ) => *size,
            Err(FrameError::TooLarge(_)) => LENGTH_SIZE,
            Ok(Front::Needs(_)) | Err(_) => 0,
        };
        match (fronts.last_mut(), front) {
            (
                Some((_, Ok(Front::Frames { size, count }))),
                Ok(Front::Frames { size: more, count: frames }),
            ) => {
                *size += more;
                *count += frames;
            }
            (Some((_, Ok(Front::Skipped(size)))), Ok(Front::Skipped(more))) => *size += more,
            (_, front) => fronts.push((at, front)),
        }
        at += step;
        assert!(at <= end, "a step beyond the bytes");
        if step == 0 {
            return fronts;
        }
    }
}

/// Checks each front against the bytes. Returns the payloads up to the first STOP.
fn check_fronts(bytes: &[u8], fronts: &Fronts) -> Vec<Vec<u8>> {
    let mut payloads = Vec::new();
    let (mut expected, mut in_stream, mut streams) = (0, false, 0);
    for (at, front) in fronts {
        assert_eq!(*at, expected, "a gap or an overlap");
        match front {
            Ok(Front::Frames { size, count }) => {
                expected += size;
                let mut frames = 0;
                for frame in data_frames(&bytes[*at..expected]) {
                    let (length, payload) = frame.split_first_chunk().expect("a length");
                    assert_eq!(u32::from_be_bytes(*length) as usize, payload.len());
                    assert!((1..=MAX_FRAME_SIZE).contains(&payload.len()));
                    frames += 1;
                    if streams == 1 {
                        payloads.push(payload.to_vec());
                    }
                }
                assert_eq!((frames, in_stream), (*count, true));
            }
            Ok(
                Front::Start(frame, size)
                | Front::Stop(frame, size)
                | Front::Control(_, frame, size),
            ) => {
                expected += size;
                // Encoding counts the header towards the largest size.
                let encoded = frame.encode(Header::Without).expect("it was decoded");
                assert_eq!(encoded, bytes[at + 2 * LENGTH_SIZE..expected]);
                let edge = if in_stream { ControlType::Stop } else { ControlType::Start };
                let is_edge = !matches!(front, Ok(Front::Control(..)));
                assert_eq!(frame.control_type == Some(edge), is_edge);
                in_stream ^= is_edge;
                streams += usize::from(is_edge && in_stream);
            }
            Ok(Front::Skipped(size)) => expected += size,
            Err(FrameError::TooLarge(length)) => {
                assert!(in_stream && *length as usize > MAX_FRAME_SIZE);
                expected += LENGTH_SIZE;
            }
            Err(FrameError::Data(_)) => assert!(!in_stream),
            Ok(Front::Needs(_)) | Err(FrameError::Control(_)) => (),
        }
    }
    payloads
}

/// Walks over a stream, and reads it from a file and from a sender that gets answers. However the
/// bytes are split, fronts and frames are those of the stream in order.
pub(crate) fn stream(bytes: &[u8]) {
    let fronts = walk(bytes, usize::MAX);
    let payloads = check_fronts(bytes, &fronts);
    for max_len in [1, 7, 600] {
        assert_eq!(walk(bytes, max_len), fronts, "{max_len} bytes at a time");
    }
    for direction in [Direction::Unidirectional, Direction::Bidirectional] {
        let (frames, stopped, answers) = read(bytes, direction, usize::MAX);
        for max_len in [1, 7, 600] {
            let same =
                read(bytes, direction, max_len) == (frames.clone(), stopped, answers.clone());
            assert!(same, "{max_len} bytes at a time");
        }
        assert!(payloads.starts_with(&frames), "other frames");
        assert!(!stopped || frames == payloads, "missing frames");
        if direction == Direction::Unidirectional {
            assert!(answers.is_empty(), "an answer to a file");
        }
    }
}
