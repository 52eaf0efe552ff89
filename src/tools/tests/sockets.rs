// SPDX-License-Identifier: MIT OR Apache-2.0
//! The sockets that `fstrm_capture` listens on: their owners, permissions and removal.

mod support;

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::process::{Command, Stdio};

use command_fds::{CommandFdExt, FdMapping};
use support::{
    CAPTURE, DNSTAP, Peer, Place, REPLAY, Running, TYPE, assert_fails, assert_holds, assert_line,
    data, payloads, recording, run,
};

/// Checks that `fstrm_capture` does not start on `socket`, for this reason.
fn assert_refused(place: &Place, socket: &str, reason: &str) {
    let arguments = ["-t", TYPE, "-u", socket, "-w", &place.argument("refused")];
    assert_fails(CAPTURE, &arguments, 1, reason);
}

#[test]
fn the_socket_of_a_running_receiver_is_not_replaced() {
    let place = Place::new();
    let socket = place.argument("socket");
    let first = place.capture(&[]);
    let mut peer = Peer::open(&place.socket);
    assert_refused(&place, &socket, &format!("{socket} is in use by a running receiver"));
    peer.send(data("before"));
    peer.close();
    Peer::open(&place.socket).close();
    first.stop();
    assert_holds(&place.path("out"), ["before"]);
    assert_eq!(support::names(place.directory.path()), ["out"]);
}

#[test]
fn the_socket_of_a_busy_receiver_is_not_replaced() {
    let place = Place::new();
    // A listener that accepts no connection; its backlog fills up.
    let listener = UnixListener::bind(&place.socket).unwrap();
    nix::sys::socket::listen(&listener, nix::sys::socket::Backlog::new(0).unwrap()).unwrap();
    let _waiting = Peer::connect(&place.socket);
    assert_refused(&place, &place.argument("socket"), "in use");
    assert!(place.socket.exists());
}

#[test]
fn the_socket_of_a_dead_receiver_is_replaced() {
    let place = Place::new();
    drop(UnixListener::bind(&place.socket).unwrap());
    let capture = place.capture(&[]);
    Peer::open(&place.socket).close();
    capture.stop();
    assert!(!place.socket.exists());
}

#[test]
fn an_empty_file_is_replaced_with_the_socket() {
    let place = Place::new();
    for program in [CAPTURE, DNSTAP] {
        let socket = place.file("socket", "");
        let mut command = Command::new(program);
        if program == CAPTURE {
            command.args(["-t", TYPE]);
        }
        let out = place.argument("out");
        command.args(["-u", &socket, "-w", &out]).stdout(Stdio::null());
        let mut capture = Running::start(&mut command);
        capture.line("opened output file");
        Peer::open(&place.socket).close();
        capture.stop();
        fs::remove_file(out).unwrap();
        assert_eq!(support::names(place.directory.path()), [""; 0]);
    }
    // A link to an empty file is not an empty file.
    place.file("empty", "");
    symlink("empty", &place.socket).unwrap();
    assert_refused(&place, &place.argument("socket"), "exists and is not a socket: not removed");
    assert_eq!(support::names(place.directory.path()), ["empty", "socket"]);
}

#[test]
fn other_files_are_not_removed() {
    let place = Place::new();
    let file = place.file("file", "precious");
    assert_refused(&place, &file, "exists and is not a socket: not removed");
    assert_eq!(fs::read(&file).unwrap(), b"precious");

    // There is nothing to remove.
    let within = format!("{file}/socket");
    assert_refused(&place, &within, &format!("failed to listen on {within}: Not a directory"));

    let _datagrams = UnixDatagram::bind(place.path("datagrams")).unwrap();
    assert_refused(&place, &place.argument("datagrams"), "Protocol wrong type for socket");
    assert_eq!(support::names(place.directory.path()), ["datagrams", "file"]);
}

