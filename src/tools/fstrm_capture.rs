// SPDX-License-Identifier: MIT OR Apache-2.0
//! Receives Frame Streams from a socket and saves them in files.

#![forbid(unsafe_code)]

use std::process::ExitCode;

use fstrm_tools::capture::{self, options::CaptureOptions};
use fstrm_tools::command_line;

fn main() -> ExitCode {
    match command_line::options::<CaptureOptions>() {
        Ok(options) => capture::run(&options),
        Err(status) => status,
    }
}
