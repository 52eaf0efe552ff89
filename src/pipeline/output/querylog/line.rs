// SPDX-License-Identifier: MIT OR Apache-2.0
//! The columns of a line, separated by spaces, with `-` for unknown values:
//!
//! ```text
//! time identity kind client server protocol name class type flags edns code latency cache
//! ```

use dns::edns::text as edns;
use dns::record::Record;
use dns::section::{Parts, flag};
use dns::{mnemonic, name, rdata};
use dnstap::Message;
use printable::text::TextSink;

use crate::pairing::Latency;
use crate::print::print_name;
use crate::print::time::TimePrinter;

const BILLION: u64 = 1_000_000_000;

/// The answer columns of a line.
#[derive(Clone, Debug)]
pub(crate) struct AnswerColumns {
    /// The response code; `None` if no response was sent.
    pub(crate) code: Option<u16>,
    /// Times of upstream queries for the question, if they are logged.
    pub(crate) upstream_times: Option<Vec<u64>>,
}

/// Appends the time column.
pub(crate) fn begin(time: Option<u64>, clock: &mut TimePrinter, out: &mut Vec<u8>) {
    match time {
        Some(time) => {
            clock.date_time(time / BILLION, 0, b'T', out);
            out.byte(b'.');
            out.padded(time % BILLION / 1000, 6);
            out.byte(b'Z');
        }
        None => out.byte(b'-'),
    }
    out.byte(b' ');
}

/// Appends the columns from `identity` to `protocol`.
pub(crate) fn endpoints(
    identity: Option<&[u8]>,
    kind: &str,
    message: &Message<'_>,
    out: &mut Vec<u8>,
) {
    match identity {
        None | Some([]) => out.byte(b'-'),
        Some(identity) => out.field(identity, |identity, out| {
            identity.iter().for_each(|byte| match byte {
                b'!'..=b'~' if *byte != b'\\' => out.byte(*byte),
                _ => out.escaped(*byte),
            });
        }),
    }
    out.byte(b' ');
    out.str(kind);
    for (address, port) in [
        (message.query_address, message.query_port),
        (message.response_address, message.response_port),
    ] {
        out.byte(b' ');
        match address.filter(|address| !address.is_empty()) {
            Some(address) => out.address(address),
            None => out.byte(b'-'),
        }
        out.byte(b'#');
        match port {
            Some(port) => out.number(port),
            None => out.byte(b'-'),
        }
    }
    out.byte(b' ');
    match message.socket_protocol {
        Some(protocol) => print_name(protocol.name(), protocol.0, out),
        None => out.byte(b'-'),
    }
    out.byte(b' ');
}

/// Appends the columns from `name` to `edns`, from the query or its repetition in the response.
pub(crate) fn question(parts: &Parts<'_>, is_query: bool, out: &mut Vec<u8>) {
    match parts.question {
        Some(question) => {
            let start = out.len();
            // Cannot fail: `Parts::find` has checked the name.
            let _ = name::print(parts.wire, question.name_at, out);
            escape_spaces(out, start);
            out.byte(b' ');
            mnemonic::assigned_class_text(question.qclass, out);
            out.byte(b' ');
            mnemonic::assigned_type_text(question.qtype, out);
        }
        None => out.str("- - -"),
    }
    out.byte(b' ');
    let start = out.len();
    let flag = |text: &str, out: &mut Vec<u8>| {
        if out.len() > start {
            out.byte(b',');
        }
        out.str(text);
    };
    match (parts.opcode(), mnemonic::opcode(parts.opcode())) {
        (0, _) => (),
        (_, Some(name)) => flag(&name.to_ascii_lowercase(), out),
        (number, None) => flag(&format!("opcode{number}"), out),
    }
    let dnssec_ok = parts.opt.is_some_and(|opt| edns::dnssec_ok(&opt));
    for (is_set, text) in [
        (parts.flags & flag::RD != 0, "rd"),
        // The flag has another meaning in a response.
        (parts.flags & flag::AD != 0 && is_query, "ad"),
        (parts.flags & flag::CD != 0, "cd"),
        (dnssec_ok, "do"),
        (is_signed(parts), "tsig"),
    ] {
        if is_set {
            flag(text, out);
        }
    }
    if out.len() == start {
        out.byte(b'-');
    }
    out.byte(b' ');
    match parts.opt {
        Some(opt) => {
            out.number(edns::version(&opt));
            out.byte(b':');
            match is_query {
                true => out.number(opt.class),
                false => out.byte(b'-'),
            }
        }
        None => out.byte(b'-'),
    }
    out.byte(b' ');
}

fn is_signed(parts: &Parts<'_>) -> bool {
    let additional = parts.records(parts.sections[2]);
    additional.last().is_some_and(|Record { rtype, .. }| rtype == rdata::TSIG)
}

/// Escapes the spaces of a name as numbers, because spaces separate columns.
fn escape_spaces(out: &mut Vec<u8>, start: usize) {
    if out[start..].contains(&b' ') {
        let name = out.split_off(start);
        let mut bytes = name.iter();
        while let Some(byte) = bytes.next() {
            match byte {
                b'\\' => match bytes.next() {
                    Some(b' ') => out.escaped(b' '),
                    Some(other) => out.bytes(&[b'\\', *other]),
                    None => (),
                },
                byte => out.byte(*byte),
            }
        }
    }
}

/// Appends the answer columns and ends the line. `time` is the time of the response.
pub(crate) fn answer(
    answer: Option<&AnswerColumns>,
    latency: Latency,
    time: Option<u64>,
    out: &mut Vec<u8>,
) {
    let Some(AnswerColumns { code, upstream_times }) = answer else { return out.str("- - -\n") };
    let Some(code) = code else { return out.str("DROPPED - -\n") };
    mnemonic::response_code_text(*code, out);
    out.byte(b' ');
    let (Latency::Known(took), Some(to)) = (latency, time) else { return out.str("- -\n") };
    let microseconds = took / 1000;
    out.number(microseconds / 1000);
    out.byte(b'.');
    out.padded(microseconds % 1000, 3);
    out.str("ms ");
    let from = to.saturating_sub(took);
    out.str(match upstream_times {
        None => "-",
        Some(times) if times.iter().any(|time| (from..=to).contains(time)) => "miss",
        Some(_) => "hit",
    });
    out.byte(b'\n');
}

/// Appends the remaining columns of an invalid message and ends the line.
pub(crate) fn invalid(wire: &[u8], reason: &str, out: &mut Vec<u8>) {
    out.str("- - - - - - - - [");
    out.str(reason);
    out.str("] ");
    out.field_hex(wire);
    out.byte(b'\n');
}
