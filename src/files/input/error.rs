// SPDX-License-Identifier: MIT OR Apache-2.0
//! Errors of input files.

use std::io;

use thiserror::Error;

use crate::damage::Damage;

/// An error of an input file, with its offset.
#[derive(Debug, Error)]
pub enum InputError {
    /// It cannot be opened or read.
    #[error("{0}: {1}")]
    Io(String, #[source] io::Error),
    /// It ends after a frame without STOP: its writer is still writing, or was killed.
    #[error("{name}: ends at offset {offset} without STOP, after {frames} complete frames")]
    NoStop {
        /// Its name.
        name: String,
        /// The offset of its end.
        offset: u64,
        /// The number of frames before.
        frames: u64,
    },
    /// It ends within a frame.
    #[error(
        "{name}: the frame at offset {offset} is cut off after {size} bytes; \
         {frames} frames before it are complete"
    )]
    Torn {
        /// Its name.
        name: String,
        /// The offset of the frame.
        offset: u64,
        /// The number of its bytes in the file.
        size: usize,
        /// The number of frames before.
        frames: u64,
    },
    /// Its compressed data ends after a frame without STOP.
    #[error(
        "{name}: the compressed data is cut off at offset {offset} of what it holds; \
         {frames} frames before it are complete"
    )]
    CutOff {
        /// Its name.
        name: String,
        /// The offset of the end of its data.
        offset: u64,
        /// The number of frames before.
        frames: u64,
    },
    /// It is complete, but followed by other data after STOP.
    #[error(
        "{name}: the data after STOP at offset {offset} cannot be read: {error}; \
         {frames} frames before it are complete"
    )]
    Behind {
        /// Its name.
        name: String,
        /// The offset of the end of STOP.
        offset: u64,
        /// The cause.
        #[source]
        error: io::Error,
        /// The number of frames before.
        frames: u64,
    },
    /// The program should stop, or all outputs have failed.
    #[error("{name}: stopped at offset {offset}, after {frames} frames; the rest was not read")]
    Stopped {
        /// Its name.
        name: String,
        /// The offset up to which it was read.
        offset: u64,
        /// The number of frames before.
        frames: u64,
    },
    /// It is not a file of frames.
    #[error("{name}: {reason}")]
    Foreign {
        /// Its name.
        name: String,
        /// Its likely format.
        reason: &'static str,
    },
    /// It contains bytes that are not a frame.
    #[error("{name}: at offset {offset}: {source}; {frames} frames before it are complete")]
    Damaged {
        /// Its name.
        name: String,
        /// The offset of these bytes.
        offset: u64,
        /// The problem.
        source: Damage,
        /// The number of frames before.
        frames: u64,
    },
}
