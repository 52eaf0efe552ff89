// SPDX-License-Identifier: MIT OR Apache-2.0
//! dnstap: DNS messages that a server received or sent, with their context.
//!
//! An [`Event`] is a borrowed view: [`encode`] writes one into a buffer, [`decode`] reads one from
//! a frame; neither allocates. Names and numbers are those of `proto/dnstap.proto`. A [`sink`]
//! sends the messages that threads log, without making them wait; a [`writer`] writes messages from
//! one thread, which waits.

#![deny(missing_docs)]

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

/// The examples of the package's page, as tests.
#[cfg(doctest)]
#[doc = include_str!("README.md")]
struct Readme;
