// SPDX-License-Identifier: MIT OR Apache-2.0
//! What few messages have.

use super::cursor::{Cursor, bytes_len, number_len};
use super::{EncodeError, TRAILER, limit, varint};
use crate::message::Policy;
use crate::wire::{message, policy};

/// Most bytes that the rare fields take.
#[cold]
#[inline(never)]
pub(super) fn most(policy: Option<Policy<'_>>, extra: Option<&[u8]>) -> Result<usize, EncodeError> {
    limit("extra", extra)?;
    let policy = policy.map_or(Ok(0), |policy| policy_len(&policy))?;
    let before_policy = 1 + varint::LENGTH_MAX;
    Ok(before_policy + policy + bytes_len(extra))
}

/// Writes policy and HTTP protocol. Returns how many bytes they took.
#[cold]
#[inline(never)]
pub(super) fn put(
    out: &mut [u8],
    policy: Option<Policy<'_>>,
    http_protocol: Option<u32>,
) -> Result<usize, EncodeError> {
    let mut cursor = Cursor::new(out);
    if let Some(policy) = policy {
        cursor.integer(message::POLICY, policy_len(&policy)? as u64)?;
        cursor.bytes(policy::TYPE, policy.policy_type)?;
        cursor.bytes(policy::RULE, policy.rule)?;
        cursor.number(policy::ACTION, policy.action.map(|action| action.0))?;
        cursor.number(policy::MATCH, policy.policy_match.map(|matched| matched.0))?;
        cursor.bytes(policy::VALUE, policy.value)?;
    }
    cursor.number(message::HTTP_PROTOCOL, http_protocol)?;
    Ok(cursor.written())
}

/// Bytes of a policy.
fn policy_len(policy: &Policy<'_>) -> Result<usize, EncodeError> {
    limit("policy.type", policy.policy_type)?;
    limit("policy.rule", policy.rule)?;
    limit("policy.value", policy.value)?;
    if policy.policy_type.is_some_and(|bytes| str::from_utf8(bytes).is_err()) {
        return Err(EncodeError::PolicyType);
    }
    Ok(bytes_len(policy.policy_type)
        + bytes_len(policy.rule)
        + number_len(policy.action.map(|action| action.0))
        + number_len(policy.policy_match.map(|matched| matched.0))
        + bytes_len(policy.value))
}

/// Writes the length of a message, which takes not the `width` bytes before it but more or fewer,
/// after moving the message with the trailer. Returns where the message ends.
#[cold]
#[inline(never)]
pub(super) fn put_right(out: &mut [u8], width: usize, length: usize) -> Result<usize, EncodeError> {
    let (bytes, right_width) = varint::any(length as u64);
    let end = right_width + length;
    let moved = length + TRAILER.len();
    if right_width + moved > out.len() {
        return Err(EncodeError::BufferTooSmall);
    }
    out.copy_within(width..width + moved, right_width);
    out[..right_width].copy_from_slice(&bytes[..right_width]);
    Ok(end)
}
