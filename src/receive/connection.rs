// SPDX-License-Identifier: MIT OR Apache-2.0
//! A connection from a sender: handshake, frames, end of the stream.

use std::fmt::Display;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};
use std::{io, slice};

use files::foreign;
use files::foreign::HEAD_SIZE;
use files::output_file::FrameWriteError;
use files::read_ahead::{READ_SIZE, ReadAhead};
use framestream::control::{ControlFrame, ControlType, Header};
use framestream::frame::{FrameError, LENGTH_SIZE, data_frames};
use framestream::handshake::{
    Handshake, HandshakeError, Opening, OpeningFrames, ReceiverOpen, Step,
};
use framestream::walk::{Front, Walker};
use mio::event;
use operator_log::{Level, LineKind, Log};

use crate::dialer::DialedStream;
use crate::peer::{ConnectionName, Peer};
use crate::shared::{ReceiverContext, c_name};
use crate::socket_stream::SocketStream;

/// Maximum time for the handshake with a peer, and for sending FINISH.
const PATIENCE: Duration = Duration::from_secs(10);

const NO_HANDSHAKE: LineKind = LineKind("connections without a handshake");
const FOREIGN: LineKind = LineKind("connections of another protocol");
const MISMATCH: LineKind = LineKind("connections with another content type");
const FAILED: LineKind = LineKind("connections that failed");
const BROKEN: LineKind = LineKind("broken streams");
const NOT_FINISHED: LineKind = LineKind("connections that did not take FINISH");
const CUT_OFF: LineKind = LineKind("frames cut off");
const OVER_LIMIT: LineKind = LineKind("frames over the size limit");

/// The next step of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Another turn: there may be more to read.
    Turn,
    /// Wait for an event.
    Event,
    /// Close it.
    Close,
}

pub(crate) struct Connection {
    /// It is queued for a turn.
    pub(crate) queued: bool,
    pub(crate) stream: Box<dyn SocketStream>,
    pub(crate) name: ConnectionName,
    /// Reports START to the dialing thread; dropped when the connection ends.
    dialed: Option<Sender<()>>,
    state: StreamPhase,
    /// The unprocessed part of a frame between two turns, if it is small.
    rest: Vec<u8>,
    /// The buffer with a larger unprocessed part.
    buffer: Option<ReadAhead>,
    /// The first bytes, until START.
    head: Vec<u8>,
    /// The walker over the frames after the handshake.
    walker: Walker,
    may_read: bool,
    /// The end of the stream was announced, and can be read.
    hung_up: bool,
    /// A write is blocked until the peer reads.
    write_blocked: bool,
    /// The time until which the peer has to do its next step, if it has to.
    pub(crate) deadline: Option<Instant>,
    /// The time of the last complete frame, initially that of the connection.
    pub(crate) last_whole: Instant,
    frames: u64,
    bytes: u64,
}

enum StreamPhase {
    Opening(ReceiverOpen),
    Receiving { answer_stop: bool },
    Finishing { bytes: Vec<u8>, sent: usize },
}

impl Connection {
    /// Creates a connection, and starts its handshake.
    pub(crate) fn new(
        mut stream: Box<dyn SocketStream>,
        peer: Peer,
        shared: &mut ReceiverContext,
    ) -> Self {
        shared.totals.connections += 1;
        let name = ConnectionName { fd: stream.socket().as_raw_fd(), peer };
        let now = Instant::now();
        let open = ReceiverOpen::new(slice::from_ref(&shared.content_type), Opening::Either);
        Self {
            queued: false,
            stream,
            name,
            dialed: None,
            state: StreamPhase::Opening(open),
            rest: Vec::new(),
            buffer: None,
            head: Vec::new(),
            walker: Walker::in_stream(shared.frame_limit.saturating_sub(LENGTH_SIZE)),
            may_read: false,
            hung_up: false,
            write_blocked: false,
            deadline: Some(now + PATIENCE),
            last_whole: now,
            frames: 0,
            bytes: 0,
        }
    }

    /// Creates a connection that was dialed, not accepted.
    pub(crate) fn dialed(
        (stream, peer, dialed): DialedStream,
        shared: &mut ReceiverContext,
    ) -> Self {
        Self { dialed: Some(dialed), ..Self::new(stream, peer, shared) }
    }

    /// Returns whether it was dialed, not accepted.
    pub(crate) fn is_dialed(&self) -> bool {
        self.dialed.is_some()
    }

