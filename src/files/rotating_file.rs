// SPDX-License-Identifier: MIT OR Apache-2.0
//! An output that is split into one file after the other.

mod rejoin;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};
use std::{fs, io};

use jiff::Timestamp;
use nix::errno::Errno;
use operator_log::{Level, LineKind, Log};

use self::rejoin::{MOVED, NameWatch};
use crate::backoff::Backoff;
use crate::content::Content;
use crate::continued_file::Whole;
use crate::destination::{Closed, Destination};
use crate::file_name::Calendar;
use crate::free_name::move_aside;
use crate::identity::{Identity, identity};
use crate::output_file::{FrameWriteError, NoReader, OpenFileError, OutputFile, Placing};
use crate::output_handle::Change;
use crate::partial_file::Published;
use crate::post_rotate::PostRotate;
use crate::{STANDARD_OUTPUT, leftover};

/// The next file could not be started.
const ROTATIONS_FAILED: LineKind = LineKind("rotations that failed");

/// The settings of an output to files.
#[derive(Clone, Debug)]
pub struct FileConfig {
    /// The name of the file, or a pattern for names.
    pub name: PathBuf,
    /// The calendar that expands the pattern; without one, the name is used as it is.
    pub calendar: Option<Calendar>,
    /// Maximum age of a file.
    pub split: Option<Duration>,
    /// Maximum size of a file.
    pub split_size: Option<u64>,
    /// The command to run for each finished file.
    pub post_rotate: Option<OsString>,
    /// How regular files are created.
    pub placing: Placing,
    /// Whether files are compressed with zstd.
    pub compressed: bool,
}

/// The current file, and the means to open the next one and to finish the last one.
#[derive(Debug)]
pub struct RotatingFile {
    file: OutputFile,
    rotate_at: Option<Instant>,
    /// Maximum size of a file in bytes.
    split_size: u64,
    /// Size in bytes at which the current file is full.
    full_at: u64,
    content: Content,
    opener: Opener,
    finisher: Finisher,
    /// Delays between attempts to start the next file.
    backoff: Backoff,
    name_watch: NameWatch,
    /// Files of earlier runs are continued.
    continues: bool,
}

impl RotatingFile {
    /// Opens the first file and starts it. `stop` is set when the program should stop.
    pub fn open(
        files: &FileConfig,
        content: Content,
        stop: Arc<AtomicBool>,
        log: &Log,
    ) -> Result<Self, OpenFileError> {
        let mut output = Self::prepare(files, content, stop)?;
        output.begin(log)?;
        Ok(output)
    }

    /// Opens the first file, but leaves an existing file unchanged until [`RotatingFile::begin`].
    /// If it is dropped before that, no file is left.
    pub fn prepare(
        files: &FileConfig,
        content: Content,
        stop: Arc<AtomicBool>,
    ) -> Result<Self, OpenFileError> {
        let mut opener = Opener { files: files.clone(), stop };
        let finisher = Finisher {
            published: Published::default(),
            unnamed: Vec::new(),
            post_rotate: PostRotate::new(files.post_rotate.as_deref()),
            failed: false,
            lost: 0,
        };
        let (file, rotate_at) = opener.open(&content, NoReader::Wait)?;
        // A later file of the same name was written by this run, or by another program since.
        if matches!(files.placing, Placing::Replace | Placing::MoveAside) {
            opener.files.placing = Placing::Append;
        }
        let split_size = files.split_size.unwrap_or(u64::MAX);
        Ok(Self {
            file,
            rotate_at,
            split_size,
            full_at: split_size,
            content,
            opener,
            finisher,
            backoff: Backoff::default(),
            name_watch: NameWatch::new(),
            continues: files.placing == Placing::Append,
        })
    }

    /// Starts the first file.
    pub fn begin(&mut self, log: &Log) -> Result<(), OpenFileError> {
        self.handle_leftovers(log)?;
        if let Some(moved) = self.file.begin(&self.content)? {
            let (name, moved) = (self.file.name.display(), moved.display());
            log.info(format_args!("{name} exists and is kept as {moved}; -a continues it instead"));
        }
        log_opened(&self.file, &self.content, log);
        Ok(())
    }

