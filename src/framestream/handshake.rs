// SPDX-License-Identifier: MIT OR Apache-2.0
//! The handshakes of a stream: READY, ACCEPT, START before the data, STOP and FINISH after it.
//!
//! Each side is a state machine without I/O. It returns the next [`Step`]; the caller sends and
//! receives, blocking or from an event loop.
//!
//! ```text
//! bidirectional  sender    READY ----->          START ----> data ... STOP ----->
//!                receiver         <----- ACCEPT                             <----- FINISH
//! unidirectional sender                          START ----> data ... STOP
//! ```

use thiserror::Error;

use crate::control::{ControlError, ControlFrame, ControlType, Header};
use crate::frame::{FrameError, LENGTH_SIZE};
use crate::walk::{Front, Walker};

/// The next step of a handshake.
#[derive(Debug, PartialEq, Eq)]
pub enum Step<'a> {
    /// Send these bytes, and pass the number of bytes sent to `sent`.
    Send(&'a [u8]),
    /// Receive at most this number of bytes, and pass them to `received`.
    Receive(usize),
    /// The handshake is complete.
    Done,
}

/// The reason why a handshake failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum HandshakeError {
    /// The data of the peer is not a control frame.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// A control frame of this side cannot be encoded.
    #[error(transparent)]
    Control(#[from] ControlError),
    /// The peer sent an unexpected control frame.
    #[error("peer sent {got:?}, but {wanted:?} was expected")]
    OutOfTurn {
        /// The expected frame.
        wanted: ControlType,
        /// The received frame.
        got: ControlType,
    },
    /// The peer sent data before the stream was open, or after STOP.
    #[error("peer sent data in the handshake")]
    Data,
    /// The two sides have no content type in common.
    #[error("no content type in common with the peer")]
    ContentType,
}

/// One side of a handshake.
pub trait Handshake {
    /// Returns the next step.
    fn step(&self) -> Step<'_>;

    /// Marks `count` bytes of [`Step::Send`] as sent.
    fn sent(&mut self, count: usize);

    /// Processes `bytes` from the peer, at most as many as in [`Step::Receive`].
    fn received(&mut self, bytes: &[u8]) -> Result<(), HandshakeError>;
}

/// The direction of a stream: whether the receiver replies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Both sides send control frames: READY, ACCEPT, START and STOP, FINISH.
    Bidirectional,
    /// Only the sender sends control frames: START and STOP.
    Unidirectional,
}

/// The data of a handshake in both directions.
#[derive(Debug)]
struct Exchange {
    outgoing: Vec<u8>,
    sent: usize,
    /// True if a control frame of the peer is expected.
    awaits: bool,
    /// The received part of that frame.
    incoming: Vec<u8>,
    /// The minimum size of that frame.
    needs: usize,
}

impl Exchange {
    /// Creates an exchange in which a control frame of the peer is expected.
    fn new() -> Self {
        Self {
            outgoing: Vec::new(),
            sent: 0,
            awaits: true,
            incoming: Vec::new(),
            needs: LENGTH_SIZE,
        }
    }

    fn send(&mut self, frame: &ControlFrame) -> Result<(), ControlError> {
        self.outgoing = frame.encode(Header::With)?;
        self.sent = 0;
        Ok(())
    }

    fn step(&self) -> Step<'_> {
        match &self.outgoing[self.sent..] {
            [] if self.awaits => Step::Receive(self.needs - self.incoming.len()),
            [] => Step::Done,
            rest => Step::Send(rest),
        }
    }

    /// Appends `bytes` to the control frame of the peer. Returns the frame once it is complete.
    fn receive(&mut self, bytes: &[u8]) -> Result<Option<ControlFrame>, HandshakeError> {
        self.incoming.extend_from_slice(bytes);
        // Before START, each step of a walker returns one control frame.
        match Walker::new(0).step(&self.incoming) {
            Ok(Front::Needs(size)) => {
                self.needs = size;
                Ok(None)
            }
            Ok(Front::Start(frame, _) | Front::Control(_, frame, _)) => {
                self.incoming.clear();
                self.needs = LENGTH_SIZE;
                Ok(Some(frame))
            }
            Ok(_) | Err(FrameError::Data(_)) => Err(HandshakeError::Data),
            Err(error) => Err(error.into()),
        }
    }
}

/// Returns `frame` if it has the expected type.
fn in_turn(frame: ControlFrame, wanted: ControlType) -> Result<ControlFrame, HandshakeError> {
    match frame.control_type {
        Some(got) if got != wanted => Err(HandshakeError::OutOfTurn { wanted, got }),
        _ => Ok(frame),
    }
}

/// The control frames that open a stream, as far as they were exchanged.
#[derive(Debug, Default)]
pub struct OpeningFrames {
    /// READY, on a bidirectional stream.
    pub ready: Option<ControlFrame>,
    /// ACCEPT. One without content types, from a receiver that has some, means that there is no
    /// common one, and that START will be refused.
    pub accept: Option<ControlFrame>,
    /// START.
    pub start: Option<ControlFrame>,
}

impl OpeningFrames {
    /// Returns the frame of this type.
    pub fn get(&self, which: ControlType) -> Option<&ControlFrame> {
        match which {
            ControlType::Ready => self.ready.as_ref(),
            ControlType::Accept => self.accept.as_ref(),
            ControlType::Start => self.start.as_ref(),
            ControlType::Stop | ControlType::Finish => None,
        }
    }
}

/// The sender's side of opening a stream.
#[derive(Debug)]
pub struct SenderOpen {
    content_types: Vec<Box<[u8]>>,
    frames: OpeningFrames,
    exchange: Exchange,
}

