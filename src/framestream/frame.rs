// SPDX-License-Identifier: MIT OR Apache-2.0
//! The frames of a byte stream: a data frame is its length, followed by that many bytes; a length
//! of zero is the escape to a control frame.

use thiserror::Error;

use crate::control::{CONTROL_FRAME_LENGTH_MAX, ControlError, ControlFrame, Header};

/// Size in bytes of the length in front of every data frame.
pub const LENGTH_SIZE: usize = 4;

/// Largest data frame that a reader accepts by default (`FSTRM_READER_MAX_FRAME_SIZE_DEFAULT`).
pub const MAX_FRAME_SIZE_DEFAULT: usize = 1_048_576;

/// The reason why a frame is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum FrameError {
    /// A data frame is larger than the limit.
    #[error("data frame of {0} bytes is over the limit")]
    TooLarge(u32),
    /// A data frame before START or after STOP.
    #[error("data frame of {0} bytes outside of a stream")]
    Data(u32),
    /// A control frame that cannot be decoded.
    #[error(transparent)]
    Control(#[from] ControlError),
}

/// An iterator over contiguous data frames; see [`data_frames`].
#[derive(Clone, Debug)]
pub struct DataFrames<'a>(&'a [u8]);

/// Returns an iterator over the whole data frames at the front of `bytes`, each with its length.
pub fn data_frames(bytes: &[u8]) -> DataFrames<'_> {
    DataFrames(bytes)
}

impl<'a> Iterator for DataFrames<'a> {
    type Item = &'a [u8];

    #[inline]
    fn next(&mut self) -> Option<&'a [u8]> {
        let (frame, rest) = self.0.split_at(data_frame_size(self.0, usize::MAX)?);
        self.0 = rest;
        Some(frame)
    }
}

/// Returns the size of the whole data frame at the front of `bytes`, with its length, if its payload
/// has at most `max_payload` bytes.
#[inline]
pub(crate) fn data_frame_size(bytes: &[u8], max_payload: usize) -> Option<usize> {
    let (length, rest) = bytes.split_first_chunk()?;
    let length = u32::from_be_bytes(*length) as usize;
    (1..=max_payload.min(rest.len())).contains(&length).then_some(LENGTH_SIZE + length)
}

/// A frame that a piece of the stream completed.
#[derive(Debug, PartialEq, Eq)]
pub enum DecodedFrame<'a> {
    /// A data frame's payload.
    Data(&'a [u8]),
    /// A control frame.
    Control(ControlFrame),
}

/// Takes a byte stream apart. It holds no bytes: the caller brings each piece whole, of the size
/// that [`Decoder::needs`] names.
#[derive(Debug)]
pub struct Decoder {
    max_frame_size: usize,
    next: Piece,
}

#[derive(Clone, Copy, Debug)]
enum Piece {
    Length,
    ControlLength,
    Control(usize),
    Data(usize),
}

impl Decoder {
    /// A decoder at the start of a frame, for data frames of at most `max_frame_size` bytes.
    pub fn new(max_frame_size: usize) -> Self {
        Self { max_frame_size, next: Piece::Length }
    }

    /// Bytes of the next piece; never 0.
    pub fn needs(&self) -> usize {
        match self.next {
            Piece::Length | Piece::ControlLength => LENGTH_SIZE,
            Piece::Control(length) | Piece::Data(length) => length,
        }
    }

    /// Returns whether the next piece is the payload of a data frame.
    pub fn expects_data(&self) -> bool {
        matches!(self.next, Piece::Data(_))
    }

    /// Takes the next piece, of exactly [`Decoder::needs`] bytes; `None` while the frame goes on.
    ///
    /// # Panics
    /// If `piece` has another length.
    pub fn advance<'a>(&mut self, piece: &'a [u8]) -> Result<Option<DecodedFrame<'a>>, FrameError> {
        assert_eq!(piece.len(), self.needs(), "a piece is taken whole");
        match std::mem::replace(&mut self.next, Piece::Length) {
            Piece::Length => match be32(piece) {
                0 => self.next = Piece::ControlLength,
                length if length as usize > self.max_frame_size => {
                    return Err(FrameError::TooLarge(length));
                }
                length => self.next = Piece::Data(length as usize),
            },
            Piece::ControlLength => {
                let length = be32(piece) as usize;
                if length > CONTROL_FRAME_LENGTH_MAX {
                    return Err(ControlError::TooLong(length).into());
                }
                if length == 0 {
                    return Err(ControlError::Truncated.into());
                }
                self.next = Piece::Control(length);
            }
            Piece::Control(_) => {
                let mut frame = ControlFrame::default();
                frame.decode(piece, Header::Without)?;
                return Ok(Some(DecodedFrame::Control(frame)));
            }
            Piece::Data(_) => return Ok(Some(DecodedFrame::Data(piece))),
        }
        Ok(None)
    }
}

/// The frame at the front of some bytes.
#[derive(Debug, PartialEq, Eq)]
pub enum Front<'a> {
    /// A whole frame, and its size with everything around the payload.
    Whole(DecodedFrame<'a>, usize),
    /// Part of a frame: with this many bytes more of it can be told.
    Needs(usize),
}

/// Takes the first frame of `bytes`, of at most `max_payload` bytes if it is a data frame.
pub fn front(bytes: &[u8], max_payload: usize) -> Result<Front<'_>, FrameError> {
    let mut decoder = Decoder::new(max_payload);
    let mut at = 0;
    loop {
        let end = at + decoder.needs();
        let Some(piece) = bytes.get(at..end) else { return Ok(Front::Needs(end)) };
        at = end;
        if let Some(event) = decoder.advance(piece)? {
            return Ok(Front::Whole(event, at));
        }
    }
}

/// The 32-bit integer that `piece`, of [`LENGTH_SIZE`] bytes, spells.
fn be32(piece: &[u8]) -> u32 {
    piece.iter().fold(0, |value, byte| value << 8 | u32::from(*byte))
}
