// SPDX-License-Identifier: MIT OR Apache-2.0
//! Conversions between borrowed and owned types.

use crate::message::{Event, Message, Policy};
use crate::proto;
use crate::schema::fields::{event_fields, message_fields, policy_fields};
use crate::schema::*;

/// Implements the conversions of a message. They name every field, so that a field that is missing
/// in the table or in `proto/dnstap.proto` is a compile error.
macro_rules! convert {
    ($(#[$about:meta])* $struct:ident = $message:ident { $(
        $(#[$what:meta])*
        $label:ident $type:tt $name:ident = $number:literal => $field:ident,
    )+ }) => {
        impl From<&$struct<'_>> for proto::$message {
            fn from(message: &$struct<'_>) -> Self {
                Self { $($name: owned!($label $type, message.$field),)+ }
            }
        }

        impl<'a> From<&'a proto::$message> for $struct<'a> {
            fn from(message: &'a proto::$message) -> Self {
                Self { $($field: borrowed!($label $type, message.$name),)+ }
            }
        }
    };
}

#[rustfmt::skip]
macro_rules! owned {
    (required $type:tt, $value:expr) => { owned!($type, $value) };
    (optional $type:tt, $value:expr) => { $value.map(|value| owned!($type, value)) };
    (bytes, $value:expr) => { $value.to_vec() };
    // Invalid UTF-8 is replaced by replacement characters.
    (string, $value:expr) => { String::from_utf8_lossy($value).into_owned() };
    ((enum $type:ident), $value:expr) => { $value.0 as i32 };
    ((message $type:ident), $value:expr) => { proto::$type::from(&$value) };
    ($number:ident, $value:expr) => { $value };
}

#[rustfmt::skip]
macro_rules! borrowed {
    (required (enum $type:ident), $value:expr) => { $type($value as u32) };
    (optional bytes, $value:expr) => { $value.as_deref() };
    (optional string, $value:expr) => { $value.as_deref().map(str::as_bytes) };
    (optional (enum $type:ident), $value:expr) => { $value.map(|value| $type(value as u32)) };
    (optional (message $type:ident), $value:expr) => { $value.as_ref().map($type::from) };
    (optional $number:ident, $value:expr) => { $value };
}

event_fields!(convert);
message_fields!(convert);
policy_fields!(convert);
