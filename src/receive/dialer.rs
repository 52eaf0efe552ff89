// SPDX-License-Identifier: MIT OR Apache-2.0
//! Connects to who sends, and again whenever a connection is over.

use std::fmt;
use std::io;
use std::net::{TcpStream, ToSocketAddrs};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use framestream::transport::TlsConnector;
use mio::Waker;
use mio::net::UnixStream;
use nix::sys::socket::{setsockopt, sockopt};
use operator_log::{Level, LineKind, Log};

use crate::credentials::Credentials;
use crate::peer::Peer;
use crate::socket_stream::SocketStream;
use crate::tls::Tls;

/// Maximum time for a connect.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Pause before the next connect.
const RETRY: Duration = Duration::from_secs(1);

/// Senders that cannot be connected to.
const UNREACHED: LineKind = LineKind("senders that cannot be reached");

/// Senders that close before they send anything.
const MUTE: LineKind = LineKind("senders that close before START");

const CONNECTED: LineKind = LineKind("connections to senders");

/// Where to connect to.
#[derive(Debug)]
pub enum DialTarget {
    /// A Unix socket.
    Unix(PathBuf),
    /// A host and a port, looked up for each connect.
    Tcp(String),
    /// The same, with TLS.
    Tls(String, Credentials<TlsConnector>),
}

/// A connection that was made, its peer, and who hears of its START, and by the drop of its end.
pub type DialedStream = (Box<dyn SocketStream + Send>, Peer, Sender<()>);

/// Connections as they are made.
#[derive(Debug)]
pub struct Dialed {
    made: Receiver<DialedStream>,
}

impl Dialed {
    /// Connects to each of the targets, in a thread for each since looking up a name waits. Wakes
    /// `waker` for each connection.
    pub fn start(targets: Vec<DialTarget>, waker: &Arc<Waker>) -> Self {
        let (sender, made) = channel();
        for mut target in targets {
            let (sender, waker) = (sender.clone(), Arc::clone(waker));
            thread::spawn(move || dial(&mut target, &sender, &waker));
        }
        Self { made }
    }

    /// The next connection, if there is one.
    pub fn next(&self) -> Option<DialedStream> {
        self.made.try_recv().ok()
    }
}

/// Connects for as long as somebody takes the connections.
fn dial(target: &mut DialTarget, sender: &Sender<DialedStream>, waker: &Waker) {
    let (log, name) = (Log, target.to_string());
    // The last connection brought nothing, and that was reported.
    let mut is_mute = false;
    loop {
        match connect(target) {
            Ok(stream) => {
                let (open, news) = channel();
                let peer = Peer::Named(name.clone());
                if sender.send((stream, peer, open)).is_err() || waker.wake().is_err() {
                    return;
                }
                log.end_state(UNREACHED, &name);
                if !is_mute {
                    log.limited(Level::Info, CONNECTED, format_args!("connected to {name}"));
                }
                if news.recv().is_ok() {
                    if is_mute {
                        log.limited(Level::Info, CONNECTED, format_args!("connected to {name}"));
                    }
                    log.end_state(MUTE, &name);
                    is_mute = false;
                    let _ = news.recv();
                } else {
                    is_mute = true;
                    let text = format_args!("{name}: closed before START; retrying every second");
                    log.lasting(Level::Warning, MUTE, &name, text);
                }
            }
            Err(error) => {
                let text =
                    format_args!("failed to connect to {name}: {error}; retrying every second");
                log.lasting(Level::Warning, UNREACHED, &name, text);
            }
        }
        thread::sleep(RETRY);
    }
}

fn connect(target: &mut DialTarget) -> io::Result<Box<dyn SocketStream + Send>> {
    Ok(match target {
        // It does not wait where the other side is too busy to accept.
        DialTarget::Unix(path) => Box::new(UnixStream::connect(path)?),
        DialTarget::Tcp(name) => Box::new(connect_tcp(name)?),
        DialTarget::Tls(name, credentials) => {
            let stream = connect_tcp(name)?;
            credentials.reload_if_changed();
            Box::new(Tls(credentials.get().connect(stream)?))
        }
    })
}

fn connect_tcp(name: &str) -> io::Result<mio::net::TcpStream> {
    let mut failure = io::Error::other("the name has no address");
    for address in name.to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, CONNECT_TIMEOUT) {
            Ok(stream) => {
                // A peer that is gone without a word is noticed some day.
                let _ = setsockopt(&stream, sockopt::KeepAlive, &true);
                stream.set_nonblocking(true)?;
                return Ok(mio::net::TcpStream::from_std(stream));
            }
            Err(error) => failure = error,
        }
    }
    Err(failure)
}

impl fmt::Display for DialTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "{}", path.display()),
            Self::Tcp(name) => f.write_str(name),
            Self::Tls(name, _) => write!(f, "tls:{name}"),
        }
    }
}
