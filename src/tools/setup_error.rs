// SPDX-License-Identifier: MIT OR Apache-2.0
//! The error that keeps a program from starting.

use std::io;

use files::output_file::OpenFileError;
use framestream::transport::TlsError;
use pipeline::output::error::FrameOutputError;
use pipeline::output::relay::RelayError;
use receive::ReceiveError;
use receive::address::HostAddress;
use receive::listener::ListenError;
use thiserror::Error;

/// The error of putting together what the options ask for.
#[derive(Debug, Error)]
pub(crate) enum SetupError {
    /// The receiver cannot wait for events.
    #[error(transparent)]
    Receive(#[from] ReceiveError),
    /// A socket cannot be listened on.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// A file of frames cannot be written.
    #[error(transparent)]
    Open(#[from] OpenFileError),
    /// An output cannot be written.
    #[error(transparent)]
    Output(#[from] FrameOutputError),
    /// A relay cannot be started.
    #[error(transparent)]
    Relay(#[from] RelayError),
    /// The files of TLS cannot be used.
    #[error("TLS: {0}")]
    Tls(#[from] TlsError),
    /// Metrics cannot be served.
    #[error("--metrics {0}: {1}")]
    Metrics(HostAddress, #[source] io::Error),
}
