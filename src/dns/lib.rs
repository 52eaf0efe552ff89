// SPDX-License-Identifier: MIT OR Apache-2.0
//! DNS messages, parsed in place without copying.
//!
//! The parser accepts the same messages as the golang `dnstap`, so that both print the same text: a
//! section may have fewer records than its count if the message ends there, and record data may end
//! between two of its fields. Any other error rejects the whole message.

#![forbid(unsafe_code)]

pub mod edns;
pub mod mnemonic;
pub mod name;
pub mod rdata;
pub mod record;
mod record_data;
pub mod section;

use thiserror::Error;

/// Operation codes.
pub mod opcode {
    /// Query (RFC 1035).
    pub const QUERY: u8 = 0;
    /// Dynamic update (RFC 2136).
    pub const UPDATE: u8 = 5;
}

/// The reason and position of an error in a malformed DNS message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{reason} at byte {offset}")]
pub struct BadMessage {
    /// The offset in the message, in bytes.
    pub(crate) offset: usize,
    /// The reason.
    pub(crate) reason: BadMessageReason,
}

/// The kinds of malformed DNS messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum BadMessageReason {
    /// The message is longer than any transport can carry.
    #[error("the message is longer than 65535 bytes")]
    LongMessage,
    #[error("the header is cut short")]
    Header,
    /// The message, or the data of a record, ends within a field.
    #[error("a field is cut short")]
    Truncated,
    /// A name is longer than 255 bytes.
    #[error("a name is too long")]
    LongName,
    #[error("a label type is unknown")]
    LabelType,
    /// A name has more compression pointers than a name can have labels.
    #[error("compression pointers go round")]
    Pointers,
    /// The data of a record continues after the fields of its type.
    #[error("record data is too long")]
    LongData,
    /// A type bitmap has blocks that are out of order, empty or too long.
    #[error("a type bitmap is bad")]
    Bitmap,
    #[error("an EDNS option is bad")]
    Option,
    #[error("a service parameter is bad")]
    ServiceParameter,
    /// An address prefix does not follow RFC 3123.
    #[error("an address prefix is bad")]
    AddressPrefix,
}
