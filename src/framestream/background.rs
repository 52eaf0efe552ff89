// SPDX-License-Identifier: MIT OR Apache-2.0
//! Threads of the library beside those of its host.

use std::io;
use std::thread::{Builder, JoinHandle};

use nix::sys::signal::SigSet;

/// Starts a thread that leaves all signals to the threads of the host.
pub fn spawn<T: Send + 'static>(
    builder: Builder,
    body: impl FnOnce() -> T + Send + 'static,
) -> io::Result<JoinHandle<T>> {
    // The new thread inherits the mask, so that no signal can reach it before it has set its own.
    let mask = SigSet::thread_get_mask()?;
    SigSet::all().thread_set_mask()?;
    let started = builder.spawn(body);
    mask.thread_set_mask()?;
    started
}
