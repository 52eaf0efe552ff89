// SPDX-License-Identifier: MIT OR Apache-2.0
//! TCP addresses for programs to listen on, reserved against other programs.

use std::fmt::{self, Display, Formatter};
use std::net::{IpAddr, SocketAddr};
use std::ops::Deref;
use std::os::fd::{AsRawFd, OwnedFd};

use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, SockaddrStorage, bind, getsockname, setsockopt, socket,
    sockopt,
};

/// An address whose port is bound, but not listened on: a program that sets `SO_REUSEADDR`, as servers
/// do, can listen there, and the system does not assign the port to another program.
pub(crate) struct HeldAddress {
    text: String,
    _socket: OwnedFd,
}

impl HeldAddress {
    /// Reserves a free port of `host`, an address of the loopback interface.
    pub(crate) fn new(host: &str) -> Self {
        let any = SocketAddr::new(host.parse().unwrap(), 0);
        let family = match any.ip() {
            IpAddr::V4(_) => AddressFamily::Inet,
            IpAddr::V6(_) => AddressFamily::Inet6,
        };
        let held = socket(family, SockType::Stream, SockFlag::SOCK_CLOEXEC, None).unwrap();
        setsockopt(&held, sockopt::ReuseAddr, &true).unwrap();
        bind(held.as_raw_fd(), &SockaddrStorage::from(any)).unwrap();
        let bound: SockaddrStorage = getsockname(held.as_raw_fd()).unwrap();
        Self { text: bound.to_string(), _socket: held }
    }

    pub(crate) fn port(&self) -> &str {
        self.rsplit_once(':').unwrap().1
    }
}

impl Deref for HeldAddress {
    type Target = str;

    fn deref(&self) -> &str {
        &self.text
    }
}

impl Display for HeldAddress {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}
