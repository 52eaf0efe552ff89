// SPDX-License-Identifier: MIT OR Apache-2.0
//! Control frames: the messages that open and close a Frame Streams byte stream.
//!
//! On the wire, a control frame is an escape (a data length of zero), the length of the rest, a
//! 32-bit type, and fields of `type, length, bytes`. All integers are big-endian.

use thiserror::Error;

/// Maximum length of a control frame in bytes, the same as in fstrm. When decoding, it limits the
/// payload; when encoding with the header, it limits the whole frame, including escape and length.
pub const CONTROL_FRAME_LENGTH_MAX: usize = 512;

/// Maximum length of a content type in bytes.
pub const CONTENT_TYPE_LENGTH_MAX: usize = 256;

/// The only defined field type.
const FIELD_CONTENT_TYPE: u32 = 1;

/// The type of a control frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum ControlType {
    /// The receiver accepts the stream, and lists the content types that it understands.
    Accept = 1,
    /// Data frames follow.
    Start = 2,
    /// No more data frames follow.
    Stop = 3,
    /// The sender offers a stream, and lists the content types that it can send.
    Ready = 4,
    /// The receiver has read everything up to STOP.
    Finish = 5,
}

impl TryFrom<u32> for ControlType {
    type Error = ControlError;

    fn try_from(value: u32) -> Result<Self, ControlError> {
        Ok(match value {
            1 => Self::Accept,
            2 => Self::Start,
            3 => Self::Stop,
            4 => Self::Ready,
            5 => Self::Finish,
            other => return Err(ControlError::UnknownType(other)),
        })
    }
}

/// The error of decoding or encoding a control frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ControlError {
    /// The bytes end inside the header, the type or a field.
    #[error("control frame is cut short")]
    Truncated,
    /// The escape is not zero: these bytes are a data frame.
    #[error("not a control frame: it starts with a data length of {0}")]
    NoEscape(u32),
    /// The length in the header differs from the actual length.
    #[error("control frame has {actual} bytes, but its header says {announced}")]
    LengthMismatch {
        /// The length in the header.
        announced: u32,
        /// The number of bytes after the header.
        actual: usize,
    },
    /// Longer than [`CONTROL_FRAME_LENGTH_MAX`].
    #[error("control frame of {0} bytes is too long")]
    TooLong(usize),
    /// A type that is not defined.
    #[error("unknown control frame type {0}")]
    UnknownType(u32),
    /// A field that is not defined.
    #[error("unknown control frame field {0}")]
    UnknownField(u32),
    /// A content type longer than [`CONTENT_TYPE_LENGTH_MAX`].
    #[error("content type of {0} bytes is too long")]
    ContentTypeTooLong(usize),
    /// More content types than the type of the frame allows.
    #[error("{0:?} frame with {1} content types, which is too many")]
    TooManyContentTypes(ControlType, usize),
}

/// The presence of the escape and the length in front of a control frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Header {
    /// The bytes begin with the escape.
    With,
    /// The bytes begin with the control type.
    Without,
}

/// A control frame, decoded or to be encoded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ControlFrame {
    /// The type; `None` until one is set. Such a frame is encoded with type 0, which decoders
    /// refuse.
    pub control_type: Option<ControlType>,
    /// The content types in order. START sends only the first, STOP and FINISH none.
    pub content_types: Vec<Box<[u8]>>,
}

