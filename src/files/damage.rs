// SPDX-License-Identifier: MIT OR Apache-2.0
//! Damage of capture files.

use framestream::control::ControlType;
use framestream::frame::FrameError;
use thiserror::Error;

/// The reason that a capture file cannot be read, or continued, at some place.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Damage {
    /// A stream of another content type begins there.
    #[error("the content type is \"{0}\"")]
    ContentType(String),
    /// Another control frame is in the place of START.
    #[error("{0:?}, but Start was expected")]
    NoStart(ControlType),
    /// What comes after STOP does not begin a stream.
    #[error("no START after STOP")]
    NotAStream,
    /// There are data frames after STOP.
    #[error("data after STOP")]
    DataAfterStop,
    /// A frame is too long to be one that was cut off.
    #[error("a frame of {0} bytes that is not whole")]
    LongFrame(usize),
    /// There is no frame that can be read.
    #[error(transparent)]
    Frame(#[from] FrameError),
}
