// SPDX-License-Identifier: MIT OR Apache-2.0
//! The parts of a message: header, questions, and the sections of records (RFC 1035, section 4.1).

use printable::text::Discard;

use super::record::{OPT, Record};
use super::{BadMessage, BadMessageReason, name, rdata};

/// Size of the header in bytes.
const HEADER_SIZE: usize = 12;

/// Maximum size of a message: its length has 16 bits over TCP (RFC 1035, section 4.2.2).
const MESSAGE_MAX: usize = u16::MAX as usize;

/// Bits of the header's second word.
pub mod flag {
    /// The message is a response.
    pub const QR: u16 = 1 << 15;
    /// The answer is authoritative.
    pub const AA: u16 = 1 << 10;
    /// The message is truncated.
    pub const TC: u16 = 1 << 9;
    /// Recursion is desired.
    pub const RD: u16 = 1 << 8;
    /// Recursion is available.
    pub const RA: u16 = 1 << 7;
    /// The reserved bit.
    pub const Z: u16 = 1 << 6;
    /// The data is authentic.
    pub const AD: u16 = 1 << 5;
    /// Checking is disabled.
    pub const CD: u16 = 1 << 4;
}

/// A question.
#[derive(Clone, Copy, Debug)]
pub struct Question {
    /// Offset of the name in the message.
    pub name_at: usize,
    /// The queried record type.
    pub qtype: u16,
    /// The queried class.
    pub qclass: u16,
}

/// The position of the records of a section.
#[derive(Clone, Copy, Debug, Default)]
pub struct Section {
    /// Offset of the first record in the message.
    pub(crate) start: usize,
    /// Number of records.
    pub count: u16,
}

impl Section {
    /// Returns the records of this section of `wire`.
    pub fn records<'a>(self, wire: &'a [u8]) -> impl Iterator<Item = Record> + use<'a> {
        let mut at = self.start;
        (0..self.count).map_while(move |_| {
            let record = Record::at(wire, at).ok()?;
            at = record.end;
            Some(record)
        })
    }
}

/// A message, divided into its parts.
#[derive(Clone, Copy, Debug)]
pub struct Parts<'a> {
    /// The whole message.
    pub wire: &'a [u8],
    /// The message ID.
    pub id: u16,
    /// The second word of the header.
    pub flags: u16,
    /// The first question.
    pub question: Option<Question>,
    /// Number of questions.
    pub questions: u16,
    /// The answer, authority and additional sections.
    pub sections: [Section; 3],
    /// The last OPT record of the additional section.
    pub opt: Option<Record>,
}

impl<'a> Parts<'a> {
    /// Finds the parts of a message without parsing record data.
    #[inline]
    pub fn find(wire: &'a [u8]) -> Result<Self, BadMessage> {
        if wire.len() > MESSAGE_MAX {
            return Err(BadMessage { offset: MESSAGE_MAX, reason: BadMessageReason::LongMessage });
        }
        let Some(header) = wire.first_chunk::<HEADER_SIZE>() else {
            return Err(BadMessage { offset: wire.len(), reason: BadMessageReason::Header });
        };
        let word = |index: usize| u16::from_be_bytes([header[index], header[index + 1]]);
        let mut parts = Self {
            wire,
            id: word(0),
            flags: word(2),
            question: None,
            questions: 0,
            sections: [Section::default(); 3],
            opt: None,
        };
        // The counts of a message without a body are ignored.
        if wire.len() == HEADER_SIZE {
            return Ok(parts);
        }
        let mut at = HEADER_SIZE;
        for _ in 0..word(4) {
            let (question, next) = question(wire, at)?;
            parts.question.get_or_insert(question);
            parts.questions += 1;
            at = next;
        }
        for index in 0..3 {
            let section = &mut parts.sections[index];
            section.start = at;
            for _ in 0..word(6 + 2 * index) {
                // Truncation may leave the original counts in the header.
                if at == wire.len() {
                    break;
                }
                let record = Record::at(wire, at)?;
                if index == 2 && record.rtype == OPT {
                    parts.opt = Some(record);
                }
                section.count += 1;
                at = record.end;
            }
        }
        Ok(parts)
    }

    /// Returns the operation code.
    pub fn opcode(&self) -> u8 {
        (self.flags >> 11 & 0xf) as u8
    }

    /// Returns the response code, including the extended bits of OPT (RFC 6891, section 6.1.3).
    pub fn response_code(&self) -> u16 {
        let high = self.opt.map_or(0, |opt| opt.ttl >> 24) as u16;
        high << 4 | self.flags & 0xf
    }

    /// Returns the records of a section.
    pub fn records(&self, section: Section) -> impl Iterator<Item = Record> + use<'a> {
        section.records(self.wire)
    }

    /// Returns the end of the last record. Later bytes are not part of the message.
    pub fn end(&self) -> usize {
        let [.., last] = self.sections;
        self.records(last).last().map_or(last.start.max(HEADER_SIZE), |record| record.end)
    }

    /// Checks that all record data is valid for its type.
    pub fn check(&self) -> Result<(), BadMessage> {
        for section in self.sections {
            for record in self.records(section) {
                rdata::print(self.wire, &record, &mut Discard)?;
            }
        }
        Ok(())
    }
}

/// Parses the question at `at` and returns it with the offset of the next field. The message may end
/// after the name or the type of the question.
pub fn question(wire: &[u8], at: usize) -> Result<(Question, usize), BadMessage> {
    let next = name::skip(wire, at)?;
    let rest = &wire[next..];
    let word = |index: usize| u16::from_be_bytes([rest[index], rest[index + 1]]);
    let (qtype, qclass, size) = match rest.len() {
        0 => (0, 0, 0),
        1 => return Err(BadMessage { offset: next, reason: BadMessageReason::Truncated }),
        2 | 3 => (word(0), 0, rest.len()),
        _ => (word(0), word(2), 4),
    };
    Ok((Question { name_at: at, qtype, qclass }, next + size))
}
