// SPDX-License-Identifier: MIT OR Apache-2.0
//! The sockets to receive from.

use std::rc::Rc;

use operator_log::Log;
use receive::listener::{Acceptor, Access, ListenError, Listener};

use crate::dnstap_tool::config::SocketConfig;

/// Opens the sockets to receive from.
pub(crate) fn listeners(
    config: &SocketConfig,
    acceptor: Option<&Acceptor>,
) -> Result<Vec<Listener>, ListenError> {
    let access = Access::new(config.mode, config.owner.as_deref(), config.group.as_deref())?;
    let mut listeners = Vec::new();
    for path in &config.unix {
        listeners.push(Listener::unix(path, &access)?);
        Log.info(format_args!("opened input socket {}", path.display()));
    }
    for address in &config.listen {
        listeners.push(Listener::host(address, acceptor.map(Rc::clone))?);
        Log.info(format_args!("opened input socket {address}"));
    }
    Ok(listeners)
}
