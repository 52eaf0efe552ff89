// SPDX-License-Identifier: MIT OR Apache-2.0
//! Owned from borrowed, and borrowed from owned.

use crate::message::{Event, Message, Policy};
use crate::proto;
use crate::schema::{
    EventType, HttpProtocol, MessageType, PolicyAction, PolicyMatch, SocketFamily, SocketProtocol,
};

impl From<&Event<'_>> for proto::Dnstap {
    fn from(event: &Event<'_>) -> Self {
        Self {
            identity: event.identity.map(<[u8]>::to_vec),
            version: event.version.map(<[u8]>::to_vec),
            extra: event.extra.map(<[u8]>::to_vec),
            message: event.message.as_ref().map(proto::Message::from),
            r#type: event.event_type.0 as i32,
        }
    }
}

impl From<&Message<'_>> for proto::Message {
    fn from(message: &Message<'_>) -> Self {
        Self {
            r#type: message.message_type.0 as i32,
            socket_family: message.socket_family.map(|family| family.0 as i32),
            socket_protocol: message.socket_protocol.map(|protocol| protocol.0 as i32),
            query_address: message.query_address.map(<[u8]>::to_vec),
            response_address: message.response_address.map(<[u8]>::to_vec),
            query_port: message.query_port,
            response_port: message.response_port,
            query_time_sec: message.query_time_sec,
            query_time_nsec: message.query_time_nsec,
            query_message: message.query_message.map(<[u8]>::to_vec),
            query_zone: message.query_zone.map(<[u8]>::to_vec),
            response_time_sec: message.response_time_sec,
            response_time_nsec: message.response_time_nsec,
            response_message: message.response_message.map(<[u8]>::to_vec),
            policy: message.policy.as_ref().map(proto::Policy::from),
            http_protocol: message.http_protocol.map(|protocol| protocol.0 as i32),
        }
    }
}

/// Where the type of a policy is not UTF-8, replacement characters stand in.
impl From<&Policy<'_>> for proto::Policy {
    fn from(policy: &Policy<'_>) -> Self {
        Self {
            r#type: policy.policy_type.map(|bytes| String::from_utf8_lossy(bytes).into_owned()),
            rule: policy.rule.map(<[u8]>::to_vec),
            action: policy.action.map(|action| action.0 as i32),
            r#match: policy.policy_match.map(|matched| matched.0 as i32),
            value: policy.value.map(<[u8]>::to_vec),
        }
    }
}

impl<'a> From<&'a proto::Dnstap> for Event<'a> {
    fn from(event: &'a proto::Dnstap) -> Self {
        Self {
            identity: event.identity.as_deref(),
            version: event.version.as_deref(),
            extra: event.extra.as_deref(),
            message: event.message.as_ref().map(Message::from),
            event_type: EventType(event.r#type as u32),
        }
    }
}

impl<'a> From<&'a proto::Message> for Message<'a> {
    fn from(message: &'a proto::Message) -> Self {
        Self {
            message_type: MessageType(message.r#type as u32),
            socket_family: message.socket_family.map(|family| SocketFamily(family as u32)),
            socket_protocol: message.socket_protocol.map(|number| SocketProtocol(number as u32)),
            query_address: message.query_address.as_deref(),
            response_address: message.response_address.as_deref(),
            query_port: message.query_port,
            response_port: message.response_port,
            query_time_sec: message.query_time_sec,
            query_time_nsec: message.query_time_nsec,
            query_message: message.query_message.as_deref(),
            query_zone: message.query_zone.as_deref(),
            response_time_sec: message.response_time_sec,
            response_time_nsec: message.response_time_nsec,
            response_message: message.response_message.as_deref(),
            policy: message.policy.as_ref().map(Policy::from),
            http_protocol: message.http_protocol.map(|number| HttpProtocol(number as u32)),
        }
    }
}

impl<'a> From<&'a proto::Policy> for Policy<'a> {
    fn from(policy: &'a proto::Policy) -> Self {
        Self {
            policy_type: policy.r#type.as_deref().map(str::as_bytes),
            rule: policy.rule.as_deref(),
            action: policy.action.map(|number| PolicyAction(number as u32)),
            policy_match: policy.r#match.map(|number| PolicyMatch(number as u32)),
            value: policy.value.as_deref(),
        }
    }
}
