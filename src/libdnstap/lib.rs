// SPDX-License-Identifier: MIT OR Apache-2.0
//! `<libdnstap.h>`: the C ABI over the `dnstap` crate. Each function converts its arguments, calls
//! the safe core, and converts the result.
//!
//! Every function goes through the kit in [`ffi`]: handles are boxes, NULL is answered with an
//! error, and a panic of ours ends at the boundary. What "as documented" means in a safety comment:
//! a pointer is NULL or points to what the documentation of the function, which is that of the
//! header, says; and one object is used by one thread at a time where it does not say otherwise.

#![allow(non_camel_case_types)]
// The documentation of each module is that of its part of the header.
#![allow(missing_docs, clippy::missing_safety_doc)]

pub mod codec;
pub mod event;
mod fast_path;
mod fault;
pub mod log;
pub mod message;
pub mod names;
pub mod options;
pub mod queue;
pub mod reader;
pub mod result;
pub mod sink;
mod slow_path;
pub mod symbols;
pub mod version;
pub mod writer;
