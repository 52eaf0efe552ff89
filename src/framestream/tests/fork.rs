// SPDX-License-Identifier: MIT OR Apache-2.0
//! Forks while other threads are using the library.

mod patience;
mod receiver;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::io::Read;
use std::os::unix::net::UnixListener;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};
use std::thread;
use std::time::Instant;

use framestream::fork::{self, Lock};
use framestream::iothr::{FrameProducer, IoThr, IoThrOptions, Refused};
use framestream::sender::{LinkState, SenderOptions};
use framestream::transport::{FileSender, SocketSender, Transport};
use framestream::writer::{StreamWriter, WriterOptions};
use nix::libc::{_exit, pthread_atfork};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, alarm, fork};
use patience::{PATIENCE, wait_for};
use receiver::{connection, read_file};

/// An allocator that counts the allocations of each thread.
struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

/// Number of allocations in fork handlers.
static IN_HANDLERS: AtomicUsize = AtomicUsize::new(0);

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// SAFETY: it forwards to the allocator of the system.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: as for this function.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: as for this function.
        unsafe { System.dealloc(memory, layout) }
    }
}

/// Runs a fork handler, and counts its allocations.
fn counted(handler: impl FnOnce()) {
    let before = ALLOCATIONS.get();
    handler();
    IN_HANDLERS.fetch_add(ALLOCATIONS.get() - before, Ordering::Relaxed);
}

extern "C" fn prepare() {
    counted(fork::prepare);
}

extern "C" fn in_parent() {
    counted(fork::in_parent);
}

extern "C" fn in_child() {
    // SAFETY: called by `fork` in the child before that returns.
    counted(|| unsafe { fork::mark_child() });
}

/// Forks, and checks that `work` returns true in the child.
fn in_forked_child(work: impl FnOnce() -> bool) {
    static HANDLERS: Once = Once::new();
    HANDLERS.call_once(|| {
        // SAFETY: the handlers may run in a process with threads.
        let result = unsafe { pthread_atfork(Some(prepare), Some(in_parent), Some(in_child)) };
        assert_eq!(result, 0);
    });
    // SAFETY: the child uses only the C library and this crate, which support children of a process
    // with threads.
    match unsafe { fork() }.expect("a child") {
        ForkResult::Child => {
            // Kills a child that hangs.
            alarm::set(PATIENCE.as_secs() as u32);
            let status = i32::from(!work() || IN_HANDLERS.load(Ordering::Relaxed) > 0);
            // SAFETY: no destructors or exit handlers need to run.
            unsafe { _exit(status) }
        }
        ForkResult::Parent { child } => {
            assert_eq!(waitpid(child, None), Ok(WaitStatus::Exited(child, 0)));
        }
    }
}

/// Runs the tests one after the other: a fork waits for the locks of all, which may take long on a
/// busy machine.
fn serialize() -> MutexGuard<'static, ()> {
    static TESTS: Mutex<()> = Mutex::new(());
    TESTS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A guard that sets a flag when it is dropped, even by a panic, so that threads do not wait for
/// the flag endlessly.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Runs `work` repeatedly in two threads until `meanwhile` has returned.
fn with_threads(work: impl Fn() + Sync, meanwhile: impl FnOnce()) {
    let over = AtomicBool::new(false);
    let started = AtomicUsize::new(0);
    thread::scope(|scope| {
        let _over = Over(&over);
        for _ in 0..2 {
            scope.spawn(|| {
                started.fetch_add(1, Ordering::Relaxed);
                while !over.load(Ordering::Relaxed) {
                    work();
                }
            });
        }
        wait_for(|| (started.load(Ordering::Relaxed) == 2).then_some(()));
        meanwhile();
    });
}

fn start(transport: impl Transport + 'static) -> (IoThr<Vec<u8>>, FrameProducer<Vec<u8>>) {
    let mut options = WriterOptions::default();
    options.io_timeout = PATIENCE / 2;
    let writer = StreamWriter::new(Box::new(transport), options);
    let sender = SenderOptions { close_timeout: PATIENCE / 2, ..SenderOptions::default() };
    let options = IoThrOptions { sender, ..IoThrOptions::default() };
    let (iothr, mut producers) = IoThr::start(options, writer).expect("a thread");
    (iothr, producers.pop().expect("a queue"))
}

#[test]
fn locks_are_free_and_their_values_consistent_in_a_child() {
    let _serialized = serialize();
    let pair = Lock::new((0u64, 0u64));
    let step = || {
        let mut pair = pair.lock();
        pair.0 += 1;
        for _ in 0..100 {
            std::hint::spin_loop();
        }
        pair.1 += 1;
    };
    with_threads(step, || {
        let generation = fork::generation();
        for _ in 0..500 {
            in_forked_child(|| {
                let values = *pair.lock();
                step();
                values.0 == values.1
                    && pair.lock().0 == values.0 + 1
                    && fork::generation() == generation + 1
            });
        }
        assert_eq!(fork::generation(), generation);
    });
    let values = *pair.lock();
    assert_eq!(values.0, values.1);
    assert_eq!(IN_HANDLERS.load(Ordering::Relaxed), 0);
}

