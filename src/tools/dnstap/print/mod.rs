// SPDX-License-Identifier: MIT OR Apache-2.0
//! Events as text: quiet, YAML and JSON, as the golang `dnstap` prints them. Where ours differ, and
//! why, is in `docs/dnstap.md`.

pub mod bound;
pub mod edns;
pub mod json;
pub mod message;
pub mod quiet;
pub mod text;
pub mod time;
pub mod yaml;

use ::dnstap::Event;
use ::dnstap::decode::DecodeError;

use text::Text;
use time::Clock;

/// The forms of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// One line a message.
    Quiet,
    /// One YAML document a message.
    Yaml,
    /// One JSON object a line.
    Json,
}

/// Prints events.
#[derive(Debug)]
pub struct Printer {
    style: Style,
    clock: Clock,
    /// Text that is on its way into quotation marks or an indented block.
    scratch: Vec<u8>,
}

impl Printer {
    /// Prints in one style.
    pub fn new(style: Style) -> Self {
        Self { style, clock: Clock::default(), scratch: Vec::new() }
    }

    /// Appends what a frame holds to `out`.
    pub fn print(&mut self, event: &Event<'_>, out: &mut Vec<u8>) {
        match self.style {
            Style::Quiet => quiet::print(event, &mut self.clock, out),
            Style::Yaml => yaml::print(event, &mut self.clock, &mut self.scratch, out),
            Style::Json => json::print(event, &mut self.clock, &mut self.scratch, out),
        }
    }

    /// Appends a frame that holds no event to `out`, as the bytes that it has.
    pub fn print_bad(&mut self, frame: &[u8], error: &DecodeError, out: &mut Vec<u8>) {
        let error = error.to_string();
        match self.style {
            Style::Quiet => {
                out.str("[no dnstap: ");
                out.str(&error);
                out.str("] ");
                bound::hex(frame, out);
            }
            Style::Yaml => {
                out.str("# no dnstap: ");
                out.str(&error);
                out.str("\nframe: \"");
                bound::hex(frame, out);
                out.str("\"\n---");
            }
            Style::Json => {
                out.str("{\"error\":\"no dnstap: ");
                out.str(&error);
                out.str("\",\"frame\":\"");
                bound::hex(frame, out);
                out.str("\"}");
            }
        }
        out.byte(b'\n');
    }
}

/// Prints the name of an enumeration's value, or the number that has none.
pub fn named(name: Option<&str>, number: u32, out: &mut Vec<u8>) {
    match name {
        Some(name) => out.str(name),
        // Protobuf sends an `int32`.
        None if number.cast_signed() < 0 => {
            out.byte(b'-');
            out.number(number.cast_signed().unsigned_abs());
        }
        None => out.number(number),
    }
}
