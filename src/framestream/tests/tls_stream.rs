// SPDX-License-Identifier: MIT OR Apache-2.0
//! TLS over connected, non-blocking sockets that accept a few bytes at a time.
#![cfg(feature = "tls")]

#[path = "tls/authority.rs"]
#[allow(dead_code)]
mod authority;

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

use authority::{Authority, Identity};
use framestream::transport::{
    TlsAcceptor, TlsConnector, TlsError, TlsOptions, TlsServerOptions, TlsStream,
};

/// A socket of which every other write is refused, and the others accept a part of a TLS record.
struct Narrow {
    socket: UnixStream,
    full: bool,
}

impl Read for Narrow {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.socket.read(bytes)
    }
}

impl Write for Narrow {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.full = !self.full;
        if self.full {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.socket.write(&bytes[..bytes.len().min(700)])
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Narrow {
    /// Ends the connection even if a process that another test is starting has a copy of the socket.
    fn drop(&mut self) {
        let _ = self.socket.shutdown(Shutdown::Both);
    }
}

fn options(identity: &Identity) -> TlsServerOptions {
    TlsServerOptions {
        certificate: identity.certificate.clone(),
        key: identity.key.clone(),
        client_authorities: None,
    }
}

fn pair() -> (TlsStream<Narrow>, TlsStream<Narrow>) {
    let authority = Authority::new();
    let acceptor = TlsAcceptor::new(&options(&authority.issue("DNS:localhost"))).unwrap();
    let trust = TlsOptions { ca_bundle: Some(authority.certificate.clone()), ..Default::default() };
    let connector = TlsConnector::new("localhost", &trust).unwrap();
    let (one, other) = UnixStream::pair().unwrap();
    let narrow = |socket: UnixStream| {
        socket.set_nonblocking(true).unwrap();
        Narrow { socket, full: false }
    };
    let client = connector.connect(narrow(one)).unwrap();
    (acceptor.accept(narrow(other)).unwrap(), client)
}

/// Reads the available data. Returns `None` at the end of the stream.
fn read(stream: &mut TlsStream<Narrow>, to: &mut Vec<u8>) -> Option<()> {
    let mut bytes = vec![0; 5000];
    match stream.read(&mut bytes) {
        Ok(0) => return None,
        Ok(count) => to.extend_from_slice(&bytes[..count]),
        Err(error) => assert_eq!(error.kind(), io::ErrorKind::WouldBlock),
    }
    Some(())
}

/// Writes bytes from the front of `bytes`, and removes them.
fn write(stream: &mut TlsStream<Narrow>, bytes: &mut &[u8]) {
    match stream.write(bytes) {
        Ok(count) => *bytes = &bytes[count..],
        Err(error) => assert_eq!(error.kind(), io::ErrorKind::WouldBlock),
    }
}

#[test]
fn both_sides_receive_all_bytes_in_order() {
    let (mut server, mut client) = pair();
    let sent: Vec<u8> =
        (0..300_000_u32).map(|number| (number.wrapping_mul(number) >> 8) as u8).collect();
    let (mut requests, mut replies) = (&sent[..], &sent[..100_000]);
    let (mut at_server, mut at_client) = (Vec::new(), Vec::new());
    while at_server.len() < sent.len() || at_client.len() < 100_000 {
        // Like a receiver, the server writes nothing before it has read something.
        if !at_server.is_empty() && !replies.is_empty() {
            write(&mut server, &mut replies);
        }
        if !requests.is_empty() {
            write(&mut client, &mut requests);
        }
        read(&mut server, &mut at_server).unwrap();
        read(&mut client, &mut at_client).unwrap();
    }
    assert!(at_server == sent && at_client == sent[..100_000]);
    // Reads send the pending data of TLS itself.
    while server.has_unsent() || client.has_unsent() {
        read(&mut server, &mut at_server).unwrap();
        read(&mut client, &mut at_client).unwrap();
    }
    drop(client);
    // Before the end, a read may find only a record of TLS itself.
    assert!((0..100).any(|_| read(&mut server, &mut at_server).is_none()));
    assert!(at_server == sent);
}

#[test]
fn errors_name_the_unusable_file() {
    let authority = Authority::new();
    let one = authority.issue("DNS:localhost");
    let missing = TlsServerOptions { key: PathBuf::from("/nowhere"), ..options(&one) };
    assert!(matches!(TlsAcceptor::new(&missing), Err(TlsError::File { .. })));
    let swapped = TlsServerOptions { key: one.certificate.clone(), ..options(&one) };
    assert!(matches!(TlsAcceptor::new(&swapped), Err(TlsError::NoKey(_))));
    let no_authority =
        TlsServerOptions { client_authorities: Some(one.key.clone()), ..options(&one) };
    assert!(matches!(TlsAcceptor::new(&no_authority), Err(TlsError::NoCertificate(_))));
    let other = Authority::new();
    let mismatch = TlsServerOptions { key: other.issue("DNS:localhost").key, ..options(&one) };
    assert!(matches!(TlsAcceptor::new(&mismatch), Err(TlsError::KeyMismatch { .. })));
}
