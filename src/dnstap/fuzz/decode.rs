// SPDX-License-Identifier: MIT OR Apache-2.0
//! Fuzzes the decoder, and the encoder with decoded events.

#![no_main]

mod checks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::decode(bytes));
