// SPDX-License-Identifier: MIT OR Apache-2.0
//! Names of connections and peers for the log.

use std::fmt;
use std::net::SocketAddr;
use std::os::fd::{AsFd, RawFd};

use nix::sys::socket::{getsockopt, sockopt};

/// The peer of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Peer {
    /// An address and a port.
    Inet(SocketAddr),
    /// The process at the other end of a Unix socket, as reported by the kernel.
    Process {
        /// The process ID; 0 if it is in another namespace, or the system does not report it.
        pid: i32,
        /// The user ID.
        uid: u32,
    },
    /// A peer that was dialed, by its name.
    Named(String),
    /// A peer that the kernel does not identify.
    Unknown,
}

/// The name of a connection: socket number and peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ConnectionName {
    pub(crate) fd: RawFd,
    pub(crate) peer: Peer,
}

impl fmt::Display for ConnectionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { fd, peer } = self;
        write!(f, "fd {fd} ({peer})")
    }
}

impl Peer {
    /// Returns the process at the other end of a Unix socket.
    pub(crate) fn process(socket: &impl AsFd) -> Self {
        #[cfg(target_os = "linux")]
        let process = getsockopt(socket, sockopt::PeerCredentials)
            .map(|peer| Self::Process { pid: peer.pid(), uid: peer.uid() });
        #[cfg(not(target_os = "linux"))]
        let process = getsockopt(socket, sockopt::LocalPeerCred)
            .map(|peer| Self::Process { pid: 0, uid: peer.uid() });
        process.unwrap_or(Self::Unknown)
    }

    /// Returns the peer at `address`. An IPv4-mapped address becomes IPv4.
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
    fn mapped_addresses_are_printed_as_ipv4() {
        let peer = |text: &str| Peer::inet(text.parse().unwrap()).to_string();
        assert_eq!(peer("[::ffff:192.0.2.1]:53"), "192.0.2.1:53");
        assert_eq!(peer("[2001:db8::1]:53"), "[2001:db8::1]:53");
    }
}
