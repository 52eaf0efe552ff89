// SPDX-License-Identifier: MIT OR Apache-2.0
//! The sockets: those to receive from, the senders to connect to, and the receivers to send to.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::rc::Rc;

use framestream::transport::{HostSender, SocketSender, Transport};
use operator_log::Log;
use pipeline::output::relay::TLS_PREFIX;
use receive::CaptureError;
use receive::dialer::DialTarget;
use receive::listener::{Acceptor, Access, ListenError, Listener};

use super::tls;
use crate::dnstap_tool::options::DnstapOptions;
use crate::dnstap_tool::options::address::host_and_port;

/// The sockets to receive from.
pub fn listeners(
    options: &DnstapOptions,
    acceptor: Option<&Acceptor>,
) -> Result<Vec<Listener>, CaptureError> {
    let (owner, group) = (options.socket_owner.as_deref(), options.socket_group.as_deref());
    let mut listeners = Vec::new();
    for path in &options.unix {
        let access = Access::new(options.socket_mode, owner, group)?;
        listeners.push(Listener::unix(path, &access)?);
        Log.info(format_args!("opened input socket {}", path.display()));
    }
    for name in &options.listen {
        let address =
            address(name).map_err(|error| ListenError::System { address: name.clone(), error })?;
        listeners.push(match acceptor {
            Some(acceptor) => Listener::tls(address, name, Rc::clone(acceptor))?,
            None => Listener::tcp(address, name)?,
        });
        Log.info(format_args!("opened input socket {name}"));
    }
    Ok(listeners)
}

/// The senders to connect to.
pub fn dial_targets(options: &DnstapOptions) -> Result<Vec<DialTarget>, CaptureError> {
    let target = |name: &String| match name.strip_prefix(TLS_PREFIX) {
        Some(name) => {
            let (host, _) = host_and_port(name).map_err(CaptureError::Other)?;
            Ok(DialTarget::Tls(name.into(), tls::connector(options, host)?))
        }
        None if name.contains('/') => Ok(DialTarget::Unix(name.into())),
        None => Ok(DialTarget::Tcp(name.clone())),
    };
    options.connect.iter().map(target).collect()
}

/// The first address that a host and a port stand for; without a host, any of ours.
pub fn address(name: &str) -> io::Result<SocketAddr> {
    let name = if name.starts_with(':') { format!("[::]{name}") } else { name.into() };
    let missing = || io::Error::other("has no address; name one such as 127.0.0.1:6000");
    name.to_socket_addrs()?.next().ok_or_else(missing)
}

/// The name of a relay's receiver, and a closed transport to it.
pub type Receiver = (String, Box<dyn Transport>);

/// The receivers that frames go on to.
pub fn relays(options: &DnstapOptions) -> Result<Vec<Receiver>, CaptureError> {
    let mut relays: Vec<Receiver> = Vec::new();
    for path in &options.relay_unix {
        let name = path.display().to_string();
        let transport = SocketSender::unix(path)
            .map_err(|error| CaptureError::Other(format!("relay to {name}: {error}")))?;
        relays.push((name, Box::new(transport)));
    }
    for name in &options.relay_tcp {
        let over_tls = name.strip_prefix(TLS_PREFIX);
        let (host, port) = host_and_port(over_tls.unwrap_or(name)).map_err(CaptureError::Other)?;
        let transport = match over_tls {
            Some(_) => tls::relay(options, host, port)?,
            None => Box::new(HostSender::new(host, port)),
        };
        relays.push((name.clone(), transport));
    }
    Ok(relays)
}
