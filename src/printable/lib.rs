// SPDX-License-Identifier: MIT OR Apache-2.0
//! Safe text from arbitrary bytes: text sinks, length limits and escapes.

#![forbid(unsafe_code)]

pub mod bound;
pub mod civil_time;
pub mod hidden;
pub mod quoted;
pub mod text;
