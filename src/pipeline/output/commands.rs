// SPDX-License-Identifier: MIT OR Apache-2.0
//! The wait at exit for the commands of finished files, which a signal interrupts.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};
use std::thread;
use std::time::{Duration, Instant};

use files::post_rotate::{PostRotate, WAIT_REPORTED_AFTER};
use operator_log::Log;
use signal_hook::consts::{SIGINT, SIGTERM};

/// Interval between checks whether the commands have exited.
const CHECK: Duration = Duration::from_millis(20);

/// Set by a signal during the wait; then no output waits any longer.
static INTERRUPTED: LazyLock<Arc<AtomicBool>> = LazyLock::new(|| {
    let interrupted = Arc::new(AtomicBool::new(false));
    for signal in [SIGTERM, SIGINT] {
        // If this fails, the wait cannot be interrupted.
        drop(signal_hook::flag::register(signal, interrupted.clone()));
    }
    interrupted
});

/// A wait that signals interrupt. It is created before the last command of an output starts.
#[derive(Debug)]
pub(crate) struct CommandWait(&'static AtomicBool);

impl CommandWait {
    /// Registers the signals: from now on, they interrupt the wait.
    pub(crate) fn start() -> Self {
        Self(&INTERRUPTED)
    }

    /// Waits until all `commands` have exited or a signal arrives.
    pub(crate) fn for_commands(&self, mut commands: PostRotate, log: &Log) {
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
