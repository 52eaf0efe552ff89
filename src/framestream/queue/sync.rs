// SPDX-License-Identifier: MIT OR Apache-2.0
//! The atomics and cells of the queues: those of std, or those of loom, which tries every order in
//! which threads can see them.

#[cfg(loom)]
pub(super) use loom::{cell::UnsafeCell, sync::atomic};
#[cfg(not(loom))]
pub(super) use std::sync::atomic;

/// `std`'s cell with loom's interface.
#[cfg(not(loom))]
#[derive(Debug)]
pub(super) struct UnsafeCell<T>(std::cell::UnsafeCell<T>);

#[cfg(not(loom))]
impl<T> UnsafeCell<T> {
    pub(super) fn new(value: T) -> Self {
        Self(std::cell::UnsafeCell::new(value))
    }

    #[inline(always)]
    pub(super) fn with<R>(&self, f: impl FnOnce(*const T) -> R) -> R {
        f(self.0.get())
    }

    #[inline(always)]
    pub(super) fn with_mut<R>(&self, f: impl FnOnce(*mut T) -> R) -> R {
        f(self.0.get())
    }
}