    /// Reports files that earlier runs left incomplete, or completes them if files are continued.
    /// If the current file is new, it continues the last of them.
    fn handle_leftovers(&mut self, log: &Log) -> Result<(), OpenFileError> {
        if !self.file.sink.is_regular || self.file.name == Path::new(STANDARD_OUTPUT) {
            return Ok(());
        }
        let FileConfig { name, calendar, compressed, .. } = &self.opener.files;
        let left = leftover::find(name, calendar.is_some(), &self.file.name);
        if !self.continues {
            leftover::report(&left, &self.content, *compressed, log);
            return Ok(());
        }
        if left.is_empty() {
            return Ok(());
        }
        // Dropping the guard removes the file.
        let is_new = self.file.new_file.take().is_some();
        for partial in left {
            self.finisher.complete(&partial, &self.content, log);
        }
        if is_new {
            (self.file, self.rotate_at) = self.opener.open(&self.content, NoReader::Fail)?;
        }
        Ok(())
    }

    /// Writes data that the compressor buffers.
    pub fn flush(&mut self) -> Result<(), FrameWriteError> {
        self.rejoin(0)?;
        self.file.flush()
    }

    /// Returns whether the compressor buffers data.
    pub fn has_buffered(&self) -> bool {
        self.file.has_buffered()
    }

    /// Resets the limits of age and size, and keeps the current file.
    fn keep_current(&mut self) {
        self.rotate_at = self.opener.files.split.map(|split| Instant::now() + split);
        self.full_at = self.file.size().saturating_add(self.split_size);
    }

    /// Returns whether no data has been written to the file.
    pub fn is_new(&self) -> bool {
        self.file.size() <= self.content.start.len() as u64
    }

    /// Returns the name of the current file.
    pub fn name(&self) -> &Path {
        &self.file.name
    }

    /// Returns the word for the units of the content, such as frames.
    pub fn unit(&self) -> &'static str {
        self.content.unit
    }

    /// Makes the output writable again after a failed write. A file that is unreadable after the
    /// failure, such as a compressed one, is left as it is, and a new one is started.
    pub fn revive(&mut self, log: &Log) -> Result<(), OpenFileError> {
        // The next reader of a pipe needs a stream from the beginning.
        let is_special = !self.file.sink.is_regular && self.file.name != Path::new(STANDARD_OUTPUT);
        if self.file.is_broken() || is_special { self.leave_broken(log) } else { Ok(()) }
    }

    /// Leaves an incomplete file as it is, and starts another.
    pub fn leave_broken(&mut self, log: &Log) -> Result<(), OpenFileError> {
        self.file.set_broken();
        if self.file.in_place && self.file.sink.is_at(&self.file.name) {
            let name = self.file.name.clone();
            let moved = if self.file.sink.is_empty() {
                fs::remove_file(&name).map(|()| name.clone())
            } else {
                move_aside(&name)
            };
            self.file.name = moved.map_err(|error| OpenFileError::Open(name, error))?;
        }
        self.begin_next(log)
    }

    /// Starts a new file and finishes the current one, after making sure that it is readable to its
    /// end.
    fn begin_next(&mut self, log: &Log) -> Result<(), OpenFileError> {
        self.rejoin_end(log);
        let last = self.open_next(log)?;
        self.finisher.finish(last, &self.content, log);
        log_opened(&self.file, &self.content, log);
        Ok(())
    }

    /// Makes sure that the end of a file is written after readable data.
    fn rejoin_end(&mut self, log: &Log) {
        let change = self.file.change();
        if !self.file.is_broken() && matches!(change, Ok(Change::Shrunk { .. } | Change::Grown)) {
            if let Err(error) = self.rejoin(0) {
                log.error(error);
                self.file.set_broken();
            }
        }
    }

    /// Starts a new file. Returns the previous one.
    fn open_next(&mut self, log: &Log) -> Result<OutputFile, OpenFileError> {
        let (mut file, rotate_at) = self.opener.open(&self.content, NoReader::Fail)?;
        file.begin(&self.content)?;
        let last = std::mem::replace(&mut self.file, file);
        log.end_state(MOVED, &last.name.display().to_string());
        self.name_watch = NameWatch::new();
        self.rotate_at = rotate_at;
        self.full_at = self.split_size;
        Ok(last)
    }

    /// Starts a new file in place of a deleted one.
    fn replace_deleted(&mut self) -> Result<(), OpenFileError> {
        let last = self.open_next(&Log)?;
        self.finisher.count_deleted(&last);
        log_opened(&self.file, &self.content, &Log);
        Ok(())
    }

    /// Returns whether any post-rotate command is running.
    pub fn commands_run(&self) -> bool {
        self.finisher.post_rotate.are_running()
    }
}

