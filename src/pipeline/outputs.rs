// SPDX-License-Identifier: MIT OR Apache-2.0
//! All outputs. One that fails takes no frames for a while, or any more, and the others continue.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use super::account::{Account, LossReason};
use super::batch;
use super::outage::Outages;
use super::output::{Frame, FrameOutput, FrameOutputError};
use super::queue::InputKind;

/// Where frames go.
#[derive(Default)]
pub struct Outputs {
    outlets: Vec<Outlet>,
    /// Outputs that failed are tried again: more may come for a long time.
    retries: bool,
    failed: bool,
}

struct Outlet {
    name: String,
    output: Box<dyn FrameOutput>,
    state: OutletState,
    outages: Outages,
    /// Frames that it took.
    taken: u64,
    /// Units of those that it could not write.
    lost: Arc<AtomicU64>,
    account: Arc<Account>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum OutletState {
    Taking,
    /// Nobody reads it any more, and so nothing is missed.
    Unread,
    /// It failed.
    Failed,
}

impl Outlet {
    fn miss(&mut self, count: u64) {
        if self.state == OutletState::Failed {
            self.outages.miss(count);
        }
    }

    /// Returns when to retry it, if it failed.
    fn retry_at(&mut self) -> Option<Instant> {
        self.outages.retry_at(self.output.files().and_then(|files| files.split_at()))
    }

    /// Updates the account.
    fn publish(&self) {
        let Self { account, outages, state, .. } = self;
        if account.is_relay {
            return;
        }
        let lost = self.lost.load(Ordering::Relaxed);
        account.frames.store(self.taken.saturating_sub(lost), Ordering::Relaxed);
        account.set_dropped(LossReason::WriteFailed, lost);
        account.set_dropped(LossReason::Outage, outages.missed());
        account.failures.store(outages.failures(), Ordering::Relaxed);
        let connected = *state == OutletState::Taking && !outages.is_any();
        account.connected.store(connected, Ordering::Relaxed);
    }
}

/// The end of all outputs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Finished {
    /// No output failed.
    pub good: bool,
    /// Frames that are not in files.
    pub unwritten: u64,
    /// Frames that were not sent on.
    pub unsent: u64,
}

impl Outputs {
    /// No output so far. With `retries` those that fail are tried again.
    pub fn new(retries: bool) -> Self {
        Self { retries, ..Self::default() }
    }

    /// Adds one with its account, by whose name messages call it, after `role`.
    pub fn add(&mut self, role: &str, mut output: Box<dyn FrameOutput>, account: Arc<Account>) {
        let name = format!("{role}{}", account.name);
        let outages = Outages::new(name.clone());
        let (state, taken) = (OutletState::Taking, 0);
        let lost = output.files().map_or_else(Arc::default, |files| files.lost());
        self.outlets.push(Outlet { name, output, state, outages, taken, lost, account });
    }

    /// Begins all of them: only now is gone what they replace.
    pub fn begin(&mut self) -> Result<(), FrameOutputError> {
        self.outlets.iter_mut().try_for_each(|outlet| outlet.output.begin())
    }

    /// Returns whether none takes anything any more.
    pub fn are_over(&self) -> bool {
        self.outlets.iter().all(|outlet| match outlet.state {
            OutletState::Taking => false,
            OutletState::Unread => true,
            OutletState::Failed => !self.retries,
        })
    }

    /// Returns whether any failed, and that was told.
    pub fn have_failed(&self) -> bool {
        self.failed
    }

    /// Returns the time when [`Outputs::tick`] has something to do.
    pub fn due(&mut self) -> Option<Instant> {
        let dues = self.outlets.iter_mut().filter_map(|outlet| match outlet.state {
            OutletState::Taking => outlet.output.due(),
            OutletState::Unread => None,
            OutletState::Failed => outlet.retry_at(),
        });
        dues.min()
    }

    /// Does the work that is due at `now`, and retries failed outputs.
    pub fn tick(&mut self, now: Instant, tell: &mut dyn FnMut(String)) {
        self.each(tell, |output| match output.due() {
            Some(due) if due <= now => output.tick(),
            _ => Ok(()),
        });
        self.revive(tell, |outlet| outlet.retry_at().is_some_and(|at| at <= now));
    }

    /// Starts new files in the outputs that have them, and retries all failed outputs.
    pub fn reopen(&mut self, tell: &mut dyn FnMut(String)) {
        self.revive(tell, |_| true);
        self.each(tell, |output| output.reopen());
    }

    fn revive(&mut self, tell: &mut dyn FnMut(String), is_meant: impl Fn(&mut Outlet) -> bool) {
        if !self.retries {
            return;
        }
        for index in 0..self.outlets.len() {
            let outlet = &mut self.outlets[index];
            if outlet.state != OutletState::Failed || !is_meant(outlet) {
                continue;
            }
            match outlet.output.revive() {
                Ok(()) => {
                    outlet.state = OutletState::Taking;
                    outlet.outages.try_again();
                }
                Err(error) => self.leave(index, error, tell),
            }
        }
    }

