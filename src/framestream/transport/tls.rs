// SPDX-License-Identifier: MIT OR Apache-2.0
//! TLS over another transport, for senders, and over a socket, for receivers.

mod config;
mod stream;
mod verify;

pub use config::{TlsError, TlsOptions, TlsServerOptions, certificate_validity};
pub use stream::{TlsAcceptor, TlsConnector, TlsStream};
pub use verify::TlsVerify;

use std::io::{self, IoSlice, Read, Write};
use std::os::fd::BorrowedFd;
use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{
    CertificateError, ClientConfig, ClientConnection, InvalidMessage, SupportedCipherSuite,
};
use thiserror::Error;

use super::{Interest, Transport};
use crate::handshake::Direction;

/// Maximum size of the content of a TLS record in bytes (RFC 8446, section 5.1).
const RECORD_SIZE: usize = 16 * 1024;

/// A sender over TLS, which verifies the certificate of the server.
///
/// Bytes count as written once the underlying transport has accepted the whole record that contains
/// them. A receiver cannot decrypt a truncated record, so no more frames are lost or duplicated
/// than without TLS.
pub struct TlsSender {
    transport: Box<dyn Transport>,
    config: Arc<ClientConfig>,
    server_name: ServerName<'static>,
    session: Option<Session>,
}

impl TlsSender {
    /// Creates a sender over `transport`, which must not be open yet, to `host`. Reads the files
    /// named in `options`.
    pub fn new(
        transport: Box<dyn Transport>,
        host: &str,
        options: &TlsOptions,
    ) -> Result<Self, TlsError> {
        let config = Arc::new(config::client_config(options)?);
        let server_name = config::server_name(options.server_name.as_deref().unwrap_or(host))?;
        Ok(Self { transport, config, server_name, session: None })
    }

    fn connected(&mut self) -> io::Result<(&mut Session, &mut dyn Transport)> {
        let session = self.session.as_mut().ok_or(io::ErrorKind::NotConnected)?;
        Ok((session, &mut *self.transport))
    }
}

impl Transport for TlsSender {
    fn direction(&self) -> Direction {
        self.transport.direction()
    }

    fn target(&self) -> Option<String> {
        self.transport.target()
    }

    fn leads_elsewhere(&self) -> bool {
        self.transport.leads_elsewhere()
    }

    fn open(&mut self) -> io::Result<()> {
        if self.session.is_none() {
            self.transport.open()?;
            let session = Session::new(Arc::clone(&self.config), self.server_name.clone());
            self.session = Some(session.map_err(failed)?);
        }
        let (session, transport) = self.connected()?;
        session.shake(transport).map_err(|error| match error.kind() {
            kind @ io::ErrorKind::UnexpectedEof => io::Error::new(kind, SessionError::Closed),
            _ => error,
        })
    }

    fn awaits(&self) -> Interest {
        match &self.session {
            None => self.transport.awaits(),
            Some(session) if session.connection.wants_write() => Interest::Write,
            Some(_) => Interest::Read,
        }
    }

    fn close(&mut self) -> io::Result<()> {
        if let Some(mut session) = self.session.take() {
            session.connection.send_close_notify();
            // Not sent if the peer accepts no more bytes.
            drop(session.flush(&mut *self.transport));
        }
        self.transport.close()
    }

    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let (session, transport) = self.connected()?;
        session.read(transport, bytes)
    }

    fn write(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let (session, transport) = self.connected()?;
        session.write(transport, slices)
    }

    fn poll_fd(&self) -> Option<BorrowedFd<'_>> {
        self.transport.poll_fd()
    }

    fn is_lost(&self) -> bool {
        self.transport.is_lost()
    }

    fn close_in_children(&mut self) {
        self.transport.close_in_children();
    }

    fn for_child(&self) -> Box<dyn Transport> {
        Box::new(Self {
            transport: self.transport.for_child(),
            config: Arc::clone(&self.config),
            server_name: self.server_name.clone(),
            session: None,
        })
    }
}

/// The TLS session of one connection.
struct Session {
    connection: ClientConnection,
    /// Bytes of the caller in the record that is being sent.
    unsent: usize,
    /// Records that the keys may still encrypt.
    records_left: u64,
}

