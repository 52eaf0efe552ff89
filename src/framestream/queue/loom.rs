// SPDX-License-Identifier: MIT OR Apache-2.0
//! Tests that try every order in which threads can access the memory of the queues. Run with
//! `RUSTFLAGS="--cfg loom" cargo test -p frame-streams --lib queue`.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize as Count, Ordering};

use loom::thread;

use super::{Queue, QueueConsumer, QueueModel, QueueProducer};

/// An entry that counts how often it was dropped.
struct Entry {
    number: usize,
    drops: Arc<Count>,
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.drops.fetch_add(1, Ordering::Relaxed);
    }
}

/// Tries all orders with up to three preemptions, which are enough to find most races.
fn model(program: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(program);
}

fn queue(model: QueueModel) -> (Arc<Queue<Entry>>, QueueProducer<Entry>, QueueConsumer<Entry>) {
    let (queue, producer) = Queue::new(model, 2).expect("memory");
    let consumer = queue.claim().expect("the only consumer");
    assert!(queue.claim().is_none(), "a second consumer");
    (queue, producer, consumer)
}

/// Pushes `numbers`, and returns those that were accepted.
fn push_all(
    producer: &QueueProducer<Entry>,
    numbers: impl IntoIterator<Item = usize>,
    drops: &Arc<Count>,
) -> Vec<usize> {
    let entry = |number| Entry { number, drops: Arc::clone(drops) };
    let numbers = numbers.into_iter();
    numbers.filter(|&number| producer.push(entry(number)).is_ok()).collect()
}

fn drain_into(consumer: &mut QueueConsumer<Entry>, received: &mut Vec<usize>) {
    // loom overlooks the dependency between a load of this thread and a store of another one that
    // has loaded the same atomic before.
    thread::yield_now();
    consumer.drain(|entry| {
        received.push(entry.number);
        true
    });
}

fn take_into(consumer: &mut QueueConsumer<Entry>, received: &mut Vec<usize>) {
    thread::yield_now();
    while let Some(entry) = consumer.take_if(|entry| entry.number != usize::MAX) {
        received.push(entry.number);
    }
}

#[test]
fn spsc_delivers_each_entry_once_and_in_order() {
    model(|| {
        let (queue, producer, mut consumer) = queue(QueueModel::Spsc);
        let drops = Arc::new(Count::new(0));
        let producing = thread::spawn({
            let drops = Arc::clone(&drops);
            move || push_all(&producer, 0..4, &drops)
        });
        let mut received = Vec::new();
        take_into(&mut consumer, &mut received);
        drain_into(&mut consumer, &mut received);
        let accepted = producing.join().expect("producer");
        drain_into(&mut consumer, &mut received);
        assert_eq!(received, accepted);
        assert_eq!((queue.len(), queue.pushed()), (0, accepted.len()));
        drop((queue, consumer));
        assert_eq!(drops.load(Ordering::Relaxed), 4, "not each entry dropped once");
    });
}

#[test]
fn spsc_keeps_entries_that_the_consumer_leaves() {
    model(|| {
        let (_, producer, mut consumer) = queue(QueueModel::Spsc);
        let drops = Arc::new(Count::new(0));
        let producing = thread::spawn({
            let drops = Arc::clone(&drops);
            move || push_all(&producer, 0..2, &drops)
        });
        let taken = consumer.drain(|entry| entry.number == 0);
        assert!(taken <= 1);
        producing.join().expect("producer");
        let mut rest = Vec::new();
        drain_into(&mut consumer, &mut rest);
        assert_eq!(rest, (taken..2).collect::<Vec<_>>());
    });
}

/// A producing end that threads share, as its documentation allows for [`QueueModel::Mpsc`].
struct SharedProducer(QueueProducer<Entry>);
// SAFETY: the model of the queue is `Mpsc`.
unsafe impl Sync for SharedProducer {}

#[test]
fn mpsc_delivers_each_entry_once_and_in_the_order_of_its_producer() {
    model(|| {
        let (queue, producer, mut consumer) = queue(QueueModel::Mpsc);
        let producer = Arc::new(SharedProducer(producer));
        let drops = Arc::new(Count::new(0));
        let producing = [0, 10].map(|first| {
            let (producer, drops) = (Arc::clone(&producer), Arc::clone(&drops));
            thread::spawn(move || push_all(&producer.0, first..first + 2, &drops))
        });
        let mut received = Vec::new();
        take_into(&mut consumer, &mut received);
        let accepted = producing.map(|thread| thread.join().expect("producer"));
        drain_into(&mut consumer, &mut received);
        for own in accepted {
            let of_own = |number: &&usize| own.contains(number);
            let received: Vec<_> = received.iter().filter(of_own).copied().collect();
            assert_eq!(received, own);
        }
        assert_eq!(queue.len(), 0);
        drop((queue, consumer, producer));
        assert_eq!(drops.load(Ordering::Relaxed), 4, "not each entry dropped once");
    });
}
