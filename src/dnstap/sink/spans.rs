// SPDX-License-Identifier: MIT OR Apache-2.0
//! The source of the writer thread of a sink: spans of whole frames in the rings.

use std::io::{self, IoSlice};
use std::sync::Arc;

use framestream::fork::Child;
use framestream::sender::{Alarm, DroppedByReason, Feed, Gathered, Source, WriteFn};

use super::member::Member;
use super::registry::Registry;
use crate::ring::Consumer;

/// The registry as the feed of a writer thread.
pub(super) struct Rings(pub(super) Arc<Registry>);

impl Feed for Rings {
    type Source = Spans;

    fn accepted(&self) -> u64 {
        // In this order, so that each dropped message is counted as logged.
        let dropped = self.0.dropped().all();
        self.0.logged_by_type().iter().sum::<u64>() - dropped
    }

    fn renew(&self, child: &Child) {
        self.0.renew(child);
    }

    fn alarm(&self) -> Option<&Alarm> {
        Some(&self.0.alarm)
    }

    fn dropped(&self) -> DroppedByReason {
        self.0.dropped().by_reason()
    }

    fn source(&self) -> Spans {
        Spans {
            registry: Arc::clone(&self.0),
            seen: None,
            freed: false,
            unclaimed: false,
            consumers: Vec::new(),
            current: 0,
        }
    }
}

/// The consuming ends of the rings. Spans of whole frames are sent from the memory where they were
/// encoded, one ring after the other.
pub(super) struct Spans {
    registry: Arc<Registry>,
    /// [`Registry::changes`] at the last check.
    seen: Option<usize>,
    /// True if there were freed queues with pending messages at the last check.
    freed: bool,
    /// True if some of them were not claimed, so that other threads can drop their messages.
    unclaimed: bool,
    consumers: Vec<(Arc<Member>, Consumer)>,
    /// Index of the current ring.
    current: usize,
}

impl Spans {
    /// Returns the bytes that the next write has to send.
    fn front(&self) -> Option<&[u8]> {
        self.consumers.get(self.current).and_then(|(_, consumer)| consumer.front())
    }

    /// Claims new rings, and removes empty rings of freed queues. While the peer is `blocked`,
    /// rings of freed queues are not claimed, so that their messages can be dropped for new queues.
    fn update(&mut self, blocked: bool) {
        let changes = self.registry.changes();
        if self.seen == Some(changes) && !self.freed {
            return;
        }
        let Self { registry, consumers, .. } = self;
        let mut unclaimed = false;
        let freed = registry.sweep(|member| {
            if blocked && member.is_freed() {
                unclaimed |= !member.ring.is_claimed();
            } else if let Some(consumer) = member.ring.claim() {
                consumers.push((Arc::clone(member), consumer));
            }
        });
        self.unclaimed = unclaimed;
        self.freed = freed.any;
        self.seen = Some(changes);
        self.drop_freed(freed.excess);
        self.remove_finished();
    }

    /// Drops messages of freed queues until they hold `excess` bytes less, except for the ring that
    /// is being sent.
    fn drop_freed(&mut self, mut excess: usize) {
        if excess == 0 {
            return;
        }
        let sending = self.front().map(|_| self.current);
        for (index, (member, consumer)) in self.consumers.iter_mut().enumerate() {
            if excess > 0 && member.is_freed() && Some(index) != sending {
                self.registry.drop_pending(member, consumer);
                excess = excess.saturating_sub(member.ring.held());
            }
        }
        self.freed = self.registry.sweep(|_| ()).any;
    }

    /// Removes finished rings, and keeps the current one.
    fn remove_finished(&mut self) {
        let before = self.consumers.iter().take(self.current);
        let gone = before.filter(|(member, _)| member.is_over()).count();
        self.consumers.retain(|(member, _)| !member.is_over());
        self.current -= gone;
        if self.current >= self.consumers.len() {
            self.current = 0;
        }
    }

