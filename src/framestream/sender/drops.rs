// SPDX-License-Identifier: MIT OR Apache-2.0
//! Notices that frames are dropped, and that this has ended.
//!
//! A thread that drops a frame counts it, and raises an alarm, which wakes the writer thread at the
//! first frame of a series. The writer thread reports the series, and lowers the alarm at its end:
//! once no frame has been dropped for a while, and the peer takes frames.

use std::fmt::Write;
use std::sync::atomic::{AtomicBool, Ordering, fence};
use std::time::{Duration, Instant};

use super::Feed;
use super::events::{EventKind, Events};

/// How long no frame must have been dropped for a series to be over. Doubled with each series that
/// begins soon after the last one, up to [`QUIET_MAX`].
const QUIET_FIRST: Duration = Duration::from_secs(2);

/// The most that the time is doubled to, and what is soon.
const QUIET_MAX: Duration = Duration::from_secs(60);

/// True while frames are being dropped.
#[derive(Debug, Default)]
pub struct Alarm(AtomicBool);

impl Alarm {
    /// Notes that a frame was dropped. The caller has counted it before, with
    /// [`Ordering::SeqCst`]. Returns whether the writer thread does not know yet.
    pub fn raise(&self) -> bool {
        !self.0.load(Ordering::SeqCst) && !self.0.swap(true, Ordering::SeqCst)
    }

    /// Lowers it: a frame that is counted after this raises it again. The caller reads the counters
    /// afterwards, which include all other frames.
    pub fn lower(&self) {
        self.0.store(false, Ordering::SeqCst);
        fence(Ordering::SeqCst);
    }

    fn is_raised(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// Frames that were dropped, by reason; always the same reasons in the same order.
pub type Dropped = Vec<(&'static str, u64)>;

/// The writer thread's view of the frames that are dropped.
#[derive(Debug, Default)]
pub(super) struct Drops {
    /// All that were dropped up to the end of the last series.
    reported: Dropped,
    series: Option<Series>,
    last: Option<Last>,
}

#[derive(Debug)]
struct Series {
    since: Instant,
    /// Frames dropped at the last check.
    seen: u64,
    /// Bytes that the peer had taken by then.
    taken: u64,
    quiet: Duration,
    /// When to check again; `None` if only the peer is waited for.
    check_at: Option<Instant>,
}

/// The end of the last series.
#[derive(Debug)]
struct Last {
    at: Instant,
    quiet: Duration,
}

/// What the writer thread knows of the peer.
pub(super) struct Progress {
    /// Whether the peer takes no more bytes for now.
    pub(super) blocked: bool,
    /// All bytes that it has taken.
    pub(super) taken: u64,
}

impl Drops {
    /// Checks for frames that were dropped, and reports the begin and the end of a series.
    #[inline]
    pub(super) fn check(
        &mut self,
        feed: &impl Feed,
        events: &Events,
        progress: impl FnOnce() -> Progress,
    ) {
        if feed.alarm().is_some_and(Alarm::is_raised) || self.series.is_some() {
            self.look(feed, events, &progress());
        }
    }

    #[cold]
    fn look(&mut self, feed: &impl Feed, events: &Events, progress: &Progress) {
        let Some(alarm) = feed.alarm() else { return };
        let now = Instant::now();
        let Some(series) = &mut self.series else {
            // It may have been raised for a frame of the last series.
            alarm.lower();
            let dropped = feed.dropped();
            let count = sum(&dropped) - sum(&self.reported);
            if count == 0 {
                return;
            }
            alarm.raise();
            let reasons = reasons(&since(&self.reported, &dropped), false);
            let text = format!("dropping messages: {reasons}");
            let quiet = match &self.last {
                Some(last) if now < last.at + QUIET_MAX => (last.quiet * 2).min(QUIET_MAX),
                _ => QUIET_FIRST,
            };
            self.series = Some(Series {
                since: now,
                seen: sum(&dropped),
                taken: progress.taken,
                quiet,
                check_at: Some(now + quiet),
            });
            events.push(EventKind::Dropping, count, text);
            return;
        };
        let stuck = progress.blocked && progress.taken == series.taken;
        match series.check_at {
            Some(at) if now < at => return,
            None if stuck => return,
            _ => (),
        }
        // From here on, a frame that is dropped wakes this thread.
        alarm.lower();
        let dropped = feed.dropped();
        let total = sum(&dropped);
        if total != series.seen {
            alarm.raise();
            (series.seen, series.taken) = (total, progress.taken);
            series.check_at = Some(now + series.quiet);
        } else if stuck {
            alarm.raise();
            series.check_at = None;
        } else {
            let series_dropped = since(&self.reported, &dropped);
            let (count, reasons) = (sum(&series_dropped), reasons(&series_dropped, true));
            let seconds = now.duration_since(series.since).as_secs();
            let text =
                format!("no longer dropping messages; {count} lost in {seconds} s: {reasons}");
            self.last = Some(Last { at: now, quiet: series.quiet });
            self.series = None;
            self.reported = dropped;
            events.push(EventKind::Recovered, count, text);
        }
    }

    /// Returns when to check again even if nothing happens.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.series.as_ref().and_then(|series| series.check_at)
    }

    /// Reports the end of the thread, and the frames lost since the last report: `unsent` are those
    /// that it could not send any more.
    pub(super) fn end(self, feed: &impl Feed, unsent: u64, events: &Events) {
        let mut lost = since(&self.reported, &feed.dropped());
        lost.push(("not sent before the close timeout", unsent));
        let count = sum(&lost);
        let text = match count {
            0 => "closed".into(),
            _ => format!("closed; {count} messages lost: {}", reasons(&lost, true)),
        };
        events.push(EventKind::Closed, count, text);
    }
}

fn sum(dropped: &Dropped) -> u64 {
    dropped.iter().map(|(_, count)| count).sum()
}

/// Returns what was dropped between two counts.
fn since(before: &Dropped, after: &Dropped) -> Dropped {
    let before = before.iter().map(|(_, count)| *count).chain(std::iter::repeat(0));
    after.iter().zip(before).map(|((why, count), before)| (*why, count - before)).collect()
}

/// Returns the reasons that occurred, as in "10 queue full, 2 invalid".
fn reasons(dropped: &Dropped, with_counts: bool) -> String {
    let mut text = String::new();
    for (why, count) in dropped.iter().filter(|(_, count)| *count > 0) {
        if !text.is_empty() {
            text.push_str(", ");
        }
        if with_counts {
            // Writing to a string cannot fail.
            let _ = write!(text, "{count} ");
        }
        text.push_str(why);
    }
    text
}
