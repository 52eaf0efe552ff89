// SPDX-License-Identifier: MIT OR Apache-2.0
//! TLS connections for the event loop.

use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, RawFd};

use framestream::transport::TlsStream;
use mio::event::Source;
use mio::net::TcpStream;
use mio::{Interest, Registry, Token};

use crate::socket_stream::SocketStream;

/// A TCP connection with TLS.
pub(crate) struct Tls(pub(crate) TlsStream<TcpStream>);

impl SocketStream for Tls {
    fn reads_when_writable(&self) -> bool {
        self.0.has_unsent()
    }
}

impl Read for Tls {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.0.read(bytes)
    }
}

impl Write for Tls {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl AsRawFd for Tls {
    fn as_raw_fd(&self) -> RawFd {
        self.0.socket().as_raw_fd()
    }
}

impl Source for Tls {
    fn register(&mut self, to: &Registry, token: Token, what: Interest) -> io::Result<()> {
        self.0.socket_mut().register(to, token, what)
    }

    fn reregister(&mut self, to: &Registry, token: Token, what: Interest) -> io::Result<()> {
        self.0.socket_mut().reregister(to, token, what)
    }

    fn deregister(&mut self, from: &Registry) -> io::Result<()> {
        self.0.socket_mut().deregister(from)
    }
}