impl Destination for RotatingFile {
    /// A file without data has room for any frame.
    fn has_room(&self, before: usize, size: usize) -> bool {
        let complete = self.file.size() + (before + size + self.content.stop.len()) as u64;
        complete <= self.full_at || (before == 0 && self.is_new())
    }

    fn write(&mut self, frames: &[u8], count: u64) -> Result<(), FrameWriteError> {
        self.rejoin(count)?;
        self.file.append(frames, count, &self.content)
    }

    /// Returns the time at which the current file reaches its maximum age.
    fn rotate_at(&self) -> Option<Instant> {
        self.rotate_at
    }

    /// Starts a new file and finishes the current one. If that fails, continues the current one and
    /// retries later.
    fn rotate(&mut self, log: &Log) {
        if self.file.name == Path::new(STANDARD_OUTPUT) {
            if self.content.is_logged {
                log.info("rotate_output: not rotating stdout");
            }
            return;
        }
        // The name does not change and the file was not moved: there is no other file to start.
        if self.file.in_place && self.opener.would_open(&self.file) {
            return self.keep_current();
        }
        let subject = self.opener.files.name.display().to_string();
        match self.begin_next(log) {
            Ok(()) => {
                if log.end_state(ROTATIONS_FAILED, &subject) && !self.content.is_logged {
                    log.info(format_args!("began output file {}", self.file.name.display()));
                }
            }
            Err(error) => {
                let (now, name) = (Instant::now(), self.file.name.display().to_string());
                let delay = self.backoff.failed(now);
                self.keep_current();
                let retry_at = now + delay;
                self.rotate_at = Some(self.rotate_at.map_or(retry_at, |at| at.min(retry_at)));
                let delay = delay.as_secs();
                let text = format!("{error}; output file {name} goes on; retrying in {delay} s");
                log.lasting(Level::Error, ROTATIONS_FAILED, &subject, text);
            }
        }
    }

    /// Starts a new file if the current one was moved away. There is nothing to flush: frames are
    /// written as soon as they are whole.
    fn hang_up(&mut self, log: &Log) {
        if self.file.in_place && !self.file.sink.is_at(&self.file.name) {
            return self.rotate(log);
        }
        log.info("received SIGHUP, flushing output");
    }

    fn reap(&mut self, log: &Log) {
        self.finisher.post_rotate.reap(log);
    }

    /// A file accepts any number of frames.
    fn is_done(&self) -> bool {
        false
    }

    /// Finishes the last file.
    fn close(mut self: Box<Self>, log: &Log) -> Closed {
        self.rejoin_end(log);
        self.finisher.finish(self.file, &self.content, log);
        let Finisher { unnamed, post_rotate, failed, lost, .. } = self.finisher;
        Closed {
            commands: Some(post_rotate),
            complete: !failed && unnamed.is_empty(),
            unwritten: lost,
            unnamed: unnamed.iter().map(|file| file.units).sum(),
            ..Closed::default()
        }
    }
}

/// Logs the name of the new file, and the bytes that were cut off from it.
fn log_opened(file: &OutputFile, content: &Content, log: &Log) {
    let name = file.name.display();
    if content.is_logged {
        log.info(format_args!("opened output file {name}"));
    }
    if file.torn > 0 {
        let OutputFile { torn, bytes, frames, .. } = file;
        if content.content_type.is_none() {
            return log.warning(format_args!(
                "{name}: {torn} bytes of torn text at offset {bytes} are cut off"
            ));
        }
        log.warning(format_args!(
            "{name}: {torn} bytes of a torn frame at offset {bytes} are cut off; \
             {frames} {} before are kept",
            content.unit
        ));
    }
}

