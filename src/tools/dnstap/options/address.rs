// SPDX-License-Identifier: MIT OR Apache-2.0
//! Addresses as options have them. What cannot be one is a wrong option.

use std::net::Ipv6Addr;
use std::os::unix::net::SocketAddr;
use std::path::{Path, PathBuf};

use super::TLS_PREFIX;

/// The word in front of the first colon of `name`, if it can be one that says what is meant, such as
/// `quiet` in `quiet:FILE` or `tls` in `tls:HOST:PORT`.
pub fn prefix(name: &str) -> Option<&str> {
    let (word, _) = name.split_once(':')?;
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let is_word = word.starts_with(|first: char| first.is_ascii_alphabetic());
    (is_word && word.bytes().all(is_part)).then_some(word)
}

/// The parts of ADDRESS:PORT; an IPv6 address may be in brackets.
pub fn host_and_port(name: &str) -> Result<(&str, u16), String> {
    let wrong = || format!("\"{name}\" is no ADDRESS:PORT");
    let (host, port) = name.rsplit_once(':').ok_or_else(wrong)?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    // The only colons of a host are those of IPv6.
    let (address, _zone) = host.split_once('%').unwrap_or((host, ""));
    let is_host = !host.contains(':') || address.parse::<Ipv6Addr>().is_ok();
    let number = port.bytes().all(|byte| byte.is_ascii_digit()).then(|| port.parse().ok());
    number.flatten().filter(|_| is_host).map(|port| (host, port)).ok_or_else(wrong)
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
    fn hosts_and_ports_are_told_apart() {
        for (name, expected) in [
            ("ns1:53", ("ns1", 53)),
            ("[2001:db8::1]:53", ("2001:db8::1", 53)),
            ("2001:db8::1:6000", ("2001:db8::1", 6000)),
            ("[fe80::1%eth0]:53", ("fe80::1%eth0", 53)),
            (":53", ("", 53)),
        ] {
            assert_eq!(host_and_port(name), Ok(expected));
        }
        for wrong in ["2001:db8::1", "tcp:ns1:53", "ns1:+53", "ns1:65536", "ns1:", "ns1"] {
            assert!(host_and_port(wrong).is_err(), "{wrong}");
        }
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
