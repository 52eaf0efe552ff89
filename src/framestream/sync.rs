// SPDX-License-Identifier: MIT OR Apache-2.0
//! The atomics and cells of queues and rings: those of std, or under `--cfg loom` those of loom,
//! which tries every order in which threads can see them.

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
    /// A cell with this value.
    pub fn new(value: T) -> Self {
        Self(std::cell::UnsafeCell::new(value))
    }

    #[inline(always)]
    /// Hands out a pointer to read from.
    pub fn with<R>(&self, f: impl FnOnce(*const T) -> R) -> R {
        f(self.0.get())
    }

    #[inline(always)]
    /// Hands out a pointer to write to.
    pub fn with_mut<R>(&self, f: impl FnOnce(*mut T) -> R) -> R {
        f(self.0.get())
    }
}

/// Keeps what one side writes off the cache lines of the other (two, since they come in pairs).
#[derive(Debug, Default)]
#[repr(align(128))]
pub struct Padded<T>(pub T);
