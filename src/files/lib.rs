// SPDX-License-Identifier: MIT OR Apache-2.0
//! Files of frames and text: written, rotated, continued and compressed, and read again.
//!
//! ```text
//! frames or text -> rotating_file -> output_file -> compressor -> output_handle
//!                   (names, splits)  (START, STOP)                (writes)
//! ```

#![forbid(unsafe_code)]

pub mod backoff;
pub mod compressor;
pub mod content;
pub mod continued_file;
pub mod damage;
pub mod destination;
pub mod distinct;
pub mod empty_file;
pub mod file_name;
pub mod foreign;
mod free_name;
pub mod identity;
pub mod input;
mod leftover;
pub mod link;
pub mod output_file;
mod output_handle;
mod partial_file;
pub mod post_rotate;
mod provisional;
pub mod read_ahead;
pub mod recording;
pub mod rotating_file;
mod torn_text;

/// The name that stands for the standard input.
pub const STANDARD_INPUT: &str = "-";

/// The name that stands for the standard output.
pub const STANDARD_OUTPUT: &str = "-";
