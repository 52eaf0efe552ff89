// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the command-line programs share, and the receiver behind `fstrm_capture`.

#![forbid(unsafe_code)]

pub mod capture;
pub mod command_line;
pub mod dnstap;
pub mod printable;
pub mod printer;
pub mod quoted;
pub mod read_ahead;
pub mod recording;
pub mod standard_error;