    /// Returns the size in bytes of its buffers between two turns.
    pub(crate) fn held(&self) -> usize {
        self.rest.len() + self.buffer.as_ref().map_or(0, ReadAhead::size)
    }

    /// Records an event of the socket. Returns whether the connection needs a turn.
    pub(crate) fn note(&mut self, event: &event::Event) -> bool {
        self.hung_up |= event.is_read_closed() || event.is_error();
        self.may_read |= event.is_readable() || self.hung_up;
        self.may_read |= event.is_writable() && self.stream.reads_when_writable();
        self.may_read || (self.write_blocked && event.is_writable())
    }

    /// Reads once, and processes as much as possible.
    pub(crate) fn turn(&mut self, shared: &mut ReceiverContext) -> Result<Next, FrameWriteError> {
        let mut buffer = self.buffer.take().unwrap_or_else(|| {
            let mut buffer = shared.buffer();
            buffer.put(&std::mem::take(&mut self.rest));
            buffer
        });
        let next = self.turn_with(&mut buffer, shared);
        if next.as_ref().is_ok_and(|next| *next != Next::Close) {
            let rest = buffer.bytes();
            if rest.len() > READ_SIZE / 2 {
                self.buffer = Some(buffer);
                return next;
            }
            // Keep it small, since many connections may stall within a frame.
            self.rest = rest.into();
            buffer.consume(rest.len());
        }
        shared.keep(buffer);
        next
    }

    fn turn_with(
        &mut self,
        buffer: &mut ReadAhead,
        shared: &mut ReceiverContext,
    ) -> Result<Next, FrameWriteError> {
        if self.write_blocked {
            let next = self.process(buffer, shared)?;
            if next == Next::Close || self.write_blocked {
                return Ok(next);
            }
        }
        if !self.may_read {
            return Ok(Next::Event);
        }
        let room = buffer.size() - buffer.bytes().len();
        match buffer.fill(&mut self.stream) {
            Ok(0) => {
                self.end(buffer, shared);
                return Ok(Next::Close);
            }
            // A short read has emptied the socket, and more data will cause an event. The end of
            // the stream, however, may have been announced already.
            Ok(count) => self.may_read = count == room || self.hung_up,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.may_read = false,
            Err(error) if matches!(self.state, StreamPhase::Opening(_)) => {
                self.refuse(NO_HANDSHAKE, error, shared);
                return Ok(Next::Close);
            }
            Err(error) => {
                shared.log.limited_connection(Level::Error, FAILED, &self.name, error);
                self.end(buffer, shared);
                return Ok(Next::Close);
            }
        }
        match self.process(buffer, shared)? {
            Next::Event if self.may_read => Ok(Next::Turn),
            next => Ok(next),
        }
    }

    /// Processes the bytes read, and sends answers.
    fn process(
        &mut self,
        buffer: &mut ReadAhead,
        shared: &mut ReceiverContext,
    ) -> Result<Next, FrameWriteError> {
        loop {
            let next = match self.state {
                StreamPhase::Opening(_) => self.step_handshake(buffer, shared),
                StreamPhase::Receiving { answer_stop } => {
                    self.receive(answer_stop, buffer, shared)?
                }
                StreamPhase::Finishing { .. } => self.finish(),
            };
            if let Some(next) = next {
                return Ok(next);
            }
        }
    }

