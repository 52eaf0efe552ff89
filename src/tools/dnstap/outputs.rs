// SPDX-License-Identifier: MIT OR Apache-2.0
//! All outputs. One that fails takes nothing more, and the others go on.

use std::time::Instant;

use super::batch;
use super::output::{Frame, Output, OutputError};
use super::queue::Input;

/// Where frames go.
#[derive(Default)]
pub struct Outputs {
    outlets: Vec<Outlet>,
    failed: bool,
}

struct Outlet {
    name: String,
    output: Box<dyn Output>,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Taking,
    /// Nobody reads it any more, and so nothing is missed.
    Unread,
    /// It failed, and so many frames came since.
    Failed(u64),
}

impl Outlet {
    fn miss(&mut self, count: u64) {
        if let State::Failed(missed) = &mut self.state {
            *missed += count;
        }
    }
}

impl Outputs {
    /// Adds one, called `name` in messages.
    pub fn add(&mut self, name: String, output: Box<dyn Output>) {
        self.outlets.push(Outlet { name, output, state: State::Taking });
    }

    /// Begins all of them: only now is gone what they replace.
    pub fn begin(&mut self) -> Result<(), OutputError> {
        self.outlets.iter_mut().try_for_each(|outlet| outlet.output.begin())
    }

    /// Whether none takes anything any more.
    pub fn are_over(&self) -> bool {
        self.outlets.iter().all(|outlet| outlet.state != State::Taking)
    }

    /// Whether any failed, and that was told.
    pub fn have_failed(&self) -> bool {
        self.failed
    }

    /// When [`Output::tick`] is due for the first of them.
    pub fn due(&mut self) -> Option<Instant> {
        let taking = self.outlets.iter_mut().filter(|outlet| outlet.state == State::Taking);
        taking.filter_map(|outlet| outlet.output.due()).min()
    }

    /// Says where the frames that follow come from.
    pub fn set_input(&mut self, input: Input) {
        self.outlets.iter_mut().for_each(|outlet| outlet.output.set_input(input));
    }

    /// Does something with each that still takes frames.
    pub fn each(
        &mut self,
        tell: &mut dyn FnMut(String),
        mut act: impl FnMut(&mut dyn Output) -> Result<(), OutputError>,
    ) {
        for index in 0..self.outlets.len() {
            let outlet = &mut self.outlets[index];
            if outlet.state == State::Taking
                && let Err(error) = act(&mut *outlet.output)
            {
                self.leave(index, error, tell);
            }
        }
    }

    /// Gives a frame to all.
    pub fn take(&mut self, frame: &Frame<'_>, tell: &mut dyn FnMut(String)) {
        self.give(frame, tell, |_| true);
    }

    /// Gives a frame to those that look into frames.
    pub fn take_looking(&mut self, frame: &Frame<'_>, tell: &mut dyn FnMut(String)) {
        self.give(frame, tell, |output| output.is_looker());
    }

    fn give(
        &mut self,
        frame: &Frame<'_>,
        tell: &mut dyn FnMut(String),
        is_meant: impl Fn(&dyn Output) -> bool,
    ) {
        for index in 0..self.outlets.len() {
            let outlet = &mut self.outlets[index];
            if !is_meant(&*outlet.output) {
                continue;
            }
            if outlet.state != State::Taking {
                outlet.miss(1);
            } else if let Err(error) = outlet.output.take(frame) {
                self.leave(index, error, tell);
            }
        }
    }

    /// Gives whole frames to those that do not look into them. Returns whether others do.
    pub fn take_all(&mut self, frames: &[u8], tell: &mut dyn FnMut(String)) -> bool {
        let mut look = false;
        for index in 0..self.outlets.len() {
            let outlet = &mut self.outlets[index];
            if outlet.output.is_looker() {
                look = true;
                continue;
            }
            let mut frames = batch::frames(frames);
            if outlet.state == State::Taking
                && let Err(error) = outlet.output.take_all(&mut frames)
            {
                self.leave(index, error, tell);
            }
            self.outlets[index].miss(frames.count() as u64);
        }
        look
    }

    /// Counts frames that come too late for all of them.
    pub fn miss(&mut self, count: u64) {
        self.outlets.iter_mut().for_each(|outlet| outlet.miss(count));
    }

    /// Leaves one out from now on.
    fn leave(&mut self, index: usize, error: OutputError, tell: &mut dyn FnMut(String)) {
        let is_unread = matches!(error, OutputError::ReaderGone);
        self.outlets[index].state = if is_unread { State::Unread } else { State::Failed(0) };
        self.failed |= !is_unread;
        if is_unread {
            for other in self.outlets.iter_mut().filter(|other| other.state == State::Taking) {
                if other.output.reader_left().is_err() {
                    other.state = State::Unread;
                }
            }
        }
        let others = if self.are_over() { "" } else { "; the other outputs go on" };
        match error {
            OutputError::Failed(text) => tell(format!("{text}{others}")),
            OutputError::ReaderGone if !others.is_empty() => {
                tell(format!("the standard output is not read any more{others}"))
            }
            OutputError::ReaderGone | OutputError::Told => (),
        }
    }

    /// Ends all, and returns whether none failed.
    pub fn finish(self, tell: &mut dyn FnMut(String)) -> bool {
        let mut good = !self.failed;
        for Outlet { name, output, state } in self.outlets {
            match output.finish(tell) {
                Ok(()) | Err(OutputError::ReaderGone) => (),
                Err(OutputError::Told) => good = false,
                Err(OutputError::Failed(text)) => {
                    good = false;
                    tell(text);
                }
            }
            if let State::Failed(missed @ 1..) = state {
                tell(format!("{name}: {missed} frames came after that, and are not in it"));
            }
        }
        good
    }
}
