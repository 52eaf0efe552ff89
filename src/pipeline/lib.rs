// SPDX-License-Identifier: MIT OR Apache-2.0
//! The path of frames from receivers and files to outputs.
//!
//! ```text
//! files -----------.
//! receive (sockets) --> queue -> worker (select, mask) -> outputs
//! ```

#![forbid(unsafe_code)]

pub mod account;
pub mod address;
pub mod columns;
pub mod decoded_frame;
pub mod feed;
pub mod format;
pub mod frame_copier;
pub mod mask;
mod outage;
pub mod output;
pub mod outputs;
mod pairing;
pub mod print;
pub mod quantity;
pub mod queue;
mod remarks;
pub mod select;
pub mod stamp;
pub mod stats;
pub mod worker;
