// SPDX-License-Identifier: MIT OR Apache-2.0
//! TCP to a host name, which is resolved for each connection.

use std::io::{self, IoSlice};
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::os::fd::BorrowedFd;
use std::sync::{Arc, OnceLock};
use std::thread::Builder;
use std::time::{Duration, Instant};
use std::vec;

use super::{SocketSender, Transport};
use crate::background;
use crate::handshake::Direction;

/// Delay before the next address is tried in parallel (RFC 8305, section 5).
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// A sender to a host. It connects to the first of the host's addresses that accepts.
pub struct HostSender {
    host: Box<str>,
    port: u16,
    /// Kept across closes, so that at most one thread waits for a name server that does not answer.
    lookup: Option<Lookup>,
    state: HostState,
    /// True if forked children close its sockets.
    private: bool,
}

/// The progress of connecting to a host.
enum HostState {
    Closed,
    LookingUp,
    Connecting(Race),
    Connected(SocketSender),
}

impl HostSender {
    /// Creates a sender to `port` of `host`, a name or a numeric address.
    pub fn new(host: &str, port: u16) -> Self {
        Self { host: host.into(), port, lookup: None, state: HostState::Closed, private: false }
    }

    /// Starts a lookup unless one is running. Discards the answer of a finished one, which may be
    /// out of date.
    fn look_up(&mut self) -> io::Result<()> {
        if self.lookup.as_mut().is_none_or(|lookup| lookup.answer().is_some()) {
            self.lookup = Some(Lookup::start(&self.host, self.port)?);
        }
        Ok(())
    }

    fn advance(&mut self) -> io::Result<()> {
        loop {
            self.state = match &mut self.state {
                HostState::Closed => match self.host.parse::<IpAddr>() {
                    Ok(ip) => {
                        let address = SocketAddr::new(ip, self.port);
                        HostState::Connecting(Race::new(vec![address], false, self.private))
                    }
                    Err(_) => {
                        self.look_up()?;
                        HostState::LookingUp
                    }
                },
                HostState::LookingUp => {
                    let answer = self.lookup.as_mut().and_then(Lookup::answer);
                    let answer = answer.ok_or(io::ErrorKind::WouldBlock)?;
                    self.lookup = None;
                    HostState::Connecting(Race::new(answer?, true, self.private))
                }
                HostState::Connecting(race) => HostState::Connected(race.advance()?),
                HostState::Connected(_) => return Ok(()),
            }
        }
    }

    fn socket(&mut self) -> io::Result<&mut SocketSender> {
        match &mut self.state {
            HostState::Connected(socket) => Ok(socket),
            _ => Err(io::ErrorKind::NotConnected.into()),
        }
    }
}

impl Transport for HostSender {
    fn direction(&self) -> Direction {
        Direction::Bidirectional
    }

    fn target(&self) -> Option<String> {
        let [open, close] = if self.host.contains(':') { ["[", "]"] } else { [""; 2] };
        Some(format!("{open}{}{close}:{}", self.host, self.port))
    }

    fn open(&mut self) -> io::Result<()> {
        self.advance().inspect_err(|error| {
            if error.kind() != io::ErrorKind::WouldBlock {
                self.state = HostState::Closed;
            }
        })
    }

    fn close(&mut self) -> io::Result<()> {
        self.state = HostState::Closed;
        Ok(())
    }

    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.socket()?.read(bytes)
    }

    fn write(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        self.socket()?.write(slices)
    }

    fn poll_fd(&self) -> Option<BorrowedFd<'_>> {
        match &self.state {
            HostState::Connected(socket) => socket.poll_fd(),
            HostState::Connecting(race) => race.poll_fd(),
            HostState::Closed | HostState::LookingUp => None,
        }
    }

    fn is_lost(&self) -> bool {
        matches!(&self.state, HostState::Connected(socket) if socket.is_lost())
    }

    fn close_in_children(&mut self) {
        self.private = true;
        match &mut self.state {
            HostState::Closed | HostState::LookingUp => (),
            HostState::Connecting(race) => race.close_in_children(),
            HostState::Connected(socket) => socket.close_in_children(),
        }
    }

    fn for_child(&self) -> Box<dyn Transport> {
        Box::new(Self::new(&self.host, self.port))
    }
}

/// A thread that resolves a host name, which has no time limit. The thread shares the place for the
/// answer until it ends; this adds less code to the library than a channel.
struct Lookup(Arc<OnceLock<io::Result<Vec<SocketAddr>>>>);

impl Lookup {
    fn start(host: &str, port: u16) -> io::Result<Self> {
        let place = Arc::new(OnceLock::new());
        let answer = Arc::clone(&place);
        let host = host.to_owned();
        background::spawn(Builder::new().name("fstrm-lookup".into()), move || {
            let addresses = (host.as_str(), port).to_socket_addrs();
            drop(answer.set(addresses.map(Iterator::collect)));
        })?;
        Ok(Self(place))
    }

    /// Takes the addresses or the error; `None` until the thread has ended.
    fn answer(&mut self) -> Option<io::Result<Vec<SocketAddr>>> {
        let answer = Arc::get_mut(&mut self.0)?.take();
        Some(answer.unwrap_or_else(|| Err(io::ErrorKind::BrokenPipe.into())))
    }
}

