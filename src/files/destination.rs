// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where a capture's frames go.

use std::time::Instant;

use operator_log::Log;

use crate::output_file::FrameWriteError;
use crate::post_rotate::PostRotate;

/// Takes whole data frames, as many as there are at a time.
pub trait Destination {
    /// Returns whether a frame of `size` bytes belongs to those of `before` bytes that are to be
    /// written first. If not, they are written and [`Destination::rotate`] is called.
    fn has_room(&self, before: usize, size: usize) -> bool;

    /// Takes `count` data frames, each with its length in front.
    fn write(&mut self, frames: &[u8], count: u64) -> Result<(), FrameWriteError>;

    /// When to call [`Destination::rotate`].
    fn rotate_at(&self) -> Option<Instant>;

    /// Ends what is written, and begins anew.
    fn rotate(&mut self, log: &Log);

    /// Does what SIGHUP asks for.
    fn hang_up(&mut self, log: &Log);

    /// Looks after the commands that run for finished files.
    fn reap(&mut self, log: &Log);

    /// Returns whether it wants nothing more.
    fn is_done(&self) -> bool;

    /// Ends it.
    fn close(self: Box<Self>, log: &Log) -> Closed;
}

/// The end of a destination.
#[derive(Debug, Default)]
pub struct Closed {
    /// The commands that still run.
    pub commands: Option<PostRotate>,
    /// All files are complete and have their names.
    pub complete: bool,
    /// Frames that it took and could not write.
    pub unwritten: u64,
    /// Frames that it took and could not send on.
    pub unsent: u64,
    /// Frames in complete files that did not get their names.
    pub unnamed: u64,
}

/// Takes the frames of files.
pub trait FrameIntake {
    /// Takes whole data frames, each with its length in front; waits for room. Returns whether it
    /// takes more.
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
