// SPDX-License-Identifier: MIT OR Apache-2.0
//! Parsers of permissions, sizes and durations in options.

use std::time::Duration;

use thiserror::Error;

/// The error of an invalid quantity.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum QuantityError {
    /// Permissions.
    #[error("not an octal number up to 777")]
    Permissions,
    /// A number of bytes.
    #[error("not a number of bytes, optionally followed by k, M or G")]
    Size,
    /// A duration.
    #[error("\"{0}\" is not a duration, such as 5s, 500ms or 1m30s")]
    Duration(String),
}

/// Parses the permissions of a file, in octal.
pub fn permissions(text: &str) -> Result<u32, QuantityError> {
    let mode = u32::from_str_radix(text, 8).ok();
    mode.filter(|mode| *mode <= 0o777).ok_or(QuantityError::Permissions)
}

/// Parses a number of bytes, with k, M or G for powers of 1024.
pub fn size(text: &str) -> Result<u64, QuantityError> {
    let (digits, shift) = match text.as_bytes().last() {
        Some(b'k' | b'K') => (&text[..text.len() - 1], 10),
        Some(b'm' | b'M') => (&text[..text.len() - 1], 20),
        Some(b'g' | b'G') => (&text[..text.len() - 1], 30),
        _ => (text, 0),
    };
    let number: Option<u64> = digits.parse().ok();
    number
        .filter(|&number| number > 0)
        .and_then(|number| number.checked_mul(1 << shift))
        .ok_or(QuantityError::Size)
}

/// Parses a duration in the format of Go: numbers with units.
pub fn duration(text: &str) -> Result<Duration, QuantityError> {
    let invalid = || QuantityError::Duration(text.into());
    let mut rest = text;
    let mut seconds = 0.0;
    if text.is_empty() {
        return Err(invalid());
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, after) = rest.split_at(digits);
        let unit = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
        let (unit, after) = after.split_at(unit);
        let scale = match unit {
            "h" => 3600.0,
            "m" => 60.0,
            // Unlike Go, accept seconds without a unit.
            "s" | "" => 1.0,
            "ms" => 1e-3,
            "us" | "µs" => 1e-6,
            "ns" => 1e-9,
            _ => return Err(invalid()),
        };
        seconds += number.parse::<f64>().map_err(|_| invalid())? * scale;
        rest = after;
    }
    Duration::try_from_secs_f64(seconds).map_err(|_| invalid())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_accept_suffixes_and_reject_invalid_values() {
        assert_eq!(size("10"), Ok(10));
        assert_eq!(size("2k"), Ok(2048));
        assert_eq!(size("3M"), Ok(3 << 20));
        assert_eq!(size("1G"), Ok(1 << 30));
        for nonsense in ["", "0", "M", "1T", "-1", "99999999999G", "1é"] {
            assert!(size(nonsense).is_err(), "{nonsense}");
        }
    }

    #[test]
    fn durations_are_parsed_like_those_of_go() {
        assert_eq!(duration("5s"), Ok(Duration::from_secs(5)));
        assert_eq!(duration("1m30s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        for invalid in ["", "s", "1x", "-1s", "1.2.3s"] {
            assert!(duration(invalid).is_err(), "{invalid}");
        }
    }
}
