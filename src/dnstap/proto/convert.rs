// SPDX-License-Identifier: MIT OR Apache-2.0
//! Owned from borrowed, and borrowed from owned.

use crate::message::{Event, Message, Policy};
use crate::proto;
use crate::schema::Enumeration;
use crate::schema::fields::{event_fields, message_fields, policy_fields};

/// Makes the conversions of a message. They name every field, so that one that is missing here or in
/// `proto/dnstap.proto` does not compile.
macro_rules! convert {
    (
        $(#[$about:meta])*
        $struct:ident = $message:ident {
            $(
                $(#[$what:meta])*
                $label:ident $type:tt $name:ident = $number:literal => $field:ident,
            )+
        }
    ) => {
        impl From<&$struct<'_>> for proto::$message {
            fn from(message: &$struct<'_>) -> Self {
                Self { $($name: Borrowed::owned(message.$field),)+ }
            }
        }

        impl<'a> From<&'a proto::$message> for $struct<'a> {
            fn from(message: &'a proto::$message) -> Self {
                Self { $($field: Owned::borrowed(&message.$name),)+ }
            }
        }
    };
}

event_fields!(convert);
message_fields!(convert);
policy_fields!(convert);

/// A borrowed value that is `O` if it is owned.
trait Borrowed<O> {
    fn owned(self) -> O;
}

/// An owned value that is `B` if it is borrowed.
trait Owned<'a, B> {
    fn borrowed(&'a self) -> B;
}

impl<B: Borrowed<O>, O> Borrowed<Option<O>> for Option<B> {
    fn owned(self) -> Option<O> {
        self.map(B::owned)
    }
}

impl<'a, B, O: Owned<'a, B>> Owned<'a, Option<B>> for Option<O> {
    fn borrowed(&'a self) -> Option<B> {
        self.as_ref().map(O::borrowed)
    }
}

impl Borrowed<Vec<u8>> for &[u8] {
    fn owned(self) -> Vec<u8> {
        self.to_vec()
    }
}

impl<'a> Owned<'a, &'a [u8]> for Vec<u8> {
    fn borrowed(&'a self) -> &'a [u8] {
        self
    }
}

/// For what is not UTF-8, replacement characters stand in.
impl Borrowed<String> for &[u8] {
    fn owned(self) -> String {
        String::from_utf8_lossy(self).into_owned()
    }
}

impl<'a> Owned<'a, &'a [u8]> for String {
    fn borrowed(&'a self) -> &'a [u8] {
        self.as_bytes()
    }
}

impl<E: Enumeration> Borrowed<i32> for E {
    fn owned(self) -> i32 {
        self.number() as i32
    }
}

impl<E: Enumeration> Owned<'_, E> for i32 {
    fn borrowed(&self) -> E {
        E::new(*self as u32)
    }
}

/// What is the same in either form, or has a conversion above.
macro_rules! values {
    (same: $($number:ty),+; messages: $($message:ident),+;) => {
        $(
            impl Borrowed<$number> for $number {
                fn owned(self) -> $number {
                    self
                }
            }

            impl Owned<'_, $number> for $number {
                fn borrowed(&self) -> $number {
                    *self
                }
            }
        )+
        $(
            impl Borrowed<proto::$message> for $message<'_> {
                fn owned(self) -> proto::$message {
                    proto::$message::from(&self)
                }
            }

            impl<'a> Owned<'a, $message<'a>> for proto::$message {
                fn borrowed(&'a self) -> $message<'a> {
                    $message::from(self)
                }
            }
        )+
    };
}

values! {
    same: u32, u64;
    messages: Message, Policy;
}
