// SPDX-License-Identifier: MIT OR Apache-2.0
//! The sockets that `fstrm_capture` listens on: whose they are, and who may use them.

mod support;

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::process::{Command, Stdio};

use command_fds::{CommandFdExt, FdMapping};
use support::{
    CAPTURE, DNSTAP, Peer, Place, REPLAY, Running, TYPE, assert_holds, data, payloads, recording,
    run,
};

#[test]
fn the_socket_of_a_running_receiver_is_not_taken() {
    let place = Place::new();
    let socket = place.argument("socket");
    let first = Running::capture(&["-u", &socket, "-w", &place.argument("first")]);
    let mut peer = Peer::open(&place.socket);
    let second = run(CAPTURE, &["-t", TYPE, "-u", &socket, "-w", &place.argument("second")]);
    assert_eq!(second.status.code(), Some(1));
    let error = String::from_utf8(second.stderr).unwrap();
    assert!(error.contains(&format!("{socket} is in use by a running receiver")), "{error}");
    peer.send(data("before"));
    peer.close();
    Peer::open(&place.socket).close();
    first.stop();
    assert_holds(&place.path("first"), ["before"]);
    assert_eq!(support::names(place.directory.path()), ["first"]);
}

#[test]
fn a_receiver_that_is_too_busy_to_answer_still_runs() {
    let place = Place::new();
    let socket = place.argument("socket");
    // A listener that accepts nobody; its backlog fills up.
    let listener = UnixListener::bind(&place.socket).unwrap();
    nix::sys::socket::listen(&listener, nix::sys::socket::Backlog::new(0).unwrap()).unwrap();
    let _waiting = Peer::connect(&place.socket);
    let output = run(CAPTURE, &["-t", TYPE, "-u", &socket, "-w", &place.argument("out")]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("in use"), "{output:?}");
    assert!(place.socket.exists());
}

#[test]
fn the_socket_of_a_dead_receiver_is_replaced() {
    let place = Place::new();
    drop(UnixListener::bind(&place.socket).unwrap());
    let capture =
        Running::capture(&["-u", &place.argument("socket"), "-w", &place.argument("out")]);
    Peer::open(&place.socket).close();
    capture.stop();
    assert!(!place.socket.exists());
}

#[test]
fn an_empty_file_makes_way_for_the_socket() {
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
    // A link to an empty file is no empty file.
    place.file("empty", "");
    symlink("empty", &place.socket).unwrap();
    let arguments = ["-t", TYPE, "-u", &place.argument("socket"), "-w", &place.argument("out")];
    let output = run(CAPTURE, &arguments);
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains("exists and is not a socket: not removed"), "{error}");
    assert_eq!(support::names(place.directory.path()), ["empty", "socket"]);
}

#[test]
fn what_is_no_receivers_socket_is_not_removed() {
    let place = Place::new();
    let file = place.file("file", "precious");
    let output = run(CAPTURE, &["-t", TYPE, "-u", &file, "-w", &place.argument("out")]);
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains("exists and is not a socket: not removed"), "{error}");
    assert_eq!(fs::read(&file).unwrap(), b"precious");

    // Nothing is there that could be removed.
    let within = format!("{file}/socket");
    let output = run(CAPTURE, &["-t", TYPE, "-u", &within, "-w", &place.argument("out")]);
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains(&format!("failed to listen on {within}: Not a directory")), "{error}");

    let _datagrams = UnixDatagram::bind(place.path("datagrams")).unwrap();
    let output = run(
        CAPTURE,
        &["-t", TYPE, "-u", &place.argument("datagrams"), "-w", &place.argument("out")],
    );
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert_eq!(support::names(place.directory.path()), ["datagrams", "file"]);
}

#[test]
fn a_socket_that_has_become_anothers_is_not_removed() {
    let place = Place::new();
    let capture =
        Running::capture(&["-u", &place.argument("socket"), "-w", &place.argument("out")]);
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
    let capture = Running::capture(&[
        "-u",
        &place.argument("socket"),
        "-w",
        &place.argument("out"),
        "--socket-mode",
        "660",
        "--socket-owner",
        &owner,
        "--socket-group",
        &group,
    ]);
    assert_eq!(fs::metadata(&place.socket).unwrap().permissions().mode() & 0o777, 0o660);
    capture.stop();
    // The output has the permissions of the umask, not of the socket.
    let shell = Command::new("sh").args(["-c", "umask"]).output().unwrap().stdout;
    let umask = u32::from_str_radix(String::from_utf8(shell).unwrap().trim(), 8).unwrap();
    let mode = fs::metadata(place.path("out")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o666 & !umask);

    for (option, value) in [("--socket-owner", "no such user"), ("--socket-group", "no such group")]
    {
        let output = place.argument("out");
        let arguments = ["-t", TYPE, "-u", &place.argument("socket"), "-w", &output, option, value];
        let output = run(CAPTURE, &arguments);
        assert_eq!(output.status.code(), Some(1));
        assert!(String::from_utf8_lossy(&output.stderr).contains(value), "{output:?}");
    }
}

#[test]
fn a_port_that_is_taken_is_an_error() {
    let place = Place::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let output = place.argument("out");
    let output = run(CAPTURE, &["-t", TYPE, "-a", "127.0.0.1", "-p", &port, "-w", &output]);
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains(&format!("failed to listen on [127.0.0.1]:{port}: ")), "{error}");
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
    // What the unit file of the socket says is often said again here.
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
fn what_is_passed_and_is_no_socket_is_an_error() {
    let place = Place::new();
    let file = fs::File::create(place.path("file")).unwrap();
    let script = "LISTEN_PID=$$ LISTEN_FDS=1 exec \"$0\" \"$@\"";
    let mut command = Command::new("/bin/sh");
    command.args(["-c", script, CAPTURE, "-t", TYPE, "-w", &place.argument("out")]);
    command.fd_mappings(vec![FdMapping { parent_fd: file.into(), child_fd: 3 }]).unwrap();
    let (status, lines) = Running::start(&mut command).end();
    assert_eq!(status.code(), Some(1), "{lines:#?}");
    let told = "failed to listen on socket 0 passed by the service manager: fd 3 is not a socket";
    assert!(lines.iter().any(|line| line.contains(told)), "{lines:#?}");
}
