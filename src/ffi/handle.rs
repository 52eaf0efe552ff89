// SPDX-License-Identifier: MIT OR Apache-2.0
//! Handles with a tag, by which handles of another kind are refused, and freed handles as long as
//! their memory has not been reused.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::{mem, ptr};

/// The memory of a handle. It begins with a word that inline functions in C may read. The word is 0
/// unless the kind of the handle has a type for it.
#[repr(C)]
pub struct Handle<T, F = AtomicU32> {
    front: F,
    /// At the same offset in all handles.
    tag: AtomicU32,
    value: T,
}

/// A kind of handle.
pub trait Tag {
    /// The tag: an arbitrary number that is unique to the kind.
    const TAG: u32;

    /// The error of the library to which the handle belongs.
    type Error: From<HandleError>;
}

/// The reason why a handle was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HandleError {
    /// The handle, or the pointer to it, is NULL.
    Null,
    /// The handle is of another kind, or was freed.
    Kind,
}

impl<T: Tag, F: Default> Handle<T, F> {
    /// Creates the memory of a handle.
    pub fn new(value: T) -> Self {
        const { assert!(size_of::<F>() == size_of::<u32>()) };
        Self { front: F::default(), tag: AtomicU32::new(T::TAG), value }
    }
}

impl<T: Tag> Handle<T> {
    /// Creates a handle, to be taken back by [`take`].
    pub fn give(value: T) -> *mut Self {
        crate::give(Self::new(value))
    }
}

impl<T, F> Handle<T, F> {
    /// Returns the value of a handle.
    pub fn value(&self) -> &T {
        &self.value
    }

    /// Returns the value of a handle that was taken back.
    pub fn into_value(self) -> T {
        self.value
    }
}

impl<T, F> AsRef<F> for Handle<T, F> {
    fn as_ref(&self) -> &F {
        &self.front
    }
}

/// Returns the memory of a handle.
///
/// # Safety
/// `handle` is NULL or any handle of the library, and not in use as `&mut`.
#[inline(always)]
pub unsafe fn get<'a, T: Tag, F>(
    handle: *const Handle<T, F>,
) -> Result<&'a Handle<T, F>, T::Error> {
    // SAFETY: passed on to the caller. Until the tag is checked, nothing else is accessed.
    let handle = unsafe { crate::borrow(handle) }.ok_or(HandleError::Null)?;
    match handle.tag.load(Ordering::Relaxed) == T::TAG {
        true => Ok(handle),
        false => Err(HandleError::Kind.into()),
    }
}

/// Returns the value of a handle.
///
/// # Safety
/// As for [`get`].
#[inline(always)]
pub unsafe fn borrow<'a, T: Tag, F: 'a>(handle: *const Handle<T, F>) -> Result<&'a T, T::Error> {
    // SAFETY: passed on to the caller.
    Ok(&unsafe { get(handle) }?.value)
}

/// Returns the value of a handle, mutably.
///
/// # Safety
/// As for [`get`], and not in use elsewhere.
pub unsafe fn borrow_mut<'a, T: Tag>(handle: *mut Handle<T>) -> Result<&'a mut T, T::Error> {
    // SAFETY: passed on to the caller.
    unsafe { get(handle) }?;
    // SAFETY: the same; the tag shows the type.
    Ok(unsafe { &mut (*handle).value })
}

/// Takes back the handle in `*place`, which [`Handle::give`] created, and stores NULL there; `None`
/// if it is NULL already.
///
/// # Safety
/// `place` is NULL or valid; for `*place` as for [`borrow_mut`].
pub unsafe fn take<T: Tag>(place: *mut *mut Handle<T>) -> Result<Option<Box<Handle<T>>>, T::Error> {
    // SAFETY: passed on to the caller; the tag shows that the handle was created from a box.
    unsafe { clear(place).map(|handle| handle.map(|handle| Box::from_raw(handle))) }
}

/// Creates a handle to memory that the library shares, to be taken back by [`take_shared`].
pub fn give_shared<T: Tag, F>(handle: Arc<Handle<T, F>>) -> *mut Handle<T, F> {
    Arc::into_raw(handle).cast_mut()
}

/// Takes back the handle in `*place`, which [`give_shared`] created, and stores NULL there; `None`
/// if it is NULL already.
///
/// # Safety
/// As for [`take`].
pub unsafe fn take_shared<T: Tag, F>(
    place: *mut *mut Handle<T, F>,
) -> Result<Option<Arc<Handle<T, F>>>, T::Error> {
    // SAFETY: passed on to the caller; the tag shows that the handle was created from an `Arc`.
    unsafe { clear(place).map(|handle| handle.map(|handle| Arc::from_raw(handle))) }
}

/// Stores NULL in `*place`, and marks the handle that was there as freed.
///
/// # Safety
/// As for [`take`].
unsafe fn clear<T: Tag, F>(
    place: *mut *mut Handle<T, F>,
) -> Result<Option<*mut Handle<T, F>>, T::Error> {
    // SAFETY: passed on to the caller.
    let place = unsafe { crate::borrow_mut(place) }.ok_or(HandleError::Null)?;
    if place.is_null() {
        return Ok(None);
    }
    // SAFETY: passed on to the caller.
    unsafe { get(*place) }?.tag.store(0, Ordering::Relaxed);
    Ok(Some(mem::replace(place, ptr::null_mut())))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct One(u32);

    impl Tag for One {
        const TAG: u32 = 1;
        type Error = HandleError;
    }

    struct Shared;

    impl Tag for Shared {
        const TAG: u32 = 2;
        type Error = HandleError;
    }

    #[test]
    fn a_handle_is_valid_until_it_is_taken_back() {
        let mut handle = Handle::give(One(3));
        // SAFETY: created here, and used only by this thread.
        unsafe {
            borrow_mut(handle).expect("a handle").0 += 1;
            assert_eq!(borrow(handle).map(|one| one.0), Ok(4));
            let taken = take(&raw mut handle).expect("a handle").expect("not NULL");
            assert!(handle.is_null());
            assert_eq!(get(&raw const *taken).err(), Some(HandleError::Kind), "freed");
            assert_eq!(taken.into_value().0, 4);
            assert!(take(&raw mut handle).expect("NULL is allowed").is_none());
        }
    }

    #[test]
    fn null_and_handles_of_another_kind_are_refused() {
        let mut handle = give_shared(Arc::new(Handle::<Shared>::new(Shared)));
        let mut other: *mut Handle<One> = handle.cast();
        // SAFETY: created here, and used only by this thread.
        unsafe {
            assert_eq!(borrow(other).map(|one| one.0), Err(HandleError::Kind));
            assert_eq!(borrow_mut(other).map(|one| one.0), Err(HandleError::Kind));
            assert_eq!(take(&raw mut other).err(), Some(HandleError::Kind));
            assert!(!other.is_null(), "a refused handle must not be cleared");
            assert_eq!(borrow(ptr::null::<Handle<One>>()).err(), Some(HandleError::Null));
            assert_eq!(take::<One>(ptr::null_mut()).err(), Some(HandleError::Null));
            let taken = take_shared(&raw mut handle).expect("a handle").expect("not NULL");
            assert_eq!(get(Arc::as_ptr(&taken)).err(), Some(HandleError::Kind), "freed");
        }
    }
}