impl Session {
    fn new(config: Arc<ClientConfig>, name: ServerName<'static>) -> Result<Self, rustls::Error> {
        let mut connection = ClientConnection::new(config, name)?;
        // One record at a time, so that it is known which records were sent.
        connection.set_buffer_limit(Some(RECORD_SIZE));
        Ok(Self { connection, unsent: 0, records_left: u64::MAX })
    }

    fn shake(&mut self, transport: &mut dyn Transport) -> io::Result<()> {
        while self.connection.is_handshaking() {
            self.flush(transport)?;
            self.receive(transport)?;
        }
        self.flush(transport)?;
        if let Some(SupportedCipherSuite::Tls12(suite)) = self.connection.negotiated_cipher_suite()
        {
            // The end of the handshake and an alert take one record each.
            self.records_left = suite.common.confidentiality_limit - 2;
        }
        Ok(())
    }

    /// Reads and processes data from the peer.
    fn receive(&mut self, transport: &mut dyn Transport) -> io::Result<()> {
        self.connection.read_tls(&mut TransportIo(transport))?;
        if let Err(error) = self.connection.process_new_packets() {
            // Sends the alert, which contains the reason.
            drop(self.flush(transport));
            return Err(failed(error));
        }
        Ok(())
    }

    /// Sends pending records.
    fn flush(&mut self, transport: &mut dyn Transport) -> io::Result<()> {
        while self.connection.wants_write() {
            if self.connection.write_tls(&mut TransportIo(transport))? == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
        }
        Ok(())
    }

    /// Reads decrypted data, with at most one read from the peer: one that keeps sending records
    /// without data must not delay the caller beyond its deadline.
    fn read(&mut self, transport: &mut dyn Transport, bytes: &mut [u8]) -> io::Result<usize> {
        match self.read_decrypted(bytes) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.receive(transport)?;
                self.read_decrypted(bytes)
            }
            other => other,
        }
    }

    fn read_decrypted(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        match self.connection.reader().read(bytes) {
            // As for a socket, the end of the stream is an error for a sender.
            Ok(0) => {
                let kind = io::ErrorKind::UnexpectedEof;
                Err(io::Error::new(kind, "the receiver closed the TLS connection"))
            }
            other => other,
        }
    }

    fn write(
        &mut self,
        transport: &mut dyn Transport,
        slices: &[IoSlice<'_>],
    ) -> io::Result<usize> {
        if self.unsent == 0 {
            // Beyond the limit, rustls would accept bytes, but not send them.
            let left = self.records_left.checked_sub(1);
            self.records_left = left.ok_or_else(|| io::Error::other(SessionError::KeysUsedUp))?;
            self.unsent = self.connection.writer().write_vectored(slices)?;
        }
        self.flush(transport)?;
        Ok(std::mem::take(&mut self.unsent))
    }
}

/// The reason why a TLS connection ended.
#[derive(Debug, Error)]
enum SessionError {
    #[error("the peer does not speak TLS: {0}")]
    NoTls(rustls::Error),
    #[error("the peer closed the connection in the TLS handshake")]
    Closed,
    /// With TLS 1.2, only a new connection has new keys.
    #[error("the keys of the TLS connection are used up")]
    KeysUsedUp,
    #[error(
        "TLS: the peer's certificate is a CA certificate, as many self-signed ones are; trust it by \
         adding it to the CA bundle"
    )]
    Authority,
    #[error("TLS: {0}")]
    Tls(rustls::Error),
}

/// The text of the error of webpki for a CA certificate that is used as the peer's own. rustls does
/// not expose the error as a type.
const AUTHORITY: &str = "CaUsedAsEndEntity";

fn failed(error: rustls::Error) -> io::Error {
    let error = match error {
        rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType) => {
            SessionError::NoTls(error)
        }
        rustls::Error::InvalidCertificate(CertificateError::Other(other))
            if other.0.to_string() == AUTHORITY =>
        {
            SessionError::Authority
        }
        other => SessionError::Tls(other),
    };
    io::Error::new(io::ErrorKind::InvalidData, error)
}

/// An adapter through which rustls reads from and writes to a transport.
struct TransportIo<'a>(&'a mut dyn Transport);

impl Read for TransportIo<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.0.read(bytes)
    }
}

impl Write for TransportIo<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(&[IoSlice::new(bytes)])
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        self.0.write(slices)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
