// SPDX-License-Identifier: MIT OR Apache-2.0
//! Fuzzes what is printed and counted of a frame.

#![no_main]

mod checks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::print(bytes));
