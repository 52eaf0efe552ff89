// SPDX-License-Identifier: MIT OR Apache-2.0
//! Metrics in the text format of Prometheus, served over HTTP.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use dns::mnemonic;
use dnstap::schema::Hop;
use files::input::ReadProgress;
use parking_lot::Mutex;
use printable::hidden::push_line;
use receive::totals::Refusals;
use strum::VariantArray;

use super::http::{self, HttpResource};
use super::latency::BOUNDS;
use super::{MessageStats, protocol_name, type_name};
use crate::account::{Account, LossReason};

/// Path of the metrics.
const PATH: &str = "/metrics";

/// The text format (prometheus.io, "Exposition formats").
const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The current metrics page. The worker replaces it periodically, so that requests do not block counting.
#[derive(Clone, Debug, Default)]
pub struct MetricsPage(Arc<Mutex<String>>);

impl MetricsPage {
    /// Replaces the page.
    pub(crate) fn set(&self, text: String) {
        *self.0.lock() = text;
    }

    /// Starts a thread that serves the page on `address` until the program exits. Returns the address with the
    /// actual port.
    pub fn serve(&self, address: SocketAddr) -> io::Result<SocketAddr> {
        let page = self.clone();
        let resource = HttpResource { path: PATH, content_type: CONTENT_TYPE };
        http::serve(address, resource, move || page.0.lock().clone())
    }
}

/// Counters of rejected input.
#[derive(Clone, Debug, Default)]
pub struct RejectedCounts {
    /// Counters of files.
    pub files: Arc<ReadProgress>,
    /// Counters of sockets.
    pub sockets: Arc<Refusals>,
}

/// Returns the statistics in the text format, with the counters of outputs and of rejected input.
pub fn text(stats: &MessageStats, accounts: &[Arc<Account>], rejected: &RejectedCounts) -> String {
    let mut out = String::new();
    let RejectedCounts { files, sockets } = rejected;
    let over_limit = load(&files.over_limit) + load(&sockets.over_limit);
    let refused = load(&sockets.connections);
    for (name, help, value) in [
        ("frames_total", "Frames processed.", stats.frames),
        ("bytes_total", "Bytes of processed frames.", stats.bytes),
        ("bad_frames_total", "Frames that are not dnstap messages.", stats.bad_frames),
        ("bad_dns_total", "Messages with invalid DNS.", stats.bad_dns),
        ("unsent_responses_total", "Responses dropped by a policy.", stats.unsent),
        ("responses_before_query_total", "Responses earlier than their query.", stats.before_query),
        (
            "over_limit_frames_total",
            "Frames skipped because they exceed the size limit.",
            over_limit,
        ),
        ("refused_connections_total", "Connections closed before their first frame.", refused),
    ] {
        metric(name, help, [(String::new(), value)], &mut out);
    }
    let labelled =
        |label: &str, value: &str, count: u64| (format!("{{{label}=\"{value}\"}}"), count);
    let counted = |count: &u64| *count > 0;
    let types = stats.types.iter().enumerate().filter(|(_, count)| counted(count));
    let types = types.map(|(number, count)| labelled("type", type_name(number), *count));
    metric("messages_total", "Messages by type.", types, &mut out);
    let protocols = stats.protocols.iter().enumerate().filter(|(_, count)| counted(count));
    let protocols =
        protocols.map(|(number, count)| labelled("protocol", &protocol_name(number), *count));
    metric("protocol_messages_total", "Messages by protocol.", protocols, &mut out);
    for (name, help, label, counts, known) in [
        (
            "questions_total",
            "Questions by record type.",
            "qtype",
            &stats.questions,
            mnemonic::assigned_record_type_name as fn(u16) -> Option<&'static str>,
        ),
        ("responses_total", "Responses by code.", "rcode", &stats.codes, mnemonic::response_code),
    ] {
        let values = by_name(counts, known).into_iter();
        let values = values.map(|(value, count)| labelled(label, value, count));
        metric(name, help, values, &mut out);
    }
    latency(stats, &mut out);
    outputs(accounts, &mut out);
    out
}