    /// Performs a step of the handshake. Returns `None` if more may be possible.
    fn step_handshake(
        &mut self,
        buffer: &mut ReadAhead,
        shared: &mut ReceiverContext,
    ) -> Option<Next> {
        let StreamPhase::Opening(open) = &mut self.state else { return None };
        match open.step() {
            Step::Send(bytes) => {
                let sent = send(&mut *self.stream, bytes);
                self.write_blocked = sent.is_none();
                let Some(count) = sent else { return Some(Next::Event) };
                open.sent(count);
                None
            }
            Step::Receive(count) => {
                let piece = &buffer.bytes()[..count.min(buffer.bytes().len())];
                if piece.is_empty() {
                    return Some(Next::Event);
                }
                let unknown = HEAD_SIZE.saturating_sub(self.head.len());
                self.head.extend_from_slice(&piece[..piece.len().min(unknown)]);
                let had_ready = open.frames().ready.is_some();
                let result = open.received(piece);
                buffer.consume(piece.len());
                let OpeningFrames { ready, accept, start } = open.frames();
                let trouble = match (ready, start, result) {
                    (_, Some(start), result) => {
                        shared.log_control(&self.name, start);
                        result.is_err().then(|| (MISMATCH, shared.mismatch(&self.name, start)))
                    }
                    (Some(ready), None, Ok(())) if !had_ready => {
                        shared.log_control(&self.name, ready);
                        let matches = ready.matches(Some(&shared.content_type));
                        if matches {
                            if let Some(accept) = accept {
                                shared.log_answer(&self.name, accept);
                            }
                        }
                        (!matches).then(|| (MISMATCH, shared.mismatch(&self.name, ready)))
                    }
                    (_, _, Ok(())) => None,
                    (_, _, Err(HandshakeError::Data)) => {
                        self.head.extend_from_slice(buffer.bytes());
                        Some((FOREIGN, foreign::recognise_peer(&self.head).into()))
                    }
                    (_, _, Err(error)) => Some((NO_HANDSHAKE, format!("no handshake: {error}"))),
                };
                let (kind, trouble) = trouble?;
                self.refuse(kind, trouble, shared);
                Some(Next::Close)
            }
            Step::Done => {
                self.state = StreamPhase::Receiving { answer_stop: open.frames().ready.is_some() };
                self.head = Vec::new();
                self.deadline = None;
                if let Some(dialed) = &self.dialed {
                    let _ = dialed.send(());
                }
                None
            }
        }
    }

    /// Takes data frames, up to the end of the stream. Returns `None` if there is more to do.
    fn receive(
        &mut self,
        answer_stop: bool,
        buffer: &mut ReadAhead,
        shared: &mut ReceiverContext,
    ) -> Result<Option<Next>, FrameWriteError> {
        loop {
            let size = match self.walker.step(buffer.bytes()) {
                Ok(Front::Frames { size, .. }) => {
                    self.take_frames(&buffer.bytes()[..size], shared)?;
                    size
                }
                Ok(Front::Skipped(size)) => {
                    shared.log.connection(
                        Level::Frames,
                        &self.name,
                        format_args!("Skipping {size} bytes"),
                    );
                    size
                }
                Ok(Front::Needs(size)) => {
                    let have = buffer.bytes().len();
                    shared.log.connection(
                        Level::Frames,
                        &self.name,
                        format_args!("incomplete message (have {have} bytes, want {size})"),
                    );
                    buffer.make_room(size);
                    return Ok(Some(Next::Event));
                }
                Ok(Front::Stop(stop, size)) => {
                    buffer.consume(size);
                    shared.log_control(&self.name, &stop);
                    return Ok(self.stop(answer_stop, shared));
                }
                Ok(Front::Start(frame, _) | Front::Control(_, frame, _)) => {
                    shared.log_control(&self.name, &frame);
                    let got = frame.control_type.map_or("nothing", c_name);
                    self.break_off(format_args!("the peer sent {got} among its data"), shared);
                    return Ok(Some(Next::Close));
                }
                Err(FrameError::TooLarge(length)) => {
                    shared.totals.refusals.over_limit.fetch_add(1, Ordering::Relaxed);
                    let (size, limit) = (LENGTH_SIZE + length as usize, shared.frame_limit);
                    let text = format!("Skipping {size} byte message ({limit} buffer)");
                    shared.log.limited_connection(Level::Warning, OVER_LIMIT, &self.name, text);
                    LENGTH_SIZE
                }
                Err(error) => {
                    self.break_off(format_args!("broken stream: {error}"), shared);
                    return Ok(Some(Next::Close));
                }
            };
            buffer.consume(size);
        }
    }

    /// Answers STOP, unless the sender is unidirectional and so does not read.
    fn stop(&mut self, answer_stop: bool, shared: &ReceiverContext) -> Option<Next> {
        let finish = ControlFrame::new(ControlType::Finish, None);
        let Ok(bytes) = finish.encode(Header::With) else { return Some(Next::Close) };
        if !answer_stop {
            return Some(Next::Close);
        }
        shared.log_answer(&self.name, &finish);
        self.state = StreamPhase::Finishing { bytes, sent: 0 };
        self.deadline = Some(Instant::now() + PATIENCE);
        None
    }

    /// Writes whole data frames to the output, across its rotations.
    fn take_frames(
        &mut self,
        frames: &[u8],
        shared: &mut ReceiverContext,
    ) -> Result<(), FrameWriteError> {
        let (mut from, mut to, mut count) = (0, 0, 0);
        for frame in data_frames(frames) {
            let size = frame.len();
            if !shared.output.has_room(to - from, size) {
                self.pass_on(&frames[from..to], count, shared)?;
                (from, count) = (to, 0);
                shared.output.rotate(&shared.log);
            }
            shared.log.connection(
                Level::Frames,
                &self.name,
                format_args!("processing data frame ({size} bytes)"),
            );
            to += size;
            count += 1;
        }
        self.pass_on(&frames[from..to], count, shared)
    }

