// SPDX-License-Identifier: MIT OR Apache-2.0
//! The output: one file after the other.

mod rejoin;

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use nix::errno::Errno;
use operator_log::{Level, LineKind, Log};

use self::rejoin::{MOVED, NameWatch};
use crate::STANDARD_OUTPUT;
use crate::backoff::Backoff;
use crate::content::Content;
use crate::destination::{Closed, Destination};
use crate::file_name::Calendar;
use crate::free_name::move_aside;
use crate::identity::{Identity, identity};
use crate::leftover;
use crate::leftover::Completed;
use crate::output_file::{FrameWriteError, OpenFileError, OutputFile, Placing, Unread};
use crate::output_handle::Change;
use crate::partial_file::Published;
use crate::post_rotate::PostRotate;

/// The next file cannot be begun.
const ROTATIONS_FAILED: LineKind = LineKind("rotations that failed");

/// Which files to write.
#[derive(Clone, Debug)]
pub struct Files {
    /// The file, or the pattern of its name.
    pub name: PathBuf,
    /// The calendar that turns the pattern into a name.
    pub calendar: Option<Calendar>,
    /// Maximum time that a file is written.
    pub split: Option<Duration>,
    /// Maximum size of a file.
    pub split_size: Option<u64>,
    /// The command that runs for each finished file.
    pub post_rotate: Option<OsString>,
    /// The way that regular files are created.
    pub placing: Placing,
    /// True if they are compressed, with zstd.
    pub compressed: bool,
}

/// The file that is written, and what makes the next and finishes the last.
#[derive(Debug)]
pub struct RotatingFile {
    file: OutputFile,
    rotate_at: Option<Instant>,
    /// Bytes after which a file is split.
    split_size: u64,
    /// Bytes after which this file is split.
    full_at: u64,
    content: Content,
    opener: Opener,
    finisher: Finisher,
    /// Spaces the tries to begin the next file.
    backoff: Backoff,
    name_watch: NameWatch,
    /// Files are continued that earlier runs wrote.
    continues: bool,
}

impl RotatingFile {
    /// Opens the first file and begins it. `stop` is set when the program is to stop.
    pub fn open(
        files: &Files,
        content: Content,
        stop: Arc<AtomicBool>,
        log: &Log,
    ) -> Result<Self, OpenFileError> {
        let mut output = Self::prepare(files, content, stop)?;
        output.begin(log)?;
        Ok(output)
    }

    /// Opens the first file, but leaves what is there as it is until [`RotatingFile::begin`]. Dropped
    /// before, it leaves nothing behind.
    pub fn prepare(
        files: &Files,
        content: Content,
        stop: Arc<AtomicBool>,
    ) -> Result<Self, OpenFileError> {
        let mut opener = Opener {
            pattern: files.name.clone(),
            calendar: files.calendar.clone(),
            split: files.split,
            placing: files.placing,
            compressed: files.compressed,
            stop,
        };
        let finisher = Finisher {
            published: Published::default(),
            unnamed: Vec::new(),
            post_rotate: PostRotate::new(files.post_rotate.as_deref()),
            failed: false,
            lost: 0,
        };
        let (file, rotate_at) = opener.open(&content, Unread::Wait)?;
        // What has the name of a later file was written by this run, or by others since.
        if matches!(opener.placing, Placing::Replace | Placing::MoveAside) {
            opener.placing = Placing::Append;
        }
        let split_size = files.split_size.unwrap_or(u64::MAX);
        let full_at = split_size;
        Ok(Self {
            file,
            rotate_at,
            split_size,
            full_at,
            content,
            opener,
            finisher,
            backoff: Backoff::default(),
            name_watch: NameWatch::new(),
            continues: files.placing == Placing::Append,
        })
    }

    /// Begins the first file.
    pub fn begin(&mut self, log: &Log) -> Result<(), OpenFileError> {
        self.look_after_leftovers(log)?;
        if let Some(moved) = self.file.begin(&self.content)? {
            let (name, moved) = (self.file.name.display(), moved.display());
            log.info(format_args!("{name} exists and is kept as {moved}; -a continues it instead"));
        }
        tell_opened(&self.file, &self.content, log);
        Ok(())
    }

