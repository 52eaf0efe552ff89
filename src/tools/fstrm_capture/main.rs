// SPDX-License-Identifier: MIT OR Apache-2.0
//! Receives Frame Streams from a socket and saves them in files.

#![forbid(unsafe_code)]

use std::process::ExitCode;

use fstrm_tools::command_line;
use fstrm_tools::fstrm_capture::options::CaptureOptions;
use fstrm_tools::fstrm_capture::run;

fn main() -> ExitCode {
    match command_line::options::<CaptureOptions>() {
        Ok(options) => run::run(&options),
        Err(status) => status,
    }
}
