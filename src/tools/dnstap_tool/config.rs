// SPDX-License-Identifier: MIT OR Apache-2.0
//! The configuration of `dnstap`: inputs, processing of frames, outputs.

use std::path::PathBuf;
use std::time::Duration;

use files::STANDARD_OUTPUT;
use files::rotating_file::FileConfig;
use framestream::transport::{TlsOptions, TlsServerOptions};
use jiff::Timestamp;
use operator_log::Level;
use pipeline::columns::Column;
use pipeline::format::Format;
use pipeline::output::stats::StatsDestination;
use pipeline::select::Selection;
use receive::ReceiveLimits;
use receive::address::{HostAddress, PeerAddress};

/// The configuration of `dnstap`.
#[derive(Debug)]
pub struct Config {
    /// The least important level of the log.
    pub(crate) log_level: Level,
    /// The files to read.
    pub(crate) read: Vec<PathBuf>,
    /// Wait for more data at the end of a file.
    pub(crate) follow: bool,
    pub(crate) frame_limit: usize,
    pub(crate) sockets: Option<SocketConfig>,
    pub(crate) selection: Selection,
    /// Number of bits that masked IPv4 and IPv6 addresses keep.
    pub(crate) mask: Option<(u8, u8)>,
    /// Maximum number of messages.
    pub(crate) count: u64,
    /// The files to write.
    pub(crate) files: Vec<OutputConfig>,
    /// The columns of tables, unless the default ones.
    pub(crate) columns: Option<Vec<&'static Column>>,
    pub(crate) relays: Vec<PeerAddress>,
    /// Timeout of a relay for its receiver, unless the default.
    pub(crate) relay_timeout: Option<Duration>,
    /// The settings of TLS as a client.
    pub(crate) tls: TlsOptions,
    /// Where to print statistics.
    pub(crate) printed: StatsDestination,
    /// The address to serve metrics on.
    pub(crate) metrics: Option<HostAddress>,
}

/// Sockets to receive from.
#[derive(Debug)]
pub(crate) struct SocketConfig {
    /// Unix sockets to listen on.
    pub(crate) unix: Vec<PathBuf>,
    /// The permissions, owner and group of the Unix sockets.
    pub(crate) mode: Option<u32>,
    pub(crate) owner: Option<String>,
    pub(crate) group: Option<String>,
    /// TCP sockets to listen on.
    pub(crate) listen: Vec<HostAddress>,
    /// The TLS settings of these, if they use TLS.
    pub(crate) tls: Option<TlsServerOptions>,
    /// Senders to connect to.
    pub(crate) senders: Vec<PeerAddress>,
    pub(crate) limits: ReceiveLimits,
}

/// A file to write.
#[derive(Debug)]
pub(crate) struct OutputConfig {
    /// Its name or pattern as given.
    pub(crate) name: PathBuf,
    pub(crate) format: Format,
    /// The settings for writing it.
    pub(crate) files: FileConfig,
}

impl OutputConfig {
    /// Returns whether it is the standard output.
    pub(crate) fn is_standard_output(&self) -> bool {
        self.name.as_os_str() == STANDARD_OUTPUT
    }

    /// Returns its current name.
    pub(crate) fn present_name(&self) -> PathBuf {
        let calendar = self.files.calendar.as_ref();
        let name = calendar.map(|calendar| calendar.path(&self.name, Timestamp::now()));
        // A pattern that cannot be expanded is reported when the file is opened.
        name.and_then(Result::ok).unwrap_or_else(|| self.name.clone())
    }
}

impl Config {
    /// Returns whether statistics are needed.
    pub(crate) fn has_statistics(&self) -> bool {
        self.printed != StatsDestination::None || self.metrics.is_some()
    }

    /// Returns the output if it is a single file to which all frames can be written unchanged.
    pub(crate) fn only_file(&self) -> Option<&FileConfig> {
        let is_untouched = self.read.is_empty()
            && self.selection.is_everything()
            && self.mask.is_none()
            && self.count == u64::MAX
            && self.relays.is_empty()
            && !self.has_statistics();
        match &self.files[..] {
            // Compressed output needs a timer for flushing, which only the worker has.
            [OutputConfig { format: Format::Frames, files, .. }] if is_untouched => {
                Some(files).filter(|files| !files.compressed)
            }
            _ => None,
        }
    }
}
