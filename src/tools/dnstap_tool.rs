// SPDX-License-Identifier: MIT OR Apache-2.0
//! `dnstap`: captures, prints, converts, relays and exports what DNS servers log.

pub mod account;
pub mod address;
pub mod batch;
pub mod distinct;
pub mod dns;
pub mod input;
pub mod mask;
pub mod options;
pub mod outage;
pub mod output;
pub mod outputs;
pub mod pairing;
pub mod plain;
pub mod print;
pub mod queue;
pub mod run;
pub mod select;
pub mod stamp;
pub mod stats;
pub mod worker;
