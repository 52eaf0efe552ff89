// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the options of `dnstap` come to: inputs, what is done with frames, and outputs.

use std::path::PathBuf;
use std::time::Duration;

use files::STANDARD_OUTPUT;
use files::rotating_file::FileConfig;
use framestream::transport::{TlsOptions, TlsServerOptions};
use jiff::Timestamp;
use operator_log::Level;
use pipeline::format::Format;
use pipeline::output::stats::StatsDestination;
use pipeline::select::Selection;
use receive::ReceiveLimits;
use receive::address::{HostAddress, PeerAddress};

/// A run of `dnstap`.
#[derive(Debug)]
pub struct Config {
    /// The least important lines of the log.
    pub(crate) log_level: Level,
    /// The files to read.
    pub(crate) read: Vec<PathBuf>,
    /// Wait at the end of a file for more.
    pub(crate) follow: bool,
    /// Largest data frame.
    pub(crate) frame_limit: usize,
    /// The sockets to receive from, if there are any.
    pub(crate) sockets: Option<SocketConfig>,
    /// The filters of frames.
    pub(crate) selection: Selection,
    /// Bits that IPv4 and IPv6 addresses keep, if they are masked.
    pub(crate) mask: Option<(u8, u8)>,
    /// Maximum number of messages.
    pub(crate) count: u64,
    /// The files to write.
    pub(crate) files: Vec<OutputConfig>,
    /// The receivers to send to.
    pub(crate) relays: Vec<PeerAddress>,
    /// How long a receiver may let a relay wait, if not as usual.
    pub(crate) relay_timeout: Option<Duration>,
    /// The settings of TLS as a client.
    pub(crate) tls: TlsOptions,
    /// Where statistics are printed.
    pub(crate) printed: StatsDestination,
    /// Where metrics are served.
    pub(crate) metrics: Option<HostAddress>,
}

/// Sockets to receive from.
#[derive(Debug)]
pub(crate) struct SocketConfig {
    /// Unix sockets to listen on,
    pub(crate) unix: Vec<PathBuf>,
    /// their permissions,
    pub(crate) mode: Option<u32>,
    /// their owner,
    pub(crate) owner: Option<String>,
    /// and their group.
    pub(crate) group: Option<String>,
    /// TCP sockets to listen on.
    pub(crate) listen: Vec<HostAddress>,
    /// The settings of TLS on these, if it is spoken.
    pub(crate) tls: Option<TlsServerOptions>,
    /// Senders to connect to.
    pub(crate) senders: Vec<PeerAddress>,
    /// Limits on connections and frames.
    pub(crate) limits: ReceiveLimits,
}

/// A file to write.
#[derive(Debug)]
pub(crate) struct OutputConfig {
    /// Its name or pattern as it was given.
    pub(crate) name: PathBuf,
    /// Its format.
    pub(crate) format: Format,
    /// Where and how it is written.
    pub(crate) files: FileConfig,
}

impl OutputConfig {
    /// Returns whether it is the standard output.
    pub(crate) fn is_standard_output(&self) -> bool {
        self.name.as_os_str() == STANDARD_OUTPUT
    }

    /// Returns the name that it has at present.
    pub(crate) fn present_name(&self) -> PathBuf {
        let calendar = self.files.calendar.as_ref();
        let name = calendar.map(|calendar| calendar.path(&self.name, Timestamp::now()));
        // A pattern that makes no name is reported when it is opened.
        name.and_then(Result::ok).unwrap_or_else(|| self.name.clone())
    }
}

impl Config {
    /// Returns whether there are statistics.
    pub(crate) fn has_statistics(&self) -> bool {
        self.printed != StatsDestination::None || self.metrics.is_some()
    }

    /// Returns the one file of frames that all frames go to as they come, if that is what is wanted.
    pub(crate) fn only_file(&self) -> Option<&FileConfig> {
        let is_untouched = self.read.is_empty()
            && self.selection.is_everything()
            && self.mask.is_none()
            && self.count == u64::MAX
            && self.relays.is_empty()
            && !self.has_statistics();
        match &self.files[..] {
            // What is compressed is held back for a time, which this way does not look at.
            [OutputConfig { format: Format::Frames, files, .. }] if is_untouched => {
                Some(files).filter(|files| !files.compressed)
            }
            _ => None,
        }
    }
}
