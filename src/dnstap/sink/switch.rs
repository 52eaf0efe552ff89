// SPDX-License-Identifier: MIT OR Apache-2.0
//! The set of enabled message types: the sink sets it, the logging thread reads it.

use std::sync::atomic::{AtomicU32, Ordering};

use crate::message_types;
use crate::schema::MessageType;

/// The set of enabled message types, bit `1 << type` each, which a call site checks before it
/// prepares a message. The lowest bit, which belongs to no type, is a dirty flag: the queue has to
/// apply changes first. All types are disabled until it belongs to a queue.
#[derive(Debug, Default)]
#[repr(transparent)]
pub struct Switch(AtomicU32);

/// The dirty flag.
const DIRTY: u32 = 1;

impl Switch {
    /// Enables these types, and marks the queue as dirty.
    pub(super) fn set(&self, message_types: u32) {
        self.0.store(message_types | DIRTY, Ordering::Release);
    }

    /// Returns whether messages of this type are logged at this moment.
    pub fn is_enabled(&self, message_type: MessageType) -> bool {
        self.enabled().has(message_type)
    }

    /// Returns the types that are enabled at this moment.
    #[inline(always)]
    pub(super) fn enabled(&self) -> Enabled {
        Enabled(self.0.load(Ordering::Relaxed))
    }

    /// Clears the dirty flag, before the queue applies pending changes. Later changes set it again.
    pub(super) fn clear_dirty(&self) {
        self.0.fetch_and(!DIRTY, Ordering::Acquire);
    }

    /// Sets the dirty flag: the queue has to apply changes before its next message.
    pub(super) fn mark_dirty(&self) {
        self.0.fetch_or(DIRTY, Ordering::Relaxed);
    }
}

impl AsRef<Switch> for Switch {
    fn as_ref(&self) -> &Self {
        self
    }
}

/// A snapshot of a switch.
#[derive(Clone, Copy)]
pub(super) struct Enabled(u32);

impl Enabled {
    /// Returns whether messages of this type are logged; one without a name is not.
    #[inline(always)]
    pub(super) fn has(self, message_type: MessageType) -> bool {
        message_types::contains(self.0 & !DIRTY, message_type)
    }

    /// Returns whether the queue has to apply changes before a message is logged.
    #[inline(always)]
    pub(super) fn is_dirty(self) -> bool {
        self.0 & DIRTY != 0
    }
}
