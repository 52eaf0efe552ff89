// SPDX-License-Identifier: MIT OR Apache-2.0
//! TLS over a connected, non-blocking socket, for receivers, which accept connections or connect to
//! senders.

use std::io::{self, Read, Write};
use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, Connection, ServerConfig, ServerConnection};

use super::config::{self, TlsError, TlsOptions, TlsServerOptions};
use super::failed;

/// The server side of TLS, for accepted connections.
#[derive(Clone, Debug)]
pub struct TlsAcceptor(Arc<ServerConfig>);

impl TlsAcceptor {
    /// Creates an acceptor. Reads the files named in `options`.
    pub fn new(options: &TlsServerOptions) -> Result<Self, TlsError> {
        config::server_config(options).map(|config| Self(Arc::new(config)))
    }

    /// Starts TLS on a connection; reads perform the handshake.
    pub fn accept<S: Read + Write>(&self, socket: S) -> io::Result<TlsStream<S>> {
        let connection = ServerConnection::new(Arc::clone(&self.0)).map_err(failed)?;
        Ok(TlsStream::new(socket, connection.into()))
    }
}

/// The client side of TLS, for connected sockets.
#[derive(Clone, Debug)]
pub struct TlsConnector {
    config: Arc<ClientConfig>,
    server_name: ServerName<'static>,
}

impl TlsConnector {
    /// Creates a connector for connections to `host`. Reads the files named in `options`.
    pub fn new(host: &str, options: &TlsOptions) -> Result<Self, TlsError> {
        let server_name = config::server_name(options.server_name.as_deref().unwrap_or(host))?;
        Ok(Self { config: Arc::new(config::client_config(options)?), server_name })
    }

    /// Starts TLS on a connection, and sends the first bytes of the handshake; reads perform the
    /// rest.
    pub fn connect<S: Read + Write>(&self, socket: S) -> io::Result<TlsStream<S>> {
        let connection = ClientConnection::new(Arc::clone(&self.config), self.server_name.clone());
        let mut stream = TlsStream::new(socket, connection.map_err(failed)?.into());
        match stream.send() {
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error),
            _ => Ok(stream),
        }
    }
}

/// A TLS connection. Dropping it sends close_notify to the peer.
#[derive(Debug)]
pub struct TlsStream<S: Read + Write> {
    socket: S,
    connection: Connection,
    /// Bytes of the caller in records that are being sent.
    unsent: usize,
}

impl<S: Read + Write> TlsStream<S> {
    fn new(socket: S, connection: Connection) -> Self {
        Self { socket, connection, unsent: 0 }
    }

    /// Returns the socket.
    pub fn socket(&self) -> &S {
        &self.socket
    }

    /// Returns the socket, for polling. Only TLS may read from or write to it.
    pub fn socket_mut(&mut self) -> &mut S {
        &mut self.socket
    }

    /// Returns whether there is pending data, which a read sends once the socket is writable.
    pub fn has_unsent(&self) -> bool {
        self.connection.wants_write()
    }

    fn send(&mut self) -> io::Result<()> {
        while self.connection.wants_write() {
            if self.connection.write_tls(&mut self.socket)? == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
        }
        Ok(())
    }

    /// Reads from the socket once, and sends pending data of TLS. Data that cannot be sent now
    /// stays pending, because a peer that accepts nothing more may still have sent data.
    fn receive(&mut self) -> io::Result<()> {
        drop(self.send());
        self.connection.read_tls(&mut self.socket)?;
        let processed = self.connection.process_new_packets().map_err(failed);
        // Includes the alert if there was an error.
        drop(self.send());
        processed.map(drop)
    }
}

impl<S: Read + Write> Read for TlsStream<S> {
    /// Reads until `bytes` is full or the socket has no more data. A peer that hangs up without
    /// close_notify has ended the stream as well, because Frame Streams has its own end.
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let mut count = 0;
        while count < bytes.len() {
            match self.connection.reader().read(&mut bytes[count..]) {
                Ok(0) => break,
                Ok(more) => {
                    count += more;
                    continue;
                }
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => break,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => (),
                Err(error) => return Err(error),
            }
            match self.receive() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => (),
                Err(_) if count > 0 => break,
                other => other?,
            }
        }
        Ok(count)
    }
}

impl<S: Read + Write> Write for TlsStream<S> {
    /// Writes bytes, which count as written once the socket has accepted their records. After
    /// `WouldBlock`, the next write must begin with the same bytes.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.unsent == 0 {
            self.unsent = self.connection.writer().write(bytes)?;
        }
        self.send()?;
        Ok(std::mem::take(&mut self.unsent))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.send()
    }
}

impl<S: Read + Write> Drop for TlsStream<S> {
    fn drop(&mut self) {
        self.connection.send_close_notify();
        // Not sent if the peer accepts no more bytes.
        drop(self.send());
    }
}
