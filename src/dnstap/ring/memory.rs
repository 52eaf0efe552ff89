// SPDX-License-Identifier: MIT OR Apache-2.0
//! The memory of a ring. Under loom every byte that is touched is touched in its eyes, too.

use std::ffi::c_void;
use std::num::NonZeroUsize;
use std::ptr::NonNull;
use std::slice;
use std::sync::atomic::{AtomicUsize, Ordering};

use nix::sys::mman::{MapFlags, MmapAdvise, ProtFlags, madvise, mmap_anonymous, munmap};
use nix::unistd::{SysconfVar, sysconf};

/// Bytes that two threads share by a protocol of their own. They are mapped, not allocated: an
/// allocator would reuse freed memory with all its pages in use, and zero it by hand.
pub(super) struct Memory {
    bytes: NonNull<u8>,
    len: usize,
    /// Bytes from the beginning on that are still mapped.
    mapped: AtomicUsize,
    #[cfg(loom)]
    seen_by_loom: Vec<loom::cell::UnsafeCell<()>>,
}

// SAFETY: the bytes are owned; `get`, `get_mut` and `keep` make their callers keep threads apart.
unsafe impl Send for Memory {}
// SAFETY: the same.
unsafe impl Sync for Memory {}

impl Memory {
    /// `len` bytes, a power of two; `None` if there is no memory. Until a byte is used it costs
    /// address space only.
    pub(super) fn new(len: usize) -> Option<Self> {
        let size = NonZeroUsize::new(len).filter(|len| len.is_power_of_two())?;
        let access = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
        // SAFETY: the system chooses where, so nothing that is there is replaced.
        let bytes = unsafe { mmap_anonymous(None, size, access, MapFlags::MAP_PRIVATE) }.ok()?;
        // Rings lie next to each other; the first byte of one must not cost a huge page of many.
        // SAFETY: no byte changes.
        let _ = unsafe { madvise(bytes, len, MmapAdvise::MADV_NOHUGEPAGE) };
        Some(Self {
            bytes: bytes.cast(),
            len,
            mapped: AtomicUsize::new(len),
            #[cfg(loom)]
            seen_by_loom: (0..len).map(|_| loom::cell::UnsafeCell::new(())).collect(),
        })
    }

    /// Returns the pages after the first `used` bytes to the system.
    ///
    /// # Safety
    /// No thread touches a byte after them from now on.
    pub(super) unsafe fn keep(&self, used: usize) {
        #[cfg(loom)]
        for cell in &self.seen_by_loom[used..] {
            cell.with_mut(|_| ());
        }
        let page = sysconf(SysconfVar::PAGE_SIZE).ok().flatten();
        let Some(page) = page.and_then(|page| usize::try_from(page).ok()) else { return };
        let kept = used.next_multiple_of(page);
        let mapped = self.mapped.load(Ordering::Relaxed);
        if kept < mapped {
            // SAFETY: the caller says that nobody uses them.
            unsafe { self.unmap(kept, mapped) };
        }
    }

    /// Bytes that are mapped.
    pub(super) fn mapped(&self) -> usize {
        self.mapped.load(Ordering::Relaxed)
    }

    /// Returns the pages from `start` to `end`, where the mapping ends, to the system.
    ///
    /// # Safety
    /// `start` is the beginning of a page, and nobody uses them.
    unsafe fn unmap(&self, start: usize, end: usize) {
        // SAFETY: that far the memory goes.
        let bytes = unsafe { self.bytes.add(start) };
        // Before it is so: a child of a fork in between must not return them a second time.
        self.mapped.store(start, Ordering::Relaxed);
        // SAFETY: passed on to the caller.
        if unsafe { munmap(bytes.cast::<c_void>(), end - start) }.is_err() {
            self.mapped.store(end, Ordering::Relaxed);
        }
    }

    #[inline(always)]
    pub(super) fn len(&self) -> usize {
        self.len
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
        let mapped = self.mapped();
        if mapped > 0 {
            // SAFETY: no thread uses it any more.
            unsafe { self.unmap(0, mapped) };
        }
    }
}
