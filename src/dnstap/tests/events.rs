// SPDX-License-Identifier: MIT OR Apache-2.0
//! Events of a sink: each change is reported once, and the lost messages are counted exactly.

#[path = "../../framestream/tests/patience/mod.rs"]
mod patience;
#[path = "../../framestream/tests/receiver/mod.rs"]
mod receiver;

use std::io::Read;
use std::os::unix::net::UnixListener;
use std::thread;
use std::time::Duration;

use dnstap::encode::Envelope;
use dnstap::message::Message;
use dnstap::output::Output;
use dnstap::schema::MessageType;
use dnstap::sink::{EventKind, Logged, Queue, SenderEvent, Sink, SinkOptions};
use patience::{PATIENCE, wait_for};
use receiver::accept_from;

fn open(output: Output) -> Sink {
    let mut options = SinkOptions::new(output);
    options.queue_bytes = 4096;
    options.sender.reopen_interval = Duration::from_millis(100);
    // Events must not depend on this timer.
    options.sender.flush_timeout = Duration::from_secs(600);
    Sink::open(options).expect("a sink")
}

#[track_caller]
fn await_event(sink: &Sink, kind: EventKind) -> SenderEvent {
    let event = wait_for(|| sink.next_event());
    assert_eq!(event.kind, kind, "{event:?}");
    event
}

fn log(queue: &mut Queue, wire: &[u8]) -> Logged {
    let query = Message { query_message: Some(wire), ..Message::new(MessageType::CLIENT_QUERY) };
    queue.log(&query, Envelope::EMPTY)
}

/// Logs until `count` messages are dropped.
fn drop_some(queue: &mut Queue, count: usize) {
    let mut left = count;
    while left > 0 {
        if log(queue, &[0; 1000]) == Logged::Full {
            left -= 1;
        }
    }
}

#[test]
fn an_outage_is_reported_once_from_its_failure_to_the_recovery() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("socket");
    let name = path.display();
    let sink = open(Output::Unix(path.clone()));
    let failed = await_event(&sink, EventKind::ConnectFailed);
    assert!(failed.text.starts_with(&format!("{name}: connecting: No such file")), "{failed:?}");
    wait_for(|| (sink.stats().connect_failures >= 3).then_some(()));
    assert_eq!(sink.next_event(), None, "more than the first failure");

    let mut queue = sink.queue().expect("a queue");
    drop_some(&mut queue, 1);
    let dropping = await_event(&sink, EventKind::Dropping);
    assert_eq!((dropping.count, &*dropping.text), (1, "dropping messages: queue full"));
    drop_some(&mut queue, 41);

    let listener = UnixListener::bind(&path).expect("a socket");
    let mut stream = accept_from(&listener);
    let connected = await_event(&sink, EventKind::Connected);
    assert_eq!(connected.text, format!("{name}: connected"));
    let recovered = await_event(&sink, EventKind::Recovered);
    assert_eq!(recovered.count, 42);
    assert!(recovered.text.ends_with(": 42 queue full"), "{recovered:?}");

    let all = &mut [0; 1 << 16];
    assert!(stream.read(all).expect("the sent data") > 0);
    drop(stream);
    let disconnected = await_event(&sink, EventKind::Disconnected);
    let broke = format!("{name}: the stream broke: the receiver closed the connection");
    assert_eq!(disconnected.text, broke);
    let failure = sink.last_failure().expect("a failure");
    assert_eq!(failure.text, broke);
    assert!(failure.time.duration_since(disconnected.time).unwrap_or_default() < PATIENCE);
    let _stream = accept_from(&listener);
    await_event(&sink, EventKind::Connected);
    assert_eq!(sink.last_failure(), Some(failure), "not kept after the reconnect");
    sink.begin_close();
    await_event(&sink, EventKind::Closed);
}

#[test]
fn without_a_receiver_there_is_no_recovery() {
    let sink = open(Output::Unix("/nowhere/socket".into()));
    await_event(&sink, EventKind::ConnectFailed);
    let mut queue = sink.queue().expect("a queue");
    drop_some(&mut queue, 1);
    await_event(&sink, EventKind::Dropping);
    thread::sleep(Duration::from_secs(3));
    assert_eq!(sink.next_event(), None, "recovered while the ring is full");
    sink.begin_close();
    let stats = {
        sink.close();
        sink.stats()
    };
    let closed = await_event(&sink, EventKind::Closed);
    assert_eq!(closed.count, stats.dropped_full + stats.dropped_closed);
    let reasons = format!("1 queue full, {} not sent before", stats.dropped_closed);
    assert!(closed.text.contains(&reasons), "{closed:?}");
}

#[test]
fn each_dropped_message_belongs_to_one_series() {
    let folder = tempfile::tempdir().expect("a folder");
    let sink = open(Output::File(folder.path().join("log")));
    await_event(&sink, EventKind::Connected);
    let lost = thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let mut queue = sink.queue().expect("a queue");
                    // The pauses are close to the time after which a series ends.
                    for pause in [2000, 1, 2010] {
                        for _ in 0..100 {
                            assert_eq!(log(&mut queue, &[0; 40_000]), Logged::TooLong);
                        }
                        thread::sleep(Duration::from_millis(pause));
                    }
                    300
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("a thread")).sum::<u64>()
    });
    sink.close();
    let (mut count, mut open) = (0, false);
    while let Some(event) = sink.next_event() {
        match event.kind {
            EventKind::Dropping => assert!(!std::mem::replace(&mut open, true), "{event:?}"),
            EventKind::Recovered => {
                assert!(std::mem::replace(&mut open, false), "{event:?}");
                count += event.count;
            }
            EventKind::Closed => count += event.count,
            _ => panic!("{event:?}"),
        }
    }
    assert_eq!((count, lost), (1200, 1200));
}
