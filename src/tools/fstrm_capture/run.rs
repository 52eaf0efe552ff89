// SPDX-License-Identifier: MIT OR Apache-2.0
//! Assembles listeners and output file from the configuration.

use std::process::ExitCode;
use std::sync::Arc;

use files::content::Content;
use files::file_name::prefix;
use files::output_file::OpenFileError;
use files::rotating_file::RotatingFile;
use listenfd::ListenFd;
use operator_log::Log;
use receive::listener::{Access, ListenError, Listener};
use receive::{Receiver, ReceiverEvents, ReceiverParts};

use super::options::{CaptureConfig, CaptureOptions, ListenAddress};
use crate::command_line::usage_error;
use crate::setup_error::SetupError;

/// Captures until a signal requests the end.
pub fn run(options: &CaptureOptions) -> ExitCode {
    let passed = ListenFd::from_env();
    let config = match options.resolve(passed.len() > 0) {
        Ok(config) => config,
        Err(message) => return usage_error::<CaptureOptions>(message),
    };
    operator_log::set_level(config.log_level);
    let log = Log;
    if let Some(word) = config.files.name.to_str().and_then(prefix) {
        let name = config.files.name.display();
        log.warning(format_args!(
            "{name} is a local file: there are no outputs with the prefix \"{word}:\""
        ));
    }
    match receiver(config, passed) {
        Ok(receiver) => receiver.run(),
        Err(error) => {
            log.error(error);
            ExitCode::FAILURE
        }
    }
}

/// Opens the sockets and the file.
fn receiver(config: CaptureConfig, passed: ListenFd) -> Result<Receiver, SetupError> {
    let events = ReceiverEvents::new()?;
    let listeners = listen(&config.address, passed)?;
    let content = Content::frames(&config.content_type).map_err(OpenFileError::from)?;
    let output = Box::new(RotatingFile::open(&config.files, content, events.stop.clone(), &Log)?);
    let refusals = Arc::default();
    let parts = ReceiverParts { listeners, acceptor: None, dialer: None, output, refusals };
    Ok(Receiver::new(events, config.content_type, config.limits, parts)?)
}

/// Opens the sockets to listen on.
fn listen(address: &ListenAddress, passed: ListenFd) -> Result<Vec<Listener>, ListenError> {
    Ok(match address {
        ListenAddress::Passed => {
            Log.info(format_args!("using {} sockets of the service manager", passed.len()));
            Listener::passed(passed)?
        }
        ListenAddress::Unix { path, mode, owner, group } => {
            let access = Access::new(*mode, owner.as_deref(), group.as_deref())?;
            Log.info(format_args!("opening Unix socket path {}", path.display()));
            vec![Listener::unix(path, &access)?]
        }
        ListenAddress::Tcp(address, name) => {
            Log.info(format_args!("opening TCP socket {name}"));
            vec![Listener::tcp(*address, name)?]
        }
    })
}
