// SPDX-License-Identifier: MIT OR Apache-2.0
//! Receivers that stop, die, come back or start late: the frames that the library has accepted are
//! received, or counted as lost.

use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::capture::Capture;
use crate::endpoint::Endpoint;
use crate::producer::{CONTENT_TYPE, Load, Producer};
use crate::receiver::{Connection, Listener};
use crate::stream;

/// Size of the length of a frame in bytes.
const LENGTH_SIZE: usize = 4;

/// 2 MB a second; the default memory limit is enough for 8 seconds.
const STEADY: Load = Load { rate: 20_000, size: 100, memory_limit: 16 << 20 };

/// In a second, more than fits into the sockets and the memory.
const TOO_MUCH: Load = Load { rate: 20_000, size: 1000, memory_limit: 131_072 };

/// In a quarter of a second, more than fits into a socket; three quarters fit into memory.
const BACKED_UP: Load = Load { rate: 20_000, size: 1000, memory_limit: 16 << 20 };

/// Frames that are larger than a socket accepts at once.
const LARGE: Load = Load { rate: 200, size: 150_000, memory_limit: 16 << 20 };

/// Time for which a receiver is away.
const OUTAGE: Duration = Duration::from_secs(1);

/// Time limit of `fstrm_iothr_destroy` with a receiver that does not read.
const DESTROY_LIMIT: Duration = Duration::from_secs(3);

/// Returns the numbers of received frames. Checks that they are intact, unique and in order.
fn numbers(payloads: &[Vec<u8>], load: Load) -> Vec<u64> {
    let number = |payload: &Vec<u8>| {
        let (number, filling) = payload.split_first_chunk().expect("a number");
        assert_eq!(payload.len(), load.size);
        assert!(filling.iter().all(|byte| *byte == number[7]), "a damaged frame: {payload:?}");
        u64::from_be_bytes(*number)
    };
    let numbers: Vec<u64> = payloads.iter().map(number).collect();
    assert!(numbers.is_sorted_by(|one, next| one < next), "frames are repeated or out of order");
    numbers
}

/// Checks that the frames `0..count` were received, each once and in order.
fn assert_all(payloads: &[Vec<u8>], load: Load, count: u64) {
    let numbers = numbers(payloads, load);
    assert_eq!((numbers.len() as u64, numbers.last().copied()), (count, count.checked_sub(1)));
}

/// Receives the rest of a stream in a thread.
fn finish_in_thread(connection: Connection) -> JoinHandle<Vec<Vec<u8>>> {
    thread::spawn(|| connection.finish())
}

fn a_receiver_that_is_suspended_for_a_second_gets_every_frame(endpoint: &Endpoint) {
    let capture = Capture::start(endpoint, CONTENT_TYPE);
    let mut producer = Producer::start(endpoint, STEADY);
    producer.submit(5_000);
    capture.pause();
    assert!(producer.submit(20_000)["waiting"] > 0);
    capture.resume();
    producer.submit(5_000);
    let report = producer.settle();
    assert_eq!((report["refused"], report["written"]), (0, 30_000));
    producer.destroy(30_000);
    assert_all(&stream::complete_file(&capture.stop().path), STEADY, 30_000);
}

fn a_receiver_that_is_suspended_for_too_long_gets_all_that_was_not_refused(endpoint: &Endpoint) {
    let capture = Capture::start(endpoint, CONTENT_TYPE);
    let mut producer = Producer::start(endpoint, TOO_MUCH);
    producer.submit(1_000);
    capture.pause();
    assert!(producer.submit(20_000)["refused"] > 0);
    capture.resume();
    producer.submit(1_000);
    let report = producer.settle();
    assert_eq!(report["written"], report["accepted"]);
    producer.destroy(report["accepted"]);
    let received = numbers(&stream::complete_file(&capture.stop().path), TOO_MUCH);
    assert_eq!(received.len() as u64, report["accepted"]);
}

fn a_receiver_that_comes_late_gets_every_frame(endpoint: &Endpoint) {
    let mut producer = Producer::start(endpoint, STEADY);
    let report = producer.submit(10_000);
    assert_eq!((report["waiting"], report["connects"]), (10_000, 0));
    assert!(report["connect_failures"] > 0);
    let capture = Capture::start(endpoint, CONTENT_TYPE);
    producer.submit(10_000);
    let report = producer.settle();
    assert_eq!((report["refused"], report["written"]), (0, 20_000));
    producer.destroy(20_000);
    assert_all(&stream::complete_file(&capture.stop().path), STEADY, 20_000);
}

fn a_receiver_that_is_away_for_a_second_misses_nothing(endpoint: &Endpoint) {
    let listener = Listener::new(endpoint);
    let mut producer = Producer::start(endpoint, STEADY);
    producer.begin(60_000);
    let mut connection = listener.accept();
    let mut received = connection.read(15_000);
    drop(listener);
    received.extend(connection.cut(&producer).0);
    thread::sleep(OUTAGE);
    let reader = finish_in_thread(Listener::new(endpoint).accept());
    assert_eq!(producer.report()["refused"], 0);
    let report = producer.settle();
    assert_eq!((report["connects"], report["disconnects"]), (2, 1));
    assert!(report["connect_failures"] > 0);
    producer.destroy(60_000);
    received.extend(reader.join().unwrap());
    assert_all(&received, STEADY, 60_000);
}

