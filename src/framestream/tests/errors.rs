// SPDX-License-Identifier: MIT OR Apache-2.0
//! Errors of a writer thread whose receiver is absent or silent, refuses the stream, or hangs up.

mod patience;
mod receiver;

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, SocketAddrV4};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::time::Duration;

use framestream::control::{ControlFrame, ControlType, Header};
use framestream::iothr::{FrameProducer, IoThr, IoThrOptions};
use framestream::sender::SenderOptions;
use framestream::transport::{FileSender, HostSender, SocketSender, Transport};
use framestream::writer::{StreamWriter, WriterOptions};
use nix::sys::socket::{self, AddressFamily, SockFlag, SockType, SockaddrIn, bind, getsockname};
use patience::{PATIENCE, wait_for};
use receiver::connection;

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

/// Returns ACCEPT with another content type than the offered one.
fn accept_of_another_type() -> Vec<u8> {
    let accept = ControlFrame::new(ControlType::Accept, Some(b"letters".as_slice()));
    accept.encode(Header::With).expect("short")
}

#[test]
fn the_last_error_is_kept_until_the_next_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("socket");
    let name = path.display();
    let (iothr, producers) = start(socket(&path), PATIENCE);
    await_error(&iothr, &format!("{name}: connecting: No such file or directory"));

    let listener = UnixListener::bind(&path).expect("a socket");
    let mut refusing = connection(&listener);
    refusing.write_all(&accept_of_another_type()).expect("a sender that reads");
    let refused = format!("{name}: handshake: no content type in common with the peer");
    await_error(&iothr, &refused);

    let mut stream = connection(&listener);
    let accept = ControlFrame::new(ControlType::Accept, None).encode(Header::With);
    stream.write_all(&accept.expect("short")).expect("a sender that reads");
    producers[0].submit(vec![1]).expect("room");
    wait_for(|| (iothr.stats().written > 0).then_some(()));
    assert_eq!(iothr.last_error(), Some(refused), "not kept after the error was resolved");
    // With unread data, closing the socket would reset the connection.
    let mut all = [0; 1024];
    while stream.read(&mut all).expect("the sent data") == all.len() {}
    drop(stream);
    await_error(&iothr, &format!("{name}: the stream broke: the receiver closed the connection"));
}

#[test]
fn the_error_of_a_silent_receiver_gives_the_time_limit() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("socket");
    let _listener = UnixListener::bind(&path).expect("a socket");
    let (iothr, _producers) = start(socket(&path), Duration::from_millis(100));
    let no_answer = "handshake: the receiver did not answer within 0.1 s";
    await_error(&iothr, &format!("{}: {no_answer}", path.display()));
}

#[test]
fn errors_name_the_address_or_host() {
    // Bound, so that no other process gets the port, but not listening.
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
    let beginning = format!("nobody.invalid:{port}: connecting: failed to lookup address");
    wait_for(|| iothr.last_error().filter(|error| error.starts_with(&beginning)));
}

#[test]
fn errors_of_a_fifo_show_the_state_of_its_reader() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("fifo");
    nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).expect("a FIFO");
    let name = path.display();
    let (iothr, _producers) = start(FileSender::new(&path), PATIENCE);
    await_error(&iothr, &format!("{name}: connecting: No such device or address"));
    let reader = fs::File::open(&path).expect("a writer");
    wait_for(|| (iothr.stats().connects > 0).then_some(()));
    // The next stream is written to a regular file, so that no further error follows.
    fs::remove_file(&path).expect("a FIFO");
    drop(reader);
    await_error(&iothr, &format!("{name}: the stream broke: broken pipe"));
}
