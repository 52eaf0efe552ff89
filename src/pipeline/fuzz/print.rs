// SPDX-License-Identifier: MIT OR Apache-2.0
//! Fuzzes printing and counting frames.

#![no_main]

mod checks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::print(bytes));
