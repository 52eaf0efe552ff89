// SPDX-License-Identifier: MIT OR Apache-2.0
//! Addresses as options have them. What cannot be one is a wrong option.

use std::os::unix::net::SocketAddr;
use std::path::{Path, PathBuf};

use super::TLS_PREFIX;

/// The parts of ADDRESS:PORT; an IPv6 address may be in brackets.
pub fn host_and_port(name: &str) -> Result<(&str, u16), String> {
    name.rsplit_once(':')
        .and_then(|(host, port)| Some((host, port.parse().ok()?)))
        .map(|(host, port)| (host.trim_start_matches('[').trim_end_matches(']'), port))
        .ok_or_else(|| format!("\"{name}\" is no ADDRESS:PORT"))
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
    let address = SocketAddr::from_pathname(path);
    address.map(drop).map_err(|_| "the path is too long for a Unix socket".into())
}
