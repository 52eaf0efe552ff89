// SPDX-License-Identifier: MIT OR Apache-2.0
//! The atomics and cells of queues and rings: those of std or, with `--cfg loom`, those of loom,
//! which tries every order in which threads can access them.

#[cfg(loom)]
pub use loom::{cell::UnsafeCell, sync::atomic};
#[cfg(not(loom))]
pub use std::sync::atomic;

/// `std`'s cell with loom's interface.
#[cfg(not(loom))]
#[derive(Debug)]
pub struct UnsafeCell<T>(std::cell::UnsafeCell<T>);

#[cfg(not(loom))]
impl<T> UnsafeCell<T> {
    /// Creates a cell with this value.
    pub fn new(value: T) -> Self {
        Self(std::cell::UnsafeCell::new(value))
    }

    /// Calls `f` with a pointer to read from.
    #[inline(always)]
    pub fn with<R>(&self, f: impl FnOnce(*const T) -> R) -> R {
        f(self.0.get())
    }

    /// Calls `f` with a pointer to write to.
    #[inline(always)]
    pub fn with_mut<R>(&self, f: impl FnOnce(*mut T) -> R) -> R {
        f(self.0.get())
    }
}

/// A value on cache lines of its own (two, since processors fetch them in pairs), so that threads
/// that write to it do not slow down threads that use its neighbours.
#[derive(Debug, Default)]
#[repr(align(128))]
pub struct Padded<T>(pub T);
