// SPDX-License-Identifier: MIT OR Apache-2.0
//! Fuzzes exporting frames in all formats.

#![no_main]

mod checks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::export(bytes));
