// SPDX-License-Identifier: MIT OR Apache-2.0
//! Handles with a tag, by which a handle of another kind is refused, and so is a freed one, as long
//! as its memory has not been reused.

use crate::result::dnstap_result;

/// The memory of a handle.
#[repr(C)]
pub struct Handle<T> {
    tag: u32,
    /// 0, at the offset where a queue has its tag: padding would be undefined.
    no_queue: u32,
    value: T,
}

/// A kind of handle.
pub trait Tag {
    /// The tag: an arbitrary number that no other kind has.
    const TAG: u32;
}

impl<T: Tag> Handle<T> {
    /// Makes a handle, to be taken back by [`take`].
    pub fn give(value: T) -> *mut Self {
        ffi::give(Self { tag: T::TAG, no_queue: 0, value })
    }

    fn check(&self) -> Result<(), dnstap_result> {
        if self.tag == T::TAG { Ok(()) } else { Err(dnstap_result::DNSTAP_ERROR_HANDLE) }
    }
}

/// Returns the value of a handle.
///
/// # Safety
/// As for [`ffi::borrow`].
pub unsafe fn borrow<'a, T: Tag>(handle: *const Handle<T>) -> Result<&'a T, dnstap_result> {
    // SAFETY: passed on to the caller.
    let handle = unsafe { ffi::borrow(handle) }.ok_or(dnstap_result::DNSTAP_ERROR_NULL)?;
    handle.check()?;
    Ok(&handle.value)
}

/// Returns the value of a handle, mutably.
///
/// # Safety
/// As for [`ffi::borrow_mut`].
pub unsafe fn borrow_mut<'a, T: Tag>(handle: *mut Handle<T>) -> Result<&'a mut T, dnstap_result> {
    // SAFETY: passed on to the caller.
    let handle = unsafe { ffi::borrow_mut(handle) }.ok_or(dnstap_result::DNSTAP_ERROR_NULL)?;
    handle.check()?;
    Ok(&mut handle.value)
}

/// Takes back the handle in `*place` and leaves NULL there; `None` if NULL is there already.
///
/// # Safety
/// As for [`ffi::take`].
pub unsafe fn take<T: Tag>(
    place: *mut *mut Handle<T>,
) -> Result<Option<Box<Handle<T>>>, dnstap_result> {
    // SAFETY: passed on to the caller.
    let handle = unsafe { ffi::borrow(place) }.ok_or(dnstap_result::DNSTAP_ERROR_NULL)?;
    // SAFETY: passed on to the caller.
    let Some(found) = (unsafe { ffi::borrow(*handle) }) else { return Ok(None) };
    found.check()?;
    // SAFETY: passed on to the caller.
    let mut taken = unsafe { ffi::take(place) };
    if let Some(handle) = &mut taken {
        handle.tag = 0;
    }
    Ok(taken)
}

impl<T> Handle<T> {
    pub fn value(&self) -> &T {
        &self.value
    }

    pub fn into_value(self) -> T {
        self.value
    }
}
