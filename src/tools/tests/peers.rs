// SPDX-License-Identifier: MIT OR Apache-2.0
//! `dnstap` over TLS, with `openssl` as its peer, and senders that it connects to.

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
    DEADLINE, DNSTAP, Peer, Place, Running, TYPE, assert_holds, assert_line, control, data,
    payloads, recording, until,
};

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Starts `dnstap`, and returns once it has printed `ready`.
fn start(arguments: &[&str], ready: &str) -> Running {
    let mut running = Running::dnstap(arguments);
    running.line(ready);
    running
}

/// Starts a receiver of TLS connections that writes to `file`, and returns once it listens.
fn listen(address: &str, file: &str, server: &Identity, more: &[&str]) -> Running {
    let arguments = [&["-l", address, "-w", file], &proof(server)[..], more].concat();
    start(&arguments, "opened output file")
}

/// An `openssl` that sends its standard input, and is killed when dropped.
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

/// Returns the options for the certificate and key of `identity`.
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
    let client_ca = ["--tls-client-ca", text(&theirs.certificate)];
    let mut receiver = listen(&address, &all, &server, &client_ca);

    let payloads = payloads(3000);
    let input = place.file("input", recording(&payloads));
    let target = format!("tls:localhost:{port}");
    let relay = |options: &[&[&str]]| {
        let arguments = [&["-r", &input, "-T", &target, "-t", "5s"], &options.concat()[..]];
        Running::dnstap(&arguments.concat())
    };
    let fails = |options: &[&[&str]]| {
        let lines = relay(options).end_with(1);
        assert_line(&lines, "3000 frames were not sent; the last failure: ");
    };
    let ca = ["--tls-ca", text(&ours.certificate)];
    // Without a certificate it is refused, with the reason on both sides.
    fails(&[&ca]);
    receiver.line("peer sent no certificates");
    fails(&[&ca, &proof(&theirs.issue_expired("DNS:sensor"))]);
    receiver.line("certificate expired");
    // A server with a certificate of another authority gets nothing.
    fails(&[&["--tls-ca", text(&theirs.certificate)], &proof(&client)]);
    // Nor does a server with another name.
    fails(&[&ca, &["--tls-server-name", "elsewhere"], &proof(&client)]);
    let lines = relay(&[&ca, &proof(&client)]).end_with(0);
    assert!(lines.is_empty(), "{lines:#?}");
    receiver.stop();
    assert_holds(Path::new(&all), &payloads);
}

/// Replaces the files of `old` with the certificate and the key of `new`.
fn replace(old: &Identity, new: &Identity) {
    for (old, new) in [(&old.certificate, &new.certificate), (&old.key, &new.key)] {
        let temporary = old.with_extension("new");
        std::fs::copy(new, &temporary).unwrap();
        std::fs::rename(temporary, old).unwrap();
    }
}

#[test]
fn certificates_are_read_again_at_a_signal_unless_they_are_broken() {
    let place = Place::new();
    let (old, new) = (Authority::new(), Authority::new());
    let (server, replacement) = (old.issue_expired("DNS:localhost"), new.issue("DNS:localhost"));
    let (address, all) = (HeldAddress::new("127.0.0.1"), place.argument("all"));
    let port = address.port();
    let mut receiver = listen(&address, &all, &server, &[]);
    let expired = format!("{} expired at 2020-01-02", text(&server.certificate));
    assert!(receiver.has_line(&expired));
    let input = place.file("input", recording(["one"]));
    let target = format!("tls:localhost:{port}");
    let relay = |authority: &Authority| {
        let arguments =
            ["-r", &input, "-T", &target, "-t", "5s", "--tls-ca", text(&authority.certificate)];
        Running::dnstap(&arguments).end().0.success()
    };
    assert!(!relay(&old) && !relay(&new));
    replace(&server, &replacement);
    assert!(!relay(&new), "there was no signal");
    receiver.signal("HUP");
    let line = receiver.line("TLS: read ");
    assert!(line.contains(text(&server.key)), "{line}");
    assert!(relay(&new));
    // Unusable files leave the previous ones in use.
    std::fs::write(&server.key, "no key").unwrap();
    receiver.signal("HUP");
    receiver.line("contains no usable private key; the previous files stay in use");
    assert!(relay(&new));
    // This pipe has no writer, and must not be waited for.
    std::fs::remove_file(&server.key).unwrap();
    nix::unistd::mkfifo(&server.key, nix::sys::stat::Mode::S_IRUSR).unwrap();
    receiver.signal("HUP");
    receiver.line("is a pipe, which is not read again; the previous files stay in use");
    assert!(relay(&new));
    receiver.stop();
    assert_holds(Path::new(&all), ["one", "one", "one"]);
}