    /// Reports files that earlier runs did not complete, and completes them where files are
    /// continued. A file that is not there yet is the continuation of the last of them.
    fn look_after_leftovers(&mut self, log: &Log) -> Result<(), OpenFileError> {
        if !self.file.is_regular() || self.file.name == Path::new(STANDARD_OUTPUT) {
            return Ok(());
        }
        let is_dated = self.opener.calendar.is_some();
        let left = leftover::find(&self.opener.pattern, is_dated, &self.file.name);
        if !self.continues {
            leftover::report(&left, &self.content, self.opener.compressed, log);
            return Ok(());
        }
        let is_new = self.file.is_made();
        if left.is_empty() {
            return Ok(());
        }
        if is_new {
            self.file.unmake();
        }
        for partial in left {
            self.finisher.complete(&partial, &self.content, log);
        }
        if is_new {
            (self.file, self.rotate_at) = self.opener.open(&self.content, Unread::Fail)?;
        }
        Ok(())
    }

    /// Writes what compression holds back.
    pub fn flush(&mut self) -> Result<(), FrameWriteError> {
        self.rejoin(0)?;
        self.file.flush()
    }

    /// Returns whether compression holds something back.
    pub fn holds_back(&self) -> bool {
        self.file.holds_back()
    }

    /// Lets the file be open for as long again.
    fn go_on(&mut self) {
        self.rotate_at = self.opener.split.map(|split| Instant::now() + split);
        self.full_at = self.file.size().saturating_add(self.split_size);
    }

    /// Returns whether the file has no data yet.
    pub fn is_new(&self) -> bool {
        self.file.size() <= self.content.start.len() as u64
    }

    /// The name of the file.
    pub fn name(&self) -> &Path {
        &self.file.name
    }

    /// Returns the name of its units.
    pub fn unit(&self) -> &'static str {
        self.content.unit
    }

    /// Makes it take data again after a failed write. A file that cannot be read beyond the
    /// failure, such as a compressed one, is left, and a new one is started.
    pub fn revive(&mut self, log: &Log) -> Result<(), OpenFileError> {
        // The next reader of a pipe needs a stream from its beginning.
        let is_special = !self.file.is_regular() && self.file.name != Path::new(STANDARD_OUTPUT);
        if self.file.is_broken() || is_special { self.leave_broken(log) } else { Ok(()) }
    }

    /// Leaves a file that cannot be completed as it is, and begins another.
    pub fn leave_broken(&mut self, log: &Log) -> Result<(), OpenFileError> {
        self.file.set_broken();
        if self.file.in_place && self.file.is_at(&self.file.name) {
            let name = self.file.name.clone();
            let moved = if self.file.is_empty() {
                fs::remove_file(&name).map(|()| name.clone())
            } else {
                move_aside(&name)
            };
            self.file.name = moved.map_err(|error| OpenFileError::Open { name, error })?;
        }
        self.begin_next(log)
    }

    /// Begins a new file and finishes the one before, which goes on where it can be read first.
    fn begin_next(&mut self, log: &Log) -> Result<(), OpenFileError> {
        self.rejoin_end(log);
        let last = self.open_next(log)?;
        self.finisher.finish(last, &self.content, log);
        tell_opened(&self.file, &self.content, log);
        Ok(())
    }

    /// Makes sure, before a file is ended, that its end comes after readable data.
    fn rejoin_end(&mut self, log: &Log) {
        let change = self.file.change();
        if !self.file.is_broken()
            && matches!(change, Ok(Change::Shrunk { .. } | Change::Grown))
            && let Err(error) = self.rejoin(0)
        {
            log.error(error);
            self.file.set_broken();
        }
    }

    /// Begins a new file. Returns the one before.
    fn open_next(&mut self, log: &Log) -> Result<OutputFile, OpenFileError> {
        let (mut file, rotate_at) = self.opener.open(&self.content, Unread::Fail)?;
        file.begin(&self.content)?;
        let last = std::mem::replace(&mut self.file, file);
        log.end_state(MOVED, &last.name.display().to_string());
        self.name_watch = NameWatch::new();
        self.rotate_at = rotate_at;
        self.full_at = self.split_size;
        Ok(last)
    }

    /// Begins a new file in the place of one that was deleted.
    fn replace_deleted(&mut self) -> Result<(), OpenFileError> {
        let last = self.open_next(&Log)?;
        self.finisher.forget(&last);
        tell_opened(&self.file, &self.content, &Log);
        Ok(())
    }

    /// Returns whether commands run for finished files.
    pub fn commands_run(&self) -> bool {
        self.finisher.post_rotate.are_running()
    }
}

