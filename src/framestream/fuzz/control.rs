// SPDX-License-Identifier: MIT OR Apache-2.0
//! Fuzzes control frames.

#![no_main]

mod checks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::control(bytes));
