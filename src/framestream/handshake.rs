// SPDX-License-Identifier: MIT OR Apache-2.0
//! The handshakes of a stream: READY, ACCEPT, START before the data, STOP and FINISH after it.
//!
//! Each side is a state machine without I/O. It says what it waits for ([`Step`]); the caller
//! sends and receives, blocking or from an event loop.
//!
//! ```text
//! bidirectional  sender    READY ----->          START ----> data ... STOP ----->
//!                receiver         <----- ACCEPT                             <----- FINISH
//! unidirectional sender                          START ----> data ... STOP
//! ```

use thiserror::Error;

use crate::control::{ControlError, ControlFrame, ControlType, Header};
use crate::frame::{DecodedFrame, Decoder, FrameError};

/// The next step of a handshake.
#[derive(Debug, PartialEq, Eq)]
pub enum Step<'a> {
    /// Send these bytes, and say with `sent` how many went.
    Send(&'a [u8]),
    /// Receive up to this many bytes, and hand them to `received`.
    Receive(usize),
    /// Nothing: the handshake is over.
    Done,
}

/// The error of a failed handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum HandshakeError {
    /// The peer's bytes are no Frame Streams control frame.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// An own control frame cannot be encoded.
    #[error(transparent)]
    Control(#[from] ControlError),
    /// Another control frame than the one whose turn it is.
    #[error("peer sent {got:?}, but {wanted:?} was expected")]
    OutOfTurn {
        /// The frame that was due.
        wanted: ControlType,
        /// The frame that came.
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

    /// `count` bytes of [`Step::Send`] are out.
    fn sent(&mut self, count: usize);

    /// The peer sent `bytes`, at most as many as [`Step::Receive`] named.
    fn received(&mut self, bytes: &[u8]) -> Result<(), HandshakeError>;
}

/// Whether the peer answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Both sides speak: READY, ACCEPT, START and STOP, FINISH.
    Bidirectional,
    /// Only the sender speaks: START and STOP.
    Unidirectional,
}

/// Bytes on their way out.
#[derive(Debug, Default)]
struct Outgoing {
    bytes: Vec<u8>,
    sent: usize,
}

impl Outgoing {
    fn frame(frame: &ControlFrame) -> Result<Self, ControlError> {
        Ok(Self { bytes: frame.encode(Header::With)?, sent: 0 })
    }

    fn rest(&self) -> &[u8] {
        &self.bytes[self.sent..]
    }
}

/// Collects one control frame from bytes that arrive in parts.
#[derive(Debug)]
struct Incoming {
    decoder: Decoder,
    piece: Vec<u8>,
}

impl Incoming {
    fn new() -> Self {
        // No data frame is due in a handshake, whatever its size.
        Self { decoder: Decoder::new(usize::MAX), piece: Vec::new() }
    }

    fn needs(&self) -> usize {
        self.decoder.needs() - self.piece.len()
    }

    fn take(&mut self, bytes: &[u8]) -> Result<Option<ControlFrame>, HandshakeError> {
        self.piece.extend_from_slice(bytes);
        if self.piece.len() < self.decoder.needs() {
            return Ok(None);
        }
        let frame = match self.decoder.advance(&self.piece)? {
            Some(DecodedFrame::Control(frame)) => Some(frame),
            _ if self.decoder.expects_data() => return Err(HandshakeError::Data),
            _ => None,
        };
        self.piece.clear();
        Ok(frame)
    }
}

/// `frame` if it is the one that is due.
fn in_turn(frame: ControlFrame, wanted: ControlType) -> Result<ControlFrame, HandshakeError> {
    match frame.control_type {
        Some(got) if got != wanted => Err(HandshakeError::OutOfTurn { wanted, got }),
        _ => Ok(frame),
    }
}

/// The sender's side of opening a stream.
#[derive(Debug)]
pub struct SenderOpen {
    content_types: Vec<Box<[u8]>>,
    ready: Option<ControlFrame>,
    accept: Option<ControlFrame>,
    start: Option<ControlFrame>,
    outgoing: Outgoing,
    incoming: Incoming,
}

impl SenderOpen {
    /// Offers `content_types`, in order of preference; none means a stream of no declared type.
    pub fn new(content_types: &[Box<[u8]>], direction: Direction) -> Result<Self, HandshakeError> {
        let mut open = Self {
            content_types: content_types.to_vec(),
            ready: None,
            accept: None,
            start: None,
            outgoing: Outgoing::default(),
            incoming: Incoming::new(),
        };
        match direction {
            Direction::Bidirectional => {
                let ready = ControlFrame::new(
                    ControlType::Ready,
                    content_types.iter().map(|content_type| &**content_type),
                );
                open.outgoing = Outgoing::frame(&ready)?;
                open.ready = Some(ready);
            }
            Direction::Unidirectional => open.send_start(0)?,
        }
        Ok(open)
    }

    fn send_start(&mut self, choice: usize) -> Result<(), HandshakeError> {
        let chosen = self.content_types.get(choice).map(|content_type| &**content_type);
        let start = ControlFrame::new(ControlType::Start, chosen);
        self.outgoing = Outgoing::frame(&start)?;
        self.start = Some(start);
        Ok(())
    }

    /// The READY that was sent, on a bidirectional stream.
    pub fn ready(&self) -> Option<&ControlFrame> {
        self.ready.as_ref()
    }

