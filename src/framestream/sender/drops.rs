// SPDX-License-Identifier: MIT OR Apache-2.0
//! Detects series of dropped frames, and reports their beginning and end.
//!
//! A thread that drops a frame counts it, and raises an alarm, which wakes the writer thread for
//! the first frame of a series. The writer thread reports the series, and lowers the alarm when it
//! ends: when no frame has been dropped for a while, and the peer accepts frames.

use std::sync::atomic::{AtomicBool, Ordering, fence};
use std::time::{Duration, Instant};

use super::Feed;
use super::events::{EventKind, Events};

/// Time without a dropped frame after which a series ends. Doubled for each series that begins
/// within [`QUIET_MAX`] of the last one, up to [`QUIET_MAX`].
const QUIET_FIRST: Duration = Duration::from_secs(2);

/// Upper limit of the quiet time.
const QUIET_MAX: Duration = Duration::from_secs(60);

/// A flag that is raised while frames are being dropped.
#[derive(Debug, Default)]
pub struct Alarm(AtomicBool);

impl Alarm {
    /// Records that a frame was dropped. The caller must have counted it, with
    /// [`Ordering::SeqCst`]. Returns whether the frame is the first of a series, so that the writer
    /// thread has to be woken.
    pub fn raise(&self) -> bool {
        !self.0.load(Ordering::SeqCst) && !self.0.swap(true, Ordering::SeqCst)
    }

    /// Lowers the alarm. A frame that is counted later raises it again; the counters, which the
    /// caller reads after this call, include all earlier frames.
    pub fn lower(&self) {
        self.0.store(false, Ordering::SeqCst);
        fence(Ordering::SeqCst);
    }

