// SPDX-License-Identifier: MIT OR Apache-2.0
//! The walk over the bytes of a stream, for all readers, without I/O and without copying.
//!
//! ```text
//! before START --START--> in the stream --STOP--> after STOP
//!                               ^----------START------'
//! ```
//!
//! Each step of a [`Walker`] takes the unused bytes and returns what they begin with: whole data
//! frames, a control frame, or part of a frame.
//!
//! ```
//! use framestream::frame::{FrameError, data_frames};
//! use framestream::walk::{Front, Walker};
//!
//! let mut bytes = &b"\0\0\0\0\0\0\0\x04\0\0\0\x02\0\0\0\x03one\0\0\0\x03two\0\0\0"[..];
//! let mut walker = Walker::new(1024);
//! let missing = loop {
//!     match walker.step(bytes)? {
//!         Front::Frames { size, count } => {
//!             assert_eq!(count, 2);
//!             assert!(data_frames(bytes).eq([b"\0\0\0\x03one", b"\0\0\0\x03two"]));
//!             bytes = &bytes[size..];
//!         }
//!         Front::Start(_, size) | Front::Control(_, _, size) => bytes = &bytes[size..],
//!         Front::Skipped(size) => bytes = &bytes[size..],
//!         Front::Stop(..) => break 0,
//!         // Here a program reads more, and passes all bytes of the frame to the next step.
//!         Front::Needs(size) => break size - bytes.len(),
//!     }
//! };
//! assert_eq!(missing, 1);
//! # Ok::<(), FrameError>(())
//! ```

use crate::control::{CONTROL_FRAME_LENGTH_MAX, ControlError, ControlFrame, ControlType, Header};
use crate::frame::{FrameError, LENGTH_SIZE, data_frame_size};

/// Size of the part of a control frame before its type: the escape and the length.
const CONTROL_HEADER_SIZE: usize = 2 * LENGTH_SIZE;

/// The position of a walker in a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Before the first START.
    BeforeStart,
    /// Between START and STOP.
    InStream,
    /// After STOP, where another stream may begin.
    AfterStop,
}

/// The first element of some bytes of a stream. A size is a number of bytes, including lengths and
/// escapes; the bytes after them are for the next step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Front {
    /// Whole data frames, as many as there are. [`data_frames`](crate::frame::data_frames) splits
    /// them.
    Frames {
        /// Their size.
        size: usize,
        /// Their number, at least 1.
        count: u64,
    },
    /// START before or after a stream, and its size.
    Start(ControlFrame, usize),
    /// STOP in a stream, and its size.
    Stop(ControlFrame, usize),
    /// Any other control frame, with its type and size: outside of a stream all but START, in a
    /// stream all but STOP. The caller ignores or refuses it.
    Control(ControlType, ControlFrame, usize),
    /// Bytes of a data frame over the limit, with their number.
    Skipped(usize),
    /// Part of a frame; the whole frame has at least this many bytes.
    Needs(usize),
}

/// A walk over the bytes of a stream. A clone can try a step.
#[derive(Clone, Debug)]
pub struct Walker {
    max_payload: usize,
    place: Place,
    /// Number of bytes still to skip of a data frame over the limit.
    to_skip: usize,
}

impl Walker {
    /// Creates a walker before START. Data frames may have payloads of up to `max_payload` bytes.
    pub fn new(max_payload: usize) -> Self {
        Self { max_payload, place: Place::BeforeStart, to_skip: 0 }
    }

    /// Creates a walker after START.
    pub fn in_stream(max_payload: usize) -> Self {
        Self { place: Place::InStream, ..Self::new(max_payload) }
    }

    /// Sets the limit of payloads, from the next data frame on.
    pub fn set_max_payload(&mut self, max_payload: usize) {
        self.max_payload = max_payload;
    }

    /// Returns the position in the stream.
    pub fn place(&self) -> Place {
        self.place
    }

    /// Returns whether bytes of a data frame over the limit are still to be skipped.
    pub fn is_skipping(&self) -> bool {
        self.to_skip > 0
    }

    /// Returns the size of the whole data frame at the front of `bytes`, if there is one. It
    /// replaces a step for callers that take one frame at a time.
    #[inline]
    pub fn data_frame(&self, bytes: &[u8]) -> Option<usize> {
        let is_due = self.place == Place::InStream && self.to_skip == 0;
        if is_due { data_frame_size(bytes, self.max_payload) } else { None }
    }

    /// Returns the first element of `bytes`, and passes it.
    ///
    /// After [`FrameError::TooLarge`] the walk can continue: the caller drops the [`LENGTH_SIZE`]
    /// bytes of the length, and the next steps return [`Front::Skipped`]. Other errors and
    /// [`Front::Needs`] do not change the walker.
    pub fn step(&mut self, bytes: &[u8]) -> Result<Front, FrameError> {
        if self.to_skip > 0 && !bytes.is_empty() {
            let size = self.to_skip.min(bytes.len());
            self.to_skip -= size;
            return Ok(Front::Skipped(size));
        }
        let (mut size, mut count) = (0, 0);
        while let Some(frame) = self.data_frame(&bytes[size..]) {
            size += frame;
            count += 1;
        }
        if count > 0 {
            return Ok(Front::Frames { size, count });
        }
        let Some((length, rest)) = bytes.split_first_chunk() else {
            return Ok(Front::Needs(LENGTH_SIZE));
        };
        match u32::from_be_bytes(*length) {
            0 => self.control_frame(rest),
            length if self.place != Place::InStream => Err(FrameError::Data(length)),
            length if length as usize > self.max_payload => {
                self.to_skip = length as usize;
                Err(FrameError::TooLarge(length))
            }
            length => Ok(Front::Needs(LENGTH_SIZE.saturating_add(length as usize))),
        }
    }

    /// Passes the control frame whose escape precedes `bytes`.
    fn control_frame(&mut self, bytes: &[u8]) -> Result<Front, FrameError> {
        let Some((length, rest)) = bytes.split_first_chunk() else {
            return Ok(Front::Needs(CONTROL_HEADER_SIZE));
        };
        let length = u32::from_be_bytes(*length) as usize;
        if length > CONTROL_FRAME_LENGTH_MAX {
            return Err(ControlError::TooLong(length).into());
        }
        if length == 0 {
            return Err(ControlError::Truncated.into());
        }
        let size = CONTROL_HEADER_SIZE + length;
        let Some(bytes) = rest.get(..length) else { return Ok(Front::Needs(size)) };
        let mut frame = ControlFrame::default();
        let control_type = frame.decode(bytes, Header::Without)?;
        match (self.place, control_type) {
            (Place::InStream, ControlType::Stop) => {
                self.place = Place::AfterStop;
                Ok(Front::Stop(frame, size))
            }
            (Place::BeforeStart | Place::AfterStop, ControlType::Start) => {
                self.place = Place::InStream;
                Ok(Front::Start(frame, size))
            }
            _ => Ok(Front::Control(control_type, frame, size)),
        }
    }
}
