// SPDX-License-Identifier: MIT OR Apache-2.0
//! Connected sockets with or without TLS.

use std::io::{Read, Write};
use std::os::fd::AsRawFd;

use framestream::transport::TlsStream;
use mio::event::Source;
use mio::net::{TcpStream, UnixStream};

/// A socket that can be waited for, and has a number in the log.
pub(crate) trait Socket: Source + AsRawFd {}

impl<S: Source + AsRawFd> Socket for S {}

/// A connected, non-blocking socket. A short read has emptied it.
pub(crate) trait SocketStream: Read + Write {
    /// Returns the socket without TLS.
    fn socket(&mut self) -> &mut dyn Socket;

    /// Returns whether to read when the socket becomes writable.
    fn reads_when_writable(&self) -> bool {
        false
    }
}

impl SocketStream for UnixStream {
    fn socket(&mut self) -> &mut dyn Socket {
        self
    }
}

impl SocketStream for TcpStream {
    fn socket(&mut self) -> &mut dyn Socket {
        self
    }
}

impl SocketStream for TlsStream<TcpStream> {
    fn socket(&mut self) -> &mut dyn Socket {
        self.socket_mut()
    }

    fn reads_when_writable(&self) -> bool {
        self.has_unsent()
    }
}
