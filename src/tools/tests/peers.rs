// SPDX-License-Identifier: MIT OR Apache-2.0
//! The peers of `dnstap`: with TLS, and those that it connects to. `openssl` is the other side.

#[path = "../../framestream/tests/tls/authority.rs"]
mod authority;
mod support;

use std::io::Write;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use authority::{Authority, Identity};
use framestream::control::ControlType::{Accept, Finish, Ready, Start, Stop};
use support::held_address::HeldAddress;
use support::{
    DEADLINE, DNSTAP, Peer, Place, Running, TYPE, assert_holds, control, data, payloads, recording,
    until,
};

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Ours, once it says `ready`.
fn start(arguments: &[&str], ready: &str) -> Running {
    let mut running = Running::dnstap(arguments);
    running.line(ready);
    running
}

/// An `openssl` that sends what it is given, and is killed when dropped.
struct Openssl(Child);

impl Openssl {
    fn start(arguments: &[&str]) -> Self {
        let mut command = Command::new("openssl");
        command.args(arguments).stdin(Stdio::piped());
        command.stdout(Stdio::null()).stderr(Stdio::null());
        Self(command.spawn().expect("openssl, of the Debian package of that name"))
    }

    fn send(&mut self, bytes: &[u8]) {
        self.0.stdin.as_mut().unwrap().write_all(bytes).unwrap();
    }

    fn await_end(&mut self) {
        until(|| self.0.try_wait().unwrap().is_some());
    }
}

