// SPDX-License-Identifier: MIT OR Apache-2.0
//! The programs without their `main`: options, and the assembly of the other crates.

#![forbid(unsafe_code)]

pub mod command_line;
pub mod dnstap_tool;
pub mod fstrm_capture;
pub mod printer;
mod setup_error;
