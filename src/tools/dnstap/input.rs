// SPDX-License-Identifier: MIT OR Apache-2.0
//! Reads capture files into the queue, as far as each goes.

pub mod error;
mod source;

use std::cell::Cell;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use flate2::read::MultiGzDecoder;
use framestream::control::ControlType;
use framestream::frame::{Event, FrameError, Front, LENGTH_SIZE, front};

use self::error::InputError;
use self::source::{STOP, Source};
use super::queue::{Input, Over, Queue};
use crate::capture::foreign::{HEAD_SIZE, recognise};
use crate::capture::log::Log;
use crate::command_line::STANDARD_INPUT;
use crate::read_ahead::ReadAhead;
use crate::recording::MAX_FRAME_SIZE;

/// Bytes of a file that are looked at before anything is written, less than the queue takes.
const CHECKED_SIZE: u64 = 64 << 10;

/// How far the reading of files is, for others to see.
#[derive(Debug, Default)]
pub struct Progress {
    /// Bytes of files that were read, compressed as they are.
    pub read: AtomicU64,
    /// Frames that were passed on.
    pub frames: AtomicU64,
    /// Frames over the limit.
    pub over_limit: AtomicU64,
}

/// How to read files.
#[derive(Clone, Debug)]
pub struct Reading {
    /// Largest data frame.
    pub frame_limit: usize,
    /// Wait at the end of a file for more.
    pub follow: bool,
    /// Set when the program is to stop.
    pub stop: Arc<AtomicBool>,
    /// How far it is.
    pub progress: Arc<Progress>,
}

/// What is behind the frames at the front of a buffer.
enum Behind {
    /// START or STOP, of which so many bytes are left.
    Edge(usize),
    /// Part of a frame, of so many bytes at least.
    Needs(usize),
}

impl Reading {
    /// Reads all of `paths`, one after the other, and tells what is wrong with them. Returns whether
    /// all of them are good.
    pub fn read_all(&self, paths: &[PathBuf], queue: &Queue, log: &Log) -> bool {
        let mut good = true;
        for path in paths {
            if let Err(error) = self.read(path, queue) {
                good &= matches!(error, InputError::NoStop { frames: 1.., .. });
                log.line(error);
            }
        }
        let over_limit = self.progress.over_limit.load(Ordering::Relaxed);
        if over_limit > 0 {
            let limit = self.frame_limit;
            log.line(format_args!(
                "{over_limit} frames of more than {limit} bytes were skipped; see --frame-limit"
            ));
        }
        good
    }

    /// Whether no more is to be read, and if so, whether something is lost by that.
    fn is_over(&self, queue: &Queue) -> Option<bool> {
        match queue.over() {
            Some(over) => Some(over == Over::Failed),
            // Who follows a file ends it so.
            None => self.stop.load(Ordering::Relaxed).then_some(!self.follow),
        }
    }

    /// Says why nothing can be read from `path`, as far as the beginning of a file tells.
    pub fn check(&self, path: &Path) -> Result<(), InputError> {
        let name = || path.display().to_string();
        let metadata = match std::fs::metadata(path) {
            _ if path == Path::new(STANDARD_INPUT) => return Ok(()),
            Ok(metadata) if metadata.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
            other => other,
        };
        let metadata = metadata.map_err(|error| InputError::Io { name: name(), error })?;
        // What a pipe has is there once.
        if !metadata.is_file() {
            return Ok(());
        }
        let Self { frame_limit, follow, .. } = *self;
        let once =
            Self { frame_limit, follow: false, stop: Arc::default(), progress: Arc::default() };
        match once.read_part(path, &Queue::default(), CHECKED_SIZE) {
            Err(
                InputError::NoStop { offset: 0, .. }
                | InputError::Torn { offset: 0, .. }
                | InputError::CutOff { offset: 0, .. },
            ) if follow => Ok(()),
            Err(
                error @ (InputError::Io { .. }
                | InputError::Foreign { .. }
                | InputError::Damaged { frames: 0, .. }
                | InputError::NoStop { offset: 0, .. }
                | InputError::Torn { offset: 0, .. }
                | InputError::CutOff { offset: 0, .. }),
            ) => Err(error),
            _ => Ok(()),
        }
    }

    /// Reads `path` into `queue`; `-` is the standard input.
    pub fn read(&self, path: &Path, queue: &Queue) -> Result<(), InputError> {
        self.read_part(path, queue, u64::MAX)
    }

    /// Reads the first `limit` bytes of what is in `path`.
    fn read_part(&self, path: &Path, queue: &Queue, limit: u64) -> Result<(), InputError> {
        let name = path.display().to_string();
        let failed = |error| InputError::Io { name: name.clone(), error };
        let at_stop = Cell::new(false);
        let mut source = Source::open(path, self, queue, &at_stop).map_err(failed)?;
        let mut head = [0; 4];
        let length = read_full(&mut source, &mut head).map_err(failed)?;
        let head = io::Cursor::new(head[..length].to_vec());
        let is = |magic: &[u8]| head.get_ref().starts_with(magic);
        if is(b"\x1f\x8b") {
            self.read_frames(
                MultiGzDecoder::new(head.chain(source)).take(limit),
                name,
                queue,
                &at_stop,
            )
        } else if is(b"\x28\xb5\x2f\xfd") {
            let decoder = zstd::Decoder::new(head.chain(source)).map_err(failed)?;
            self.read_frames(decoder.take(limit), name, queue, &at_stop)
        } else {
            self.read_frames(head.chain(source).take(limit), name, queue, &at_stop)
        }
    }

