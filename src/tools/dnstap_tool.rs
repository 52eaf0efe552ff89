// SPDX-License-Identifier: MIT OR Apache-2.0
//! `dnstap`: captures, prints, converts, relays and exports what DNS servers log.

pub(crate) mod config;
pub mod options;
pub mod run;
