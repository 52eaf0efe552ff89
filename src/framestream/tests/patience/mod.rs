// SPDX-License-Identifier: MIT OR Apache-2.0
//! Waiting with a deadline.

use std::thread;
use std::time::{Duration, Instant};

/// Maximum wait for any event.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Calls `poll` until it returns a value.
#[track_caller]
pub(crate) fn wait_for<T>(mut poll: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match poll() {
            Some(value) => return value,
            None => assert!(Instant::now() < deadline, "the event did not happen in time"),
        }
        thread::yield_now();
    }
}
