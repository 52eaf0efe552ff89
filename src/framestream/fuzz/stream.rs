// SPDX-License-Identifier: MIT OR Apache-2.0
//! Fuzzes the walk over streams, and the reader.

#![no_main]

mod checks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::stream(bytes));
