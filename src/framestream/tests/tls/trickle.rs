// SPDX-License-Identifier: MIT OR Apache-2.0
//! A socket of which every other write is refused, and the others accept a few bytes.

use std::io::{self, IoSlice};
use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use framestream::handshake::Direction;
use framestream::transport::{SocketSender, Transport};

/// Maximum number of bytes of a read or write, which is less than a TLS record.
const MAX_LEN: usize = 700;

/// The counters of a [`Trickle`].
#[derive(Default)]
pub(crate) struct Counts {
    pub bytes_written: AtomicUsize,
    pub reads: AtomicUsize,
}

/// A socket that accepts a few bytes at a time.
pub(crate) struct Trickle {
    socket: SocketSender,
    full: bool,
    counts: Arc<Counts>,
}

impl Trickle {
    pub(crate) fn new(socket: SocketSender) -> (Self, Arc<Counts>) {
        let counts = Arc::<Counts>::default();
        (Self { socket, full: false, counts: Arc::clone(&counts) }, counts)
    }
}

impl Transport for Trickle {
    fn direction(&self) -> Direction {
        self.socket.direction()
    }

    fn open(&mut self) -> io::Result<()> {
        self.socket.open()
    }

    fn close(&mut self) -> io::Result<()> {
        self.socket.close()
    }

    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.counts.reads.fetch_add(1, Ordering::Relaxed);
        let max_len = bytes.len().min(MAX_LEN);
        self.socket.read(&mut bytes[..max_len])
    }

    fn write(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        self.full = !self.full;
        if self.full {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let slice = slices.iter().find(|slice| !slice.is_empty()).expect("something to write");
        let count = self.socket.write(&[IoSlice::new(&slice[..slice.len().min(MAX_LEN)])])?;
        self.counts.bytes_written.fetch_add(count, Ordering::Relaxed);
        Ok(count)
    }

    fn poll_fd(&self) -> Option<BorrowedFd<'_>> {
        self.socket.poll_fd()
    }

    fn for_child(&self) -> Box<dyn Transport> {
        self.socket.for_child()
    }
}
