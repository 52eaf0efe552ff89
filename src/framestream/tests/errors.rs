// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a writer thread says of receivers that are not there, silent, picky, or gone.

mod patience;

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, SocketAddrV4};
use std::os::fd::AsRawFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::time::Duration;

use framestream::control::{ControlFrame, ControlType, Header};
use framestream::iothr::{FrameProducer, IoThr, IoThrOptions};
use framestream::sender::SenderOptions;
use framestream::transport::{FileSender, HostSender, SocketSender, Transport};
use framestream::writer::{StreamWriter, WriterOptions};
use nix::sys::socket::{self, AddressFamily, SockFlag, SockType, SockaddrIn, bind, getsockname};
use patience::{PATIENCE, wait_for};

fn start(
    transport: impl Transport + 'static,
    io_timeout: Duration,
) -> (IoThr<Vec<u8>>, Vec<FrameProducer<Vec<u8>>>) {
    let mut options = WriterOptions::default();
    options.add_content_type(b"numbers").expect("short");
    options.io_timeout = io_timeout;
    let sender = SenderOptions {
        flush_timeout: Duration::from_millis(1),
        reopen_interval: Duration::from_millis(50),
        ..SenderOptions::default()
    };
    let options_of_thread = IoThrOptions { sender, ..IoThrOptions::default() };
    IoThr::start(options_of_thread, StreamWriter::new(Box::new(transport), options))
        .expect("a thread")
}

fn socket(path: &Path) -> SocketSender {
    SocketSender::unix(path).expect("a short path")
}

#[track_caller]
fn await_error(iothr: &IoThr<Vec<u8>>, expected: &str) {
    wait_for(|| iothr.last_error().filter(|error| error == expected));
}

fn connection(listener: &UnixListener) -> UnixStream {
    listener.set_nonblocking(true).expect("a socket");
    let (stream, _) = wait_for(|| listener.accept().ok());
    stream.set_nonblocking(false).expect("a socket");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    stream
}

/// ACCEPT of another content type than the one that is offered.
fn other_type() -> Vec<u8> {
    let accept = ControlFrame::new(ControlType::Accept, Some(b"letters".as_slice()));
    accept.encode(Header::With).expect("short")
}

#[test]
fn each_failure_is_told_until_the_next() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("socket");
    let name = path.display();
    let (iothr, producers) = start(socket(&path), PATIENCE);
    await_error(&iothr, &format!("{name}: connecting: No such file or directory"));

    let listener = UnixListener::bind(&path).expect("a socket");
    let mut picky = connection(&listener);
    picky.write_all(&other_type()).expect("the sender listens");
    let picked = format!("{name}: handshake: no content type in common with the peer");
    await_error(&iothr, &picked);

    let mut stream = connection(&listener);
    let accept = ControlFrame::new(ControlType::Accept, None).encode(Header::With);
    stream.write_all(&accept.expect("short")).expect("the sender listens");
    producers[0].submit(vec![1]).expect("room");
    wait_for(|| (iothr.stats().written > 0).then_some(()));
    assert_eq!(iothr.last_error(), Some(picked), "it is kept when all is well again");
    // What is left unread makes the end an abrupt one.
    let mut all = [0; 1024];
    while stream.read(&mut all).expect("what was sent") == all.len() {}
    drop(stream);
    await_error(&iothr, &format!("{name}: the stream broke: the receiver closed the connection"));
}

#[test]
fn silence_is_told_with_its_length() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("socket");
    let _listener = UnixListener::bind(&path).expect("a socket");
    let (iothr, _producers) = start(socket(&path), Duration::from_millis(100));
    let silence = "handshake: the receiver did not answer within 0.1 s";
    await_error(&iothr, &format!("{}: {silence}", path.display()));
}

#[test]
fn addresses_and_hosts_go_by_their_names() {
    // Bound, so that nobody else gets the port, but not listening.
    let flags = SockFlag::SOCK_CLOEXEC;
    let held =
        socket::socket(AddressFamily::Inet, SockType::Stream, flags, None).expect("a socket");
    bind(held.as_raw_fd(), &SockaddrIn::new(127, 0, 0, 1, 0)).expect("a port");
    let bound: SockaddrIn = getsockname(held.as_raw_fd()).expect("bound");
    let address = SocketAddr::from(SocketAddrV4::from(bound));
    let refused = "Connection refused";
    let (iothr, _producers) = start(SocketSender::tcp(address), PATIENCE);
    await_error(&iothr, &format!("{address}: connecting: {refused}"));
    let port = address.port();
    let (iothr, _producers) = start(HostSender::new("127.0.0.1", port), PATIENCE);
    await_error(&iothr, &format!("127.0.0.1:{port}: connecting: {refused}"));
    let (iothr, _producers) = start(HostSender::new("nobody.invalid", port), PATIENCE);
    let begins = format!("nobody.invalid:{port}: connecting: failed to lookup address");
    wait_for(|| iothr.last_error().filter(|error| error.starts_with(&begins)));
}

#[test]
fn a_fifo_tells_of_its_reader() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("fifo");
    nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).expect("a FIFO");
    let name = path.display();
    let (iothr, _producers) = start(FileSender::new(&path), PATIENCE);
    await_error(&iothr, &format!("{name}: connecting: No such device or address"));
    let reader = fs::File::open(&path).expect("a writer");
    wait_for(|| (iothr.stats().connects > 0).then_some(()));
    // The next stream goes to a file, so that this stays the last error.
    fs::remove_file(&path).expect("a FIFO");
    drop(reader);
    await_error(&iothr, &format!("{name}: the stream broke: broken pipe"));
}
