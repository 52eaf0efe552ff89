// SPDX-License-Identifier: MIT OR Apache-2.0
//! The options of `fstrm_capture`.

use std::ffi::{OsStr, OsString};
use std::io::{self, IsTerminal};
use std::net::SocketAddr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{OsStringValueParser, TypedValueParser};
use clap::{ArgAction, Parser};
use files::file_name::Calendar;
use files::output_file::Placing;
use files::rotating_file::FileConfig;
use files::{STANDARD_OUTPUT, post_rotate};
use framestream::control::CONTENT_TYPE_LENGTH_MAX;
use operator_log::Level;
use operator_log::standard_error::report;
use pipeline::quantity::{permissions, size};
use receive::{IDLE_TIMEOUT_DEFAULT, ReceiveLimits};

use crate::command_line::tcp_address;

/// Receive Frame Streams from a socket and save them in files.
#[derive(Debug, Parser)]
#[command(name = "fstrm_capture", version, args_override_self = true, infer_long_args = true)]
pub struct CaptureOptions {
    /// Say more about each connection; up to five times
    #[arg(short, long, action = ArgAction::Count)]
    pub(crate) debug: u8,

    /// Content type to accept
    #[arg(short = 't', long = "type", value_name = "STRING")]
    pub(crate) content_type: Option<OsString>,

    /// Unix socket to listen on
    #[arg(short, long, value_name = "PATH")]
    pub(crate) unix: Option<PathBuf>,

    /// IP address to listen on
    #[arg(short = 'a', long, value_name = "ADDRESS")]
    pub(crate) tcp: Option<String>,

    /// TCP port to listen on
    // The aliases are the abbreviations of --port that fstrm accepts.
    #[arg(short, long, value_name = "PORT", aliases = ["p", "po"])]
    pub(crate) port: Option<String>,

    /// Permissions of the Unix socket, in octal
    #[arg(long, value_name = "MODE", value_parser = permissions)]
    pub(crate) socket_mode: Option<u32>,

    /// User who owns the Unix socket, by name or number
    #[arg(long, value_name = "USER")]
    pub(crate) socket_owner: Option<String>,

    /// Group of the Unix socket, by name or number
    #[arg(long, value_name = "GROUP")]
    pub(crate) socket_group: Option<String>,

    /// Maximum size of a data frame, including its 4-byte length [default: 1048576]
    #[arg(short, long, value_name = "BYTES", default_value_t = 0, hide_default_value = true)]
    pub(crate) buffersize: u32,

    /// Maximum number of concurrent connections [default: no limit]
    #[arg(short = 'c', long, value_name = "COUNT", default_value_t = 0, hide_default_value = true)]
    pub(crate) maxconns: u32,

    /// Seconds without a complete frame after which a connection is closed for a waiting one
    #[arg(long, value_name = "SECONDS", default_value_t = IDLE_TIMEOUT_DEFAULT)]
    pub(crate) idle_timeout: u32,

    /// File to write; `-` is the standard output
    #[arg(short, long, value_name = "FILE")]
    pub(crate) write: Option<PathBuf>,

    /// Start a new file after this many seconds
    #[arg(short, long, value_name = "SECONDS", default_value_t = 0, hide_default_value = true)]
    #[arg(aliases = ["s", "sp", "spl", "spli"])]
    pub(crate) split: u32,

    /// Start a new file before one exceeds this size; with k, M or G for powers of 1024
    #[arg(long, value_name = "BYTES", value_parser = size)]
    pub(crate) split_size: Option<u64>,

    /// Run COMMAND through sh with the name of each finished file as its last argument
    #[arg(long, value_name = "COMMAND")]
    #[arg(value_parser = OsStringValueParser::new().try_map(post_rotate::command))]
    pub(crate) post_rotate: Option<OsString>,

    /// Make the file name with strftime, in local time
    #[arg(long)]
    pub(crate) localtime: bool,

    /// Make the file name with strftime, in UTC
    #[arg(long)]
    pub(crate) gmtime: bool,
}

