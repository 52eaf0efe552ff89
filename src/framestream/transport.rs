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

/// How long a peer may make no progress before a step of a handshake, a connect or a blocking
/// write gives up.
pub const IO_TIMEOUT_DEFAULT: Duration = Duration::from_secs(5);

/// Interval at which a transport that cannot be polled is retried.
pub(crate) const UNPOLLABLE_RETRY: Duration = Duration::from_millis(10);

/// One byte stream. A transport that can wait never blocks: it answers `WouldBlock`, and the
/// caller waits for [`Transport::poll_fd`]. One that cannot (a regular file, a caller's own
/// functions) blocks in the call.
pub trait Transport: Send {
    /// Returns whether the peer of a sender answers.
    fn direction(&self) -> Direction;

    /// What the stream leads to, for messages; `None` if the transport does not know. Errors of its
    /// other functions do not name it.
    fn target(&self) -> Option<String> {
        None
    }

    /// Opens the stream, or goes on opening it after `WouldBlock`.
    fn open(&mut self) -> io::Result<()>;

    /// Returns the event that opening waits for after `WouldBlock`.
    fn awaits(&self) -> Interest {
        Interest::Write
    }

    /// Returns whether opening it now would lead to another stream than the one that is open. Not
    /// so for a file that is still at its path.
    fn leads_elsewhere(&self) -> bool {
        true
    }

    /// Closes the stream; a closed stream stays closed.
    fn close(&mut self) -> io::Result<()>;

    /// Reads some bytes; 0 at the end of the stream.
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize>;

    /// Writes the front of `slices`, and says how many bytes that was. After `WouldBlock` the next
    /// write has to begin with the same bytes: those of a TLS record on its way are among them.
    fn write(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize>;

    /// Returns whether a writer thread is to hand over the length and the payload of each data
    /// frame as two slices, the payload in the producer's memory. Otherwise it copies frames into
    /// large pieces, which costs the system less.
    fn wants_slices(&self) -> bool {
        false
    }

    /// Returns the descriptor to poll after `WouldBlock`.
    fn poll_fd(&self) -> Option<BorrowedFd<'_>>;

    /// Returns the state of the stream after a write that failed other than with `WouldBlock`.
    fn write_failure(&self) -> WriteFailure {
        WriteFailure::NothingWritten
    }

    /// Makes forked children close its descriptors, present and future, before anything else runs
    /// in them: a writer thread owns it. Does nothing if the descriptors are the caller's.
    fn close_in_children(&mut self) {}

    /// A closed transport to the same peer, for a forked child. It must not disturb the stream of
    /// the parent.
    fn for_child(&self) -> Box<dyn Transport>;
}

/// The state of a stream after a failed write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteFailure {
    /// None of its bytes are written, and the stream is broken.
    NothingWritten,
    /// None of its bytes are written, and it can be tried again on the same stream.
    Resumable,
    /// Any number of its bytes may be written, and the stream is broken.
    Unknown,
}

/// The event to wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interest {
    /// Bytes to read, or the end of the stream.
    Read,
    /// Room to write, or the end of connecting.
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

/// Waits until `transport` may be ready; `TimedOut` at `until`.
pub(crate) fn wait(transport: &dyn Transport, what: Interest, until: Instant) -> io::Result<()> {
    let left = until.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return Err(io::ErrorKind::TimedOut.into());
    }
    match transport.poll_fd() {
        Some(fd) => poll_for(&mut [PollFd::new(fd, what.into())], left),
        None => poll_for(&mut [], left.min(UNPOLLABLE_RETRY)),
    }
}

/// The longest timeout. Longer ones are clamped to it, so that `Instant` arithmetic cannot
/// overflow.
const TIMEOUT_MAX: Duration = Duration::from_secs(u32::MAX as u64);

/// Returns the deadline of a wait of `patience` that starts at `from`.
pub fn deadline(from: Instant, patience: Duration) -> Instant {
    from + patience.min(TIMEOUT_MAX)
}

/// `poll` for at most `left`, rounded up to a millisecond; an interrupting signal ends it early.
pub(crate) fn poll_for(fds: &mut [PollFd<'_>], left: Duration) -> io::Result<()> {
    let milliseconds = left.as_nanos().div_ceil(1_000_000);
    let timeout = PollTimeout::try_from(milliseconds).unwrap_or(PollTimeout::MAX);
    match poll(fds, timeout) {
        Ok(_) | Err(Errno::EINTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
