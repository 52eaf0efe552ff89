// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the encoder asks for.

use crate::message::{Message, Policy};
use crate::schema::{HttpProtocol, MessageType, SocketFamily, SocketProtocol};

/// Seconds and nanoseconds of a time, either of which can be absent.
pub type Time = (Option<u64>, Option<u32>);

macro_rules! fields {
    ($($(#[$what:meta])* $field:ident: $type:ty,)+) => {
        /// A message that can be encoded: a [`Message`], or what has its fields in a form of its
        /// own and is read just where each field is written. That spares the hot path the copy.
        ///
        /// Every method must give the same answer each time: the encoder asks for some fields
        /// twice.
        pub trait Fields {
            $($(#[$what])* fn $field(&self) -> $type;)+
            /// [`Message::query_time_sec`] and [`Message::query_time_nsec`].
            fn query_time(&self) -> Time;
            /// [`Message::response_time_sec`] and [`Message::response_time_nsec`].
            fn response_time(&self) -> Time;
        }

        impl Fields for Message<'_> {
            $(
                #[inline(always)]
                fn $field(&self) -> $type {
                    self.$field
                }
            )+

            #[inline(always)]
            fn query_time(&self) -> Time {
                (self.query_time_sec, self.query_time_nsec)
            }

            #[inline(always)]
            fn response_time(&self) -> Time {
                (self.response_time_sec, self.response_time_nsec)
            }
        }
    };
}

fields! {
    /// [`Message::message_type`].
    message_type: MessageType,
    /// [`Message::socket_family`].
    socket_family: Option<SocketFamily>,
    /// [`Message::socket_protocol`].
    socket_protocol: Option<SocketProtocol>,
    /// [`Message::query_address`].
    query_address: Option<&[u8]>,
    /// [`Message::response_address`].
    response_address: Option<&[u8]>,
    /// [`Message::query_port`].
    query_port: Option<u32>,
    /// [`Message::response_port`].
    response_port: Option<u32>,
    /// [`Message::query_message`].
    query_message: Option<&[u8]>,
    /// [`Message::query_zone`].
    query_zone: Option<&[u8]>,
    /// [`Message::response_message`].
    response_message: Option<&[u8]>,
    /// [`Message::policy`].
    policy: Option<Policy<'_>>,
    /// [`Message::http_protocol`].
    http_protocol: Option<HttpProtocol>,
}
