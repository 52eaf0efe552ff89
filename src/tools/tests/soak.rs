// SPDX-License-Identifier: MIT OR Apache-2.0
//! 100 senders that connect, close and break off for `SOAK_SECONDS` (10 by default). No descriptor
//! leaks, memory does not grow, and all frames of a sender that sent STOP are kept.

#[path = "../../framestream/tests/tls/authority.rs"]
#[allow(dead_code)]
mod authority;
mod support;

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{fs, thread};

use authority::Authority;
use dnstap::schema::MessageType;
use dnstap::{Event, Message};
use files::recording::Recording;
use framestream::control::ControlType::{Accept, Finish, Ready, Start, Stop};
use framestream::transport::{TlsConnector, TlsOptions};
use support::held_address::HeldAddress;
use support::{DEADLINE, DNSTAP, Place, Running, TYPE, control, data, events};

const SENDERS: u32 = 100;

/// Number of frames of a connection.
const FRAMES: u32 = 20;

/// Pause of a sender between two connections, which keeps the file small.
const PAUSE: Duration = Duration::from_millis(50);

/// Maximum growth of memory from the first half to the second, in KiB. It reveals a leak of a few
/// kilobytes a second.
const GROWTH: u64 = 4096;

trait Stream: Read + Write {}

impl<T: Read + Write> Stream for T {}

/// The behaviour of a sender on one connection.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Manner {
    Bidirectional,
    Unidirectional,
    /// Closes within a frame.
    Torn,
    /// Closes after READY.
    OnlyReady,
    /// Closes at once.
    Nothing,
    /// Closes after a whole frame, without STOP.
    NoStop,
}

const MANNERS: [Manner; 6] = [
    Manner::Bidirectional,
    Manner::Torn,
    Manner::Unidirectional,
    Manner::OnlyReady,
    Manner::NoStop,
    Manner::Nothing,
];

/// Encodes a frame that identifies its sender, connection and number.
fn frame(sender: u32, connection: u32, number: u32) -> Vec<u8> {
    let identity = [sender.to_be_bytes(), connection.to_be_bytes(), number.to_be_bytes()].concat();
    let event = Event {
        identity: Some(&identity),
        message: Some(Message::new(MessageType::CLIENT_QUERY)),
        ..Event::new()
    };
    data(events::frame(&event))
}

/// Goes through one connection. Returns whether all its frames must be kept.
fn connection(stream: &mut dyn Stream, manner: Manner, sender: u32, connection: u32) -> bool {
    let expect = |stream: &mut dyn Stream, wanted: &[u8]| {
        let mut got = vec![0; wanted.len()];
        stream.read_exact(&mut got).unwrap();
        assert_eq!(got, wanted);
    };
    let send = |stream: &mut dyn Stream, bytes: &[u8]| stream.write_all(bytes).unwrap();
    if manner == Manner::Nothing {
        return false;
    }
    if manner != Manner::Unidirectional {
        send(stream, &control(Ready, Some(TYPE)));
        if manner == Manner::OnlyReady {
            return false;
        }
        expect(stream, &control(Accept, Some(TYPE)));
    }
    send(stream, &control(Start, Some(TYPE)));
    for number in 0..FRAMES {
        send(stream, &frame(sender, connection, number));
    }
    match manner {
        Manner::Torn => send(stream, &frame(sender, connection, FRAMES)[..9]),
        Manner::NoStop => (),
        _ => {
            send(stream, &control(Stop, None));
            if manner == Manner::Bidirectional {
                expect(stream, &control(Finish, None));
            }
            // The receiver closes after it has read all.
            assert_eq!(stream.read(&mut [0]).unwrap(), 0);
            return true;
        }
    }
    false
}

/// Returns the number of open descriptors, and the resident memory in KiB.
fn use_of(process: u32) -> (usize, u64) {
    let descriptors = fs::read_dir(format!("/proc/{process}/fd")).unwrap().count();
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    let memory = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    (descriptors, memory)
}

