// SPDX-License-Identifier: MIT OR Apache-2.0
//! TLS over connected sockets that do not block, and take little at a time.
#![cfg(feature = "tls")]

#[path = "tls/authority.rs"]
#[allow(dead_code)]
mod authority;

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

use authority::{Authority, Identity};
use framestream::transport::{
    TlsAcceptor, TlsConnector, TlsError, TlsOptions, TlsServerOptions, TlsStream,
};

/// A socket that takes a part of a TLS record at a time, and every other time nothing.
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

/// Reads what is there; `None` at the end.
fn read(stream: &mut TlsStream<Narrow>, to: &mut Vec<u8>) -> Option<()> {
    let mut bytes = vec![0; 5000];
    match stream.read(&mut bytes) {
        Ok(0) => return None,
        Ok(count) => to.extend_from_slice(&bytes[..count]),
        Err(error) => assert_eq!(error.kind(), io::ErrorKind::WouldBlock),
    }
    Some(())
}

/// Writes the front of `bytes`, and drops it from there.
fn write(stream: &mut TlsStream<Narrow>, bytes: &mut &[u8]) {
    match stream.write(bytes) {
        Ok(count) => *bytes = &bytes[count..],
        Err(error) => assert_eq!(error.kind(), io::ErrorKind::WouldBlock),
    }
}

#[test]
fn both_sides_get_everything_in_their_order() {
    let (mut server, mut client) = pair();
    let sent: Vec<u8> =
        (0..300_000_u32).map(|number| (number.wrapping_mul(number) >> 8) as u8).collect();
    let (mut question, mut answer) = (&sent[..], &sent[..100_000]);
    let (mut asked, mut answered) = (Vec::new(), Vec::new());
    while asked.len() < sent.len() || answered.len() < 100_000 {
        // As receivers do: nothing is written before something came.
        if !asked.is_empty() && !answer.is_empty() {
            write(&mut server, &mut answer);
        }
        if !question.is_empty() {
            write(&mut client, &mut question);
        }
        read(&mut server, &mut asked).unwrap();
        read(&mut client, &mut answered).unwrap();
    }
    assert!(asked == sent && answered == sent[..100_000]);
    // What TLS itself has to send goes with reads.
    while server.has_unsent() || client.has_unsent() {
        read(&mut server, &mut asked).unwrap();
        read(&mut client, &mut answered).unwrap();
    }
    drop(client);
    // A read that finds no more than a record of TLS itself comes before the end.
    assert!((0..100).any(|_| read(&mut server, &mut asked).is_none()));
    assert!(asked == sent);
}

#[test]
fn files_that_cannot_be_used_are_named() {
    let authority = Authority::new();
    let one = authority.issue("DNS:localhost");
    let missing = TlsServerOptions { key: PathBuf::from("/nowhere"), ..options(&one) };
    assert!(matches!(TlsAcceptor::new(&missing), Err(TlsError::File { .. })));
    let swapped = TlsServerOptions { key: one.certificate.clone(), ..options(&one) };
    assert!(matches!(TlsAcceptor::new(&swapped), Err(TlsError::NoKey(_))));
    let no_authority =
        TlsServerOptions { client_authorities: Some(one.key.clone()), ..options(&one) };
    assert!(matches!(TlsAcceptor::new(&no_authority), Err(TlsError::NoCertificate(_))));
    let (others, kept) = (Authority::new(), options(&one));
    let mismatch = TlsServerOptions { key: others.issue("DNS:localhost").key, ..kept };
    assert!(matches!(TlsAcceptor::new(&mismatch), Err(TlsError::KeyMismatch { .. })));
}
