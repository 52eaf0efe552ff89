// SPDX-License-Identifier: MIT OR Apache-2.0
//! Addresses as options have them. What cannot be one is a wrong option.

use std::os::unix::net::SocketAddr;
use std::path::{Path, PathBuf};

use framestream::address;
use pipeline::output::relay::TLS_PREFIX;

use crate::command_line::prefix;

/// Returns the parts of ADDRESS:PORT; an IPv6 address is in brackets.
pub fn host_and_port(name: &str) -> Result<(&str, u16), String> {
    address::host_and_port(name).map_err(|error| format!("\"{name}\" is not ADDRESS:PORT: {error}"))
}

/// Where to listen: without an address, on any of ours.
pub fn listened(text: &str) -> Result<String, String> {
    host_and_port(text).map(|_| text.into())
}

/// Where to connect to, with TLS or without.
pub fn peer(text: &str) -> Result<String, String> {
    match host_and_port(text.strip_prefix(TLS_PREFIX).unwrap_or(text))? {
        ("", _) => Err(format!("\"{text}\" names no host")),
        (_, 0) => Err("nobody listens on port 0".into()),
        _ => Ok(text.into()),
    }
}

/// A sender to connect to: a peer, or a Unix socket.
pub fn sender(text: &str) -> Result<String, String> {
    if text.starts_with(TLS_PREFIX) || !text.contains('/') {
        return peer(text);
    }
    fits(Path::new(text)).map(|()| text.into())
}

/// The path of a Unix socket.
pub fn socket_path(path: PathBuf) -> Result<PathBuf, String> {
    fits(&path).map(|()| path)
}

fn fits(path: &Path) -> Result<(), String> {
    if let Some(word) = path.to_str().and_then(prefix) {
        let path = path.display();
        return Err(format!(
            "a Unix socket is named by its path alone, without \"{word}:\"; write ./{path} for one \
             of this name"
        ));
    }
    let address = SocketAddr::from_pathname(path);
    address.map(drop).map_err(|_| "the path is too long for a Unix socket".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_port_and_a_peer_a_host() {
        assert_eq!(listened(":53"), Ok(":53".into()));
        assert_eq!(peer("tls:[2001:db8::1]:53"), Ok("tls:[2001:db8::1]:53".into()));
        for wrong in ["ns1", "2001:db8::1", "2001:db8::1:6000", "ns1:+53", ":53", "ns1:0"] {
            assert!(peer(wrong).is_err(), "{wrong}");
        }
        let error = listened("2001:db8::1:6000").unwrap_err();
        assert!(error.contains("has to be in brackets"), "{error}");
    }

    #[test]
    fn a_path_does_not_begin_with_a_word_and_a_colon() {
        for (name, expected) in [
            ("kafka:x", Some("kafka")),
            ("QUIET:x", Some("QUIET")),
            ("a-b_c:", Some("a-b_c")),
            ("./a:b", None),
            ("/a:b", None),
            ("x-%H:%M", None),
            ("10:00", None),
            ("a.b:c", None),
            ("plain", None),
        ] {
            assert_eq!(prefix(name), expected, "{name}");
        }
        assert!(socket_path("tcp:6000".into()).is_err() && sender("unix:/run/x").is_err());
        assert!(socket_path("./tcp:6000".into()).is_ok() && sender("./unix:/x").is_ok());
    }
}
