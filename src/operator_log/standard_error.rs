// SPDX-License-Identifier: MIT OR Apache-2.0
//! Writes to the standard error that neither fail nor block the program, even if the standard error is
//! closed or is a pipe with a stalled reader.

use std::fmt::Display;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use framestream::plain_error;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use printable::hidden;

/// Milliseconds to wait for a reader before it counts as stalled.
const STALL_TIMEOUT_MS: u16 = 1000;

/// Bytes that can be written without blocking to a pipe that polls as writable: `PIPE_BUF` on Linux.
const PIECE: usize = 4096;

/// True if the standard error was not writable at the last poll.
static STALLED: AtomicBool = AtomicBool::new(false);

/// Number of lines dropped since the reader stalled.
static DROPPED: AtomicU64 = AtomicU64::new(0);

/// Prints `text` with control characters escaped. See `report_raw`.
pub fn report(text: impl Display) {
    report_raw(hidden::escape_lines(&text.to_string()));
}

/// Prints `text` verbatim except for error numbers, which are removed. If the standard error is broken
/// or its reader has stalled, the text is dropped. Once the reader resumes, the number of dropped texts
/// is printed.
pub(crate) fn report_raw(text: impl Display) {
    let mut text = plain_error(text);
    if !is_writable() {
        DROPPED.fetch_add(1, Ordering::Relaxed);
        return;
    }
    let dropped = DROPPED.swap(0, Ordering::Relaxed);
    if dropped > 0 {
        text = format!("({dropped} lines dropped: the standard error was not read)\n{text}");
    }
    for piece in text.as_bytes().chunks(PIECE) {
        if !is_writable() || io::stderr().write_all(piece).is_err() {
            return;
        }
    }
}

/// Returns whether the next write succeeds or fails without blocking.
fn is_writable() -> bool {
    let timeout = if STALLED.load(Ordering::Relaxed) { 0 } else { STALL_TIMEOUT_MS };
    let stderr = io::stderr();
    let mut fds = [PollFd::new(stderr.as_fd(), PollFlags::POLLOUT)];
    let is_ready = poll(&mut fds, PollTimeout::from(timeout)) != Ok(0);
    STALLED.store(!is_ready, Ordering::Relaxed);
    is_ready
}