#[derive(Debug)]
pub(crate) enum ListenAddress {
    /// The sockets passed by the service manager.
    Passed,
    /// A Unix socket, and its owner and group by name or number.
    Unix { path: PathBuf, mode: Option<u32>, owner: Option<String>, group: Option<String> },
    /// A TCP socket, and its address and port as they were written.
    Tcp(SocketAddr, String),
}

/// The configuration of `fstrm_capture`.
#[derive(Debug)]
pub(crate) struct CaptureConfig {
    /// The least important level of the log.
    pub(crate) log_level: Level,
    pub(crate) address: ListenAddress,
    pub(crate) content_type: Box<[u8]>,
    /// The files to write.
    pub(crate) files: FileConfig,
    pub(crate) limits: ReceiveLimits,
}

const FRAME_LIMIT_DEFAULT: u32 = 1024 * 1024;

impl CaptureOptions {
    /// Returns the configuration, or the problem with the options. `passed` is whether the service
    /// manager passed sockets.
    pub(crate) fn resolve(&self, passed: bool) -> Result<CaptureConfig, &'static str> {
        let content_type = self
            .content_type
            .as_deref()
            .map(OsStr::as_bytes)
            .ok_or("Frame Streams content type (--type) is not set")?;
        if content_type.len() > CONTENT_TYPE_LENGTH_MAX {
            return Err("Frame Streams content type (--type) is too long");
        }
        let address = if passed { ListenAddress::Passed } else { self.address()? };
        let write = self
            .write
            .clone()
            .ok_or("File path to write Frame Streams data to (--write) is not set")?;
        if write.as_os_str() == STANDARD_OUTPUT {
            if io::stdout().is_terminal() {
                return Err("Refusing to write binary output to a terminal");
            }
            if self.split != 0 || self.split_size.is_some() {
                return Err("Cannot use output splitting when writing to stdout");
            }
        }
        let calendar = match (self.localtime, self.gmtime) {
            (true, true) => return Err("--localtime and --gmtime are mutually exclusive"),
            (true, false) => Some(Calendar::local()),
            (false, true) => Some(Calendar::gmt()),
            (false, false) if self.split != 0 => {
                return Err("--split requires either --localtime or --gmtime");
            }
            (false, false) => None,
        };
        let frame_limit = if self.buffersize == 0 { FRAME_LIMIT_DEFAULT } else { self.buffersize };
        let connection_limit = if self.maxconns == 0 { u32::MAX } else { self.maxconns };
        Ok(CaptureConfig {
            log_level: Level::from_debug_count(self.debug),
            address,
            content_type: content_type.into(),
            files: FileConfig {
                name: write,
                calendar,
                split: (self.split != 0).then(|| Duration::from_secs(self.split.into())),
                split_size: self.split_size,
                post_rotate: self.post_rotate.clone(),
                placing: Placing::Complete,
                compressed: false,
            },
            limits: ReceiveLimits {
                frame: frame_limit as usize,
                connections: connection_limit as usize,
                idle: Duration::from_secs(self.idle_timeout.into()),
            },
        })
    }

    fn address(&self) -> Result<ListenAddress, &'static str> {
        match (&self.unix, &self.tcp, &self.port) {
            (Some(path), _, port) => {
                if port.is_some() {
                    report("Warning: Ignoring --port with --unix\n");
                }
                net::SocketAddr::from_pathname(path).map_err(|_| "Unix socket path is too long")?;
                Ok(ListenAddress::Unix {
                    path: path.clone(),
                    mode: self.socket_mode,
                    owner: self.socket_owner.clone(),
                    group: self.socket_group.clone(),
                })
            }
            (None, Some(address), Some(port)) => {
                Ok(ListenAddress::Tcp(tcp_address(address, port)?, format!("[{address}]:{port}")))
            }
            (None, Some(_), None) => Err("If --tcp is set, --port must also be set"),
            (None, None, _) => Err("One of --unix or --tcp must be set"),
        }
    }
}