#[test]
fn a_relay_reads_a_replaced_certificate_before_it_reconnects() {
    let place = Place::new();
    let authority = Authority::new();
    let (server, other) = (authority.issue("DNS:localhost"), Authority::new());
    let client = other.issue_expired("DNS:sensor");
    let (address, all) = (HeldAddress::new("127.0.0.1"), place.argument("all"));
    let port = address.port();
    let client_ca = ["--tls-client-ca", text(&other.certificate)];
    let mut receiver = listen(&address, &all, &server, &client_ca);
    let (socket, target) = (place.argument("socket"), format!("tls:localhost:{port}"));
    let to = ["-u", &socket, "-T", &target, "-t", "20s"];
    let ca = ["--tls-ca", text(&authority.certificate)];
    let mut relay = start(&[&to[..], &ca, &proof(&client)].concat(), "expired at 2020-01-02");
    receiver.line("certificate expired");
    replace(&client, &other.issue("DNS:sensor"));
    relay.line("TLS: read ");
    place.send(["one"]);
    relay.stop();
    receiver.stop();
    assert_holds(Path::new(&all), ["one"]);
}

#[test]
fn peers_without_tls_are_reported_and_counted() {
    let place = Place::new();
    let authority = Authority::new();
    let server = authority.issue("IP:127.0.0.1");
    let (address, all) = (HeldAddress::new("127.0.0.1"), place.argument("all"));
    let mut receiver = listen(&address, &all, &server, &[]);
    let mut peer = std::net::TcpStream::connect(&*address).unwrap();
    peer.write_all(&control(Start, Some(TYPE))).unwrap();
    receiver.line("the peer does not speak TLS");
    // A connection without any bytes only probes the port, and is not an error.
    drop(std::net::TcpStream::connect(&*address).unwrap());
    let lines = receiver.stop();
    assert_line(&lines, "(1 refused)");
}

#[test]
fn openssl_sends_in_one_direction() {
    let place = Place::new();
    let authority = Authority::new();
    let server = authority.issue("IP:127.0.0.1");
    let (address, all) = (HeldAddress::new("127.0.0.1"), place.argument("all"));
    let receiver = listen(&address, &all, &server, &[]);
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
fn dnstap_connects_to_a_sender_over_tls() {
    let place = Place::new();
    let authority = Authority::new();
    let server = authority.issue("IP:127.0.0.1");
    let (address, all) = (HeldAddress::new("127.0.0.1"), place.argument("all"));
    let mut sender = Openssl::start(&[
        "s_server",
        "-quiet",
        // Without this, a record that arrives in parts can block it.
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
fn dnstap_reconnects_to_a_sender() {
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
        // Some close without STOP.
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
    assert_line(&lines, "received 4 frames");
    assert_holds(Path::new(&all), &payloads);
}

#[test]
fn a_sender_that_closes_at_once_is_reported_once() {
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
    // Wait for the message of the connecting thread.
    receiver.line("connected to");
    let lines = receiver.stop();
    let messages: Vec<&str> =
        lines.iter().filter_map(|line| line.strip_prefix("dnstap: ")).take(5).collect();
    let connected = format!("connected to {socket}");
    let closed = format!("{socket}: closed before START; retrying every second");
    let opened = format!("opened output file {all}");
    assert_eq!(messages, [&opened, &connected, &closed, &connected, "shutting down"]);
}

#[test]
fn connections_over_the_limit_wait() {
    let place = Place::new();
    let (socket, all) = (place.argument("socket"), place.argument("all"));
    let receiver = start(&["-u", &socket, "--maxconns", "1", "-w", &all], "opened output file");
    let mut first = Peer::open(&place.socket);
    let mut second = Peer::connect(&place.socket);
    second.send(recording(["second"]));
    // If it were served concurrently, its frame would be written before the last of these.
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
fn a_relay_gives_up_if_there_is_no_receiver() {
    let place = Place::new();
    // More frames than the queue holds.
    let input = place.file("input", recording(vec![[7; 1000]; 30_000]));
    let socket = place.argument("socket");
    let lines = place.argument("lines");
    let own = format!("quiet:{lines}");
    support::assert_fails(
        DNSTAP,
        &["-r", &input, "-U", &socket, "-t", "1s", "-w", &own],
        1,
        "30000 frames were not sent; the last failure: ",
    );
    // Other outputs get all frames.
    assert_eq!(std::fs::read_to_string(&lines).unwrap().lines().count(), 30_000);
}

#[test]
fn tls_options_without_effect_or_certificate_are_refused() {
    let place = Place::new();
    let input = place.file("input", recording(payloads(1)));
    support::assert_fails(
        DNSTAP,
        &["-r", &input, "-q", "--tls-ca", &input],
        2,
        "--tls-ca is given, but nothing speaks TLS",
    );
    let relay = ["-r", &input, "-T", "tls:localhost:1", "--tls-ca", &input];
    support::assert_fails(DNSTAP, &relay, 1, "contains no usable certificate");
}
