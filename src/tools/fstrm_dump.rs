// SPDX-License-Identifier: MIT OR Apache-2.0
//! Prints a capture file: control frames and sizes to the standard error, data to the standard
//! output. If a second file is named, the frames are copied to it.

#![forbid(unsafe_code)]

use std::fs;
use std::io::{self, IoSlice};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use files::recording::{EndKind, Recording, RecordingEnd};
use framestream::StreamError;
use framestream::control::ControlFrame;
use framestream::handshake::HandshakeError;
use framestream::transport::FileSender;
use framestream::writer::{StreamWriter, WriterOptions};
use fstrm_tools::printer::Printer;
use operator_log::program_name;
use operator_log::standard_error::report;
use signal_hook::consts::SIGPIPE;
use signal_hook::low_level::emulate_default_handler;

fn main() -> ExitCode {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let (input, output) = match &arguments[..] {
        [help] if ["-h", "--help"].iter().any(|asked| help.as_os_str() == *asked) => {
            return usage();
        }
        [input] => (input, None),
        [input, output] => (input, Some(&**output)),
        _ => return usage(),
    };
    match dump(input, output) {
        Ok(status) => status,
        Err(error) => {
            if error.kind() == io::ErrorKind::BrokenPipe {
                // The reader of the output closed it: ends as if SIGPIPE were not ignored.
                drop(emulate_default_handler(SIGPIPE));
            }
            report(format_args!("{}: {error}\n", program_name()));
            ExitCode::FAILURE
        }
    }
}

fn usage() -> ExitCode {
    let program = std::env::args_os().next().unwrap_or_default();
    report(format_args!(
        "Usage: {} <INPUT FILE> [<OUTPUT FILE>]\n\
         Prints the frames of a Frame Streams file, `-` for the standard input.\n\n",
        Path::new(&program).display()
    ));
    ExitCode::FAILURE
}

/// Prints `input`, and copies it to `output`. Returns errors of printing only.
fn dump(input: &Path, output: Option<&Path>) -> io::Result<ExitCode> {
    let mut printer = Printer::new()?;
    let status = match Recording::open(input) {
        Ok(recording) => dump_recording(recording, input, output, &mut printer)?,
        Err(end) => {
            printer.note("Error: fstrm_reader_open() failed.");
            printer.note(&explanation(input, &end));
            ExitCode::FAILURE
        }
    };
    printer.flush()?;
    Ok(status)
}

fn dump_recording(
    mut recording: Recording,
    input: &Path,
    output: Option<&Path>,
    printer: &mut Printer,
) -> io::Result<ExitCode> {
    print_start(recording.start(), printer);
    let mut copy = match output.map(|output| open_copy(&recording, output)).transpose() {
        Ok(copy) => copy,
        Err(error) => {
            printer.note("Error: fstrm_writer_open() failed.");
            printer.note(&format!("{}: {error}", program_name()));
            return Ok(ExitCode::FAILURE);
        }
    };
    let mut status = loop {
        let payloads = match recording.read() {
            Ok(payloads) => payloads,
            Err(end) => break print_end(input, &end, printer),
        };
        for payload in payloads.clone() {
            printer.note(&format!("Data frame ({}) bytes.", payload.len()));
            printer.quoted(payload);
        }
        // The next read may block.
        printer.flush()?;
        if let Some(copy) = &mut copy {
            let payloads: Vec<IoSlice<'_>> = payloads.map(IoSlice::new).collect();
            if let Err(error) = copy.write_frames(&payloads) {
                printer.note("Error: write_data_frame() failed.");
                printer.note(&format!("{}: {error}", program_name()));
                break ExitCode::FAILURE;
            }
        }
    };
    if let Some(Err(error)) = copy.map(|mut copy| copy.close()) {
        if !matches!(error, StreamError::NotOpen) {
            printer.note("Error: fstrm_writer_close() failed.");
            printer.note(&format!("{}: {error}", program_name()));
            status = ExitCode::FAILURE;
        }
    }
    Ok(status)
}

fn print_start(start: &ControlFrame, printer: &mut Printer) {
    printer.note("FSTRM_CONTROL_START.");
    if let Some(content_type) = start.content_types.first() {
        let size = content_type.len();
        printer.note(&format!("FSTRM_CONTROL_FIELD_CONTENT_TYPE ({size} bytes)."));
        printer.note_quoted(content_type);
    }
}

/// Prints how the recording ended, and returns the exit status. As with fstrm, a file without STOP is
/// not an error, since it may still be written.
fn print_end(input: &Path, end: &RecordingEnd, printer: &mut Printer) -> ExitCode {
    match end.ending {
        EndKind::Stop => printer.note("FSTRM_CONTROL_STOP."),
        EndKind::NoStop | EndKind::Torn(_) => printer.note(&explanation(input, end)),
        EndKind::Damaged(_) | EndKind::Io(_) => {
            printer.note("Error: fstrm_reader_read() failed.");
            printer.note(&explanation(input, end));
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

fn explanation(input: &Path, end: &RecordingEnd) -> String {
    format!("{}: {}: {end}", program_name(), input.display())
}

/// Opens a copy of `recording` with the same content type.
fn open_copy(recording: &Recording, output: &Path) -> Result<StreamWriter, StreamError> {
    let source = recording.file().metadata()?;
    if let Ok(target) = fs::metadata(output) {
        if target.is_file() && (target.dev(), target.ino()) == (source.dev(), source.ino()) {
            return Err(io::Error::other("input and output are the same file").into());
        }
    }
    let mut options = WriterOptions::default();
    for content_type in &recording.start().content_types {
        options.add_content_type(content_type).map_err(HandshakeError::from)?;
    }
    let mut copy = StreamWriter::new(Box::new(FileSender::new(output)), options);
    copy.open()?;
    Ok(copy)
}
