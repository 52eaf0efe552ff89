// SPDX-License-Identifier: MIT OR Apache-2.0
//! Errors of reading a stream, with their offsets.

use std::io;

use framestream::control::{ControlError, ControlType};
use thiserror::Error;

use super::Foreign;

/// The reason why there is no next frame. Offsets are in bytes from the beginning of the stream,
/// and are those of the invalid frame, or of the end of the stream.
#[derive(Debug, Error)]
pub enum ReadError {
    /// No frame was received within the time limit. A frame that was read in part is kept; the next
    /// call continues it.
    #[error("no frame was received within the time limit")]
    TimedOut,
    /// A frame exceeds the size limit. The next call reads the frame after it.
    #[error("the frame at byte {offset} was skipped: its {size} bytes exceed the limit")]
    TooLarge {
        /// Offset of its beginning.
        offset: u64,
        /// Bytes of its payload.
        size: u32,
    },
    /// The data is not Frame Streams.
    #[error("not Frame Streams: {0}")]
    Foreign(#[from] Foreign),
    /// The content of the stream is not dnstap. If a sender offers several content types, this
    /// contains the first one.
    #[error(
        "the stream is not dnstap: the content type at byte {offset} is \"{}\"",
        content_type.escape_ascii()
    )]
    ContentType {
        /// Offset of the control frame that declares it.
        offset: u64,
        /// The declared content type.
        content_type: Box<[u8]>,
    },
    /// A control frame cannot be decoded.
    #[error("the control frame at byte {offset} is invalid: {error}")]
    Control {
        /// Offset of its beginning.
        offset: u64,
        /// The reason.
        error: ControlError,
    },
    /// An unexpected control frame at the beginning of the stream.
    #[error("the control frame at byte {offset} is {got:?}, but {wanted:?} was expected")]
    OutOfTurn {
        /// Offset of its beginning.
        offset: u64,
        /// The expected frame; at the beginning of a stream on a socket, START is valid as well.
        wanted: ControlType,
        /// The received frame.
        got: ControlType,
    },
    /// A data frame between READY and START.
    #[error("the frame at byte {offset} is data, but Start was expected")]
    Data {
        /// Offset of its beginning.
        offset: u64,
    },
    /// The stream ended before START; if the offset is 0, it is empty.
    #[error("the stream ends at byte {offset}, without START")]
    NoStart {
        /// Offset of the end.
        offset: u64,
    },
    /// The stream ended after a frame, without STOP: the writer was killed, or has not closed yet.
    #[error("the stream ends at byte {offset} without STOP, after {frames} complete frames")]
    NoStop {
        /// Offset of the end.
        offset: u64,
        /// Number of frames before the end.
        frames: u64,
    },
    /// The stream ended inside a frame.
    #[error(
        "the frame at byte {offset} is cut off after {size} bytes; {frames} frames before it are complete"
    )]
    Torn {
        /// Offset of the frame.
        offset: u64,
        /// Bytes of it that are present, including the length prefix.
        size: u64,
        /// Number of frames before it, without those over the size limit.
        frames: u64,
    },
    /// Reading the descriptor failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}
