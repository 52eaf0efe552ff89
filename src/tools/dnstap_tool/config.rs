// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the options of `dnstap` come to: inputs, what is done with frames, and outputs.

use std::path::PathBuf;
use std::time::Duration;

use files::STANDARD_OUTPUT;
use files::rotating_file::Files;
use framestream::transport::{TlsOptions, TlsServerOptions};
use jiff::Timestamp;
use operator_log::Level;
use pipeline::format::Format;
use pipeline::output::stats::Printed;
use pipeline::select::Selection;
use receive::ReceiveLimits;
use receive::address::{HostAddress, PeerAddress};

/// A run of `dnstap`.
#[derive(Debug)]
pub struct Config {
    /// The least important lines of the log.
    pub log_level: Level,
    /// The files to read.
    pub read: Vec<PathBuf>,
    /// Wait at the end of a file for more.
    pub follow: bool,
    /// Largest data frame.
    pub frame_limit: usize,
    /// The sockets to receive from, if there are any.
    pub sockets: Option<SocketConfig>,
    /// The filters of frames.
    pub selection: Selection,
    /// Bits that IPv4 and IPv6 addresses keep, if they are masked.
    pub mask: Option<(u8, u8)>,
    /// Maximum number of messages.
    pub count: u64,
    /// The files to write.
    pub files: Vec<FileConfig>,
    /// The receivers to send to.
    pub relays: Vec<PeerAddress>,
    /// How long a receiver may let a relay wait, if not as usual.
    pub relay_timeout: Option<Duration>,
    /// The settings of TLS as a client.
    pub tls: TlsOptions,
    /// Where statistics are printed.
    pub printed: Printed,
    /// Where metrics are served.
    pub metrics: Option<HostAddress>,
}

/// Sockets to receive from.
#[derive(Debug)]
pub struct SocketConfig {
    /// Unix sockets to listen on,
    pub unix: Vec<PathBuf>,
    /// their permissions,
    pub mode: Option<u32>,
    /// their owner,
    pub owner: Option<String>,
    /// and their group.
    pub group: Option<String>,
    /// TCP sockets to listen on.
    pub listen: Vec<HostAddress>,
    /// The settings of TLS on these, if it is spoken.
    pub tls: Option<TlsServerOptions>,
    /// Senders to connect to.
    pub senders: Vec<PeerAddress>,
    /// Limits on connections and frames.
    pub limits: ReceiveLimits,
}

/// A file to write.
#[derive(Debug)]
pub struct FileConfig {
    /// Its name or pattern as it was given.
    pub name: PathBuf,
    /// Its format.
    pub format: Format,
    /// Where and how it is written.
    pub files: Files,
}

impl FileConfig {
    /// Returns whether it is the standard output.
    pub fn is_standard_output(&self) -> bool {
        self.name.as_os_str() == STANDARD_OUTPUT
    }

    /// Returns the name that it has at present.
    pub fn present_name(&self) -> PathBuf {
        let calendar = self.files.calendar.as_ref();
        let name = calendar.map(|calendar| calendar.path(&self.name, Timestamp::now()));
        // A pattern that makes no name is reported when it is opened.
        name.and_then(Result::ok).unwrap_or_else(|| self.name.clone())
    }
}

impl Config {
    /// Returns whether there are statistics.
    pub fn has_statistics(&self) -> bool {
        self.printed != Printed::Not || self.metrics.is_some()
    }

    /// Returns the one file of frames that all frames go to as they come, if that is what is wanted.
    pub fn only_file(&self) -> Option<&Files> {
        let is_untouched = self.read.is_empty()
            && self.selection.is_everything()
            && self.mask.is_none()
            && self.count == u64::MAX
            && self.relays.is_empty()
            && !self.has_statistics();
        match &self.files[..] {
            // What is compressed is held back for a time, which this way does not look at.
            [FileConfig { format: Format::Frames, files, .. }] if is_untouched => {
                Some(files).filter(|files| !files.compressed)
            }
            _ => None,
        }
    }
}
