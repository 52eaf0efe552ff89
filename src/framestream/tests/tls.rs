// SPDX-License-Identifier: MIT OR Apache-2.0
//! Senders over TLS: to `openssl s_server`, with trusted and untrusted certificates, and to peers
//! that are silent, hang up or do not speak TLS.
#![cfg(feature = "tls")]

#[path = "tls/authority.rs"]
mod authority;
mod patience;
mod receiver;
#[path = "tls/server.rs"]
mod server;
#[path = "tls/trickle.rs"]
mod trickle;
mod writer_thread;

use std::fs;
use std::io::{self, IoSlice, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use authority::{Authority, Identity};
use framestream::StreamError;
use framestream::iothr::{FrameProducer, IoThr, IoThrOptions, LinkState};
use framestream::sender::SenderOptions;
use framestream::transport::{
    HostSender, SocketSender, TlsError, TlsOptions, TlsSender, Transport,
};
use framestream::writer::{StreamWriter, WriterOptions};
use patience::{PATIENCE, wait_for};
use receiver::{accept, next_frame, receive};
use server::{Port, Server};
use trickle::{Counts, Trickle};
use writer_thread::{reopen_repeatedly, until};

const LOCALHOST: &str = "DNS:localhost,IP:127.0.0.1";

fn trusting(authority: &Authority) -> TlsOptions {
    TlsOptions { ca_bundle: Some(authority.certificate.clone()), ..TlsOptions::default() }
}

fn transport(port: &Port, options: &TlsOptions) -> Box<TlsSender> {
    let socket = Box::new(SocketSender::tcp(port.address));
    Box::new(TlsSender::new(socket, "localhost", options).expect("valid options"))
}

fn writer(port: &Port, options: &TlsOptions) -> StreamWriter {
    StreamWriter::new(transport(port, options), WriterOptions::default())
}

/// Opens `writer` as soon as the server listens.
fn open(writer: &mut StreamWriter) -> Result<(), StreamError> {
    wait_for(|| match writer.open() {
        Err(StreamError::Io(error)) if error.kind() == io::ErrorKind::ConnectionRefused => None,
        other => Some(other),
    })
}

/// Starts a writer thread that retries often, and has enough time to close.
fn start(writer: StreamWriter) -> (IoThr<Vec<u8>>, FrameProducer<Vec<u8>>) {
    let sender = SenderOptions {
        flush_timeout: Duration::from_millis(10),
        reopen_interval: Duration::from_millis(100),
        close_timeout: PATIENCE,
        ..SenderOptions::default()
    };
    let options = IoThrOptions { sender, memory_limit: 64 << 20, ..IoThrOptions::default() };
    let (iothr, mut producers) = IoThr::start(options, writer).expect("a thread");
    (iothr, producers.pop().expect("a queue"))
}

/// Returns a frame that begins with its number, whose length depends on it.
fn frame(number: u32) -> Vec<u8> {
    let mut frame = vec![number as u8; 4 + number as usize % 500];
    frame[..4].copy_from_slice(&number.to_be_bytes());
    frame
}

fn number(frame: &[u8]) -> u32 {
    u32::from_be_bytes(*frame.first_chunk().expect("a number"))
}

/// Accepts a stream on a server, and receives it, in a thread. Also returns the server, which would
/// take FINISH with it if it were killed at once.
fn receive_from(mut server: Server) -> JoinHandle<(Vec<Vec<u8>>, Server)> {
    thread::spawn(move || {
        accept(&mut server);
        (receive(&mut server), server)
    })
}

/// Submits frames with these numbers, each as soon as there is room.
fn submit(producer: &FrameProducer<Vec<u8>>, numbers: std::ops::Range<u32>) {
    for number in numbers {
        wait_for(|| producer.submit(frame(number)).ok());
    }
}

/// Sends one frame with `writer`, which `server` receives.
fn send_one(mut writer: StreamWriter, server: Server) {
    let receiving = receive_from(server);
    open(&mut writer).expect("a stream");
    writer.write(b"one").expect("a frame");
    writer.close().expect("FINISH");
    assert_eq!(receiving.join().expect("the receiver").0, [b"one"]);
}

#[test]
fn every_frame_arrives_in_order_even_if_the_reader_is_slow() {
    const COUNT: u32 = 100_000;
    let authority = Authority::new();
    let identity = authority.issue(LOCALHOST);
    for version in ["-tls1_3", "-tls1_2"] {
        let port = Port::new();
        let mut server = Server::start(&port, &identity, &[version]);
        let (resume, resumed) = mpsc::channel();
        let receiving = thread::spawn(move || {
            accept(&mut server);
            resumed.recv_timeout(PATIENCE).expect("a message");
            (receive(&mut server), server)
        });
        let (iothr, producer) = start(writer(&port, &trusting(&authority)));
        submit(&producer, 0..COUNT);
        let before = iothr.stats();
        assert!(before.written < before.accepted, "nothing is pending: {before:?}");
        resume.send(()).expect("the receiver");
        assert!(iothr.close());
        let (frames, _server) = receiving.join().expect("the receiver");
        assert_eq!(frames.len(), COUNT as usize);
        assert!((0..COUNT).zip(&frames).all(|(number, received)| frame(number) == *received));
        let stats = iothr.stats();
        assert_eq!((stats.written, stats.waiting), (COUNT.into(), 0), "{stats:?}");
        assert_eq!((stats.disconnects, stats.state), (0, LinkState::Closing));
    }
}

#[test]
fn single_frames_are_sent_without_waiting_for_more() {
    let authority = Authority::new();
    let port = Port::new();
    let mut server = Server::start(&port, &authority.issue(LOCALHOST), &[]);
    let (iothr, producer) = start(writer(&port, &trusting(&authority)));
    accept(&mut server);
    for sent in 0..50 {
        submit(&producer, sent..sent + 1);
        let mut received = vec![0; 4 + frame(sent).len()];
        server.read_exact(&mut received).expect("the frame");
        assert_eq!(received[4..], frame(sent));
    }
    until(&iothr, |stats| stats.written == 50);
    let closing = thread::spawn(move || iothr.close());
    assert_eq!(receive(&mut server).len(), 0);
    assert!(closing.join().expect("no panic"));
}

/// Reads data frames, and returns their numbers.
fn receive_some(stream: &mut impl Read, count: usize) -> Vec<u32> {
    (0..count).map(|_| number(&next_frame(stream).expect("no STOP yet"))).collect()
}

#[test]
fn a_broken_connection_loses_only_frames_that_were_written() {
    let authority = Authority::new();
    let identity = authority.issue(LOCALHOST);
    let port = Port::new();
    let mut server = Server::start(&port, &identity, &[]);
    let (iothr, producer) = start(writer(&port, &trusting(&authority)));
    accept(&mut server);
    submit(&producer, 0..60_000);
    let before = receive_some(&mut server, 1000);
    drop(server);
    until(&iothr, |stats| stats.disconnects == 1);
    let written = iothr.stats().written;
    assert!((1000..60_000).contains(&written), "{:?}", iothr.stats());

    let receiving = receive_from(Server::start(&port, &identity, &[]));
    until(&iothr, |stats| stats.connects == 2);
    assert!(iothr.close());
    let (frames, _server) = receiving.join().expect("the receiver");
    let after: Vec<u32> = frames.iter().map(|frame| number(frame)).collect();
    assert!((0..1000).eq(before));
    assert!((written as u32..60_000).eq(after.iter().copied()), "from {:?}", after.first());
    assert_eq!(iothr.stats().written, 60_000);
}

fn over_a_trickle(address: SocketAddr, authority: &Authority) -> (Box<TlsSender>, Arc<Counts>) {
    let (trickle, counts) = Trickle::new(SocketSender::tcp(address));
    let tls = TlsSender::new(Box::new(trickle), "localhost", &trusting(authority));
    (Box::new(tls.expect("valid options")), counts)
}

#[test]
fn a_socket_that_accepts_few_bytes_is_polled_at_every_step() {
    let authority = Authority::new();
    let port = Port::new();
    let receiving = receive_from(Server::start(&port, &authority.issue(LOCALHOST), &[]));
    let (tls, _) = over_a_trickle(port.address, &authority);
    let (iothr, producer) = start(StreamWriter::new(tls, WriterOptions::default()));
    submit(&producer, 0..2000);
    until(&iothr, |stats| stats.connects == 1);
    assert!(iothr.close());
    let (frames, _server) = receiving.join().expect("the receiver");
    assert!((0..2000).eq(frames.iter().map(|frame| number(frame))));
}

#[test]
fn a_reopened_connection_ends_between_two_frames() {
    const COUNT: u32 = 20_000;
    const TIMES: u64 = 5;
    let authority = Authority::new();
    let port = Port::new();
    let mut server = Server::start(&port, &authority.issue(LOCALHOST), &[]);
    let receiving = thread::spawn(move || {
        let mut frames = Vec::new();
        for _ in 0..=TIMES {
            accept(&mut server);
            frames.extend(receive(&mut server));
        }
        (frames, server)
    });
    // Most of the time, a record has been sent in part.
    let (tls, _) = over_a_trickle(port.address, &authority);
    let (iothr, producer) = start(StreamWriter::new(tls, WriterOptions::default()));
    let producing = thread::spawn(move || submit(&producer, 0..COUNT));
    reopen_repeatedly(&iothr, TIMES);
    producing.join().expect("the producer");
    assert!(iothr.close());
    let (frames, _server) = receiving.join().expect("the receiver");
    assert!((0..COUNT).zip(&frames).all(|(number, received)| frame(number) == *received));
    let stats = iothr.stats();
    assert_eq!((frames.len() as u64, stats.written), (COUNT.into(), COUNT.into()));
    assert_eq!((stats.connects, stats.disconnects), (TIMES + 1, 0), "{:?}", iothr.last_error());
}

#[test]
fn only_complete_records_count_as_written() {
    let authority = Authority::new();
    let port = Port::new();
    let mut server = Server::start(&port, &authority.issue(LOCALHOST), &[]);
    let (mut tls, counts) = over_a_trickle(port.address, &authority);
    let deadline = Instant::now() + PATIENCE;
    while let Err(error) = tls.open() {
        assert!(Instant::now() < deadline, "{error}");
        match error.kind() {
            io::ErrorKind::WouldBlock => (),
            // The server does not listen yet.
            _ => tls.close().expect("no connection"),
        }
        thread::yield_now();
    }
    let sent: Vec<u8> = (0..100_000u32).map(|number| number as u8).collect();
    let (before, mut written) = (counts.bytes_written.load(Ordering::Relaxed), 0);
    while written < sent.len() {
        // In two slices, of which the first is shorter than a record.
        let (first, second) = sent[written..].split_at(1000.min(sent.len() - written));
        match tls.write(&[IoSlice::new(first), IoSlice::new(second)]) {
            Ok(count) => written += count,
            Err(error) => {
                assert!(error.kind() == io::ErrorKind::WouldBlock && Instant::now() < deadline);
                continue;
            }
        }
        let out = counts.bytes_written.load(Ordering::Relaxed) - before;
        assert!(out > written, "{out} bytes of TLS cannot hold {written}");
        assert!(out < written + written / 100 + 100, "{out} bytes of TLS hold more than {written}");
    }
    let mut received = vec![0; sent.len()];
    server.read_exact(&mut received).expect("all bytes");
    assert!(received == sent);
}

/// Returns the error of opening a stream to a server with `identity`. Also checks that a writer
/// thread counts it.
fn rejection(identity: &Identity, options: &TlsOptions, server_options: &[&str]) -> String {
    let port = Port::new();
    let _server = Server::start(&port, identity, server_options);
    let error = open(&mut writer(&port, options)).expect_err("a rejection").to_string();
    let (iothr, producer) = start(writer(&port, options));
    submit(&producer, 0..1);
    until(&iothr, |stats| stats.connect_failures >= 2);
    let stats = iothr.stats();
    assert_eq!((stats.connects, stats.written, stats.waiting), (0, 0, 1));
    error
}

#[test]
fn untrusted_and_invalid_certificates_are_rejected() {
    let authority = Authority::new();
    let options = trusting(&authority);
    let error = rejection(&authority.issue("DNS:other.example"), &options, &[]);
    assert!(error.contains("not valid for name \"localhost\""), "{error}");
    let error = rejection(&authority.issue_expired(LOCALHOST), &options, &[]);
    assert!(error.contains("certificate expired"), "{error}");
    let another = Authority::new();
    let error = rejection(&another.issue(LOCALHOST), &options, &[]);
    assert!(error.contains("UnknownIssuer"), "{error}");
    let itself = Identity {
        certificate: another.certificate.clone(),
        key: another.certificate.with_file_name("authority.key"),
    };
    let error = rejection(&itself, &options, &[]);
    assert!(error.contains("is a CA certificate"), "{error}");
    // With the authorities of the system, from the package ca-certificates.
    let error = rejection(&authority.issue(LOCALHOST), &TlsOptions::default(), &[]);
    assert!(error.contains("UnknownIssuer"), "{error}");
}

#[test]
fn the_name_of_the_server_may_differ_from_the_host() {
    let authority = Authority::new();
    let port = Port::new();
    let server = Server::start(&port, &authority.issue("DNS:receiver.example"), &[]);
    let options =
        TlsOptions { server_name: Some("receiver.example".into()), ..trusting(&authority) };
    send_one(writer(&port, &options), server);
}

#[test]
fn the_host_may_be_a_name_or_an_address() {
    let authority = Authority::new();
    let identity = authority.issue(LOCALHOST);
    for host in ["localhost", "127.0.0.1"] {
        let port = Port::new();
        let server = Server::start(&port, &identity, &[]);
        let found = Box::new(HostSender::new(host, port.address.port()));
        let transport = TlsSender::new(found, host, &trusting(&authority)).expect("options");
        send_one(StreamWriter::new(Box::new(transport), WriterOptions::default()), server);
    }
}

#[test]
fn a_child_has_its_own_session() {
    let authority = Authority::new();
    let port = Port::new();
    let server = Server::start(&port, &authority.issue(LOCALHOST), &[]);
    let parents = transport(&port, &trusting(&authority));
    send_one(StreamWriter::new(parents.for_child(), WriterOptions::default()), server);
}

#[test]
fn a_server_that_requests_a_client_certificate_gets_it() {
    let authority = Authority::new();
    let identity = authority.issue(LOCALHOST);
    let root = authority.certificate.to_str().expect("a plain path");
    for version in ["-tls1_3", "-tls1_2"] {
        let asking = [version, "-Verify", "1", "-verify_return_error", "-CAfile", root];
        let error = rejection(&identity, &trusting(&authority), &asking);
        assert!(error.contains("fatal alert"), "{error}");

        let known = TlsOptions {
            client_certificate: Some(identity.certificate.clone()),
            client_key: Some(identity.key.clone()),
            ..trusting(&authority)
        };
        let port = Port::new();
        send_one(writer(&port, &known), Server::start(&port, &identity, &asking));
    }
}

/// Opens a stream to a peer that passes its first connection to `peer`. Returns the error, and the
/// number of reads.
fn open_to(peer: impl FnOnce(TcpStream) + Send + 'static) -> (io::Error, usize) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("bound");
    let authority = Authority::new();
    let (tls, counts) = over_a_trickle(address, &authority);
    let mut options = WriterOptions::default();
    options.io_timeout = Duration::from_millis(500);
    let mut writer = StreamWriter::new(tls, options);
    let serving = thread::spawn(move || peer(listener.accept().expect("a sender").0));
    let error = writer.open().expect_err("no TLS");
    serving.join().expect("the peer");
    match error {
        StreamError::Io(error) => (error, counts.reads.load(Ordering::Relaxed)),
        other => panic!("{other}"),
    }
}

#[test]
fn a_silent_peer_is_an_error_after_the_timeout() {
    let start = Instant::now();
    let (error, reads) = open_to(|mut stream| {
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        stream.read_to_end(&mut Vec::new()).expect("a sender that hangs up");
    });
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    assert!(reads < 5, "{reads} reads");
    assert!(start.elapsed() < PATIENCE / 2, "{:?}", start.elapsed());
}

#[test]
fn a_read_reads_from_the_peer_at_most_once() {
    let authority = Authority::new();
    let port = Port::new();
    let mut server = Server::start(&port, &authority.issue(LOCALHOST), &[]);
    let (mut tls, counts) = over_a_trickle(port.address, &authority);
    wait_for(|| tls.open().ok());
    let deadline = Instant::now() + PATIENCE;
    server.write_all(&[7; 16_000]).expect("the server");
    let mut received = 0;
    while received < 16_000 {
        let before = counts.reads.load(Ordering::Relaxed);
        received += tls.read(&mut [0; 500]).unwrap_or_default();
        let reads = counts.reads.load(Ordering::Relaxed) - before;
        // The record arrives in at least 23 pieces. A peer that always has another one must not
        // delay the caller longer than one that pauses.
        assert!(reads <= 1, "{reads} reads of the transport");
        assert!(Instant::now() < deadline, "only {received} bytes were received");
    }
}

#[test]
fn a_peer_that_does_not_speak_tls_has_its_own_error() {
    let (error, _) = open_to(|mut stream| {
        stream.write_all(b"220 mail.example ESMTP\r\n").expect("a sender");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        // The connection may be reset before everything is read.
        drop(stream.read_to_end(&mut Vec::new()));
    });
    assert!(error.to_string().starts_with("the peer does not speak TLS"), "{error}");
    let (error, _) = open_to(|mut stream| {
        stream.read_exact(&mut [0; 5]).expect("a client hello");
        stream.shutdown(std::net::Shutdown::Write).expect("a sender");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        drop(stream.read_to_end(&mut Vec::new()));
    });
    assert_eq!(error.to_string(), "the peer closed the connection in the TLS handshake");
}

fn options_error(host: &str, options: &TlsOptions) -> TlsError {
    let socket = Box::new(SocketSender::tcp(([127, 0, 0, 1], 1).into()));
    TlsSender::new(socket, host, options).err().expect("an error")
}

#[test]
fn invalid_options_are_refused_with_the_reason() {
    let authority = Authority::new();
    let identity = authority.issue(LOCALHOST);
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str, content: &str| {
        let path = folder.path().join(name);
        fs::write(&path, content).expect("a file");
        path
    };
    let missing = folder.path().join("missing");
    let torn = file("torn", "-----BEGIN CERTIFICATE-----\nMIIB\n");
    let invalid = file("invalid", "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n");
    let good = trusting(&authority);

    let bundle = |path: &Path| TlsOptions { ca_bundle: Some(path.into()), ..good.clone() };
    assert!(
        matches!(options_error("localhost", &bundle(&missing)), TlsError::File { path, .. } if path == missing)
    );
    assert!(
        matches!(options_error("localhost", &bundle(&torn)), TlsError::Pem { path, .. } if path == torn)
    );
    for useless in [&identity.key, &invalid] {
        assert!(
            matches!(options_error("localhost", &bundle(useless)), TlsError::NoCertificate(path) if path == *useless)
        );
    }

    let client = |certificate: Option<&Path>, key: Option<&Path>| TlsOptions {
        client_certificate: certificate.map(Into::into),
        client_key: key.map(Into::into),
        ..good.clone()
    };
    let (certificate, key) = (Some(&*identity.certificate), Some(&*identity.key));
    for one in [client(certificate, None), client(None, key)] {
        assert!(matches!(options_error("localhost", &one), TlsError::OnlyOne));
    }
    let none = client(certificate, certificate);
    assert!(matches!(options_error("localhost", &none), TlsError::NoKey(_)));
    let none = client(key, key);
    assert!(matches!(options_error("localhost", &none), TlsError::NoCertificate(_)));
    let none = client(Some(&invalid), key);
    assert!(
        matches!(options_error("localhost", &none), TlsError::NoCertificate(path) if path == invalid)
    );
    let another = Authority::new();
    let other = another.issue(LOCALHOST);
    let mismatch = options_error("localhost", &client(certificate, Some(&other.key)));
    assert!(matches!(&mismatch, TlsError::KeyMismatch { key, .. } if *key == other.key));
    assert!(mismatch.to_string().contains("does not match the certificate"));

    assert!(
        matches!(options_error("no name", &good), TlsError::ServerName(name) if name == "no name")
    );
}
