// SPDX-License-Identifier: MIT OR Apache-2.0
//! Events and messages as borrowed views, for the encoder and the decoder.
//!
//! The fields are those of `proto/dnstap.proto`, with the same names where Rust allows them. Bytes
//! are borrowed from the frame or the caller.

use crate::schema::fields::{event_fields, message_fields, policy_fields, rust_type, schema_name};
use crate::schema::{EventType, Field, MessageType, is_ascending};

macro_rules! structure {
    ($(#[$about:meta])* $struct:ident = $message:ident { $(
        $(#[$what:meta])*
        $label:ident $type:tt $name:ident = $number:literal => $field:ident,
    )+ }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $struct<'a> {
            $($(#[$what])* pub $field: rust_type!('a, $label $type),)+
        }

        impl $struct<'_> {
            /// The fields as the schema has them, in ascending order of their numbers.
            pub const FIELDS: &'static [Field] = &[$(Field {
                name: schema_name!($name),
                number: $number,
                label: stringify!($label),
                type_name: stringify!($type),
            }),+];

            /// Returns a value without fields. It is a function because a constant would be copied
            /// with all its bytes.
            #[inline(always)]
            const fn empty() -> Self {
                Self { $($field: empty!($label $type),)+ }
            }
        }

        const _: () = assert!(is_ascending(&[$($number),+]), "numbers are in ascending order");
    };
}

#[rustfmt::skip]
macro_rules! empty {
    (optional $type:tt) => { None };
    (required (enum $type:ident)) => { $type(0) };
}

event_fields!(structure);
message_fields!(structure);
policy_fields!(structure);

impl Event<'_> {
    /// Creates an event of type MESSAGE without other fields.
    pub const fn new() -> Self {
        Self { event_type: EventType::MESSAGE, ..Self::empty() }
    }
}

impl Default for Event<'_> {
    fn default() -> Self {
        Self::new()
    }
}

impl Message<'_> {
    /// Creates a message of this type without other fields.
    pub const fn new(message_type: MessageType) -> Self {
        Self { message_type, ..Self::empty() }
    }
}

impl Default for Policy<'_> {
    fn default() -> Self {
        Self::empty()
    }
}
