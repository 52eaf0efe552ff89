// SPDX-License-Identifier: MIT OR Apache-2.0
//! The set of outputs. An output that fails is disabled, permanently or until it is retried; the others
//! continue.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use framestream::frame::data_frames;

use super::account::{Account, LossReason};
use super::decoded_frame::DecodedFrame;
use super::outage::Outages;
use super::output::FrameOutput;
use super::output::error::FrameOutputError;
use super::queue::InputKind;

/// All outputs of a worker.
#[derive(Default)]
pub struct Outputs {
    slots: Vec<OutputSlot>,
    /// True if failed outputs are retried, because the input is endless.
    retries: bool,
    /// True if an output has failed. The failure was reported.
    pub(crate) failed: bool,
}

struct OutputSlot {
    name: String,
    output: Box<dyn FrameOutput>,
    state: OutputState,
    outages: Outages,
    /// Number of frames written to the output.
    accepted: u64,
    /// Number of these that the output could not write, in its units.
    lost: Arc<AtomicU64>,
    account: Arc<Account>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum OutputState {
    Active,
    /// The reader closed the standard output, so that no frames are missed.
    ReaderGone,
    Failed,
}

impl OutputSlot {
    fn count_missed(&mut self, count: u64) {
        if self.state == OutputState::Failed {
            self.outages.count_missed(count);
        }
    }

    /// Returns the time of the next retry after a failure.
    fn retry_at(&mut self) -> Option<Instant> {
        self.outages.retry_at(self.output.files().and_then(|files| files.split_at()))
    }

    /// Updates the counters for the metrics.
    fn publish(&self) {
        let Self { account, outages, state, .. } = self;
        if account.is_relay {
            return;
        }
        let lost = self.lost.load(Ordering::Relaxed);
        account.frames.store(self.accepted.saturating_sub(lost), Ordering::Relaxed);
        account.set_dropped(LossReason::WriteFailed, lost);
        account.set_dropped(LossReason::Outage, outages.missed);
        account.failures.store(outages.failures, Ordering::Relaxed);
        let connected = *state == OutputState::Active && !outages.is_active();
        account.connected.store(connected, Ordering::Relaxed);
    }
}

/// The result of closing all outputs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Finished {
    /// True if no output failed.
    pub complete: bool,
    /// Number of frames that were not written to files.
    pub(crate) unwritten: u64,
    /// Number of frames that relays did not send.
    pub(crate) unsent: u64,
}

impl Outputs {
    /// Creates an empty set of outputs. With `retries`, failed outputs are retried.
    pub fn new(retries: bool) -> Self {
        Self { retries, ..Self::default() }
    }

    /// Adds an output with its account, whose name messages use for it.
    pub fn add(&mut self, mut output: Box<dyn FrameOutput>, account: Arc<Account>) {
        let role = if account.is_relay { "relay to " } else { "" };
        let name = format!("{role}{}", account.name);
        let outages = Outages::new(name.clone());
        let (state, accepted) = (OutputState::Active, 0);
        let lost = output.files().map_or_else(Arc::default, |files| files.lost.clone());
        self.slots.push(OutputSlot { name, output, state, outages, accepted, lost, account });
    }

    /// Returns the accounts of all outputs.
    pub fn accounts(&self) -> Vec<Arc<Account>> {
        self.slots.iter().map(|slot| slot.account.clone()).collect()
    }

    /// Starts all outputs. Existing files are replaced only now.
    pub fn begin(&mut self) -> Result<(), FrameOutputError> {
        self.slots.iter_mut().try_for_each(|slot| slot.output.begin())
    }

    /// Returns whether no output will accept another frame.
    pub(crate) fn all_stopped(&self) -> bool {
        self.slots.iter().all(|slot| match slot.state {
            OutputState::Active => false,
            OutputState::ReaderGone => true,
            OutputState::Failed => !self.retries,
        })
    }

    /// Returns the time at which the next call of [`Outputs::tick`] is due.
    pub(crate) fn due(&mut self) -> Option<Instant> {
        let dues = self.slots.iter_mut().filter_map(|slot| match slot.state {
            OutputState::Active => slot.output.due(),
            OutputState::ReaderGone => None,
            OutputState::Failed => slot.retry_at(),
        });
        dues.min()
    }

    /// Performs periodic work that is due at `now`, and retries failed outputs.
    pub(crate) fn tick(&mut self, now: Instant, report: &mut dyn FnMut(String)) {
        self.for_each_active(report, |output| match output.due() {
            Some(due) if due <= now => output.tick(),
            _ => Ok(()),
        });
        self.revive(report, |slot| slot.retry_at().is_some_and(|at| at <= now));
    }

    /// Starts new files in all outputs to files, and retries all failed outputs.
    pub(crate) fn reopen(&mut self, report: &mut dyn FnMut(String)) {
        self.revive(report, |_| true);
        self.for_each_active(report, |output| output.reopen());
    }

    fn revive(&mut self, report: &mut dyn FnMut(String), filter: impl Fn(&mut OutputSlot) -> bool) {
        if !self.retries {
            return;
        }
        for index in 0..self.slots.len() {
            let slot = &mut self.slots[index];
            if slot.state != OutputState::Failed || !filter(slot) {
                continue;
            }
            match slot.output.revive() {
                Ok(()) => {
                    slot.state = OutputState::Active;
                    slot.outages.start_trial();
                }
                Err(error) => self.disable(index, error, report),
            }
        }
    }

