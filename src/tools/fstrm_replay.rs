// SPDX-License-Identifier: MIT OR Apache-2.0
//! Sends the data frames of capture files to a receiver.

#![forbid(unsafe_code)]

use std::ffi::OsString;
use std::fmt::Display;
use std::io::{self, IoSlice};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{ArgGroup, Parser};
use files::recording::{EndKind, Recording};
use framestream::StreamError;
use framestream::transport::SocketSender;
use framestream::writer::{StreamWriter, WriterOptions};
use fstrm_tools::command_line;
use fstrm_tools::command_line::{tcp_address, usage_error};
use operator_log::program_name;
use operator_log::standard_error::report;

/// Send Frame Streams files to a receiver.
#[derive(Debug, Parser)]
#[command(name = "fstrm_replay", version, args_override_self = true, infer_long_args = true)]
#[command(group = ArgGroup::new("receiver").required(true).args(["unix", "tcp"]))]
struct ReplayOptions {
    /// Content type to send; files with another one are skipped
    #[arg(short = 't', long = "type", value_name = "STRING")]
    content_type: OsString,

    /// Unix socket to connect to
    #[arg(short, long, value_name = "PATH")]
    unix: Option<PathBuf>,

    /// IP address to connect to
    #[arg(short = 'a', long, value_name = "ADDRESS")]
    tcp: Option<String>,

    /// TCP port to connect to
    #[arg(short, long, value_name = "PORT")]
    port: Option<String>,

    /// File to send, `-` for the standard input; may be given more than once
    #[arg(short, long, value_name = "FILE", required = true)]
    read_file: Vec<PathBuf>,
}

fn main() -> ExitCode {
    let options: ReplayOptions = match command_line::options() {
        Ok(options) => options,
        Err(status) => return status,
    };
    let transport = match connect(&options) {
        Ok(Ok(transport)) => transport,
        Ok(Err(error)) => return failure("fstrm_unix_writer_init()", error),
        Err(message) => return usage_error::<ReplayOptions>(message),
    };
    let mut writer_options = WriterOptions::default();
    if writer_options.add_content_type(options.content_type.as_bytes()).is_err() {
        return usage_error::<ReplayOptions>("--type is too long");
    }
    let mut writer = StreamWriter::new(Box::new(transport), writer_options);
    if let Err(error) = writer.open() {
        return failure("fstrm_writer_open()", error);
    }
    for file in &options.read_file {
        if let Err(error) = send(file, options.content_type.as_bytes(), &mut writer) {
            return failure("write_data_frame()", error);
        }
    }
    match writer.close() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failure("fstrm_writer_close()", error),
    }
}

/// Connects to the receiver. The outer error is a problem with the options.
fn connect(options: &ReplayOptions) -> Result<io::Result<SocketSender>, &'static str> {
    match (&options.unix, &options.tcp, &options.port) {
        (Some(path), _, port) => {
            if port.is_some() {
                report("Warning: Ignoring --port with --unix.\n");
            }
            Ok(SocketSender::unix(path))
        }
        (None, Some(address), Some(port)) => Ok(Ok(SocketSender::tcp(tcp_address(address, port)?))),
        (None, Some(_), None) => Err("--tcp requires --port"),
        (None, None, _) => Err("One of --unix or --tcp must be set"),
    }
}

/// Reports a failure with the message of fstrm and its cause.
fn failure(what: &str, error: impl Display) -> ExitCode {
    report(format_args!("Error: {what} failed.\n{}: {error}\n", program_name()));
    ExitCode::FAILURE
}

/// Sends the data frames of `file`. Returns errors of the receiver; an unreadable file is reported and
/// skipped.
fn send(file: &Path, content_type: &[u8], writer: &mut StreamWriter) -> Result<(), StreamError> {
    let name = file.display();
    let explain = |what: &dyn Display| report(format_args!("{}: {name}: {what}\n", program_name()));
    let mut recording = match Recording::open(file) {
        Ok(recording) => recording,
        Err(end) => {
            let text = format!("Warning: failed to read control frame from {name}, skipping\n");
            report(text);
            explain(&end);
            return Ok(());
        }
    };
    if !recording.start().matches(Some(content_type)) {
        report(format_args!("Warning: content type mismatch for {name}, skipping\n"));
        return Ok(());
    }
    let end = loop {
        match recording.read() {
            Ok(payloads) => {
                let payloads: Vec<IoSlice<'_>> = payloads.map(IoSlice::new).collect();
                writer.write_frames(&payloads)?;
            }
            Err(end) => break end,
        }
    };
    match end.ending {
        EndKind::Stop => return Ok(()),
        EndKind::NoStop | EndKind::Torn(_) => (),
        _ => report("Error: fstrm_reader_read() failed.\n"),
    }
    explain(&end);
    Ok(())
}
