// SPDX-License-Identifier: MIT OR Apache-2.0
//! Events as borrowed views: what the encoder takes and the decoder gives.
//!
//! The fields are those of `proto/dnstap.proto`, under the same names where Rust allows them. Bytes
//! are what the frame or the caller has; nothing is copied.

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

            /// Nothing is set. A function, as a copy of a constant would be one of all bytes.
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
    /// An event of type MESSAGE with nothing else set.
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
    /// A message of this type with nothing else set.
    pub const fn new(message_type: MessageType) -> Self {
        Self { message_type, ..Self::empty() }
    }
}

impl Default for Policy<'_> {
    fn default() -> Self {
        Self::empty()
    }
}
