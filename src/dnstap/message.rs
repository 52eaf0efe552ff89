// SPDX-License-Identifier: MIT OR Apache-2.0
//! Events as borrowed views: what the encoder takes and the decoder gives.
//!
//! The fields are those of `proto/dnstap.proto`, under the same names where Rust allows them. Bytes
//! are what the frame or the caller has; nothing is copied.

use crate::schema::{
    EventType, HttpProtocol, MessageType, PolicyAction, PolicyMatch, SocketFamily, SocketProtocol,
};

/// The content of one Frame Streams data frame of type `protobuf:dnstap.Dnstap` (`Dnstap`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event<'a> {
    /// Who logged it (`identity`), as a rule what the server answers to NSID (RFC 5001).
    pub identity: Option<&'a [u8]>,
    /// What software that is (`version`), as a rule what it answers to "version.bind" in class CH.
    pub version: Option<&'a [u8]>,
    /// Bytes of the operator's own (`extra`).
    pub extra: Option<&'a [u8]>,
    /// The DNS message (`message`).
    pub message: Option<Message<'a>>,
    /// What kind of event this is (`type`). Of another kind than [`EventType::MESSAGE`], the
    /// rest is unknown here.
    pub event_type: EventType,
}

impl Event<'_> {
    /// An event of type MESSAGE with nothing else set.
    pub const fn new() -> Self {
        Self {
            identity: None,
            version: None,
            extra: None,
            message: None,
            event_type: EventType::MESSAGE,
        }
    }
}

impl Default for Event<'_> {
    fn default() -> Self {
        Self::new()
    }
}

/// A DNS message in wire format with its circumstances (`Message`).
///
/// The initiator is the side that sent the query, the responder the side that answers it, in
/// queries and responses alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    /// Where and in which direction the message was seen (`type`).
    pub message_type: MessageType,
    /// How to read the addresses (`socket_family`).
    pub socket_family: Option<SocketFamily>,
    /// How the message travelled (`socket_protocol`).
    pub socket_protocol: Option<SocketProtocol>,
    /// The initiator's address in network byte order (`query_address`).
    pub query_address: Option<&'a [u8]>,
    /// The responder's address in network byte order (`response_address`).
    pub response_address: Option<&'a [u8]>,
    /// The initiator's port (`query_port`).
    pub query_port: Option<u32>,
    /// The responder's port (`response_port`).
    pub response_port: Option<u32>,
    /// When the query was sent or received, in seconds since 1970-01-01 UTC (`query_time_sec`).
    pub query_time_sec: Option<u64>,
    /// The nanoseconds of that second (`query_time_nsec`).
    pub query_time_nsec: Option<u32>,
    /// The query in wire format (RFC 1035, section 4) without transport headers
    /// (`query_message`).
    pub query_message: Option<&'a [u8]>,
    /// The zone whose servers were asked, a domain name in wire format (`query_zone`).
    pub query_zone: Option<&'a [u8]>,
    /// When the response was sent or received, in seconds since 1970-01-01 UTC
    /// (`response_time_sec`).
    pub response_time_sec: Option<u64>,
    /// The nanoseconds of that second (`response_time_nsec`).
    pub response_time_nsec: Option<u32>,
    /// The response in wire format without transport headers (`response_message`).
    pub response_message: Option<&'a [u8]>,
    /// The rule of the operator that the message met (`policy`).
    pub policy: Option<Policy<'a>>,
    /// The version of HTTP, where the protocol is DNS over HTTPS (`http_protocol`).
    pub http_protocol: Option<HttpProtocol>,
}

impl Message<'_> {
    /// A message of this type with nothing else set.
    pub const fn new(message_type: MessageType) -> Self {
        Self {
            message_type,
            socket_family: None,
            socket_protocol: None,
            query_address: None,
            response_address: None,
            query_port: None,
            response_port: None,
            query_time_sec: None,
            query_time_nsec: None,
            query_message: None,
            query_zone: None,
            response_time_sec: None,
            response_time_nsec: None,
            response_message: None,
            policy: None,
            http_protocol: None,
        }
    }
}

/// A rule of the operator that a message met, such as one of a response policy zone (`Policy`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Policy<'a> {
    /// The kind of policy in UTF-8, "RPZ" for a response policy zone (`type`).
    pub policy_type: Option<&'a [u8]>,
    /// The rule (`rule`), in a response policy zone its owner name in wire format.
    pub rule: Option<&'a [u8]>,
    /// What was done (`action`).
    pub action: Option<PolicyAction>,
    /// What the rule was compared with (`match`).
    pub policy_match: Option<PolicyMatch>,
    /// What met the rule, in a form that depends on what was compared (`value`).
    pub value: Option<&'a [u8]>,
}
