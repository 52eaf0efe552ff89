// SPDX-License-Identifier: MIT OR Apache-2.0
//! What says which messages are logged: the sink sets it, the logging thread looks at it.

use std::sync::atomic::{AtomicPtr, AtomicU32, Ordering};

use super::MESSAGE_TYPES;
use super::queue::Queue;
use crate::schema::MessageType;

/// What a logging site looks at to see whether there is anything to do.
#[derive(Debug, Default)]
#[repr(C)]
pub struct Switch {
    /// The message types that are logged, bit `1 << type` each. The lowest bit, which is that of no
    /// type, says that there is more to look at.
    enabled: AtomicU32,
    /// For a C interface, whose handle is the address of this: its mark that this is one.
    pub tag: AtomicU32,
    /// For the same: where the queue is.
    pub queue: AtomicPtr<Queue>,
}

/// See [`Switch::enabled`].
const LOOK: u32 = 1;

impl Switch {
    /// A switch that lets these types through.
    pub(super) fn new(message_types: u32) -> Self {
        Self { enabled: AtomicU32::new(message_types | LOOK), ..Self::default() }
    }

    /// Lets these types through from now on, each once the queue has looked at what else is new.
    pub(super) fn set(&self, message_types: u32) {
        self.enabled.store(message_types | LOOK, Ordering::Release);
    }

    /// What is let through at this moment.
    #[inline(always)]
    pub(super) fn enabled(&self) -> Enabled {
        Enabled(self.enabled.load(Ordering::Relaxed))
    }

    /// The queue is about to look at what else is new; what changes from here on is news again.
    pub(super) fn forget_news(&self) {
        self.enabled.fetch_and(!LOOK, Ordering::Acquire);
    }
}

/// What a switch lets through.
#[derive(Clone, Copy)]
pub(super) struct Enabled(u32);

impl Enabled {
    /// Whether messages of this type are logged; one without a name is not.
    #[inline(always)]
    pub(super) fn has(self, message_type: MessageType) -> bool {
        (1..MESSAGE_TYPES as u32).contains(&message_type.0) && self.0 >> message_type.0 & 1 != 0
    }

    /// Whether there is more to look at before a message is logged.
    #[inline(always)]
    pub(super) fn has_news(self) -> bool {
        self.0 & LOOK != 0
    }
}
