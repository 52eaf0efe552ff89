// SPDX-License-Identifier: MIT OR Apache-2.0
//! Statistics as text, fitted to the size of a terminal.

use std::fmt::Write;

use dns::mnemonic;
use dnstap::schema::Hop;

use super::latency::{BOUNDS, Histogram};
use super::span::TimeSpan;
use super::top::TopKeys;
use super::{MessageStats, address_text, name_text, printed, protocol_name, type_name};

/// Maximum number of names and clients to show.
const TOP_SHOWN: usize = 10;

/// Maximum number of shares to show of one total, such as response codes.
const SHARES_SHOWN: usize = 8;

/// Width of the titles.
const MARGIN: usize = 11;

/// Width of the longest bar.
const BAR: usize = 40;

/// The size of the view.
#[derive(Clone, Copy, Debug)]
pub struct ViewSize {
    /// Number of columns.
    pub width: usize,
    /// Number of lines; `None` if it is unlimited.
    pub height: Option<usize>,
}

/// Returns the lines of the statistics, with the current rate in messages per second if it is known.
pub fn lines(stats: &MessageStats, rate: Option<f64>, size: ViewSize) -> Vec<String> {
    let mut lines = vec![headline(stats, rate)];
    if stats.bad_frames + stats.bad_dns > 0 {
        let MessageStats { bad_frames, bad_dns, .. } = stats;
        lines.push(format!(
            "{bad_frames} frames are not dnstap messages, {bad_dns} messages are not DNS"
        ));
    }
    if stats.unsent + stats.before_query > 0 {
        let MessageStats { unsent, before_query, .. } = stats;
        lines.push(format!(
            "{unsent} responses were not sent, {before_query} are before their query"
        ));
    }
    lines.push(String::new());
    let types = stats.types.iter().enumerate().map(|(number, count)| (type_name(number), *count));
    shares("types", types.map(|(name, count)| (name.to_owned(), count)), &mut lines);
    let protocols = stats.protocols.iter().enumerate();
    shares(
        "protocols",
        protocols.map(|(number, count)| (protocol_name(number), *count)),
        &mut lines,
    );
    let questions = stats.questions.iter();
    let type_text = |number: &u16| printed(|out| mnemonic::assigned_type_text(*number, out));
    shares("questions", questions.map(|(number, count)| (type_text(number), *count)), &mut lines);
    let code_text = |number: &u16| printed(|out| mnemonic::response_code_text(*number, out));
    let codes = stats.codes.iter();
    shares("codes", codes.map(|(number, count)| (code_text(number), *count)), &mut lines);
    let families = Hop::ALL.into_iter().map(Hop::name).zip(&stats.latency);
    let timed: Vec<(&str, &Histogram)> =
        families.filter(|(_, latency)| latency.count > 0).collect();
    for (index, (family, latency)) in timed.iter().enumerate() {
        let title = if index == 0 { "latency" } else { "" };
        lines.push(format!("{title:MARGIN$}{}", quantiles(family, latency)));
    }
    let room = size.height.map(|height| height.saturating_sub(lines.len()));
    // Show a histogram if it leaves room for names and clients.
    if let Some((family, latency)) = timed.iter().max_by_key(|(_, latency)| latency.count) {
        let bars = bars(family, latency);
        if room.is_none_or(|room| room >= bars.len() + 2 * 4) {
            lines.extend(bars);
        }
    }
    // Clients get half of the room; names get the rest.
    let room = size.height.map(|height| height.saturating_sub(lines.len()));
    let half = room.map_or(usize::MAX, |room| room / 2);
    let clients = top("clients", &stats.clients, half, address_text);
    let rest = room.map_or(usize::MAX, |room| room - clients.len().min(room));
    lines.extend(top("names", &stats.names, rest, name_text));
    lines.extend(clients);
    for line in &mut lines {
        *line = line.chars().take(size.width).collect();
    }
    lines.truncate(size.height.unwrap_or(usize::MAX));
    lines
}

fn headline(stats: &MessageStats, rate: Option<f64>) -> String {
    let mut line = format!("{} messages, {}", grouped(stats.frames), bytes(stats.bytes));
    if let Some((TimeSpan { first, last, count }, others)) = stats.times.largest() {
        let seconds = (last - first) as f64 / 1e9;
        let _ = write!(line, " in {}", duration(last - first));
        if seconds > 0.0 {
            let _ = write!(line, ", {}/s", grouped((count as f64 / seconds) as u64));
        }
        if others > 0 {
            let _ = write!(line, ", excluding {} of other days", grouped(others));
        }
    }
    if let Some(rate) = rate {
        let _ = write!(line, "; now {}/s", grouped(rate.round() as u64));
    }
    line
}

