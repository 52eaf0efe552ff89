// SPDX-License-Identifier: MIT OR Apache-2.0
//! The options of a sink or writer, and errors of opening it.

use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fs, io};

use framestream::control::ControlError;
use framestream::handshake::Direction;
use framestream::sender::SenderOptions;
use framestream::transport::{FileSender, HostSender, IO_TIMEOUT_DEFAULT, SocketSender, Transport};
#[cfg(feature = "tls")]
use framestream::transport::{TlsError, TlsOptions, TlsSender};
use framestream::writer::{StreamWriter, WriterOptions};
use thiserror::Error;

use super::{ALL_MESSAGE_TYPES, CONTENT_TYPE};
use crate::encode::{EncodeError, Origin};
use crate::output::Output;

/// Default of [`SinkOptions::queue_bytes`].
pub(crate) const QUEUE_BYTES_DEFAULT: usize = 1 << 20;

/// Default of [`SinkOptions::freed_queue_bytes`].
pub(crate) const FREED_QUEUE_BYTES_DEFAULT: usize = 256 << 20;

/// The options of a sink or writer.
#[derive(Clone, Debug)]
pub struct SinkOptions {
    /// The output; required.
    pub output: Option<Output>,
    /// Name of the server; `None` for none. By default the name of the host.
    pub identity: Option<Vec<u8>>,
    /// Software and version of the server; `None` for none.
    pub version: Option<Vec<u8>>,
    /// The message types to log, bit `1 << type` each.
    pub message_types: u32,
    /// The sample rate N: one in N messages is logged, a query and its response together or not at
    /// all. 1 logs all messages.
    pub sample_rate: u32,
    /// Bytes of the ring of each queue, rounded up to a power of two.
    pub queue_bytes: usize,
    /// Bytes that the rings of dropped queues may hold for their pending messages, where each ring
    /// counts for at least 64 KiB. Above this, creating a queue drops the oldest of them, counted
    /// as [`SinkStats::dropped_full`](super::SinkStats::dropped_full).
    pub freed_queue_bytes: usize,
    /// The direction of the stream; `None` for bidirectional on a socket, unidirectional for a
    /// file.
    pub direction: Option<Direction>,
    /// Time limit for connecting and for each handshake.
    pub io_timeout: Duration,
    /// TLS options of a `tls:` output.
    #[cfg(feature = "tls")]
    pub tls: TlsOptions,
    /// Options of the writer thread.
    pub sender: SenderOptions,
}

impl Default for SinkOptions {
    fn default() -> Self {
        let host = nix::unistd::gethostname().ok();
        Self {
            output: None,
            identity: host.map(|name| name.into_encoded_bytes()).filter(|name| !name.is_empty()),
            version: None,
            message_types: ALL_MESSAGE_TYPES,
            sample_rate: 1,
            queue_bytes: QUEUE_BYTES_DEFAULT,
            freed_queue_bytes: FREED_QUEUE_BYTES_DEFAULT,
            direction: None,
            io_timeout: IO_TIMEOUT_DEFAULT,
            #[cfg(feature = "tls")]
            tls: TlsOptions::default(),
            sender: SenderOptions {
                thread_name: "dnstap-writer".into(),
                ..SenderOptions::default()
            },
        }
    }
}

impl SinkOptions {
    /// Returns the defaults for an output.
    pub fn new(output: Output) -> Self {
        Self { output: Some(output), ..Self::default() }
    }

    /// Checks the options like [`Sink::open`](super::Sink::open), which fails after this only for
    /// lack of memory, threads or descriptors. Reads the files for TLS and looks at the path of the
    /// output; creates and opens nothing.
    pub fn check(&self) -> Result<(), OpenError> {
        self.prepare().map(drop)
    }

