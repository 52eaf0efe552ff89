// SPDX-License-Identifier: MIT OR Apache-2.0
//! Errors of input files.

use std::io;

use thiserror::Error;

use crate::damage::Damage;

/// An error of an input file, with its offset.
#[derive(Debug, Error)]
pub enum InputError {
    /// It cannot be opened or read.
    #[error("{name}: {error}")]
    Io {
        /// Its name.
        name: String,
        /// The cause.
        #[source]
        error: io::Error,
    },
    /// It ends after a frame, without STOP: its writer still writes, or was killed.
    #[error("{name}: ends at offset {offset} without STOP, after {frames} complete frames")]
    NoStop {
        /// Its name.
        name: String,
        /// Where it ends.
        offset: u64,
        /// Frames before.
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
        /// Where the frame begins.
        offset: u64,
        /// Bytes of it that are there.
        size: usize,
        /// Frames before.
        frames: u64,
    },
    /// It is compressed, and that ends after a frame, without STOP.
    #[error(
        "{name}: the compressed data is cut off at offset {offset} of what it holds; \
         {frames} frames before it are complete"
    )]
    CutOff {
        /// Its name.
        name: String,
        /// The offset of the end of its data.
        offset: u64,
        /// Frames before.
        frames: u64,
    },
    /// It is whole, and something else is after STOP.
    #[error(
        "{name}: the data after STOP at offset {offset} cannot be read: {error}; \
         {frames} frames before it are complete"
    )]
    Behind {
        /// Its name.
        name: String,
        /// Where STOP ends.
        offset: u64,
        /// The cause.
        #[source]
        error: io::Error,
        /// Frames before.
        frames: u64,
    },
    /// The program was asked to stop, or no output takes its frames any more.
    #[error("{name}: stopped at offset {offset}, after {frames} frames; the rest was not read")]
    Stopped {
        /// Its name.
        name: String,
        /// The offset up to which it was read.
        offset: u64,
        /// Frames before.
        frames: u64,
    },
    /// It holds something else from the beginning.
    #[error("{name}: {reason}")]
    Foreign {
        /// Its name.
        name: String,
        /// The format that it seems to be in.
        reason: &'static str,
    },
    /// Bytes that are no frame.
    #[error("{name}: at offset {offset}: {source}; {frames} frames before it are complete")]
    Damaged {
        /// Its name.
        name: String,
        /// Where they begin.
        offset: u64,
        /// The problem.
        source: Damage,
        /// Frames before.
        frames: u64,
    },
}
