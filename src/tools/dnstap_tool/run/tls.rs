// SPDX-License-Identifier: MIT OR Apache-2.0
//! TLS as the options say, with files that can be replaced.

use std::cell::RefCell;
use std::io::{self, IoSlice};
use std::os::fd::BorrowedFd;
use std::rc::Rc;

use framestream::handshake::Direction;
use framestream::transport::{
    HostSender, Interest, TlsAcceptor, TlsConnector, TlsError, TlsOptions, TlsSender,
    TlsServerOptions, Transport, WriteFailure,
};
use receive::CaptureError;
use receive::credentials::{Credentials, TlsFiles};
use receive::listener::Acceptor;

use crate::dnstap_tool::options::DnstapOptions;

fn failed(error: TlsError) -> CaptureError {
    CaptureError::Other(format!("TLS: {error}"))
}

/// Returns how to speak TLS as the server, if that is wanted.
pub fn acceptor(options: &DnstapOptions) -> Result<Option<Acceptor>, CaptureError> {
    let (Some(certificate), Some(key)) = (&options.tls_cert, &options.tls_key) else {
        return Ok(None);
    };
    if options.listen.is_empty() {
        return Ok(None);
    }
    let server = TlsServerOptions {
        certificate: certificate.clone(),
        key: key.clone(),
        client_authorities: options.tls_client_ca.clone(),
    };
    let others = [key].into_iter().chain(&options.tls_client_ca).cloned().collect();
    let files = TlsFiles { certificate: Some(certificate.clone()), others };
    let credentials = Credentials::new(files, move || TlsAcceptor::new(&server));
    Ok(Some(Rc::new(RefCell::new(credentials.map_err(failed)?))))
}

/// Returns how to speak TLS as the client, and the files that this takes.
fn client(options: &DnstapOptions) -> (TlsOptions, TlsFiles) {
    let client = TlsOptions {
        server_name: options.tls_server_name.clone(),
        ca_bundle: options.tls_ca.clone(),
        client_certificate: options.tls_cert.clone(),
        client_key: options.tls_key.clone(),
        ..TlsOptions::default()
    };
    let others = options.tls_key.iter().chain(&options.tls_ca).cloned().collect();
    (client, TlsFiles { certificate: options.tls_cert.clone(), others })
}

/// Returns how to connect to a sender on `host`.
pub fn connector(
    options: &DnstapOptions,
    host: &str,
) -> Result<Credentials<TlsConnector>, CaptureError> {
    let ((client, files), host) = (client(options), host.to_owned());
    Credentials::new(files, move || TlsConnector::new(&host, &client)).map_err(failed)
}

/// Returns the closed way to a receiver.
pub fn relay(
    options: &DnstapOptions,
    host: &str,
    port: u16,
) -> Result<Box<dyn Transport>, CaptureError> {
    let ((client, files), host) = (client(options), host.to_owned());
    let credentials = Credentials::new(files, move || {
        TlsSender::new(Box::new(HostSender::new(&host, port)), &host, &client)
    });
    Ok(Box::new(RelaySender { credentials: credentials.map_err(failed)?, begun: false }))
}

/// Sends over TLS, for each connection with the files as they are then.
struct RelaySender {
    credentials: Credentials<TlsSender>,
    /// A connection is being made, or was.
    begun: bool,
}

impl Transport for RelaySender {
    fn direction(&self) -> Direction {
        self.credentials.get().direction()
    }

    fn target(&self) -> Option<String> {
        self.credentials.get().target()
    }

    fn open(&mut self) -> io::Result<()> {
        if !self.begun {
            self.credentials.reload_if_changed();
            self.begun = true;
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
        self.begun = false;
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
