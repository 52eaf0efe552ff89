// SPDX-License-Identifier: MIT OR Apache-2.0
//! DNS messages in the format of dig.

use dns::record::{OPT, Record};
use dns::section::{Parts, Question, flag};
use dns::{BadMessage, mnemonic, name, opcode, rdata, section};
use printable::bound::text_max;
use printable::text::{Discard, TextSink};

/// Bad version of EDNS (RFC 6891).
const BADVERS: u16 = 16;

/// The flags in printing order.
const FLAGS: [(u16, &str); 8] = [
    (flag::QR, " qr"),
    (flag::AA, " aa"),
    (flag::TC, " tc"),
    (flag::RD, " rd"),
    (flag::RA, " ra"),
    (flag::Z, " z"),
    (flag::AD, " ad"),
    (flag::CD, " cd"),
];

/// The names of the sections.
struct Titles {
    counts: [&'static str; 4],
    sections: [&'static str; 4],
}

const TITLES: Titles = Titles {
    counts: ["; QUERY: ", ", ANSWER: ", ", AUTHORITY: ", ", ADDITIONAL: "],
    sections: [
        "\n;; QUESTION SECTION:\n",
        "\n;; ANSWER SECTION:\n",
        "\n;; AUTHORITY SECTION:\n",
        "\n;; ADDITIONAL SECTION:\n",
    ],
};

/// The names of the sections of dynamic updates (RFC 2136, section 2.2).
const UPDATE_TITLES: Titles = Titles {
    counts: ["; ZONE: ", ", PREREQ: ", ", UPDATE: ", ", ADDITIONAL: "],
    sections: [
        "\n;; ZONE SECTION:\n",
        "\n;; PREREQUISITE SECTION:\n",
        "\n;; UPDATE SECTION:\n",
        "\n;; ADDITIONAL SECTION:\n",
    ],
};

/// Prints a message up to the length [`text_max`]. After an error, `out` has part of the text.
pub(crate) fn print(wire: &[u8], out: &mut impl TextSink) -> Result<(), BadMessage> {
    let parts = &Parts::find(wire)?;
    let mut limit = TextLimit { end: out.position() + text_max(wire.len()), cut: 0 };
    let titles = if parts.opcode() == opcode::UPDATE { &UPDATE_TITLES } else { &TITLES };
    // Constant titles are inlined, which avoids searching them for characters to escape.
    match parts.opcode() {
        opcode::UPDATE => header(parts, &UPDATE_TITLES, out),
        _ => header(parts, &TITLES, out),
    }
    if let Some(opt) = &parts.opt {
        limit.record(wire, opt, out)?;
    }
    if let Some(first) = parts.question {
        match parts.opcode() {
            opcode::UPDATE => out.str(UPDATE_TITLES.sections[0]),
            _ => out.str(TITLES.sections[0]),
        }
        let mut next = question(wire, &first, out)?;
        for _ in 1..parts.questions {
            next = limit.question(wire, next, out)?;
        }
    }
    for (index, section) in parts.sections.into_iter().enumerate() {
        let additional = index == 2;
        // OPT was printed as a section of its own.
        if section.count == 0 || (additional && parts.opt.is_some() && section.count == 1) {
            continue;
        }
        if limit.cut == 0 {
            out.str(titles.sections[1 + index]);
        }
        for record in parts.records(section) {
            if additional && record.rtype == OPT {
                rdata::print(wire, &record, &mut Discard)?;
            } else {
                limit.record(wire, &record, out)?;
            }
        }
    }
    if limit.cut > 0 {
        out.str(";; ");
        out.cut(limit.cut, "records");
        out.byte(b'\n');
    }
    Ok(())
}

/// The limit of the text.
struct TextLimit {
    end: usize,
    /// Number of questions and records that were not printed.
    cut: u64,
}

impl TextLimit {
    /// Prints a record, or only checks it once the limit was exceeded.
    #[inline]
    fn record(
        &mut self,
        wire: &[u8],
        record: &Record,
        out: &mut impl TextSink,
    ) -> Result<(), BadMessage> {
        if self.cut > 0 {
            self.cut += 1;
            return rdata::print(wire, record, &mut Discard);
        }
        let start = out.position();
        rdata::print(wire, record, out)?;
        out.byte(b'\n');
        self.enforce(start, out);
        Ok(())
    }

    /// Prints the question at `at`, or only checks it once the limit was exceeded. Returns the offset of the
    /// next field.
    fn question(
        &mut self,
        wire: &[u8],
        at: usize,
        out: &mut impl TextSink,
    ) -> Result<usize, BadMessage> {
        let (found, next) = section::question(wire, at)?;
        if self.cut > 0 {
            self.cut += 1;
            return Ok(next);
        }
        let start = out.position();
        question(wire, &found, out)?;
        self.enforce(start, out);
        Ok(next)
    }

    /// Removes the text since `start` if it exceeds the limit.
    #[inline]
    fn enforce(&mut self, start: usize, out: &mut impl TextSink) {
        if out.position() > self.end {
            out.rewind(start);
            self.cut = 1;
        }
    }
}

#[inline(always)]
fn header(parts: &Parts<'_>, titles: &Titles, out: &mut impl TextSink) {
    out.str(";; opcode: ");
    mnemonic::opcode_text(parts.opcode(), out);
    out.str(", status: ");
    match parts.response_code() {
        // The golang tool uses this name.
        BADVERS => out.str("BADSIG"),
        code => mnemonic::response_code_text(code, out),
    }
    out.str(", id: ");
    out.number(parts.id);
    out.str("\n;; flags:");
    for (bit, text) in FLAGS {
        if parts.flags & bit != 0 {
            out.str(text);
        }
    }
    let [first, second, third] = parts.sections.map(|section| section.count);
    for (title, count) in titles.counts.into_iter().zip([parts.questions, first, second, third]) {
        out.plain(title.as_bytes());
        out.number(count);
    }
    out.byte(b'\n');
}

/// Prints a question and returns the offset of the next one.
fn question(
    wire: &[u8],
    question: &Question,
    out: &mut impl TextSink,
) -> Result<usize, BadMessage> {
    out.byte(b';');
    let next = name::print(wire, question.name_at, out)?;
    out.byte(b'\t');
    mnemonic::class_text(question.qclass, out);
    out.str("\t ");
    mnemonic::type_text(question.qtype, out);
    out.byte(b'\n');
    Ok(next + 4)
}
