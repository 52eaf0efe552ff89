// SPDX-License-Identifier: MIT OR Apache-2.0
//! The address of a receiver.

use std::fmt::{self, Display, Formatter};
use std::net::{Ipv4Addr, SocketAddrV4, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU16, Ordering};

/// The address of a receiver.
#[derive(Clone, Debug)]
pub(crate) enum Endpoint {
    /// The path of a Unix socket.
    Unix(PathBuf),
    /// An address on the loopback interface.
    Tcp(SocketAddrV4),
}

impl Endpoint {
    /// Returns a Unix socket in `folder`.
    pub(crate) fn unix(folder: &Path) -> Self {
        Self::Unix(folder.join("receiver"))
    }

    /// Returns a free TCP address.
    pub(crate) fn tcp() -> Self {
        Self::Tcp(free_address())
    }
}

impl Display for Endpoint {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "{}", path.display()),
            Self::Tcp(address) => write!(f, "{}@{}", address.ip(), address.port()),
        }
    }
}

/// Returns an address that is free for UDP and TCP. Its port is below those that the system assigns
/// to connecting sockets, so that no other process gets it by chance before it is used.
pub(crate) fn free_address() -> SocketAddrV4 {
    static TAKEN: AtomicU16 = AtomicU16::new(0);
    let first = 10_000 + (process::id() % 1000) as u16 * 20;
    loop {
        let port = first + TAKEN.fetch_add(1, Ordering::Relaxed);
        let address = SocketAddrV4::new(Ipv4Addr::LOCALHOST, port);
        if UdpSocket::bind(address).is_ok() && TcpListener::bind(address).is_ok() {
            return address;
        }
    }
}
