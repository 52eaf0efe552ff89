// SPDX-License-Identifier: MIT OR Apache-2.0
//! Values of columns, and their text.

use dns::record::Record;
use dns::section::Section;
use dns::{mnemonic, name, rdata};
use dnstap::schema::{
    EventType, HttpProtocol, MessageType, PolicyAction, PolicyMatch, SocketFamily, SocketProtocol,
};
use printable::text::TextSink;

use crate::print::print_name;
use crate::print::time::TimePrinter;
use crate::remarks::Remarks;

/// The value of a column in one row.
#[derive(Clone, Debug)]
pub(crate) enum Value<'a> {
    Absent,
    Flag(bool),
    Number(u32),
    /// Nanoseconds since 1970.
    Time(u64),
    /// Nanoseconds.
    Duration(u64),
    /// Text of a sender, which may be invalid UTF-8.
    Text(&'a [u8]),
    Owned(String),
    /// Bytes that are usually text, and are written as such where text is all there is.
    TextOrBytes(&'a [u8]),
    Bytes(&'a [u8]),
    Address(&'a [u8]),
    /// The value of an enumeration: its name, and its number.
    Enumeration(Option<&'static str>, u32),
    /// A domain name, and its offset in the message.
    Name(&'a [u8], usize),
    RecordType(u16),
    Class(u16),
    Opcode(u8),
    ResponseCode(u16),
    OptionName(u16),
    /// The EDNS option for client subnets (RFC 7871).
    Subnet(&'a [u8]),
    /// The data of a record, and its message.
    RecordData(&'a [u8], Record),
    /// A mark for this number of missing records.
    Cut(u64),
    List(List<'a>),
}

/// The elements of a column that is a list.
#[derive(Clone, Copy, Debug)]
pub(crate) enum List<'a> {
    /// The records of a section, without OPT.
    Records(&'a [u8], Section),
    /// The extended DNS errors in a message with this OPT.
    ExtendedErrors(&'a [u8], Record),
    /// The options that no other column has.
    Options(&'a [u8], Record),
}

impl<'a> Value<'a> {
    pub(crate) fn text(text: Option<&'a [u8]>) -> Self {
        text.map_or(Self::Absent, Self::Text)
    }

    pub(crate) fn text_or_bytes(bytes: Option<&'a [u8]>) -> Self {
        bytes.map_or(Self::Absent, Self::TextOrBytes)
    }

    pub(crate) fn bytes(bytes: Option<&'a [u8]>) -> Self {
        bytes.map_or(Self::Absent, Self::Bytes)
    }

    pub(crate) fn size(bytes: Option<&'a [u8]>) -> Self {
        bytes.map(|bytes| u32::try_from(bytes.len()).unwrap_or(u32::MAX)).into()
    }

    pub(crate) fn time(nanoseconds: Option<u64>) -> Self {
        nanoseconds.map_or(Self::Absent, Self::Time)
    }

    pub(crate) fn address(address: Option<&'a [u8]>) -> Self {
        address.filter(|address| !address.is_empty()).map_or(Self::Absent, Self::Address)
    }

    /// Returns a field that contains exactly one name in wire format.
    pub(crate) fn only_name(wire: Option<&'a [u8]>) -> Self {
        let valid = wire.filter(|wire| name::is_exact(wire));
        valid.map_or(Self::Absent, |wire| Self::Name(wire, 0))
    }

    /// Counts the value if its text differs from it.
    pub(crate) fn remark(&self, remarks: &mut Remarks) {
        if let Self::Text(text) | Self::TextOrBytes(text) = self {
            if std::str::from_utf8(text).is_err() {
                remarks.count("texts are not UTF-8: invalid bytes replaced by U+FFFD");
            }
        }
    }

    /// Prints the text of the value. A list has none.
    pub(crate) fn print(&self, clock: &mut TimePrinter, out: &mut impl TextSink) {
        match *self {
            Self::Absent | Self::List(_) => (),
            Self::Flag(flag) => out.str(if flag { "true" } else { "false" }),
            Self::Number(number) => out.number(number),
            Self::Time(time) => {
                if let Some(buffer) = out.buffer() {
                    clock.date_time(time / BILLION, (time % BILLION) as u32, b'T', buffer);
                    buffer.push(b'Z');
                }
            }
            Self::Duration(nanoseconds) => {
                out.number(nanoseconds / BILLION);
                if nanoseconds % BILLION != 0 {
                    out.byte(b'.');
                    out.padded(nanoseconds % BILLION, 9);
                }
            }
            Self::Text(text) | Self::TextOrBytes(text) => out.field(text, utf8),
            Self::Owned(ref text) => out.str(text),
            Self::Bytes(bytes) => out.field_hex(bytes),
            Self::Address(address) => out.address(address),
            Self::Enumeration(name, number) => {
                if let Some(buffer) = out.buffer() {
                    print_name(name, number, buffer);
                }
            }
            Self::Name(wire, at) => {
                // The name was checked when the message was parsed.
                let _ = name::print(wire, at, out);
            }
            Self::RecordType(number) => mnemonic::assigned_type_text(number, out),
            Self::Class(number) => mnemonic::assigned_class_text(number, out),
            Self::Opcode(number) => mnemonic::opcode_text(number, out),
            Self::ResponseCode(number) => mnemonic::response_code_text(number, out),
            Self::OptionName(number) => mnemonic::edns_option_text(number, out),
            Self::Subnet(option) => subnet(option, out),
            Self::RecordData(wire, ref record) => rdata::data_or_bytes(wire, record, out),
            Self::Cut(count) => out.cut(count, "records"),
        }
    }
}

const BILLION: u64 = 1_000_000_000;

/// Prints text, with invalid UTF-8 replaced.
fn utf8(bytes: &[u8], out: &mut impl TextSink) {
    for chunk in bytes.utf8_chunks() {
        out.str(chunk.valid());
        if !chunk.invalid().is_empty() {
            out.str("\u{fffd}");
        }
    }
}

/// Prints a client subnet as ADDRESS/SOURCE/SCOPE, or an invalid one in hexadecimal after `?`.
fn subnet(option: &[u8], out: &mut impl TextSink) {
    let fields = option.split_first_chunk::<4>();
    let size = match fields {
        Some(([0, 1, source, scope], address))
            if *source <= 32 && *scope <= 32 && address.len() <= 4 =>
        {
            4
        }
        Some(([0, 2, source, scope], address))
            if *source <= 128 && *scope <= 128 && address.len() <= 16 =>
        {
            16
        }
        _ => {
            out.byte(b'?');
            return out.hex(option);
        }
    };
    let Some(([_, _, source, scope], address)) = fields else { return };
    let mut bytes = [0; 16];
    bytes[..address.len()].copy_from_slice(address);
    out.address(&bytes[..size]);
    out.byte(b'/');
    out.number(*source);
    out.byte(b'/');
    out.number(*scope);
}

impl From<Option<u32>> for Value<'_> {
    fn from(number: Option<u32>) -> Self {
        number.map_or(Self::Absent, Self::Number)
    }
}

impl From<Option<bool>> for Value<'_> {
    fn from(flag: Option<bool>) -> Self {
        flag.map_or(Self::Absent, Self::Flag)
    }
}

macro_rules! from_enumerations {
    ($($enumeration:ident)+) => {
        $(impl From<Option<$enumeration>> for Value<'_> {
            fn from(value: Option<$enumeration>) -> Self {
                value.map_or(Self::Absent, |value| Self::Enumeration(value.name(), value.0))
            }
        })+
    };
}

from_enumerations! {
    EventType MessageType SocketFamily SocketProtocol HttpProtocol PolicyAction PolicyMatch
}
