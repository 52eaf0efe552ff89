// SPDX-License-Identifier: MIT OR Apache-2.0
//! The output of a sink, as text: `unix:PATH`, `tcp:HOST:PORT`, `tls:HOST:PORT` or `file:PATH`.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{self, PathBuf};
use std::str::FromStr;

use framestream::address::host_at_port;
use thiserror::Error;

/// The output of a sink.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// A Unix socket that a receiver listens on.
    Unix(PathBuf),
    /// A host, as a name or an address, and its port.
    Tcp(String, u16),
    /// A host and port, over TLS.
    #[cfg(feature = "tls")]
    Tls(String, u16),
    /// A file, which is truncated when it is opened.
    File(PathBuf),
}

/// The reason why a text is not a valid output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum OutputError {
    /// It does not begin with a known kind of output.
    #[error("expected \"unix:PATH\", \"tcp:HOST:PORT\", \"tls:HOST:PORT\" or \"file:PATH\"")]
    Kind,
    /// It needs a build with TLS.
    #[error("this library was built without TLS")]
    NoTls,
    /// The path is empty.
    #[error("the path is missing")]
    Path,
    /// There is no host, or no port from 1 to 65535.
    #[error(
        "expected a host and a port from 1 to 65535, as in \"tcp:host:port\" or \
         \"tcp:[2001:db8::1]:6000\""
    )]
    HostPort,
}

impl Output {
    /// Makes a relative path absolute, so that a later change of the working directory has no
    /// effect. Does not access the path.
    pub fn absolute(self) -> io::Result<Self> {
        match self {
            Self::Unix(path) => path::absolute(path).map(Self::Unix),
            Self::File(path) => path::absolute(path).map(Self::File),
            other => Ok(other),
        }
    }
}

impl FromStr for Output {
    type Err = OutputError;

    fn from_str(text: &str) -> Result<Self, OutputError> {
        text.as_bytes().try_into()
    }
}

// Paths need not be UTF-8.
impl TryFrom<&[u8]> for Output {
    type Error = OutputError;

    fn try_from(text: &[u8]) -> Result<Self, OutputError> {
        let colon = text.iter().position(|byte| *byte == b':').ok_or(OutputError::Kind)?;
        let (kind, rest) = (&text[..colon], &text[colon + 1..]);
        let path = || PathBuf::from(OsStr::from_bytes(rest));
        match kind {
            b"unix" | b"file" if rest.is_empty() => Err(OutputError::Path),
            b"unix" => Ok(Self::Unix(path())),
            b"file" => Ok(Self::File(path())),
            b"tcp" => host_port(rest).map(|(host, port)| Self::Tcp(host, port)),
            #[cfg(feature = "tls")]
            b"tls" => host_port(rest).map(|(host, port)| Self::Tls(host, port)),
            #[cfg(not(feature = "tls"))]
            b"tls" => Err(OutputError::NoTls),
            _ => Err(OutputError::Kind),
        }
    }
}

/// Parses `HOST:PORT` with IPv6 addresses in brackets, or `HOST@PORT`.
fn host_port(text: &[u8]) -> Result<(String, u16), OutputError> {
    let text = std::str::from_utf8(text).map_err(|_| OutputError::HostPort)?;
    match host_at_port(text) {
        Ok((host, port @ 1..)) if !host.is_empty() => Ok((host.into(), port)),
        _ => Err(OutputError::HostPort),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_paths_become_absolute_and_nothing_else_changes() {
        let folder = std::env::current_dir().expect("a working directory");
        for (text, absolute) in [
            ("unix:x.sock", Output::Unix(folder.join("x.sock"))),
            ("file:./a/../x.tap", Output::File(folder.join("a/../x.tap"))),
            ("file:/a//x.tap", Output::File("/a/x.tap".into())),
            ("unix:/run/x.sock", Output::Unix("/run/x.sock".into())),
            ("tcp:x:1", Output::Tcp("x".into(), 1)),
        ] {
            let output: Output = text.parse().expect("an output");
            assert_eq!(output.absolute().expect("a working directory"), absolute, "{text}");
        }
    }

    #[test]
    fn outputs_are_parsed() {
        let tcp = |host: &str, port| Ok(Output::Tcp(host.into(), port));
        for (text, output) in [
            ("unix:/run/dnstap.sock", Ok(Output::Unix("/run/dnstap.sock".into()))),
            ("file:a:b", Ok(Output::File("a:b".into()))),
            ("tcp:192.0.2.1:6000", tcp("192.0.2.1", 6000)),
            ("tcp:[2001:db8::1]:6000", tcp("2001:db8::1", 6000)),
            ("tcp:2001:db8::1@6000", tcp("2001:db8::1", 6000)),
            ("udp:collector.example:1", Err(OutputError::Kind)),
            #[cfg(feature = "tls")]
            ("tls:collector.example:853", Ok(Output::Tls("collector.example".into(), 853))),
            #[cfg(not(feature = "tls"))]
            ("tls:collector.example:853", Err(OutputError::NoTls)),
            ("tcp::6000", Err(OutputError::HostPort)),
            ("tcp:host:0", Err(OutputError::HostPort)),
            ("tcp:host:65536", Err(OutputError::HostPort)),
            ("tcp:host", Err(OutputError::HostPort)),
            ("tcp:host:+53", Err(OutputError::HostPort)),
            ("tcp:2001:db8::1", Err(OutputError::HostPort)),
            ("tcp:2001:db8::1:6000", Err(OutputError::HostPort)),
            ("unix:", Err(OutputError::Path)),
            ("/run/dnstap.sock", Err(OutputError::Kind)),
        ] {
            assert_eq!(text.parse(), output, "{text}");
        }
    }
}
