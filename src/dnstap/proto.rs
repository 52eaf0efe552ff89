// SPDX-License-Identifier: MIT OR Apache-2.0
//! Owned types, made by prost from `proto/dnstap.proto`: for where speed does not matter.
//!
//! They are independent of the encoder and the decoder of this crate, and so what these are tested
//! with.

#![allow(missing_docs)]

mod convert;

include!(concat!(env!("OUT_DIR"), "/dnstap.rs"));
