// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where a sink sends to, as text: `unix:PATH`, `tcp:HOST:PORT`, `file:PATH`.

use std::path::PathBuf;
use std::str::FromStr;

use thiserror::Error;

/// Where a sink sends to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// A Unix socket that a receiver listens on.
    Unix(PathBuf),
    /// A host, by name or address, and a port of it.
    Tcp(String, u16),
    /// A file, which is truncated when it is opened.
    File(PathBuf),
}

/// Why a text names no output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum OutputError {
    /// It begins with no known kind of output.
    #[error("an output begins with \"unix:\", \"tcp:\" or \"file:\"")]
    Kind,
    /// Nothing stands behind the kind.
    #[error("the path of the output is missing")]
    Path,
    /// There is no host, or no port from 1 to 65535.
    #[error("the output wants a host and a port from 1 to 65535: \"tcp:host:port\"")]
    HostPort,
}

impl FromStr for Output {
    type Err = OutputError;

    fn from_str(text: &str) -> Result<Self, OutputError> {
        let (kind, rest) = text.split_once(':').ok_or(OutputError::Kind)?;
        match kind {
            "unix" | "file" if rest.is_empty() => Err(OutputError::Path),
            "unix" => Ok(Self::Unix(rest.into())),
            "file" => Ok(Self::File(rest.into())),
            "tcp" => host_port(rest).map(|(host, port)| Self::Tcp(host, port)),
            _ => Err(OutputError::Kind),
        }
    }
}

/// `HOST:PORT` or `HOST@PORT`; an IPv6 address can stand in brackets.
fn host_port(text: &str) -> Result<(String, u16), OutputError> {
    let (host, port) = text.rsplit_once([':', '@']).ok_or(OutputError::HostPort)?;
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    match port.parse() {
        Ok(port @ 1..) if !host.is_empty() => Ok((host.into(), port)),
        _ => Err(OutputError::HostPort),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_are_what_they_say() {
        let tcp = |host: &str, port| Ok(Output::Tcp(host.into(), port));
        for (text, output) in [
            ("unix:/run/dnstap.sock", Ok(Output::Unix("/run/dnstap.sock".into()))),
            ("file:a:b", Ok(Output::File("a:b".into()))),
            ("tcp:192.0.2.1:6000", tcp("192.0.2.1", 6000)),
            ("tcp:[2001:db8::1]:6000", tcp("2001:db8::1", 6000)),
            ("tcp:2001:db8::1@6000", tcp("2001:db8::1", 6000)),
            ("tls:collector.example:1", Err(OutputError::Kind)),
            ("tcp::6000", Err(OutputError::HostPort)),
            ("tcp:host:0", Err(OutputError::HostPort)),
            ("tcp:host:65536", Err(OutputError::HostPort)),
            ("tcp:host", Err(OutputError::HostPort)),
            ("unix:", Err(OutputError::Path)),
            ("/run/dnstap.sock", Err(OutputError::Kind)),
            ("udp:host:1", Err(OutputError::Kind)),
        ] {
            assert_eq!(text.parse(), output, "{text}");
        }
    }
}
