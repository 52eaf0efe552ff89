// SPDX-License-Identifier: MIT OR Apache-2.0
//! The library of the command-line programs: the receiver of `fstrm_capture` and `dnstap`, and the modules they share.

#![forbid(unsafe_code)]

pub mod capture;
pub mod command_line;
pub mod dnstap_tool;
pub mod printable;
pub mod printer;
pub mod quoted;
pub mod read_ahead;
pub mod recording;
pub mod standard_error;
