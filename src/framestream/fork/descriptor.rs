// SPDX-License-Identifier: MIT OR Apache-2.0
//! Descriptors of one process. A forked child closes them before anything else runs in it: a peer
//! must see the end of the process that it deals with, whatever children that leaves.

use std::mem::ManuallyDrop;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};

use nix::libc::{dev_t, ino_t};
use nix::sys::stat::fstat;
use nix::unistd::close;

use super::{Child, Hold, Lock, generation, hold};

/// All descriptors that a child closes.
static PRIVATE: Lock<Vec<Entry>> = Lock::leaf(Vec::new());

/// A descriptor, and what it leads to: the host may have closed it, and opened another one with the
/// same number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Entry {
    fd: RawFd,
    device: dev_t,
    inode: ino_t,
}

impl Entry {
    fn new(fd: BorrowedFd<'_>) -> Option<Self> {
        let found = fstat(fd).ok()?;
        Some(Self { fd: fd.as_raw_fd(), device: found.st_dev, inode: found.st_ino })
    }
}

/// A descriptor that children keep, or, once it is private, close.
#[derive(Debug)]
pub(crate) struct ProcessFd {
    /// Closed by hand, and not if its number may be that of another one: in a child, or after the
    /// host has closed it.
    fd: ManuallyDrop<OwnedFd>,
    entry: Option<Entry>,
    /// The fork generation of the process that it is private to.
    owner: Option<usize>,
}

impl ProcessFd {
    /// A descriptor that children keep.
    pub(crate) fn shared(fd: OwnedFd) -> Self {
        let entry = Entry::new(fd.as_fd());
        Self { fd: ManuallyDrop::new(fd), entry, owner: None }
    }

    /// A descriptor that children close. It was made while forks were kept off, or a child of a fork
    /// in between keeps it.
    pub(crate) fn private(hold: &Hold, fd: OwnedFd) -> Self {
        let mut fd = Self::shared(fd);
        fd.make_private_within(hold);
        fd
    }

    /// Has children close it from now on.
    pub(crate) fn make_private(&mut self) {
        self.make_private_within(&hold());
    }

    fn make_private_within(&mut self, hold: &Hold) {
        if self.owner.is_none()
            && let Some(entry) = self.entry
        {
            PRIVATE.lock_within(hold).push(entry);
            self.owner = Some(generation());
        }
    }

    /// Whether it is one of this process, though the host may have closed it.
    pub(crate) fn is_here(&self) -> bool {
        self.owner.is_none_or(|owner| owner == generation())
    }

    /// Whether it is open, and leads to what it was made for.
    pub(crate) fn is_open(&self) -> bool {
        self.is_here() && self.entry == Entry::new(self.as_fd())
    }
}

impl AsFd for ProcessFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl AsRawFd for ProcessFd {
    fn as_raw_fd(&self) -> RawFd {
        self.fd.as_raw_fd()
    }
}

impl Drop for ProcessFd {
    fn drop(&mut self) {
        if self.is_open() {
            // The system closes it in any case.
            let _ = close(self.as_raw_fd());
        }
        if self.owner == Some(generation()) {
            let mut private = PRIVATE.lock();
            if let Some(place) = private.iter().position(|other| Some(*other) == self.entry) {
                private.swap_remove(place);
            }
        }
    }
}

/// Closes what is private to the parent.
pub(super) fn close_private(child: &Child) {
    let Some(mut private) = PRIVATE.lock_in(child) else { return };
    for entry in private.drain(..) {
        // SAFETY: it is used in this call only, which fails if it is not open.
        let fd = unsafe { BorrowedFd::borrow_raw(entry.fd) };
        if Entry::new(fd) == Some(entry) {
            let _ = close(entry.fd);
        }
    }
}