/// Returns the number of frames that the file has of each connection, and checks their order.
fn kept(file: &Path) -> HashMap<(u32, u32), u32> {
    let mut recording = Recording::open(file).unwrap();
    let mut kept = HashMap::new();
    while let Ok(payloads) = recording.read() {
        for payload in payloads {
            let identity = Event::decode(payload).unwrap().identity.unwrap();
            let number = |at: usize| u32::from_be_bytes(identity[at..at + 4].try_into().unwrap());
            let next = kept.entry((number(0), number(4))).or_insert(0);
            assert_eq!(*next, number(8), "sender {}, connection {}", number(0), number(4));
            *next += 1;
        }
    }
    kept
}

#[test]
fn connections_do_not_leak_descriptors_or_memory() {
    let seconds = std::env::var("SOAK_SECONDS").map_or(10, |seconds| seconds.parse().unwrap());
    let place = Place::new();
    let authority = Authority::new();
    let server = authority.issue("IP:127.0.0.1");
    let address = Arc::new(HeldAddress::new("127.0.0.1"));
    let mut command = Command::new(DNSTAP);
    command.args(["-u", &place.argument("socket"), "-l", &address]);
    command.arg("--tls-cert").arg(&server.certificate).arg("--tls-key").arg(&server.key);
    // Frames and text: two threads.
    command.args(["-w", "quiet:/dev/null", "-w", &place.argument("all")]);
    let mut capture = Running::start(command.stdout(Stdio::null()));
    // Its last descriptor.
    capture.line("opened output file");
    let process = capture.child.id();
    let tls = TlsOptions { ca_bundle: Some(authority.certificate.clone()), ..Default::default() };
    let connector = TlsConnector::new("127.0.0.1", &tls).unwrap();

    let (before, _) = use_of(process);
    let begin = Instant::now();
    let end = begin + Duration::from_secs(seconds);
    let senders: Vec<_> = (0..SENDERS)
        .map(|sender| {
            let (socket, address) = (place.socket.clone(), Arc::clone(&address));
            let connector = connector.clone();
            thread::spawn(move || {
                let mut clean = Vec::new();
                let mut number = 0;
                while Instant::now() < end {
                    let manner = MANNERS[(sender + number) as usize % MANNERS.len()];
                    let mut stream: Box<dyn Stream> = if sender % 10 == 0 {
                        let stream = TcpStream::connect(&**address).unwrap();
                        stream.set_read_timeout(Some(DEADLINE)).unwrap();
                        Box::new(connector.connect(stream).unwrap())
                    } else {
                        let stream = UnixStream::connect(&socket).unwrap();
                        stream.set_read_timeout(Some(DEADLINE)).unwrap();
                        Box::new(stream)
                    };
                    if connection(&mut *stream, manner, sender, number) {
                        clean.push((sender, number));
                    }
                    drop(stream);
                    number += 1;
                    thread::sleep(PAUSE);
                }
                clean
            })
        })
        .collect();
    let (mut first_half, mut second_half) = (0, 0);
    while Instant::now() < end {
        let (_, memory) = use_of(process);
        let half =
            if begin.elapsed() < (end - begin) / 2 { &mut first_half } else { &mut second_half };
        *half = memory.max(*half);
        thread::sleep(Duration::from_millis(100));
    }
    let clean: Vec<_> = senders.into_iter().flat_map(|sender| sender.join().unwrap()).collect();
    // The last closed connections are noticed a moment later.
    let until = Instant::now() + DEADLINE;
    while use_of(process).0 > before {
        assert!(Instant::now() < until, "{} descriptors are left of {before}", use_of(process).0);
        thread::sleep(Duration::from_millis(10));
    }
    assert!(second_half <= first_half + GROWTH, "{first_half} KiB became {second_half} KiB");
    capture.stop();
    let kept = kept(&place.path("all"));
    assert!(clean.len() as u32 > SENDERS, "{} clean connections", clean.len());
    for connection in &clean {
        assert_eq!(kept.get(connection), Some(&FRAMES), "sender and connection {connection:?}");
    }
    println!(
        "{} connections kept, {} of them with STOP; {first_half} and {second_half} KiB",
        kept.len(),
        clean.len()
    );
}
