// SPDX-License-Identifier: MIT OR Apache-2.0
//! The key for thread-specific data that Rust's standard library creates with its first thread. It
//! aborts the process if there is none left, which a library must not do.

use std::thread::Builder;
use std::{io, ptr};

use framestream::background;
use framestream::fork::Lock;
use libc::pthread_key_t;

/// Stack size of the thread that makes the standard library create its key.
const STACK_SIZE: usize = 64 << 10;

/// Makes the standard library create its key, once. Fails if the process has none left. Every
/// function that starts a thread has to call it.
///
/// A host whose other threads take the last keys during the first call may still be aborted.
pub fn reserve_thread_key() -> io::Result<()> {
    static RESERVED: Lock<bool> = Lock::leaf(false);
    let mut reserved = RESERVED.lock();
    if !*reserved {
        if !is_key_left() {
            return Err(io::Error::other("out of thread keys (PTHREAD_KEYS_MAX)"));
        }
        // Not by this thread: if it is the main thread, what needs the key is never freed.
        let thread = background::spawn(Builder::new().stack_size(STACK_SIZE), || ())?;
        // The thread cannot panic.
        let _ = thread.join();
        *reserved = true;
    }
    Ok(())
}

/// Returns whether a key can be created that the standard library accepts: any but 0, with which
/// it marks that it has none yet.
fn is_key_left() -> bool {
    let Some(first) = Key::create() else { return false };
    first.0 != 0 || Key::create().is_some()
}

/// A key without a value in any thread.
struct Key(pthread_key_t);

impl Key {
    fn create() -> Option<Self> {
        let mut key = 0;
        // SAFETY: the pointer is valid for the call, and no destructor is registered.
        let result = unsafe { libc::pthread_key_create(ptr::from_mut(&mut key), None) };
        (result == 0).then_some(Self(key))
    }
}

impl Drop for Key {
    fn drop(&mut self) {
        // SAFETY: created by this type, and deleted once.
        unsafe { libc::pthread_key_delete(self.0) };
    }
}