/// Connection attempts to the addresses of one host, in the order in which the system prefers them.
struct Race {
    addresses: vec::IntoIter<SocketAddr>,
    attempts: Vec<(SocketAddr, SocketSender)>,
    next_at: Instant,
    failures: Vec<String>,
    /// True if the host is a name, so that failures must include the address.
    has_name: bool,
    private: bool,
}

impl Race {
    fn new(addresses: Vec<SocketAddr>, has_name: bool, private: bool) -> Self {
        Self {
            addresses: addresses.into_iter(),
            attempts: Vec::new(),
            next_at: Instant::now(),
            failures: Vec::new(),
            has_name,
            private,
        }
    }

    fn close_in_children(&mut self) {
        self.private = true;
        for (_, socket) in &mut self.attempts {
            socket.close_in_children();
        }
    }

    /// Returns the first connection that succeeds, or an error once every address has failed.
    fn advance(&mut self) -> io::Result<SocketSender> {
        let mut last_kind = io::ErrorKind::AddrNotAvailable;
        loop {
            let mut index = 0;
            while let Some((address, socket)) = self.attempts.get_mut(index) {
                match socket.open() {
                    Ok(()) => return Ok(self.attempts.swap_remove(index).1),
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => index += 1,
                    Err(error) => {
                        last_kind = error.kind();
                        self.failures.push(if self.has_name {
                            format!("{address}: {error}")
                        } else {
                            error.to_string()
                        });
                        self.attempts.remove(index);
                    }
                }
            }
            let now = Instant::now();
            if !self.attempts.is_empty() && now < self.next_at {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            match self.addresses.next() {
                Some(address) => {
                    let mut socket = SocketSender::tcp(address);
                    if self.private {
                        socket.close_in_children();
                    }
                    self.attempts.push((address, socket));
                    self.next_at = now + ATTEMPT_DELAY;
                }
                None if !self.attempts.is_empty() => return Err(io::ErrorKind::WouldBlock.into()),
                None if self.failures.is_empty() => {
                    return Err(io::Error::new(last_kind, "no address"));
                }
                None => return Err(io::Error::new(last_kind, self.failures.join("; "))),
            }
        }
    }

    /// Returns the descriptor to poll, if there is exactly one.
    fn poll_fd(&self) -> Option<BorrowedFd<'_>> {
        match &*self.attempts {
            [(_, socket)] if self.addresses.len() == 0 => socket.poll_fd(),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::os::fd::{AsRawFd, OwnedFd};

    use nix::sys::socket::{
        AddressFamily, Backlog, SockFlag, SockType, SockaddrIn, bind, getsockname, listen, socket,
    };

    use super::*;
    use crate::stream;

    /// Returns a sender that connects to `addresses`.
    fn sender_to(addresses: &[SocketAddr]) -> HostSender {
        let state = HostState::Connecting(Race::new(addresses.into(), true, false));
        HostSender { state, ..HostSender::new("several", 0) }
    }

    fn connect(sender: &mut HostSender) -> io::Result<()> {
        stream::open(sender, Instant::now() + Duration::from_secs(10))
    }

    /// Returns a port that refuses connections, as it is bound but not listening.
    fn refusing() -> (OwnedFd, SocketAddr) {
        let fd = socket(AddressFamily::Inet, SockType::Stream, SockFlag::SOCK_CLOEXEC, None);
        let fd = fd.expect("a socket");
        bind(fd.as_raw_fd(), &SockaddrIn::new(127, 0, 0, 1, 0)).expect("a port");
        let bound: SockaddrIn = getsockname(fd.as_raw_fd()).expect("bound");
        (fd, SocketAddr::from((bound.ip(), bound.port())))
    }

    fn listening() -> (TcpListener, SocketAddr) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let address = listener.local_addr().expect("bound");
        (listener, address)
    }

    #[test]
    fn after_a_refusal_the_next_address_is_tried_immediately() {
        let (_held, refusing) = refusing();
        let (listener, address) = listening();
        connect(&mut sender_to(&[refusing, address])).expect("the second address");
        listener.accept().expect("the sender");
    }

    #[test]
    fn after_a_delay_without_an_answer_the_next_address_is_tried() {
        // The backlog has room for one connection; the kernel ignores further attempts.
        let (full, silent) = refusing();
        listen(&full, Backlog::new(0).expect("a backlog")).expect("a listener");
        connect(&mut sender_to(&[silent])).expect("room in the backlog");

        let (listener, address) = listening();
        let start = Instant::now();
        connect(&mut sender_to(&[silent, address])).expect("the second address");
        assert!(start.elapsed() >= ATTEMPT_DELAY, "{:?}", start.elapsed());
        listener.accept().expect("the sender");

        let alone =
            stream::open(&mut sender_to(&[silent]), Instant::now() + Duration::from_millis(100));
        assert_eq!(alone.expect_err("no answer").kind(), io::ErrorKind::TimedOut);
    }

    #[test]
    fn the_error_names_every_address() {
        let (first, second) = (refusing(), refusing());
        let error = connect(&mut sender_to(&[first.1, second.1])).expect_err("not listening");
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
        for (_held, address) in [first, second] {
            let refused = format!("{address}: Connection refused");
            assert!(error.to_string().contains(&refused), "{error}");
        }
        let error = connect(&mut sender_to(&[])).expect_err("no address");
        assert_eq!(error.to_string(), "no address");
    }
}
