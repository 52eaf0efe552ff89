// SPDX-License-Identifier: MIT OR Apache-2.0
//! What can be wrong with a file.

use std::io;

use thiserror::Error;

/// What is wrong with a file, and where.
#[derive(Debug, Error)]
pub enum InputError {
    /// It cannot be opened or read.
    #[error("{name}: {error}")]
    Io {
        /// Its name.
        name: String,
        /// Why not.
        error: io::Error,
    },
    /// It ends behind a frame, without STOP: its writer still writes, or was killed.
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
    /// It is compressed, and that ends behind a frame, without STOP.
    #[error(
        "{name}: the compressed data is cut off at offset {offset} of what it holds; \
         {frames} frames before it are complete"
    )]
    CutOff {
        /// Its name.
        name: String,
        /// How far what it holds goes.
        offset: u64,
        /// Frames before.
        frames: u64,
    },
    /// It is whole, and something else is behind STOP.
    #[error(
        "{name}: the data after STOP at offset {offset} cannot be read: {error}; \
         {frames} frames before it are complete"
    )]
    Behind {
        /// Its name.
        name: String,
        /// Where STOP ends.
        offset: u64,
        /// Why not.
        error: io::Error,
        /// Frames before.
        frames: u64,
    },
    /// The program was told to stop, or nobody takes its frames any more.
    #[error("{name}: stopped at offset {offset}, after {frames} frames; the rest was not read")]
    Stopped {
        /// Its name.
        name: String,
        /// How far it was read.
        offset: u64,
        /// Frames before.
        frames: u64,
    },
    /// It holds something else from the beginning.
    #[error("{name}: {reason}")]
    Foreign {
        /// Its name.
        name: String,
        /// What that seems to be.
        reason: &'static str,
    },
    /// Bytes that are no frame.
    #[error("{name}: at offset {offset}: {reason}; {frames} frames before it are complete")]
    Damaged {
        /// Its name.
        name: String,
        /// Where they begin.
        offset: u64,
        /// What is wrong.
        reason: String,
        /// Frames before.
        frames: u64,
    },
}