impl Destination for RotatingFile {
    /// Into a file without data fits any frame.
    fn has_room(&self, before: usize, size: usize) -> bool {
        let complete = self.file.size() + (before + size + self.content.stop.len()) as u64;
        complete <= self.full_at || (before == 0 && self.is_new())
    }

    fn write(&mut self, frames: &[u8], count: u64) -> Result<(), FrameWriteError> {
        self.rejoin(count)?;
        self.file.append(frames, count, &self.content)
    }

    /// When the file will have been open for long enough.
    fn rotate_at(&self) -> Option<Instant> {
        self.rotate_at
    }

    /// Begins a new file and finishes the one before. If there can be no new one, the old one
    /// goes on, and it is tried again after a while.
    fn rotate(&mut self, log: &Log) {
        if self.file.name == Path::new(STANDARD_OUTPUT) {
            if self.content.told {
                log.info("rotate_output: not rotating stdout");
            }
            return;
        }
        // Under its own name, and nobody has moved it: there is no other file to begin.
        if self.file.in_place && self.opener.would_open(&self.file) {
            return self.go_on();
        }
        let subject = self.opener.pattern.display().to_string();
        match self.begin_next(log) {
            Ok(()) => {
                if log.end_state(ROTATIONS_FAILED, &subject) && !self.content.told {
                    log.info(format_args!("began output file {}", self.file.name.display()));
                }
            }
            Err(error) => {
                let (now, name) = (Instant::now(), self.file.name.display().to_string());
                let delay = self.backoff.failed(now);
                self.go_on();
                let retry_at = now + delay;
                self.rotate_at = Some(self.rotate_at.map_or(retry_at, |at| at.min(retry_at)));
                let delay = delay.as_secs();
                let text = format!("{error}; output file {name} goes on; retrying in {delay} s");
                log.lasting(Level::Error, ROTATIONS_FAILED, &subject, text);
            }
        }
    }

    /// Nothing is held back: every frame is written when it is whole. A file that was moved away is
    /// ended, and another begun.
    fn hang_up(&mut self, log: &Log) {
        if self.file.in_place && !self.file.is_at(&self.file.name) {
            return self.rotate(log);
        }
        log.info("received SIGHUP, flushing output");
    }

    fn reap(&mut self, log: &Log) {
        self.finisher.post_rotate.reap(log);
    }

    /// A file takes whatever comes.
    fn is_done(&self) -> bool {
        false
    }