impl SenderOpen {
    /// Offers `content_types`, in order of preference; an empty list stands for a stream without a
    /// declared type.
    pub fn new(content_types: &[Box<[u8]>], direction: Direction) -> Result<Self, HandshakeError> {
        let mut open = Self {
            content_types: content_types.to_vec(),
            frames: OpeningFrames::default(),
            exchange: Exchange::new(),
        };
        match direction {
            Direction::Bidirectional => {
                let offered = content_types.iter().map(|content_type| &**content_type);
                let ready = ControlFrame::new(ControlType::Ready, offered);
                open.exchange.send(&ready)?;
                open.frames.ready = Some(ready);
            }
            Direction::Unidirectional => open.send_start(0)?,
        }
        Ok(open)
    }

    fn send_start(&mut self, choice: usize) -> Result<(), HandshakeError> {
        let chosen = self.content_types.get(choice).map(|content_type| &**content_type);
        let start = ControlFrame::new(ControlType::Start, chosen);
        self.exchange.send(&start)?;
        self.exchange.awaits = false;
        self.frames.start = Some(start);
        Ok(())
    }

    /// Returns the frames that were exchanged.
    pub fn frames(&self) -> &OpeningFrames {
        &self.frames
    }
}

impl Handshake for SenderOpen {
    fn step(&self) -> Step<'_> {
        self.exchange.step()
    }

    fn sent(&mut self, count: usize) {
        self.exchange.sent += count;
    }

    fn received(&mut self, bytes: &[u8]) -> Result<(), HandshakeError> {
        let Some(frame) = self.exchange.receive(bytes)? else { return Ok(()) };
        let accept = self.frames.accept.insert(in_turn(frame, ControlType::Accept)?);
        let choice = if self.content_types.is_empty() {
            Some(0)
        } else {
            self.content_types.iter().position(|own| accept.matches(Some(own)))
        };
        self.send_start(choice.ok_or(HandshakeError::ContentType)?)
    }
}

/// The sender's side of closing a stream.
#[derive(Debug)]
pub struct SenderClose {
    finish: Option<ControlFrame>,
    exchange: Exchange,
}

impl SenderClose {
    /// Sends STOP, and waits for FINISH if the stream is bidirectional.
    pub fn new(direction: Direction) -> Result<Self, HandshakeError> {
        let mut exchange = Exchange::new();
        exchange.send(&ControlFrame::new(ControlType::Stop, None))?;
        exchange.awaits = direction == Direction::Bidirectional;
        Ok(Self { finish: None, exchange })
    }

    /// Returns the FINISH of the receiver, once it was received.
    pub fn finish(&self) -> Option<&ControlFrame> {
        self.finish.as_ref()
    }
}

impl Handshake for SenderClose {
    fn step(&self) -> Step<'_> {
        self.exchange.step()
    }

    fn sent(&mut self, count: usize) {
        self.exchange.sent += count;
    }

    fn received(&mut self, bytes: &[u8]) -> Result<(), HandshakeError> {
        if let Some(frame) = self.exchange.receive(bytes)? {
            self.finish = Some(in_turn(frame, ControlType::Finish)?);
            self.exchange.awaits = false;
        }
        Ok(())
    }
}

/// The control frames with which a receiver allows a stream to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opening {
    /// READY.
    Ready,
    /// START.
    Start,
    /// Either of the two.
    Either,
}

/// The receiver's side of opening a stream.
#[derive(Debug)]
pub struct ReceiverOpen {
    content_types: Vec<Box<[u8]>>,
    opening: Opening,
    frames: OpeningFrames,
    exchange: Exchange,
}

impl ReceiverOpen {
    /// Accepts streams of `content_types`; an empty list stands for all streams.
    pub fn new(content_types: &[Box<[u8]>], opening: Opening) -> Self {
        Self {
            content_types: content_types.to_vec(),
            opening,
            frames: OpeningFrames::default(),
            exchange: Exchange::new(),
        }
    }

    fn answer(&mut self, ready: ControlFrame) -> Result<(), HandshakeError> {
        let common = self.content_types.iter().map(|own| &**own);
        let accept =
            ControlFrame::new(ControlType::Accept, common.filter(|own| ready.matches(Some(own))));
        self.frames.ready = Some(ready);
        self.exchange.send(&accept)?;
        self.frames.accept = Some(accept);
        Ok(())
    }

    fn begin(&mut self, start: ControlFrame) -> Result<(), HandshakeError> {
        let own = &self.content_types;
        let matched = own.is_empty() || own.iter().any(|own| start.matches(Some(own)));
        self.frames.start = Some(start);
        self.exchange.awaits = false;
        if matched { Ok(()) } else { Err(HandshakeError::ContentType) }
    }

    /// Returns the frames that were exchanged.
    pub fn frames(&self) -> &OpeningFrames {
        &self.frames
    }
}

impl Handshake for ReceiverOpen {
    fn step(&self) -> Step<'_> {
        self.exchange.step()
    }

    fn sent(&mut self, count: usize) {
        self.exchange.sent += count;
    }

    fn received(&mut self, bytes: &[u8]) -> Result<(), HandshakeError> {
        let Some(frame) = self.exchange.receive(bytes)? else { return Ok(()) };
        let expects_ready = self.frames.accept.is_none() && self.opening != Opening::Start;
        let allows_start = self.frames.accept.is_some() || self.opening != Opening::Ready;
        match frame.control_type {
            Some(ControlType::Ready) if expects_ready => self.answer(frame),
            Some(ControlType::Start) if allows_start => self.begin(frame),
            _ if expects_ready => in_turn(frame, ControlType::Ready).map(drop),
            _ => in_turn(frame, ControlType::Start).map(drop),
        }
    }
}
