// SPDX-License-Identifier: MIT OR Apache-2.0
//! TLS over a connected socket that does not block, for receivers: they accept connections, or
//! connect to who sends.

use std::io::{self, Read, Write};
use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, Connection, ServerConfig, ServerConnection};

use super::config::{self, TlsError, TlsOptions, TlsServerOptions};
use super::failed;

/// Speaks TLS as the server, on connections that were accepted.
#[derive(Clone, Debug)]
pub struct TlsAcceptor(Arc<ServerConfig>);

impl TlsAcceptor {
    /// Reads the files that `options` name.
    pub fn new(options: &TlsServerOptions) -> Result<Self, TlsError> {
        config::server_config(options).map(|config| Self(Arc::new(config)))
    }

    /// Begins on a connection; the handshake goes on in reads.
    pub fn accept<S: Read + Write>(&self, socket: S) -> io::Result<TlsStream<S>> {
        let connection = ServerConnection::new(Arc::clone(&self.0)).map_err(failed)?;
        Ok(TlsStream::new(socket, connection.into()))
    }
}

/// Speaks TLS as the client, on connections that were made.
#[derive(Clone, Debug)]
pub struct TlsConnector {
    config: Arc<ClientConfig>,
    server_name: ServerName<'static>,
}

impl TlsConnector {
    /// For connections to `host`. Reads the files that `options` name.
    pub fn new(host: &str, options: &TlsOptions) -> Result<Self, TlsError> {
        let server_name = config::server_name(options.server_name.as_deref().unwrap_or(host))?;
        Ok(Self { config: Arc::new(config::client_config(options)?), server_name })
    }

    /// Begins on a connection, with the first bytes of the handshake; it goes on in reads.
    pub fn connect<S: Read + Write>(&self, socket: S) -> io::Result<TlsStream<S>> {
        let connection = ClientConnection::new(Arc::clone(&self.config), self.server_name.clone());
        let mut stream = TlsStream::new(socket, connection.map_err(failed)?.into());
        match stream.send() {
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error),
            _ => Ok(stream),
        }
    }
}

/// A connection with TLS. Dropping it says to the peer that nothing more comes.
#[derive(Debug)]
pub struct TlsStream<S: Read + Write> {
    socket: S,
    connection: Connection,
    /// Bytes of the caller in records that are on their way out.
    under_way: usize,
}

impl<S: Read + Write> TlsStream<S> {
    fn new(socket: S, connection: Connection) -> Self {
        Self { socket, connection, under_way: 0 }
    }

    /// The socket.
    pub fn socket(&self) -> &S {
        &self.socket
    }

    /// The socket, to wait for. Its bytes belong to TLS.
    pub fn socket_mut(&mut self) -> &mut S {
        &mut self.socket
    }

    /// Returns whether something is to be sent as soon as the socket takes it: a read does.
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

    /// Takes what the socket has, once, and sends what TLS has to say. What does not go now goes with
    /// the next read, if ever: of a peer that takes nothing more there may be something to read.
    fn receive(&mut self) -> io::Result<()> {
        drop(self.send());
        self.connection.read_tls(&mut self.socket)?;
        let processed = self.connection.process_new_packets().map_err(failed);
        // Also the alert that says what is wrong.
        drop(self.send());
        processed.map(drop)
    }
}

impl<S: Read + Write> Read for TlsStream<S> {
    /// Reads until `bytes` is full or the socket has no more, in which case less was read than there
    /// is room for. A peer that goes without a word of TLS has ended the stream too: what it carries
    /// knows where it ends.
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
    /// Bytes count as written once the socket has taken their records. After `WouldBlock` the next
    /// write has to begin with the same bytes.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.under_way == 0 {
            self.under_way = self.connection.writer().write(bytes)?;
        }
        self.send()?;
        Ok(std::mem::take(&mut self.under_way))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.send()
    }
}

impl<S: Read + Write> Drop for TlsStream<S> {
    fn drop(&mut self) {
        self.connection.send_close_notify();
        // The peer has to do without it if it takes no more bytes.
        drop(self.send());
    }
}
