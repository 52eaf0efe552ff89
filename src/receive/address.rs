// SPDX-License-Identifier: MIT OR Apache-2.0
//! Addresses as operators write them: hosts with or without TLS, and Unix sockets.

use std::net::{SocketAddr, ToSocketAddrs};
use std::os::unix::net;
use std::path::PathBuf;
use std::str::FromStr;
use std::{fmt, io};

use files::file_name::prefix;
use framestream::address;
use thiserror::Error;

/// The prefix of addresses that are connected to with TLS.
pub const TLS_PREFIX: &str = "tls:";

/// The error of parsing an address.
#[derive(Debug, Error)]
pub enum PeerAddressError {
    /// It is not a host and a port.
    #[error("\"{0}\" is not ADDRESS:PORT: {1}")]
    Syntax(String, #[source] address::AddressError),
    /// The host is missing.
    #[error("\"{0}\" names no host")]
    NoHost(String),
    /// Port 0 cannot be connected to.
    #[error("nobody listens on port 0")]
    NoPort,
    /// The path of a Unix socket begins with the prefix of another kind of address.
    #[error(
        "a Unix socket is named by its path alone, without \"{}:\"; write ./{} for one of this \
         name",
        .0, .1.display()
    )]
    Prefix(String, PathBuf),
    /// The path is too long for a Unix socket.
    #[error("the path is too long for a Unix socket")]
    LongPath(#[source] io::Error),
}

/// A host and a port, as written by the operator.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HostAddress {
    text: String,
    host: String,
    port: u16,
}

impl HostAddress {
    /// Parses ADDRESS:PORT, where the address may be empty.
    pub fn parse(text: &str) -> Result<Self, PeerAddressError> {
        let syntax = |source| PeerAddressError::Syntax(text.into(), source);
        let (host, port) = address::host_and_port(text).map_err(syntax)?;
        Ok(Self { text: text.into(), host: host.into(), port })
    }

    /// Returns the host.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Returns the port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Returns the first address of the host, to listen on: without a host, any of this machine.
    pub fn resolve(&self) -> io::Result<SocketAddr> {
        let host = if self.host.is_empty() { "::" } else { &self.host };
        let missing = || io::Error::other("has no address; name one such as 127.0.0.1:6000");
        (host, self.port).to_socket_addrs()?.next().ok_or_else(missing)
    }
}

impl fmt::Display for HostAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The address of a peer to connect to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum PeerAddress {
    /// A Unix socket.
    Unix(PathBuf),
    /// A TCP socket.
    Tcp(HostAddress),
    /// A TCP socket with TLS.
    Tls(HostAddress),
}

impl PeerAddress {
    /// Parses the address of a host, with TLS or without.
    pub fn host(text: &str) -> Result<Self, PeerAddressError> {
        let is_tls = text.strip_prefix(TLS_PREFIX);
        let address = HostAddress::parse(is_tls.unwrap_or(text))?;
        match (&*address.host, address.port) {
            ("", _) => Err(PeerAddressError::NoHost(text.into())),
            (_, 0) => Err(PeerAddressError::NoPort),
            _ if is_tls.is_some() => Ok(Self::Tls(address)),
            _ => Ok(Self::Tcp(address)),
        }
    }

    /// Returns whether the peer is connected to with TLS.
    pub fn is_tls(&self) -> bool {
        matches!(self, Self::Tls(_))
    }
}

impl FromStr for PeerAddress {
    type Err = PeerAddressError;

    /// Parses the address of a host, or the path of a Unix socket, which has a slash in it.
    fn from_str(text: &str) -> Result<Self, PeerAddressError> {
        if text.starts_with(TLS_PREFIX) || !text.contains('/') {
            return Self::host(text);
        }
        unix_path(text.into()).map(Self::Unix)
    }
}

impl fmt::Display for PeerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => path.display().fmt(f),
            Self::Tcp(address) => address.fmt(f),
            Self::Tls(address) => write!(f, "{TLS_PREFIX}{address}"),
        }
    }
}

/// Checks that `path` is usable as the path of a Unix socket.
pub fn unix_path(path: PathBuf) -> Result<PathBuf, PeerAddressError> {
    if let Some(word) = path.to_str().and_then(prefix) {
        return Err(PeerAddressError::Prefix(word.into(), path));
    }
    net::SocketAddr::from_pathname(&path).map_err(PeerAddressError::LongPath)?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_port_and_a_peer_a_host() {
        assert_eq!(HostAddress::parse(":53").unwrap().to_string(), ":53");
        let peer = PeerAddress::host("tls:[2001:db8::1]:53").unwrap();
        assert!(peer.is_tls() && peer.to_string() == "tls:[2001:db8::1]:53");
        for wrong in ["ns1", "2001:db8::1", "2001:db8::1:6000", "ns1:+53", ":53", "ns1:0"] {
            assert!(PeerAddress::host(wrong).is_err(), "{wrong}");
        }
        let error = HostAddress::parse("2001:db8::1:6000").unwrap_err().to_string();
        assert!(error.contains("has to be in brackets"), "{error}");
    }

    #[test]
    fn an_empty_host_means_all_addresses() {
        let address = |text| HostAddress::parse(text).unwrap().resolve().unwrap().to_string();
        assert_eq!(address(":53"), "[::]:53");
        assert_eq!(address("[::1]:053"), "[::1]:53");
    }

    #[test]
    fn socket_paths_with_a_prefix_are_rejected() {
        assert!(unix_path("tcp:6000".into()).is_err() && unix_path("./tcp:6000".into()).is_ok());
        let parsed = |text: &str| text.parse::<PeerAddress>();
        assert!(parsed("unix:/run/x").is_err());
        assert_eq!(parsed("./unix:/x").unwrap(), PeerAddress::Unix("./unix:/x".into()));
    }
}
