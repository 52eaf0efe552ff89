// SPDX-License-Identifier: MIT OR Apache-2.0
//! Text that can be shown, whatever bytes it is made of: where text goes, its bounds, and the characters that are escaped.

#![forbid(unsafe_code)]

pub mod bound;
pub mod civil_time;
pub mod hidden;
pub mod quoted;
pub mod text;