/// Appends a line with the shares of a total in descending order.
fn shares(title: &str, parts: impl Iterator<Item = (String, u64)>, lines: &mut Vec<String>) {
    let mut parts: Vec<(String, u64)> = parts.filter(|(_, count)| *count > 0).collect();
    let total: u64 = parts.iter().map(|(_, count)| count).sum();
    if total == 0 {
        return;
    }
    parts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let mut line = format!("{title:MARGIN$}");
    for (index, (name, count)) in parts.iter().enumerate() {
        if index == SHARES_SHOWN {
            let rest = parts[index..].iter().map(|(_, count)| count).sum();
            let _ = write!(line, "  {} others {}", parts.len() - index, percent(rest, total));
            break;
        }
        let between = if index == 0 { "" } else { "  " };
        let _ = write!(line, "{between}{name} {}", percent(*count, total));
    }
    lines.push(line);
}

fn quantiles(family: &str, latency: &Histogram) -> String {
    let [half, most, nearly] = [0.5, 0.9, 0.99].map(|share| duration(latency.quantile(share)));
    let (count, longest) = (grouped(latency.count), duration(latency.longest));
    format!("{family}: 50 % in {half}, 90 % in {most}, 99 % in {nearly}, all {count} in {longest}")
}

/// Returns a histogram from the first to the last nonempty bucket.
fn bars(family: &str, latency: &Histogram) -> Vec<String> {
    let filled = |bucket: &u64| *bucket > 0;
    let (Some(first), Some(last)) =
        (latency.buckets.iter().position(filled), latency.buckets.iter().rposition(filled))
    else {
        return Vec::new();
    };
    let most = latency.buckets.iter().max().copied().unwrap_or(1).max(1);
    let mut lines = vec![String::new(), format!("latency of {family}")];
    for index in first..=last {
        let bound = match BOUNDS.get(index) {
            Some(bound) => format!("<= {}", duration(bound * 1000)),
            None => "more".into(),
        };
        let count = latency.buckets[index];
        // Rounded up, so that every nonempty bucket is visible.
        let bar = "#".repeat((count * BAR as u64).div_ceil(most) as usize);
        let share = percent(count, latency.count);
        lines.push(format!("  {bound:>9} {share:>7} {bar}").trim_end().to_owned());
    }
    lines
}

/// Returns the most frequent keys in at most `room` lines.
fn top(title: &str, top: &TopKeys, room: usize, text: fn(&[u8]) -> String) -> Vec<String> {
    let most = top.top(TOP_SHOWN.min(room.saturating_sub(2)));
    if most.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![String::new(), title.to_owned()];
    for (key, count) in most {
        // Counts with an error are approximate.
        let about = if count.error > 0 { "~" } else { "" };
        let share = percent(count.max, top.total);
        let number = format!("{about}{}", grouped(count.max));
        lines.push(format!("  {number:>14} {share:>7} {}", text(key)));
    }
    lines
}

fn percent(part: u64, whole: u64) -> String {
    let share = 100.0 * part as f64 / whole as f64;
    if share > 0.0 && share < 0.1 { "<0.1 %".into() } else { format!("{share:.1} %") }
}

/// Returns a number with thousands separators.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

fn bytes(number: u64) -> String {
    match number {
        0..10_000 => format!("{number} B"),
        10_000..10_000_000 => format!("{:.1} kB", number as f64 / 1e3),
        10_000_000..10_000_000_000 => format!("{:.1} MB", number as f64 / 1e6),
        _ => format!("{:.1} GB", number as f64 / 1e9),
    }
}

/// Returns a duration, given in nanoseconds, in a suitable unit.
fn duration(nanoseconds: u64) -> String {
    let (unit, name) = match nanoseconds {
        0..1_000 => return format!("{nanoseconds} ns"),
        1_000..1_000_000 => (1e3, "us"),
        1_000_000..1_000_000_000 => (1e6, "ms"),
        1_000_000_000..120_000_000_000 => (1e9, "s"),
        120_000_000_000..7_200_000_000_000 => (60e9, "min"),
        _ => (3600e9, "h"),
    };
    let text = format!("{:.1}", nanoseconds as f64 / unit);
    format!("{} {name}", text.strip_suffix(".0").unwrap_or(&text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(grouped(123), "123");
        assert_eq!(percent(1, 100_000), "<0.1 %");
        assert_eq!(percent(0, 1), "0.0 %");
        assert_eq!(bytes(209_000_000), "209.0 MB");
        assert_eq!(duration(20_000), "20 us");
        assert_eq!(duration(1_500_000), "1.5 ms");
        assert_eq!(duration(3_600_000_000_000), "60 min");
    }

    #[test]
    fn a_view_fits_its_size() {
        let mut stats = MessageStats::default();
        for number in 0..50_u32 {
            stats.names.add(&[1, b'a' + number as u8 % 26, 0]);
            stats.clients.add(&number.to_be_bytes());
            stats.latency[2].add(1 << (number % 34));
            stats.codes.insert(number as u16, 1);
        }
        for (width, height) in [(80, 24), (20, 5), (1, 1), (200, 100)] {
            let lines = lines(&stats, Some(1.0), ViewSize { width, height: Some(height) });
            assert!(lines.len() <= height, "{height}: {lines:#?}");
            assert!(lines.iter().all(|line| line.chars().count() <= width), "{width}: {lines:#?}");
        }
    }
}
