// SPDX-License-Identifier: MIT OR Apache-2.0
//! Frame Streams: a light framing for messages on a byte stream, and writer threads that send them
//! without making the producing threads wait.
//!
//! ```text
//! submit -> queue -> backlog -> link -> transport  (iothr: producers and their writer thread)
//!                     Writer      -> transport     (one caller, blocking with a deadline)
//! Reader <- walker <- transport                    (one caller)
//! ```
//!
//! Readers with an event loop, a file or a buffer of their own use the [`walk`] alone.
//!
//! A stream can be reopened while frames are submitted ([`sender::Sender::reopen`]), and a process
//! with writer threads can be forked ([`fork`]).
//!
//! The format is that of fstrm 0.6.1; each item documents where it behaves differently. This crate
//! does not depend on the content of the frames.

#![deny(missing_docs)]

pub mod address;
pub mod background;
pub mod control;
pub mod fork;
pub mod frame;
pub mod handshake;
pub mod iothr;
mod plain_error;
pub mod queue;
pub mod reader;
mod seconds;
pub mod sender;
mod sockets;
mod stream;
pub mod sync;
pub mod transport;
pub mod walk;
pub mod writer;

pub use plain_error::plain_error;
pub use seconds::Seconds;
pub use stream::StreamError;

/// The examples of the package's page, as tests.
#[cfg(doctest)]
#[doc = include_str!("README.md")]
struct Readme;