    /// Selects the next ring with frames, unless the current one has some.
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
        self.update(blocked);
        for (_, consumer) in &mut self.consumers {
            consumer.refresh();
        }
        // The ring of a frame that was sent in part must stay the current one.
        if self.front().is_none() {
            self.advance();
        }
        // While the peer is blocked, new frames need not wake the thread: they stay in their rings.
        if blocked { Gathered::Full } else { Gathered::All }
    }

    fn has_batch(&self) -> bool {
        let level = self.registry.wake_level;
        self.consumers.iter().any(|(_, consumer)| consumer.ring().waiting() >= level)
    }

    fn is_empty(&self) -> bool {
        !self.unclaimed
            && self.seen == Some(self.registry.changes())
            && self.consumers.iter().all(|(_, consumer)| consumer.ring().waiting() == 0)
    }

    fn front_len(&self) -> usize {
        self.front().map_or(0, <[u8]>::len)
    }

    fn write_front(&mut self, max_len: usize, write: impl WriteFn) -> Option<io::Result<usize>> {
        let front = self.front()?;
        Some(write(&[IoSlice::new(&front[..front.len().min(max_len)])]))
    }

    fn consume(&mut self, count: usize) -> usize {
        let Some((_, consumer)) = self.consumers.get_mut(self.current) else { return 0 };
        let frames = consumer.consume(count);
        if frames > 0 {
            // The span is sent; continue with the next ring.
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
        self.update(false);
        let frames = self.each(Consumer::discard);
        self.registry.sweep(|_| ());
        frames
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread;

    use super::*;
    use crate::encode::Origin;
    use crate::ring::{Producer, Ring};
    use crate::sink::ALL_MESSAGE_TYPES;
    use crate::sink::registry::Settings;
    use crate::sink::switch::Switch;

    /// Limit for the rings of freed queues: several times the size that an almost empty ring counts
    /// for.
    const LIMIT: usize = 256 * 1024;

    struct Queues {
        registry: Arc<Registry>,
        source: Spans,
    }

    impl Queues {
        fn new() -> Self {
            let settings = Settings {
                identity: None,
                version: None,
                origin: Arc::new(Origin::new(None, None, 1).expect("short")),
                message_types: ALL_MESSAGE_TYPES,
            };
            let registry = Registry::new(settings, 1024, LIMIT);
            let source = Rings(Arc::clone(&registry)).source();
            Self { registry, source }
        }

        fn queue(&self) -> (Producer, Arc<Member>) {
            let producer = Ring::allocate(1 << 20).expect("memory");
            let member = Member::new(Arc::clone(producer.ring()), Arc::new(Switch::default()));
            (producer, self.registry.add(member).expect("open").member)
        }

        /// Creates a queue with a message that consists of this byte.
        fn log(&self, byte: u8) -> (Producer, Arc<Member>) {
            let (mut producer, member) = self.queue();
            let room = producer.reserve(1).expect("room");
            room.payload[0] = byte;
            room.commit(1);
            (producer, member)
        }

        fn free(&self, (producer, member): (Producer, Arc<Member>)) {
            drop(producer);
            self.registry.free(&member);
        }

        /// Sends all gathered messages, and returns their bytes.
        fn send(&mut self) -> Vec<u8> {
            let mut sent = Vec::new();
            while let Some(front) = self.source.front() {
                let count = front.len();
                sent.extend(front.chunks(5).map(|frame| frame[4]));
                self.source.consume(count);
            }
            sent
        }
    }

    #[test]
    fn messages_of_the_oldest_freed_queues_are_dropped_first() {
        // Both if the writer thread has claimed the rings before, and if not.
        for is_claimed in [false, true] {
            let mut queues = Queues::new();
            let first = queues.log(0);
            let page = {
                let (producer, member) = queues.log(1);
                drop(producer);
                queues.registry.free(&member);
                member.ring.held()
            };
            queues.source.gather(false);
            assert_eq!(queues.source.front(), Some(&[0, 0, 0, 1, 0][..]));
            for byte in 2..200 {
                let queue = queues.log(byte);
                if is_claimed {
                    queues.source.gather(false);
                }
                queues.free(queue);
            }
            let freed = queues.registry.sweep(|_| ());
            assert!(freed.any && (is_claimed || freed.excess <= page), "{}", freed.excess);
            queues.source.gather(true);
            assert_eq!(queues.registry.sweep(|_| ()).excess, 0);
            queues.source.gather(false);
            let sent = queues.send();
            assert_eq!(sent[0], 0, "the ring that was being sent was dropped");
            let newest = 200 - (sent.len() as u8 - 1)..200;
            assert!(newest.len() * page >= LIMIT - page, "{sent:?}");
            let mut kept = sent[1..].to_vec();
            kept.sort_unstable();
            assert!(kept.into_iter().eq(newest), "{sent:?}");
            assert_eq!(queues.registry.dropped().full as usize, 200 - sent.len());
            queues.free(first);
            queues.source.gather(false);
            assert!(queues.source.is_empty() && queues.source.consumers.is_empty());
        }
    }

    #[test]
    fn dropped_messages_are_counted_before_their_queue_is_removed() {
        const QUEUES: usize = 64;
        const ROUNDS: usize = 500;
        let mut queues = Queues::new();
        let registry = Arc::clone(&queues.registry);
        let done = AtomicBool::new(false);
        let mut sent = 0;
        thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    registry.sweep(|_| ());
                }
            });
            for _ in 0..ROUNDS {
                let logged: Vec<_> = (0..QUEUES).map(|_| queues.log(0)).collect();
                queues.source.gather(false);
                logged.into_iter().for_each(|queue| queues.free(queue));
                queues.source.gather(true);
                sent += queues.send().len();
            }
            done.store(true, Ordering::Relaxed);
        });
        assert_eq!(sent + registry.dropped().full as usize, QUEUES * ROUNDS);
    }

    #[test]
    fn an_empty_ring_is_released_while_another_one_has_messages() {
        let mut queues = Queues::new();
        let pending = queues.log(7);
        for blocked in [false, true] {
            queues.source.gather(false);
            assert!(queues.source.front().is_some());
            let queue = queues.queue();
            queues.source.gather(blocked);
            let ring = Arc::downgrade(&queue.1.ring);
            queues.free(queue);
            assert!(!queues.registry.sweep(|_| ()).any);
            assert_eq!(ring.upgrade().map(|ring| ring.held()), Some(0));
            queues.source.gather(blocked);
            assert!(ring.upgrade().is_none(), "the writer thread still has it");
        }
        queues.free(pending);
        queues.source.gather(false);
        assert_eq!(queues.send(), [7]);
    }
}
