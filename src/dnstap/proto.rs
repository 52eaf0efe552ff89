// SPDX-License-Identifier: MIT OR Apache-2.0
//! Owned types for prost, for programs that keep events or pass them to other threads, and whose
//! speed does not matter.
//!
//! ```
//! use dnstap::{Event, proto};
//! use prost::Message as _;
//!
//! let event = Event { identity: Some(b"ns1"), ..Event::new() };
//! let owned = proto::Dnstap::from(&event);
//! let frame = owned.encode_to_vec();
//! assert_eq!(Event::decode(&frame)?, Event::from(&owned));
//! # Ok::<(), dnstap::decode::DecodeError>(())
//! ```
//!
//! They are generated from `dnstap.proto`, and independent of the encoder and the decoder of this
//! crate, which are therefore tested against them.

// The schema does not describe each field.
#![allow(missing_docs)]

mod convert;

// Generated: see tests/proto.rs.
include!("proto/dnstap.rs");
