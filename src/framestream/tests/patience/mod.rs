// SPDX-License-Identifier: MIT OR Apache-2.0
//! Waiting for what is to happen, and not for ever.

use std::thread;
use std::time::{Duration, Instant};

/// Longest wait for anything that is to happen.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Asks until there is an answer.
#[track_caller]
pub fn wait_for<T>(mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match ask() {
            Some(answer) => return answer,
            None => assert!(Instant::now() < deadline, "it does not happen"),
        }
        thread::yield_now();
    }
}
