// SPDX-License-Identifier: MIT OR Apache-2.0
//! File names: patterns for strftime(3) in the C locale, and prefixes that select a kind of file.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use jiff::fmt::strtime::{BrokenDownTime, Config, PosixCustom};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ZonedDateTime};

/// The conversion specifiers of glibc.
const CONVERSIONS: &[u8] = b"aAbBcCdDeFgGhHIjklmMnpPrRsStTuUVwWxXyYzZ%";

/// The time zone for expanding patterns.
#[derive(Clone, Debug)]
pub struct Calendar(TimeZone);

impl Calendar {
    /// Returns the time zone of the environment variable `TZ`, or of the system.
    pub fn local() -> Self {
        Self(TimeZone::system())
    }

    /// Returns UTC, which `%Z` prints as GMT, like `gmtime`.
    pub fn gmt() -> Self {
        Self(TimeZone::posix("GMT0").unwrap_or(TimeZone::UTC))
    }

    /// Returns the path that `pattern` expands to at `time`.
    pub fn path(&self, pattern: &Path, time: Timestamp) -> Result<PathBuf, jiff::Error> {
        let name = self.name(pattern.as_os_str().as_bytes(), time)?;
        Ok(OsString::from_vec(name).into())
    }

    /// Expands the conversions in `pattern` with `time`. Everything else is kept.
    pub fn name(&self, pattern: &[u8], time: Timestamp) -> Result<Vec<u8>, jiff::Error> {
        let time = time.to_zoned_datetime(self.0.clone());
        let mut name = Vec::new();
        let mut rest = pattern;
        while let Some(percent) = rest.iter().position(|&byte| byte == b'%') {
            name.extend_from_slice(&rest[..percent]);
            rest = &rest[percent..];
            let length = conversion_length(rest);
            let (conversion, after) = rest.split_at(length.unwrap_or(1));
            match length {
                Some(_) => name.extend_from_slice(convert(conversion, &time)?.as_bytes()),
                None => name.extend_from_slice(conversion),
            }
            rest = after;
        }
        name.extend_from_slice(rest);
        Ok(name)
    }
}

/// Returns the word in front of the first colon of `name` if it may name a kind, such as `quiet` in
/// `quiet:FILE` or `tls` in `tls:HOST:PORT`.
pub fn prefix(name: &str) -> Option<&str> {
    let (word, _) = name.split_once(':')?;
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let is_word = word.starts_with(|first: char| first.is_ascii_alphabetic());
    (is_word && word.bytes().all(is_part)).then_some(word)
}

/// Returns whether `pattern` contains conversions.
pub fn has_conversions(pattern: &[u8]) -> bool {
    (0..pattern.len()).any(|at| pattern[at] == b'%' && conversion_length(&pattern[at..]).is_some())
}

/// Returns whether `pattern` can expand to `name`: they are equal except for the conversions.
pub(crate) fn can_become(pattern: &[u8], name: &[u8]) -> bool {
    // Find the text between conversions from left to right; the last part must be at the end.
    let mut parts = Vec::new();
    let (mut part, mut at) = (Vec::new(), 0);
    while at < pattern.len() {
        match conversion_length(&pattern[at..]).filter(|_| pattern[at] == b'%') {
            Some(length) => {
                parts.push(std::mem::take(&mut part));
                at += length;
            }
            None => {
                part.push(pattern[at]);
                at += 1;
            }
        }
    }
    let Some((first, between)) = parts.split_first() else { return name == part };
    let Some(name) = name.strip_prefix(&first[..]) else { return false };
    let Some(mut rest) = name.strip_suffix(&part[..]) else { return false };
    for part in between.iter().filter(|part| !part.is_empty()) {
        match rest.windows(part.len()).position(|window| window == &part[..]) {
            Some(found) => rest = &rest[found + part.len()..],
            None => return false,
        }
    }
    true
}

