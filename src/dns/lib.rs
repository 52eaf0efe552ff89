// SPDX-License-Identifier: MIT OR Apache-2.0
//! DNS messages, read where they lie in a frame: nothing is copied.
//!
//! What is taken as a message is what the golang `dnstap` takes, so that both print the same: a
//! section may end with the message although its count says more, and record data may end between
//! two of its fields. Anything else that is wrong makes the whole message bad.

#![forbid(unsafe_code)]

pub mod edns;
pub mod mnemonic;
pub mod name;
pub mod rdata;
pub mod record;
pub mod record_data;
pub mod section;

use thiserror::Error;

/// Operations.
pub mod opcode {
    /// Query (RFC 1035).
    pub const QUERY: u8 = 0;
    /// Dynamic update (RFC 2136).
    pub const UPDATE: u8 = 5;
}

/// The error of a malformed DNS message, with its offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{reason} at byte {offset}")]
pub struct BadMessage {
    /// Where in the message, in bytes.
    pub offset: usize,
    /// The problem.
    pub reason: BadMessageReason,
}

/// The kinds of malformed DNS messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BadMessageReason {
    /// More bytes than any transport can carry.
    #[error("the message is longer than 65535 bytes")]
    LongMessage,
    /// The message ends within its header.
    #[error("the header is cut short")]
    Header,
    /// The message, or the data of a record, ends within a field.
    #[error("a field is cut short")]
    Truncated,
    /// A name of more than 255 bytes.
    #[error("a name is too long")]
    LongName,
    /// A label of a kind that is not defined.
    #[error("a label type is unknown")]
    LabelType,
    /// A name of more compression pointers than it can have labels.
    #[error("compression pointers go round")]
    Pointers,
    /// The data of a record continues after the fields of its type.
    #[error("record data is too long")]
    LongData,
    /// A type bitmap with blocks out of order, empty or too long.
    #[error("a type bitmap is bad")]
    Bitmap,
    /// An EDNS option that does not follow its definition.
    #[error("an EDNS option is bad")]
    Option,
    /// A parameter of a service binding that does not follow its definition.
    #[error("a service parameter is bad")]
    ServiceParameter,
    /// An address prefix that does not follow RFC 3123.
    #[error("an address prefix is bad")]
    AddressPrefix,
}