#[test]
fn the_socket_of_a_successor_is_not_removed() {
    let place = Place::new();
    let capture = place.capture(&[]);
    fs::remove_file(&place.socket).unwrap();
    let _other = UnixListener::bind(&place.socket).unwrap();
    capture.stop();
    assert!(place.socket.exists());
}

#[test]
fn permissions_of_the_socket_can_be_set() {
    let place = Place::new();
    let metadata = fs::metadata(place.directory.path()).unwrap();
    let (owner, group) = (metadata.uid().to_string(), metadata.gid().to_string());
    let capture = place.capture(&[
        "--socket-mode",
        "660",
        "--socket-owner",
        &owner,
        "--socket-group",
        &group,
    ]);
    assert_eq!(fs::metadata(&place.socket).unwrap().permissions().mode() & 0o777, 0o660);
    capture.stop();
    // The umask applies to the output; the options do not.
    let shell = Command::new("sh").args(["-c", "umask"]).output().unwrap().stdout;
    let umask = u32::from_str_radix(String::from_utf8(shell).unwrap().trim(), 8).unwrap();
    let mode = fs::metadata(place.path("out")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o666 & !umask);

    for (option, value) in [("--socket-owner", "no such user"), ("--socket-group", "no such group")]
    {
        let output = place.argument("out");
        let arguments = ["-t", TYPE, "-u", &place.argument("socket"), "-w", &output, option, value];
        assert_fails(CAPTURE, &arguments, 1, value);
    }
}

#[test]
fn a_port_in_use_is_an_error() {
    let place = Place::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let output = place.argument("out");
    assert_fails(
        CAPTURE,
        &["-t", TYPE, "-a", "127.0.0.1", "-p", &port, "-w", &output],
        1,
        &format!("failed to listen on [127.0.0.1]:{port}: "),
    );
    assert_eq!(support::names(place.directory.path()), [""; 0], "no empty capture is left");
}

#[test]
fn sockets_of_the_service_manager_are_used() {
    let place = Place::new();
    let input = place.file("in", recording(payloads(100)));
    let unix = UnixListener::bind(&place.socket).unwrap();
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = tcp.local_addr().unwrap().port().to_string();
    let script = "LISTEN_PID=$$ LISTEN_FDS=2 exec \"$0\" \"$@\"";
    let mut command = Command::new("/bin/sh");
    command.args(["-c", script, CAPTURE, "-t", TYPE, "-w", &place.argument("out")]);
    // Command lines often repeat the socket of the unit file.
    command.args(["-u", &place.argument("socket")]);
    command
        .fd_mappings(vec![
            FdMapping { parent_fd: unix.into(), child_fd: 3 },
            FdMapping { parent_fd: tcp.into(), child_fd: 4 },
        ])
        .unwrap();
    let mut capture = Running::start(&mut command);
    drop(command);
    capture.line("using 2 sockets of the service manager");
    capture.line("opened output file");
    for target in [&["-u", &place.argument("socket")][..], &["-a", "127.0.0.1", "-p", &port]] {
        let output = run(REPLAY, &[&["-t", TYPE, "-r", &input], target].concat());
        assert!(output.status.success(), "{output:?}");
    }
    capture.stop();
    assert_holds(&place.path("out"), [payloads(100), payloads(100)].concat());
    assert!(place.socket.exists(), "the socket is the service manager's");
}

#[test]
fn a_passed_descriptor_must_be_a_socket() {
    let place = Place::new();
    let file = fs::File::create(place.path("file")).unwrap();
    let script = "LISTEN_PID=$$ LISTEN_FDS=1 exec \"$0\" \"$@\"";
    let mut command = Command::new("/bin/sh");
    command.args(["-c", script, CAPTURE, "-t", TYPE, "-w", &place.argument("out")]);
    command.fd_mappings(vec![FdMapping { parent_fd: file.into(), child_fd: 3 }]).unwrap();
    let lines = Running::start(&mut command).end_with(1);
    let error = "failed to listen on socket 0 passed by the service manager: fd 3 is not a socket";
    assert_line(&lines, error);
}
