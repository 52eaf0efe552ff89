// SPDX-License-Identifier: MIT OR Apache-2.0
//! Listening sockets: Unix, TCP, or passed by the service manager.

use std::cell::RefCell;
use std::fs::{self, Permissions};
use std::io;
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use files::empty_file;
use files::identity::{Identity, identity};
use framestream::transport::{TlsAcceptor, TlsError, TlsServerOptions};
use listenfd::ListenFd;
use mio::event::Source;
use mio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use nix::libc::mode_t;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{setsockopt, sockopt};
use nix::sys::stat::{Mode, umask};
use nix::unistd::{Group, User};
use thiserror::Error;

use crate::address::HostAddress;
use crate::credentials::{Credentials, TlsFiles};
use crate::peer::Peer;
use crate::socket_stream::SocketStream;

/// The error of opening a listening socket.
#[derive(Debug, Error)]
pub enum ListenError {
    /// Another receiver is listening at the path.
    #[error("{} is in use by a running receiver", .0.display())]
    InUse(PathBuf),
    /// The path is a file that is not empty.
    #[error("{} exists and is not a socket: not removed", .0.display())]
    NotASocket(PathBuf),
    /// An existing socket can be neither used nor removed.
    #[error("failed to remove existing socket path {}: {}", .0.display(), .1)]
    Remove(PathBuf, #[source] io::Error),
    /// The user or group does not exist.
    #[error("no user or group {0}")]
    NoSuchOwner(String),
    /// A system call failed.
    #[error("failed to listen on {0}: {1}")]
    System(String, #[source] io::Error),
}

/// The owner, group and permissions of a Unix socket.
#[derive(Debug, Default)]
pub struct Access {
    mode: Option<u32>,
    owner: Option<u32>,
    group: Option<u32>,
}

impl Access {
    /// Looks up owner and group, each given by name or number.
    pub fn new(
        mode: Option<u32>,
        owner: Option<&str>,
        group: Option<&str>,
    ) -> Result<Self, ListenError> {
        let user_id = |name: &str| Some(User::from_name(name).ok()??.uid.as_raw());
        let group_id = |name: &str| Some(Group::from_name(name).ok()??.gid.as_raw());
        let owner = owner.map(|name| id_or_number(user_id(name), name)).transpose()?;
        let group = group.map(|name| id_or_number(group_id(name), name)).transpose()?;
        Ok(Self { mode, owner, group })
    }
}

fn id_or_number(id: Option<u32>, name: &str) -> Result<u32, ListenError> {
    let id = id.or_else(|| name.parse().ok());
    id.ok_or_else(|| ListenError::NoSuchOwner(name.into()))
}

/// The TLS server for accepted connections.
pub type Acceptor = Rc<RefCell<Credentials<TlsAcceptor>>>;

/// Creates the TLS server with these settings.
pub fn acceptor(options: TlsServerOptions) -> Result<Acceptor, TlsError> {
    let files = TlsFiles::from(&options);
    let credentials = Credentials::new(files, move || TlsAcceptor::new(&options))?;
    Ok(Rc::new(RefCell::new(credentials)))
}

/// A listening socket.
#[derive(Debug)]
pub struct Listener {
    socket: Socket,
    /// The path, removed with the listener.
    _path: Option<BoundPath>,
}

#[derive(Debug)]
enum Socket {
    Unix(UnixListener),
    Tcp(TcpListener),
    Tls(TcpListener, Acceptor),
}

impl Listener {
    /// Listens on the Unix socket `path`. A stale socket or an empty file there is replaced.
    pub fn unix(path: &Path, access: &Access) -> Result<Self, ListenError> {
        let failed = |error| ListenError::System(path.display().to_string(), error);
        match fs::symlink_metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => (),
            Err(error) => return Err(failed(error)),
            Ok(metadata) if metadata.file_type().is_socket() => remove_stale(path)?,
            Ok(_) => remove_empty(path)?,
        }
        // No client may connect before the permissions are set.
        let mask =
            access.mode.map(|mode| umask(Mode::from_bits_truncate((!mode & 0o777) as mode_t)));
        let bound = UnixListener::bind(path);
        if let Some(mask) = mask {
            umask(mask);
        }
        let listener = Self {
            socket: Socket::Unix(bound.map_err(failed)?),
            _path: Some(BoundPath { path: path.into(), identity: identity(path).map_err(failed)? }),
        };
        if access.owner.is_some() || access.group.is_some() {
            chown(path, access.owner, access.group).map_err(failed)?;
        }
        if let Some(mode) = access.mode {
            fs::set_permissions(path, Permissions::from_mode(mode)).map_err(failed)?;
        }
        Ok(listener)
    }

    /// Listens on the TCP socket `address`, called `name` in errors.
    pub fn tcp(address: SocketAddr, name: &str) -> Result<Self, ListenError> {
        let bound = TcpListener::bind(address);
        let bound = bound.map_err(|error| ListenError::System(name.into(), error))?;
        Ok(Self { socket: Socket::Tcp(bound), _path: None })
    }

    /// Listens on the TCP socket `address`, with TLS if there is an `acceptor`.
    pub fn host(address: &HostAddress, acceptor: Option<Acceptor>) -> Result<Self, ListenError> {
        let failed = |error| ListenError::System(address.to_string(), error);
        let bound = address.resolve().and_then(TcpListener::bind).map_err(failed)?;
        let socket = match acceptor {
            Some(acceptor) => Socket::Tls(bound, acceptor),
            None => Socket::Tcp(bound),
        };
        Ok(Self { socket, _path: None })
    }

    /// Takes over the sockets passed by the service manager.
    pub fn passed(mut passed: ListenFd) -> Result<Vec<Self>, ListenError> {
        (0..passed.len())
            .map(|index| {
                let name = || format!("socket {index} passed by the service manager");
                take_passed(&mut passed, index).map_err(|error| ListenError::System(name(), error))
            })
            .collect()
    }

    /// Returns the event source.
    pub(crate) fn source(&mut self) -> &mut dyn Source {
        match &mut self.socket {
            Socket::Unix(socket) => socket,
            Socket::Tcp(socket) | Socket::Tls(socket, _) => socket,
        }
    }

    /// Returns whether a connection is pending.
    pub(crate) fn has_pending(&self) -> bool {
        let socket = match &self.socket {
            Socket::Unix(socket) => socket.as_fd(),
            Socket::Tcp(socket) | Socket::Tls(socket, _) => socket.as_fd(),
        };
        let mut fds = [PollFd::new(socket, PollFlags::POLLIN)];
        poll(&mut fds, PollTimeout::ZERO).is_ok_and(|count| count > 0)
    }

    /// Returns the next connection and its peer; `WouldBlock` if there is none.
    pub(crate) fn accept(&self) -> io::Result<(Box<dyn SocketStream>, Peer)> {
        match &self.socket {
            Socket::Unix(socket) => {
                let (stream, _) = socket.accept()?;
                let peer = Peer::process(&stream);
                Ok((Box::new(stream), peer))
            }
            Socket::Tcp(socket) => {
                let (stream, peer) = accept_tcp(socket)?;
                Ok((Box::new(stream), peer))
            }
            Socket::Tls(socket, acceptor) => {
                let (stream, peer) = accept_tcp(socket)?;
                let stream = acceptor.borrow().get().accept(stream)?;
                Ok((Box::new(stream), peer))
            }
        }
    }
}

fn accept_tcp(socket: &TcpListener) -> io::Result<(TcpStream, Peer)> {
    let (stream, address) = socket.accept()?;
    // With keepalive, the loss of a peer is detected eventually.
    let _ = setsockopt(&stream, sockopt::KeepAlive, &true);
    Ok((stream, Peer::inet(address)))
}

fn take_passed(passed: &mut ListenFd, index: usize) -> io::Result<Listener> {
    let socket = match passed.take_unix_listener(index) {
        Ok(Some(socket)) => {
            socket.set_nonblocking(true)?;
            Socket::Unix(UnixListener::from_std(socket))
        }
        _ => {
            let socket = passed.take_tcp_listener(index)?.ok_or(io::ErrorKind::NotFound)?;
            socket.set_nonblocking(true)?;
            Socket::Tcp(TcpListener::from_std(socket))
        }
    };
    Ok(Listener { socket, _path: None })
}

/// Removes the file at `path` if it is empty.
fn remove_empty(path: &Path) -> Result<(), ListenError> {
    match empty_file::remove(path) {
        Ok(Some(_)) => Ok(()),
        Ok(None) => Err(ListenError::NotASocket(path.into())),
        Err(error) => Err(ListenError::Remove(path.into(), error)),
    }
}

/// Removes the socket at `path` if no process is listening on it.
fn remove_stale(path: &Path) -> Result<(), ListenError> {
    let failed = |error| ListenError::Remove(path.into(), error);
    match UnixStream::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            fs::remove_file(path).map_err(failed)
        }
        Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(failed(error)),
        // A full backlog also means that a receiver is listening.
        Ok(_) | Err(_) => Err(ListenError::InUse(path.into())),
    }
}

/// The path of our socket. It is removed on drop, unless another program has replaced it.
#[derive(Debug)]
struct BoundPath {
    path: PathBuf,
    identity: Identity,
}

impl Drop for BoundPath {
    fn drop(&mut self) {
        if identity(&self.path).is_ok_and(|now| now == self.identity) {
            drop(fs::remove_file(&self.path));
        }
    }
}
