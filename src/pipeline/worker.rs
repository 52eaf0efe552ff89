// SPDX-License-Identifier: MIT OR Apache-2.0
//! The worker, which selects and masks frames from the queue and writes them to the outputs.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use dnstap::Event;
use files::destination::StopReason;
use framestream::frame::{LENGTH_SIZE, data_frames};
use operator_log::Log;

use super::address::decode_into;
use super::decoded_frame::DecodedFrame;
use super::mask::{Mask, MaskCounts};
use super::outputs::{Finished, Outputs};
use super::queue::{BatchQueue, Popped};
use super::select::Selection;
use super::stamp::Stamp;

/// Interval between checks for requests to reopen the outputs.
const REOPEN_CHECK: Duration = Duration::from_millis(500);

/// Numbers of frames that could not be processed.
#[derive(Debug, Default)]
struct WorkerTotals {
    /// Frames that could not be decoded.
    bad: u64,
    /// Events that exceeded the maximum length after masking or sampling.
    unencoded: u64,
}

/// The state of the worker thread.
pub struct FrameWorker {
    selection: Selection,
    /// Marks events with the sample rate.
    stamp: Option<Stamp>,
    mask: Option<Mask>,
    /// Maximum number of events that are still to come.
    count: u64,
    outputs: Outputs,
    totals: WorkerTotals,
    /// A buffer for the encoded masked event.
    encoded: Vec<u8>,
}

impl FrameWorker {
    /// Creates a worker for up to `count` events.
    pub fn new(selection: Selection, mask: Option<Mask>, count: u64, outputs: Outputs) -> Self {
        let stamp = (selection.sample > 1).then(|| Stamp::new(selection.sample));
        let (totals, encoded) = (WorkerTotals::default(), Vec::new());
        Self { selection, stamp, mask, count, outputs, totals, encoded }
    }

    /// Processes frames until the queue is closed, the maximum number of events is reached or all outputs
    /// have stopped. Then closes the outputs.
    pub fn run(
        mut self,
        queue: &BatchQueue,
        reopen: &AtomicBool,
        report: &mut dyn FnMut(String),
    ) -> Finished {
        self.work(queue, reopen, report);
        let Self { mut outputs, mask, totals, .. } = self;
        let reason = if outputs.failed { StopReason::Failed } else { StopReason::Complete };
        outputs.count_missed(queue.abandon(reason));
        let finished = outputs.finish(report);
        let WorkerTotals { bad, unencoded } = totals;
        let removed = mask.map(|mask| mask.counts).unwrap_or_default();
        let MaskCounts { unreadable, cut, emptied } = removed;
        for (count, text) in [
            (bad, "frames are not dnstap messages"),
            (unencoded, "messages dropped: too long after masking or sampling"),
            (unreadable, "DNS messages removed: they cannot be parsed and thus not masked"),
            (cut, "DNS messages truncated: bytes after their records cannot be masked"),
            (emptied, "EDNS options and records emptied: they may contain an address"),
        ] {
            if count > 0 {
                report(format!("{count} {text}"));
            }
        }
        finished
    }

    fn work(&mut self, queue: &BatchQueue, reopen: &AtomicBool, report: &mut dyn FnMut(String)) {
        // Without selection and changes, frames need not be decoded for every output.
        let unfiltered =
            self.selection.is_everything() && self.mask.is_none() && self.count == u64::MAX;
        loop {
            let now = Instant::now();
            self.outputs.tick(now, report);
            if reopen.swap(false, Ordering::Relaxed) {
                self.outputs.reopen(report);
            }
            self.outputs.end_outages();
            if self.outputs.all_stopped() {
                return;
            }
            Log.report_due();
            let check_at = now + REOPEN_CHECK;
            match queue.pop(Some(self.outputs.due().map_or(check_at, |due| due.min(check_at)))) {
                Popped::Batch(input, batch) => {
                    self.outputs.set_input(input);
                    if unfiltered {
                        self.forward(&batch, report);
                    } else {
                        self.process(&batch, report);
                    }
                    queue.recycle(batch);
                    if queue.is_empty() || self.count == 0 {
                        self.outputs.flush(report);
                    }
                    if self.count == 0 {
                        return;
                    }
                }
                Popped::TimedOut => (),
                Popped::Closed => return,
            }
        }
    }

    fn forward(&mut self, frames: &[u8], report: &mut dyn FnMut(String)) {
        if !self.outputs.write_undecoded(frames, report) {
            return;
        }
        for frame in data_frames(frames) {
            let mut event = Event::new();
            let decoded = decode_into(&frame[LENGTH_SIZE..], &mut event);
            self.totals.bad += u64::from(decoded.is_err());
            let event = decoded.as_ref().map(|()| &event);
            let frame = DecodedFrame { event, bytes: frame };
            self.outputs.write_frame(&frame, report, |output| output.needs_events());
        }
    }

    fn process(&mut self, frames: &[u8], report: &mut dyn FnMut(String)) {
        let Self { selection, stamp, mask, count, outputs, totals, encoded } = self;
        let mut write = |frame: &DecodedFrame<'_>| {
            *count = count.saturating_sub(u64::from(*count != u64::MAX));
            outputs.write_frame(frame, report, |_| true);
            *count == 0
        };
        for bytes in data_frames(frames) {
            let mut event = Event::new();
            if let Err(error) = decode_into(&bytes[LENGTH_SIZE..], &mut event) {
                totals.bad += 1;
                if selection.is_everything() && mask.is_none() {
                    write(&DecodedFrame { event: Err(&error), bytes });
                }
                continue;
            }
            if !selection.selects(&event) {
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
            let count_reached = match mask {
                None => write(&DecodedFrame { event: Ok(&event), bytes }),
                Some(mask) => {
                    let masked = mask.apply(&event);
                    let frame = Mask::encode(encoded, &masked);
                    totals.unencoded += u64::from(frame.is_none());
                    frame.is_some_and(|bytes| write(&DecodedFrame { event: Ok(&masked), bytes }))
                }
            };
            if count_reached {
                break;
            }
        }
    }
}