    /// Finishes the last file. Everything is written if every file is complete and has its name.
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

/// Tells which file is written, and what was lost of it before.
fn tell_opened(file: &OutputFile, content: &Content, log: &Log) {
    let name = file.name.display();
    if content.told {
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
    pattern: PathBuf,
    calendar: Option<Calendar>,
    split: Option<Duration>,
    placing: Placing,
    compressed: bool,
    stop: Arc<AtomicBool>,
}

impl Opener {
    /// Opens a file of the present time, and says when its time will be over.
    fn open(
        &self,
        content: &Content,
        unread: Unread,
    ) -> Result<(OutputFile, Option<Instant>), OpenFileError> {
        let now = Timestamp::now();
        let (name, stop) = (self.name(now)?, self.stop.clone());
        let file = OutputFile::open(name, content, self.placing, self.compressed, unread, stop)?;
        // Counted from the beginning of the second: the names of the files do not drift.
        let subsecond = Duration::from_nanos(now.subsec_nanosecond().unsigned_abs().into());
        Ok((file, self.split.map(|split| Instant::now() + split - subsecond)))
    }

    /// Returns whether opening a file now would open `file` again.
    fn would_open(&self, file: &OutputFile) -> bool {
        self.name(Timestamp::now()).is_ok_and(|name| file.is_at(&name))
    }

    fn name(&self, now: Timestamp) -> Result<PathBuf, OpenFileError> {
        let Some(calendar) = &self.calendar else { return Ok(self.pattern.clone()) };
        let pattern = self.pattern.clone();
        let name = match calendar.path(&pattern, now) {
            Ok(name) => name,
            Err(source) => return Err(OpenFileError::Name { pattern, source }),
        };
        if name.as_os_str().is_empty() { Err(OpenFileError::EmptyName(pattern)) } else { Ok(name) }
    }
}

/// Finishes files.
#[derive(Debug)]
struct Finisher {
    published: Published,
    /// Complete files that could not be given their names.
    unnamed: Vec<Unnamed>,
    post_rotate: PostRotate,
    failed: bool,
    /// Units in files that were removed before they had their names.
    lost: u64,
}

/// A complete file that still has the name of an incomplete one.
#[derive(Debug)]
struct Unnamed {
    partial: PathBuf,
    wanted: PathBuf,
    units: u64,
    /// The file; `None` if it has lost its name already.
    identity: Option<Identity>,
}

impl Unnamed {
    fn new(file: &OutputFile, partial: PathBuf) -> Self {
        let identity = if file.is_at(&partial) { identity(&partial).ok() } else { None };
        Self { partial, wanted: file.name.clone(), units: file.units(), identity }
    }

    /// Returns whether it still has its name, and no later file of ours has it.
    fn is_there(&self) -> bool {
        self.identity.is_some() && identity(&self.partial).ok() == self.identity
    }
}

impl Finisher {
    /// Writes STOP, and gives a file its name. One without its end is left as it is.
    fn finish(&mut self, mut file: OutputFile, content: &Content, log: &Log) {
        self.name_earlier(log);
        let complete = self.end(&mut file, content, log);
        let name = match file.partial.take() {
            Some(partial) if complete => self.name(Unnamed::new(&file, partial), content, log),
            Some(partial) => {
                // An empty file need not be kept.
                if file.is_empty() && file.is_at(&partial) && fs::remove_file(&partial).is_ok() {
                    return;
                }
                partial
            }
            None => {
                match complete && file.in_place {
                    true if file.is_at(&file.name) => self.post_rotate.start(&file.name, log),
                    // By now its name may be that of the next.
                    true => self.post_rotate.pass_over(&file.name, log),
                    false => (),
                }
                file.name.clone()
            }
        };
        if content.told {
            let (name, frames, bytes) = (name.display(), file.frames, file.bytes);
            let unit = content.unit;
            log.info(format_args!(
                "closed output file {name} (wrote {frames} {unit}, {bytes} bytes)"
            ));
        }
    }

    /// Completes a file that an earlier run left, and gives it its name.
    fn complete(&mut self, partial: &Path, content: &Content, log: &Log) {
        let completed = leftover::complete(partial, content).and_then(|completed| {
            let name = self.published.publish(partial, &completed.wanted)?;
            Ok((completed, name))
        });
        let shown = partial.display();
        match completed {
            Ok((Completed { frames, torn, .. }, name)) => {
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

    /// Leaves a file that was deleted. A file that never had its name is lost.
    fn forget(&mut self, file: &OutputFile) {
        if file.partial.is_some() {
            self.failed |= file.units() > 0;
            self.lost += file.units();
        }
    }

    /// Gives a complete file its name, or keeps it for another try. Returns where it is.
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

    /// Retries to name files that could not be named before.
    fn name_earlier(&mut self, log: &Log) {
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

    /// Writes what stands at the end of a file. Returns whether it is complete.
    fn end(&mut self, file: &mut OutputFile, content: &Content, log: &Log) -> bool {
        let why = if file.is_broken() {
            format!("output file {} is not complete", file.name.display())
        } else {
            let error = match file.stop(&content.stop) {
                // Who reads the standard output no more has no use for an end.
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
            Some(_) if file.is_empty() => {
                log.error(format_args!("{why}; it is removed, being empty"))
            }
            Some(partial) => log.error(format_args!("{why}; it stays {}", partial.display())),
            // The failure of a pipe or a device was reported.
            None if file.is_broken() && !file.in_place => (),
            None => log.error(why),
        }
        false
    }

    /// Gives a complete file its name, and hands it to the command. Returns where it is.
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