    fn is_raised(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// Numbers of dropped frames by reason, always with the same reasons in the same order.
pub type DroppedByReason = Vec<(&'static str, u64)>;

/// The monitor of a writer thread for dropped frames.
#[derive(Debug, Default)]
pub(super) struct DropMonitor {
    /// Frames dropped up to the end of the last series.
    reported: DroppedByReason,
    series: Option<DropSeries>,
    last: Option<EndedSeries>,
}

/// A series of dropped frames that has not ended.
#[derive(Debug)]
struct DropSeries {
    since: Instant,
    /// Frames dropped up to the last check.
    seen: u64,
    /// Bytes that the peer had accepted at the last check.
    bytes_accepted: u64,
    quiet: Duration,
    /// The time of the next check; `None` while the thread waits only for the peer.
    check_at: Option<Instant>,
}

/// The end of the last series.
#[derive(Debug)]
struct EndedSeries {
    at: Instant,
    quiet: Duration,
}

/// The progress of the peer, as known to the writer thread.
pub(super) struct Progress {
    /// True if the peer currently accepts no bytes.
    pub(super) blocked: bool,
    /// Number of bytes that the peer has accepted.
    pub(super) bytes_accepted: u64,
}

impl DropMonitor {
    /// Checks for dropped frames, and reports the beginning and the end of a series.
    #[inline]
    pub(super) fn check(
        &mut self,
        feed: &impl Feed,
        events: &Events,
        progress: impl FnOnce() -> Progress,
    ) {
        let Some(alarm) = feed.alarm() else { return };
        if alarm.is_raised() || self.series.is_some() {
            self.check_series(alarm, || feed.dropped(), events, &progress(), Instant::now());
        }
    }

    /// Reports the beginning or the end of a series, and schedules the next check.
    #[cold]
    fn check_series(
        &mut self,
        alarm: &Alarm,
        dropped: impl FnOnce() -> DroppedByReason,
        events: &Events,
        progress: &Progress,
        now: Instant,
    ) {
        let stuck = match &self.series {
            None => false,
            Some(series) => {
                let stuck = progress.blocked && progress.bytes_accepted == series.bytes_accepted;
                if series.check_at.map_or(stuck, |at| now < at) {
                    return;
                }
                stuck
            }
        };
        // From here on, a dropped frame wakes this thread.
        alarm.lower();
        let dropped = dropped();
        let total = sum(&dropped);
        match &mut self.series {
            // The alarm may have been raised for a frame of the last series.
            None if total == sum(&self.reported) => {}
            None => {
                alarm.raise();
                self.begin(&dropped, events, progress, now);
            }
            Some(series) if total != series.seen => {
                alarm.raise();
                (series.seen, series.bytes_accepted) = (total, progress.bytes_accepted);
                series.check_at = Some(now + series.quiet);
            }
            Some(series) if stuck => {
                alarm.raise();
                series.check_at = None;
            }
            Some(series) => {
                let lost = since(&self.reported, &dropped);
                let (count, reasons) = (sum(&lost), reasons(&lost, true));
                let seconds = now.duration_since(series.since).as_secs();
                let text =
                    format!("no longer dropping messages; {count} lost in {seconds} s: {reasons}");
                self.last = Some(EndedSeries { at: now, quiet: series.quiet });
                self.series = None;
                self.reported = dropped;
                events.push(EventKind::Recovered, count, text);
            }
        }
    }

    fn begin(
        &mut self,
        dropped: &DroppedByReason,
        events: &Events,
        progress: &Progress,
        now: Instant,
    ) {
        let lost = since(&self.reported, dropped);
        let quiet = match &self.last {
            Some(last) if now < last.at + QUIET_MAX => (last.quiet * 2).min(QUIET_MAX),
            _ => QUIET_FIRST,
        };
        self.series = Some(DropSeries {
            since: now,
            seen: sum(dropped),
            bytes_accepted: progress.bytes_accepted,
            quiet,
            check_at: Some(now + quiet),
        });
        let text = format!("dropping messages: {}", reasons(&lost, false));
        events.push(EventKind::Dropping, sum(&lost), text);
    }

    /// Returns the time of the next check, which is due even if nothing happens.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.series.as_ref().and_then(|series| series.check_at)
    }

    /// Reports the end of the thread, and the frames lost since the last report, including `unsent`
    /// ones that were still pending.
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

fn sum(dropped: &DroppedByReason) -> u64 {
    dropped.iter().map(|(_, count)| count).sum()
}

/// Returns the frames that were dropped between two counts.
fn since(before: &DroppedByReason, after: &DroppedByReason) -> DroppedByReason {
    let before = before.iter().map(|(_, count)| *count).chain(std::iter::repeat(0));
    after.iter().zip(before).map(|((reason, count), before)| (*reason, count - before)).collect()
}

/// Returns the reasons that occurred, as in "10 queue full, 2 invalid".
fn reasons(dropped: &DroppedByReason, with_counts: bool) -> String {
    let occurred = dropped.iter().filter(|(_, count)| *count > 0);
    let text = |(reason, count): &(&str, u64)| match with_counts {
        true => format!("{count} {reason}"),
        false => (*reason).to_owned(),
    };
    occurred.map(text).collect::<Vec<_>>().join(", ")
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    /// A monitor on a simulated clock.
    struct Simulation {
        monitor: DropMonitor,
        alarm: Alarm,
        dropped: u64,
        events: Events,
        blocked: bool,
        bytes_accepted: u64,
        now: Instant,
    }

    impl Simulation {
        fn new() -> Self {
            Self {
                monitor: DropMonitor::default(),
                alarm: Alarm::default(),
                dropped: 0,
                events: Events::default(),
                blocked: false,
                bytes_accepted: 0,
                now: Instant::now(),
            }
        }

        fn drop_frames(&mut self, count: u64) {
            self.dropped += count;
            self.alarm.raise();
        }

        fn check(&mut self) {
            let progress = Progress { blocked: self.blocked, bytes_accepted: self.bytes_accepted };
            if self.alarm.is_raised() || self.monitor.series.is_some() {
                let dropped = || vec![("queue full", self.dropped), ("invalid", 0)];
                self.monitor.check_series(&self.alarm, dropped, &self.events, &progress, self.now);
            }
        }

        /// Advances the clock, while other events often wake the thread.
        fn pass(&mut self, time: Duration) {
            for _ in 0..100 {
                self.now += time / 100;
                self.check();
            }
        }

        fn next(&self) -> Option<(EventKind, u64)> {
            self.events.next().map(|event| (event.kind, event.count))
        }

        /// Sleeps like the thread does, until the next event.
        fn sleep(&mut self) -> Option<(EventKind, u64)> {
            for _ in 0..10 {
                self.now = self.monitor.deadline()?;
                self.check();
                if let Some(event) = self.next() {
                    return Some(event);
                }
            }
            None
        }
    }

    #[test]
    fn a_series_begins_at_once_and_ends_after_a_quiet_time() {
        let mut all = Simulation::new();
        all.drop_frames(1);
        all.check();
        assert_eq!(all.next(), Some((EventKind::Dropping, 1)));
        all.drop_frames(2);
        for _ in 0..10 {
            all.pass(QUIET_FIRST / 2);
            all.drop_frames(1);
        }
        assert_eq!(all.next(), None);
        assert_eq!(all.sleep(), Some((EventKind::Recovered, 13)));
        assert_eq!((all.monitor.deadline(), all.next()), (None, None));
        assert!(!all.alarm.is_raised(), "the next frame must wake the thread");
    }

    #[test]
    fn a_queue_that_flaps_is_reported_less_and_less_often() {
        let mut all = Simulation::new();
        let mut reports = 0;
        let start = all.now;
        while all.now < start + Duration::from_secs(3600) {
            all.drop_frames(1);
            all.pass(Duration::from_secs(3));
            while all.next().is_some() {
                reports += 1;
            }
        }
        // The first series ends during the pause of 3 seconds; the next one does not.
        assert_eq!(reports, 3);
        assert_eq!(all.sleep().map(|(kind, _)| kind), Some(EventKind::Recovered));

        let mut all = Simulation::new();
        for quiet in [2, 4, 8, 16, 32, 60, 60] {
            all.drop_frames(1);
            all.check();
            assert_eq!(all.next(), Some((EventKind::Dropping, 1)));
            let start = all.now;
            assert_eq!(all.sleep(), Some((EventKind::Recovered, 1)));
            assert_eq!(all.now - start, Duration::from_secs(quiet));
        }
        all.now += QUIET_MAX;
        all.drop_frames(1);
        all.check();
        assert_eq!(all.monitor.deadline(), Some(all.now + QUIET_FIRST), "long after the last one");
    }

    #[test]
    fn a_blocked_peer_keeps_the_series_open_without_wake_ups() {
        let mut all = Simulation::new();
        all.blocked = true;
        all.drop_frames(1);
        all.check();
        assert_eq!(all.next(), Some((EventKind::Dropping, 1)));
        assert_eq!(all.sleep(), None);
        assert_eq!(all.monitor.deadline(), None, "the thread is woken without need");
        all.pass(QUIET_MAX);
        all.drop_frames(1);
        all.pass(QUIET_MAX);
        assert_eq!(all.next(), None);
        // Once the peer has accepted bytes, the frame dropped meanwhile is detected.
        all.bytes_accepted += 1;
        all.check();
        assert_eq!((all.next(), all.sleep()), (None, None));
        // Blocked again, but with progress.
        all.bytes_accepted += 1;
        all.check();
        assert_eq!(all.next(), Some((EventKind::Recovered, 2)));
    }

    #[test]
    fn an_alarm_for_a_reported_frame_does_not_begin_a_series() {
        let mut all = Simulation::new();
        all.drop_frames(1);
        all.check();
        all.next();
        all.sleep();
        all.alarm.raise();
        all.check();
        assert_eq!((all.next(), all.monitor.deadline()), (None, None));
        assert!(!all.alarm.is_raised());
    }
}
