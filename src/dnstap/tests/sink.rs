// SPDX-License-Identifier: MIT OR Apache-2.0
//! Sinks that send to a receiver on a Unix socket: logged messages arrive, and the counters agree.

#[path = "../../framestream/tests/patience/mod.rs"]
mod patience;
#[path = "../../framestream/tests/receiver/mod.rs"]
mod receiver;

use std::os::unix::net::UnixListener;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use dnstap::encode::Envelope;
use dnstap::message::Message;
use dnstap::output::Output;
use dnstap::schema::{MessageType, SocketFamily, SocketProtocol};
use dnstap::sink::{Logged, Queue, Sink, SinkOptions, SinkStats};
use framestream::sender::SenderOptions;
use patience::wait_for;
use receiver::{accept_from, receive_from};

fn response(wire: &[u8]) -> Message<'_> {
    Message {
        socket_family: Some(SocketFamily::INET),
        socket_protocol: Some(SocketProtocol::UDP),
        query_address: Some(&[192, 0, 2, 1]),
        response_address: Some(&[192, 0, 2, 53]),
        query_port: Some(40_000),
        response_port: Some(53),
        query_time_sec: Some(1_700_000_000),
        query_time_nsec: Some(1),
        response_time_sec: Some(1_700_000_000),
        response_time_nsec: Some(2),
        response_message: Some(wire),
        ..Message::new(MessageType::CLIENT_RESPONSE)
    }
}

/// Checks that each logged message is counted once.
fn assert_balance(stats: &SinkStats) {
    let refused = stats.dropped_full + stats.dropped_too_long + stats.dropped_invalid;
    let dropped = refused + stats.dropped_closed;
    let accounted = stats.sent + stats.waiting + dropped;
    assert_eq!(stats.logged, accounted, "{stats:?}");
}

fn open(path: &Path, change: impl FnOnce(&mut SinkOptions)) -> Sink {
    let mut options = SinkOptions::new(Output::Unix(path.into()));
    options.identity = Some(b"ns1.example".to_vec());
    change(&mut options);
    Sink::open(options).expect("a sink")
}

/// Logs `wire`, as soon as there is room in the ring.
fn log_all(queue: &mut Queue, wire: &[u8]) {
    let mut log = || queue.log(&response(wire), Envelope::EMPTY);
    wait_for(|| (log() != Logged::Full).then_some(()));
}

fn await_stats(sink: &Sink, condition: impl Fn(&SinkStats) -> bool) {
    wait_for(|| condition(&sink.stats()).then_some(()));
}

fn contains(frame: &[u8], bytes: &[u8]) -> bool {
    frame.windows(bytes.len()).any(|window| window == bytes)
}

#[test]
fn messages_of_short_lived_threads_arrive_in_order() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("socket");
    let receiving = receive_from(UnixListener::bind(&path).expect("a socket"));
    let sink = open(&path, |options| options.queue_bytes = 64 * 1024);
    thread::scope(|scope| {
        for thread in 0..8u32 {
            let sink = &sink;
            scope.spawn(move || {
                let mut queue = sink.queue().expect("a queue");
                for number in 0..5_000u32 {
                    let numbers = [b"number".as_slice(), &thread.to_be_bytes()].concat();
                    let wire = [numbers.as_slice(), &number.to_be_bytes(), &[0; 86]].concat();
                    log_all(&mut queue, &wire);
                }
            });
        }
    });
    assert!(sink.close());
    let stats = sink.stats();
    assert_balance(&stats);
    assert_eq!((stats.sent, stats.waiting, stats.connects), (40_000, 0, 1));
    let frames = receiving.join().expect("the receiver");
    assert_eq!(frames.len(), 40_000);
    let mut next = [0u32; 8];
    for frame in &frames {
        assert!(contains(frame, b"ns1.example"));
        let at = frame.windows(6).position(|window| window == b"number").expect("a number") + 6;
        let number = |at: usize| u32::from_be_bytes(frame[at..at + 4].try_into().expect("4 bytes"));
        let thread = number(at) as usize;
        assert_eq!(number(at + 4), next[thread], "thread {thread}");
        next[thread] += 1;
    }
}