    /// Writes whole data frames to the output.
    fn pass_on(
        &mut self,
        frames: &[u8],
        count: u64,
        shared: &mut ReceiverContext,
    ) -> Result<(), FrameWriteError> {
        if frames.is_empty() {
            return Ok(());
        }
        self.last_whole = Instant::now();
        self.frames += count;
        self.bytes += frames.len() as u64;
        shared.totals.frames += count;
        shared.totals.bytes += frames.len() as u64;
        shared.output.write(frames, count).inspect_err(|error| {
            shared.totals.unwritten += error.lost();
        })
    }

    /// Sends the rest of FINISH.
    fn finish(&mut self) -> Option<Next> {
        let StreamPhase::Finishing { bytes, sent } = &mut self.state else { return None };
        let count = send(&mut *self.stream, &bytes[*sent..]);
        self.write_blocked = count.is_none();
        let Some(count) = count else { return Some(Next::Event) };
        *sent += count;
        (*sent == bytes.len()).then_some(Next::Close)
    }

    fn refuse(&mut self, kind: LineKind, problem: impl Display, shared: &mut ReceiverContext) {
        shared.totals.refusals.connections.fetch_add(1, Ordering::Relaxed);
        shared.log.limited_connection(Level::Warning, kind, &self.name, problem);
    }

    /// Reports and counts a stream with invalid data.
    fn break_off(&mut self, problem: impl Display, shared: &mut ReceiverContext) {
        shared.totals.cut_off += 1;
        shared.log.limited_connection(Level::Warning, BROKEN, &self.name, problem);
    }

    /// Handles the end of the stream.
    fn end(&mut self, buffer: &ReadAhead, shared: &mut ReceiverContext) {
        match self.state {
            // The peer only checked whether the socket is listening.
            StreamPhase::Opening(_) if self.head.is_empty() => (),
            StreamPhase::Opening(_) => {
                self.refuse(NO_HANDSHAKE, "the peer closed in the handshake", shared);
            }
            StreamPhase::Receiving { .. } => self.cut_off(buffer.bytes().len(), shared),
            StreamPhase::Finishing { .. } => (),
        }
    }

    fn cut_off(&mut self, rest: usize, shared: &mut ReceiverContext) {
        if rest > 0 {
            shared.totals.cut_off += 1;
            let text = format!("the last frame is cut off: {rest} bytes dropped");
            shared.log.limited_connection(Level::Warning, CUT_OFF, &self.name, text);
        }
    }

    /// Handles an expired deadline.
    pub(crate) fn expire(&mut self, shared: &mut ReceiverContext) {
        let seconds = PATIENCE.as_secs();
        if matches!(self.state, StreamPhase::Opening(_)) {
            let text = format!("no handshake within {seconds} seconds");
            self.refuse(NO_HANDSHAKE, text, shared);
        } else {
            let text = format!("the peer did not take FINISH within {seconds} seconds");
            shared.log.limited_connection(Level::Warning, NOT_FINISHED, &self.name, text);
        }
    }

    /// Handles the end of the program.
    pub(crate) fn abandon(&mut self, shared: &mut ReceiverContext) {
        if matches!(self.state, StreamPhase::Receiving { .. }) {
            let rest = self.buffer.as_ref().map_or(self.rest.len(), |buffer| buffer.bytes().len());
            self.cut_off(rest, shared);
        }
    }

    /// Logs that the connection is closed.
    pub(crate) fn log_closing(&self, log: Log) {
        let (frames, bytes) = (self.frames, self.bytes);
        log.connection(
            Level::Connections,
            &self.name,
            format_args!("closing (read {frames} frames, {bytes} bytes)"),
        );
    }
}

