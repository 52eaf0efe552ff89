// SPDX-License-Identifier: MIT OR Apache-2.0
//! The C ABI of `<libdnstap.h>` over the `dnstap` crate. Each function converts its arguments,
//! calls the safe core, and converts the result.
//!
//! Every function uses the kit in [`ffi`]: handles are boxes, NULL results in an error, and panics
//! do not cross the boundary. In safety comments, "as documented" means that each pointer is NULL
//! or valid as the documentation of the function requires, which is that of the header, and that
//! one thread at a time uses an object unless the documentation allows more.

#![allow(non_camel_case_types)]
// The modules are documented in the header.
#![allow(missing_docs, clippy::missing_safety_doc, rustdoc::broken_intra_doc_links)]

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
