// SPDX-License-Identifier: MIT OR Apache-2.0
//! Fields of any type, without haste: what is not written by hand is written by this.

use super::cursor::Cursor;
use super::{EncodeError, limit, varint};
use crate::message::Policy;
use crate::schema::Enumeration;
use crate::schema::fields::{policy_fields, schema_name};
use crate::wire::{FIXED32, policy};

/// A value as it is on the wire.
pub(super) enum Value<'a> {
    Varint(u64),
    Fixed32(u32),
    Bytes(&'a [u8]),
    Policy(&'a Policy<'a>),
}

/// A field of an event.
pub(super) trait Field {
    /// Its value, if it is present. The wire type is that of the key.
    fn value(&self, key: u32) -> Option<Value<'_>>;
}

impl Field for Option<&[u8]> {
    fn value(&self, _: u32) -> Option<Value<'_>> {
        self.map(Value::Bytes)
    }
}

impl Field for Option<u32> {
    fn value(&self, key: u32) -> Option<Value<'_>> {
        self.map(|value| {
            if key & 7 == FIXED32 { Value::Fixed32(value) } else { Value::Varint(value.into()) }
        })
    }
}

impl Field for Option<u64> {
    fn value(&self, _: u32) -> Option<Value<'_>> {
        self.map(Value::Varint)
    }
}

impl<E: Enumeration> Field for Option<E> {
    fn value(&self, _: u32) -> Option<Value<'_>> {
        self.map(|value| Value::Varint(varint::enumeration(value.number())))
    }
}

impl<E: Enumeration> Field for E {
    fn value(&self, _: u32) -> Option<Value<'_>> {
        Some(Value::Varint(varint::enumeration(self.number())))
    }
}

impl Field for Option<Policy<'_>> {
    fn value(&self, _: u32) -> Option<Value<'_>> {
        self.as_ref().map(Value::Policy)
    }
}

/// Bytes that a field takes. `name` is for the error.
pub(super) fn field_len(
    key: u32,
    name: &'static str,
    field: &impl Field,
) -> Result<usize, EncodeError> {
    let Some(value) = field.value(key) else { return Ok(0) };
    let value = match value {
        Value::Varint(value) => varint::length(value),
        Value::Fixed32(_) => 4,
        Value::Bytes(bytes) => {
            limit(name, Some(bytes))?;
            varint::length(bytes.len() as u64) + bytes.len()
        }
        Value::Policy(policy) => {
            let length = policy_len(policy)?;
            varint::length(length as u64) + length
        }
    };
    Ok(varint::length(key.into()) + value)
}

impl Cursor<'_> {
    /// Puts a field, if it is present.
    pub(super) fn field(
        &mut self,
        key: u32,
        name: &'static str,
        field: &impl Field,
    ) -> Result<(), EncodeError> {
        let Some(value) = field.value(key) else { return Ok(()) };
        self.varint(key.into())?;
        match value {
            Value::Varint(value) => self.varint(value),
            Value::Fixed32(value) => self.put(&value.to_le_bytes()),
            Value::Bytes(bytes) => {
                limit(name, Some(bytes))?;
                self.varint(bytes.len() as u64)?;
                self.put(bytes)
            }
            Value::Policy(policy) => {
                self.varint(policy_len(policy)? as u64)?;
                put_policy(policy, self)
            }
        }
    }
}

macro_rules! policy {
    (
        $(#[$about:meta])*
        Policy = Policy {
            $(
                $(#[$what:meta])*
                $label:ident $type:tt $name:ident = $number:literal => $field:ident,
            )+
        }
    ) => {
        /// Bytes of a policy.
        fn policy_len(policy: &Policy<'_>) -> Result<usize, EncodeError> {
            let mut length = 0;
            $(
                let name = concat!("policy.", schema_name!($name));
                length += field_len(policy::$field, name, &policy.$field)?;
            )+
            if policy.policy_type.is_some_and(|bytes| str::from_utf8(bytes).is_err()) {
                return Err(EncodeError::PolicyType);
            }
            Ok(length)
        }

        fn put_policy(policy: &Policy<'_>, cursor: &mut Cursor<'_>) -> Result<(), EncodeError> {
            $(
                let name = concat!("policy.", schema_name!($name));
                cursor.field(policy::$field, name, &policy.$field)?;
            )+
            Ok(())
        }
    };
}

policy_fields!(policy);
