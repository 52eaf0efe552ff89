// SPDX-License-Identifier: MIT OR Apache-2.0
//! Byte streams to and from a peer.

mod fd;
mod file;
mod host;
mod socket;
#[cfg(feature = "tls")]
mod tls;

pub use fd::FdReceiver;
pub use file::{FileReceiver, FileSender};
pub use host::HostSender;
pub use socket::SocketSender;
#[cfg(feature = "tls")]
pub use tls::{
    TlsAcceptor, TlsConnector, TlsError, TlsOptions, TlsSender, TlsServerOptions, TlsStream,
    TlsVerify, certificate_validity,
};

use std::io::{self, IoSlice};
use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::handshake::Direction;

/// Default of the time that a peer may make no progress in a connect, a step of a handshake or a
/// blocking write.
pub const IO_TIMEOUT_DEFAULT: Duration = Duration::from_secs(5);

/// Interval between attempts on a transport that cannot be polled.
pub(crate) const UNPOLLABLE_RETRY: Duration = Duration::from_millis(10);

/// A byte stream to or from a peer. Transports that can be polled never block: they return
/// `WouldBlock`, and the caller polls [`Transport::poll_fd`]. The others (regular files, a caller's
/// own functions) block in the call.
pub trait Transport: Send {
    /// Returns whether the receiver replies to the sender.
    fn direction(&self) -> Direction;

    /// Returns the peer or file of the stream, for messages; `None` if it is unknown. The errors of
    /// the other functions do not contain it.
    fn target(&self) -> Option<String> {
        None
    }

    /// Opens the stream, or continues to open it after `WouldBlock`.
    fn open(&mut self) -> io::Result<()>;

    /// Returns the event to wait for after `open` has returned `WouldBlock`.
    fn awaits(&self) -> Interest {
        Interest::Write
    }

    /// Returns whether opening it now would give another stream than the one that is open. False
    /// for a file that is still at its path.
    fn leads_elsewhere(&self) -> bool {
        true
    }

    /// Closes the stream, if it is open.
    fn close(&mut self) -> io::Result<()>;

    /// Reads some bytes. Returns their number, which is 0 at the end of the stream.
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize>;

    /// Writes some of the bytes of `slices`, in order. Returns their number. After `WouldBlock`,
    /// the next write must begin with the same bytes, as some may be in a TLS record that is being
    /// sent.
    fn write(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize>;

    /// Returns whether a writer thread has to pass each data frame as two slices: its length, and
    /// its payload in the memory of the producer. Otherwise it copies frames into large pieces,
    /// which are cheaper to write.
    fn wants_slices(&self) -> bool {
        false
    }

    /// Returns the descriptor to poll after `WouldBlock`; `None` if it cannot be polled.
    fn poll_fd(&self) -> Option<BorrowedFd<'_>>;

    /// Returns whether the stream is open, but the host has closed its descriptor, or has replaced
    /// it by another file. Reads and writes then fail.
    fn is_lost(&self) -> bool {
        false
    }

    /// Returns the state of the stream after a write that failed other than with `WouldBlock`.
    fn write_failure(&self) -> WriteFailure {
        WriteFailure::NothingWritten
    }

    /// Makes forked children close its descriptors, present and future, before anything else runs
    /// in them. Called when a writer thread takes over the transport. Does nothing if the
    /// descriptors belong to the caller.
    fn close_in_children(&mut self) {}

    /// Returns a closed transport to the same peer, for a forked child. It must not disturb the
    /// stream of the parent.
    fn for_child(&self) -> Box<dyn Transport>;
}

/// The state of a stream after a failed write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteFailure {
    /// None of its bytes were written, and the stream is broken.
    NothingWritten,
    /// None of its bytes were written, and the write can be retried on the same stream.
    Resumable,
    /// Any number of its bytes may have been written, and the stream is broken.
    Unknown,
}

/// The event to wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interest {
    /// There are bytes to read, or the stream has ended.
    Read,
    /// There is room to write, or connecting has finished.
    Write,
}

impl From<Interest> for PollFlags {
    fn from(interest: Interest) -> Self {
        match interest {
            Interest::Read => Self::POLLIN,
            Interest::Write => Self::POLLOUT,
        }
    }
}

/// Waits until `transport` may be ready. Fails with `TimedOut` at `until`.
pub(crate) fn wait(transport: &dyn Transport, event: Interest, until: Instant) -> io::Result<()> {
    let left = until.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return Err(io::ErrorKind::TimedOut.into());
    }
    match transport.poll_fd() {
        Some(fd) => poll_for(&mut [PollFd::new(fd, event.into())], left),
        None => poll_for(&mut [], left.min(UNPOLLABLE_RETRY)),
    }
}

/// Maximum timeout. Longer ones are clamped to it, so that `Instant` arithmetic cannot overflow.
const TIMEOUT_MAX: Duration = Duration::from_secs(u32::MAX as u64);

/// Returns the deadline of a wait of `timeout` that starts at `from`.
pub fn deadline(from: Instant, timeout: Duration) -> Instant {
    from + timeout.min(TIMEOUT_MAX)
}

/// Polls for at most `left`, rounded up to a millisecond. Returns early if a signal interrupts it.
pub(crate) fn poll_for(fds: &mut [PollFd<'_>], left: Duration) -> io::Result<()> {
    let milliseconds = left.as_nanos().div_ceil(1_000_000);
    let timeout = PollTimeout::try_from(milliseconds).unwrap_or(PollTimeout::MAX);
    match poll(fds, timeout) {
        Ok(_) | Err(Errno::EINTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Runs `call`, and repeats it if a signal interrupts it.
fn uninterrupted(mut call: impl FnMut() -> nix::Result<usize>) -> io::Result<usize> {
    loop {
        match call() {
            Err(Errno::EINTR) => (),
            other => return Ok(other?),
        }
    }
}
