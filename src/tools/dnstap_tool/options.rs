// SPDX-License-Identifier: MIT OR Apache-2.0
//! The options of `dnstap`: those of the golang tool, and more.

pub(crate) mod misuse;
pub(crate) mod resolve;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::builder::{
    OsStringValueParser, PathBufValueParser, PossibleValue, PossibleValuesParser, TypedValueParser,
};
use clap::{ArgGroup, Parser, ValueEnum, value_parser};
use dnstap::schema::{Hop, MessageType};
use files::{STANDARD_OUTPUT, post_rotate};
use operator_log::Level;
use pipeline::columns;
use pipeline::columns::Column;
use pipeline::format::Format;
use pipeline::quantity::{duration, permissions, size};
use pipeline::select;
use pipeline::select::{AddressPrefix, WantedName};
use receive::address::{HostAddress, PeerAddress, unix_path};
use strum::{EnumMessage, VariantArray};

/// Capture, print, convert, relay and export what DNS servers log with dnstap.
#[derive(Debug, Parser)]
#[command(name = "dnstap", version, arg_required_else_help = true)]
#[command(group(ArgGroup::new("relays").args(["relay_tcp", "relay_unix"]).multiple(true)))]
#[command(group(ArgGroup::new("listeners").args(["unix", "listen"]).multiple(true)))]
#[command(group(ArgGroup::new("calendar").args(["localtime", "gmtime"])))]
#[command(after_help = message_types())]
pub struct DnstapOptions {
    /// Read a capture file, `-` for the standard input; gzip and zstd are recognised
    #[arg(short = 'r', value_name = "FILE", help_heading = "In")]
    pub(crate) read: Vec<PathBuf>,

    /// Wait for more data at the end of a file
    #[arg(long, requires = "read", help_heading = "In")]
    pub(crate) follow: bool,

    /// Listen on a Unix socket
    #[arg(short = 'u', value_name = "PATH", help_heading = "In")]
    #[arg(value_parser = PathBufValueParser::new().try_map(unix_path))]
    pub(crate) unix: Vec<PathBuf>,

    /// Listen on a TCP socket, with TLS if there is --tls-cert
    #[arg(short = 'l', value_name = "ADDRESS:PORT", value_parser = HostAddress::parse)]
    #[arg(help_heading = "In")]
    pub(crate) listen: Vec<HostAddress>,

    /// Connect to a sender, and reconnect whenever the connection ends: ADDRESS:PORT, with TLS
    /// tls:ADDRESS:PORT, or the path of a Unix socket, which must contain a slash
    #[arg(long, value_name = "SENDER", help_heading = "In")]
    pub(crate) connect: Vec<PeerAddress>,

    /// Permissions of the Unix socket, in octal
    #[arg(long, value_name = "MODE", value_parser = permissions, requires = "unix", help_heading = "In")]
    pub(crate) socket_mode: Option<u32>,

    /// User who owns the Unix socket
    #[arg(long, value_name = "USER", requires = "unix", help_heading = "In")]
    pub(crate) socket_owner: Option<String>,

    /// Group of the Unix socket
    #[arg(long, value_name = "GROUP", requires = "unix", help_heading = "In")]
    pub(crate) socket_group: Option<String>,

    /// Maximum number of concurrent connections [default: no limit]
    #[arg(long, value_name = "COUNT", value_parser = value_parser!(u32).range(1..))]
    #[arg(requires = "listeners", help_heading = "In")]
    pub(crate) maxconns: Option<u32>,

    /// Seconds without a complete frame after which a connection is closed for a waiting one
    /// [default: 60]
    #[arg(long, value_name = "SECONDS", requires = "listeners", help_heading = "In")]
    pub(crate) idle_timeout: Option<u32>,

    /// Maximum size of a frame; with k, M or G for powers of 1024
    #[arg(long, value_name = "BYTES", value_parser = size, default_value = "1M")]
    #[arg(help_heading = "In")]
    pub(crate) frame_limit: u64,

    /// Write to a file, `-` for the standard output; FORMAT:FILE for one with a format of its own,
    /// ./WORD:FILE for one with a colon in its name. A file is compressed if its name ends with .zst
    #[arg(short = 'w', value_name = "FILE", help_heading = "Out")]
    pub(crate) write: Vec<OsString>,

    /// Print quiet text: one line per message
    #[arg(short = 'q', group = "style", help_heading = "Out")]
    pub(crate) quiet: bool,

    /// Print YAML
    #[arg(short = 'y', group = "style", help_heading = "Out")]
    pub(crate) yaml: bool,