    /// The ACCEPT that the receiver sent.
    pub fn accept(&self) -> Option<&ControlFrame> {
        self.accept.as_ref()
    }

    /// The START that opened the stream.
    pub fn start(&self) -> Option<&ControlFrame> {
        self.start.as_ref()
    }
}

impl Handshake for SenderOpen {
    fn step(&self) -> Step<'_> {
        match (self.outgoing.rest(), &self.start) {
            ([], None) => Step::Receive(self.incoming.needs()),
            ([], Some(_)) => Step::Done,
            (rest, _) => Step::Send(rest),
        }
    }

    fn sent(&mut self, count: usize) {
        self.outgoing.sent += count;
    }

    fn received(&mut self, bytes: &[u8]) -> Result<(), HandshakeError> {
        let Some(frame) = self.incoming.take(bytes)? else { return Ok(()) };
        let accept = self.accept.insert(in_turn(frame, ControlType::Accept)?);
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
    awaits_finish: bool,
    outgoing: Outgoing,
    incoming: Incoming,
}

impl SenderClose {
    /// Sends STOP, and waits for FINISH where the receiver can speak.
    pub fn new(direction: Direction) -> Result<Self, HandshakeError> {
        Ok(Self {
            finish: None,
            awaits_finish: direction == Direction::Bidirectional,
            outgoing: Outgoing::frame(&ControlFrame::new(ControlType::Stop, None))?,
            incoming: Incoming::new(),
        })
    }

    /// The FINISH that the receiver sent.
    pub fn finish(&self) -> Option<&ControlFrame> {
        self.finish.as_ref()
    }
}

impl Handshake for SenderClose {
    fn step(&self) -> Step<'_> {
        match self.outgoing.rest() {
            [] if self.awaits_finish => Step::Receive(self.incoming.needs()),
            [] => Step::Done,
            rest => Step::Send(rest),
        }
    }

    fn sent(&mut self, count: usize) {
        self.outgoing.sent += count;
    }

    fn received(&mut self, bytes: &[u8]) -> Result<(), HandshakeError> {
        if let Some(frame) = self.incoming.take(bytes)? {
            self.finish = Some(in_turn(frame, ControlType::Finish)?);
            self.awaits_finish = false;
        }
        Ok(())
    }
}

/// The openings that a receiver accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opening {
    /// With READY.
    Ready,
    /// With START.
    Start,
    /// With either: READY is answered, START is taken as it is.
    Either,
}

/// The receiver's side of opening a stream.
#[derive(Debug)]
pub struct ReceiverOpen {
    content_types: Vec<Box<[u8]>>,
    opening: Opening,
    ready: Option<ControlFrame>,
    accept: Option<ControlFrame>,
    start: Option<ControlFrame>,
    outgoing: Outgoing,
    incoming: Incoming,
}

impl ReceiverOpen {
    /// Takes streams of `content_types`; of every type if there are none.
    pub fn new(content_types: &[Box<[u8]>], opening: Opening) -> Self {
        Self {
            content_types: content_types.to_vec(),
            opening,
            ready: None,
            accept: None,
            start: None,
            outgoing: Outgoing::default(),
            incoming: Incoming::new(),
        }
    }

    fn answer(&mut self, ready: ControlFrame) -> Result<(), HandshakeError> {
        let common = self.content_types.iter().map(|own| &**own);
        let accept =
            ControlFrame::new(ControlType::Accept, common.filter(|own| ready.matches(Some(own))));
        self.ready = Some(ready);
        self.outgoing = Outgoing::frame(&accept)?;
        self.accept = Some(accept);
        Ok(())
    }

    fn begin(&mut self, start: ControlFrame) -> Result<(), HandshakeError> {
        let own = &self.content_types;
        let matched = own.is_empty() || own.iter().any(|own| start.matches(Some(own)));
        self.start = Some(start);
        if matched { Ok(()) } else { Err(HandshakeError::ContentType) }
    }

    /// The READY that the sender sent.
    pub fn ready(&self) -> Option<&ControlFrame> {
        self.ready.as_ref()
    }

    /// The ACCEPT that was sent. Without content types, though this side has some: nothing in
    /// common was found, and START will be refused.
    pub fn accept(&self) -> Option<&ControlFrame> {
        self.accept.as_ref()
    }

    /// The START that the sender sent.
    pub fn start(&self) -> Option<&ControlFrame> {
        self.start.as_ref()
    }
}

impl Handshake for ReceiverOpen {
    fn step(&self) -> Step<'_> {
        match (self.outgoing.rest(), &self.start) {
            ([], None) => Step::Receive(self.incoming.needs()),
            ([], Some(_)) => Step::Done,
            (rest, _) => Step::Send(rest),
        }
    }

    fn sent(&mut self, count: usize) {
        self.outgoing.sent += count;
    }

    fn received(&mut self, bytes: &[u8]) -> Result<(), HandshakeError> {
        let Some(frame) = self.incoming.take(bytes)? else { return Ok(()) };
        let ready_is_due = self.accept.is_none() && self.opening != Opening::Start;
        let start_may_come = self.accept.is_some() || self.opening != Opening::Ready;
        match frame.control_type {
            Some(ControlType::Ready) if ready_is_due => self.answer(frame),
            Some(ControlType::Start) if start_may_come => self.begin(frame),
            _ if ready_is_due => in_turn(frame, ControlType::Ready).map(drop),
            _ => in_turn(frame, ControlType::Start).map(drop),
        }
    }
}
