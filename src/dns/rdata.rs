// SPDX-License-Identifier: MIT OR Apache-2.0
//! Records in presentation format.

mod address;
mod dnssec;
mod field;
mod host;
mod location;
mod printer;
mod service;

use printable::text::TextSink;

use self::field::unknown;
use self::printer::printer;
use crate::edns::text as edns_text;
use crate::record::{OPT, Record};
use crate::record_data::{PrintResult, RecordData};
use crate::{BadMessageReason, mnemonic, name};

/// An IPv4 address (RFC 1035).
pub const A: u16 = 1;
/// Arbitrary data (RFC 1035, section 3.3.10).
pub const NULL: u16 = 10;
/// A signature (RFC 2931).
pub const SIG: u16 = 24;
/// An IPv6 address (RFC 3596).
pub const AAAA: u16 = 28;
/// A key for transaction signatures (RFC 2930).
pub const TKEY: u16 = 249;
/// A transaction signature (RFC 8945).
pub const TSIG: u16 = 250;

/// Prints `record` as a line without its end: name, time to live, class, type, data.
pub fn print(wire: &[u8], record: &Record, out: &mut impl TextSink) -> PrintResult {
    let mut data = RecordData::new(wire, record);
    match record.rtype {
        OPT => {
            edns_text::print(&mut data, record, out)?;
            return finish(&data);
        }
        // Printed as comments, because master files cannot contain these types.
        NULL | TKEY => out.byte(b';'),
        TSIG => out.str("\n;; TSIG PSEUDOSECTION:\n; "),
        _ => (),
    }
    name::print(wire, record.name_at, out)?;
    out.byte(b'\t');
    out.number(record.ttl);
    out.byte(b'\t');
    let printer = printer(record.rtype);
    if printer.is_some() || mnemonic::is_unnamed_in_golang(record.rtype) {
        mnemonic::class_text(record.class, out);
        out.byte(b'\t');
        mnemonic::type_text(record.rtype, out);
    } else {
        mnemonic::print(None, "CLASS", record.class, out);
        out.byte(b'\t');
        mnemonic::print(None, "TYPE", record.rtype, out);
    }
    out.byte(b'\t');
    printer.unwrap_or(unknown)(&mut data, out)?;
    finish(&data)
}

/// Prints the data of `record`.
pub fn data(wire: &[u8], record: &Record, out: &mut impl TextSink) -> PrintResult {
    let mut data = RecordData::new(wire, record);
    printer(record.rtype).unwrap_or(unknown)(&mut data, out)?;
    finish(&data)
}

/// Prints the data of `record`; if it is invalid for its type, in the form for unknown types (RFC 3597,
/// section 5).
pub fn data_or_bytes(wire: &[u8], record: &Record, out: &mut impl TextSink) {
    let start = out.position();
    if data(wire, record, out).is_err() {
        out.rewind(start);
        // Any bytes have this form.
        let _ = unknown(&mut RecordData::new(wire, record), out);
    }
}

fn finish(data: &RecordData<'_>) -> PrintResult {
    if data.is_empty() { Ok(()) } else { Err(data.error(BadMessageReason::LongData)) }
}
