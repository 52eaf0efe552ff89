// SPDX-License-Identifier: MIT OR Apache-2.0
//! Connected sockets with or without TLS.

use std::io::{Read, Write};
use std::os::fd::AsRawFd;

use mio::event::Source;
use mio::net::{TcpStream, UnixStream};

/// A connected, non-blocking socket. A short read has emptied it.
pub(crate) trait SocketStream: Read + Write + Source + AsRawFd {
    /// Returns whether to read when the socket becomes writable.
    fn reads_when_writable(&self) -> bool {
        false
    }
}

impl SocketStream for UnixStream {}

impl SocketStream for TcpStream {}
