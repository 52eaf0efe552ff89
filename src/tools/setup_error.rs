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
    #[error(transparent)]
    Receive(#[from] ReceiveError),
    #[error(transparent)]
    Listen(#[from] ListenError),
    #[error(transparent)]
    Open(#[from] OpenFileError),
    #[error(transparent)]
    Output(#[from] FrameOutputError),
    #[error(transparent)]
    Relay(#[from] RelayError),
    #[error("TLS: {0}")]
    Tls(#[from] TlsError),
    #[error("--metrics {0}: {1}")]
    Metrics(HostAddress, #[source] io::Error),
}
