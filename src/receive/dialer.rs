// SPDX-License-Identifier: MIT OR Apache-2.0
//! Connects to senders, and reconnects whenever a connection has ended.

use std::net::{TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;
use std::{io, thread};

use framestream::transport::{TlsConnector, TlsError, TlsOptions};
use mio::Waker;
use mio::net::UnixStream;
use nix::sys::socket::{setsockopt, sockopt};
use operator_log::{Level, LineKind, Log};

use crate::address::{HostAddress, PeerAddress};
use crate::credentials::Credentials;
use crate::peer::Peer;
use crate::socket_stream::SocketStream;

/// Timeout of connecting.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Delay before connecting again.
const RETRY: Duration = Duration::from_secs(1);

/// Senders that cannot be connected to.
const UNREACHED: LineKind = LineKind("senders that cannot be reached");

/// Senders that close the connection before they send anything.
const MUTE: LineKind = LineKind("senders that close before START");

const CONNECTED: LineKind = LineKind("connections to senders");

/// A sender to connect to.
#[derive(Debug)]
pub struct DialTarget {
    /// Its address. The host is looked up for each attempt.
    address: PeerAddress,
    connector: Option<Credentials<TlsConnector>>,
}

impl DialTarget {
    /// Returns the target at `address`, with these settings if TLS is spoken to it.
    pub fn new(address: &PeerAddress, tls: &TlsOptions) -> Result<Self, TlsError> {
        let connector = match address {
            PeerAddress::Unix(_) | PeerAddress::Tcp(_) => None,
            PeerAddress::Tls(address) => {
                let (host, options) = (address.host().to_owned(), tls.clone());
                Some(Credentials::new(tls, move || TlsConnector::new(&host, &options))?)
            }
        };
        Ok(Self { address: address.clone(), connector })
    }
}

/// A connection, its peer, and a channel that reports START, and by its drop the end of the connection.
pub(crate) type DialedStream = (Box<dyn SocketStream + Send>, Peer, Sender<()>);

/// The connections of all dialing threads.
#[derive(Debug)]
pub struct Dialer {
    dialed: Receiver<DialedStream>,
}

impl Dialer {
    /// Connects to all targets, each in a thread of its own, since name lookups block. Wakes `waker`
    /// for each connection.
    pub fn start(targets: Vec<DialTarget>, waker: &Arc<Waker>) -> Self {
        let (sender, dialed) = channel();
        for mut target in targets {
            let (sender, waker) = (sender.clone(), Arc::clone(waker));
            thread::spawn(move || dial(&mut target, &sender, &waker));
        }
        Self { dialed }
    }

    /// Returns the next connection, if there is one.
    pub(crate) fn next(&self) -> Option<DialedStream> {
        self.dialed.try_recv().ok()
    }
}

/// Connects until the receiver of connections is dropped.
fn dial(target: &mut DialTarget, sender: &Sender<DialedStream>, waker: &Waker) {
    let (log, name) = (Log, target.address.to_string());
    // The last connection ended before START, which was reported.
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
                    let text = format!("{name}: closed before START; retrying every second");
                    log.lasting(Level::Warning, MUTE, &name, text);
                }
            }
            Err(error) => {
                let text = format!("failed to connect to {name}: {error}; retrying every second");
                log.lasting(Level::Warning, UNREACHED, &name, text);
            }
        }
        thread::sleep(RETRY);
    }
}

fn connect(target: &mut DialTarget) -> io::Result<Box<dyn SocketStream + Send>> {
    let address = match &target.address {
        // It must not block if the backlog of the peer is full.
        PeerAddress::Unix(path) => return Ok(Box::new(UnixStream::connect(path)?)),
        PeerAddress::Tcp(address) | PeerAddress::Tls(address) => address,
    };
    let stream = connect_tcp(address)?;
    let Some(connector) = &mut target.connector else { return Ok(Box::new(stream)) };
    connector.reload_if_changed();
    Ok(Box::new(connector.get().connect(stream)?))
}

fn connect_tcp(address: &HostAddress) -> io::Result<mio::net::TcpStream> {
    let mut failure = io::Error::other("the name has no address");
    for address in (address.host(), address.port()).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, CONNECT_TIMEOUT) {
            Ok(stream) => {
                // With keepalive, the loss of a peer is detected eventually.
                let _ = setsockopt(&stream, sockopt::KeepAlive, &true);
                stream.set_nonblocking(true)?;
                return Ok(mio::net::TcpStream::from_std(stream));
            }
            Err(error) => failure = error,
        }
    }
    Err(failure)
}
