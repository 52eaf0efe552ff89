// SPDX-License-Identifier: MIT OR Apache-2.0
//! Rare fields, which are those after the response, and wrong guesses of the length's size.

use super::cursor::{Cursor, bytes_len};
use super::field::{FieldValue, field_len, value};
use super::{EncodeError, Fields, TRAILER, limit, varint};
use crate::schema::fields::{message_fields, schema_name};
use crate::wire::message;

/// Key of the last field that the hand-written encoder covers. All fields after it are rare.
const LAST_COMMON: u32 = message::response_message;

macro_rules! rare_fields {
    ($(#[$about:meta])* Message = Message { $(
        $(#[$what:meta])*
        $label:ident $type:tt $name:ident = $number:literal => $field:ident,
    )+ }) => {
        /// Returns whether the message has a rare field.
        #[inline(always)]
        pub(super) fn is_any(message: &impl Fields) -> bool {
            false $(|| message::$field > LAST_COMMON && is_present!($label, message.$field()))+
        }

        /// Returns an upper bound of the size of `extra` and the rare fields in bytes.
        #[cold]
        #[inline(never)]
        pub(super) fn max_len(
            message: &impl Fields,
            extra: Option<&[u8]>,
        ) -> Result<usize, EncodeError> {
            limit("extra", extra)?;
            let mut length = bytes_len(extra);
            $(if message::$field > LAST_COMMON {
                let value = value!($label $type, message.$field());
                length += field_len(message::$field, schema_name!($name), value)?;
            })+
            Ok(length)
        }

        /// Writes the rare fields. Returns the number of bytes written.
        #[cold]
        #[inline(never)]
        pub(super) fn put(message: &impl Fields, out: &mut [u8]) -> Result<usize, EncodeError> {
            let mut cursor = Cursor::new(out);
            $(if message::$field > LAST_COMMON {
                let value = value!($label $type, message.$field());
                cursor.field(message::$field, schema_name!($name), value)?;
            })+
            Ok(cursor.written())
        }
    };
}

#[rustfmt::skip]
macro_rules! is_present {
    (required, $value:expr) => { true };
    (optional, $value:expr) => { $value.is_some() };
}

message_fields!(rare_fields);

/// Moves the message and the trailer, as the length does not take `width` bytes, and writes the
/// length before them. Returns the end of the message.
#[cold]
#[inline(never)]
pub(super) fn fix_length_prefix(
    out: &mut [u8],
    width: usize,
    length: usize,
) -> Result<usize, EncodeError> {
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