    /// Print JSON, one object a line
    #[arg(short = 'j', group = "style", help_heading = "Out")]
    pub(crate) json: bool,

    /// Format of files without one of their own [default: frames; quiet on the standard output]
    #[arg(long, value_name = "FORMAT", value_parser = formats(), group = "style")]
    #[arg(help_heading = "Out")]
    pub(crate) format: Option<Format>,

    /// Fields of ndjson, csv, tsv and parquet, in this order, such as qname,rcode [default: all, but whole
    /// messages in parquet only]
    #[arg(long, value_name = "FIELD", value_delimiter = ',', value_parser = columns::column)]
    #[arg(help_heading = "Out")]
    pub(crate) fields: Vec<&'static Column>,

    /// Continue existing files, instead of replacing them or starting new ones
    #[arg(short = 'a', long, conflicts_with = "split_size", requires = "write")]
    #[arg(help_heading = "Out")]
    pub(crate) append: bool,

    /// Relay to a receiver on TCP; tls:ADDRESS:PORT with TLS
    #[arg(short = 'T', value_name = "ADDRESS:PORT", value_parser = PeerAddress::host)]
    #[arg(help_heading = "Out")]
    pub(crate) relay_tcp: Vec<PeerAddress>,

    /// Relay to a receiver on a Unix socket
    #[arg(short = 'U', value_name = "PATH", help_heading = "Out")]
    #[arg(value_parser = PathBufValueParser::new().try_map(unix_path))]
    pub(crate) relay_unix: Vec<PathBuf>,

    /// Timeout for receivers of relays, such as 5s or 500ms
    #[arg(short = 't', value_name = "DURATION", value_parser = duration, requires = "relays")]
    #[arg(help_heading = "Out")]
    pub(crate) timeout: Option<Duration>,

    /// Start a new file after this many seconds
    #[arg(long, value_name = "SECONDS", value_parser = value_parser!(u32).range(1..))]
    #[arg(requires = "write", requires = "calendar", help_heading = "Out")]
    pub(crate) split: Option<u32>,

    /// Start a new file before one exceeds this size
    #[arg(long, value_name = "BYTES", value_parser = size, requires = "write")]
    #[arg(help_heading = "Out")]
    pub(crate) split_size: Option<u64>,

    /// Run COMMAND with the name of each finished file
    #[arg(long, value_name = "COMMAND", requires = "write", help_heading = "Out")]
    #[arg(value_parser = OsStringValueParser::new().try_map(post_rotate::command))]
    pub(crate) post_rotate: Option<OsString>,

    /// Expand the names of files with strftime, in local time
    #[arg(long, requires = "write", help_heading = "Out")]
    pub(crate) localtime: bool,

    /// Expand the names of files with strftime, in UTC
    #[arg(long, requires = "write", help_heading = "Out")]
    pub(crate) gmtime: bool,

    /// Print statistics: at the end, on a terminal once a second too
    #[arg(long, help_heading = "Out")]
    pub(crate) stats: bool,

    /// Serve statistics to Prometheus at http://ADDRESS:PORT/metrics
    #[arg(long, value_name = "ADDRESS:PORT", value_parser = HostAddress::parse)]
    #[arg(help_heading = "Out")]
    pub(crate) metrics: Option<HostAddress>,

    /// Certificate in PEM for senders on -l and for peers that request one
    #[arg(long, value_name = "FILE", requires = "tls_key", help_heading = "TLS")]
    pub(crate) tls_cert: Option<PathBuf>,

    /// Private key of the certificate
    #[arg(long, value_name = "FILE", requires = "tls_cert", help_heading = "TLS")]
    pub(crate) tls_key: Option<PathBuf>,

    /// Authorities that must have signed the certificates of senders on -l
    #[arg(long, value_name = "FILE", requires = "tls_cert", help_heading = "TLS")]
    pub(crate) tls_client_ca: Option<PathBuf>,

    /// Authorities trusted for peers of -T and --connect [default: those of the system]
    #[arg(long, value_name = "FILE", help_heading = "TLS")]
    pub(crate) tls_ca: Option<PathBuf>,

    /// Name expected in the certificates of these peers [default: the host]
    #[arg(long, value_name = "NAME", help_heading = "TLS")]
    pub(crate) tls_server_name: Option<String>,

    /// Message types, such as CQ or CLIENT_QUERY
    #[arg(long = "type", value_name = "TYPE", value_delimiter = ',', help_heading = "Select")]
    pub(crate) types: Vec<MessageType>,

