// SPDX-License-Identifier: MIT OR Apache-2.0
//! What feeds the writer thread of a sink: spans of whole frames, from where they were encoded.

use std::sync::Arc;

use framestream::sender::{Feed, Gathered, Source};

use super::member::Member;
use super::registry::Registry;
use crate::ring::Consumer;

/// The registry as what feeds a writer thread.
pub(super) struct Rings(pub(super) Arc<Registry>);

impl Feed for Rings {
    type Source = Spans;

    fn accepted(&self) -> u64 {
        // In this order, so that nothing is dropped that was not logged.
        let dropped = self.0.dropped().all();
        self.0.logged_by_type().iter().sum::<u64>() - dropped
    }

    fn source(&self, generation: usize) -> Spans {
        Spans {
            registry: Arc::clone(&self.0),
            generation,
            seen: None,
            leaving: false,
            consumers: Vec::new(),
            current: 0,
        }
    }
}

/// The writer thread's side: spans of whole frames, sent from where they were encoded, the rings in
/// turn.
pub(super) struct Spans {
    registry: Arc<Registry>,
    generation: usize,
    /// [`Registry::changes`] at the last look.
    seen: Option<usize>,
    /// Whether a queue without a producer was there at the last look, with frames to send.
    leaving: bool,
    consumers: Vec<(Arc<Member>, Consumer)>,
    /// The ring whose turn it is.
    current: usize,
}

impl Spans {
    /// Takes in the rings that are new, and lets go of those whose producer is gone, once they are
    /// empty.
    fn update(&mut self) {
        let changes = self.registry.changes();
        if self.seen == Some(changes) && !self.leaving {
            return;
        }
        let Self { registry, generation, consumers, .. } = self;
        self.leaving = registry.sweep(|member| {
            if let Some(consumer) = member.ring.claim(*generation) {
                consumers.push((Arc::clone(member), consumer));
            }
        });
        self.consumers.retain(|(member, _)| !member.is_over());
        self.current = 0;
        self.seen = Some(changes);
    }

    /// Moves on to a ring with frames, if the current one has none left.
    fn advance(&mut self) {
        let count = self.consumers.len();
        for step in 0..count {
            let next = (self.current + step) % count;
            if self.consumers[next].1.front().is_some() {
                self.current = next;
                return;
            }
        }
    }

    fn each(&mut self, mut act: impl FnMut(&mut Consumer) -> usize) -> usize {
        self.consumers.iter_mut().map(|(_, consumer)| act(consumer)).sum()
    }
}

impl Source for Spans {
    fn gather(&mut self, blocked: bool) -> Gathered {
        // A ring that is in the middle of a frame must not be passed over for another.
        if self.front().is_none() {
            self.update();
        }
        for (_, consumer) in &mut self.consumers {
            consumer.look();
        }
        if self.front().is_none() {
            self.advance();
        }
        // While the peer takes nothing, there is nothing to be done with more: it is where it can
        // stay.
        if blocked { Gathered::Full } else { Gathered::All }
    }

    fn has_batch(&self) -> bool {
        let level = self.registry.wake_level;
        self.consumers.iter().any(|(_, consumer)| consumer.ring().waiting() >= level)
    }

    fn is_empty(&self) -> bool {
        self.seen == Some(self.registry.changes())
            && self.consumers.iter().all(|(_, consumer)| consumer.ring().waiting() == 0)
    }

    fn front(&self) -> Option<&[u8]> {
        self.consumers.get(self.current).and_then(|(_, consumer)| consumer.front())
    }

    fn consume(&mut self, count: usize) -> usize {
        let Some((_, consumer)) = self.consumers.get_mut(self.current) else { return 0 };
        let frames = consumer.consume(count);
        if frames > 0 {
            // The span is through: the next ring has its turn.
            self.current = (self.current + 1) % self.consumers.len();
            self.advance();
        }
        frames
    }

    fn rewind(&mut self) -> usize {
        self.each(Consumer::rewind)
    }

    fn give_up(&mut self) -> usize {
        let Some((_, consumer)) = self.consumers.get_mut(self.current) else { return 0 };
        let frames = consumer.give_up();
        self.advance();
        frames
    }

    fn discard(&mut self) -> usize {
        self.seen = None;
        self.update();
        self.each(Consumer::discard)
    }
}
