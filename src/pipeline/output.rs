// SPDX-License-Identifier: MIT OR Apache-2.0
//! Outputs: each writes the same frames in its own format.

pub mod commands;
pub mod error;
pub(crate) mod file_writer;
pub mod frames;
#[cfg(feature = "parquet")]
pub mod parquet;
pub mod pcap;
pub(crate) mod pdns;
pub(crate) mod querylog;
pub(crate) mod recent;
pub mod relay;
pub mod stats;
pub mod table;
pub(crate) mod text;

use std::time::Instant;

use error::FrameOutputError;
use file_writer::FileWriter;
use framestream::frame::DataFrames;

use super::decoded_frame::DecodedFrame;
use super::queue::InputKind;

/// A destination of frames in some format. All methods are called by one thread.
pub trait FrameOutput: Send {
    /// Sets the kind of input that the following frames come from.
    fn set_input(&mut self, _input: InputKind) {}

    /// Writes a frame. May buffer it until [`FrameOutput::flush`].
    fn write_frame(&mut self, frame: &DecodedFrame<'_>) -> Result<(), FrameOutputError>;

    /// Returns whether the output needs decoded events.
    fn needs_events(&self) -> bool {
        true
    }

    /// Writes frames without decoded events; called only if [`FrameOutput::needs_events`] returns false.
    /// After an error, the iterator has the frames that were not written.
    fn write_undecoded(&mut self, _frames: &mut DataFrames<'_>) -> Result<(), FrameOutputError> {
        Ok(())
    }

    /// Starts the output, once the whole program has been set up successfully.
    fn begin(&mut self) -> Result<(), FrameOutputError> {
        self.files().map_or(Ok(()), FileWriter::begin)
    }

    /// Returns the files that the output writes to. The default methods operate on them.
    fn files(&mut self) -> Option<&mut FileWriter> {
        None
    }

    /// Writes buffered frames, because no further frames are pending.
    fn flush(&mut self) -> Result<(), FrameOutputError> {
        self.files().map_or(Ok(()), FileWriter::write)
    }

    /// Returns the time at which [`FrameOutput::tick`] is due.
    fn due(&mut self) -> Option<Instant> {
        self.files()?.due()
    }

    /// Performs periodic work.
    fn tick(&mut self) -> Result<(), FrameOutputError> {
        self.files().map_or(Ok(()), FileWriter::tick)
    }

    /// Starts a new file, for example because the old one was renamed.
    fn reopen(&mut self) -> Result<(), FrameOutputError> {
        self.files().map_or(Ok(()), FileWriter::reopen)
    }

    /// Prepares the output to accept frames again after a failure.
    fn revive(&mut self) -> Result<(), FrameOutputError> {
        self.files().map_or(Ok(()), FileWriter::revive)
    }

    /// Notifies the output that another output found the standard output closed by its reader.
    fn stdout_closed(&mut self) -> Result<(), FrameOutputError> {
        Ok(())
    }

    /// Closes the output. Remarks, such as about skipped messages, are passed to `report`.
    fn finish(self: Box<Self>, report: &mut dyn FnMut(String)) -> Result<(), FrameOutputError>;
}
