// SPDX-License-Identifier: MIT OR Apache-2.0
//! Tests that try every order in which a logging thread and the writer thread can access a ring.
//! Run with `RUSTFLAGS="--cfg loom" cargo test -p libdnstap --lib ring`.

use std::sync::Arc;

use loom::thread;

use super::{Consumer, Ring};

/// Sends all available frames.
fn drain(consumer: &mut Consumer, sent: &mut Vec<u8>, frames: &mut usize) {
    // loom overlooks the dependency between a load of this thread and a store of another one that
    // has loaded the same atomic before.
    thread::yield_now();
    consumer.refresh();
    while let Some(front) = consumer.front() {
        sent.extend_from_slice(front);
        let count = front.len();
        *frames += consumer.consume(count);
    }
}

#[test]
fn frames_around_the_end_of_the_memory_are_intact_and_in_order() {
    loom::model(|| {
        let mut producer = Ring::allocate(16).expect("memory");
        let mut consumer = producer.ring().claim().expect("the only consumer");
        let producing = thread::spawn(move || {
            let mut frame = |number: u8| {
                let length = usize::from(number % 2) + 1;
                let room = producer.reserve(3).ok()?;
                room.payload[..length].fill(number);
                room.commit(length);
                Some(number)
            };
            (1..=4).filter_map(frame).collect::<Vec<_>>()
        });
        let (mut sent, mut frames) = (Vec::new(), 0);
        drain(&mut consumer, &mut sent, &mut frames);
        drain(&mut consumer, &mut sent, &mut frames);
        let accepted = producing.join().expect("producer");
        drain(&mut consumer, &mut sent, &mut frames);
        let expected: Vec<u8> = accepted
            .iter()
            .flat_map(|number| {
                let length = number % 2 + 1;
                [vec![0, 0, 0, length], vec![*number; length.into()]].concat()
            })
            .collect();
        assert_eq!((sent, frames), (expected, accepted.len()));
    });
}

#[test]
fn a_consumer_that_is_claimed_later_misses_nothing() {
    loom::model(|| {
        let mut producer = Ring::allocate(16).expect("memory");
        let ring = Arc::clone(producer.ring());
        producer.renew();
        let producing = thread::spawn(move || {
            for number in 1..=2 {
                let room = producer.reserve(1).expect("room for two");
                room.payload.fill(number);
                room.commit(1);
            }
        });
        let mut consumer = ring.claim().expect("the only consumer");
        let (mut sent, mut frames) = (Vec::new(), 0);
        drain(&mut consumer, &mut sent, &mut frames);
        producing.join().expect("producer");
        drain(&mut consumer, &mut sent, &mut frames);
        assert_eq!((sent, frames), (vec![0, 0, 0, 1, 1, 0, 0, 0, 1, 2], 2));
    });
}