    /// Says where the frames that follow come from.
    pub fn set_input(&mut self, input: InputKind) {
        self.outlets.iter_mut().for_each(|outlet| outlet.output.set_input(input));
    }

    /// Writes out all frames that were taken.
    pub fn flush(&mut self, tell: &mut dyn FnMut(String)) {
        self.each(tell, |output| output.flush());
    }

    /// Ends the outages of outputs that were written again, and updates the accounts.
    pub fn settle(&mut self) {
        for outlet in &mut self.outlets {
            let has_written = outlet.state == OutletState::Taking
                && outlet.outages.is_any()
                && outlet.output.files().is_none_or(|files| files.has_written());
            if has_written {
                outlet.outages.written();
            }
            outlet.publish();
        }
    }

    /// Does something with each that still takes frames.
    fn each(
        &mut self,
        tell: &mut dyn FnMut(String),
        mut act: impl FnMut(&mut dyn FrameOutput) -> Result<(), FrameOutputError>,
    ) {
        for index in 0..self.outlets.len() {
            let outlet = &mut self.outlets[index];
            if outlet.state == OutletState::Taking
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
        is_meant: impl Fn(&dyn FrameOutput) -> bool,
    ) {
        for index in 0..self.outlets.len() {
            let outlet = &mut self.outlets[index];
            if !is_meant(&*outlet.output) {
                continue;
            }
            if outlet.state != OutletState::Taking {
                outlet.miss(1);
                continue;
            }
            outlet.taken += 1;
            if let Err(error) = outlet.output.take(frame) {
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
            let mut left = batch::frames(frames);
            if outlet.state == OutletState::Taking {
                let count = batch::frames(frames).count() as u64;
                let taken = outlet.output.take_all(&mut left);
                let outlet = &mut self.outlets[index];
                outlet.taken += count;
                if let Err(error) = taken {
                    let rest = left.count() as u64;
                    outlet.taken -= rest;
                    self.leave(index, error, tell);
                    self.outlets[index].miss(rest);
                }
            } else {
                outlet.miss(left.count() as u64);
            }
        }
        look
    }

    /// Counts frames that come too late for all of them.
    pub fn miss(&mut self, count: u64) {
        self.outlets.iter_mut().for_each(|outlet| outlet.miss(count));
    }

    /// Excludes an output from now on, or until it is retried.
    fn leave(&mut self, index: usize, error: FrameOutputError, tell: &mut dyn FnMut(String)) {
        let is_unread = matches!(error, FrameOutputError::ReaderGone);
        self.outlets[index].state =
            if is_unread { OutletState::Unread } else { OutletState::Failed };
        self.failed |= !is_unread;
        self.outlets[index].outages.count_failure();
        if is_unread {
            for other in self.outlets.iter_mut().filter(|other| other.state == OutletState::Taking)
            {
                if other.output.reader_left().is_err() {
                    other.state = OutletState::Unread;
                }
            }
        }
        let takes = |outlet: &Outlet| outlet.state == OutletState::Taking;
        let others = if self.outlets.iter().any(takes) { "; the other outputs go on" } else { "" };
        match error {
            FrameOutputError::ReaderGone if !others.is_empty() => {
                tell(format!("the standard output is not read any more{others}"));
            }
            FrameOutputError::ReaderGone => (),
            _ if self.retries => self.outlets[index].outages.failed(&error.to_string(), others),
            FrameOutputError::Failed(text) => tell(format!("{text}{others}")),
            FrameOutputError::Told => (),
        }
    }

    /// Ends all outputs, and reports the lost units of each failed one.
    pub fn finish(self, tell: &mut dyn FnMut(String)) -> Finished {
        let mut finished = Finished { good: !self.failed, ..Finished::default() };
        for Outlet { name, output, state, outages, lost, account, .. } in self.outlets {
            match output.finish(tell) {
                Ok(()) | Err(FrameOutputError::ReaderGone) => (),
                Err(FrameOutputError::Told) => finished.good = false,
                Err(FrameOutputError::Failed(text)) => {
                    finished.good = false;
                    tell(text);
                }
            }
            match (state, outages.missed()) {
                (_, 0) => (),
                (OutletState::Failed, missed) => {
                    tell(format!("{name}: {missed} frames came after that, and are not in it"));
                }
                (_, missed) => tell(format!(
                    "{name}: {missed} frames are not in it, which came while it could not be written"
                )),
            }
            if account.is_relay {
                finished.unsent += account.lost();
            } else {
                finished.unwritten += outages.missed() + lost.load(Ordering::Relaxed);
            }
        }
        finished
    }
}
