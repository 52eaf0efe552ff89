// SPDX-License-Identifier: MIT OR Apache-2.0
//! The keys of the fields in the encoding.
//!
//! A field is encoded as its key, a varint of `field number << 3 | wire type`, and its value, whose
//! form depends on the wire type.

use crate::schema::fields::{event_fields, message_fields, policy_fields, wire_type};

/// Wire type of a varint: an integer in groups of seven bits, least significant first.
pub(crate) const VARINT: u32 = 0;
/// Wire type of 8 bytes, little-endian.
pub(crate) const FIXED64: u32 = 1;
/// Wire type of bytes, prefixed by their number as a varint.
pub(crate) const BYTES: u32 = 2;
/// Wire type of the start of a group, which consists of the fields up to its end.
pub(crate) const GROUP_START: u32 = 3;
/// Wire type of the end of a group.
pub(crate) const GROUP_END: u32 = 4;
/// Wire type of 4 bytes, little-endian.
pub(crate) const FIXED32: u32 = 5;

/// Defines a module with the keys of a message, each with the name of its field.
macro_rules! keys {
    (($module:ident) $(#[$about:meta])* $struct:ident = $message:ident { $(
        $(#[$what:meta])*
        $label:ident $type:tt $name:ident = $number:literal => $field:ident,
    )+ }) => {
        #[doc = concat!("Keys of `", stringify!($message), "`.")]
        #[allow(non_upper_case_globals)]
        pub(crate) mod $module {
            $(pub(crate) const $field: u32 = $number << 3 | super::wire_type!($type);)+
        }
    };
}

event_fields!(keys(event));
message_fields!(keys(message));
policy_fields!(keys(policy));

/// The first three keys of `Message`, at their offsets if each value has one byte.
pub(crate) const NUMBER_KEYS: u64 = message::message_type as u64
    | (message::socket_family as u64) << 16
    | (message::socket_protocol as u64) << 32;