    /// Names of queries: a domain with all names below it, or =NAME for the name alone
    #[arg(long = "qname", value_name = "NAME", value_delimiter = ',', help_heading = "Select")]
    pub(crate) names: Vec<WantedName>,

    /// Record types of queries, such as AAAA
    #[arg(long = "qtype", value_name = "TYPE", value_delimiter = ',')]
    #[arg(value_parser = select::parse_record_type, help_heading = "Select")]
    pub(crate) record_types: Vec<u16>,

    /// Response codes, such as NXDOMAIN
    #[arg(long = "rcode", value_name = "CODE", value_delimiter = ',')]
    #[arg(value_parser = select::parse_response_code, help_heading = "Select")]
    pub(crate) response_codes: Vec<u16>,

    /// Addresses of clients, such as 192.0.2.0/24
    #[arg(long = "client", value_name = "PREFIX", value_delimiter = ',', help_heading = "Select")]
    pub(crate) clients: Vec<AddressPrefix>,

    /// One message in N; a query and its response are kept or dropped together
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    #[arg(help_heading = "Select")]
    pub(crate) sample: Option<u32>,

    /// Exit after N messages
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    #[arg(help_heading = "Select")]
    pub(crate) count: Option<u64>,

    /// Keep this many bits of the IPv4 addresses of clients, and remove other traces of them
    #[arg(long, value_name = "BITS", value_parser = clap::value_parser!(u8).range(0..=32))]
    #[arg(help_heading = "Select")]
    pub(crate) mask4: Option<u8>,

    /// Keep this many bits of the IPv6 addresses of clients, and remove other traces of them
    #[arg(long, value_name = "BITS", value_parser = clap::value_parser!(u8).range(0..=128))]
    #[arg(help_heading = "Select")]
    pub(crate) mask6: Option<u8>,

    /// Least important lines of the log to print
    #[arg(long, value_name = "LEVEL", default_value = "info")]
    pub(crate) log_level: LogLevel,

    /// Print completions for a shell, and exit
    #[arg(long, value_name = "SHELL", exclusive = true)]
    pub completions: Option<clap_complete::Shell>,
}

/// The least important level of the log to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogLevel {
    /// Failures
    Error,
    /// Also rejected peers and reached limits
    Warning,
    /// Also normal operation
    Info,
    /// Also connections that open and close
    Debug,
    /// Also control frames, and every data frame
    Trace,
}

impl From<LogLevel> for Level {
    fn from(level: LogLevel) -> Self {
        match level {
            LogLevel::Error => Self::Error,
            LogLevel::Warning => Self::Warning,
            LogLevel::Info => Self::Info,
            LogLevel::Debug => Self::Connections,
            LogLevel::Trace => Self::Frames,
        }
    }
}

impl DnstapOptions {
    /// Returns whether frames are received from sockets.
    pub(crate) fn listens(&self) -> bool {
        self.unix.len() + self.listen.len() + self.connect.len() > 0
    }

    /// Returns the format of files without one of their own.
    pub(crate) fn format(&self) -> Option<Format> {
        match (self.quiet, self.yaml, self.json) {
            (true, ..) => Some(Format::Quiet),
            (_, true, _) => Some(Format::Yaml),
            (.., true) => Some(Format::Json),
            _ => self.format,
        }
    }

    /// Returns the files to write with their formats. Without any output, that is standard output.
    pub(crate) fn files(&self) -> Vec<(Format, PathBuf)> {
        let mut files: Vec<(Format, PathBuf)> =
            self.write.iter().map(|file| self.file(file)).collect();
        let relays = self.relay_tcp.len() + self.relay_unix.len();
        let others = relays > 0 || self.stats || self.metrics.is_some();
        if files.is_empty() && (self.format().is_some() || !others) {
            files.push((self.format().unwrap_or(Format::Quiet), STANDARD_OUTPUT.into()));
        }
        files
    }

    fn file(&self, file: &OsString) -> (Format, PathBuf) {
        if let Some((word, name)) = file.to_str().and_then(|file| file.split_once(':')) {
            if let Ok(format) = word.parse() {
                return (format, place(Path::new(name)));
            }
        }
        let file = place(Path::new(file));
        (self.format().unwrap_or_else(|| Format::default_of(&file)), file)
    }
}

/// Returns a parser for names of formats.
fn formats() -> impl TypedValueParser<Value = Format> {
    let value = |format: &Format| {
        PossibleValue::new(format.name()).help(format.get_documentation().unwrap_or_default())
    };
    PossibleValuesParser::new(Format::VARIANTS.iter().map(value)).try_map(|name| name.parse())
}

