// SPDX-License-Identifier: MIT OR Apache-2.0
//! A host that closes descriptors which are not its own, as some do when they become daemons. The
//! descriptors are those of the whole process, so this test has one of its own.

mod patience;
mod receiver;

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Seek;
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::net::{UnixListener, UnixStream};
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
use receiver::{accept, receive};

/// In a file of the host.
const THEIRS: &[u8] = b"not to be touched";

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
fn descriptors_that_the_host_closed_are_replaced_and_those_of_others_left_alone() {
    replaced_without_haste(None);
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("theirs");
    fs::write(&path, THEIRS).expect("a file");
    let mut theirs = File::options().read(true).write(true).open(&path).expect("a file");
    replaced_without_haste(Some(&theirs));
    assert_eq!(theirs.stream_position().expect("a file"), 0, "read from, or written to");
    assert_eq!(fs::read(&path).expect("a file"), THEIRS);
    a_file_goes_on(&theirs);
    assert_eq!(theirs.stream_position().expect("a file"), 0, "read from, or written to");
    assert_eq!(fs::read(&path).expect("a file"), THEIRS);
}

/// Closes descriptors of the library. Puts `theirs` in their places, if there is one, and returns
/// where it is then: not where the writer thread was faster.
fn close_all(ours: Vec<RawFd>, theirs: Option<&File>) -> Vec<RawFd> {
    let replace = |fd: RawFd| {
        // The thread itself closes both ends of a pipe of which it finds one closed.
        assert!(matches!(close(fd), Ok(()) | Err(Errno::EBADF)), "descriptor {fd}");
        let at = fcntl(theirs?, FcntlArg::F_DUPFD_CLOEXEC(fd)).expect("a descriptor");
        if at != fd {
            close(at).expect("open");
        }
        (at == fd).then_some(fd)
    };
    ours.into_iter().filter_map(replace).collect()
}

/// The host closes a file that frames are in, and uses the number for one of its own.
fn a_file_goes_on(theirs: &File) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("ours");
    let before = descriptors();
    let options = IoThrOptions { sender: hasty(), ..IoThrOptions::default() };
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
        close(fd).expect("left alone");
    }
}

fn hasty() -> SenderOptions {
    SenderOptions {
        flush_timeout: Duration::from_millis(10),
        close_timeout: PATIENCE,
        ..SenderOptions::default()
    }
}

fn replaced_without_haste(theirs: Option<&File>) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("socket");
    let listener = UnixListener::bind(&path).expect("a socket");
    listener.set_nonblocking(true).expect("a socket");
    let before = descriptors();
    let transport = SocketSender::unix(&path).expect("a short path");
    let options = IoThrOptions { sender: hasty(), ..IoThrOptions::default() };
    let writer = StreamWriter::new(Box::new(transport), WriterOptions::default());
    let (iothr, producers) = IoThr::start(options, writer).expect("a thread");
    let first = next(&listener);
    wait_for(|| (iothr.stats().connects == 1).then_some(()));
    let ours: Vec<RawFd> =
        descriptors().difference(&before).copied().filter(|fd| *fd != first.as_raw_fd()).collect();
    assert!(ours.len() >= 5, "a socket and two pipes: {ours:?}");
    let replaced = close_all(ours, theirs);
    // A stream whose number was reused notices when it sends.
    producers[0].submit(b"the first".to_vec()).expect("room");

    let mut second = next(&listener);
    assert_eq!(iothr.stats().disconnects, 1);
    let error = iothr.last_error().expect("one");
    assert!(error.contains("the stream broke: Bad file descriptor"), "{error}");
    // All are replaced; the writer thread must be idle now.
    let (began, used) = (Instant::now(), processor_time());
    thread::sleep(Duration::from_millis(500));
    let (took, used) = (began.elapsed(), processor_time() - used);
    assert!(used < took / 2, "{used:?} on the processor in {took:?}");

    producers[0].submit(b"a frame".to_vec()).expect("room");
    let receiving = thread::spawn(move || receive(&mut second));
    let began = Instant::now();
    assert!(iothr.close());
    assert!(began.elapsed() < PATIENCE / 2, "closing took {:?}", began.elapsed());
    assert_eq!(receiving.join().expect("the receiver"), [&b"the first"[..], b"a frame"]);
    drop(first);
    for fd in replaced {
        close(fd).expect("left alone");
    }
}