#[test]
fn locks_are_free_in_a_child_of_a_child() {
    let _serialized = serialize();
    let lock = Lock::new(0);
    with_threads(
        || *lock.lock() += 1,
        || {
            for _ in 0..50 {
                in_forked_child(|| {
                    in_forked_child(|| *lock.lock() >= 0);
                    *lock.lock() >= 0
                });
            }
        },
    );
}

#[test]
fn handlers_may_be_registered_twice() {
    let _serialized = serialize();
    let lock = Lock::new(1);
    fork::prepare();
    fork::prepare();
    fork::in_parent();
    fork::in_parent();
    assert_eq!(*lock.lock(), 1);
    // As if only the child had a handler.
    fork::in_parent();
    assert_eq!(*lock.lock(), 1);
}

#[test]
fn a_child_can_send_and_close_whatever_the_threads_of_the_parent_are_doing() {
    let _serialized = serialize();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("frames");
    let (iothr, producer) = start(FileSender::new(&path));
    wait_for(|| (iothr.stats().connects > 0).then_some(()));
    let other_work = || {
        drop(iothr.last_error());
        iothr.reopen();
    };
    with_threads(other_work, || {
        for _ in 0..50 {
            in_forked_child(|| {
                let accepted = producer.submit(b"child".to_vec()).is_ok();
                let closed = iothr.close();
                let own = path.with_extension(std::process::id().to_string());
                let stats = iothr.stats();
                accepted
                    && closed
                    && (stats.accepted, stats.written) == (1, 1)
                    && read_file(&own) == [b"child"]
            });
        }
    });
    producer.submit(b"parent".to_vec()).expect("room");
    assert!(iothr.close());
    assert_eq!(read_file(&path), [b"parent"]);
}

#[test]
fn a_child_can_close_while_it_submits_its_first_frame() {
    let _serialized = serialize();
    let folder = tempfile::tempdir().expect("a folder");
    let (iothr, producer) = start(FileSender::new(&folder.path().join("frames")));
    // Often enough for both orders to occur.
    for _ in 0..300 {
        in_forked_child(|| {
            let closed = thread::scope(|scope| {
                let closing = scope.spawn(|| iothr.close());
                drop(producer.submit(b"first".to_vec()));
                closing.join().expect("no panic")
            });
            let stats = iothr.stats();
            let gone = stats.written + stats.lost_closing;
            closed
                && producer.submit(b"late".to_vec()).is_err()
                && stats.state == LinkState::Closing
                && stats.accepted == gone + stats.waiting
        });
    }
}

#[test]
fn a_child_does_not_wait_for_the_thread_of_a_closing_parent() {
    let _serialized = serialize();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("socket");
    let listener = UnixListener::bind(&path).expect("a socket");
    let (iothr, producer) = start(SocketSender::unix(&path).expect("a short path"));
    let mut silent = connection(&listener);
    // With nothing pending, closing would not wait for the receiver.
    producer.submit(vec![0]).expect("room");
    thread::scope(|scope| {
        let closing = scope.spawn(|| iothr.close());
        wait_for(|| match producer.submit(vec![1]) {
            Err(Refused::Closed(_)) => Some(()),
            _ => None,
        });
        in_forked_child(|| {
            let start = Instant::now();
            iothr.close() && iothr.close() && start.elapsed() < PATIENCE / 4
        });
        assert!(!closing.is_finished(), "closed without an answer of the receiver");
        // The receiver hangs up without an answer.
        silent.read_exact(&mut [0; 4]).expect("READY");
        drop((silent, listener));
        assert!(closing.join().expect("no panic"));
    });
    let stats = iothr.stats();
    assert_eq!((stats.lost_closing, stats.waiting), (stats.accepted, 0));
}

#[test]
fn try_lock_waits_neither_for_a_thread_nor_for_a_fork() {
    let _serialized = serialize();
    let (lock, other) = (Lock::new(1), Lock::new(2));
    thread::scope(|scope| {
        let held = lock.lock();
        let tried = scope.spawn(|| (lock.try_lock().is_none(), other.try_lock().is_some()));
        assert_eq!(tried.join().expect("no panic"), (true, true));
        drop(held);
        assert!(lock.try_lock().is_some());
        fork::prepare();
        let tried = scope.spawn(|| lock.try_lock().is_none());
        assert!(tried.join().expect("no panic"));
        fork::in_parent();
        assert!(lock.try_lock().is_some());
    });
}

#[cfg(debug_assertions)]
#[test]
fn locks_out_of_order_panic_in_debug_builds() {
    let _serialized = serialize();
    let (state, leaf) = (Lock::new(1), Lock::leaf(2));
    let panics =
        |work: &dyn Fn()| std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).is_err();
    let outer = state.lock();
    assert_eq!(*leaf.lock_inside(&outer), 2);
    assert!(panics(&|| drop(leaf.lock())), "the gate was taken a second time");
    assert!(panics(&|| drop(state.lock_inside(&outer))), "a second lock of the same rank");
    assert!(panics(&fork::prepare), "a fork");
    drop(outer);
    assert_eq!(*leaf.lock(), 2);
    assert_eq!(*state.lock(), 1);
}
