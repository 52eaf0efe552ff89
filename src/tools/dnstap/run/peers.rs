// SPDX-License-Identifier: MIT OR Apache-2.0
//! The sockets: those to receive from, the senders to connect to, and the receivers to send to.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};

use framestream::transport::{
    HostSender, SocketSender, TlsAcceptor, TlsConnector, TlsError, TlsOptions, TlsSender,
    TlsServerOptions, Transport,
};

use crate::capture::CaptureError;
use crate::capture::dialer::Target;
use crate::capture::listener::{Access, ListenError, Listener};
use crate::capture::log::Log;
use crate::dnstap::options::address::host_and_port;
use crate::dnstap::options::{Options, TLS_PREFIX};

/// The sockets to receive from.
pub fn listeners(options: &Options) -> Result<Vec<Listener>, CaptureError> {
    let (owner, group) = (options.socket_owner.as_deref(), options.socket_group.as_deref());
    let acceptor = match (&options.tls_cert, &options.tls_key) {
        (Some(certificate), Some(key)) if !options.listen.is_empty() => {
            let server = TlsServerOptions {
                certificate: certificate.clone(),
                key: key.clone(),
                client_authorities: options.tls_client_ca.clone(),
            };
            Some(TlsAcceptor::new(&server).map_err(tls_failed)?)
        }
        _ => None,
    };
    let mut listeners = Vec::new();
    for path in &options.unix {
        let access = Access::new(options.socket_mode, owner, group)?;
        listeners.push(Listener::unix(path, &access)?);
        Log.info(format_args!("opened input socket {}", path.display()));
    }
    for name in &options.listen {
        let address =
            address(name).map_err(|error| ListenError::System { address: name.clone(), error })?;
        listeners.push(match &acceptor {
            Some(acceptor) => Listener::tls(address, name, acceptor.clone())?,
            None => Listener::tcp(address, name)?,
        });
        Log.info(format_args!("opened input socket {name}"));
    }
    Ok(listeners)
}

fn tls_failed(error: TlsError) -> CaptureError {
    CaptureError::Other(format!("TLS: {error}"))
}

/// How to speak TLS as the client.
fn tls_options(options: &Options) -> TlsOptions {
    TlsOptions {
        server_name: options.tls_server_name.clone(),
        ca_bundle: options.tls_ca.clone(),
        client_certificate: options.tls_cert.clone(),
        client_key: options.tls_key.clone(),
        ..TlsOptions::default()
    }
}

/// The senders to connect to.
pub fn dial_targets(options: &Options) -> Result<Vec<Target>, CaptureError> {
    let target = |name: &String| match name.strip_prefix(TLS_PREFIX) {
        Some(name) => {
            let (host, _) = host_and_port(name).map_err(CaptureError::Other)?;
            let connector = TlsConnector::new(host, &tls_options(options)).map_err(tls_failed)?;
            Ok(Target::Tls(name.into(), connector))
        }
        None if name.contains('/') => Ok(Target::Unix(name.into())),
        None => Ok(Target::Tcp(name.clone())),
    };
    options.connect.iter().map(target).collect()
}

/// The first address that a host and a port stand for; without a host, any of ours.
pub fn address(name: &str) -> io::Result<SocketAddr> {
    let name = if name.starts_with(':') { format!("[::]{name}") } else { name.into() };
    let missing = || io::Error::other("has no address; name one such as 127.0.0.1:6000");
    name.to_socket_addrs()?.next().ok_or_else(missing)
}

/// What a receiver is called that frames go on to, and the closed way to it.
pub type Receiver = (String, Box<dyn Transport>);

/// The receivers that frames go on to.
pub fn relays(options: &Options) -> Result<Vec<Receiver>, CaptureError> {
    let mut relays: Vec<Receiver> = Vec::new();
    for path in &options.relay_unix {
        let name = path.display().to_string();
        let transport = SocketSender::unix(path)
            .map_err(|error| CaptureError::Other(format!("relay to {name}: {error}")))?;
        relays.push((name, Box::new(transport)));
    }
    for name in &options.relay_tcp {
        let tls = name.strip_prefix(TLS_PREFIX);
        let (host, port) = host_and_port(tls.unwrap_or(name)).map_err(CaptureError::Other)?;
        let mut transport: Box<dyn Transport> = Box::new(HostSender::new(host, port));
        if tls.is_some() {
            let sender = TlsSender::new(transport, host, &tls_options(options));
            transport = Box::new(sender.map_err(tls_failed)?);
        }
        relays.push((name.clone(), transport));
    }
    Ok(relays)
}
