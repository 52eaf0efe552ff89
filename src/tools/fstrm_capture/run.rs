// SPDX-License-Identifier: MIT OR Apache-2.0
//! Puts listener and output file together, as the options say.

use std::process::ExitCode;
use std::sync::Arc;

use files::content::Content;
use files::output_file::OpenFileError;
use files::rotating_file::RotatingFile;
use listenfd::ListenFd;
use operator_log::{Level, Log};
use receive::listener::{Access, ListenError, Listener};
use receive::{Capture, Endpoints, ReceiveLimits};

use super::options::{CaptureConfig, CaptureOptions, ListenAddress};
use crate::command_line::{prefix, usage_error};

/// Captures until a signal says to stop.
pub fn run(options: &CaptureOptions) -> ExitCode {
    let passed = ListenFd::from_env();
    let settings = match options.settings(passed.len() > 0) {
        Ok(settings) => settings,
        Err(message) => return usage_error::<CaptureOptions>(message),
    };
    operator_log::set_level(Level::from_debug_count(options.debug));
    let log = Log;
    if let Some(word) = settings.files.name.to_str().and_then(prefix) {
        let name = settings.files.name.display();
        log.warning(format_args!(
            "{name} is a local file: there are no outputs with the prefix \"{word}:\""
        ));
    }
    let content_type = settings.content_type.clone();
    let limits = ReceiveLimits {
        frame: settings.frame_limit,
        connections: settings.connection_limit,
        idle: settings.idle_timeout,
    };
    let capture = Capture::start(content_type, limits, Log, |stop, _| {
        let listeners = listen(options, &settings, passed, &log)?;
        let content = Content::frames(&settings.content_type).map_err(OpenFileError::from)?;
        let output = RotatingFile::open(&settings.files, content, stop, &log)?;
        let output = Box::new(output);
        Ok(Endpoints { listeners, acceptor: None, dialed: None, output, refusals: Arc::default() })
    });
    match capture {
        Ok(capture) => capture.run(),
        Err(error) => {
            log.error(error);
            ExitCode::FAILURE
        }
    }
}

/// Opens the sockets to listen on.
fn listen(
    options: &CaptureOptions,
    settings: &CaptureConfig,
    passed: ListenFd,
    log: &Log,
) -> Result<Vec<Listener>, ListenError> {
    Ok(match &settings.address {
        ListenAddress::Passed => {
            log.info(format_args!("using {} sockets of the service manager", passed.len()));
            Listener::passed(passed)?
        }
        ListenAddress::Unix(path) => {
            let (owner, group) = (options.socket_owner.as_deref(), options.socket_group.as_deref());
            let access = Access::new(options.socket_mode, owner, group)?;
            log.info(format_args!("opening Unix socket path {}", path.display()));
            vec![Listener::unix(path, &access)?]
        }
        ListenAddress::Tcp(address, name) => {
            log.info(format_args!("opening TCP socket {name}"));
            vec![Listener::tcp(*address, name)?]
        }
    })
}
