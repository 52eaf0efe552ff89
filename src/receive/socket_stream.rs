// SPDX-License-Identifier: MIT OR Apache-2.0
//! Connected sockets, with TLS or without, as a connection uses them.

use std::io::{Read, Write};
use std::os::fd::AsRawFd;

use mio::event::Source;
use mio::net::{TcpStream, UnixStream};

/// A connected socket that does not block. A read that brings less than there is room for has
/// brought all there was.
pub(crate) trait SocketStream: Read + Write + Source + AsRawFd {
    /// Returns whether a read is to be made as soon as the socket can be written.
    fn reads_when_writable(&self) -> bool {
        false
    }
}

impl SocketStream for UnixStream {}

impl SocketStream for TcpStream {}
