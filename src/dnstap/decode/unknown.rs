// SPDX-License-Identifier: MIT OR Apache-2.0
//! Unknown fields.

use super::input::Input;
use super::{DecodeError, DecodeReason};
use crate::wire::{BYTES, FIXED32, FIXED64, GROUP_END, GROUP_START, VARINT};

/// Maximum number of nested groups.
const GROUP_DEPTH: usize = 100;

impl Input<'_> {
    /// Skips the field, or the group, whose key was read.
    pub(super) fn skip(&mut self, key: u32) -> Result<(), DecodeError> {
        let mut open = [0; GROUP_DEPTH];
        let mut depth = 0;
        let mut key = key;
        loop {
            let number = key >> 3;
            match key & 7 {
                VARINT => drop(self.varint()?),
                FIXED64 => drop(self.take::<8>()?),
                BYTES => drop(self.bytes()?),
                FIXED32 => drop(self.take::<4>()?),
                GROUP_START => {
                    *open.get_mut(depth).ok_or(self.error(DecodeReason::GroupDepth))? = number;
                    depth += 1;
                }
                GROUP_END => match open[..depth].last() {
                    Some(last) if *last == number => depth -= 1,
                    _ => return Err(self.error(DecodeReason::GroupEnd)),
                },
                _ => return Err(self.error(DecodeReason::WireType)),
            }
            if depth == 0 {
                return Ok(());
            }
            key = self.key()?.ok_or(self.error(DecodeReason::Truncated))?;
        }
    }
}