/// Returns the file of this name; `-` if it refers to standard output.
fn place(name: &Path) -> PathBuf {
    let target = files::link::target(name);
    if target.as_os_str() == STANDARD_OUTPUT { target } else { name.into() }
}

/// Lists the mnemonics of all message types by hop.
fn message_types() -> String {
    let hop = |hop: Hop| {
        let types = MessageType::ALL.iter().filter(|known| known.hop() == Some(hop));
        let mnemonics: Vec<_> = types.filter_map(|known| known.mnemonic()).collect();
        format!("{} ({})", mnemonics.join(" "), hop.name())
    };
    format!("Message types: {}; queries and responses.", Hop::ALL.map(hop).join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manual_page_has_all_message_types() {
        let mnemonics: Vec<_> =
            MessageType::ALL.iter().filter_map(|known| known.mnemonic()).collect();
        let listed = format!("Message types: {},", mnemonics.join(" "));
        assert!(include_str!("../man/dnstap.1").contains(&listed), "{listed}");
        assert!(message_types().starts_with("Message types: AQ AR (AUTH), RQ RR (RESOLVER), "));
    }

    #[test]
    fn the_manual_page_has_all_formats() {
        let page = include_str!("../man/dnstap.1");
        for name in Format::VARIANTS.iter().map(|format| format.name()) {
            let is_listed = [".B", ".BR"].iter().any(|bold| {
                let listed = format!("{bold} {name}");
                page.lines().any(|line| line == listed || line == format!("{listed} ,"))
            });
            assert!(is_listed, "src/tools/man/dnstap.1 has no line `.B {name}`");
        }
    }

    #[test]
    fn useless_options_are_rejected() {
        let refused = |arguments: &str| {
            let words = ["dnstap", "-r", "x"].into_iter().chain(arguments.split(' '));
            DnstapOptions::try_parse_from(words).and_then(DnstapOptions::resolve).is_err()
        };
        for wrong in [
            "-t 1s",
            "--socket-mode 700",
            "--maxconns 5",
            "--maxconns 0 -u y",
            "--socket-owner nobody",
            "--socket-group nogroup",
            "--post-rotate x",
            "--post-rotate x -w -",
            "--gmtime",
            "--gmtime -w -",
            "-a",
            "-a -w quiet:-",
            "-a -w /dev/null",
            "-a -w x.zst",
            "-w kafka:x",
            "-w jsonl:x",
            "-w QUIET:x",
            "-w quiet:y -w a:b",
            "-w y -r kafka:x",
            "-u tcp:6000",
            "-U tls:y:1",
            "-T tcp:y:1",
            "-a -w pcap:x",
            "-w parquet:x.zst",
            "--gmtime -w x",
            "--localtime -w x%",
            "--gmtime -w /dev/null",
            "--post-rotate x -w /dev/null",
            "--split 5 -w x",
            "--split-size 5k",
            "--split-size 5k -w x -w -",
            "--tls-ca x -T y:1",
            "--follow -r y",
            "--follow -r -",
            "--split 0 --gmtime -w x",
        ] {
            assert!(refused(wrong), "{wrong}");
        }
        for right in [
            "-t 1s -T y:1 -U z",
            "--socket-mode 700 --socket-owner nobody --socket-group nogroup -u y",
            "--post-rotate x -w y -w -",
            "--gmtime -a -w quiet:%F",
            "--maxconns 5 -l y:1",
            "--split 5 --localtime -w x --post-rotate x",
            "--localtime -w x -w %F",
            "-a -w x -w /dev/null",
            "-w ./kafka:x -w json:./a:b -w x-%H:%M --gmtime",
            "-w pcap:x.zst",
            "--tls-ca x -T tls:y:1",
        ] {
            assert!(!refused(right), "{right}");
        }
    }

    #[test]
    fn a_file_may_have_a_format_of_its_own() {
        let options =
            DnstapOptions::parse_from(["dnstap", "-r", "x", "-j", "-w", "quiet:a", "-w", "./b:c"]);
        let expected = [(Format::Quiet, "a".into()), (Format::Json, "./b:c".into())];
        assert_eq!(options.files(), expected);
        let options = DnstapOptions::parse_from(["dnstap", "-r", "x"]);
        assert_eq!(options.files(), [(Format::Quiet, "-".into())]);
        let options = DnstapOptions::parse_from(["dnstap", "-r", "x", "-w", "y"]);
        assert_eq!(options.files(), [(Format::Frames, "y".into())]);
    }
}