/// Sends bytes, and returns their number; `None` if the socket is full. If the peer has closed the
/// connection, all bytes count as sent, since data from it may still be pending.
fn send(stream: &mut dyn SocketStream, bytes: &[u8]) -> Option<usize> {
    loop {
        match stream.write(bytes) {
            Ok(count) => return Some(count),
            Err(error) => match error.kind() {
                io::ErrorKind::Interrupted => (),
                io::ErrorKind::WouldBlock => return None,
                _ => return Some(bytes.len()),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::{self, Read, Write};
    use std::os::unix::net;
    use std::path::Path;

    use framestream::control::{ControlFrame, ControlType, Header};
    use mio::net::UnixStream;

    use super::{Connection, Next, SocketStream};
    use crate::peer::Peer;
    use crate::shared::ReceiverContext;
    use crate::socket_stream::Socket;
    use files::content::Content;
    use files::output_file::Placing;
    use files::read_ahead::READ_SIZE;
    use files::rotating_file::{FileConfig, RotatingFile};
    use operator_log::Log;

    /// A socket whose buffer is full after each byte.
    struct Congested {
        stream: UnixStream,
        full: bool,
    }

    impl Read for Congested {
        fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
            self.stream.read(bytes)
        }
    }

    impl Write for Congested {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.full = !self.full;
            if self.full {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            self.stream.write(&bytes[..1])
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl SocketStream for Congested {
        fn socket(&mut self) -> &mut dyn Socket {
            &mut self.stream
        }
    }

    fn connection(stream: impl SocketStream + 'static, shared: &mut ReceiverContext) -> Connection {
        Connection::new(Box::new(stream), Peer::Unknown, shared)
    }

    fn shared(file: &Path) -> ReceiverContext {
        let content_type: Box<[u8]> = (*b"type").into();
        let files = FileConfig {
            name: file.into(),
            calendar: None,
            split: None,
            split_size: None,
            post_rotate: None,
            placing: Placing::Complete,
            compressed: false,
        };
        let log = Log;
        let content = Content::frames(&content_type).unwrap();
        let output = RotatingFile::open(&files, content, Default::default(), &log).unwrap();
        ReceiverContext::new(Box::new(output), log, content_type, 1000, Default::default())
    }

    #[test]
    fn buffers_grow_with_received_bytes_only() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("out");
        let mut shared = shared(&file);
        shared.frame_limit = 8 << 20;
        let (mut peer, ours) = net::UnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        let mut connection = connection(UnixStream::from_std(ours), &mut shared);
        let start = ControlFrame::new(ControlType::Start, Some(&b"type"[..]));
        peer.write_all(&start.encode(Header::With).unwrap()).unwrap();
        let payload = vec![7; 4 << 20];
        let mut frame = (payload.len() as u32).to_be_bytes().to_vec();
        frame.extend(&payload);
        let mut sent = 0;
        while sent < frame.len() {
            let count = (frame.len() - sent).min(10_000);
            peer.write_all(&frame[sent..sent + count]).unwrap();
            sent += count;
            loop {
                connection.may_read = true;
                if connection.turn(&mut shared).unwrap() == Next::Event {
                    break;
                }
            }
            let held = connection.held();
            assert!(held <= READ_SIZE.max(2 * sent), "{held} bytes for {sent}");
            if sent <= READ_SIZE / 2 {
                assert!(held <= sent, "{held} bytes for {sent}");
            }
        }
        drop(connection);
        shared.output.close(&shared.log);
        assert!(fs::read(file).unwrap().windows(frame.len()).any(|bytes| bytes == frame));
    }

    #[test]
    fn answers_are_sent_through_a_full_socket() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("out");
        let mut shared = shared(&file);
        let (mut peer, ours) = net::UnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        let stream = Congested { stream: UnixStream::from_std(ours), full: false };
        let mut connection = connection(stream, &mut shared);

        let control = |control_type, content_type: Option<&[u8]>| {
            ControlFrame::new(control_type, content_type).encode(Header::With).unwrap()
        };
        let data = b"\0\0\0\x03one";
        peer.write_all(&control(ControlType::Ready, Some(b"type"))).unwrap();
        peer.write_all(&control(ControlType::Start, Some(b"type"))).unwrap();
        peer.write_all(data).unwrap();
        peer.write_all(&control(ControlType::Stop, None)).unwrap();
        for _ in 0..200 {
            connection.may_read = true;
            if connection.turn(&mut shared).unwrap() == Next::Close {
                break;
            }
        }
        drop(connection);
        let mut answers = Vec::new();
        peer.read_to_end(&mut answers).unwrap();
        let accept = control(ControlType::Accept, Some(b"type"));
        let finish = control(ControlType::Finish, None);
        assert_eq!(answers, [accept, finish].concat());
        shared.output.close(&shared.log);
        assert!(fs::read(file).unwrap().windows(data.len()).any(|bytes| bytes == data));
    }
}
