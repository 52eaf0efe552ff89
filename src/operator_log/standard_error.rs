// SPDX-License-Identifier: MIT OR Apache-2.0
//! Text on the standard error, which may be broken, or a pipe that nobody reads: neither ends or holds
//! up the program.

use std::fmt::Display;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use framestream::plain_error;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use printable::hidden;

/// Milliseconds that a reader may make the program wait, once.
const PATIENCE: u16 = 1000;

/// Bytes that a pipe which polls as writable takes without blocking: `PIPE_BUF` on Linux.
const PIECE: usize = 4096;

/// The reader did not take anything when it was last asked.
static STALLED: AtomicBool = AtomicBool::new(false);

/// Texts that were not written since.
static LOST: AtomicU64 = AtomicU64::new(0);

/// Prints `text` without what would change the terminal. See [`report_raw`].
pub fn report(text: impl Display) {
    report_raw(hidden::lines(&text.to_string()));
}

/// Prints `text` as it is, but for the numbers of errors. Where the standard error is broken, or its reader has stalled, the text
/// is lost, and the program continues; once the reader continues, the number of lost texts is
/// printed.
pub fn report_raw(text: impl Display) {
    let mut text = plain_error(text);
    if !is_writable() {
        LOST.fetch_add(1, Ordering::Relaxed);
        return;
    }
    let lost = LOST.swap(0, Ordering::Relaxed);
    if lost > 0 {
        text = format!("({lost} lines are missing here: nobody read them)\n{text}");
    }
    for piece in text.as_bytes().chunks(PIECE) {
        if !is_writable() || io::stderr().write_all(piece).is_err() {
            return;
        }
    }
}

/// Returns whether the next piece can be written, or its write fails, without blocking.
fn is_writable() -> bool {
    let patience = if STALLED.load(Ordering::Relaxed) { 0 } else { PATIENCE };
    let stderr = io::stderr();
    let mut fds = [PollFd::new(stderr.as_fd(), PollFlags::POLLOUT)];
    let is_ready = poll(&mut fds, PollTimeout::from(patience)) != Ok(0);
    STALLED.store(!is_ready, Ordering::Relaxed);
    is_ready
}