impl Drop for Openssl {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn proof(identity: &Identity) -> [&str; 4] {
    ["--tls-cert", text(&identity.certificate), "--tls-key", text(&identity.key)]
}

#[test]
fn a_relay_over_tls_is_received() {
    let place = Place::new();
    let (ours, theirs) = (Authority::new(), Authority::new());
    let (server, client) = (ours.issue("DNS:localhost"), theirs.issue("DNS:sensor"));
    let (address, all) = (HeldAddress::new("127.0.0.1"), place.argument("all"));
    let port = address.port();
    let mut arguments = vec!["-l", &address, "--tls-client-ca", text(&theirs.certificate)];
    arguments.extend(proof(&server));
    arguments.extend(["-w", &all]);
    let mut receiver = start(&arguments, "opened output file");

    let payloads = payloads(3000);
    let input = place.file("input", recording(&payloads));
    let target = format!("tls:localhost:{port}");
    let relay = |more: &[&str]| {
        let arguments = [&["-r", &input, "-T", &target, "-t", "5s"], more].concat();
        Running::dnstap(&arguments).end()
    };
    let ca = ["--tls-ca", text(&ours.certificate)];
    // Without a certificate it is refused, with the reason on both sides.
    let (status, lines) = relay(&ca);
    assert_eq!(status.code(), Some(1));
    assert!(
        lines.iter().any(|line| line.contains("3000 frames were not sent; the last failure: ")),
        "{lines:#?}"
    );
    receiver.line("peer sent no certificates");
    let expired = theirs.issue_expired("DNS:sensor");
    let (_, lines) = relay(&[&ca[..], &proof(&expired)].concat());
    assert!(
        lines.iter().any(|line| line.contains("3000 frames were not sent; the last failure: ")),
        "{lines:#?}"
    );
    receiver.line("certificate expired");
    // A server that nobody vouches for gets nothing.
    let (_, lines) =
        relay(&[&["--tls-ca", text(&theirs.certificate)][..], &proof(&client)].concat());
    assert!(
        lines.iter().any(|line| line.contains("3000 frames were not sent; the last failure: ")),
        "{lines:#?}"
    );
    // Nor does one of another name.
    let named = ["--tls-server-name", "elsewhere"];
    let (_, lines) = relay(&[&ca[..], &named, &proof(&client)].concat());
    assert!(
        lines.iter().any(|line| line.contains("3000 frames were not sent; the last failure: ")),
        "{lines:#?}"
    );
    let (status, lines) = relay(&[&ca[..], &proof(&client)].concat());
    assert!(status.success() && lines.is_empty(), "{lines:#?}");
    receiver.stop();
    assert_holds(Path::new(&all), &payloads);
}

/// Puts the certificate and the key of `identity` in the place of others.
fn replace(place: &Identity, identity: &Identity) {
    for (old, new) in [(&place.certificate, &identity.certificate), (&place.key, &identity.key)] {
        let beside = old.with_extension("new");
        std::fs::copy(new, &beside).unwrap();
        std::fs::rename(beside, old).unwrap();
    }
}

#[test]
fn certificates_are_read_again_at_a_signal_and_broken_ones_are_not_taken() {
    let place = Place::new();
    let (old, new) = (Authority::new(), Authority::new());
    let (server, replacement) = (old.issue_expired("DNS:localhost"), new.issue("DNS:localhost"));
    let (address, all) = (HeldAddress::new("127.0.0.1"), place.argument("all"));
    let port = address.port();
    let mut arguments = vec!["-l", &address, "-w", &all];
    arguments.extend(proof(&server));
    let mut receiver =
        start(&arguments, &format!("{} expired at 2020-01-02", text(&server.certificate)));
    receiver.line("opened output file");
    let input = place.file("input", recording(["one"]));
    let target = format!("tls:localhost:{port}");
    let relay = |authority: &Authority| {
        let arguments =
            ["-r", &input, "-T", &target, "-t", "5s", "--tls-ca", text(&authority.certificate)];
        Running::dnstap(&arguments).end().0.success()
    };
    assert!(!relay(&old) && !relay(&new));
    replace(&server, &replacement);
    assert!(!relay(&new), "nobody asked for it");
    receiver.signal("HUP");
    let line = receiver.line("TLS: read ");
    assert!(line.contains(text(&server.key)), "{line}");
    assert!(relay(&new));
    // Unusable files leave the previous ones in use.
    std::fs::write(&server.key, "no key").unwrap();
    receiver.signal("HUP");
    receiver.line("contains no usable private key; what was read before stays in use");
    assert!(relay(&new));
    // This pipe has no writer, and nothing waits for one.
    std::fs::remove_file(&server.key).unwrap();
    nix::unistd::mkfifo(&server.key, nix::sys::stat::Mode::S_IRUSR).unwrap();
    receiver.signal("HUP");
    receiver.line("is a pipe, which is not read again; what was read before stays in use");
    assert!(relay(&new));
    receiver.stop();
    assert_holds(Path::new(&all), ["one", "one", "one"]);
}

#[test]
fn a_relay_reads_a_certificate_that_was_replaced_before_it_connects_again() {
    let place = Place::new();
    let authority = Authority::new();
    let (server, other) = (authority.issue("DNS:localhost"), Authority::new());
    let client = other.issue_expired("DNS:sensor");
    let (address, all) = (HeldAddress::new("127.0.0.1"), place.argument("all"));
    let port = address.port();
    let mut arguments = vec!["-l", &address, "--tls-client-ca", text(&other.certificate)];
    arguments.extend(proof(&server));
    arguments.extend(["-w", &all]);
    let mut receiver = start(&arguments, "opened output file");
    let (socket, target) = (place.argument("socket"), format!("tls:localhost:{port}"));
    let mut arguments = vec!["-u", &socket, "-T", &target, "-t", "20s"];
    arguments.extend(["--tls-ca", text(&authority.certificate)]);
    arguments.extend(proof(&client));
    let mut relay = start(&arguments, "expired at 2020-01-02");
    receiver.line("certificate expired");
    replace(&client, &other.issue("DNS:sensor"));
    relay.line("TLS: read ");
    let mut peer = Peer::open(&place.socket);
    peer.send(data("one"));
    peer.close();
    relay.stop();
    receiver.stop();
    assert_holds(Path::new(&all), ["one"]);
}

#[test]
fn what_does_not_speak_tls_is_told_and_counted() {
    let place = Place::new();
    let authority = Authority::new();
    let server = authority.issue("IP:127.0.0.1");
    let (address, all) = (HeldAddress::new("127.0.0.1"), place.argument("all"));
    let mut arguments = vec!["-l", &address, "-w", &all];
    arguments.extend(proof(&server));
    let mut receiver = start(&arguments, "opened output file");
    let mut peer = std::net::TcpStream::connect(&*address).unwrap();
    peer.write_all(&control(Start, Some(TYPE))).unwrap();
    receiver.line("the peer does not speak TLS");
    // And who looks whether somebody listens is no fault.
    drop(std::net::TcpStream::connect(&*address).unwrap());
    let lines = receiver.stop();
    assert!(lines.iter().any(|line| line.contains("(1 refused)")), "{lines:#?}");
}

#[test]
fn openssl_sends_in_one_direction() {
    let place = Place::new();
    let authority = Authority::new();
    let server = authority.issue("IP:127.0.0.1");
    let (address, all) = (HeldAddress::new("127.0.0.1"), place.argument("all"));
    let mut arguments = vec!["-l", &address, "-w", &all];
    arguments.extend(proof(&server));
    let receiver = start(&arguments, "opened output file");
    let payloads = payloads(2000);
    for version in ["-tls1_2", "-tls1_3"] {
        let mut client = Openssl::start(&["s_client", "-quiet", version, "-connect", &address]);
        client.send(&recording(&payloads));
        // The receiver closes after STOP.
        drop(client.0.stdin.take());
        client.await_end();
    }
    receiver.stop();
    assert_holds(Path::new(&all), [&payloads[..], &payloads[..]].concat());
}

#[test]
fn a_sender_that_listens_is_connected_to_over_tls() {
    let place = Place::new();
    let authority = Authority::new();
    let server = authority.issue("IP:127.0.0.1");
    let (address, all) = (HeldAddress::new("127.0.0.1"), place.argument("all"));
    let mut sender = Openssl::start(&[
        "s_server",
        "-quiet",
        // Otherwise a record that arrives in part can hold it up.
        "-nbio",
        "-accept",
        &address,
        "-naccept",
        "1",
        "-cert",
        text(&server.certificate),
        "-key",
        text(&server.key),
    ]);
    let target = format!("tls:{address}");
    let ca = text(&authority.certificate);
    let receiver = start(
        &["--connect", &target, "--tls-ca", ca, "-w", &all],
        &format!("connected to {target}"),
    );
    let payloads = payloads(2000);
    sender.send(&recording(&payloads));
    drop(sender.0.stdin.take());
    sender.await_end();
    receiver.stop();
    assert_holds(Path::new(&all), &payloads);
}

#[test]
fn a_sender_that_listens_is_connected_to_again_and_again() {
    let place = Place::new();
    let (socket, all) = (place.argument("socket"), place.argument("all"));
    let mut receiver = start(&["--connect", &socket, "-w", &all], "failed to connect to");
    let listener = UnixListener::bind(&socket).unwrap();
    let payloads = payloads(4);
    for (index, payload) in payloads.iter().enumerate() {
        receiver.line(&format!("connected to {socket}"));
        let (stream, _) = listener.accept().unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        let mut peer = Peer(stream);
        if index % 2 == 0 {
            peer.send(control(Ready, Some(TYPE)));
            peer.expect(&control(Accept, Some(TYPE)));
        }
        peer.send(control(Start, Some(TYPE)));
        peer.send(data(payload));
        // Some break off.
        if index > 1 {
            continue;
        }
        peer.send(control(Stop, None));
        if index % 2 == 0 {
            peer.expect(&control(Finish, None));
        }
        peer.expect_end();
    }
    let lines = receiver.stop();
    assert!(lines.iter().any(|line| line.contains("received 4 frames")), "{lines:#?}");
    assert_holds(Path::new(&all), &payloads);
}

#[test]
fn a_sender_that_closes_at_once_is_told_of_once() {
    let place = Place::new();
    let (socket, all) = (place.argument("socket"), place.argument("all"));
    let listener = UnixListener::bind(&socket).unwrap();
    let mut receiver = start(&["--connect", &socket, "-w", &all], "opened output file");
    for _ in 0..3 {
        drop(listener.accept().unwrap());
    }
    receiver.line("closed before START");
    let mut peer = Peer(listener.accept().unwrap().0);
    peer.send(recording(["x"]));
    peer.expect_end();
    // Whoever connects tells of it in its own time.
    receiver.line("connected to");
    let lines = receiver.stop();
    let told: Vec<&str> =
        lines.iter().filter_map(|line| line.strip_prefix("dnstap: ")).take(5).collect();
    let connected = format!("connected to {socket}");
    let closed = format!("{socket}: closed before START; retrying every second");
    let opened = format!("opened output file {all}");
    assert_eq!(told, [&opened, &connected, &closed, &connected, "shutting down"]);
}

#[test]
fn connections_over_the_limit_wait() {
    let place = Place::new();
    let (socket, all) = (place.argument("socket"), place.argument("all"));
    let receiver = start(&["-u", &socket, "--maxconns", "1", "-w", &all], "opened output file");
    let mut first = Peer::open(&place.socket);
    let mut second = Peer::connect(&place.socket);
    second.send(recording(["second"]));
    // Served beside, it would be in the file before the last of these.
    let partial = place.path(&format!(".all.partial-{}", receiver.child.id()));
    for count in 1..=3 {
        first.send(data("first"));
        let size = control(Start, Some(TYPE)).len() + count * data("first").len();
        until(|| std::fs::metadata(&partial).is_ok_and(|file| file.len() >= size as u64));
    }
    first.close();
    second.expect_end();
    receiver.stop();
    assert_holds(Path::new(&all), ["first", "first", "first", "second"]);
}

#[test]
fn a_relay_gives_a_receiver_up_that_does_not_come() {
    let place = Place::new();
    // More than waits in memory.
    let input = place.file("input", recording(vec![[7; 1000]; 30_000]));
    let socket = place.argument("socket");
    let lines = place.argument("lines");
    let own = format!("quiet:{lines}");
    let output = support::run(DNSTAP, &["-r", &input, "-U", &socket, "-t", "1s", "-w", &own]);
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("30000 frames were not sent; the last failure: "), "{told}");
    // The others get everything.
    assert_eq!(std::fs::read_to_string(&lines).unwrap().lines().count(), 30_000);
}

#[test]
fn options_that_nothing_needs_are_refused() {
    let place = Place::new();
    let input = place.file("input", recording(payloads(1)));
    let output = support::run(DNSTAP, &["-r", &input, "-q", "--tls-ca", &input]);
    assert_eq!(output.status.code(), Some(2));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("--tls-ca is given, but nothing speaks TLS"), "{told}");
    let output = support::run(DNSTAP, &["-r", &input, "-T", "tls:localhost:1", "--tls-ca", &input]);
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("contains no usable certificate"), "{told}");
}
