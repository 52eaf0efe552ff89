// SPDX-License-Identifier: MIT OR Apache-2.0
//! The TLS transport of relays, which reloads replaced certificates and keys.

use std::io::{self, IoSlice};
use std::os::fd::BorrowedFd;

use framestream::handshake::Direction;
use framestream::transport::{
    HostSender, Interest, TlsError, TlsOptions, TlsSender, Transport, WriteFailure,
};
use receive::address::HostAddress;
use receive::credentials::Credentials;

/// A TLS transport that reloads changed certificates and keys for each connection.
pub(crate) struct ReloadingTlsSender {
    credentials: Credentials<TlsSender>,
    /// True from the first attempt to open a connection until it is closed.
    is_opening: bool,
}

impl ReloadingTlsSender {
    /// Creates a closed transport to `address`.
    pub(crate) fn new(address: &HostAddress, tls: &TlsOptions) -> Result<Self, TlsError> {
        let (host, port, options) = (address.host().to_owned(), address.port(), tls.clone());
        let load = move || TlsSender::new(Box::new(HostSender::new(&host, port)), &host, &options);
        Ok(Self { credentials: Credentials::new(tls, load)?, is_opening: false })
    }
}

impl Transport for ReloadingTlsSender {
    fn direction(&self) -> Direction {
        self.credentials.get().direction()
    }

    fn target(&self) -> Option<String> {
        self.credentials.get().target()
    }

    fn open(&mut self) -> io::Result<()> {
        if !self.is_opening {
            self.credentials.reload_if_changed();
            self.is_opening = true;
        }
        self.credentials.get_mut().open()
    }

    fn awaits(&self) -> Interest {
        self.credentials.get().awaits()
    }

    fn leads_elsewhere(&self) -> bool {
        self.credentials.get().leads_elsewhere()
    }

    fn close(&mut self) -> io::Result<()> {
        self.is_opening = false;
        self.credentials.get_mut().close()
    }

    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.credentials.get_mut().read(bytes)
    }

    fn write(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        self.credentials.get_mut().write(slices)
    }

    fn poll_fd(&self) -> Option<BorrowedFd<'_>> {
        self.credentials.get().poll_fd()
    }

    fn write_failure(&self) -> WriteFailure {
        self.credentials.get().write_failure()
    }

    fn for_child(&self) -> Box<dyn Transport> {
        self.credentials.get().for_child()
    }
}