/// Opens files.
#[derive(Debug)]
struct Opener {
    files: FileConfig,
    stop: Arc<AtomicBool>,
}

impl Opener {
    /// Opens a file for the current time. Returns the time of its rotation as well.
    fn open(
        &self,
        content: &Content,
        no_reader: NoReader,
    ) -> Result<(OutputFile, Option<Instant>), OpenFileError> {
        let now = Timestamp::now();
        let (name, stop) = (self.name(now)?, self.stop.clone());
        let FileConfig { placing, compressed, split, .. } = self.files;
        let file = OutputFile::open(name, content, placing, compressed, no_reader, stop)?;
        // Counted from the beginning of the second, so that the names of the files do not drift.
        let subsecond = Duration::from_nanos(now.subsec_nanosecond().unsigned_abs().into());
        Ok((file, split.map(|split| Instant::now() + split - subsecond)))
    }

    /// Returns whether opening a file now would open `file` again.
    fn would_open(&self, file: &OutputFile) -> bool {
        self.name(Timestamp::now()).is_ok_and(|name| file.sink.is_at(&name))
    }

    fn name(&self, now: Timestamp) -> Result<PathBuf, OpenFileError> {
        let pattern = self.files.name.clone();
        let Some(calendar) = &self.files.calendar else { return Ok(pattern) };
        let name = calendar.path(&pattern, now);
        let name = name.map_err(|source| OpenFileError::Name(pattern.clone(), source))?;
        if name.as_os_str().is_empty() { Err(OpenFileError::EmptyName(pattern)) } else { Ok(name) }
    }
}

/// Finishes files.
#[derive(Debug)]
struct Finisher {
    published: Published,
    /// Complete files that could not be renamed.
    unnamed: Vec<Unnamed>,
    post_rotate: PostRotate,
    failed: bool,
    /// Number of units in files that were deleted before they were renamed.
    lost: u64,
}

/// A complete file that could not be renamed to its final name.
#[derive(Debug)]
struct Unnamed {
    partial: PathBuf,
    wanted: PathBuf,
    units: u64,
    /// The file; `None` if it is no longer at `partial`.
    identity: Option<Identity>,
}

impl Unnamed {
    fn new(file: &OutputFile, partial: PathBuf) -> Self {
        let identity = if file.sink.is_at(&partial) { identity(&partial).ok() } else { None };
        Self { partial, wanted: file.name.clone(), units: file.units(), identity }
    }

    /// Returns whether the same file is still at `partial`.
    fn is_there(&self) -> bool {
        self.identity.is_some() && identity(&self.partial).ok() == self.identity
    }
}

impl Finisher {
    /// Writes the end of a file and renames it. A file whose end cannot be written is left as it is.
    fn finish(&mut self, mut file: OutputFile, content: &Content, log: &Log) {
        self.retry_names(log);
        let complete = self.end(&mut file, content, log);
        let name = match file.partial.take() {
            Some(partial) if complete => self.name(Unnamed::new(&file, partial), content, log),
            Some(partial) => {
                // An empty file is not worth keeping.
                if file.sink.is_empty()
                    && file.sink.is_at(&partial)
                    && fs::remove_file(&partial).is_ok()
                {
                    return;
                }
                partial
            }
            None => {
                match complete && file.in_place {
                    true if file.sink.is_at(&file.name) => self.post_rotate.start(&file.name, log),
                    // Another file may have its name by now.
                    true => self.post_rotate.pass_over(&file.name, log),
                    false => (),
                }
                file.name.clone()
            }
        };
        if content.is_logged {
            let (name, frames, bytes) = (name.display(), file.frames, file.bytes);
            let unit = content.unit;
            log.info(format_args!(
                "closed output file {name} (wrote {frames} {unit}, {bytes} bytes)"
            ));
        }
    }

