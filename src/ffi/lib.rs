// SPDX-License-Identifier: MIT OR Apache-2.0
//! The kit that every function of the C interfaces uses: handles, NULL, C's enums, strings and
//! growing structs, panics, forks.

mod growing;
pub mod handle;
mod sigpipe;

use std::ffi::{CStr, CString, c_char, c_uint};
use std::mem::{self, MaybeUninit};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;
use std::{ptr, slice};

use framestream::fork;

pub use growing::{Growing, SizeError, borrow_sized, load_sized, room_at, store_sized};
pub use sigpipe::without_sigpipe;

/// Runs `body`. A panic, which would be a fault of ours, is answered with `on_panic`.
#[inline(always)]
pub fn guard<R>(on_panic: R, body: impl FnOnce() -> R) -> R {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or(on_panic)
}

/// Makes a handle of `value`, to be taken back by [`take`].
pub fn give<T>(value: T) -> *mut T {
    Box::into_raw(Box::new(value))
}

/// What stands behind a handle; `None` for NULL.
///
/// # Safety
/// NULL, or from [`give`] and not taken back; not in use as `&mut`.
#[inline(always)]
pub unsafe fn borrow<'a, T>(handle: *const T) -> Option<&'a T> {
    // SAFETY: passed on to the caller.
    unsafe { handle.as_ref() }
}

/// What stands behind a handle, to change; `None` for NULL.
///
/// # Safety
/// NULL, or from [`give`] and not taken back; not in use elsewhere.
pub unsafe fn borrow_mut<'a, T>(handle: *mut T) -> Option<&'a mut T> {
    // SAFETY: passed on to the caller.
    unsafe { handle.as_mut() }
}

/// Takes back the handle in `*place` and leaves NULL there; `None` if either is NULL.
///
/// # Safety
/// `place` is NULL or valid; `*place` is NULL or from [`give`].
pub unsafe fn take<T>(place: *mut *mut T) -> Option<Box<T>> {
    // SAFETY: passed on to the caller.
    let handle = mem::replace(unsafe { place.as_mut() }?, ptr::null_mut());
    // SAFETY: not NULL, so `give` made it of a box.
    (!handle.is_null()).then(|| unsafe { Box::from_raw(handle) })
}

/// The `length` bytes at `data`; `None` if there are none to point at.
///
/// # Safety
/// `data` is NULL or valid for `length` bytes.
#[inline(always)]
pub unsafe fn bytes<'a>(data: *const u8, length: usize) -> Option<&'a [u8]> {
    // No object has more bytes than an isize can count.
    if !data.is_null() && length as isize > 0 {
        // SAFETY: passed on to the caller.
        Some(unsafe { slice::from_raw_parts(data, length) })
    } else if length == 0 {
        Some(&[])
    } else {
        None
    }
}

/// A copy of the string at `text`; `None` for NULL.
///
/// # Safety
/// `text` is NULL or ends with NUL.
pub unsafe fn string(text: *const c_char) -> Option<CString> {
    // SAFETY: passed on to the caller.
    (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) }.to_owned())
}

/// Stores a result; `None` if there is no place for it.
///
/// # Safety
/// `place` is NULL or valid for writing.
pub unsafe fn store<T>(place: *mut T, value: T) -> Option<()> {
    // SAFETY: passed on to the caller; nothing is read or dropped there.
    (!place.is_null()).then(|| unsafe { place.write(value) })
}

/// The number that C passed as an enum. It need not be one of the enum's values, so it must not be
/// taken for one.
pub fn number<E>(value: MaybeUninit<E>) -> c_uint {
    const { assert!(size_of::<E>() == size_of::<c_uint>()) };
    // SAFETY: C passes enums as 32-bit integers, all of whose bits are set to something.
    unsafe { mem::transmute_copy(&value) }
}

/// Stores a line as a string of C, cut off where the caller has no more room. `None` if there is no
/// room at all.
///
/// # Safety
/// `place` is NULL or valid for writing `size` bytes.
pub unsafe fn store_line(place: *mut c_char, size: usize, line: &str) -> Option<()> {
    let max_len = size.checked_sub(1).filter(|_| !place.is_null())?;
    let mut end = line.len().min(max_len);
    while !line.is_char_boundary(end) {
        end -= 1;
    }
    let bytes = &line.as_bytes()[..end];
    // SAFETY: passed on to the caller.
    unsafe { ptr::copy_nonoverlapping(bytes.as_ptr().cast(), place, bytes.len()) };
    // SAFETY: the same; the line ends one byte earlier than the room.
    unsafe { place.add(bytes.len()).write(0) };
    Some(())
}

unsafe extern "C" fn before_fork() {
    fork::prepare();
}

unsafe extern "C" fn in_parent() {
    fork::in_parent();
}

unsafe extern "C" fn in_child() {
    // SAFETY: called by `fork` in the child before that returns.
    unsafe { fork::mark_child() };
}

/// Tells the safe core of forks from now on. For every function that starts a thread.
pub fn watch_for_forks() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // SAFETY: the handlers are fit for a process with threads, and for its child. Without
        // memory for them, a child has no writer thread, as in fstrm.
        unsafe { libc::pthread_atfork(Some(before_fork), Some(in_parent), Some(in_child)) };
    });
}
