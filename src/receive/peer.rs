// SPDX-License-Identifier: MIT OR Apache-2.0
//! Connections and their other ends, as the log names them.

use std::fmt;
use std::net::SocketAddr;
use std::os::fd::{AsFd, RawFd};

use nix::sys::socket::{getsockopt, sockopt};

/// The other end of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Peer {
    /// An address and a port.
    Inet(SocketAddr),
    /// The process that connected to a Unix socket, as far as the kernel knows it.
    Process {
        /// Its ID; 0 if it is in another namespace.
        pid: i32,
        /// The user it ran as.
        uid: u32,
    },
    /// One that was connected to by name.
    Named(String),
    /// The kernel does not say.
    Unknown,
}

/// A connection: the number of its socket, and its other end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ConnectionName {
    /// The number of its socket.
    pub(crate) fd: RawFd,
    /// The other end.
    pub(crate) peer: Peer,
}

impl fmt::Display for ConnectionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { fd, peer } = self;
        write!(f, "fd {fd} ({peer})")
    }
}

impl Peer {
    /// The process at the other end of a Unix socket.
    pub(crate) fn process(socket: &impl AsFd) -> Self {
        match getsockopt(socket, sockopt::PeerCredentials) {
            Ok(peer) => Self::Process { pid: peer.pid(), uid: peer.uid() },
            Err(_) => Self::Unknown,
        }
    }

    /// This address, as IPv4 if it is an IPv4 address within IPv6.
    pub fn inet(address: SocketAddr) -> Self {
        Self::Inet(SocketAddr::new(address.ip().to_canonical(), address.port()))
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inet(address) => address.fmt(f),
            Self::Process { pid: 0, uid } => write!(f, "uid {uid}"),
            Self::Process { pid, uid } => write!(f, "pid {pid}, uid {uid}"),
            Self::Named(name) => f.write_str(name),
            Self::Unknown => f.write_str("unknown peer"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Peer;

    #[test]
    fn an_address_is_printed_as_what_it_is() {
        let peer = |text: &str| Peer::inet(text.parse().unwrap()).to_string();
        assert_eq!(peer("[::ffff:192.0.2.1]:53"), "192.0.2.1:53");
        assert_eq!(peer("[2001:db8::1]:53"), "[2001:db8::1]:53");
    }
}
