// SPDX-License-Identifier: MIT OR Apache-2.0
//! The long way: fields in any order and any form.

use super::input::Input;
use super::{DecodeError, Reason};
use crate::message::{Event, Message, Policy};
use crate::schema::fields::{event_fields, message_fields, policy_fields};
use crate::schema::{Enumeration, EventType, MessageType};
use crate::wire::{self, FIXED32};

/// Which of the required fields have come.
#[derive(Clone, Copy, Default)]
pub(super) struct Required {
    pub(super) event_type: bool,
    pub(super) message_type: bool,
}

/// Reads the rest of an event without a type as yet.
#[cold]
#[inline(never)]
pub(super) fn event<'a>(
    mut input: Input<'a>,
    event: &mut Event<'a>,
    has_message_type: bool,
) -> Result<(), DecodeError> {
    let mut required = Required { event_type: false, message_type: has_message_type };
    read_event(&mut input, event, &mut required)?;
    let missing = |reason| Err(DecodeError { offset: input.at(), reason });
    if !required.event_type {
        return missing(Reason::EventType);
    }
    if event.message.is_some() && !required.message_type {
        return missing(Reason::MessageType);
    }
    Ok(())
}

/// Reads the rest of a message. Returns whether it has a type then.
#[cold]
#[inline(never)]
pub(super) fn message<'a>(
    mut input: Input<'a>,
    message: &mut Message<'a>,
    has_type: bool,
) -> Result<bool, DecodeError> {
    let mut required = Required { message_type: has_type, ..Required::default() };
    read_message(&mut input, message, &mut required)?;
    Ok(required.message_type)
}

/// Makes a function that reads all fields of a message.
macro_rules! reader {
    (
        ($read:ident, $keys:ident)
        $(#[$about:meta])*
        $struct:ident = $message:ident {
            $(
                $(#[$what:meta])*
                $label:ident $type:tt $name:ident = $number:literal => $field:ident,
            )+
        }
    ) => {
        fn $read<'a>(
            input: &mut Input<'a>,
            message: &mut $struct<'a>,
            required: &mut Required,
        ) -> Result<(), DecodeError> {
            while let Some(key) = input.key()? {
                match key {
                    $(wire::$keys::$field => message.$field.read(key, input, required)?,)+
                    _ => input.skip(key)?,
                }
            }
            Ok(())
        }
    };
}

event_fields!(reader(read_event, event));
message_fields!(reader(read_message, message));
policy_fields!(reader(read_policy, policy));

/// A field of a message, in its place.
trait Field<'a> {
    /// Reads its value, of the wire type of the key.
    fn read(
        &mut self,
        key: u32,
        input: &mut Input<'a>,
        required: &mut Required,
    ) -> Result<(), DecodeError>;
}

impl<'a, V: Value<'a>> Field<'a> for Option<V> {
    fn read(
        &mut self,
        key: u32,
        input: &mut Input<'a>,
        _: &mut Required,
    ) -> Result<(), DecodeError> {
        *self = Some(V::read(key, input)?);
        Ok(())
    }
}

impl<'a> Field<'a> for EventType {
    fn read(
        &mut self,
        key: u32,
        input: &mut Input<'a>,
        required: &mut Required,
    ) -> Result<(), DecodeError> {
        *self = Value::read(key, input)?;
        required.event_type = true;
        Ok(())
    }
}

impl<'a> Field<'a> for MessageType {
    fn read(
        &mut self,
        key: u32,
        input: &mut Input<'a>,
        required: &mut Required,
    ) -> Result<(), DecodeError> {
        *self = Value::read(key, input)?;
        required.message_type = true;
        Ok(())
    }
}

impl<'a> Field<'a> for Option<Message<'a>> {
    fn read(
        &mut self,
        _: u32,
        input: &mut Input<'a>,
        required: &mut Required,
    ) -> Result<(), DecodeError> {
        let message = self.get_or_insert(Message::new(MessageType(0)));
        read_message(&mut input.inner()?, message, required)
    }
}

impl<'a> Field<'a> for Option<Policy<'a>> {
    fn read(
        &mut self,
        _: u32,
        input: &mut Input<'a>,
        required: &mut Required,
    ) -> Result<(), DecodeError> {
        read_policy(&mut input.inner()?, self.get_or_insert_default(), required)
    }
}

/// A value that is not a message.
trait Value<'a>: Sized {
    fn read(key: u32, input: &mut Input<'a>) -> Result<Self, DecodeError>;
}

impl<'a> Value<'a> for &'a [u8] {
    fn read(_: u32, input: &mut Input<'a>) -> Result<Self, DecodeError> {
        input.bytes()
    }
}

impl Value<'_> for u32 {
    fn read(key: u32, input: &mut Input<'_>) -> Result<Self, DecodeError> {
        if key & 7 == FIXED32 { input.fixed32() } else { input.number() }
    }
}

impl Value<'_> for u64 {
    fn read(_: u32, input: &mut Input<'_>) -> Result<Self, DecodeError> {
        input.varint()
    }
}

impl<E: Enumeration> Value<'_> for E {
    fn read(_: u32, input: &mut Input<'_>) -> Result<Self, DecodeError> {
        input.number().map(E::new)
    }
}
