// SPDX-License-Identifier: MIT OR Apache-2.0
//! Durations for users.

use std::fmt::{self, Display, Formatter};
use std::time::Duration;

/// A duration as text, in seconds with up to three decimals: "5 s", "0.25 s". Does not use
/// floating-point numbers, as the code to format them would add 17 KB to the library.
#[derive(Clone, Copy, Debug)]
pub struct Seconds(pub Duration);

impl Display for Seconds {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.0.as_secs(), self.0.subsec_millis());
        match rest {
            0 => write!(formatter, "{whole} s"),
            rest if rest % 100 == 0 => write!(formatter, "{whole}.{} s", rest / 100),
            rest if rest % 10 == 0 => write!(formatter, "{whole}.{:02} s", rest / 10),
            rest => write!(formatter, "{whole}.{rest:03} s"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trailing_zeros_are_omitted() {
        for (milliseconds, text) in [
            (0, "0 s"),
            (1, "0.001 s"),
            (20, "0.02 s"),
            (300, "0.3 s"),
            (250, "0.25 s"),
            (1_005, "1.005 s"),
            (5_000, "5 s"),
            (600_000, "600 s"),
        ] {
            assert_eq!(Seconds(Duration::from_millis(milliseconds)).to_string(), text);
        }
    }
}
