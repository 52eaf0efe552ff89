// SPDX-License-Identifier: MIT OR Apache-2.0
//! Destinations of received frames, and the intake for frames of files.

use std::time::Instant;

use operator_log::Log;

use crate::output_file::FrameWriteError;
use crate::post_rotate::PostRotate;

/// A destination of whole data frames.
pub trait Destination {
    /// Returns whether a frame of `size` bytes fits into the current file after `before` bytes that
    /// are not written yet. If not, the caller writes those and calls [`Destination::rotate`].
    fn has_room(&self, before: usize, size: usize) -> bool;

    /// Writes `count` data frames, each preceded by its length.
    fn write(&mut self, frames: &[u8], count: u64) -> Result<(), FrameWriteError>;

    /// Returns the time of the next call of [`Destination::rotate`].
    fn rotate_at(&self) -> Option<Instant>;

    /// Finishes the current file and starts the next one.
    fn rotate(&mut self, log: &Log);

    /// Handles SIGHUP.
    fn hang_up(&mut self, log: &Log);

    /// Reaps commands that ran for finished files.
    fn reap(&mut self, log: &Log);

    /// Returns whether it accepts no more frames.
    fn is_done(&self) -> bool;

    /// Writes pending frames and closes it.
    fn close(self: Box<Self>, log: &Log) -> Closed;
}

/// The result of closing a destination.
#[derive(Debug, Default)]
pub struct Closed {
    /// Commands that are still running.
    pub commands: Option<PostRotate>,
    /// All files are complete and have their final names.
    pub complete: bool,
    /// Number of accepted frames that could not be written.
    pub unwritten: u64,
    /// Number of accepted frames that could not be relayed.
    pub unsent: u64,
    /// Number of frames in complete files that could not be renamed.
    pub unnamed: u64,
}

/// An intake for the frames of files.
pub trait FrameConsumer {
    /// Takes whole data frames, each preceded by its length; blocks until there is room. Returns
    /// whether it accepts more.
    fn push(&self, frames: &[u8]) -> bool;

    /// Returns the reason that the intake has stopped, if it has.
    fn stop_reason(&self) -> Option<StopReason>;
}

/// The reason that a frame intake has stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopReason {
    /// No further frames are needed.
    Complete,
    /// An output has failed.
    Failed,
}
