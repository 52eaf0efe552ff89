// SPDX-License-Identifier: MIT OR Apache-2.0
//! Runs the checks of the fuzz targets on their seeds and cases.

#[path = "../fuzz/checks.rs"]
mod checks;

#[macro_use]
mod replay;

replay!(address, control, handshake, stream);
