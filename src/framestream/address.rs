// SPDX-License-Identifier: MIT OR Apache-2.0
//! Hosts and ports as text.

use std::net::Ipv6Addr;

use thiserror::Error;

/// The reason why a text is not a host with a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum AddressError {
    /// Nothing separates a host from a port.
    #[error("there is no port")]
    NoPort,
    /// The port is not a number, or too large.
    #[error("the port is not a number from 0 to 65535")]
    Port,
    /// The border between an IPv6 address and the port is ambiguous.
    #[error("an IPv6 address with a port has to be in brackets, as in [2001:db8::1]:6000")]
    Brackets,
    /// The host contains spaces, or it contains colons or brackets but is not an IPv6 address.
    #[error("the host is neither a name nor an address")]
    Host,
}

/// Returns the parts of `HOST:PORT`. An IPv6 address must be in brackets: without them, its last
/// part would be taken for a missing port. The parts need not be usable: the host may be empty, and
/// the port 0.
pub fn host_and_port(text: &str) -> Result<(&str, u16), AddressError> {
    let (host, port) = text.rsplit_once(':').ok_or(AddressError::NoPort)?;
    // `2001:db8::1` and `[2001:db8::1]` have no port.
    if port.ends_with(']') {
        return Err(AddressError::NoPort);
    }
    let port = self::port(port)?;
    match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(inner) => check_host(inner).map(|()| (inner, port)),
        None if host.contains(':') => Err(AddressError::Brackets),
        None => check_host(host).map(|()| (host, port)),
    }
}

/// Returns the parts of `HOST@PORT`, where an IPv6 address needs no brackets, or of `HOST:PORT`.
pub fn host_at_port(text: &str) -> Result<(&str, u16), AddressError> {
    let Some((host, port)) = text.rsplit_once('@') else { return host_and_port(text) };
    check_host(host)?;
    Ok((host, self::port(port)?))
}

/// Parses a port number, which must consist of decimal digits.
fn port(text: &str) -> Result<u16, AddressError> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_number).ok_or(AddressError::Port)
}

/// Checks that a host has colons only as an IPv6 address, and no characters that neither a name nor
/// an address can have.
fn check_host(host: &str) -> Result<(), AddressError> {
    let (address, _zone) = host.split_once('%').unwrap_or((host, ""));
    let has_own_colons = !host.contains(':') || address.parse::<Ipv6Addr>().is_ok();
    let is_strange =
        |char: char| matches!(char, '[' | ']') || char.is_whitespace() || char.is_control();
    if has_own_colons && !host.contains(is_strange) { Ok(()) } else { Err(AddressError::Host) }
}

#[cfg(test)]
mod tests {
    use super::AddressError::{Brackets, Host, NoPort, Port};
    use super::*;

    #[test]
    fn hosts_and_ports_are_separated() {
        for (text, expected) in [
            ("ns1.example:53", Ok(("ns1.example", 53))),
            ("192.0.2.1:053", Ok(("192.0.2.1", 53))),
            ("[192.0.2.1]:53", Ok(("192.0.2.1", 53))),
            ("[2001:db8::1]:53", Ok(("2001:db8::1", 53))),
            ("[::]:0", Ok(("::", 0))),
            ("[fe80::1%eth0]:65535", Ok(("fe80::1%eth0", 65535))),
            (":53", Ok(("", 53))),
            ("2001:db8::1", Err(Brackets)),
            ("2001:db8::1:6000", Err(Brackets)),
            ("2001:db8::", Err(Port)),
            ("::1", Err(Brackets)),
            ("tcp:ns1:53", Err(Brackets)),
            ("[2001:db8::1]", Err(NoPort)),
            ("[2001:db8::x]:53", Err(Host)),
            ("[2001:db8::1:53", Err(Brackets)),
            ("[ns1:53", Err(Host)),
            ("ns1]:53", Err(Host)),
            ("[[::1]]:53", Err(Host)),
            ("[::1%eth0]1]:53", Err(Host)),
            (" ns1:53", Err(Host)),
            ("ns1 :53", Err(Host)),
            ("ns1\n:53", Err(Host)),
            ("ns\u{a0}1:53", Err(Host)),
            ("[2001:db8::1%a b]:53", Err(Host)),
            ("ns1\0:53", Err(Host)),
            ("ns1:+53", Err(Port)),
            ("ns1:-53", Err(Port)),
            ("ns1: 53", Err(Port)),
            ("ns1:0x35", Err(Port)),
            ("ns1:65536", Err(Port)),
            ("ns1:", Err(Port)),
            ("ns1", Err(NoPort)),
            ("", Err(NoPort)),
        ] {
            assert_eq!(host_and_port(text), expected, "{text}");
        }
    }

    #[test]
    fn a_port_after_an_at_sign_is_unambiguous() {
        for (text, expected) in [
            ("2001:db8::1@6000", Ok(("2001:db8::1", 6000))),
            ("192.0.2.1@6000", Ok(("192.0.2.1", 6000))),
            ("ns1:6000", Ok(("ns1", 6000))),
            ("2001:db8::x@6000", Err(Host)),
            ("[2001:db8::1]@6000", Err(Host)),
            ("ns1@+53", Err(Port)),
            ("ns1@", Err(Port)),
        ] {
            assert_eq!(host_at_port(text), expected, "{text}");
        }
    }
}
