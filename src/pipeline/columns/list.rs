// SPDX-License-Identifier: MIT OR Apache-2.0
//! The elements of lists: records and EDNS options.

use dns::edns::{self, code};
use dns::mnemonic;
use dns::record::OPT;
use printable::bound::text_max;

use super::value::{List, Value};

impl<'a> List<'a> {
    /// Calls `print` with the fields of each element; it returns the length of their text. With compression
    /// pointers, the text of records can be hundreds of times as long as the message: when it exceeds the
    /// limit, one last element gives the number of missing records.
    pub(crate) fn for_each(&self, mut print: impl FnMut(&[Value<'a>]) -> usize) {
        match *self {
            Self::Records(wire, section) => {
                let mut rest = text_max(wire.len());
                let mut records = section.records(wire).filter(|record| record.rtype != OPT);
                while let Some(record) = records.next() {
                    if rest == 0 {
                        let cut = Value::Cut(1 + records.count() as u64);
                        print(&[Value::Absent, Value::Absent, Value::Absent, Value::Absent, cut]);
                        break;
                    }
                    rest = rest.saturating_sub(print(&[
                        Value::Name(wire, record.name_at),
                        Value::Class(record.class),
                        Value::RecordType(record.rtype),
                        Value::Number(record.ttl),
                        Value::RecordData(wire, record),
                    ]));
                }
            }
            Self::ExtendedErrors(wire, opt) => {
                let options = edns::options(wire, &opt).filter(|(code, _)| *code == code::EDE);
                for (_, value) in options {
                    let Some((code, text)) = value.split_first_chunk() else { continue };
                    let code = u16::from_be_bytes(*code);
                    let purpose = mnemonic::extended_error(code).map(str::as_bytes);
                    let text = Some(text).filter(|text| !text.is_empty());
                    print(&[Value::Number(code.into()), Value::text(purpose), Value::text(text)]);
                }
            }
            Self::Options(wire, opt) => {
                const IN_COLUMNS: [u16; 6] = [
                    code::SUBNET,
                    code::COOKIE,
                    code::NSID,
                    code::PADDING,
                    code::KEEPALIVE,
                    code::EDE,
                ];
                let options = edns::options(wire, &opt);
                for (code, value) in options.filter(|(code, _)| !IN_COLUMNS.contains(code)) {
                    print(&[
                        Value::Number(code.into()),
                        Value::OptionName(code),
                        Value::Bytes(value),
                    ]);
                }
            }
        }
    }
}
