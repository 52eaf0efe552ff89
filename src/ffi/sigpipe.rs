// SPDX-License-Identifier: MIT OR Apache-2.0
//! Writing to pipes without SIGPIPE, which would kill a program that does not expect it when the
//! reader of a pipe has gone.

use std::mem::MaybeUninit;
use std::ptr;

use libc::{SIG_BLOCK, SIG_SETMASK, SIGPIPE, sigset_t};

/// Runs `body`, and discards a SIGPIPE that it raises, regardless of the program's signal handling.
/// Restores the signal mask of the thread. Not needed for sockets.
pub fn without_sigpipe<R>(body: impl FnOnce() -> R) -> R {
    // If one is already pending, the signal is blocked, and another one has no effect.
    let _blocked = (!is_pending()).then(Blocked::new);
    body()
}

/// A guard that blocks SIGPIPE in this thread.
struct Blocked {
    mask_before: sigset_t,
}

impl Blocked {
    fn new() -> Self {
        let mut mask_before = MaybeUninit::uninit();
        // SAFETY: both pointers are valid, and the first set is initialised.
        unsafe { libc::pthread_sigmask(SIG_BLOCK, &only_sigpipe(), mask_before.as_mut_ptr()) };
        // SAFETY: written by the call, which cannot fail, as its first argument is valid.
        Self { mask_before: unsafe { mask_before.assume_init() } }
    }
}

impl Drop for Blocked {
    fn drop(&mut self) {
        if is_pending() {
            take_pending();
        }
        // SAFETY: the set is the previous mask of the thread.
        unsafe { libc::pthread_sigmask(SIG_SETMASK, &self.mask_before, ptr::null_mut()) };
    }
}

/// Takes the pending signal, unless another thread has taken it.
#[cfg(not(target_vendor = "apple"))]
fn take_pending() {
    let at_once = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the set and the time are initialised, and nothing is written. With a zero timeout, it
    // does not wait.
    while unsafe { libc::sigtimedwait(&only_sigpipe(), ptr::null_mut(), &at_once) } < 0
        && std::io::Error::last_os_error().kind() == std::io::ErrorKind::Interrupted
    {}
}

/// Takes the pending signal. macOS has no `sigtimedwait`; a SIGPIPE of this thread does not go to
/// another thread.
#[cfg(target_vendor = "apple")]
fn take_pending() {
    let mut signal = 0;
    // SAFETY: the set is initialised, and the number of the signal is written to `signal`.
    unsafe { libc::sigwait(&only_sigpipe(), &mut signal) };
}

fn only_sigpipe() -> sigset_t {
    let mut set = MaybeUninit::uninit();
    // SAFETY: `sigemptyset` initialises the set.
    unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        libc::sigaddset(set.as_mut_ptr(), SIGPIPE);
        set.assume_init()
    }
}

/// Returns whether SIGPIPE is pending for this thread.
fn is_pending() -> bool {
    let mut set = MaybeUninit::uninit();
    // SAFETY: `sigpending` initialises the set, unless it fails.
    unsafe {
        libc::sigpending(set.as_mut_ptr()) == 0 && libc::sigismember(set.as_ptr(), SIGPIPE) == 1
    }
}
