// SPDX-License-Identifier: MIT OR Apache-2.0
//! Outputs: each takes the same frames in its own form.

pub mod commands;
pub mod frames;
pub mod parquet;
pub mod pcap;
pub mod pdns;
pub mod querylog;
pub mod recent;
pub mod relay;
pub mod remarks;
pub mod series;
pub mod stats;
pub mod text;

use std::io;
use std::time::Instant;

use dnstap::Event;
use dnstap::decode::DecodeError;
use files::STANDARD_OUTPUT;
use series::FileSeries;
use thiserror::Error;

use super::batch;
use super::queue::InputKind;

/// A frame on its way into the outputs.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// The decoded event, or the error of decoding it.
    pub event: Result<&'a Event<'a>, &'a DecodeError>,
    /// Its bytes, the length in front.
    pub bytes: &'a [u8],
}

impl<'a> Frame<'a> {
    /// Returns the bytes after the length.
    pub fn payload(&self) -> &'a [u8] {
        &self.bytes[framestream::frame::LENGTH_SIZE..]
    }
}

/// The reason that an output accepts no more frames.
#[derive(Debug, Error)]
pub enum FrameOutputError {
    /// The reader of the standard output closed it.
    #[error("the reader of the standard output is gone")]
    ReaderGone,
    /// Anything else.
    #[error("{0}")]
    Failed(String),
    /// An error that was reported already.
    #[error("the output is not complete")]
    Told,
}

impl FrameOutputError {
    /// Returns the error of the output `name` for a failed system call.
    pub fn new(name: &str, error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe if name == STANDARD_OUTPUT => Self::ReaderGone,
            _ => Self::Failed(format!("failed to write {name}: {error}")),
        }
    }
}

/// Where frames go. All calls come from one thread.
pub trait FrameOutput: Send {
    /// Says where the frames that follow come from.
    fn set_input(&mut self, _input: InputKind) {}

    /// Takes a frame. Processing may be deferred until [`FrameOutput::flush`].
    fn take(&mut self, frame: &Frame<'_>) -> Result<(), FrameOutputError>;

    /// Returns whether it looks into frames.
    fn is_looker(&self) -> bool {
        true
    }

    /// Takes frames of which nothing is known, if it does not look into them: otherwise each is
    /// given to [`FrameOutput::take`]. After an error those are left that were not taken.
    fn take_all(&mut self, _frames: &mut batch::BatchFrames<'_>) -> Result<(), FrameOutputError> {
        Ok(())
    }

    /// Begins to write, as nothing stands in the way of the whole program any more.
    fn begin(&mut self) -> Result<(), FrameOutputError> {
        self.files().map_or(Ok(()), FileSeries::begin)
    }

    /// The files that it writes to, if it does: what is to be done with any is done with these.
    fn files(&mut self) -> Option<&mut FileSeries> {
        None
    }

    /// Brings what was taken to where it goes: no more frames wait.
    fn flush(&mut self) -> Result<(), FrameOutputError> {
        self.files().map_or(Ok(()), FileSeries::write)
    }

    /// Returns when [`FrameOutput::tick`] is due.
    fn due(&mut self) -> Option<Instant> {
        self.files()?.due()
    }

    /// Does what is to be done from time to time.
    fn tick(&mut self) -> Result<(), FrameOutputError> {
        self.files().map_or(Ok(()), FileSeries::tick)
    }

    /// Begins anew, where that means something: a file that was renamed is left.
    fn reopen(&mut self) -> Result<(), FrameOutputError> {
        self.files().map_or(Ok(()), FileSeries::reopen)
    }

    /// Makes it take frames again after it failed.
    fn revive(&mut self) -> Result<(), FrameOutputError> {
        self.files().map_or(Ok(()), FileSeries::revive)
    }

    /// Says that nobody reads the standard output any more, if another output writes there too.
    fn reader_left(&mut self) -> Result<(), FrameOutputError> {
        Ok(())
    }

    /// Ends it. What it has to say, such as what was lost, it says to `tell`.
    fn finish(self: Box<Self>, tell: &mut dyn FnMut(String)) -> Result<(), FrameOutputError>;
}
