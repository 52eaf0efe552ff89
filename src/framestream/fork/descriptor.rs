// SPDX-License-Identifier: MIT OR Apache-2.0
//! Descriptors of one process. A forked child closes them before anything else runs in it, so that
//! a peer is notified when the process ends, even if children of it still run.

use std::mem::ManuallyDrop;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::sync::Arc;

use nix::errno::Errno;
use nix::unistd::close;
use rustix::fs::fstat;

use super::{Child, Hold, Lock, generation, hold};

/// The descriptors that a child closes.
static PRIVATE: Lock<Vec<Arc<Descriptor>>> = Lock::leaf(Vec::new());

/// A descriptor with the identity of its open file: the host may have closed it, and opened another
/// file with the same number.
#[derive(Debug)]
struct Descriptor {
    /// Closed explicitly, unless the number may belong to another file: in a child, or after the
    /// host has closed it.
    fd: ManuallyDrop<OwnedFd>,
    target: Option<Target>,
}

impl Descriptor {
    fn new(fd: OwnedFd) -> Self {
        let target = target(&fd);
        Self { fd: ManuallyDrop::new(fd), target }
    }

    /// Returns whether it still refers to its own file.
    fn is_open(&self) -> bool {
        self.target.is_some() && self.target == target(&self.fd)
    }

    /// Closes it. It must not be used afterwards.
    fn close(&self) {
        if self.is_open() {
            // The system closes it even if it returns an error.
            let _ = close(self.fd.as_raw_fd());
        }
    }
}

/// The device and the inode of a file.
type Target = (u64, u64);

/// Returns the identity of the file that a descriptor refers to.
fn target(fd: &OwnedFd) -> Option<Target> {
    let found = fstat(fd).ok()?;
    Some((found.st_dev as u64, found.st_ino as u64))
}

/// A descriptor, which forked children keep or, once it is private, close.
#[derive(Debug)]
pub(crate) struct ProcessFd {
    descriptor: Arc<Descriptor>,
    /// The fork generation of the process that it is private to.
    owner: Option<usize>,
}

impl ProcessFd {
    /// Creates a descriptor that children keep.
    pub(crate) fn shared(fd: OwnedFd) -> Self {
        Self { descriptor: Arc::new(Descriptor::new(fd)), owner: None }
    }

    /// Creates a descriptor that children close. `fd` must have been opened under the same `hold`;
    /// otherwise a child that was forked in between keeps it.
    pub(crate) fn private(hold: &Hold, fd: OwnedFd) -> Self {
        let mut fd = Self::shared(fd);
        fd.make_private_within(hold);
        fd
    }

    /// Makes children close it from now on.
    pub(crate) fn make_private(&mut self) {
        self.make_private_within(&hold());
    }

    fn make_private_within(&mut self, hold: &Hold) {
        if self.owner.is_none() {
            PRIVATE.lock_within(hold).push(Arc::clone(&self.descriptor));
            self.owner = Some(generation());
        }
    }

    /// Returns whether it belongs to this process, even if the host has closed it.
    pub(crate) fn is_own(&self) -> bool {
        self.owner.is_none_or(|owner| owner == generation())
    }

    /// Returns whether it is open and refers to its own file.
    pub(crate) fn is_open(&self) -> bool {
        self.is_own() && self.descriptor.is_open()
    }

    /// Fails with EBADF if the descriptor is closed, even if its number belongs to another file by
    /// now. Must be called before each use.
    pub(crate) fn check(&self) -> nix::Result<()> {
        if self.is_open() { Ok(()) } else { Err(Errno::EBADF) }
    }

    /// Returns the identity of its file.
    pub(crate) fn target(&self) -> Option<Target> {
        self.descriptor.target
    }
}

impl AsFd for ProcessFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.fd.as_fd()
    }
}

impl AsRawFd for ProcessFd {
    fn as_raw_fd(&self) -> RawFd {
        self.descriptor.fd.as_raw_fd()
    }
}

impl Drop for ProcessFd {
    fn drop(&mut self) {
        if self.is_own() {
            self.descriptor.close();
        }
        if self.owner == Some(generation()) {
            PRIVATE.lock().retain(|other| !Arc::ptr_eq(other, &self.descriptor));
        }
    }
}

/// Closes the descriptors that are private to the parent.
pub(super) fn close_private(child: &Child) {
    let Some(mut private) = PRIVATE.lock_in(child) else { return };
    for descriptor in private.drain(..) {
        descriptor.close();
    }
}
