// SPDX-License-Identifier: MIT OR Apache-2.0
//! The long way: fields in any order and any form.

use super::input::Input;
use super::{DecodeError, Reason};
use crate::message::{Event, Message, Policy};
use crate::schema::{
    EventType, HttpProtocol, MessageType, PolicyAction, PolicyMatch, SocketFamily, SocketProtocol,
};
use crate::wire::{event, message, policy};

/// Reads the rest of an event without a type as yet.
#[cold]
#[inline(never)]
pub(super) fn event<'a>(
    mut input: Input<'a>,
    event: &mut Event<'a>,
    mut has_message_type: bool,
) -> Result<(), DecodeError> {
    let mut event_type = None;
    while let Some(key) = input.key()? {
        match key {
            event::IDENTITY => event.identity = Some(input.bytes()?),
            event::VERSION => event.version = Some(input.bytes()?),
            event::EXTRA => event.extra = Some(input.bytes()?),
            event::MESSAGE => {
                let piece = input.inner()?;
                let message = event.message.get_or_insert(Message::new(MessageType(0)));
                has_message_type = self::message(piece, message, has_message_type)?;
            }
            event::TYPE => event_type = Some(EventType(input.number()?)),
            _ => input.skip(key)?,
        }
    }
    let missing = |reason| DecodeError { offset: input.at(), reason };
    event.event_type = event_type.ok_or(missing(Reason::EventType))?;
    if event.message.is_some() && !has_message_type {
        return Err(missing(Reason::MessageType));
    }
    Ok(())
}

/// Reads the rest of a message. Returns whether it has a type then.
#[cold]
#[inline(never)]
pub(super) fn message<'a>(
    mut input: Input<'a>,
    message: &mut Message<'a>,
    mut has_type: bool,
) -> Result<bool, DecodeError> {
    while let Some(key) = input.key()? {
        match key {
            message::TYPE => {
                message.message_type = MessageType(input.number()?);
                has_type = true;
            }
            message::SOCKET_FAMILY => message.socket_family = Some(SocketFamily(input.number()?)),
            message::SOCKET_PROTOCOL => {
                message.socket_protocol = Some(SocketProtocol(input.number()?));
            }
            message::QUERY_ADDRESS => message.query_address = Some(input.bytes()?),
            message::RESPONSE_ADDRESS => message.response_address = Some(input.bytes()?),
            message::QUERY_PORT => message.query_port = Some(input.number()?),
            message::RESPONSE_PORT => message.response_port = Some(input.number()?),
            message::QUERY_TIME_SEC => message.query_time_sec = Some(input.varint()?),
            message::QUERY_TIME_NSEC => message.query_time_nsec = Some(input.fixed32()?),
            message::QUERY_MESSAGE => message.query_message = Some(input.bytes()?),
            message::QUERY_ZONE => message.query_zone = Some(input.bytes()?),
            message::RESPONSE_TIME_SEC => message.response_time_sec = Some(input.varint()?),
            message::RESPONSE_TIME_NSEC => message.response_time_nsec = Some(input.fixed32()?),
            message::RESPONSE_MESSAGE => message.response_message = Some(input.bytes()?),
            message::POLICY => {
                let piece = input.inner()?;
                policy(piece, message.policy.get_or_insert_default())?;
            }
            message::HTTP_PROTOCOL => message.http_protocol = Some(HttpProtocol(input.number()?)),
            _ => input.skip(key)?,
        }
    }
    Ok(has_type)
}

fn policy<'a>(mut input: Input<'a>, policy: &mut Policy<'a>) -> Result<(), DecodeError> {
    while let Some(key) = input.key()? {
        match key {
            policy::TYPE => policy.policy_type = Some(input.bytes()?),
            policy::RULE => policy.rule = Some(input.bytes()?),
            policy::ACTION => policy.action = Some(PolicyAction(input.number()?)),
            policy::MATCH => policy.policy_match = Some(PolicyMatch(input.number()?)),
            policy::VALUE => policy.value = Some(input.bytes()?),
            _ => input.skip(key)?,
        }
    }
    Ok(())
}
