// SPDX-License-Identifier: MIT OR Apache-2.0
//! Tries every order in which the threads of a small program can see the queues' memory. Run with
//! `RUSTFLAGS="--cfg loom" cargo test -p framestream --lib queue`.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize as Count, Ordering};

use loom::thread;

use super::{Consumer, Model, Producer, Ring};

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

/// Tries all orders with up to three preemptions, which is where faults show.
fn model(program: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(program);
}

fn queue(model: Model) -> (Arc<Ring<Entry>>, Producer<Entry>, Consumer<Entry>) {
    let (ring, producer) = Ring::new(model, 2).expect("memory");
    let consumer = ring.claim().expect("the only consumer");
    assert!(ring.claim().is_none(), "one consumer");
    (ring, producer, consumer)
}

/// Pushes `numbers`, and returns those that were taken.
fn push_all(
    producer: &Producer<Entry>,
    numbers: impl IntoIterator<Item = usize>,
    drops: &Arc<Count>,
) -> Vec<usize> {
    let entry = |number| Entry { number, drops: Arc::clone(drops) };
    let numbers = numbers.into_iter();
    numbers.filter(|&number| producer.push(entry(number)).is_ok()).collect()
}

fn drain_into(consumer: &mut Consumer<Entry>, received: &mut Vec<usize>) {
    // loom overlooks that a load of this thread and a store of the other depend on each other
    // where the other has loaded the same atomic before.
    thread::yield_now();
    consumer.drain(|entry| {
        received.push(entry.number);
        true
    });
}

fn take_into(consumer: &mut Consumer<Entry>, received: &mut Vec<usize>) {
    thread::yield_now();
    while let Some(entry) = consumer.take_if(|entry| entry.number != usize::MAX) {
        received.push(entry.number);
    }
}

#[test]
fn spsc_delivers_in_order_and_once() {
    model(|| {
        let (ring, producer, mut consumer) = queue(Model::Spsc);
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
        assert_eq!((ring.len(), ring.pushed()), (0, accepted.len()));
        drop((ring, consumer));
        assert_eq!(drops.load(Ordering::Relaxed), 4, "taken, refused or left: each dropped once");
    });
}

#[test]
fn spsc_keeps_what_the_consumer_does_not_take() {
    model(|| {
        let (_, producer, mut consumer) = queue(Model::Spsc);
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

/// Lets threads share the end of a queue of [`Model::Mpsc`], as its documentation allows.
struct Shared(Producer<Entry>);
// SAFETY: `Producer` says so for the model it is used with here.
unsafe impl Sync for Shared {}

#[test]
fn mpsc_delivers_each_once_and_in_the_order_of_each_producer() {
    model(|| {
        let (ring, producer, mut consumer) = queue(Model::Mpsc);
        let producer = Arc::new(Shared(producer));
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
        assert_eq!(ring.len(), 0);
        drop((ring, consumer, producer));
        assert_eq!(drops.load(Ordering::Relaxed), 4, "taken, refused or left: each dropped once");
    });
}
