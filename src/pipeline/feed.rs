// SPDX-License-Identifier: MIT OR Apache-2.0
//! Worker threads that process frames of files or sockets.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use files::destination::{Closed, Destination, FrameConsumer, StopReason};
use files::input::FileReader;
use files::output_file::FrameWriteError;
use mio::Waker;
use operator_log::Log;

use crate::outputs::Finished;
use crate::queue::{BatchQueue, InputKind};
use crate::worker::FrameWorker;

/// Reads files and processes their frames with `worker`. Returns whether everything was read and written.
pub fn read_files(
    worker: FrameWorker,
    reader: &FileReader,
    paths: &[PathBuf],
    reopen: &AtomicBool,
) -> bool {
    let queue = BatchQueue::default();
    thread::scope(|scope| {
        let worker = scope.spawn(|| worker.run(&queue, reopen, &mut |text| Log.error(text)));
        let read = reader.read_all(paths, &queue, &Log);
        queue.close();
        worker.join().unwrap_or_default().complete && read
    })
}

/// A running worker, fed with frames from sockets and files.
pub struct WorkerFeed {
    queue: Arc<BatchQueue>,
    reopen: Arc<AtomicBool>,
    worker: JoinHandle<Finished>,
    files: Option<JoinHandle<bool>>,
}

impl WorkerFeed {
    /// Starts the worker and, if there are files, the thread that reads them.
    pub fn start(
        worker: FrameWorker,
        files: Option<(FileReader, Vec<PathBuf>)>,
        waker: Arc<Waker>,
    ) -> Self {
        let queue = Arc::new(BatchQueue::default());
        let reopen = Arc::new(AtomicBool::new(false));
        let thread = {
            let (queue, reopen) = (queue.clone(), reopen.clone());
            thread::spawn(move || {
                let ended = worker.run(&queue, &reopen, &mut |text| Log.error(text));
                // If this fails, the receiver is about to exit anyway.
                let _ = waker.wake();
                ended
            })
        };
        let files = files.map(|(reader, paths)| {
            let queue = queue.clone();
            thread::spawn(move || reader.read_all(&paths, &*queue, &Log))
        });
        Self { queue, reopen, worker: thread, files }
    }
}

impl Destination for WorkerFeed {
    fn has_room(&self, _: usize, _: usize) -> bool {
        true
    }

    fn write(&mut self, frames: &[u8], count: u64) -> Result<(), FrameWriteError> {
        if frames.is_empty()
            || self.queue.push_from(InputKind::Socket, frames)
            || self.queue.stop_reason() == Some(StopReason::Complete)
        {
            return Ok(());
        }
        Err(FrameWriteError::NoOutput { lost: count })
    }

    fn rotate_at(&self) -> Option<Instant> {
        None
    }

    fn rotate(&mut self, _: &Log) {
        self.reopen.store(true, Ordering::Relaxed);
    }

    fn hang_up(&mut self, log: &Log) {
        self.rotate(log);
    }

    fn reap(&mut self, _: &Log) {}

    fn is_done(&self) -> bool {
        self.worker.is_finished() || self.queue.stop_reason().is_some()
    }

    fn close(self: Box<Self>, _: &Log) -> Closed {
        let Self { queue, worker, files, .. } = *self;
        let read = files.is_none_or(|files| files.join().unwrap_or(false));
        queue.close();
        let Finished { complete: written, unwritten, unsent } = worker.join().unwrap_or_default();
        Closed { complete: written && read, unwritten, unsent, ..Closed::default() }
    }
}