    /// Reads `file`, called `name` in errors, into `queue`.
    pub fn read_from(
        &self,
        file: impl Read,
        name: String,
        queue: &Queue,
    ) -> Result<(), InputError> {
        self.read_frames(file, name, queue, &Cell::new(false))
    }

    /// The same. `at_stop` is set while what comes next is behind STOP, and taken back by who sees that
    /// it takes the place of STOP.
    fn read_frames(
        &self,
        mut file: impl Read,
        name: String,
        queue: &Queue,
        at_stop: &Cell<bool>,
    ) -> Result<(), InputError> {
        let mut buffer = ReadAhead::default();
        let (mut offset, mut frames, mut started, mut to_skip) = (0, 0, false, 0);
        // Several files may stand one behind the other, each with START and STOP.
        let mut stopped = false;
        loop {
            if to_skip > 0 {
                let count = buffer.bytes().len().min(to_skip);
                buffer.use_up(count);
                offset += count as u64;
                to_skip -= count;
            }
            let damaged = |at: usize, reason: String, frames: u64| InputError::Damaged {
                name: name.clone(),
                offset: offset + at as u64,
                reason,
                frames,
            };
            let bytes = buffer.bytes();
            let (mut at, mut count) = (0, 0);
            let limit = if started { self.frame_limit } else { 0 };
            let behind = loop {
                match front(&bytes[at..], limit) {
                    Ok(Front::Whole(Event::Data(_), size)) => {
                        at += size;
                        count += 1;
                    }
                    Ok(Front::Whole(Event::Control(frame), size)) => match frame.control_type {
                        Some(ControlType::Start) if !started => {
                            if !frame.matches(Some(::dnstap::sink::CONTENT_TYPE)) {
                                let other = frame.content_types[0].escape_ascii().to_string();
                                let reason = format!("the content type is \"{other}\"");
                                return Err(damaged(at, reason, frames));
                            }
                            (started, stopped) = (true, false);
                            at += size;
                            break Ok(Behind::Edge(0));
                        }
                        Some(other) if !started => {
                            let reason = format!("{other:?} where Start belongs");
                            return Err(damaged(at, reason, frames));
                        }
                        Some(ControlType::Stop) => {
                            (started, stopped) = (false, true);
                            break Ok(Behind::Edge(size));
                        }
                        // Others are passed over, as fstrm does.
                        _ => at += size,
                    },
                    Ok(Front::Needs(size)) => break Ok(Behind::Needs(size)),
                    Err(error) => break Err(error),
                }
            };
            let stopped_here = |frames| InputError::Stopped { name: name.clone(), offset, frames };
            if count > 0 && !queue.push(Input::File, &bytes[..at]) {
                let lossy = self.is_over(queue).unwrap_or(true);
                return if lossy { Err(stopped_here(frames)) } else { Ok(()) };
            }
            frames += count;
            self.progress.frames.fetch_add(count, Ordering::Relaxed);
            let needs = match behind {
                Ok(Behind::Needs(size)) => size,
                Ok(Behind::Edge(size)) => {
                    at += size;
                    0
                }
                Err(_) if stopped => {
                    return Err(damaged(at, "no START behind STOP".into(), frames));
                }
                Err(FrameError::TooLarge(length))
                    if started && length as usize <= MAX_FRAME_SIZE =>
                {
                    self.progress.over_limit.fetch_add(1, Ordering::Relaxed);
                    to_skip = LENGTH_SIZE + length as usize;
                    0
                }
                Err(FrameError::TooLarge(_)) if !started => {
                    while buffer.bytes().len() < HEAD_SIZE
                        && buffer.fill(&mut file).is_ok_and(|count| count > 0)
                    {}
                    let head = &buffer.bytes()[..buffer.bytes().len().min(HEAD_SIZE)];
                    return Err(InputError::Foreign { name, reason: recognise(head) });
                }
                Err(error) => return Err(damaged(at, error.to_string(), frames)),
            };
            buffer.use_up(at);
            offset += at as u64;
            if needs == 0 && !buffer.bytes().is_empty() {
                continue;
            }
            buffer.grow_to(needs);
            let is_at_stop = stopped && buffer.bytes().is_empty();
            at_stop.set(is_at_stop);
            let filled = buffer.fill(&mut file);
            if is_at_stop && !at_stop.get() {
                (started, stopped) = (true, false);
                offset -= STOP.len() as u64;
            }
            if !matches!(filled, Ok(1..))
                && let Some(lossy) = self.is_over(queue)
            {
                let at_end = stopped && buffer.bytes().is_empty();
                let error = InputError::Stopped { name, offset, frames };
                return if lossy && !at_end { Err(error) } else { Ok(()) };
            }
            match (filled, buffer.bytes().len()) {
                (Ok(0), 0) if stopped => return Ok(()),
                (Ok(0), 0) => return Err(InputError::NoStop { name, offset, frames }),
                (Ok(0), size) => return Err(InputError::Torn { name, offset, size, frames }),
                (Ok(_), _) => (),
                (Err(error), 0) if stopped => {
                    return Err(InputError::Behind { name, offset, error, frames });
                }
                // Compressed data that ends early is a file that ends early.
                (Err(error), size) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    return Err(match size {
                        0 => InputError::CutOff { name, offset, frames },
                        _ => InputError::Torn { name, offset, size, frames },
                    });
                }
                (Err(error), _) => return Err(InputError::Io { name, error }),
            }
        }
    }
}

fn read_full(from: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut length = 0;
    while length < buffer.len() {
        match from.read(&mut buffer[length..])? {
            0 => break,
            count => length += count,
        }
    }
    Ok(length)
}
