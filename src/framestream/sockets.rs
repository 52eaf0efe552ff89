// SPDX-License-Identifier: MIT OR Apache-2.0
//! Sockets that do not block, that programs started by the host do not inherit, and that do not
//! raise SIGPIPE. macOS has no flags for that, but options that are set afterwards: a program that
//! another thread starts in between inherits the socket.

#[cfg(target_vendor = "apple")]
mod system {
    use std::os::fd::{AsFd, OwnedFd};

    use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl};
    use nix::sys::socket::{
        AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, socket, socketpair,
    };

    /// Flags to send with.
    pub(crate) const SEND_FLAGS: MsgFlags = MsgFlags::empty();

    pub(crate) fn stream_socket(
        family: AddressFamily,
        protocol: Option<SockProtocol>,
    ) -> nix::Result<OwnedFd> {
        let fd = socket(family, SockType::Stream, SockFlag::empty(), protocol)?;
        set_flags(&fd)?;
        Ok(fd)
    }

    pub(crate) fn stream_pair() -> nix::Result<(OwnedFd, OwnedFd)> {
        let empty = SockFlag::empty();
        let (one, other) = socketpair(AddressFamily::Unix, SockType::Stream, None, empty)?;
        set_flags(&one)?;
        set_flags(&other)?;
        Ok((one, other))
    }

    fn set_flags(fd: &OwnedFd) -> nix::Result<()> {
        fcntl(fd, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))?;
        fcntl(fd, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        without_sigpipe(fd)
    }

    /// Makes failed writes to a socket of the caller return an error only.
    pub(crate) fn without_sigpipe(fd: impl AsFd) -> nix::Result<()> {
        rustix::net::sockopt::set_socket_nosigpipe(fd, true)
            .map_err(|error| nix::Error::from_raw(error.raw_os_error()))
    }
}

#[cfg(not(target_vendor = "apple"))]
mod system {
    use std::os::fd::{AsFd, OwnedFd};

    use nix::sys::socket::{
        AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, socket, socketpair,
    };

    /// Flags to send with.
    pub(crate) const SEND_FLAGS: MsgFlags = MsgFlags::MSG_NOSIGNAL;

    pub(crate) fn stream_socket(
        family: AddressFamily,
        protocol: Option<SockProtocol>,
    ) -> nix::Result<OwnedFd> {
        let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
        socket(family, SockType::Stream, flags, protocol)
    }

    pub(crate) fn stream_pair() -> nix::Result<(OwnedFd, OwnedFd)> {
        let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
        socketpair(AddressFamily::Unix, SockType::Stream, None, flags)
    }

    /// Makes failed writes to a socket of the caller return an error only, unless [`SEND_FLAGS`] do.
    pub(crate) fn without_sigpipe(_: impl AsFd) -> nix::Result<()> {
        Ok(())
    }
}

pub(crate) use system::{SEND_FLAGS, stream_pair, stream_socket, without_sigpipe};