#[test]
fn changed_settings_apply_from_the_next_message_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("socket");
    let receiving = receive_from(UnixListener::bind(&path).expect("a socket"));
    let sink = open(&path, |_| ());
    let mut queue = sink.queue().expect("a queue");
    assert_eq!(queue.log(&response(b"first"), Envelope::EMPTY), Logged::Queued);
    sink.set_message_types(1 << MessageType::AUTH_QUERY.0);
    assert!(!queue.is_enabled(MessageType::CLIENT_RESPONSE));
    assert_eq!(queue.log(&response(b"second"), Envelope::EMPTY), Logged::Disabled);
    sink.set_message_types(dnstap::sink::ALL_MESSAGE_TYPES);
    sink.set_identity(Some(b"ns2.example")).expect("short");
    sink.set_version(Some(b"9")).expect("short");
    let note = Envelope { extra: Some(b"a note"), ..Envelope::EMPTY };
    assert_eq!(queue.log(&response(b"third"), note), Logged::Queued);
    drop(queue);
    assert!(sink.close());
    let frames = receiving.join().expect("the receiver");
    assert_eq!(frames.len(), 2);
    assert!(contains(&frames[0], b"ns1.example") && contains(&frames[0], b"first"));
    assert!(contains(&frames[1], b"ns2.example") && contains(&frames[1], b"third"));
    assert!(contains(&frames[1], b"a note"));
}

#[test]
fn a_message_has_its_own_identity_or_that_of_the_sink() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("socket");
    let receiving = receive_from(UnixListener::bind(&path).expect("a socket"));
    let sink = open(&path, |options| options.version = Some(b"9".into()));
    let mut queue = sink.queue().expect("a queue");
    let own: Option<&[u8]> = Some(b"view.example");
    for envelope in [
        Envelope::EMPTY,
        Envelope { identity: own, ..Envelope::EMPTY },
        Envelope { version: own, ..Envelope::EMPTY },
        Envelope { identity: Some(b""), version: own, extra: own },
        Envelope::EMPTY,
    ] {
        assert_eq!(queue.log(&response(b"wire"), envelope), Logged::Queued);
    }
    drop(queue);
    assert!(sink.close());
    let frames = receiving.join().expect("the receiver");
    let events = frames.iter().map(|frame| dnstap::Event::decode(frame).expect("an event"));
    let names: Vec<_> = events.map(|event| (event.identity, event.version, event.extra)).collect();
    let (identity, version): (Option<&[u8]>, Option<&[u8]>) = (Some(b"ns1.example"), Some(b"9"));
    let expected = [
        (identity, version, None),
        (own, version, None),
        (identity, own, None),
        (Some(&b""[..]), own, own),
        (identity, version, None),
    ];
    assert_eq!(names, expected);
}

#[test]
fn a_receiver_that_does_not_read_does_not_block_logging() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("socket");
    let listener = UnixListener::bind(&path).expect("a socket");
    let sink = open(&path, |options| {
        options.sender =
            SenderOptions { close_timeout: Duration::from_millis(300), ..SenderOptions::default() };
    });
    let mut queue = sink.queue().expect("a queue");
    let silent = accept_from(&listener);
    let mut full = 0;
    for _ in 0..20_000 {
        full += u64::from(queue.log(&response(&[7; 200]), Envelope::EMPTY) == Logged::Full);
    }
    assert!(matches!(queue.log(&response(&[0; 70_000]), Envelope::EMPTY), Logged::Encoding(_)));
    let start = Instant::now();
    assert!(sink.close());
    assert!(start.elapsed() < Duration::from_secs(4), "{:?}", start.elapsed());
    assert_eq!(queue.log(&response(b"late"), Envelope::EMPTY), Logged::Closed);
    let stats = sink.stats();
    assert_balance(&stats);
    assert!(full > 0 && stats.dropped_closed > 0, "{stats:?}");
    assert_eq!((stats.logged, stats.dropped_full, stats.dropped_invalid), (20_001, full, 1));
    drop(silent);
}