/// Returns the length of the conversion at the beginning of `text`.
fn conversion_length(text: &[u8]) -> Option<usize> {
    let is_flag = |byte: &u8| b"_-0^#".contains(byte);
    let flags = text[1..].iter().take_while(|byte| is_flag(byte)).count();
    let width = text[1 + flags..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let modifier = text[1 + flags + width..].first().is_some_and(|byte| b"EO".contains(byte));
    let letter = 1 + flags + width + usize::from(modifier);
    text.get(letter).filter(|byte| CONVERSIONS.contains(byte)).map(|_| letter + 1)
}

fn convert(conversion: &[u8], time: &ZonedDateTime) -> Result<String, jiff::Error> {
    // In the C locale, the modifiers `E` and `O` have no effect.
    let format: String = conversion
        .iter()
        .filter(|byte| !b"EO".contains(byte))
        .map(|&byte| char::from(byte))
        .collect();
    let config = Config::new().custom(PosixCustom::new());
    BrokenDownTime::from(time).to_string_with_config(&config, &format)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use jiff::Timestamp;
    use jiff::tz::TimeZone;

    use super::{CONVERSIONS, Calendar, can_become, has_conversions, prefix};

    /// Returns the output of coreutils' date(1), whose conversions are those of strftime(3), for
    /// `pattern`.
    fn date(zone: &str, pattern: &str, second: i64) -> String {
        let output = Command::new("date")
            .env("TZ", zone)
            .env("LC_ALL", "C")
            .args(["-d", &format!("@{second}"), &format!("+{pattern}")])
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap().strip_suffix('\n').unwrap().into()
    }

    /// Every conversion, and some with flags, widths and modifiers.
    fn patterns() -> Vec<String> {
        let plain = CONVERSIONS.iter().map(|&letter| format!("%{}", char::from(letter)));
        let others = "dnstap-%F-%T.fstrm %-d %_d %0e %^a %^B %#Z %-H %_M %-j %10d %06H 100%% \
                      %Ey %EY %EC %Od %OH %Oy %Ec %Ex %EX";
        plain.chain(others.split(' ').map(String::from)).collect()
    }

    #[test]
    fn names_match_strftime() {
        let local = TimeZone::get("Europe/Berlin").expect("the Debian package tzdata is missing");
        let zones = [("GMT0", Calendar::gmt()), ("Europe/Berlin", Calendar(local))];
        // A single-digit day, a leap day, both ends of an ISO week year, noon and midnight.
        for second in [0, 951_782_400, 1_104_541_385, 1_230_768_000, 1_720_958_399, 1_767_225_599] {
            let time = Timestamp::from_second(second).unwrap();
            for (zone, calendar) in &zones {
                for pattern in patterns() {
                    let name = calendar.name(pattern.as_bytes(), time).unwrap();
                    let name = String::from_utf8(name).unwrap();
                    assert_eq!(name, date(zone, &pattern, second), "{pattern} {zone} {second}");
                }
            }
        }
    }

    #[test]
    fn names_of_a_pattern_are_recognised() {
        for (pattern, name, expected) in [
            ("x", "x", true),
            ("x", "xy", false),
            ("x-%F.fstrm", "x-2026-11-30.fstrm", true),
            ("x-%F.fstrm", "x-2026-11-30.zst", false),
            ("x-%F.fstrm", "y-2026-11-30.fstrm", false),
            ("%H:%M", "10:15", true),
            ("%H:%M", "1015", false),
            ("%F", "2026-11-30", true),
            ("a%Hb%Ma", "a10b", false),
        ] {
            assert_eq!(
                can_become(pattern.as_bytes(), name.as_bytes()),
                expected,
                "{pattern} {name}"
            );
        }
    }

    #[test]
    fn a_word_and_a_colon_are_a_prefix() {
        for (name, expected) in [
            ("kafka:x", Some("kafka")),
            ("QUIET:x", Some("QUIET")),
            ("a-b_c:", Some("a-b_c")),
            ("./a:b", None),
            ("/a:b", None),
            ("x-%H:%M", None),
            ("10:00", None),
            ("a.b:c", None),
            ("plain", None),
        ] {
            assert_eq!(prefix(name), expected, "{name}");
        }
    }

    #[test]
    fn other_text_is_kept() {
        let name = |pattern: &[u8]| Calendar::gmt().name(pattern, Timestamp::UNIX_EPOCH).unwrap();
        for pattern in
            [&b""[..], b"plain", b"%", b"%f", b"a%", b"%-", b"%E", b"%Q%N%1", b"\xff%\xff"]
        {
            assert_eq!(name(pattern), pattern);
            assert!(!has_conversions(pattern));
        }
        assert!(has_conversions(b"%%f") && has_conversions(b"a%f%06H"));
        assert_eq!(name(b"\xfe%Y%%%f%y\xff"), b"\xfe1970%%f70\xff");
    }
}
