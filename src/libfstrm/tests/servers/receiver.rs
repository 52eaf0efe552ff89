// SPDX-License-Identifier: MIT OR Apache-2.0
//! A receiver that can cut its connection without losing a byte.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{SocketAddr, SocketAddrV4, TcpListener};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::UnixListener;
use std::time::{Duration, Instant};

use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{Shutdown, setsockopt, shutdown, sockopt};

use crate::endpoint::Endpoint;
use crate::process::DEADLINE;
use crate::producer::{CONTENT_TYPE, Producer};
use crate::stream::{ACCEPT, FINISH, Frame, READY, START, STOP, Stream, control};

/// A listening socket.
pub(crate) enum Listener {
    Unix(UnixListener),
    Tcp(TcpListener),
}

impl Listener {
    /// Listens at `endpoint`. Replaces an existing socket.
    pub(crate) fn new(endpoint: &Endpoint) -> Self {
        match endpoint {
            Endpoint::Unix(path) => {
                drop(fs::remove_file(path));
                Self::Unix(UnixListener::bind(path).unwrap())
            }
            Endpoint::Tcp(address) => Self::Tcp(TcpListener::bind(address).unwrap()),
        }
    }

    /// Accepts the next connection, and reads up to its START.
    pub(crate) fn accept(&self) -> Connection {
        let fd = match self {
            Self::Unix(listener) => listener.as_fd(),
            Self::Tcp(listener) => listener.as_fd(),
        };
        assert!(is_readable(fd, DEADLINE), "no connection");
        let (socket, path) = match self {
            Self::Unix(listener) => (OwnedFd::from(listener.accept().unwrap().0), None),
            Self::Tcp(listener) => {
                let (socket, sender) = listener.accept().unwrap();
                let addresses = (sender, socket.local_addr().unwrap());
                (OwnedFd::from(socket), Some(addresses))
            }
        };
        let mut connection = Connection { socket: socket.into(), path, stream: Stream::default() };
        assert_eq!(connection.next(), Some(Frame::Control(READY)));
        connection.socket.write_all(&control(ACCEPT, Some(CONTENT_TYPE))).unwrap();
        assert_eq!(connection.next(), Some(Frame::Control(START)));
        connection
    }
}

/// A connection on which data frames follow.
pub(crate) struct Connection {
    socket: File,
    /// The addresses of sender and receiver, for TCP.
    path: Option<(SocketAddr, SocketAddr)>,
    stream: Stream,
}

impl Connection {
    /// Reads the next frame; `None` at the end of the stream.
    fn next(&mut self) -> Option<Frame> {
        loop {
            if let Some(frame) = self.stream.next() {
                return Some(frame);
            }
            assert!(is_readable(self.socket.as_fd(), DEADLINE), "no data");
            if self.fill() == 0 {
                return None;
            }
        }
    }

    fn fill(&mut self) -> usize {
        let mut piece = [0; 65536];
        let count = self.socket.read(&mut piece).unwrap();
        self.stream.push(&piece[..count]);
        count
    }

    /// Reads `count` data frames.
    pub(crate) fn read(&mut self, count: usize) -> Vec<Vec<u8>> {
        let payload = |_| match self.next() {
            Some(Frame::Data(payload)) => payload,
            other => panic!("{other:?} among data frames"),
        };
        (0..count).map(payload).collect()
    }

    /// Reads up to STOP, replies, and reads to the end.
    pub(crate) fn finish(mut self) -> Vec<Vec<u8>> {
        let mut payloads = Vec::new();
        while let Some(Frame::Data(payload)) = self.next_before_stop() {
            payloads.push(payload);
        }
        self.socket.write_all(&control(FINISH, None)).unwrap();
        assert_eq!(self.next(), None);
        payloads
    }

    fn next_before_stop(&mut self) -> Option<Frame> {
        let frame = self.next().expect("STOP before the end of the stream");
        (frame != Frame::Control(STOP)).then_some(frame)
    }

    /// Ends the connection so that the next write of the producer fails, after reading everything
    /// that the system has accepted from it. Returns the payloads, and the number of bytes of a
    /// torn frame after them.
    pub(crate) fn cut(mut self, producer: &Producer) -> (Vec<Vec<u8>>, usize) {
        match self.path {
            None => {
                // From here on, writes fail, while written data can still be read.
                shutdown(self.socket.as_raw_fd(), Shutdown::Read).unwrap();
                while self.fill() > 0 {}
            }
            Some((sender, receiver)) => {
                producer.pause();
                self.drain(sender, receiver);
                // Without the reset, the kernel of the producer would accept one more write.
                let reset = libc::linger { l_onoff: 1, l_linger: 0 };
                setsockopt(&self.socket, sockopt::Linger, &reset).unwrap();
            }
        }
        let Self { socket, mut stream, path } = self;
        drop(socket);
        if let Some((sender, receiver)) = path {
            wait_until(|| unacknowledged(sender, receiver).is_none());
            producer.resume();
        }
        let mut payloads = Vec::new();
        while let Some(frame) = stream.next() {
            match frame {
                Frame::Data(payload) => payloads.push(payload),
                Frame::Control(kind) => panic!("control frame {kind} among data frames"),
            }
        }
        (payloads, stream.torn())
    }

    /// Reads everything that a suspended sender has written.
    fn drain(&mut self, sender: SocketAddr, receiver: SocketAddr) {
        wait_until(|| {
            // Acknowledged data can be read.
            let is_complete = unacknowledged(sender, receiver) == Some(0);
            while is_readable(self.socket.as_fd(), Duration::ZERO) {
                assert!(self.fill() > 0, "the producer hung up");
            }
            is_complete
        });
    }
}

fn is_readable(fd: impl AsFd, limit: Duration) -> bool {
    let limit = PollTimeout::try_from(limit).unwrap();
    poll(&mut [PollFd::new(fd.as_fd(), PollFlags::POLLIN)], limit).unwrap() > 0
}

/// Waits for a state of the system for which there is no event.
fn wait_until(mut done: impl FnMut() -> bool) {
    let until = Instant::now() + DEADLINE;
    while !done() {
        assert!(Instant::now() < until, "the state was not reached in time");
        std::thread::yield_now();
    }
}

/// Returns the number of unacknowledged bytes of the TCP socket from `sender` to `receiver`; `None`
/// if there is no such socket.
fn unacknowledged(sender: SocketAddr, receiver: SocketAddr) -> Option<u64> {
    let [sender, receiver] = [sender, receiver].map(|address| match address {
        SocketAddr::V4(address) => as_in_proc(address),
        SocketAddr::V6(_) => panic!("an IPv6 address"),
    });
    let sockets = fs::read_to_string("/proc/net/tcp").unwrap();
    sockets.lines().find_map(|line| {
        let fields: Vec<_> = line.split_whitespace().collect();
        let (queued, _) = fields[4].split_once(':')?;
        let found = fields[1] == sender && fields[2] == receiver;
        found.then(|| u64::from_str_radix(queued, 16).unwrap())
    })
}

fn as_in_proc(address: SocketAddrV4) -> String {
    format!("{:08X}:{:04X}", u32::from_ne_bytes(address.ip().octets()), address.port())
}
