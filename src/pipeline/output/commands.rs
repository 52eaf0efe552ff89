// SPDX-License-Identifier: MIT OR Apache-2.0
//! The wait for the commands that still run for finished files at the end, which a signal ends.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};
use std::thread;
use std::time::{Duration, Instant};

use files::post_rotate::{PostRotate, WAIT_REPORTED_AFTER};
use operator_log::Log;
use signal_hook::consts::{SIGINT, SIGTERM};

/// Interval between checks whether commands have ended.
const CHECK: Duration = Duration::from_millis(20);

/// Set when a signal comes in the end: then none of the outputs waits.
static HURRY: LazyLock<Arc<AtomicBool>> = LazyLock::new(|| {
    let hurry = Arc::new(AtomicBool::new(false));
    for signal in [SIGTERM, SIGINT] {
        // Without it the wait is as long as the commands take.
        drop(signal_hook::flag::register(signal, hurry.clone()));
    }
    hurry
});

/// Who ends an output has one of these before its last command starts.
#[derive(Debug)]
pub(crate) struct Patience(&'static AtomicBool);

impl Patience {
    /// From now on a signal ends the wait.
    pub(crate) fn from_now() -> Self {
        Self(&HURRY)
    }

    /// Waits until all of `commands` have ended, or a signal comes.
    pub(crate) fn wait(&self, mut commands: PostRotate, log: &Log) {
        let mut report_at = Some(Instant::now() + WAIT_REPORTED_AFTER);
        while commands.reap(log) && !self.0.load(Ordering::Relaxed) {
            if report_at.take_if(|at| *at <= Instant::now()).is_some() {
                commands.report_waiting(log);
            }
            thread::sleep(CHECK);
        }
        commands.abandon(log);
    }
}
