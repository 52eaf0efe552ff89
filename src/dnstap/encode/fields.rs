// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the encoder asks for.

use crate::message::{Message, Policy};
use crate::schema::{HttpProtocol, MessageType, SocketFamily, SocketProtocol};

macro_rules! fields {
    ($($(#[$what:meta])* $field:ident: $type:ty,)+) => {
        /// A message that can be encoded: a [`Message`], or what has its fields in a form of its
        /// own and is read just where each field is written. That spares the hot path the copy.
        ///
        /// Every method must give the same answer each time: the encoder asks for some fields
        /// twice.
        pub trait Fields {
            $($(#[$what])* fn $field(&self) -> $type;)+
        }

        impl Fields for Message<'_> {
            $(
                #[inline(always)]
                fn $field(&self) -> $type {
                    self.$field
                }
            )+
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
    /// [`Message::query_time_sec`].
    query_time_sec: Option<u64>,
    /// [`Message::query_time_nsec`].
    query_time_nsec: Option<u32>,
    /// [`Message::query_message`].
    query_message: Option<&[u8]>,
    /// [`Message::query_zone`].
    query_zone: Option<&[u8]>,
    /// [`Message::response_time_sec`].
    response_time_sec: Option<u64>,
    /// [`Message::response_time_nsec`].
    response_time_nsec: Option<u32>,
    /// [`Message::response_message`].
    response_message: Option<&[u8]>,
    /// [`Message::policy`].
    policy: Option<Policy<'_>>,
    /// [`Message::http_protocol`].
    http_protocol: Option<HttpProtocol>,
}