/// Appends the metrics of all outputs. Those of relays appear under an additional name.
fn outputs(accounts: &[Arc<Account>], out: &mut String) {
    let accounts =
        |only_relays: bool| accounts.iter().filter(move |account| account.is_relay || !only_relays);
    let labels =
        |label: &str, account: &Account| format!("{{{label}=\"{}\"}}", quoted(&account.name));
    let values = |label: &'static str, value: fn(&Account) -> u64| {
        accounts(label == "relay").map(move |account| (labels(label, account), value(account)))
    };
    let frames = |account: &Account| load(&account.frames);
    let failures = |account: &Account| load(&account.failures);
    let connected = |account: &Account| u64::from(account.connected.load(Ordering::Relaxed));
    let sent = values("relay", frames);
    metric("relay_sent_total", "Frames sent to a receiver.", sent, out);
    let lost = values("relay", Account::lost);
    metric("relay_lost_total", "Frames lost by a relay.", lost, out);
    metric("relay_connected", "1 if the receiver is connected.", values("relay", connected), out);
    let help = "1 if the file can be written or the receiver is connected.";
    metric("output_connected", help, values("output", connected), out);
    let help = "Frames written or sent.";
    metric("output_frames_total", help, values("output", frames), out);
    let dropped = accounts(false).flat_map(|account| {
        LossReason::VARIANTS.iter().map(|reason| {
            let (output, name) = (quoted(&account.name), <&str>::from(reason));
            let labels = format!("{{output=\"{output}\",reason=\"{name}\"}}");
            (labels, account.dropped(*reason))
        })
    });
    metric("output_dropped_frames_total", "Frames dropped by an output.", dropped, out);
    let help = "Failed writes and connections.";
    metric("output_failures_total", help, values("output", failures), out);
}

fn load(count: &AtomicU64) -> u64 {
    count.load(Ordering::Relaxed)
}

/// Returns counts by name. Numbers without a name share one count, so that clients cannot create time series.
fn by_name(
    counts: &BTreeMap<u16, u64>,
    name: fn(u16) -> Option<&'static str>,
) -> BTreeMap<&'static str, u64> {
    let mut named = BTreeMap::new();
    for (number, count) in counts {
        *named.entry(name(*number).unwrap_or("other")).or_default() += count;
    }
    named
}

/// Returns a name as the value of a label. Control characters are escaped for terminals.
fn quoted(name: &str) -> String {
    let mut line = String::new();
    push_line(&mut line, name);
    line.replace('\\', "\\\\").replace('"', "\\\"")
}

/// Appends a metric: a counter if its name ends with `_total`, and otherwise a gauge.
fn metric(
    name: &str,
    help: &str,
    values: impl IntoIterator<Item = (String, u64)>,
    out: &mut String,
) {
    let kind = if name.ends_with("_total") { "counter" } else { "gauge" };
    let _ = writeln!(out, "# HELP dnstap_{name} {help}\n# TYPE dnstap_{name} {kind}");
    for (labels, value) in values {
        let _ = writeln!(out, "dnstap_{name}{labels} {value}");
    }
}

fn latency(stats: &MessageStats, out: &mut String) {
    const NAME: &str = "dnstap_latency_seconds";
    let _ = writeln!(out, "# HELP {NAME} Time from query to response.\n# TYPE {NAME} histogram");
    for (family, histogram) in Hop::ALL.into_iter().map(Hop::name).zip(&stats.latency) {
        if histogram.count == 0 {
            continue;
        }
        let mut below = 0;
        for (bucket, bound) in histogram.buckets.iter().zip(BOUNDS) {
            below += bucket;
            let bound = bound as f64 / 1e6;
            let _ = writeln!(out, "{NAME}_bucket{{family=\"{family}\",le=\"{bound}\"}} {below}");
        }
        let (count, sum) = (histogram.count, histogram.sum as f64 / 1e9);
        let _ = writeln!(out, "{NAME}_bucket{{family=\"{family}\",le=\"+Inf\"}} {count}");
        let _ = writeln!(out, "{NAME}_sum{{family=\"{family}\"}} {sum}");
        let _ = writeln!(out, "{NAME}_count{{family=\"{family}\"}} {count}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_cannot_control_a_terminal() {
        assert_eq!(quoted("a\"b\\c"), r#"a\"b\\c"#);
        assert_eq!(quoted("\u{1b}[2J\u{202e}\n\r"), r"\\u{1b}[2J\\u{202e}\\n\\r");
    }

    #[test]
    fn clients_cannot_create_time_series() {
        let mut stats = MessageStats::default();
        stats.questions.extend((0..=u16::MAX).map(|number| (number, 1)));
        stats.codes.extend((0..4096).map(|number| (number, 1)));
        let text = text(&stats, &[], &RejectedCounts::default());
        let lines = |label: &str| text.lines().filter(|line| line.contains(label)).count();
        assert!(lines("{qtype=") < 200 && lines("{rcode=") < 40, "{text}");
        let others = usize::from(u16::MAX) + 2 - lines("{qtype=");
        assert!(text.contains(&format!("dnstap_questions_total{{qtype=\"other\"}} {others}\n")));
        assert!(text.contains("dnstap_questions_total{qtype=\"AAAA\"} 1\n"));
        for word in ["None", "Reserved"] {
            assert!(!text.contains(word), "a word of golang's tool, not a type: {word}");
        }
        assert!(text.contains("dnstap_responses_total{rcode=\"NXDOMAIN\"} 1\n"));
    }
}