#[test]
fn a_message_longer_than_half_of_the_ring_is_dropped_and_counted() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("socket");
    let receiving = receive_from(UnixListener::bind(&path).expect("a socket"));
    let sink = open(&path, |options| options.queue_bytes = 4096);
    let mut queue = sink.queue().expect("a queue");
    assert_eq!(queue.log(&response(&[1; 4000]), Envelope::EMPTY), Logged::TooLong);
    assert_eq!(queue.log(&response(&[1; 1000]), Envelope::EMPTY), Logged::Queued);
    assert!(sink.close());
    let stats = sink.stats();
    assert_balance(&stats);
    assert_eq!((stats.dropped_too_long, stats.sent), (1, 1));
    assert_eq!(receiving.join().expect("the receiver").len(), 1);
}

#[test]
fn a_full_ring_wakes_the_writer_thread_even_before_a_batch_is_pending() {
    // The third message fits neither before the end of the memory nor at its beginning, although
    // less than a batch is pending; the flush timeout is too long to play a role.
    for (capacity, wake, lengths) in
        [(4096, 1024, [1700, 400, 1800]), (128 * 1024, 32 * 1024, [57_000, 23_000, 57_000])]
    {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("socket");
        let receiving = receive_from(UnixListener::bind(&path).expect("a socket"));
        let sink = open(&path, |options| {
            options.queue_bytes = capacity;
            options.sender.flush_timeout = Duration::from_secs(3600);
        });
        let mut queue = sink.queue().expect("a queue");
        await_stats(&sink, |stats| stats.connects == 1);
        let [first, second, third] = lengths.map(|length| vec![1; length]);
        assert_eq!(queue.log(&response(&first), Envelope::EMPTY), Logged::Queued);
        await_stats(&sink, |stats| stats.sent == 1);
        assert_eq!(queue.log(&response(&second), Envelope::EMPTY), Logged::Queued);
        assert!(second.len() < wake, "not a batch");
        log_all(&mut queue, &third);
        let stats = sink.stats();
        assert!(stats.dropped_full > 0, "the ring was never full: {stats:?}");
        assert!(sink.close());
        assert_balance(&sink.stats());
        assert_eq!(receiving.join().expect("the receiver").len(), 3);
    }
}

/// Returns the address space of this process, in which other tests run as well, in bytes.
fn address_space() -> usize {
    let sizes = std::fs::read_to_string("/proc/self/statm").expect("Linux");
    let pages = sizes.split(' ').next().and_then(|pages| pages.parse::<usize>().ok());
    pages.expect("a number of pages") * 4096
}

#[test]
fn freed_queues_hold_no_more_memory_than_the_limit() {
    const LIMIT: usize = 4 << 20;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("socket");
    let sink = open(&path, |options| options.freed_queue_bytes = LIMIT);
    let before = address_space();
    let mut waiting = sink.queue().expect("a queue");
    assert_eq!(waiting.log(&response(b"first"), Envelope::EMPTY), Logged::Queued);
    // Without a receiver, every other queue leaves a pending message.
    for number in 0..8_000 {
        let mut queue = sink.queue().expect("a queue");
        if number % 2 == 0 {
            assert_eq!(queue.log(&response(b"later"), Envelope::EMPTY), Logged::Queued);
        }
    }
    let grown = address_space().saturating_sub(before);
    assert!(grown < 2 << 30, "{} MiB for 8,000 rings of 1 MiB", grown >> 20);
    let stats = sink.stats();
    assert_balance(&stats);
    assert_eq!(stats.logged, 4_001);
    // A message takes one page.
    assert!((2..=LIMIT as u64 / 4096 + 2).contains(&stats.waiting), "{stats:?}");
    assert_eq!(stats.dropped_full, stats.logged - stats.waiting);
    let receiving = receive_from(UnixListener::bind(&path).expect("a socket"));
    await_stats(&sink, |stats| stats.connects == 1);
    drop(waiting);
    assert!(sink.close());
    let last = sink.stats();
    assert_balance(&last);
    assert_eq!((last.waiting, last.sent), (0, stats.waiting));
    let frames = receiving.join().expect("the receiver");
    assert_eq!(frames.len() as u64, last.sent);
    assert!(frames.iter().any(|frame| contains(frame, b"first")), "lost from a queue in use");
}