    /// Performs the part of opening that can fail because of the options.
    pub(crate) fn prepare(&self) -> Result<Prepared, OpenError> {
        let (identity, version) = (self.identity.as_deref(), self.version.as_deref());
        let origin = Origin::new(identity, version, self.sample_rate.max(1))?;
        let mut writer_options = WriterOptions::default();
        writer_options.add_content_type(CONTENT_TYPE)?;
        writer_options.io_timeout = self.io_timeout;
        writer_options.direction = self.direction;
        Ok(Prepared { origin, writer: StreamWriter::new(self.transport()?, writer_options) })
    }

    /// Returns the transport to the output, not yet opened, after checking the output and TLS.
    fn transport(&self) -> Result<Box<dyn Transport>, OpenError> {
        let output = self.output.as_ref().ok_or(OpenError::NoOutput)?;
        #[cfg(feature = "tls")]
        if self.tls != TlsOptions::default() && !matches!(output, Output::Tls(..)) {
            return Err(OpenError::TlsOptions);
        }
        Ok(match output {
            Output::Unix(path) => {
                check_socket(path)?;
                let sender = SocketSender::unix(path);
                Box::new(sender.map_err(|error| OpenError::Path { path: path.clone(), error })?)
            }
            Output::Tcp(host, port) => Box::new(HostSender::new(host, *port)),
            #[cfg(feature = "tls")]
            Output::Tls(host, port) => {
                let below = Box::new(HostSender::new(host, *port));
                Box::new(TlsSender::new(below, host, &self.tls)?)
            }
            Output::File(path) => {
                check_file(path)?;
                Box::new(FileSender::new(path))
            }
        })
    }
}

/// A sink or writer before anything is opened.
pub(crate) struct Prepared {
    /// The beginning of every event.
    pub(crate) origin: Origin,
    /// The stream to the output, not yet opened.
    pub(crate) writer: StreamWriter,
}

/// Checks that the path of a socket is a socket, if it exists; it may not exist until a receiver
/// listens.
fn check_socket(path: &Path) -> Result<(), OpenError> {
    match fs::metadata(path) {
        Ok(found) if !found.file_type().is_socket() => Err(OpenError::NoSocket(path.into())),
        _ => Ok(()),
    }
}

/// Checks that a file can be created: that its folder exists, and that the path is not a folder
/// itself. The error names the folder or the file.
fn check_file(path: &Path) -> Result<(), OpenError> {
    let failed = |path: &Path, error| OpenError::Path { path: path.into(), error };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    if !fs::metadata(folder).map_err(|error| failed(folder, error))?.is_dir() {
        return Err(failed(folder, io::ErrorKind::NotADirectory.into()));
    }
    let names_folder = path.as_os_str().as_bytes().ends_with(b"/");
    if names_folder || fs::metadata(path).is_ok_and(|found| found.is_dir()) {
        return Err(failed(path, io::ErrorKind::IsADirectory.into()));
    }
    Ok(())
}

/// The reason why a sink cannot be opened, or a queue cannot be created.
#[derive(Debug, Error)]
pub enum OpenError {
    /// No output is set.
    #[error("no output is set")]
    NoOutput,
    /// Out of threads or file descriptors.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A path cannot be used.
    #[error("{}: {error}", path.display())]
    Path {
        /// The path.
        path: PathBuf,
        /// The error of the system.
        error: io::Error,
    },
    /// The path of the output exists, but is not a socket.
    #[error("{}: not a socket", .0.display())]
    NoSocket(PathBuf),
    /// The identity or version cannot be encoded.
    #[error(transparent)]
    Origin(#[from] EncodeError),
    /// The content type cannot be offered.
    #[error(transparent)]
    Control(#[from] ControlError),
    /// The TLS options cannot be used.
    #[cfg(feature = "tls")]
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// TLS options are set for an output without TLS.
    #[cfg(feature = "tls")]
    #[error("TLS options are set, but the output is not \"tls:HOST:PORT\"")]
    TlsOptions,
    /// Out of memory for a ring.
    #[error("out of memory for a ring of {0} bytes")]
    Memory(usize),
    /// The sink is closed.
    #[error("the sink is closed")]
    Closed,
}
