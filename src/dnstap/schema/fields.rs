// SPDX-License-Identifier: MIT OR Apache-2.0
//! The messages and their fields.
//!
//! Each table is a macro that calls another macro, the user, with the user's arguments and the
//! fields. A field is a line as in the schema, followed by `=>` and its name in this crate:
//!
//! ```text
//! optional (enum SocketFamily) socket_family = 2 => socket_family,
//! ```
//!
//! A user matches `$label:ident $type:tt $name:ident = $number:literal => $field:ident`, and
//! expands to the code it needs; `rust_type!('a, $label $type)`, for instance, is the type of the
//! field.

/// The fields of `Dnstap`.
macro_rules! event_fields {
    ($user:ident $($argument:tt)*) => {
        $user! {
            $($argument)*
            /// The content of one Frame Streams data frame of type `protobuf:dnstap.Dnstap`
            /// (`Dnstap`).
            Event = Dnstap {
                /// The name of the server that logged the event, usually its NSID (RFC 5001).
                optional bytes identity = 1 => identity,
                /// The software and version of that server, usually its answer to "version.bind"
                /// in class CH.
                optional bytes version = 2 => version,
                /// Data of the operator's own.
                optional bytes extra = 3 => extra,
                /// The DNS message.
                optional (message Message) message = 14 => message,
                /// The kind of event (`type`). If it is not [`EventType::MESSAGE`], the rest is
                /// unknown here.
                required (enum EventType) r#type = 15 => event_type,
            }
        }
    };
}

/// The fields of `Message`.
macro_rules! message_fields {
    ($user:ident $($argument:tt)*) => {
        $user! {
            $($argument)*
            /// A DNS message in wire format with its context (`Message`).
            ///
            /// The initiator is the side that sent the query, the responder the side that answers
            /// it, in both queries and responses.
            Message = Message {
                /// Where, and in which direction, the message was seen (`type`).
                required (enum MessageType) r#type = 1 => message_type,
                /// The family of the addresses.
                optional (enum SocketFamily) socket_family = 2 => socket_family,
                /// The transport protocol of the message.
                optional (enum SocketProtocol) socket_protocol = 3 => socket_protocol,
                /// The initiator's address in network byte order.
                optional bytes query_address = 4 => query_address,
                /// The responder's address in network byte order.
                optional bytes response_address = 5 => response_address,
                /// The initiator's port.
                optional uint32 query_port = 6 => query_port,
                /// The responder's port.
                optional uint32 response_port = 7 => response_port,
                /// When the query was sent or received, in seconds since 1970-01-01 UTC.
                optional uint64 query_time_sec = 8 => query_time_sec,
                /// The nanoseconds of that second.
                optional fixed32 query_time_nsec = 9 => query_time_nsec,
                /// The query in wire format (RFC 1035, section 4) without transport headers.
                optional bytes query_message = 10 => query_message,
                /// The zone whose servers were queried: a domain name in wire format.
                optional bytes query_zone = 11 => query_zone,
                /// When the response was sent or received, in seconds since 1970-01-01 UTC.
                optional uint64 response_time_sec = 12 => response_time_sec,
                /// The nanoseconds of that second.
                optional fixed32 response_time_nsec = 13 => response_time_nsec,
                /// The response in wire format without transport headers.
                optional bytes response_message = 14 => response_message,
                /// The rule of the operator that matched the message.
                optional (message Policy) policy = 15 => policy,
                /// The version of HTTP, if the transport is DNS over HTTPS.
                optional (enum HttpProtocol) http_protocol = 16 => http_protocol,
            }
        }
    };
}

/// The fields of `Policy`.
macro_rules! policy_fields {
    ($user:ident $($argument:tt)*) => {
        $user! {
            $($argument)*
            /// A rule of the operator that matched a message, such as one of a response policy zone
            /// (`Policy`).
            Policy = Policy {
                /// The type of the policy in UTF-8: "RPZ" for a response policy zone (`type`).
                optional string r#type = 1 => policy_type,
                /// The rule: for a response policy zone, its owner name in wire format.
                optional bytes rule = 2 => rule,
                /// The action that was taken.
                optional (enum PolicyAction) action = 3 => action,
                /// The property that the rule was compared with (`match`).
                optional (enum PolicyMatch) r#match = 4 => policy_match,
                /// The value that matched the rule, in a form that depends on the property.
                optional bytes value = 5 => value,
            }
        }
    };
}

/// Expands to the type of a field in this crate.
#[rustfmt::skip]
macro_rules! rust_type {
    ($lifetime:lifetime, required $type:tt) => { rust_type!($lifetime, $type) };
    ($lifetime:lifetime, optional $type:tt) => { Option<rust_type!($lifetime, $type)> };
    ($lifetime:lifetime, bytes) => { &$lifetime [u8] };
    ($lifetime:lifetime, string) => { &$lifetime [u8] };
    ($lifetime:lifetime, uint32) => { u32 };
    ($lifetime:lifetime, uint64) => { u64 };
    ($lifetime:lifetime, fixed32) => { u32 };
    ($lifetime:lifetime, (enum $type:ident)) => { $crate::schema::$type };
    ($lifetime:lifetime, (message $type:ident)) => { $crate::message::$type<$lifetime> };
}

/// Expands to the wire type of a field.
#[rustfmt::skip]
macro_rules! wire_type {
    (bytes) => { $crate::wire::BYTES };
    (string) => { $crate::wire::BYTES };
    (uint32) => { $crate::wire::VARINT };
    (uint64) => { $crate::wire::VARINT };
    (fixed32) => { $crate::wire::FIXED32 };
    ((enum $type:ident)) => { $crate::wire::VARINT };
    ((message $type:ident)) => { $crate::wire::BYTES };
}

/// Expands to the name of a field in the schema, as text.
#[rustfmt::skip]
macro_rules! schema_name {
    (r#type) => { "type" };
    (r#match) => { "match" };
    ($name:ident) => { stringify!($name) };
}

pub(crate) use {event_fields, message_fields, policy_fields, rust_type, schema_name, wire_type};

/// A field of the schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// The name in the schema.
    pub name: &'static str,
    /// The number on the wire.
    pub number: u32,
    /// "required" or "optional".
    pub label: &'static str,
    /// The type in the schema; that of an enumeration has its name in this crate, such as "(enum
    /// MessageType)".
    pub type_name: &'static str,
}
