// SPDX-License-Identifier: MIT OR Apache-2.0
//! The memory of a ring. Under loom every byte that is touched is touched in its eyes, too.

use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::ptr::NonNull;
use std::slice;

/// Bytes that two threads share under an agreement of their own.
pub(super) struct Memory {
    bytes: NonNull<u8>,
    layout: Layout,
    #[cfg(loom)]
    seen_by_loom: Vec<loom::cell::UnsafeCell<()>>,
}

// SAFETY: the bytes are owned; `get` and `get_mut` make their callers keep threads apart.
unsafe impl Send for Memory {}
// SAFETY: the same.
unsafe impl Sync for Memory {}

impl Memory {
    /// `len` bytes, a power of two; `None` if there is no memory. Until a byte is used it costs
    /// address space only.
    pub(super) fn new(len: usize) -> Option<Self> {
        let layout = Layout::array::<u8>(len).ok().filter(|_| len.is_power_of_two())?;
        // SAFETY: a power of two is not 0.
        let bytes = NonNull::new(unsafe { alloc_zeroed(layout) })?;
        Some(Self {
            bytes,
            layout,
            #[cfg(loom)]
            seen_by_loom: (0..len).map(|_| loom::cell::UnsafeCell::new(())).collect(),
        })
    }

    #[inline(always)]
    pub(super) fn len(&self) -> usize {
        self.layout.size()
    }

    /// Where the byte of a position is.
    #[inline(always)]
    fn at(&self, position: usize) -> *mut u8 {
        // SAFETY: the length is a power of two, so the mask keeps the offset below it.
        unsafe { self.bytes.as_ptr().add(position & (self.len() - 1)) }
    }

    /// The `length` bytes at `position`, to write to.
    ///
    /// # Safety
    /// They end no later than the memory does, and no other thread touches them, nor this one by
    /// another way, for as long as they are in use.
    #[inline(always)]
    #[expect(clippy::mut_from_ref, reason = "the bytes are the ring's to share out")]
    pub(super) unsafe fn get_mut(&self, position: usize, length: usize) -> &mut [u8] {
        #[cfg(loom)]
        for offset in 0..length {
            let index = position.wrapping_add(offset) & (self.len() - 1);
            self.seen_by_loom[index].with_mut(|_| ());
        }
        // SAFETY: passed on to the caller.
        unsafe { slice::from_raw_parts_mut(self.at(position), length) }
    }

    /// The `length` bytes at `position`.
    ///
    /// # Safety
    /// They end no later than the memory does, and no other thread writes to them for as long as
    /// they are in use.
    #[inline(always)]
    pub(super) unsafe fn get(&self, position: usize, length: usize) -> &[u8] {
        #[cfg(loom)]
        for offset in 0..length {
            let index = position.wrapping_add(offset) & (self.len() - 1);
            self.seen_by_loom[index].with(|_| ());
        }
        // SAFETY: passed on to the caller.
        unsafe { slice::from_raw_parts(self.at(position), length) }
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: allocated with this layout, and nobody is left who uses it.
        unsafe { dealloc(self.bytes.as_ptr(), self.layout) };
    }
}
