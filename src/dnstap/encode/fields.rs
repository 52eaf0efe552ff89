// SPDX-License-Identifier: MIT OR Apache-2.0
//! The interface through which the encoder reads messages.

use crate::message::Message;
use crate::schema::fields::{message_fields, rust_type};

macro_rules! fields {
    ($(#[$about:meta])* Message = Message { $(
        $(#[$what:meta])*
        $label:ident $type:tt $name:ident = $number:literal => $field:ident,
    )+ }) => {
        /// A message that can be encoded: a [`Message`], or what has its fields in a form of its
        /// own and is read just where each field is written. That spares the hot path the copy.
        ///
        /// Every method must give the same answer each time: the encoder asks for some fields
        /// twice.
        pub trait Fields {
            $(
                #[doc = concat!("[`Message::", stringify!($field), "`].")]
                fn $field(&self) -> rust_type!('_, $label $type);
            )+

            /// Returns the message in the form of this crate.
            fn to_message(&self) -> Message<'_> {
                Message { $($field: self.$field(),)+ }
            }
        }

        impl Fields for Message<'_> {
            $(
                #[inline(always)]
                fn $field(&self) -> rust_type!('_, $label $type) {
                    self.$field
                }
            )+
        }
    };
}

message_fields!(fields);
