// SPDX-License-Identifier: MIT OR Apache-2.0
//! Times of messages as text.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use printable::civil_time::CivilTime;
use printable::text::TextSink;

const BILLION: u32 = 1_000_000_000;

/// Returns whether a time is within the years 1 to 9999.
pub(crate) fn has_year_of_four_digits(seconds: u64, nanoseconds: u32) -> bool {
    const YEAR_1: i64 = -62_135_596_800;
    const YEAR_10000: i64 = 253_402_300_800;
    let carry = i64::from(nanoseconds / BILLION);
    (YEAR_1..YEAR_10000).contains(&(seconds as i64).wrapping_add(carry))
}

/// A printer of times that caches the text of the last second, which consecutive messages often share.
#[derive(Debug, Default)]
pub(crate) struct TimePrinter {
    utc: Option<(i64, u8, Vec<u8>)>,
    local: Option<(i64, Vec<u8>)>,
    zone: Option<TimeZone>,
}

impl TimePrinter {
    /// Prints date and time in UTC, separated by `between`, and nanoseconds without trailing zeros.
    pub(crate) fn date_time(
        &mut self,
        seconds: u64,
        nanoseconds: u32,
        between: u8,
        out: &mut Vec<u8>,
    ) {
        let carry = i64::from(nanoseconds / BILLION);
        let seconds = (seconds as i64).wrapping_add(carry);
        match &self.utc {
            Some((last, separator, text)) if (*last, *separator) == (seconds, between) => {
                out.extend_from_slice(text);
            }
            _ => {
                let calendar = CivilTime::at(seconds);
                let mut text = Vec::with_capacity(19);
                calendar.date("-", &mut text);
                text.push(between);
                calendar.time(":", &mut text);
                out.extend_from_slice(&text);
                self.utc = Some((seconds, between, text));
            }
        }
        let mut fraction = nanoseconds % BILLION;
        if fraction > 0 {
            let mut width = 9;
            while fraction % 10 == 0 {
                fraction /= 10;
                width -= 1;
            }
            out.push(b'.');
            out.padded(fraction, width);
        }
    }

    /// Prints the local time of day with microseconds. Missing parts are printed as question marks.
    pub(crate) fn time_of_day(
        &mut self,
        seconds: Option<u64>,
        nanoseconds: Option<u32>,
        out: &mut Vec<u8>,
    ) {
        match seconds {
            Some(seconds) => self.local(seconds as i64, out),
            None => out.str("??:??:??"),
        }
        out.push(b'.');
        match nanoseconds {
            Some(nanoseconds) => out.padded(nanoseconds / 1000, 6),
            None => out.str("??????"),
        }
    }

    fn local(&mut self, seconds: i64, out: &mut Vec<u8>) {
        if let Some((last, text)) = &self.local {
            if *last == seconds {
                return out.extend_from_slice(text);
            }
        }
        let zone = self.zone.get_or_insert_with(TimeZone::system);
        // Times out of the range of `Timestamp` are printed in UTC.
        let offset = Timestamp::from_second(seconds)
            .map_or(0, |timestamp| zone.to_offset(timestamp).seconds());
        let mut text = Vec::with_capacity(8);
        CivilTime::at(seconds.wrapping_add(offset.into())).time(":", &mut text);
        out.extend_from_slice(&text);
        self.local = Some((seconds, text));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date_time(seconds: u64, nanoseconds: u32) -> String {
        let mut out = Vec::new();
        TimePrinter::default().date_time(seconds, nanoseconds, b'T', &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_calendar_agrees_with_jiff() {
        for step in 0..4000 {
            let seconds = step * 61_234_567_u64;
            let expected = Timestamp::from_second(seconds as i64).unwrap().to_string();
            assert_eq!(format!("{}Z", date_time(seconds, 0)), expected);
        }
    }

    #[test]
    fn fractions_have_no_trailing_zeros_and_carry() {
        assert_eq!(date_time(0, 100_000_000), "1970-01-01T00:00:00.1");
        assert_eq!(date_time(0, 12_000), "1970-01-01T00:00:00.000012");
        assert_eq!(date_time(59, 2 * BILLION + 1), "1970-01-01T00:01:01.000000001");
    }

    #[test]
    fn years_of_four_digits_end_with_9999() {
        for (seconds, nanoseconds, expected) in [
            (0, 0, true),
            (253_402_300_799, BILLION - 1, true),
            (253_402_300_799, BILLION, false),
            (253_402_300_800, 0, false),
            (u64::MAX, 0, true),
            (u64::MAX / 2, 0, false),
            (u64::MAX / 2 + 1, 0, false),
        ] {
            assert_eq!(has_year_of_four_digits(seconds, nanoseconds), expected, "{seconds}");
        }
    }

    #[test]
    fn any_time_can_be_printed() {
        assert_eq!(date_time(253_402_300_800, 0), "10000-01-01T00:00:00");
        for seconds in [u64::MAX, u64::MAX / 2, 1 << 62] {
            date_time(seconds, u32::MAX);
        }
    }
}
