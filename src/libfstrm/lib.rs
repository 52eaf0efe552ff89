// SPDX-License-Identifier: MIT OR Apache-2.0
//! The C ABI of fstrm 0.6.1 over the `framestream` crate, with one module for each header. Each
//! function converts its arguments, calls the safe core, and converts the result.
//!
//! Every function uses the kit in [`ffi`]: handles are boxes, NULL results in an error, and panics
//! do not cross the boundary. In safety comments, "as documented" means that each pointer is NULL
//! or valid as the documentation of the function requires, which is that of the header, and that
//! one thread at a time uses an object unless the documentation allows more.

#![allow(non_camel_case_types)]
// The modules are the headers, which have introductions of their own.
#![allow(missing_docs, clippy::missing_safety_doc, rustdoc::broken_intra_doc_links)]

pub mod control;
pub mod file;
pub mod iothr;
pub mod rdwr;
pub mod reader;
pub mod res;
pub mod stats;
mod stdio;
pub mod tcp_writer;
pub mod unix_writer;
pub mod writer;
