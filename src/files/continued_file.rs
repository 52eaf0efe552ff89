// SPDX-License-Identifier: MIT OR Apache-2.0
//! Files that are written in place, under their final names. An existing file is continued after its last
//! whole frame or line.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use framestream::control::ControlType;
use framestream::walk::{Front, Place, Walker};
use nix::errno::Errno;
use nix::fcntl::FlockArg;
use thiserror::Error;

use crate::content::Content;
use crate::damage::Damage;
use crate::partial_file::flock;
use crate::read_ahead::ReadAhead;
use crate::recording::MAX_FRAME_SIZE;
use crate::{foreign, torn_text};

/// Maximum length of a torn frame. A longer one counts as damage, since the data after its length may be
/// good.
const TORN_MAX: usize = 1 << 20;

/// The reason that a file cannot be continued. It is left unchanged.
#[derive(Debug, Error)]
enum ContinueError {
    #[error("another program writes to it")]
    Locked,
    #[error("does not end with a whole line or document; move it away")]
    Unended,
    #[error("is not a capture file: {0}")]
    Foreign(&'static str),
    #[error("has the content type \"{0}\"")]
    ContentType(String),
    #[error(
        "is damaged at offset {offset} ({source}); move it away, or read it as far as it goes \
         with dnstap -r"
    )]
    Damaged { offset: u64, source: Damage },
}

impl From<ContinueError> for io::Error {
    fn from(error: ContinueError) -> Self {
        Self::new(io::ErrorKind::InvalidData, error)
    }
}

/// Opens `path`, or creates it, without changing its content.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    // With O_APPEND, truncation by another program leaves no hole.
    OpenOptions::new().read(true).append(true).create(true).open(path)
}

/// Opens `path` to continue it; creates it if it does not exist. The caller must cut off the rest: an
/// incomplete frame, line or document, and STOP. Locks the file against other programs that would
/// continue it.
pub fn continue_at_end(path: &Path, content: &Content) -> io::Result<(File, Whole)> {
    let mut file = open(path)?;
    match flock(&file, FlockArg::LockExclusiveNonblock) {
        Err(Errno::EWOULDBLOCK) => return Err(ContinueError::Locked.into()),
        other => other?,
    }
    let whole = whole(&mut file, content)?;
    Ok((file, whole))
}

/// The complete part of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Whole {
    /// Its size in bytes. If it is 0, the beginning must be written.
    pub bytes: u64,
    /// Number of data frames in it, in a file of frames.
    pub frames: u64,
    /// Number of bytes of a torn frame or torn text after it.
    pub torn: u64,
}

/// Returns the complete part of `file`. STOP at its end belongs neither to it nor to the torn bytes.
pub(crate) fn whole(file: &mut File, content: &Content) -> io::Result<Whole> {
    let Some(content_type) = &content.content_type else {
        let bytes = torn_text::whole_size(file, content)?.ok_or(ContinueError::Unended)?;
        let torn = file.metadata()?.len() - bytes;
        return Ok(Whole { bytes, frames: 0, torn });
    };
    file.seek(SeekFrom::Start(0))?;
    let (bytes, frames) = scan(file, content_type, &content.start)?;
    let size = file.metadata()?.len();
    // Removing STOP loses no data.
    let torn = if bytes + content.stop.len() as u64 == size && ends_with(file, content)? {
        0
    } else {
        size - bytes
    };
    Ok(Whole { bytes, frames, torn })
}

fn ends_with(file: &mut File, content: &Content) -> io::Result<bool> {
    file.seek(SeekFrom::End(-(content.stop.len() as i64)))?;
    let mut end = vec![0; content.stop.len()];
    file.read_exact(&mut end)?;
    Ok(end == content.stop)
}

/// Returns the end of the data in a file of frames, and the number of whole frames before it.
fn scan(file: &mut File, content_type: &[u8], start: &[u8]) -> io::Result<(u64, u64)> {
    let mut buffer = ReadAhead::default();
    let mut walker = Walker::new(MAX_FRAME_SIZE);
    let (mut offset, mut frames) = (0, 0);
    // The offset of STOP, if nothing follows it.
    let mut stop_at = None;
    loop {
        let started = walker.place() != Place::BeforeStart;
        let damaged = |source| Err(ContinueError::Damaged { offset, source }.into());
        let size = match walker.step(buffer.bytes()) {
            Ok(Front::Frames { .. }) if stop_at.is_some() => {
                return damaged(Damage::DataAfterStop);
            }
            Ok(Front::Frames { size, count }) => {
                frames += count;
                size
            }
            Ok(Front::Start(frame, size) | Front::Control(ControlType::Start, frame, size)) => {
                if let (false, Some(other)) =
                    (frame.matches(Some(content_type)), frame.content_types.first())
                {
                    return Err(ContinueError::ContentType(other.escape_ascii().to_string()).into());
                }
                stop_at = None;
                size
            }
            Ok(Front::Control(other, ..)) if !started => {
                return damaged(Damage::NoStart(other));
            }
            Ok(Front::Stop(_, size)) => {
                stop_at = Some(offset);
                // A torn frame is cut off here as well.
                walker = Walker::in_stream(MAX_FRAME_SIZE);
                size
            }
            Ok(Front::Control(.., size) | Front::Skipped(size)) => size,
            Ok(Front::Needs(needs)) => {
                buffer.make_room(needs);
                if buffer.fill(file)? > 0 {
                    continue;
                }
                if needs > TORN_MAX {
                    return damaged(Damage::LongFrame(needs));
                }
                let rest = buffer.bytes();
                // A torn START is written again.
                if !started && !start.starts_with(rest) && rest.iter().any(|byte| *byte != 0) {
                    return Err(ContinueError::Foreign(foreign::recognise(rest)).into());
                }
                return Ok((stop_at.unwrap_or(offset), frames));
            }
            Err(error) => {
                let head = &buffer.bytes()[..buffer.bytes().len().min(foreign::HEAD_SIZE)];
                let foreign = foreign::recognise(head);
                // After a crash, blocks that the system did not write are zero.
                return match (all_zero(&mut buffer, file)?, started) {
                    (true, _) => Ok((stop_at.unwrap_or(offset), frames)),
                    (false, false) => Err(ContinueError::Foreign(foreign).into()),
                    (false, true) => damaged(error.into()),
                };
            }
        };
        offset += size as u64;
        buffer.consume(size);
    }
}

/// Returns whether the rest of the file is zero.
fn all_zero(buffer: &mut ReadAhead, file: &mut File) -> io::Result<bool> {
    loop {
        if buffer.bytes().iter().any(|byte| *byte != 0) {
            return Ok(false);
        }
        buffer.consume(buffer.bytes().len());
        if buffer.fill(file)? == 0 {
            return Ok(true);
        }
    }
}
