// SPDX-License-Identifier: MIT OR Apache-2.0
//! Fuzzes the formats that frames are exported to.

#![no_main]

mod checks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::export(bytes));
