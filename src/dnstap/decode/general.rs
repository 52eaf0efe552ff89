// SPDX-License-Identifier: MIT OR Apache-2.0
//! The general decoder: fields in any order and form.

use super::input::Input;
use super::{DecodeError, DecodeReason};
use crate::message::{Event, Message, Policy};
use crate::schema::fields::{event_fields, message_fields, policy_fields};
use crate::schema::*;
use crate::wire;

/// The required fields that were read so far.
#[derive(Clone, Copy, Default)]
pub(super) struct Required {
    pub(super) event_type: bool,
    pub(super) message_type: bool,
}

/// Decodes the rest of an event, whose type was not read yet.
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
        return missing(DecodeReason::EventType);
    }
    if event.message.is_some() && !required.message_type {
        return missing(DecodeReason::MessageType);
    }
    Ok(())
}

/// Decodes the rest of a message. Returns whether its type was read.
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

/// Defines a function that reads the fields of a message.
macro_rules! reader {
    (($read:ident, $keys:ident) $(#[$about:meta])* $struct:ident = $message:ident { $(
        $(#[$what:meta])*
        $label:ident $type:tt $name:ident = $number:literal => $field:ident,
    )+ }) => {
        // A policy has no required fields.
        #[allow(unused_variables)]
        fn $read<'a>(
            input: &mut Input<'a>,
            message: &mut $struct<'a>,
            required: &mut Required,
        ) -> Result<(), DecodeError> {
            while let Some(key) = input.key()? {
                match key {
                    $(wire::$keys::$field => {
                        read!($label $type, message.$field, input, required);
                    })+
                    _ => input.skip(key)?,
                }
            }
            Ok(())
        }
    };
}

/// Reads a field.
macro_rules! read {
    (required (enum EventType), $place:expr, $input:ident, $required:ident) => {
        $place = EventType($input.number()?);
        $required.event_type = true;
    };
    (required (enum MessageType), $place:expr, $input:ident, $required:ident) => {
        $place = MessageType($input.number()?);
        $required.message_type = true;
    };
    (optional (message Message), $place:expr, $input:ident, $required:ident) => {
        let message = $place.get_or_insert(Message::new(MessageType(0)));
        read_message(&mut $input.inner()?, message, $required)?;
    };
    (optional (message Policy), $place:expr, $input:ident, $required:ident) => {
        read_policy(&mut $input.inner()?, $place.get_or_insert_default(), $required)?;
    };
    (optional $type:tt, $place:expr, $input:ident, $required:ident) => {
        $place = Some(value!($type, $input));
    };
}

/// Reads a value.
#[rustfmt::skip]
macro_rules! value {
    (bytes, $input:ident) => { $input.bytes()? };
    (string, $input:ident) => { $input.bytes()? };
    (uint32, $input:ident) => { $input.number()? };
    (uint64, $input:ident) => { $input.varint()? };
    (fixed32, $input:ident) => { $input.fixed32()? };
    ((enum $type:ident), $input:ident) => { $type($input.number()?) };
}

event_fields!(reader(read_event, event));
message_fields!(reader(read_message, message));
policy_fields!(reader(read_policy, policy));
