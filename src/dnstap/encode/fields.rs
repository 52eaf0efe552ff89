// SPDX-License-Identifier: MIT OR Apache-2.0
//! The interface through which the encoder reads messages.

use crate::message::Message;
use crate::schema::fields::{message_fields, rust_type};

macro_rules! fields {
    ($(#[$about:meta])* Message = Message { $(
        $(#[$what:meta])*
        $label:ident $type:tt $name:ident = $number:literal => $field:ident,
    )+ }) => {
        /// A message that can be encoded: a [`Message`], or another type with the same fields,
        /// which spares the hot path the conversion.
        ///
        /// Each method must always return the same value, as the encoder calls some of them twice.
        pub trait Fields {
            $(
                #[doc = concat!("Returns [`Message::", stringify!($field), "`].")]
                fn $field(&self) -> rust_type!('_, $label $type);
            )+

            /// Converts the message.
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
