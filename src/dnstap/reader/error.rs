// SPDX-License-Identifier: MIT OR Apache-2.0
//! What can be wrong with a stream, and where.

use std::io;

use framestream::control::{ControlError, ControlType};
use thiserror::Error;

use super::Foreign;

/// Why there is no next frame. Offsets are in bytes from where the stream begins, and name the
/// frame that is wrong or, at the end of the stream, the one that is not there.
#[derive(Debug, Error)]
pub enum ReadError {
    /// Nothing came in time. Part of a frame may be there; the next call goes on.
    #[error("no frame was received within the time limit")]
    TimedOut,
    /// A frame over the limit. The next call goes on behind it.
    #[error("the frame at byte {offset} was skipped: its {size} bytes exceed the limit")]
    TooLarge {
        /// Where it begins.
        offset: u64,
        /// Bytes of its payload.
        size: u32,
    },
    /// Something else than Frame Streams.
    #[error("not Frame Streams: {0}")]
    Foreign(#[from] Foreign),
    /// A stream of something else than dnstap. Of several types that a sender offers this is the
    /// first.
    #[error(
        "the stream is not dnstap: the content type at byte {offset} is \"{}\"",
        content_type.escape_ascii()
    )]
    ContentType {
        /// Where the control frame begins that declares it.
        offset: u64,
        /// What it declares.
        content_type: Box<[u8]>,
    },
    /// A control frame that cannot be decoded.
    #[error("the control frame at byte {offset} is invalid: {error}")]
    Control {
        /// Where it begins.
        offset: u64,
        /// What is wrong with it.
        error: ControlError,
    },
    /// Another control frame than the one that opens the stream.
    #[error("the control frame at byte {offset} is {got:?}, but {wanted:?} was expected")]
    OutOfTurn {
        /// Where it begins.
        offset: u64,
        /// The frame that was due; on a socket that begins, START would do as well.
        wanted: ControlType,
        /// The frame that came.
        got: ControlType,
    },
    /// Data between READY and START.
    #[error("the frame at byte {offset} is data, but Start was expected")]
    Data {
        /// Where it begins.
        offset: u64,
    },
    /// The end before START: nothing at all, if the offset is 0.
    #[error("the stream ends at byte {offset}, without START")]
    NoStart {
        /// Where it ends.
        offset: u64,
    },
    /// The end behind a frame, without STOP: the writer was killed, or has not closed yet.
    #[error("the stream ends at byte {offset} without STOP, after {frames} complete frames")]
    NoStop {
        /// Where it ends.
        offset: u64,
        /// Frames before the end.
        frames: u64,
    },
    /// The end within a frame.
    #[error(
        "the frame at byte {offset} is cut off after {size} bytes; {frames} frames before it are complete"
    )]
    Torn {
        /// Where the frame begins.
        offset: u64,
        /// Bytes that are there of it, those of its length included.
        size: u64,
        /// Frames before it, without those over the limit.
        frames: u64,
    },
    /// The descriptor failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}
