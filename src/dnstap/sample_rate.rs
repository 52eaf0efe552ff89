// SPDX-License-Identifier: MIT OR Apache-2.0
//! The record of the sample rate in an event, from which a reader learns how many messages the
//! event stands for.
//!
//! `Dnstap` has no field for the rate, so it goes where annotations go: an event that stands for
//! N messages has an `extra` of `sample=1/N`, followed by a space and the sender's own bytes if
//! there are any.

/// The beginning of `extra`.
const PREFIX: &str = "sample=1/";

/// The separator between the rate and the sender's own bytes.
pub(crate) const SEPARATOR: &[u8] = b" ";

/// Returns the record of a rate; empty if every message is logged.
pub(crate) fn record(rate: u32) -> Box<[u8]> {
    if rate > 1 { format!("{PREFIX}{rate}").into_bytes().into() } else { Box::default() }
}

/// Returns how many messages an event stands for, by its `extra`: 1 if there is no record.
pub fn rate_of(extra: &[u8]) -> u32 {
    let Some(rest) = extra.strip_prefix(PREFIX.as_bytes()) else { return 1 };
    let digits = rest.split(|byte| *byte == SEPARATOR[0]).next().unwrap_or_default();
    let rate = std::str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok());
    rate.filter(|rate| *rate > 0).unwrap_or(1)
}

/// Returns the record of a rate in `extra`, without the sender's own bytes. `None` if there is
/// none.
pub fn record_in(extra: &[u8]) -> Option<&[u8]> {
    let record = extra.split(|byte| *byte == SEPARATOR[0]).next()?;
    (rate_of(record) > 1).then_some(record)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_read_as_it_was_recorded() {
        for rate in [1, 2, 10, u32::MAX] {
            assert_eq!(rate_of(&record(rate)), rate);
            let with_own = [&record(rate), SEPARATOR, b"tag=7"].concat();
            assert_eq!(rate_of(&with_own), rate);
            assert_eq!(record_in(&with_own), (rate > 1).then_some(&*record(rate)));
        }
        for other in [b"".as_slice(), b"sample=1/", b"sample=1/0", b"sample=1/x", b"tag sample=1/2"]
        {
            assert_eq!(rate_of(other), 1);
            assert_eq!(record_in(other), None);
        }
    }
}
