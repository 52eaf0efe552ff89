// SPDX-License-Identifier: MIT OR Apache-2.0
//! Times of the calendar for any number of seconds: a frame may carry any.

use crate::text::Text;

/// Seconds of a day.
const DAY: i64 = 86_400;

/// A time of the Gregorian calendar in UTC.
pub struct CivilTime {
    year: i64,
    month: u8,
    day: u8,
    hour: u8,
    minute: u8,
    second: u8,
}

impl CivilTime {
    /// Returns the time `seconds` after the beginning of 1970.
    pub fn at(seconds: i64) -> Self {
        let of_day = seconds.rem_euclid(DAY);
        // Days since the first of March of the year 0; years that begin in March end with the day
        // that leap years add. 400 years have 146,097 days.
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

    /// Prints year, month and day, with `between` between them.
    pub fn date(&self, between: &str, out: &mut impl Text) {
        if self.year < 0 {
            out.byte(b'-');
        }
        out.padded(self.year.unsigned_abs(), 4);
        out.str(between);
        out.padded(self.month, 2);
        out.str(between);
        out.padded(self.day, 2);
    }

    /// Prints hour, minute and second, with `between` between them.
    pub fn time(&self, between: &str, out: &mut impl Text) {
        out.padded(self.hour, 2);
        out.str(between);
        out.padded(self.minute, 2);
        out.str(between);
        out.padded(self.second, 2);
    }
}

/// Prints seconds since 1970 as the 14 digits of date and time that signatures have.
pub fn date_time_digits(seconds: u64, out: &mut impl Text) {
    let calendar = CivilTime::at(seconds.cast_signed());
    calendar.date("", out);
    calendar.time("", out);
}
