// SPDX-License-Identifier: MIT OR Apache-2.0
//! Fuzzes the text form of outputs.

#![no_main]

mod checks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::output(bytes));