fn connections_cut_under_load_lose_nothing(endpoint: &Endpoint) {
    let listener = Listener::new(endpoint);
    let mut producer = Producer::start(endpoint, STEADY);
    producer.begin(50_000);
    let mut received = Vec::new();
    for _ in 0..5 {
        let mut connection = listener.accept();
        received.extend(connection.read(4_000));
        received.extend(connection.cut(&producer).0);
    }
    let reader = finish_in_thread(listener.accept());
    assert_eq!(producer.report()["refused"], 0);
    let report = producer.settle();
    assert_eq!((report["connects"], report["disconnects"]), (6, 5));
    producer.destroy(50_000);
    received.extend(reader.join().unwrap());
    assert_all(&received, STEADY, 50_000);
}

fn connections_cut_while_nothing_more_fits_in_lose_nothing(endpoint: &Endpoint) {
    let listener = Listener::new(endpoint);
    let mut producer = Producer::start(endpoint, BACKED_UP);
    let mut received = Vec::new();
    for _ in 0..3 {
        let connection = listener.accept();
        assert!(producer.submit(5_000)["waiting"] > 0);
        received.extend(connection.cut(&producer).0);
    }
    let reader = finish_in_thread(listener.accept());
    assert_eq!(producer.settle()["refused"], 0);
    producer.destroy(15_000);
    received.extend(reader.join().unwrap());
    assert_all(&received, BACKED_UP, 15_000);
}

fn frames_torn_by_cuts_are_sent_again_as_a_whole(endpoint: &Endpoint) {
    let listener = Listener::new(endpoint);
    let mut producer = Producer::start(endpoint, LARGE);
    producer.submit(40);
    let (mut received, mut torn) = (Vec::new(), 0);
    for _ in 0..3 {
        let mut connection = listener.accept();
        received.extend(connection.read(1));
        // Meanwhile, the writer thread fills the socket, and stops inside a frame.
        producer.submit(40);
        let (rest, torn_here) = connection.cut(&producer);
        received.extend(rest);
        torn += usize::from(torn_here > 0);
    }
    assert!(torn > 0, "no frame was torn");
    let reader = finish_in_thread(listener.accept());
    producer.settle();
    producer.destroy(160);
    received.extend(reader.join().unwrap());
    assert_all(&received, LARGE, 160);
}

fn a_killed_receiver_costs_only_what_it_had_not_read(endpoint: &Endpoint) {
    let first = Capture::start(endpoint, CONTENT_TYPE);
    let mut producer = Producer::start(endpoint, STEADY);
    producer.begin(10_000);
    producer.begin(40_000);
    producer.report();
    let first = first.kill();
    let second = Capture::start(endpoint, CONTENT_TYPE);
    assert_eq!(producer.report()["refused"], 0);
    let report = producer.settle();
    assert_eq!((report["written"], report["connects"], report["disconnects"]), (50_000, 2, 1));
    producer.destroy(50_000);
    let second = second.stop();

    // The two captures contain the frames before a gap and those after it.
    let before = stream::file(&first.path).0;
    assert_all(&before, STEADY, before.len() as u64);
    let after = numbers(&stream::complete_file(&second.path), STEADY);
    let gap_end = 50_000 - after.len() as u64;
    assert!(gap_end >= before.len() as u64 && !before.is_empty() && !after.is_empty());
    assert_eq!((after.first(), after.last()), (Some(&gap_end), Some(&49_999)));
}

fn destroy_does_not_wait_for_a_receiver_that_is_suspended(endpoint: &Endpoint) {
    let mut capture = Capture::start(endpoint, CONTENT_TYPE);
    let mut producer = Producer::start(endpoint, TOO_MUCH);
    capture.wait_for_connection();
    capture.pause();
    let full = producer.submit(20_000)["refused"];
    let report = producer.submit(1_000);
    assert_eq!(report["refused"], full + 1_000, "everything is full");
    let took = producer.destroy(report["accepted"]);
    assert!(took < DESTROY_LIMIT, "{took:?}");
    capture.resume();
    capture.wait_for_hang_up();
    let payloads = stream::complete_file(&capture.stop().path);
    let taken = report["bytes_written"] / (LENGTH_SIZE + TOO_MUCH.size) as u64;
    let received = payloads.len() as u64;
    assert_all(&payloads, TOO_MUCH, received);
    match endpoint {
        Endpoint::Unix(_) => assert_eq!(received, taken),
        // With TCP, the system may accept a little more after a while.
        Endpoint::Tcp(_) => assert!((taken..report["accepted"]).contains(&received)),
    }
}

/// Defines two tests for each function.
macro_rules! over_unix_and_tcp {
    ($($test:ident),* $(,)?) => {
        mod over_unix {
            $(
                #[test]
                #[ignore = "needs an installed tree and Debian's servers: make test"]
                fn $test() {
                    let folder = tempfile::tempdir().unwrap();
                    super::$test(&super::Endpoint::unix(folder.path()));
                }
            )*
        }
        mod over_tcp {
            $(
                #[test]
                #[ignore = "needs an installed tree and Debian's servers: make test"]
                fn $test() {
                    super::$test(&super::Endpoint::tcp());
                }
            )*
        }
    };
}

over_unix_and_tcp!(
    a_receiver_that_is_suspended_for_a_second_gets_every_frame,
    a_receiver_that_is_suspended_for_too_long_gets_all_that_was_not_refused,
    a_receiver_that_comes_late_gets_every_frame,
    a_receiver_that_is_away_for_a_second_misses_nothing,
    connections_cut_under_load_lose_nothing,
    connections_cut_while_nothing_more_fits_in_lose_nothing,
    frames_torn_by_cuts_are_sent_again_as_a_whole,
    a_killed_receiver_costs_only_what_it_had_not_read,
    destroy_does_not_wait_for_a_receiver_that_is_suspended,
);
