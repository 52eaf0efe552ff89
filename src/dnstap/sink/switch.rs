// SPDX-License-Identifier: MIT OR Apache-2.0
//! The set of enabled message types: the sink sets it, the logging thread reads it.

use std::sync::atomic::{AtomicU32, Ordering};

use crate::schema::MessageType;

/// What a logging site looks at to see whether there is anything to do: the message types that are
/// logged, bit `1 << type` each. The lowest bit, which is that of no type, says that there is more
/// to look at. Off until it belongs to a queue.
#[derive(Debug, Default)]
#[repr(transparent)]
pub struct Switch(AtomicU32);

/// See [`Switch`].
const LOOK: u32 = 1;

impl Switch {
    /// Lets these types through from now on, each once the queue has looked at what else is new.
    pub(super) fn set(&self, message_types: u32) {
        self.0.store(message_types | LOOK, Ordering::Release);
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

    /// The queue is about to look at what else is new; what changes from here on is news again.
    pub(super) fn forget_news(&self) {
        self.0.fetch_and(!LOOK, Ordering::Acquire);
    }

    /// The queue has to look again before its next message.
    pub(super) fn note_news(&self) {
        self.0.fetch_or(LOOK, Ordering::Relaxed);
    }
}

impl AsRef<Switch> for Switch {
    fn as_ref(&self) -> &Self {
        self
    }
}

/// The types that a switch enables.
#[derive(Clone, Copy)]
pub(super) struct Enabled(u32);

impl Enabled {
    /// Whether messages of this type are logged; one without a name is not.
    #[inline(always)]
    pub(super) fn has(self, message_type: MessageType) -> bool {
        let message_types = self.0 & !LOOK;
        message_type.0 < u32::BITS && message_types >> message_type.0 & 1 != 0
    }

    /// Whether there is more to look at before a message is logged.
    #[inline(always)]
    pub(super) fn has_news(self) -> bool {
        self.0 & LOOK != 0
    }
}
