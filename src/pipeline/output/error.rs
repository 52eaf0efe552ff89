// SPDX-License-Identifier: MIT OR Apache-2.0
//! Errors of outputs.

use std::io;

use ::parquet::errors::ParquetError;
use files::STANDARD_OUTPUT;
use files::output_file::{FrameWriteError, OpenFileError};
use thiserror::Error;

/// The reason that an output accepts no more frames.
#[derive(Debug, Error)]
pub enum FrameOutputError {
    /// The reader has closed the standard output.
    #[error("the reader of the standard output is gone")]
    ReaderGone,
    /// An error that was reported already.
    #[error("the output is not complete")]
    Reported,
    /// A file cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenFileError),
    /// The standard output or the standard error cannot be written.
    #[error("failed to write {name}: {source}")]
    Write {
        /// Its name.
        name: &'static str,
        /// The cause.
        source: io::Error,
    },
    /// Units are not in a file.
    #[error("{source} ({}{} {unit} lost)", if *.is_maximum { "up to " } else { "" }, .source.lost())]
    Lost {
        /// The cause, with the number of units.
        source: FrameWriteError,
        /// Some of them may be there after all.
        is_maximum: bool,
        /// The name of units.
        unit: &'static str,
    },
    /// More units came after a failure.
    #[error(
        "{}{count} more {unit} are lost",
        .source.as_ref().map_or_else(|| format!("{name}: "), |failure| format!("{failure}; "))
    )]
    LostAfter {
        /// The file.
        name: String,
        /// The failure, if it was not reported already.
        source: Option<Box<Self>>,
        /// The number of units.
        count: u64,
        /// The name of units.
        unit: &'static str,
    },
    /// Rows cannot be encoded as Parquet.
    #[error("failed to write {name}: {source}")]
    Parquet {
        /// The file.
        name: String,
        /// The cause.
        source: ParquetError,
    },
    /// The last file is complete, and there is no next one.
    #[error("{0}: no next file can be begun")]
    NoNextFile(String),
    /// A failure leaves a file that cannot be read.
    #[error("{0}; without its end the file cannot be read")]
    WithoutEnd(#[source] Box<Self>),
    /// A relay did not send all frames.
    #[error(
        "relay to {name}: {lost} frames were not sent{}",
        .failure.as_ref().map_or(String::new(), |failure| format!("; the last failure: {failure}"))
    )]
    Unsent {
        /// The receiver.
        name: String,
        /// The number of frames.
        lost: u64,
        /// The last failure to send.
        failure: Option<String>,
    },
}

impl FrameOutputError {
    /// Returns the error of a failed write to the standard output, or to the output `name` like it.
    pub fn new(name: &'static str, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::BrokenPipe if name == STANDARD_OUTPUT => Self::ReaderGone,
            _ => Self::Write { name, source },
        }
    }

    /// Returns whether the output failed and that is still to be reported.
    pub fn is_news(&self) -> bool {
        !matches!(self, Self::ReaderGone | Self::Reported)
    }
}
