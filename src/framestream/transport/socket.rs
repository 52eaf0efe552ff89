// SPDX-License-Identifier: MIT OR Apache-2.0
//! Unix and TCP stream sockets, as the connecting side.

use std::io::{self, ErrorKind, IoSlice};
use std::mem::{offset_of, size_of};
use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::Path;

use nix::errno::Errno;
use nix::libc::sockaddr_un;
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockProtocol, SockaddrLike, SockaddrStorage, UnixAddr, connect, recv,
    send, sendmsg, setsockopt, sockopt,
};

use super::{Transport, uninterrupted};
use crate::fork::{self, ProcessFd};
use crate::handshake::Direction;
use crate::sockets::{SEND_FLAGS, stream_socket};

#[cfg(target_vendor = "apple")]
use sockopt::TcpKeepAlive as TcpKeepIdle;
#[cfg(not(target_vendor = "apple"))]
use sockopt::TcpKeepIdle;

/// TCP keepalive: idle time before the first probe in seconds, interval between probes in seconds,
/// and number of probes. `TCP_USER_TIMEOUT` would also work under load, but on Linux it breaks the
/// connection to a live peer that does not read.
const KEEPALIVE: (u32, u32, u32) = (10, 5, 4);

/// Maximum length of the path of a Unix socket in bytes.
const UNIX_PATH_MAX: usize = size_of::<sockaddr_un>() - offset_of!(sockaddr_un, sun_path) - 1;

/// The address that a socket connects to.
#[derive(Clone, Copy, Debug)]
enum Address {
    Unix(UnixAddr),
    Tcp(SockaddrStorage),
}

/// A sender to a Unix or TCP socket.
#[derive(Debug)]
pub struct SocketSender {
    address: Address,
    fd: Option<ProcessFd>,
    connected: bool,
    /// True if forked children close it.
    private: bool,
}

impl SocketSender {
    /// Creates a sender to the Unix socket `path`. Fails if the path is too long for an address.
    pub fn unix(path: &Path) -> io::Result<Self> {
        let bytes = path.as_os_str().len();
        if bytes > UNIX_PATH_MAX {
            let text =
                format!("the path of a socket may have at most {UNIX_PATH_MAX} bytes, not {bytes}");
            return Err(io::Error::new(ErrorKind::InvalidInput, text));
        }
        Ok(Self::new(Address::Unix(UnixAddr::new(path)?)))
    }

    /// Creates a sender to `address` over TCP.
    pub fn tcp(address: SocketAddr) -> Self {
        Self::new(Address::Tcp(address.into()))
    }

    fn new(address: Address) -> Self {
        Self { address, fd: None, connected: false, private: false }
    }

    fn create(&self) -> nix::Result<ProcessFd> {
        if self.private {
            let hold = fork::hold();
            return Ok(ProcessFd::private(&hold, self.create_socket()?));
        }
        Ok(ProcessFd::shared(self.create_socket()?))
    }

    fn create_socket(&self) -> nix::Result<OwnedFd> {
        match &self.address {
            Address::Unix(_) => stream_socket(AddressFamily::Unix, None),
            Address::Tcp(address) => {
                let family = address.family().ok_or(Errno::EAFNOSUPPORT)?;
                let fd = stream_socket(family, Some(SockProtocol::Tcp))?;
                // Each write is a whole batch, whose last packet must not wait for the next batch.
                setsockopt(&fd, sockopt::TcpNoDelay, &true)?;
                setsockopt(&fd, sockopt::KeepAlive, &true)?;
                let (idle, interval, count) = KEEPALIVE;
                setsockopt(&fd, TcpKeepIdle, &idle)?;
                setsockopt(&fd, sockopt::TcpKeepInterval, &interval)?;
                setsockopt(&fd, sockopt::TcpKeepCount, &count)?;
                Ok(fd)
            }
        }
    }

    fn connect(&self, fd: &ProcessFd) -> nix::Result<()> {
        match &self.address {
            Address::Unix(address) => connect(fd.as_raw_fd(), address),
            Address::Tcp(address) => connect(fd.as_raw_fd(), address),
        }
    }

    fn connected_fd(&self) -> io::Result<&ProcessFd> {
        let fd = self.fd.as_ref().filter(|_| self.connected);
        let fd = fd.ok_or(io::ErrorKind::NotConnected)?;
        fd.check()?;
        Ok(fd)
    }
}

impl Transport for SocketSender {
    fn direction(&self) -> Direction {
        Direction::Bidirectional
    }

    fn target(&self) -> Option<String> {
        match &self.address {
            Address::Unix(address) => address.path().map(|path| path.display().to_string()),
            Address::Tcp(address) => Some(address.to_string()),
        }
    }

    fn open(&mut self) -> io::Result<()> {
        if self.connected {
            return Ok(());
        }
        let fd = match self.fd.take() {
            Some(connecting) => connecting,
            None => self.create()?,
        };
        fd.check()?;
        // Calling connect again returns the result of an attempt that continued in the background.
        match self.connect(&fd) {
            Ok(()) | Err(Errno::EISCONN) => {
                self.fd = Some(fd);
                self.connected = true;
                Ok(())
            }
            Err(Errno::EINPROGRESS | Errno::EALREADY | Errno::EINTR) => {
                self.fd = Some(fd);
                Err(io::ErrorKind::WouldBlock.into())
            }
            // EAGAIN, too: the backlog of a Unix listener is full, and poll would not report when
            // there is room.
            Err(error) => Err(error.into()),
        }
    }

    fn close(&mut self) -> io::Result<()> {
        self.connected = false;
        self.fd = None;
        Ok(())
    }

    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let fd = self.connected_fd()?.as_raw_fd();
        match uninterrupted(|| recv(fd, bytes, MsgFlags::empty()))? {
            // A sender only reads replies, so the end of the stream is an error.
            0 => {
                let kind = io::ErrorKind::UnexpectedEof;
                Err(io::Error::new(kind, "the receiver closed the connection"))
            }
            count => Ok(count),
        }
    }

    fn write(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let fd = self.connected_fd()?.as_raw_fd();
        uninterrupted(|| match slices {
            [one] => send(fd, one, SEND_FLAGS),
            _ => sendmsg::<UnixAddr>(fd, slices, &[], SEND_FLAGS, None),
        })
    }

    fn poll_fd(&self) -> Option<BorrowedFd<'_>> {
        self.fd.as_ref().map(AsFd::as_fd)
    }

    fn is_lost(&self) -> bool {
        self.fd.as_ref().is_some_and(|fd| fd.check().is_err())
    }

    fn close_in_children(&mut self) {
        self.private = true;
        if let Some(fd) = &mut self.fd {
            fd.make_private();
        }
    }

    fn for_child(&self) -> Box<dyn Transport> {
        Box::new(Self::new(self.address))
    }
}
