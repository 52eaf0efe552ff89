// SPDX-License-Identifier: MIT OR Apache-2.0
//! A message whose columns are wanted. Its DNS message is parsed once, when the first column needs it.

use std::cell::OnceCell;
use std::fmt::Write as _;

use dns::BadMessage;
use dns::record::Record;
use dns::section::{Parts, Question};
use dns::{edns, name};
use dnstap::{Event, Message, Policy};
use printable::text::TextSink;

use super::value::{List, Value};
use crate::decoded_frame::DecodedFrame;
use crate::pairing::nanoseconds;

/// A message of a frame.
pub(crate) struct Row<'a> {
    frame: DecodedFrame<'a>,
    pub(crate) event: Option<&'a Event<'a>>,
    pub(crate) message: Option<&'a Message<'a>>,
    /// Those of the response or, if there is none, the query; `None` if there is neither.
    parts: OnceCell<Option<Result<Parts<'a>, BadMessage>>>,
}

impl<'a> Row<'a> {
    pub(crate) fn new(frame: &DecodedFrame<'a>) -> Self {
        let event = frame.event.ok();
        let message = event.and_then(|event| event.message.as_ref());
        Self { frame: *frame, event, message, parts: OnceCell::new() }
    }

    fn parsed(&self) -> Option<&Result<Parts<'a>, BadMessage>> {
        let parse = || {
            let message = self.message?;
            message.response_message.or(message.query_message).map(Parts::find)
        };
        self.parts.get_or_init(parse).as_ref()
    }

    /// Returns the parts of the DNS message, unless it is absent or malformed.
    pub(crate) fn parts(&self) -> Option<&Parts<'a>> {
        self.parsed()?.as_ref().ok()
    }

    pub(crate) fn question(&self) -> Option<Question> {
        self.parts()?.question
    }

    pub(crate) fn opt(&self) -> Option<Record> {
        self.parts()?.opt
    }

    /// Returns the value of the first EDNS option with this code.
    pub(crate) fn option(&self, code: u16) -> Option<&'a [u8]> {
        let parts = self.parts()?;
        let mut options = edns::options(parts.wire, &parts.opt?);
        options.find(|(found, _)| *found == code).map(|(_, value)| value)
    }

    pub(crate) fn flag(&self, bit: u16) -> Value<'a> {
        self.parts().map(|parts| parts.flags & bit != 0).into()
    }

    /// Returns the number of records in a section.
    pub(crate) fn count(&self, section: usize) -> Value<'a> {
        self.parts().map(|parts| u32::from(parts.sections[section].count)).into()
    }

    /// Returns a list of EDNS options.
    pub(crate) fn options(&self, list: fn(&'a [u8], Record) -> List<'a>) -> Value<'a> {
        let opt = self.parts().and_then(|parts| Some((parts.wire, parts.opt?)));
        opt.map_or(Value::Absent, |(wire, opt)| Value::List(list(wire, opt)))
    }

    /// Returns the name of the first question.
    pub(crate) fn question_name(&self) -> Value<'a> {
        let name = self.parts().and_then(|parts| Some((parts.wire, parts.question?.name_at)));
        name.map_or(Value::Absent, |(wire, at)| Value::Name(wire, at))
    }

    /// Returns the records of a section.
    pub(crate) fn records(&self, section: usize) -> Value<'a> {
        match self.parts() {
            Some(parts) => Value::List(List::Records(parts.wire, parts.sections[section])),
            None => Value::Absent,
        }
    }

    pub(crate) fn policy(&self) -> Option<&'a Policy<'a>> {
        self.message?.policy.as_ref()
    }

    pub(crate) fn query_time(&self) -> Option<u64> {
        let message = self.message?;
        nanoseconds(message.query_time_sec, message.query_time_nsec)
    }

    pub(crate) fn response_time(&self) -> Option<u64> {
        let message = self.message?;
        nanoseconds(message.response_time_sec, message.response_time_nsec)
    }

    /// Returns the bytes of a frame that is not dnstap.
    pub(crate) fn undecodable(&self) -> Option<&'a [u8]> {
        self.event.is_none().then(|| self.frame.payload())
    }

    /// Returns what prevents columns from having their values.
    pub(crate) fn error(&self) -> Value<'a> {
        let mut text = String::new();
        let mut add = |what: &str, why: &dyn std::fmt::Display| {
            let separator = if text.is_empty() { "" } else { "; " };
            // Writing to a string cannot fail.
            let _ = write!(text, "{separator}{what}: {why}");
        };
        if let Some(message) = self.message {
            for (name, seconds, time) in [
                ("query_time", message.query_time_sec, self.query_time()),
                ("response_time", message.response_time_sec, self.response_time()),
            ] {
                if let (Some(seconds), None) = (seconds, time) {
                    add(name, &format_args!("{seconds} s is out of range"));
                }
            }
            let rule = message.policy.and_then(|policy| policy.rule);
            for (name, wire) in [("query_zone", message.query_zone), ("policy_rule", rule)] {
                if let Some(wire) = wire.filter(|wire| !name::is_exact(wire)) {
                    let mut hex = Vec::new();
                    hex.field_hex(wire);
                    add(name, &format_args!("no name: {}", String::from_utf8_lossy(&hex)));
                }
            }
        }
        if let Some(Err(error)) = self.parsed() {
            add("no DNS", error);
        }
        if let Err(error) = self.frame.event {
            add("no dnstap", error);
        }
        if text.is_empty() { Value::Absent } else { Value::Owned(text) }
    }
}