    /// Sets the kind of input that the following frames come from.
    pub(crate) fn set_input(&mut self, input: InputKind) {
        self.slots.iter_mut().for_each(|slot| slot.output.set_input(input));
    }

    pub(crate) fn flush(&mut self, report: &mut dyn FnMut(String)) {
        self.for_each_active(report, |output| output.flush());
    }

    /// Ends the outages of outputs that write again, and updates the accounts.
    pub(crate) fn end_outages(&mut self) {
        for slot in &mut self.slots {
            let has_written = slot.state == OutputState::Active
                && slot.outages.is_active()
                && slot.output.files().is_none_or(|files| files.has_written);
            if has_written {
                slot.outages.end();
            }
            slot.publish();
        }
    }

    /// Calls `act` with each active output and disables those that fail.
    fn for_each_active(
        &mut self,
        report: &mut dyn FnMut(String),
        mut act: impl FnMut(&mut dyn FrameOutput) -> Result<(), FrameOutputError>,
    ) {
        for index in 0..self.slots.len() {
            let slot = &mut self.slots[index];
            if slot.state == OutputState::Active {
                if let Err(error) = act(&mut *slot.output) {
                    self.disable(index, error, report);
                }
            }
        }
    }

    /// Writes a frame to the outputs that `filter` selects.
    pub(crate) fn write_frame(
        &mut self,
        frame: &DecodedFrame<'_>,
        report: &mut dyn FnMut(String),
        filter: impl Fn(&dyn FrameOutput) -> bool,
    ) {
        for index in 0..self.slots.len() {
            let slot = &mut self.slots[index];
            if !filter(&*slot.output) {
                continue;
            }
            if slot.state != OutputState::Active {
                slot.count_missed(1);
                continue;
            }
            slot.accepted += 1;
            if let Err(error) = slot.output.write_frame(frame) {
                self.disable(index, error, report);
            }
        }
    }

    /// Writes a batch to the outputs that do not need decoded events. Returns whether there are other outputs.
    pub(crate) fn write_undecoded(
        &mut self,
        frames: &[u8],
        report: &mut dyn FnMut(String),
    ) -> bool {
        let mut others = false;
        for index in 0..self.slots.len() {
            let slot = &mut self.slots[index];
            if slot.output.needs_events() {
                others = true;
                continue;
            }
            let mut remaining = data_frames(frames);
            if slot.state == OutputState::Active {
                let count = data_frames(frames).count() as u64;
                let written = slot.output.write_undecoded(&mut remaining);
                let slot = &mut self.slots[index];
                slot.accepted += count;
                if let Err(error) = written {
                    let rest = remaining.count() as u64;
                    slot.accepted -= rest;
                    self.disable(index, error, report);
                    self.slots[index].count_missed(rest);
                }
            } else {
                slot.count_missed(remaining.count() as u64);
            }
        }
        others
    }

    /// Counts frames that were discarded before they reached the outputs.
    pub(crate) fn count_missed(&mut self, count: u64) {
        self.slots.iter_mut().for_each(|slot| slot.count_missed(count));
    }

    /// Disables an output, permanently or until it is retried.
    fn disable(&mut self, index: usize, error: FrameOutputError, report: &mut dyn FnMut(String)) {
        let reader_gone = matches!(error, FrameOutputError::ReaderGone);
        self.slots[index].state =
            if reader_gone { OutputState::ReaderGone } else { OutputState::Failed };
        self.failed |= !reader_gone;
        self.slots[index].outages.failures += 1;
        if reader_gone {
            for other in self.slots.iter_mut().filter(|other| other.state == OutputState::Active) {
                if other.output.stdout_closed().is_err() {
                    other.state = OutputState::ReaderGone;
                }
            }
        }
        let is_active = |slot: &OutputSlot| slot.state == OutputState::Active;
        let others =
            if self.slots.iter().any(is_active) { "; the other outputs continue" } else { "" };
        match error {
            FrameOutputError::ReaderGone if !others.is_empty() => {
                report(format!("the standard output was closed by its reader{others}"));
            }
            FrameOutputError::ReaderGone => (),
            _ if self.retries => {
                self.slots[index].outages.record_failure(&error.to_string(), others)
            }
            FrameOutputError::Reported => (),
            _ => report(format!("{error}{others}")),
        }
    }

    /// Closes all outputs, and reports the frames that failed outputs missed.
    pub(crate) fn finish(self, report: &mut dyn FnMut(String)) -> Finished {
        let mut finished = Finished { complete: !self.failed, ..Finished::default() };
        for OutputSlot { name, output, state, outages, lost, account, .. } in self.slots {
            match output.finish(report) {
                Ok(()) | Err(FrameOutputError::ReaderGone) => (),
                Err(FrameOutputError::Reported) => finished.complete = false,
                Err(error) => {
                    finished.complete = false;
                    report(error.to_string());
                }
            }
            match (state, outages.missed) {
                (_, 0) => (),
                (OutputState::Failed, missed) => {
                    report(format!("{name}: {missed} frames after that were dropped"));
                }
                (_, missed) => report(format!(
                    "{name}: {missed} frames were dropped while it could not be written"
                )),
            }
            if account.is_relay {
                finished.unsent += account.lost();
            } else {
                finished.unwritten += outages.missed + lost.load(Ordering::Relaxed);
            }
        }
        finished
    }
}
