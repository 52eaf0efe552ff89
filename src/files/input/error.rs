// SPDX-License-Identifier: MIT OR Apache-2.0
//! Errors of input files.

use std::io;

use thiserror::Error;

use crate::damage::Damage;

/// How far a file was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadUpTo {
    /// The name of the file.
    pub name: String,
    /// The offset of the end of its last complete frame.
    pub offset: u64,
    /// The number of data frames before.
    pub frames: u64,
}

/// An error of an input file, with its offset.
#[derive(Debug, Error)]
pub enum InputError {
    /// It cannot be opened or read.
    #[error("{0}: {1}")]
    Io(String, #[source] io::Error),
    /// It ends after a frame without STOP: its writer is still writing, or was killed.
    #[error(
        "{}: ends at offset {} without STOP, after {} complete frames",
        .0.name, .0.offset, .0.frames
    )]
    NoStop(ReadUpTo),
    /// It ends within a frame, with the number of its bytes in the file.
    #[error(
        "{}: the frame at offset {} is cut off after {} bytes; {} frames before it are complete",
        .0.name, .0.offset, .1, .0.frames
    )]
    Torn(ReadUpTo, usize),
    /// Its compressed data ends after a frame without STOP.
    #[error(
        "{}: the compressed data is cut off at offset {} of what it holds; \
         {} frames before it are complete",
        .0.name, .0.offset, .0.frames
    )]
    CutOff(ReadUpTo),
    /// It is complete, but followed by other data after STOP.
    #[error(
        "{}: the data after STOP at offset {} cannot be read: {}; \
         {} frames before it are complete",
        .0.name, .0.offset, .1, .0.frames
    )]
    Behind(ReadUpTo, #[source] io::Error),
    /// The program should stop, or all outputs have failed.
    #[error(
        "{}: stopped at offset {}, after {} frames; the rest was not read",
        .0.name, .0.offset, .0.frames
    )]
    Stopped(ReadUpTo),
    /// It is not a file of frames, but has this likely format.
    #[error("{0}: {1}")]
    Foreign(String, &'static str),
    /// It contains bytes that are not a frame.
    #[error(
        "{}: at offset {}: {}; {} frames before it are complete",
        .0.name, .0.offset, .1, .0.frames
    )]
    Damaged(ReadUpTo, #[source] Damage),
}
