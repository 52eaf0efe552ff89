// SPDX-License-Identifier: MIT OR Apache-2.0
//! A host that closes descriptors which are not its own, as some do when they become daemons. The
//! descriptors are those of the whole process, so this test has one of its own.

mod patience;
mod receiver;

use std::collections::BTreeSet;
use std::fs;
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::thread;
use std::time::{Duration, Instant};

use framestream::iothr::{IoThr, Options};
use framestream::sender;
use framestream::transport::SocketSender;
use framestream::writer::{Writer, WriterOptions};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use nix::unistd::close;
use patience::{PATIENCE, wait_for};
use receiver::{accept, receive};

/// The open descriptors.
fn descriptors() -> BTreeSet<RawFd> {
    let entries = fs::read_dir("/proc/self/fd").expect("of Linux");
    let listed: Vec<RawFd> =
        entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).collect();
    // One of them is that which listed them.
    let is_open = |fd: &RawFd| fs::read_link(format!("/proc/self/fd/{fd}")).is_ok();
    listed.into_iter().filter(is_open).collect()
}

/// Time on the processor so far, of all threads.
fn processor_time() -> Duration {
    let usage = getrusage(UsageWho::RUSAGE_SELF).expect("of this process");
    let times = [usage.user_time(), usage.system_time()];
    times.iter().map(|time| Duration::from_micros(time.num_microseconds() as u64)).sum()
}

fn next(listener: &UnixListener) -> UnixStream {
    let mut stream = wait_for(|| listener.accept().ok()).0;
    stream.set_nonblocking(false).expect("a socket");
    stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
    accept(&mut stream);
    stream
}

#[test]
fn descriptors_that_the_host_closed_are_replaced_without_haste() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("socket");
    let listener = UnixListener::bind(&path).expect("a socket");
    listener.set_nonblocking(true).expect("a socket");
    let before = descriptors();
    let transport = SocketSender::unix(&path).expect("a short path");
    let sender = sender::Options {
        flush_timeout: Duration::from_millis(10),
        close_timeout: PATIENCE,
        ..sender::Options::default()
    };
    let options = Options { sender, ..Options::default() };
    let writer = Writer::new(Box::new(transport), WriterOptions::default());
    let (iothr, producers) = IoThr::start(options, writer).expect("a thread");
    let first = next(&listener);
    wait_for(|| (iothr.stats().connects == 1).then_some(()));
    let ours: Vec<RawFd> =
        descriptors().difference(&before).copied().filter(|fd| *fd != first.as_raw_fd()).collect();
    assert!(ours.len() >= 5, "a socket and two pipes: {ours:?}");
    for fd in ours {
        close(fd).expect("open");
    }

    let mut second = next(&listener);
    assert_eq!(iothr.stats().disconnects, 1);
    let error = iothr.last_error().expect("one");
    assert!(error.contains("the stream broke: Bad file descriptor"), "{error}");
    // All is replaced; there is nothing left to be busy with.
    let (began, used) = (Instant::now(), processor_time());
    thread::sleep(Duration::from_millis(500));
    let (took, used) = (began.elapsed(), processor_time() - used);
    assert!(used < took / 2, "{used:?} on the processor in {took:?}");

    producers[0].submit(b"a frame".to_vec()).expect("room");
    let receiving = thread::spawn(move || receive(&mut second));
    let began = Instant::now();
    assert!(iothr.close());
    assert!(began.elapsed() < PATIENCE / 2, "closing took {:?}", began.elapsed());
    assert_eq!(receiving.join().expect("the receiver"), [b"a frame"]);
    drop(first);
}
