// SPDX-License-Identifier: MIT OR Apache-2.0
//! Fuzzes reading and continuing files.

#![no_main]

mod checks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::file(bytes));