    /// Completes and renames a file that an earlier run left.
    fn complete(&mut self, partial: &Path, content: &Content, log: &Log) {
        let completed = leftover::complete(partial, content)
            .and_then(|(wanted, whole)| Ok((whole, self.published.publish(partial, &wanted)?)));
        let shown = partial.display();
        match completed {
            Ok((Whole { frames, torn, .. }, name)) => {
                let kept = match content.content_type {
                    Some(_) => format!("{frames} {}", content.unit),
                    None => "what is whole".into(),
                };
                log.warning(format_args!(
                    "completed {shown}, which an earlier run left, as {}: {kept} kept, {torn} torn \
                     bytes cut off",
                    name.display()
                ));
                self.post_rotate.start(&name, log);
            }
            Err(error) => {
                log.warning(format_args!(
                    "an earlier run left {shown}, which cannot be completed: {error}"
                ));
            }
        }
    }

    /// Counts the units of a deleted file as lost, unless it had its final name.
    fn count_deleted(&mut self, file: &OutputFile) {
        if file.partial.is_some() {
            self.failed |= file.units() > 0;
            self.lost += file.units();
        }
    }

    /// Renames a complete file, or keeps it for another attempt. Returns its path.
    fn name(&mut self, file: Unnamed, content: &Content, log: &Log) -> PathBuf {
        let error = match self.publish(&file, log) {
            Ok(name) => return name,
            Err(error) => error,
        };
        let Unnamed { partial, wanted, units, .. } = &file;
        let (shown, wanted, unit) = (partial.display(), wanted.display(), content.unit);
        let failed = format!("failed to rename to output file {wanted}: {error}");
        let partial = partial.clone();
        if file.is_there() {
            log.error(format_args!("{failed}; its {units} {unit} stay in {shown}"));
            self.unnamed.push(file);
        } else {
            log.error(format_args!("{failed}; {shown} is gone, and its {units} {unit} are lost"));
            self.failed = true;
            self.lost += units;
        }
        partial
    }

    /// Retries to rename files that could not be renamed before.
    fn retry_names(&mut self, log: &Log) {
        for file in std::mem::take(&mut self.unnamed) {
            match self.publish(&file, log) {
                Ok(name) => {
                    let (partial, name) = (file.partial.display(), name.display());
                    log.info(format_args!("{partial} is renamed to output file {name} now"));
                }
                Err(_) => self.unnamed.push(file),
            }
        }
    }

    /// Writes the end of a file. Returns whether the file is complete.
    fn end(&mut self, file: &mut OutputFile, content: &Content, log: &Log) -> bool {
        let why = if file.is_broken() {
            format!("output file {} is not complete", file.name.display())
        } else {
            let error = match file.stop(&content.stop) {
                // If the reader of standard output has exited, the end is not needed.
                Err(error) if !error.is_reader_gone() => error,
                _ => return true,
            };
            let lost = match error.lost() {
                0 => String::new(),
                lost => format!("up to {lost} {} and ", content.unit),
            };
            format!("{error} ({lost}its end lost)")
        };
        self.failed = true;
        match &file.partial {
            Some(_) if file.sink.is_empty() => {
                log.error(format_args!("{why}; it is removed, being empty"))
            }
            Some(partial) => log.error(format_args!("{why}; it stays {}", partial.display())),
            // The failure of a pipe or a device was reported.
            None if file.is_broken() && !file.in_place => (),
            None => log.error(why),
        }
        false
    }

    /// Renames a complete file and starts its post-rotate command. Returns its path.
    fn publish(&mut self, file: &Unnamed, log: &Log) -> io::Result<PathBuf> {
        let Unnamed { partial, wanted, .. } = file;
        if !file.is_there() {
            return Err(Errno::ENOENT.into());
        }
        let is_numbered = self.published.numbers(wanted);
        let name = self.published.publish(partial, wanted)?;
        if name != *wanted && !is_numbered {
            let (wanted, name) = (wanted.display(), name.display());
            log.warning(format_args!("{wanted} exists and is kept; this file is {name}"));
        }
        self.post_rotate.start(&name, log);
        Ok(name)
    }
}
