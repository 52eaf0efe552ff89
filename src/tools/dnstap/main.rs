// SPDX-License-Identifier: MIT OR Apache-2.0
//! Captures, prints, converts, relays and exports what DNS servers log.

#![forbid(unsafe_code)]

use std::process::ExitCode;

use clap::Parser;
use fstrm_tools::dnstap::options::Options;
use fstrm_tools::dnstap::run;

fn main() -> ExitCode {
    let options = Options::parse();
    options.check().unwrap_or_else(|error| error.exit());
    run::run(&options)
}
