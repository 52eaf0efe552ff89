// SPDX-License-Identifier: MIT OR Apache-2.0
//! One output file: START, data frames, STOP.

use std::fs::{self, File, OpenOptions};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use std::{io, thread};

use framestream::control::ControlError;
use nix::errno::Errno;
use nix::fcntl::OFlag;
use thiserror::Error;

use crate::compressor::{Compressor, Uncompressed};
use crate::content::{Content, Rejoin};
use crate::continued_file::{Whole, whole};
use crate::output_handle::{Change, OutputHandle};
use crate::partial_file::take_place;
use crate::provisional::Provisional;
use crate::{STANDARD_OUTPUT, continued_file, partial_file};

/// The error of opening an output file.
#[derive(Debug, Error)]
pub enum OpenFileError {
    /// The pattern cannot be expanded.
    #[error("strftime() failed on format string \"{}\": {}", .0.display(), .1)]
    Name(PathBuf, #[source] jiff::Error),
    /// The pattern makes an empty name.
    #[error("strftime() failed on format string \"{}\": the name is empty", .0.display())]
    EmptyName(PathBuf),
    /// The file cannot be opened.
    #[error("failed to open output file {}: {}", .0.display(), .1)]
    Open(PathBuf, #[source] io::Error),
    /// START or STOP cannot be encoded.
    #[error(transparent)]
    Control(#[from] ControlError),
    /// START cannot be written.
    #[error("failed to write output file {}: {}", .0.display(), .1)]
    Start(PathBuf, #[source] io::Error),
}

/// The error of writing data frames.
#[derive(Debug, Error)]
pub enum FrameWriteError {
    /// A file could not be written.
    #[error("failed to write output file {}: {error}", .name.display())]
    File {
        /// Its name.
        name: PathBuf,
        /// The cause.
        #[source]
        error: io::Error,
        /// The number of frames.
        lost: u64,
    },
    /// All outputs have failed.
    #[error("no output is left that takes frames")]
    NoOutput {
        /// The number of frames.
        lost: u64,
    },
}

impl FrameWriteError {
    /// Returns the number of lost frames.
    pub fn lost(&self) -> u64 {
        match self {
            Self::File { lost, .. } | Self::NoOutput { lost } => *lost,
        }
    }

    /// Returns whether the reader of standard output has closed it.
    pub fn is_reader_gone(&self) -> bool {
        matches!(self, Self::File { name, error, .. }
            if error.kind() == io::ErrorKind::BrokenPipe && name.as_os_str() == STANDARD_OUTPUT)
    }
}

/// The treatment of a FIFO without a reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoReader {
    /// Wait for the reader.
    Wait,
    /// Fail, so that the capture is not blocked.
    Fail,
}

/// Interval between checks for a reader of a FIFO.
const READER_CHECK: Duration = Duration::from_millis(100);

/// The way that a regular file is created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placing {
    /// The file gets its name once it is complete, and replaces no other file.
    Complete,
    /// The file replaces an existing one.
    Replace,
    /// The file takes its name; an existing file is renamed.
    MoveAside,
    /// An existing file is continued.
    Append,
}

/// An open output file.
#[derive(Debug)]
pub(crate) struct OutputFile {
    /// The requested name.
    pub(crate) name: PathBuf,
    /// The path of an incomplete regular file.
    pub(crate) partial: Option<PathBuf>,
    /// It is a regular file under its final name.
    pub(crate) in_place: bool,
    /// Frames so far, START included.
    pub(crate) frames: u64,
    /// Bytes so far, START included.
    pub(crate) bytes: u64,
    /// Bytes of a torn frame that are cut off from a continued file.
    pub(crate) torn: u64,
    /// The number of START and STOP frames in `frames`.
    ends: u64,
    /// It cannot be completed.
    broken: bool,
    /// It takes the name of an existing file when it is started.
    takes_name: bool,
    pub(crate) sink: OutputHandle,
    compressor: Option<Compressor>,
    /// Number of bytes of an existing file to keep, until the rest is cut off.
    keeps: Option<u64>,
    /// The new file, until it is started.
    pub(crate) new_file: Option<Provisional>,
}

impl OutputFile {
    /// Opens the file. Writes the beginning of its content, unless an existing file is to be replaced:
    /// that is unchanged until [`OutputFile::begin`]. If it is dropped before that, no file is left.
    pub(crate) fn open(
        name: PathBuf,
        content: &Content,
        placing: Placing,
        compressed: bool,
        no_reader: NoReader,
        stop: Arc<AtomicBool>,
    ) -> Result<Self, OpenFileError> {
        let opened = open(&name, content, placing, no_reader, &stop).and_then(|(file, place)| {
            let compressor = compressed.then(Compressor::new).transpose()?;
            Ok((OutputHandle::new(file, stop)?, place, compressor))
        });
        let (sink, place, compressor) =
            opened.map_err(|error| OpenFileError::Open(name.clone(), error))?;
        let OutputPlace { new_file, partial, takes_name, continued, keeps } = place;
        let Whole { bytes, frames, torn } = continued.unwrap_or_default();
        let mut file = Self {
            name,
            partial,
            in_place: continued.is_some(),
            frames,
            bytes,
            torn,
            ends: 0,
            broken: false,
            takes_name,
            sink,
            compressor,
            keeps,
            new_file,
        };
        if file.keeps.is_none() {
            file.start(content)?;
        }
        Ok(file)
    }

    /// Starts the file: removes the content of an existing file that is not kept. Returns the new path
    /// of an existing file that was renamed.
    pub(crate) fn begin(&mut self, content: &Content) -> Result<Option<PathBuf>, OpenFileError> {
        if let Some(size) = self.keeps.take() {
            let cut = self.sink.truncate_to(size);
            cut.map_err(|error| OpenFileError::Open(self.name.clone(), error))?;
            self.start(content)?;
        }
        let mut moved = None;
        if let (true, Some(partial)) = (self.takes_name, &self.partial) {
            let taken = take_place(partial, &self.name);
            moved = Some(taken.map_err(|error| OpenFileError::Open(self.name.clone(), error))?);
            (self.partial, self.in_place) = (None, true);
        }
        if let Some(new_file) = self.new_file.take() {
            new_file.keep();
        }
        Ok(moved)
    }

    /// Writes the beginning of the content to an empty file.
    fn start(&mut self, content: &Content) -> Result<(), OpenFileError> {
        if self.bytes > 0 {
            return Ok(());
        }
        let written = self.append_end(&content.start);
        written.map_err(|error| OpenFileError::Start(self.name.clone(), error))
    }

    /// Returns the maximum size in bytes that the file can have after a flush.
    pub(crate) fn size(&self) -> u64 {
        self.bytes + self.compressor.as_ref().map_or(0, Compressor::buffered)
    }

    /// Appends `count` units of `content`. After an error, only whole units are kept, so that the file
    /// is readable to its end.
    pub(crate) fn append(
        &mut self,
        data: &[u8],
        count: u64,
        content: &Content,
    ) -> Result<(), FrameWriteError> {
        if let Some(compressor) = &mut self.compressor {
            let written = compressor.append(data, count, &mut self.sink);
            self.frames += count;
            return self.compressed(written);
        }
        let Err(cut) = self.sink.append(data) else {
            // Other programs may write to standard output as well.
            let misplaced = !self.is_standard_output()
                && self.sink.undo_misplaced(data.len()).map_err(|error| self.lost(error, count))?;
            if !misplaced {
                self.frames += count;
                self.bytes += data.len() as u64;
                return Ok(());
            }
            self.rejoin(content).map_err(|error| self.lost(error, count))?;
            return self.append(data, count, content);
        };
        let (whole, size) = (content.whole)(&data[..cut.written]);
        self.frames += whole;
        self.bytes += size as u64;
        let removed = self.sink.remove_last((cut.written - size) as u64);
        Err(self.lost(removed.err().unwrap_or(cut.error), count.saturating_sub(whole)))
    }

    fn lost(&self, error: io::Error, lost: u64) -> FrameWriteError {
        FrameWriteError::File { name: self.name.clone(), error, lost }
    }

    /// Returns the change by another program since the last write.
    pub(crate) fn change(&self) -> io::Result<Change> {
        let change = self.sink.change()?;
        // Other programs may write to standard output as well, and it cannot be opened again.
        let is_usual = matches!(change, Change::Grown | Change::Deleted);
        Ok(if is_usual && self.is_standard_output() { Change::None } else { change })
    }

    fn is_standard_output(&self) -> bool {
        self.name.as_os_str() == STANDARD_OUTPUT
    }

    /// Returns whether it can be continued if another program left `size` bytes of it.
    pub(crate) fn can_rejoin(&self, content: &Content, size: u64) -> bool {
        match content.rejoin {
            Rejoin::Whole => self.compressor.is_none() || size == 0,
            Rejoin::Beginning => size == 0,
            Rejoin::Never => false,
        }
    }

    /// Continues a file that another program changed after its last whole unit, or from the beginning
    /// if there is none. Returns the number of units lost in the compressor.
    pub(crate) fn rejoin(&mut self, content: &Content) -> io::Result<u64> {
        let size = self.sink.file.metadata()?.len();
        if size > 0 && self.is_standard_output() {
            self.sink.continue_at(size)?;
            return Ok(0);
        }
        if !self.can_rejoin(content, size) {
            self.broken = true;
            return Err(io::Error::other("another program changed it, so that it cannot go on"));
        }
        let whole = match size {
            0 => Whole::default(),
            _ => whole(&mut self.sink.file, content)?,
        };
        self.sink.truncate_to(whole.bytes)?;
        (self.bytes, self.frames, self.ends) = (whole.bytes, whole.frames, 0);
        let mut lost = 0;
        if let Some(compressor) = &mut self.compressor {
            lost = compressor.buffered_units();
            *compressor = Compressor::new()?;
        }
        if self.bytes == 0 {
            self.append_end(&content.start)?;
        }
        Ok(lost)
    }

    /// Writes data that the compressor buffers.
    pub(crate) fn flush(&mut self) -> Result<(), FrameWriteError> {
        let Some(compressor) = &mut self.compressor else { return Ok(()) };
        let written = compressor.flush(&mut self.sink);
        self.compressed(written)
    }

    /// Returns whether the compressor buffers data.
    pub(crate) fn has_buffered(&self) -> bool {
        self.compressor.as_ref().is_some_and(|compressor| compressor.buffered() > 0)
    }

    fn compressed(&mut self, written: Result<u64, Uncompressed>) -> Result<(), FrameWriteError> {
        self.bytes += written.map_err(|Uncompressed { error, lost }| {
            self.frames = self.frames.saturating_sub(lost);
            self.lost(error, lost)
        })?;
        Ok(())
    }

    /// Returns whether a failure, which was reported, made it impossible to complete the file.
    pub(crate) fn is_broken(&self) -> bool {
        self.broken || self.compressor.as_ref().is_some_and(|compressor| compressor.broken)
    }

    /// Marks the file as impossible to complete.
    pub(crate) fn set_broken(&mut self) {
        self.broken = true;
    }

    /// Returns the number of units in the file.
    pub(crate) fn units(&self) -> u64 {
        self.frames.saturating_sub(self.ends)
    }

    /// Writes the end of the content.
    pub(crate) fn stop(&mut self, stop: &[u8]) -> Result<(), FrameWriteError> {
        // After the flush, a failure to write the end loses no units.
        self.flush()?;
        self.append_end(stop).map_err(|error| self.lost(error, 0))?;
        let Some(compressor) = &mut self.compressor else { return Ok(()) };
        let written = compressor.finish(&mut self.sink);
        self.compressed(written)
    }

    /// Appends the beginning or end of the content, completely or not at all.
    fn append_end(&mut self, end: &[u8]) -> io::Result<()> {
        if end.is_empty() {
            return Ok(());
        }
        match &mut self.compressor {
            Some(compressor) => {
                let written = compressor.append(end, 0, &mut self.sink);
                self.bytes += written.map_err(|cut| cut.error)?;
            }
            None => {
                if let Err(cut) = self.sink.append(end) {
                    self.sink.remove_last(cut.written as u64)?;
                    return Err(cut.error);
                }
                self.bytes += end.len() as u64;
            }
        }
        self.frames += 1;
        self.ends += 1;
        Ok(())
    }
}

/// The name of an opened output, and the data that is there already.
#[derive(Default)]
struct OutputPlace {
    new_file: Option<Provisional>,
    /// The name of a regular file until it is complete.
    partial: Option<PathBuf>,
    /// It takes the name of an existing file when it is started.
    takes_name: bool,
    /// The part to keep of a regular file under its final name.
    continued: Option<Whole>,
    /// The number of bytes to keep, if the rest may have to be removed.
    keeps: Option<u64>,
}

/// Opens `name`: a regular file according to `placing`; standard output, a FIFO or a device as it is.
fn open(
    name: &Path,
    content: &Content,
    placing: Placing,
    no_reader: NoReader,
    stop: &AtomicBool,
) -> io::Result<(File, OutputPlace)> {
    let unchanged = |file| (file, OutputPlace::default());
    if name == Path::new(STANDARD_OUTPUT) {
        return io::stdout().as_fd().try_clone_to_owned().map(|fd| unchanged(File::from(fd)));
    }
    match fs::metadata(name) {
        // Opening a socket would fail like a FIFO without a reader.
        Ok(metadata) if metadata.file_type().is_socket() => {
            return Err(io::Error::other("it is a socket, not a file"));
        }
        Ok(metadata) if !metadata.is_file() => {
            return open_special(name, no_reader, stop).map(unchanged);
        }
        _ => (),
    }
    let is_new = fs::symlink_metadata(name).is_err();
    let takes_name = placing == Placing::MoveAside
        && fs::metadata(name).is_ok_and(|metadata| metadata.len() > 0);
    if takes_name || placing == Placing::Complete {
        let (file, partial) = partial_file::create(name)?;
        let new_file = Some(Provisional::new(partial.clone()));
        let partial = Some(partial);
        return Ok((file, OutputPlace { new_file, partial, takes_name, ..OutputPlace::default() }));
    }
    let (file, whole) = if placing == Placing::Append {
        continued_file::continue_at_end(name, content)?
    } else {
        (continued_file::open(name)?, Whole::default())
    };
    let new_file = is_new.then(|| Provisional::new(name.into()));
    // Whole text is not changed, since a file may allow appending only.
    let is_cut = placing != Placing::Append || content.content_type.is_some() || whole.torn > 0;
    let (continued, keeps) = (Some(whole), is_cut.then_some(whole.bytes));
    Ok((file, OutputPlace { new_file, continued, keeps, ..OutputPlace::default() }))
}

fn open_special(name: &Path, no_reader: NoReader, stop: &AtomicBool) -> io::Result<File> {
    let flags = OFlag::O_NONBLOCK.bits();
    loop {
        match OpenOptions::new().write(true).custom_flags(flags).open(name) {
            Err(error) if error.raw_os_error() == Some(Errno::ENXIO as i32) => {
                if no_reader == NoReader::Fail || stop.load(Ordering::Relaxed) {
                    return Err(io::Error::other("nobody reads it"));
                }
                thread::sleep(READER_CHECK);
            }
            other => return other,
        }
    }
}
