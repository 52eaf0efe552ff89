// SPDX-License-Identifier: MIT OR Apache-2.0
//! `fstrm_capture`: receives Frame Streams from a socket and saves them in files.

pub mod options;
pub mod run;
