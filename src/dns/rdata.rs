// SPDX-License-Identifier: MIT OR Apache-2.0
//! The data of records in presentation format, field by field as the types define them.

mod address;
mod dnssec;
mod field;
mod host;
mod location;
mod printer;
mod service;

use printable::text::Text;

use self::field::unknown;
use self::printer::printer;
use crate::edns::text as edns_text;
use crate::record::{OPT, Record};
use crate::record_data::{Data, Done};
use crate::{BadMessageReason, mnemonic, name};

/// The address of a host, of IPv4.
pub const A: u16 = 1;
/// Anything (RFC 1035, section 3.3.10).
pub const NULL: u16 = 10;
/// The address of a host, of IPv6.
pub const AAAA: u16 = 28;
/// Signature of a transaction (RFC 8945).
pub const TSIG: u16 = 250;
const TKEY: u16 = 249;

/// Prints one line of `record`: name, time to live, class, type, data.
pub fn print(wire: &[u8], record: &Record, out: &mut impl Text) -> Done {
    let mut data = Data::new(wire, record);
    match record.rtype {
        OPT => {
            edns_text::print(&mut data, record, out)?;
            return finish(&data);
        }
        // No master file has these: they are comments.
        NULL | TKEY => out.byte(b';'),
        TSIG => out.str("\n;; TSIG PSEUDOSECTION:\n; "),
        _ => (),
    }
    name::print(wire, record.name_at, out)?;
    out.byte(b'\t');
    out.number(record.ttl);
    out.byte(b'\t');
    let printer = printer(record.rtype);
    if printer.is_some() || mnemonic::is_newer(record.rtype) {
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

/// Prints the data of `record` alone.
pub fn data(wire: &[u8], record: &Record, out: &mut impl Text) -> Done {
    let mut data = Data::new(wire, record);
    printer(record.rtype).unwrap_or(unknown)(&mut data, out)?;
    finish(&data)
}

fn finish(data: &Data<'_>) -> Done {
    if data.is_empty() { Ok(()) } else { Err(data.bad(BadMessageReason::LongData)) }
}
