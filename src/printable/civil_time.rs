// SPDX-License-Identifier: MIT OR Apache-2.0
//! Calendar dates and times for any 64-bit number of seconds, as a frame may contain any.

use crate::text::TextSink;

/// Seconds per day.
const DAY: i64 = 86_400;

/// A date and time of the Gregorian calendar in UTC.
pub struct CivilTime {
    year: i64,
    month: u8,
    day: u8,
    hour: u8,
    minute: u8,
    second: u8,
}

impl CivilTime {
    /// Returns the date and time `seconds` after 1970-01-01 00:00:00.
    pub fn at(seconds: i64) -> Self {
        let of_day = seconds.rem_euclid(DAY);
        // Counts days from 1 March of the year 0, so that a leap day is the last day of a year. 400
        // years have 146,097 days.
        let days = seconds.div_euclid(DAY) + 719_468;
        let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
        let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
        let of_year = day - (365 * year + year / 4 - year / 100);
        let month = (5 * of_year + 2) / 153;
        Self {
            year: era * 400 + year + i64::from(month >= 10),
            month: (if month < 10 { month + 3 } else { month - 9 }) as u8,
            day: (of_year - (153 * month + 2) / 5 + 1) as u8,
            hour: (of_day / 3600) as u8,
            minute: (of_day / 60 % 60) as u8,
            second: (of_day % 60) as u8,
        }
    }

    /// Prints year, month and day, separated by `separator`.
    pub fn date(&self, separator: &str, out: &mut impl TextSink) {
        if self.year < 0 {
            out.byte(b'-');
        }
        out.padded(self.year.unsigned_abs(), 4);
        out.str(separator);
        out.padded(self.month, 2);
        out.str(separator);
        out.padded(self.day, 2);
    }

    /// Prints hour, minute and second, separated by `separator`.
    pub fn time(&self, separator: &str, out: &mut impl TextSink) {
        out.padded(self.hour, 2);
        out.str(separator);
        out.padded(self.minute, 2);
        out.str(separator);
        out.padded(self.second, 2);
    }
}

/// Prints seconds since 1970 as the 14 digits YYYYMMDDHHMMSS used in signatures.
pub fn date_time_digits(seconds: u64, out: &mut impl TextSink) {
    let calendar = CivilTime::at(seconds as i64);
    calendar.date("", out);
    calendar.time("", out);
}
