// SPDX-License-Identifier: MIT OR Apache-2.0
//! Writing to a pipe whose reader is gone, without the signal that ends a program that does not
//! expect it.

use std::mem::MaybeUninit;
use std::ptr;

use libc::{SIG_BLOCK, SIG_SETMASK, SIGPIPE, sigset_t, timespec};

/// Runs `body`. A SIGPIPE that it raises is never delivered, whatever the program does with that
/// signal, and the mask of the thread is afterwards as it was. Sockets do not need this.
pub fn without_sigpipe<R>(body: impl FnOnce() -> R) -> R {
    // One that is pending is blocked, so `body` cannot raise another that is noticed.
    let _blocked = (!is_pending()).then(Blocked::new);
    body()
}

/// SIGPIPE, while this thread blocks it.
struct Blocked {
    mask_before: sigset_t,
}

impl Blocked {
    fn new() -> Self {
        let mut mask_before = MaybeUninit::uninit();
        // SAFETY: both sets are there, and the first is initialised.
        unsafe { libc::pthread_sigmask(SIG_BLOCK, &only_sigpipe(), mask_before.as_mut_ptr()) };
        // SAFETY: written by the call, which cannot fail: its operation exists.
        Self { mask_before: unsafe { mask_before.assume_init() } }
    }
}

impl Drop for Blocked {
    fn drop(&mut self) {
        let at_once = timespec { tv_sec: 0, tv_nsec: 0 };
        if is_pending() {
            // SAFETY: the set and the time are initialised; nothing is written. It does not wait.
            while unsafe { libc::sigtimedwait(&only_sigpipe(), ptr::null_mut(), &at_once) } < 0
                && std::io::Error::last_os_error().kind() == std::io::ErrorKind::Interrupted
            {
            }
        }
        // SAFETY: the set is the one that the thread had.
        unsafe { libc::pthread_sigmask(SIG_SETMASK, &self.mask_before, ptr::null_mut()) };
    }
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

/// Whether SIGPIPE waits to be delivered to this thread.
fn is_pending() -> bool {
    let mut set = MaybeUninit::uninit();
    // SAFETY: `sigpending` initialises the set, unless it fails.
    unsafe {
        libc::sigpending(set.as_mut_ptr()) == 0 && libc::sigismember(set.as_ptr(), SIGPIPE) == 1
    }
}
