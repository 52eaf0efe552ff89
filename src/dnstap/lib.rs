// SPDX-License-Identifier: MIT OR Apache-2.0
//! dnstap: what a DNS server saw of one message, and when.
//!
//! An [`Event`] is a borrowed view: [`encode`] writes one into a buffer in place, [`decode`] finds
//! one in a frame, neither allocates. Names and numbers are those of `proto/dnstap.proto`. A
//! [`sink`] sends what threads log, from the ring where it was encoded; a [`writer`] writes what one
//! thread has, and waits.

pub mod decode;
pub mod encode;
pub mod message;
pub mod message_types;
pub mod output;
#[cfg(feature = "prost")]
pub mod proto;
pub mod reader;
mod ring;
pub mod sample;
mod sample_rate;
pub mod schema;
pub mod sink;
mod wire;
pub mod writer;

pub use message::{Event, Message, Policy};