impl ControlFrame {
    /// Creates a frame of this type with these content types.
    pub fn new<'a>(
        control_type: ControlType,
        content_types: impl IntoIterator<Item = &'a [u8]>,
    ) -> Self {
        Self {
            control_type: Some(control_type),
            content_types: content_types.into_iter().map(Box::from).collect(),
        }
    }

    /// Returns the content types that a frame of this type can carry on the wire.
    pub fn sendable_content_types(&self) -> &[Box<[u8]>] {
        let limit = match self.control_type {
            Some(ControlType::Stop | ControlType::Finish) => 0,
            Some(ControlType::Start) => 1,
            _ => usize::MAX,
        };
        &self.content_types[..self.content_types.len().min(limit)]
    }

    /// Returns whether this frame allows a stream of `content_type`, or, for `None`, one without a
    /// declared type. A frame without content types allows all streams; STOP and FINISH allow none.
    pub fn matches(&self, content_type: Option<&[u8]>) -> bool {
        if matches!(self.control_type, Some(ControlType::Stop | ControlType::Finish)) {
            return false;
        }
        let own = self.sendable_content_types();
        own.is_empty() || content_type.is_some_and(|wanted| own.iter().any(|c| **c == *wanted))
    }

    /// Returns the size of the encoded frame in bytes.
    pub fn encoded_size(&self, header: Header) -> Result<usize, ControlError> {
        let mut size = 4 + if header == Header::With { 8 } else { 0 };
        for content_type in self.sendable_content_types() {
            if content_type.len() > CONTENT_TYPE_LENGTH_MAX {
                return Err(ControlError::ContentTypeTooLong(content_type.len()));
            }
            size += 8 + content_type.len();
        }
        if size > CONTROL_FRAME_LENGTH_MAX {
            return Err(ControlError::TooLong(size));
        }
        Ok(size)
    }

    /// Encodes the frame.
    pub fn encode(&self, header: Header) -> Result<Vec<u8>, ControlError> {
        let size = self.encoded_size(header)?;
        let mut out = Vec::with_capacity(size);
        if header == Header::With {
            put_be32(&mut out, 0);
            put_be32(&mut out, size - 8);
        }
        put_be32(&mut out, self.control_type.map_or(0, |t| t as usize));
        for content_type in self.sendable_content_types() {
            put_be32(&mut out, FIELD_CONTENT_TYPE as usize);
            put_be32(&mut out, content_type.len());
            out.extend_from_slice(content_type);
        }
        Ok(out)
    }

    /// Decodes `bytes`, which must be one whole frame, and returns its type. On an error, the frame
    /// keeps the part that was decoded before it.
    pub fn decode(&mut self, bytes: &[u8], header: Header) -> Result<ControlType, ControlError> {
        *self = Self::default();
        let mut rest = bytes;
        if header == Header::With {
            let escape = take_be32(&mut rest)?;
            if escape != 0 {
                return Err(ControlError::NoEscape(escape));
            }
            let announced = take_be32(&mut rest)?;
            if announced as usize > CONTROL_FRAME_LENGTH_MAX {
                return Err(ControlError::TooLong(announced as usize));
            }
            if announced as usize != rest.len() {
                return Err(ControlError::LengthMismatch { announced, actual: rest.len() });
            }
        } else if rest.len() > CONTROL_FRAME_LENGTH_MAX {
            return Err(ControlError::TooLong(rest.len()));
        }

        let control_type = ControlType::try_from(take_be32(&mut rest)?)?;
        self.control_type = Some(control_type);
        while !rest.is_empty() {
            match take_be32(&mut rest)? {
                FIELD_CONTENT_TYPE => {
                    let length = take_be32(&mut rest)? as usize;
                    if length > rest.len() {
                        return Err(ControlError::Truncated);
                    }
                    if length > CONTENT_TYPE_LENGTH_MAX {
                        return Err(ControlError::ContentTypeTooLong(length));
                    }
                    let (content_type, after) = rest.split_at(length);
                    self.content_types.push(content_type.into());
                    rest = after;
                }
                other => return Err(ControlError::UnknownField(other)),
            }
        }
        let count = self.content_types.len();
        if count > self.sendable_content_types().len() {
            return Err(ControlError::TooManyContentTypes(control_type, count));
        }
        Ok(control_type)
    }
}

/// Appends a 32-bit integer. Lengths here are limited by [`CONTROL_FRAME_LENGTH_MAX`].
fn put_be32(out: &mut Vec<u8>, value: usize) {
    out.extend_from_slice(&(value as u32).to_be_bytes());
}

/// Removes a 32-bit integer from the front of `rest`.
fn take_be32(rest: &mut &[u8]) -> Result<u32, ControlError> {
    let (head, tail) = rest.split_first_chunk::<4>().ok_or(ControlError::Truncated)?;
    *rest = tail;
    Ok(u32::from_be_bytes(*head))
}
