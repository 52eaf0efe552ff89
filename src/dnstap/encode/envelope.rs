// SPDX-License-Identifier: MIT OR Apache-2.0
//! The fields of one event besides its message.

use super::cursor::bytes_len;
use super::{EncodeError, limit};

/// The fields of one event besides its message and the fields of its [`Origin`](super::Origin).
/// Most events have none of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Envelope<'a> {
    /// `Dnstap.identity`, in place of that of the origin; `None` for that of the origin.
    pub identity: Option<&'a [u8]>,
    /// `Dnstap.version`, likewise.
    pub version: Option<&'a [u8]>,
    /// `Dnstap.extra`, after the record of the sample rate if there is one.
    pub extra: Option<&'a [u8]>,
}

impl Envelope<'_> {
    /// An envelope without fields.
    pub const EMPTY: Self = Self { identity: None, version: None, extra: None };

    /// Returns whether no field is present.
    #[inline(always)]
    pub(super) fn is_empty(&self) -> bool {
        self.identity.is_none() && self.version.is_none() && self.extra.is_none()
    }

    /// Returns the bytes that identity and version take.
    #[inline(always)]
    pub(super) fn names_len(&self) -> Result<usize, EncodeError> {
        if self.identity.is_none() && self.version.is_none() {
            return Ok(0);
        }
        limit("identity", self.identity)?;
        limit("version", self.version)?;
        Ok(bytes_len(self.identity) + bytes_len(self.version))
    }
}
