// SPDX-License-Identifier: MIT OR Apache-2.0
//! How protobuf marks fields, and the marks of the fields of `proto/dnstap.proto`.
//!
//! A field is its key, a varint of `field number << 3 | wire type`, and a value whose form the wire
//! type tells.

/// Wire type of an integer in groups of seven bits, least significant first.
pub(crate) const VARINT: u32 = 0;
/// Wire type of 8 bytes, little-endian.
pub(crate) const FIXED64: u32 = 1;
/// Wire type of a varint that says how many bytes follow.
pub(crate) const BYTES: u32 = 2;
/// Wire type of the start of a group: fields up to the end of the group of the same number.
pub(crate) const GROUP_START: u32 = 3;
/// Wire type of the end of a group.
pub(crate) const GROUP_END: u32 = 4;
/// Wire type of 4 bytes, little-endian.
pub(crate) const FIXED32: u32 = 5;

/// Keys of `Dnstap`.
pub(crate) mod event {
    pub(crate) const IDENTITY: u32 = 1 << 3 | super::BYTES;
    pub(crate) const VERSION: u32 = 2 << 3 | super::BYTES;
    pub(crate) const EXTRA: u32 = 3 << 3 | super::BYTES;
    pub(crate) const MESSAGE: u32 = 14 << 3 | super::BYTES;
    pub(crate) const TYPE: u32 = 15 << 3 | super::VARINT;
}

/// Keys of `Message`.
pub(crate) mod message {
    pub(crate) const TYPE: u32 = 1 << 3 | super::VARINT;
    pub(crate) const SOCKET_FAMILY: u32 = 2 << 3 | super::VARINT;
    pub(crate) const SOCKET_PROTOCOL: u32 = 3 << 3 | super::VARINT;
    pub(crate) const QUERY_ADDRESS: u32 = 4 << 3 | super::BYTES;
    pub(crate) const RESPONSE_ADDRESS: u32 = 5 << 3 | super::BYTES;
    pub(crate) const QUERY_PORT: u32 = 6 << 3 | super::VARINT;
    pub(crate) const RESPONSE_PORT: u32 = 7 << 3 | super::VARINT;
    pub(crate) const QUERY_TIME_SEC: u32 = 8 << 3 | super::VARINT;
    pub(crate) const QUERY_TIME_NSEC: u32 = 9 << 3 | super::FIXED32;
    pub(crate) const QUERY_MESSAGE: u32 = 10 << 3 | super::BYTES;
    pub(crate) const QUERY_ZONE: u32 = 11 << 3 | super::BYTES;
    pub(crate) const RESPONSE_TIME_SEC: u32 = 12 << 3 | super::VARINT;
    pub(crate) const RESPONSE_TIME_NSEC: u32 = 13 << 3 | super::FIXED32;
    pub(crate) const RESPONSE_MESSAGE: u32 = 14 << 3 | super::BYTES;
    pub(crate) const POLICY: u32 = 15 << 3 | super::BYTES;
    /// The one key of two bytes.
    pub(crate) const HTTP_PROTOCOL: u32 = 16 << 3 | super::VARINT;
    /// The first three, in the places that they have where each value has one byte.
    pub(crate) const NUMBER_KEYS: u64 =
        TYPE as u64 | (SOCKET_FAMILY as u64) << 16 | (SOCKET_PROTOCOL as u64) << 32;
}

/// Keys of `Policy`.
pub(crate) mod policy {
    pub(crate) const TYPE: u32 = 1 << 3 | super::BYTES;
    pub(crate) const RULE: u32 = 2 << 3 | super::BYTES;
    pub(crate) const ACTION: u32 = 3 << 3 | super::VARINT;
    pub(crate) const MATCH: u32 = 4 << 3 | super::VARINT;
    pub(crate) const VALUE: u32 = 5 << 3 | super::BYTES;
}
