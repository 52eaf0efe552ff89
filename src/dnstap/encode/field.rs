// SPDX-License-Identifier: MIT OR Apache-2.0
//! A generic encoder for the fields that the hand-written encoder does not cover.

use super::cursor::Cursor;
use super::{EncodeError, limit, varint};
use crate::message::Policy;
use crate::schema::fields::{policy_fields, schema_name};
use crate::wire::policy;

/// A value in its wire representation.
pub(super) enum FieldValue<'a> {
    Varint(u64),
    Fixed32(u32),
    Bytes(&'a [u8]),
    Policy(Policy<'a>),
}

/// Returns the value of a field, if it is present.
#[rustfmt::skip]
macro_rules! value {
    (required $type:tt, $value:expr) => { Some(value!($type, $value)) };
    (optional $type:tt, $value:expr) => { $value.map(|value| value!($type, value)) };
    (bytes, $value:expr) => { FieldValue::Bytes($value) };
    (string, $value:expr) => { FieldValue::Bytes($value) };
    (uint32, $value:expr) => { FieldValue::Varint($value.into()) };
    (uint64, $value:expr) => { FieldValue::Varint($value) };
    (fixed32, $value:expr) => { FieldValue::Fixed32($value) };
    ((enum $type:ident), $value:expr) => { FieldValue::Varint(varint::enumeration($value.0)) };
    ((message Policy), $value:expr) => { FieldValue::Policy($value) };
}

pub(super) use value;

/// Returns the size of a field in bytes. `name` is used in errors.
pub(super) fn field_len(
    key: u32,
    name: &'static str,
    value: Option<FieldValue<'_>>,
) -> Result<usize, EncodeError> {
    let after_key = match value {
        None => return Ok(0),
        Some(FieldValue::Varint(value)) => varint::length(value),
        Some(FieldValue::Fixed32(_)) => 4,
        Some(FieldValue::Bytes(bytes)) => {
            limit(name, Some(bytes))?;
            varint::length(bytes.len() as u64) + bytes.len()
        }
        Some(FieldValue::Policy(policy)) => {
            let length = policy_len(&policy)?;
            varint::length(length as u64) + length
        }
    };
    Ok(varint::length(key.into()) + after_key)
}

impl Cursor<'_> {
    /// Writes a field, if it is present.
    pub(super) fn field(
        &mut self,
        key: u32,
        name: &'static str,
        value: Option<FieldValue<'_>>,
    ) -> Result<(), EncodeError> {
        let Some(value) = value else { return Ok(()) };
        match value {
            FieldValue::Varint(value) => self.integer(key, value),
            FieldValue::Fixed32(value) => {
                self.varint(key.into())?;
                self.put(&value.to_le_bytes())
            }
            FieldValue::Bytes(bytes) => self.limited(key, name, Some(bytes)),
            FieldValue::Policy(policy) => {
                self.integer(key, policy_len(&policy)? as u64)?;
                put_policy(&policy, self)
            }
        }
    }
}

macro_rules! policy {
    ($(#[$about:meta])* Policy = Policy { $(
        $(#[$what:meta])*
        $label:ident $type:tt $name:ident = $number:literal => $field:ident,
    )+ }) => {
        /// Returns the size of a policy in bytes.
        fn policy_len(policy: &Policy<'_>) -> Result<usize, EncodeError> {
            let mut length = 0;
            $(
                let name = concat!("policy.", schema_name!($name));
                length += field_len(policy::$field, name, value!($label $type, policy.$field))?;
            )+
            if policy.policy_type.is_some_and(|bytes| std::str::from_utf8(bytes).is_err()) {
                return Err(EncodeError::PolicyType);
            }
            Ok(length)
        }

        fn put_policy(policy: &Policy<'_>, cursor: &mut Cursor<'_>) -> Result<(), EncodeError> {
            $(
                let name = concat!("policy.", schema_name!($name));
                cursor.field(policy::$field, name, value!($label $type, policy.$field))?;
            )+
            Ok(())
        }
    };
}

policy_fields!(policy);
