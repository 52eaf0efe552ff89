// SPDX-License-Identifier: MIT OR Apache-2.0
//! Takes frames from the queue, selects and masks them, and gives them to the outputs.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use dnstap::Event;
use files::destination::Over;
use framestream::frame::LENGTH_SIZE;
use operator_log::Log;

use super::address::decode_into;
use super::batch;
use super::mask::{Counts, Mask};
use super::output::Frame;
use super::outputs::{Finished, Outputs};
use super::queue::{BatchQueue, Popped};
use super::select::Selection;
use super::stamp::Stamp;

/// Interval between checks for a request to reopen the outputs.
const REOPEN_CHECK: Duration = Duration::from_millis(500);

/// Counts of frames that no output received.
#[derive(Debug, Default)]
pub struct WorkerTotals {
    /// Frames that hold no event.
    pub bad: u64,
    /// Changed events that could not be encoded.
    pub unencoded: u64,
}

/// The thread that takes frames from the queue and hands them to the outputs.
pub struct FrameWorker {
    /// The filters of frames.
    pub selection: Selection,
    /// Marks events as part of a sample.
    pub stamp: Option<Stamp>,
    /// Masks addresses.
    pub mask: Option<Mask>,
    /// Maximum number of events.
    pub count: u64,
    /// The outputs.
    pub outputs: Outputs,
    /// The counts.
    pub totals: WorkerTotals,
    /// The encoded masked event.
    pub encoded: Vec<u8>,
}

/// Reports the data that masks removed besides bits of addresses.
fn tell_masked(counts: Counts, tell: &mut dyn FnMut(String)) {
    let Counts { unreadable, cut, emptied } = counts;
    for (count, what) in [
        (unreadable, "DNS messages cannot be read, so not be masked, and are left out"),
        (
            cut,
            "DNS messages have bytes after their records, which cannot be masked, and are cut off",
        ),
        (emptied, "EDNS options and records may hold an address, and are emptied"),
    ] {
        if count > 0 {
            tell(format!("{count} {what}"));
        }
    }
}

impl FrameWorker {
    /// Works until nothing comes any more, nothing more is wanted, or no output takes anything. Then
    /// ends the outputs.
    pub fn run(
        mut self,
        queue: &BatchQueue,
        reopen: &AtomicBool,
        tell: &mut dyn FnMut(String),
    ) -> Finished {
        self.work(queue, reopen, tell);
        let Self { mut outputs, mask, totals, .. } = self;
        let over = if outputs.have_failed() { Over::Failed } else { Over::Enough };
        outputs.miss(queue.abandon(over));
        let finished = outputs.finish(tell);
        let WorkerTotals { bad, unencoded } = totals;
        if bad > 0 {
            tell(format!("{bad} frames are no dnstap messages"));
        }
        if unencoded > 0 {
            tell(format!(
                "{unencoded} messages are too long with what is changed in them, and left out"
            ));
        }
        if let Some(mask) = mask {
            tell_masked(mask.counts(), tell);
        }
        finished
    }

    fn work(&mut self, queue: &BatchQueue, reopen: &AtomicBool, tell: &mut dyn FnMut(String)) {
        // What is neither selected nor changed need not be looked into by all.
        let plain = self.selection.is_everything() && self.mask.is_none() && self.count == u64::MAX;
        loop {
            let now = Instant::now();
            self.outputs.tick(now, tell);
            if reopen.swap(false, Ordering::Relaxed) {
                self.outputs.reopen(tell);
            }
            self.outputs.settle();
            if self.outputs.are_over() {
                return;
            }
            Log.report_due();
            let look = now + REOPEN_CHECK;
            match queue.pop(Some(self.outputs.due().map_or(look, |due| due.min(look)))) {
                Popped::Batch(input, batch) => {
                    self.outputs.set_input(input);
                    if plain {
                        self.take_all(&batch, tell);
                    } else {
                        self.take(&batch, tell);
                    }
                    queue.give_back(batch);
                    if queue.is_empty() || self.count == 0 {
                        self.outputs.flush(tell);
                    }
                    if self.count == 0 {
                        return;
                    }
                }
                Popped::Nothing => (),
                Popped::End => return,
            }
        }
    }

    fn take_all(&mut self, frames: &[u8], tell: &mut dyn FnMut(String)) {
        if !self.outputs.take_all(frames, tell) {
            return;
        }
        for frame in batch::frames(frames) {
            let mut event = Event::new();
            let decoded = decode_into(&frame[LENGTH_SIZE..], &mut event);
            self.totals.bad += u64::from(decoded.is_err());
            let event = decoded.as_ref().map(|()| &event);
            self.outputs.take_looking(&Frame { event, bytes: frame }, tell);
        }
    }

    fn take(&mut self, frames: &[u8], tell: &mut dyn FnMut(String)) {
        let Self { selection, stamp, mask, count, outputs, totals, encoded } = self;
        let mut give = |frame: &Frame<'_>| {
            *count = count.saturating_sub(u64::from(*count != u64::MAX));
            outputs.take(frame, tell);
            *count == 0
        };
        for bytes in batch::frames(frames) {
            let mut event = Event::new();
            if let Err(error) = decode_into(&bytes[LENGTH_SIZE..], &mut event) {
                totals.bad += 1;
                if selection.is_everything() && mask.is_none() {
                    give(&Frame { event: Err(&error), bytes });
                }
                continue;
            }
            if !selection.wants(&event) {
                continue;
            }
            let stamped = match stamp {
                None => Some((event, bytes)),
                Some(stamp) => stamp.apply(&event, bytes),
            };
            let Some((event, bytes)) = stamped else {
                totals.unencoded += 1;
                continue;
            };
            let enough = match mask {
                None => give(&Frame { event: Ok(&event), bytes }),
                Some(mask) => {
                    let masked = mask.apply(&event);
                    let frame = Mask::encode(encoded, &masked);
                    totals.unencoded += u64::from(frame.is_none());
                    frame.is_some_and(|bytes| give(&Frame { event: Ok(&masked), bytes }))
                }
            };
            if enough {
                break;
            }
        }
    }
}
