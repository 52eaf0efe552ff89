// SPDX-License-Identifier: MIT OR Apache-2.0
//! `openssl s_server`, whose standard input and output are the plain text of one connection.

use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, SockaddrIn, bind, getsockname, setsockopt, socket, sockopt,
};

use super::PATIENCE;
use super::authority::Identity;

/// A reserved port. A server can listen on it, since both sockets allow reuse.
pub(crate) struct Port {
    _held: OwnedFd,
    pub address: SocketAddr,
}

impl Port {
    pub(crate) fn new() -> Self {
        let fd = socket(AddressFamily::Inet, SockType::Stream, SockFlag::SOCK_CLOEXEC, None);
        let fd = fd.expect("a socket");
        setsockopt(&fd, sockopt::ReuseAddr, &true).expect("reuse");
        bind(fd.as_raw_fd(), &SockaddrIn::new(127, 0, 0, 1, 0)).expect("a port");
        let bound: SockaddrIn = getsockname(fd.as_raw_fd()).expect("bound");
        Self { _held: fd, address: SocketAddr::from((bound.ip(), bound.port())) }
    }
}

/// A server, which is killed when it is dropped.
pub(crate) struct Server {
    process: Child,
    input: ChildStdin,
    output: ChildStdout,
}

impl Server {
    pub(crate) fn start(port: &Port, identity: &Identity, options: &[&str]) -> Self {
        let mut process = Command::new("openssl")
            .args(["s_server", "-quiet", "-nbio", "-accept", &port.address.to_string()])
            .arg("-cert")
            .arg(&identity.certificate)
            .arg("-key")
            .arg(&identity.key)
            .args(options)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("openssl, of the Debian package of that name");
        let input = process.stdin.take().expect("a pipe");
        let output = process.stdout.take().expect("a pipe");
        Self { process, input, output }
    }
}

impl Read for Server {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let timeout = PollTimeout::try_from(PATIENCE).expect("a short time");
        match poll(&mut [PollFd::new(self.output.as_fd(), PollFlags::POLLIN)], timeout)? {
            0 => Err(io::ErrorKind::TimedOut.into()),
            _ => self.output.read(bytes),
        }
    }
}

impl Write for Server {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.input.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.process.kill().expect("our own process");
        self.process.wait().expect("its end");
    }
}
