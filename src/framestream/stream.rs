// SPDX-License-Identifier: MIT OR Apache-2.0
//! Blocking operations on a transport, each with a deadline, and their errors.

use std::io::{self, IoSlice};
use std::time::{Duration, Instant};

use thiserror::Error;

use crate::control::CONTROL_FRAME_LENGTH_MAX;
use crate::frame::FrameError;
use crate::handshake::{Handshake, HandshakeError, Step};
use crate::transport::{Interest, Transport, deadline, wait};

/// The error of opening, reading, writing or closing a stream.
#[derive(Debug, Error)]
pub enum StreamError {
    /// The transport failed; `TimedOut` if the peer made no progress within the deadline.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The handshake failed.
    #[error(transparent)]
    Handshake(#[from] HandshakeError),
    /// The data is not Frame Streams.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// A data frame is empty, which would make it a control frame, or longer than 4 GiB - 1.
    #[error("a data frame cannot have {0} bytes")]
    FrameSize(usize),
    /// The stream is in a state that does not allow the call.
    #[error("the stream is not open")]
    NotOpen,
    /// The stream ended, with or without STOP.
    #[error("the stream has ended")]
    End,
}

impl StreamError {
    /// Returns whether the operation has to be repeated once the transport is ready.
    pub(crate) fn would_block(&self) -> bool {
        matches!(self, Self::Io(error) if error.kind() == io::ErrorKind::WouldBlock)
    }
}

/// Opens `transport` by `until`.
pub(crate) fn open(transport: &mut dyn Transport, until: Instant) -> io::Result<()> {
    loop {
        match transport.open() {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                wait(transport, transport.awaits(), until)?;
            }
            other => return other,
        }
    }
}

/// Fills `bytes`. Fails if nothing arrives for `timeout`.
pub(crate) fn read_exact(
    transport: &mut dyn Transport,
    bytes: &mut [u8],
    timeout: Duration,
) -> Result<(), StreamError> {
    let mut filled = 0;
    let mut until = None;
    while filled < bytes.len() {
        match transport.read(&mut bytes[filled..]) {
            Ok(0) => return Err(StreamError::End),
            Ok(count) => {
                filled += count;
                until = None;
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                let until = *until.get_or_insert_with(|| deadline(Instant::now(), timeout));
                wait(transport, Interest::Read, until)?;
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Writes all of `slices`. Fails if nothing can be written for `timeout`.
pub(crate) fn write_all(
    transport: &mut dyn Transport,
    mut slices: &mut [IoSlice<'_>],
    timeout: Duration,
) -> io::Result<()> {
    IoSlice::advance_slices(&mut slices, 0); // removes empty slices at the front
    let mut until = None;
    while !slices.is_empty() {
        match transport.write(slices) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            // Count bytes, not slices, so that no byte is repeated after a short write.
            Ok(count) => {
                IoSlice::advance_slices(&mut slices, count);
                until = None;
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                let until = *until.get_or_insert_with(|| deadline(Instant::now(), timeout));
                wait(transport, Interest::Write, until)?;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Writes all of `bytes` by `until`. A transport that cannot be polled, such as a regular file, has
/// no time limit.
pub(crate) fn write_until(
    transport: &mut dyn Transport,
    mut bytes: &[u8],
    until: Instant,
) -> io::Result<()> {
    while !bytes.is_empty() {
        match transport.write(&[IoSlice::new(bytes)]) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => bytes = &bytes[count..],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                wait(transport, Interest::Write, until)?;
            }
            Err(error) => return Err(error),
        }
        // The deadline also holds if the peer always accepts a few bytes, so that `wait` is not
        // called.
        let is_late = !bytes.is_empty() && Instant::now() >= until;
        if is_late && transport.poll_fd().is_some() {
            return Err(io::ErrorKind::TimedOut.into());
        }
    }
    Ok(())
}

/// Performs `handshake` by `until`.
pub(crate) fn shake(
    transport: &mut dyn Transport,
    handshake: &mut dyn Handshake,
    until: Instant,
) -> Result<(), StreamError> {
    loop {
        match try_shake(transport, handshake) {
            Err(error) if error.would_block() => wait(transport, awaited(handshake), until)?,
            other => return other,
        }
    }
}

/// Performs `handshake` as far as possible without waiting for a transport that can be polled.
pub(crate) fn try_shake(
    transport: &mut dyn Transport,
    handshake: &mut dyn Handshake,
) -> Result<(), StreamError> {
    let mut piece = [0; CONTROL_FRAME_LENGTH_MAX];
    loop {
        match handshake.step() {
            Step::Done => return Ok(()),
            Step::Send(bytes) => match transport.write(&[IoSlice::new(bytes)])? {
                0 => return Err(io::Error::from(io::ErrorKind::WriteZero).into()),
                count => handshake.sent(count),
            },
            Step::Receive(count) => match transport.read(&mut piece[..count])? {
                0 => return Err(StreamError::End),
                count => handshake.received(&piece[..count])?,
            },
        }
    }
}

/// Returns the event that `handshake` waits for.
pub(crate) fn awaited(handshake: &dyn Handshake) -> Interest {
    match handshake.step() {
        Step::Send(_) => Interest::Write,
        Step::Receive(_) | Step::Done => Interest::Read,
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::os::fd::{AsFd, BorrowedFd};
    use std::sync::LazyLock;

    use super::*;
    use crate::handshake::Direction;

    /// A peer that accepts one byte at a time.
    struct SlowPeer {
        full: bool,
        /// True if it is full after each byte.
        pauses: bool,
    }

    impl Transport for SlowPeer {
        fn direction(&self) -> Direction {
            Direction::Bidirectional
        }

        fn open(&mut self) -> io::Result<()> {
            Ok(())
        }

        fn close(&mut self) -> io::Result<()> {
            Ok(())
        }

        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::ErrorKind::WouldBlock.into())
        }

        fn write(&mut self, _: &[IoSlice<'_>]) -> io::Result<usize> {
            self.full = self.pauses && !self.full;
            if self.full { Err(io::ErrorKind::WouldBlock.into()) } else { Ok(1) }
        }

        fn poll_fd(&self) -> Option<BorrowedFd<'_>> {
            static READY: LazyLock<File> =
                LazyLock::new(|| File::create("/dev/null").expect("a device"));
            Some(READY.as_fd())
        }

        fn for_child(&self) -> Box<dyn Transport> {
            Box::new(Self { full: false, ..*self })
        }
    }

    #[test]
    fn the_deadline_holds_for_a_peer_that_accepts_a_byte_at_a_time() {
        for pauses in [true, false] {
            let timeout = Duration::from_millis(50);
            let start = Instant::now();
            let until = deadline(start, timeout);
            let bytes = vec![0; 100_000_000];
            let written = write_until(&mut SlowPeer { full: false, pauses }, &bytes, until);
            assert_eq!(written.expect_err("too many bytes").kind(), io::ErrorKind::TimedOut);
            assert!((timeout..timeout * 100).contains(&start.elapsed()), "{:?}", start.elapsed());
        }
    }
}
