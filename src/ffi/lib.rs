// SPDX-License-Identifier: MIT OR Apache-2.0
//! The kit of all functions of the C interfaces: handles, NULL, enums, strings and growing structs
//! of C, panics, forks, thread keys.

mod growing;
pub mod handle;
mod sigpipe;
mod thread_key;

use std::ffi::{CStr, CString, c_char, c_uint};
use std::mem::{self, MaybeUninit};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;
use std::{ptr, slice};

use framestream::fork;

pub use growing::{Growing, SizeError, borrow_sized, load_sized, room_at, store_sized};
pub use sigpipe::without_sigpipe;
pub use thread_key::reserve_thread_key;

/// Runs `body`. Returns `on_panic` if it panics, which would be a bug.
#[inline(always)]
pub fn guard<R>(on_panic: R, body: impl FnOnce() -> R) -> R {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or(on_panic)
}

/// Creates a handle to `value`, to be taken back by [`take`].
pub fn give<T>(value: T) -> *mut T {
    Box::into_raw(Box::new(value))
}

/// Returns the value of a handle; `None` for NULL.
///
/// # Safety
/// `handle` is NULL, or from [`give`] and not taken back, and not in use as `&mut`.
#[inline(always)]
pub unsafe fn borrow<'a, T>(handle: *const T) -> Option<&'a T> {
    // SAFETY: passed on to the caller.
    unsafe { handle.as_ref() }
}

/// Returns the value of a handle, mutably; `None` for NULL.
///
/// # Safety
/// `handle` is NULL, or from [`give`] and not taken back, and not in use elsewhere.
pub unsafe fn borrow_mut<'a, T>(handle: *mut T) -> Option<&'a mut T> {
    // SAFETY: passed on to the caller.
    unsafe { handle.as_mut() }
}

/// Runs a function on the value of a handle, unless that is NULL.
///
/// # Safety
/// As for [`borrow_mut`].
pub unsafe fn change<T>(handle: *mut T, run: impl FnOnce(&mut T)) {
    // SAFETY: passed on to the caller.
    guard((), || unsafe { borrow_mut(handle) }.map_or((), run));
}

/// Takes back the handle in `*place`, and stores NULL there; `None` if either is NULL.
///
/// # Safety
/// `place` is NULL or valid; `*place` is NULL or from [`give`].
pub unsafe fn take<T>(place: *mut *mut T) -> Option<Box<T>> {
    // SAFETY: passed on to the caller.
    let handle = mem::replace(unsafe { place.as_mut() }?, ptr::null_mut());
    // SAFETY: not NULL, so `give` created it from a box.
    (!handle.is_null()).then(|| unsafe { Box::from_raw(handle) })
}

/// Returns the `length` bytes at `data`; `None` if `data` is NULL or the length is impossible. An
/// empty slice needs no pointer.
///
/// # Safety
/// `data` is NULL or valid for `length` bytes.
#[inline(always)]
pub unsafe fn bytes<'a>(data: *const u8, length: usize) -> Option<&'a [u8]> {
    // An object has at most `isize::MAX` bytes.
    if !data.is_null() && length as isize > 0 {
        // SAFETY: passed on to the caller.
        Some(unsafe { slice::from_raw_parts(data, length) })
    } else if length == 0 {
        Some(&[])
    } else {
        None
    }
}

/// Copies the string at `text`; `None` for NULL.
///
/// # Safety
/// `text` is NULL or ends with NUL.
pub unsafe fn string(text: *const c_char) -> Option<CString> {
    // SAFETY: passed on to the caller.
    (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) }.to_owned())
}

/// Stores a value in `*place`; `None` if `place` is NULL.
///
/// # Safety
/// `place` is NULL or valid for writing.
pub unsafe fn store<T>(place: *mut T, value: T) -> Option<()> {
    // SAFETY: passed on to the caller; nothing is read or dropped there.
    (!place.is_null()).then(|| unsafe { place.write(value) })
}

/// Returns the number that C passed as an enum. It may not be a value of the enum, so the argument
/// must not be used as one.
pub fn number<E>(value: MaybeUninit<E>) -> c_uint {
    const { assert!(size_of::<E>() == size_of::<c_uint>()) };
    // SAFETY: C passes enums as 32-bit integers, whose bits are all initialised.
    unsafe { mem::transmute_copy(&value) }
}

/// Stores a line as a C string, truncated to `size` bytes including NUL; `None` if `place` is NULL
/// or `size` is 0.
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
    // SAFETY: the same; there is room for NUL.
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

/// Registers fork handlers, once, which notify the safe core. Every function that starts a thread
/// has to call it.
pub fn watch_for_forks() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // SAFETY: the handlers may run in a process with threads, and in its child. If there is no
        // memory to register them, a child has no writer thread, as with fstrm.
        unsafe { libc::pthread_atfork(Some(before_fork), Some(in_parent), Some(in_child)) };
    });
}
