// SPDX-License-Identifier: MIT OR Apache-2.0
//! Reads capture files into the queue, as far as each goes.

use std::cell::Cell;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use flate2::read::MultiGzDecoder;
use framestream::control::ControlType;
use framestream::frame::{Event, FrameError, Front, LENGTH_SIZE, front};
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use thiserror::Error;

use super::queue::{Origin, Over, Queue};
use crate::capture::foreign::{HEAD_SIZE, recognise};
use crate::capture::log::Log;
use crate::read_ahead::ReadAhead;

/// The name that stands for the standard input.
const STANDARD_INPUT: &str = "-";

const READ_SIZE: usize = 256 << 10;

/// A data frame that is longer is damage, and not passed over.
const MAX_SKIP: usize = 64 << 20;

/// Bytes of a file that are looked at before anything is written, less than the queue takes.
const CHECKED_SIZE: u64 = 64 << 10;

/// STOP, as it stands at the end of a file.
const STOP: &[u8] = b"\0\0\0\0\0\0\0\x04\0\0\0\x03";

/// Bytes that are read behind STOP at a time, with STOP.
const PAGE_SIZE: usize = 4096;

/// How often to look whether a file has grown, or the program is to stop.
const CHECK: Duration = Duration::from_millis(100);

/// What is wrong with a file, and where.
#[derive(Debug, Error)]
pub enum InputError {
    /// It cannot be opened or read.
    #[error("{name}: {error}")]
    Io {
        /// Its name.
        name: String,
        /// Why not.
        error: io::Error,
    },
    /// It ends behind a frame, without STOP: its writer still writes, or was killed.
    #[error("{name}: ends at offset {offset} without STOP, after {frames} good frames")]
    NoStop {
        /// Its name.
        name: String,
        /// Where it ends.
        offset: u64,
        /// Frames before.
        frames: u64,
    },
    /// It ends within a frame.
    #[error(
        "{name}: the frame at offset {offset} is cut off after {size} bytes; \
         {frames} frames before are good"
    )]
    Torn {
        /// Its name.
        name: String,
        /// Where the frame begins.
        offset: u64,
        /// Bytes of it that are there.
        size: usize,
        /// Frames before.
        frames: u64,
    },
    /// It is compressed, and that ends behind a frame, without STOP.
    #[error(
        "{name}: the compressed data is cut off at offset {offset} of what it holds; \
         {frames} frames before are good"
    )]
    CutOff {
        /// Its name.
        name: String,
        /// How far what it holds goes.
        offset: u64,
        /// Frames before.
        frames: u64,
    },
    /// It is whole, and something else is behind STOP.
    #[error(
        "{name}: what is behind STOP at offset {offset} cannot be read: {error}; \
         {frames} frames before are good"
    )]
    Behind {
        /// Its name.
        name: String,
        /// Where STOP ends.
        offset: u64,
        /// Why not.
        error: io::Error,
        /// Frames before.
        frames: u64,
    },
    /// The program was told to stop, or nobody takes its frames any more.
    #[error(
        "{name}: stopped at offset {offset}, after {frames} frames; what is behind is not read"
    )]
    Stopped {
        /// Its name.
        name: String,
        /// How far it was read.
        offset: u64,
        /// Frames before.
        frames: u64,
    },
    /// It holds something else from the beginning.
    #[error("{name}: {reason}")]
    Foreign {
        /// Its name.
        name: String,
        /// What that seems to be.
        reason: &'static str,
    },
    /// Bytes that are no frame.
    #[error("{name}: at offset {offset}: {reason}; {frames} frames before are good")]
    Damaged {
        /// Its name.
        name: String,
        /// Where they begin.
        offset: u64,
        /// What is wrong.
        reason: String,
        /// Frames before.
        frames: u64,
    },
}

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
        let file = open(path).map_err(failed)?;
        let is_regular = file.metadata().map_err(failed)?.is_file();
        let mut source = Source {
            file,
            reading: self,
            queue,
            end: (self.follow && is_regular).then(End::default),
            at_stop: &at_stop,
        };
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
        let mut buffer = ReadAhead::new(READ_SIZE);
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
            if count > 0 && !queue.push(Origin::File, &bytes[..at]) {
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
                Err(FrameError::TooLarge(length)) if started && length as usize <= MAX_SKIP => {
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

fn open(path: &Path) -> io::Result<File> {
    if path == Path::new(STANDARD_INPUT) {
        io::stdin().as_fd().try_clone_to_owned().map(File::from)
    } else {
        // The writer of a named pipe is waited for where the stop is seen.
        OpenOptions::new().read(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(path)
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

/// A file that is read until no more is to be read, and over its end if that is wanted.
struct Source<'a> {
    file: File,
    reading: &'a Reading,
    queue: &'a Queue,
    /// The end of what was read, if the file may be continued there.
    end: Option<End>,
    /// Whether what is read next is behind STOP.
    at_stop: &'a Cell<bool>,
}

impl Source<'_> {
    /// Reads once what there is, and goes back if STOP was taken away since.
    fn read_on(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(end) = &mut self.end else { return self.file.read(buffer) };
        if !self.at_stop.get() || end.last != STOP {
            let count = self.file.read(buffer)?;
            end.add(&buffer[..count]);
            return Ok(count);
        }
        // In one read with what is behind: else that may already be another's.
        let stop_at = end.offset - STOP.len() as u64;
        let mut bytes = [0; PAGE_SIZE];
        let room = bytes.len().min(STOP.len() + buffer.len());
        let count = self.file.read_at(&mut bytes[..room], stop_at)?;
        let behind = match bytes[..count].strip_prefix(STOP) {
            Some(behind) => behind,
            None => {
                self.at_stop.set(false);
                *end = End { offset: stop_at, last: Vec::new() };
                let size = count.min(buffer.len());
                &bytes[..size]
            }
        };
        buffer[..behind.len()].copy_from_slice(behind);
        end.add(behind);
        self.file.seek(SeekFrom::Start(end.offset))?;
        Ok(behind.len())
    }
}

/// Where the reading of a file is.
#[derive(Debug, Default)]
struct End {
    offset: u64,
    /// As many bytes as STOP has, of those that were read last.
    last: Vec<u8>,
}

impl End {
    fn add(&mut self, bytes: &[u8]) {
        self.offset += bytes.len() as u64;
        self.last.extend(&bytes[bytes.len().saturating_sub(STOP.len())..]);
        self.last.drain(..self.last.len().saturating_sub(STOP.len()));
    }
}

impl Read for Source<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if self.reading.is_over(self.queue).is_some() {
                return Ok(0);
            }
            // A pipe without bytes would hold up the stop.
            let mut fds = [PollFd::new(self.file.as_fd(), PollFlags::POLLIN)];
            match poll(&mut fds, PollTimeout::from(CHECK.as_millis() as u16)) {
                // A signal says what it has to say by a flag.
                Ok(0) | Err(Errno::EINTR) => continue,
                other => other?,
            };
            let count = match self.read_on(buffer) {
                Err(error)
                    if matches!(
                        error.kind(),
                        io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock
                    ) =>
                {
                    continue;
                }
                other => other?,
            };
            self.reading.progress.read.fetch_add(count as u64, Ordering::Relaxed);
            if count > 0 || !self.reading.follow {
                return Ok(count);
            }
            thread::sleep(CHECK);
        }
    }
}
