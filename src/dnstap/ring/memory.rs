// SPDX-License-Identifier: MIT OR Apache-2.0
//! The memory of a ring. With `--cfg loom`, loom tracks each access.

use std::ffi::c_void;
use std::num::NonZeroUsize;
use std::ptr::NonNull;
use std::slice;
use std::sync::atomic::{AtomicUsize, Ordering};

use nix::sys::mman::{MapFlags, ProtFlags, mmap_anonymous, munmap};
#[cfg(target_os = "linux")]
use nix::sys::mman::{MmapAdvise, madvise};
use nix::unistd::{SysconfVar, sysconf};

/// Memory that two threads share, whose accesses the ring coordinates. It is mapped, not allocated:
/// an allocator would reuse freed memory, all pages of which are resident, and would have to clear
/// it.
pub(super) struct Memory {
    bytes: NonNull<u8>,
    len: usize,
    /// Number of bytes, from the beginning, that are still mapped.
    mapped: AtomicUsize,
    #[cfg(loom)]
    cells: Vec<loom::cell::UnsafeCell<()>>,
}

// SAFETY: the bytes are owned; callers of `get`, `get_mut` and `keep` prevent conflicting accesses.
unsafe impl Send for Memory {}
// SAFETY: the same.
unsafe impl Sync for Memory {}

impl Memory {
    /// Maps `len` bytes, a power of two; `None` if out of memory. Pages that were never used take
    /// only address space.
    pub(super) fn new(len: usize) -> Option<Self> {
        let size = NonZeroUsize::new(len).filter(|len| len.is_power_of_two())?;
        let access = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
        // SAFETY: the system chooses the address, so no other mapping is replaced.
        let bytes = unsafe { mmap_anonymous(None, size, access, MapFlags::MAP_PRIVATE) }.ok()?;
        // Rings are adjacent; the first byte of one must not allocate a huge page for many of them.
        #[cfg(target_os = "linux")]
        // SAFETY: the contents do not change.
        let _ = unsafe { madvise(bytes, len, MmapAdvise::MADV_NOHUGEPAGE) };
        Some(Self {
            bytes: bytes.cast(),
            len,
            mapped: AtomicUsize::new(len),
            #[cfg(loom)]
            cells: (0..len).map(|_| loom::cell::UnsafeCell::new(())).collect(),
        })
    }

    /// Unmaps the pages after the first `used` bytes.
    ///
    /// # Safety
    /// No thread accesses a byte after them from now on.
    pub(super) unsafe fn keep(&self, used: usize) {
        #[cfg(loom)]
        for cell in &self.cells[used..] {
            cell.with_mut(|_| ());
        }
        let page = sysconf(SysconfVar::PAGE_SIZE).ok().flatten();
        let Some(page) = page.and_then(|page| usize::try_from(page).ok()) else { return };
        let kept = used.next_multiple_of(page);
        let mapped = self.mapped.load(Ordering::Relaxed);
        if kept < mapped {
            // SAFETY: passed on to the caller.
            unsafe { self.unmap(kept, mapped) };
        }
    }

    /// Returns the number of mapped bytes.
    pub(super) fn mapped(&self) -> usize {
        self.mapped.load(Ordering::Relaxed)
    }

    /// Unmaps the pages from `start` to `end`, the end of the mapping.
    ///
    /// # Safety
    /// `start` is the beginning of a page, and no thread accesses these pages.
    unsafe fn unmap(&self, start: usize, end: usize) {
        // SAFETY: `start` is within the mapping.
        let bytes = unsafe { self.bytes.add(start) };
        // Stored first: a child that is forked in between must not unmap them a second time.
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

    /// Returns a pointer to the byte at a position.
    #[inline(always)]
    fn at(&self, position: usize) -> *mut u8 {
        // SAFETY: the length is a power of two, so the mask keeps the offset below it.
        unsafe { self.bytes.as_ptr().add(position & (self.len() - 1)) }
    }

    /// Returns the `length` bytes at `position`, mutably.
    ///
    /// # Safety
    /// They do not extend beyond the end of the memory, and nothing else accesses them as long as
    /// the reference exists.
    #[inline(always)]
    #[expect(clippy::mut_from_ref, reason = "the ring ensures that there is one reference")]
    pub(super) unsafe fn get_mut(&self, position: usize, length: usize) -> &mut [u8] {
        #[cfg(loom)]
        for offset in 0..length {
            let index = position.wrapping_add(offset) & (self.len() - 1);
            self.cells[index].with_mut(|_| ());
        }
        // SAFETY: passed on to the caller.
        unsafe { slice::from_raw_parts_mut(self.at(position), length) }
    }

    /// Returns the `length` bytes at `position`.
    ///
    /// # Safety
    /// They do not extend beyond the end of the memory, and nothing writes to them as long as the
    /// reference exists.
    #[inline(always)]
    pub(super) unsafe fn get(&self, position: usize, length: usize) -> &[u8] {
        #[cfg(loom)]
        for offset in 0..length {
            let index = position.wrapping_add(offset) & (self.len() - 1);
            self.cells[index].with(|_| ());
        }
        // SAFETY: passed on to the caller.
        unsafe { slice::from_raw_parts(self.at(position), length) }
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        let mapped = self.mapped();
        if mapped > 0 {
            // SAFETY: no other thread uses it.
            unsafe { self.unmap(0, mapped) };
        }
    }
}
