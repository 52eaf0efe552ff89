// SPDX-License-Identifier: MIT OR Apache-2.0
//! Captures, prints, converts, relays and exports what DNS servers log.

#![forbid(unsafe_code)]

use std::process::ExitCode;

use clap::Parser;
use fstrm_tools::dnstap_tool::options::DnstapOptions;
use fstrm_tools::dnstap_tool::run;
use operator_log::standard_error::report;

/// The exit status for a wrong option.
const MISUSE: u8 = 2;

fn main() -> ExitCode {
    let ended = DnstapOptions::try_parse().and_then(|options| match options.completions {
        Some(shell) => Ok(run::completions(shell)),
        None => options.resolve().map(|config| run::run(&config)),
    });
    match ended {
        Ok(status) => status,
        Err(error) if error.use_stderr() => {
            report(error);
            ExitCode::from(MISUSE)
        }
        // Help is shown in colours.
        Err(error) => error.exit(),
    }
}
