// SPDX-License-Identifier: MIT OR Apache-2.0
//! Hosts that close descriptors of the library, as some do when they become daemons. Descriptors
//! belong to the whole process, so this test program contains only one test.

mod patience;
mod receiver;

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Seek;
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::net::UnixListener;
use std::thread;
use std::time::{Duration, Instant};

use framestream::iothr::{IoThr, IoThrOptions};
use framestream::reader::{ReaderOptions, StreamReader};
use framestream::sender::SenderOptions;
use framestream::transport::{FileReceiver, FileSender, SocketSender};
use framestream::writer::{StreamWriter, WriterOptions};
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use nix::unistd::close;
use patience::{PATIENCE, wait_for};
use receiver::{accept_from, receive};

/// The content of a file of the host.
const THEIRS: &[u8] = b"not to be touched";

/// Returns the open descriptors.
fn descriptors() -> BTreeSet<RawFd> {
    let entries = fs::read_dir("/proc/self/fd").expect("Linux");
    let listed: Vec<RawFd> =
        entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).collect();
    // One of them was used to list them, and is closed by now.
    let is_open = |fd: &RawFd| fs::read_link(format!("/proc/self/fd/{fd}")).is_ok();
    listed.into_iter().filter(is_open).collect()
}

/// Returns the CPU time of all threads so far.
fn cpu_time() -> Duration {
    let usage = getrusage(UsageWho::RUSAGE_SELF).expect("usage");
    let times = [usage.user_time(), usage.system_time()];
    times.iter().map(|time| Duration::from_micros(time.num_microseconds() as u64)).sum()
}

#[test]
fn closed_descriptors_are_replaced_and_those_of_the_host_are_untouched() {
    check_socket(None);
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("theirs");
    fs::write(&path, THEIRS).expect("a file");
    let mut theirs = File::options().read(true).write(true).open(&path).expect("a file");
    check_socket(Some(&theirs));
    assert_eq!(theirs.stream_position().expect("a file"), 0, "read from, or written to");
    assert_eq!(fs::read(&path).expect("a file"), THEIRS);
    check_file(&theirs);
    assert_eq!(theirs.stream_position().expect("a file"), 0, "read from, or written to");
    assert_eq!(fs::read(&path).expect("a file"), THEIRS);
}

/// Closes descriptors of the library, and reuses their numbers for duplicates of `theirs`, if any.
/// Returns these numbers, without those that the writer thread has reused before.
fn close_all(ours: Vec<RawFd>, theirs: Option<&File>) -> Vec<RawFd> {
    let replace = |fd: RawFd| {
        // If the thread finds one of its pair closed, it closes the other one itself.
        assert!(matches!(close(fd), Ok(()) | Err(Errno::EBADF)), "descriptor {fd}");
        let at = fcntl(theirs?, FcntlArg::F_DUPFD_CLOEXEC(fd)).expect("a descriptor");
        if at != fd {
            close(at).expect("open");
        }
        (at == fd).then_some(fd)
    };
    ours.into_iter().filter_map(replace).collect()
}

/// Checks that a file is continued after the host has closed its descriptor and reused the number.
fn check_file(theirs: &File) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("ours");
    let before = descriptors();
    let options = IoThrOptions { sender: sender_options(), ..IoThrOptions::default() };
    let writer = StreamWriter::new(Box::new(FileSender::new(&path)), WriterOptions::default());
    let (iothr, producers) = IoThr::start(options, writer).expect("a thread");
    producers[0].submit(b"before".to_vec()).expect("room");
    wait_for(|| (iothr.stats().written == 1).then_some(()));
    let ours: Vec<RawFd> = descriptors().difference(&before).copied().collect();
    let replaced = close_all(ours, Some(theirs));
    producers[0].submit(b"after".to_vec()).expect("room");
    wait_for(|| (iothr.stats().written == 2).then_some(()));
    assert!(iothr.close());
    let mut reader =
        StreamReader::new(Box::new(FileReceiver::new(&path)), ReaderOptions::default());
    for frame in [&b"before"[..], b"after"] {
        assert_eq!(reader.read().expect("a stream"), Some(frame));
    }
    assert_eq!(reader.read().expect("a stream"), None);
    for fd in replaced {
        close(fd).expect("still open");
    }
}

fn sender_options() -> SenderOptions {
    SenderOptions {
        flush_timeout: Duration::from_millis(10),
        close_timeout: PATIENCE,
        ..SenderOptions::default()
    }
}

/// Checks that the descriptors of a connected writer thread are replaced after the host has closed
/// them, and that the thread does not busy-loop.
fn check_socket(theirs: Option<&File>) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("socket");
    let listener = UnixListener::bind(&path).expect("a socket");
    let before = descriptors();
    let transport = SocketSender::unix(&path).expect("a short path");
    let options = IoThrOptions { sender: sender_options(), ..IoThrOptions::default() };
    let writer = StreamWriter::new(Box::new(transport), WriterOptions::default());
    let (iothr, producers) = IoThr::start(options, writer).expect("a thread");
    let first = accept_from(&listener);
    wait_for(|| (iothr.stats().connects == 1).then_some(()));
    let ours: Vec<RawFd> =
        descriptors().difference(&before).copied().filter(|fd| *fd != first.as_raw_fd()).collect();
    assert_eq!(ours.len(), 3, "a socket and a pair to wake the thread: {ours:?}");
    let replaced = close_all(ours, theirs);
    // A stream whose descriptor was reused detects it on the next write.
    producers[0].submit(b"the first".to_vec()).expect("room");

    let mut second = accept_from(&listener);
    assert_eq!(iothr.stats().disconnects, 1);
    let error = iothr.last_error().expect("an error");
    assert!(error.contains("the stream broke: Bad file descriptor"), "{error}");
    // All are replaced; the writer thread must be idle now.
    let (start, used) = (Instant::now(), cpu_time());
    thread::sleep(Duration::from_millis(500));
    let (took, used) = (start.elapsed(), cpu_time() - used);
    assert!(used < took / 2, "{used:?} of CPU time in {took:?}");

    producers[0].submit(b"a frame".to_vec()).expect("room");
    let receiving = thread::spawn(move || receive(&mut second));
    let start = Instant::now();
    assert!(iothr.close());
    assert!(start.elapsed() < PATIENCE / 2, "closing took {:?}", start.elapsed());
    assert_eq!(receiving.join().expect("the receiver"), [&b"the first"[..], b"a frame"]);
    drop(first);
    for fd in replaced {
        close(fd).expect("still open");
    }
}
