// SPDX-License-Identifier: MIT OR Apache-2.0
//! Errors of outputs.

use std::io;

#[cfg(feature = "parquet")]
use ::parquet::errors::ParquetError;
use files::STANDARD_OUTPUT;
use files::output_file::{FrameWriteError, OpenFileError};
use thiserror::Error;

/// The reason that an output stopped.
#[derive(Debug, Error)]
pub enum FrameOutputError {
    /// The reader has closed the standard output.
    #[error("the reader of the standard output is gone")]
    ReaderGone,
    /// A failure that was reported already.
    #[error("the output is incomplete")]
    Reported,
    /// A file cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenFileError),
    /// The standard output or the standard error cannot be written.
    #[error("failed to write {0}: {1}")]
    Write(&'static str, #[source] io::Error),
    /// A write failed, and units were lost.
    #[error("{source} ({}{} {unit} lost)", if *.is_maximum { "up to " } else { "" }, .source.lost())]
    Lost {
        /// The cause, with the number of units.
        source: FrameWriteError,
        /// True if some of the units may have been written.
        is_maximum: bool,
        /// The name of units.
        unit: &'static str,
    },
    /// Further units were dropped after a failure.
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
    #[cfg(feature = "parquet")]
    #[error("failed to write {0}: {1}")]
    Parquet(String, #[source] ParquetError),
    /// The last file is complete, and the next one could not be started.
    #[error("{0}: failed to start the next file")]
    NoNextFile(String),
    /// A failure left a file without a footer.
    #[error("{0}; the file is unreadable without its footer")]
    WithoutFooter(#[source] Box<Self>),
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
    /// Returns the error of a failed write to `name`: the standard output or the standard error.
    pub fn new(name: &'static str, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::BrokenPipe if name == STANDARD_OUTPUT => Self::ReaderGone,
            _ => Self::Write(name, source),
        }
    }

    /// Returns whether the error is a failure that was not reported yet.
    pub fn is_unreported(&self) -> bool {
        !matches!(self, Self::ReaderGone | Self::Reported)
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use super::*;

    #[test]
    fn a_failure_keeps_its_sources_and_names_the_first_once() {
        let error = io::Error::other("no space");
        let source = FrameWriteError::File { name: "out".into(), error, lost: 3 };
        let lost = FrameOutputError::Lost { source, is_maximum: true, unit: "rows" };
        let error = FrameOutputError::WithoutFooter(Box::new(lost));
        let (mut cause, mut depth) = (&error as &dyn Error, 0);
        while let Some(source) = cause.source() {
            (cause, depth) = (source, depth + 1);
        }
        assert!(depth == 3 && cause.is::<io::Error>(), "{depth}: {cause:?}");
        assert_eq!(error.to_string().matches("no space").count(), 1);
        assert!(error.to_string().contains("(up to 3 rows lost)"), "{error}");
    }
}
