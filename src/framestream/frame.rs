// SPDX-License-Identifier: MIT OR Apache-2.0
//! The frames of a byte stream: a data frame is its length, followed by that many bytes; a length
//! of zero is the escape to a control frame.

use thiserror::Error;

use crate::control::ControlError;

/// Size in bytes of the length in front of every data frame.
pub const LENGTH_SIZE: usize = 4;

/// Largest data frame that a reader accepts by default (`FSTRM_READER_MAX_FRAME_SIZE_DEFAULT`).
pub const MAX_FRAME_SIZE_DEFAULT: usize = 1_048_576;

/// The reason why a frame is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum FrameError {
    /// A data frame is larger than the limit.
    #[error("data frame of {0} bytes is over the limit")]
    TooLarge(u32),
    /// A data frame before START or after STOP.
    #[error("data frame of {0} bytes outside of a stream")]
    Data(u32),
    /// A control frame that cannot be decoded.
    #[error(transparent)]
    Control(#[from] ControlError),
}

/// An iterator over contiguous data frames; see [`data_frames`].
#[derive(Clone, Debug)]
pub struct DataFrames<'a>(&'a [u8]);

/// Returns an iterator over the whole data frames at the front of `bytes`, each with its length.
pub fn data_frames(bytes: &[u8]) -> DataFrames<'_> {
    DataFrames(bytes)
}

impl<'a> Iterator for DataFrames<'a> {
    type Item = &'a [u8];

    #[inline]
    fn next(&mut self) -> Option<&'a [u8]> {
        let (frame, rest) = self.0.split_at(data_frame_size(self.0, usize::MAX)?);
        self.0 = rest;
        Some(frame)
    }
}

/// Returns the size of the whole data frame at the front of `bytes`, with its length, if its
/// payload has at most `max_payload` bytes.
#[inline]
pub(crate) fn data_frame_size(bytes: &[u8], max_payload: usize) -> Option<usize> {
    let (length, rest) = bytes.split_first_chunk()?;
    let length = u32::from_be_bytes(*length) as usize;
    (1..=max_payload.min(rest.len())).contains(&length).then_some(LENGTH_SIZE + length)
}
