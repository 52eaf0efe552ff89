// SPDX-License-Identifier: MIT OR Apache-2.0
//! The C ABI of fstrm 0.6.1 over the `framestream` crate: one module for each header, each function
//! converts its arguments, calls the safe core, and converts the result.
//!
//! Every function goes through the kit in [`ffi`]: handles are boxes, NULL is answered with an
//! error, and a panic of ours ends at the boundary. What "as documented" means in a safety comment:
//! a pointer is NULL or points to what the documentation of the function, which is that of the
//! header, says; and one object is used by one thread at a time where it does not say otherwise.

#![allow(non_camel_case_types)]
// The modules are the headers; what each is about is said there.
#![allow(missing_docs, clippy::missing_safety_doc)]

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
