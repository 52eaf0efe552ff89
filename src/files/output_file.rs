// SPDX-License-Identifier: MIT OR Apache-2.0
//! One output file: START, data frames, STOP.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use framestream::control::ControlError;
use nix::errno::Errno;
use nix::fcntl::OFlag;
use thiserror::Error;

use crate::STANDARD_OUTPUT;
use crate::compressor::{Compressor, Uncompressed};
use crate::content::{Content, Rejoin};
use crate::continued_file;
use crate::continued_file::{Continued, Whole, whole};
use crate::output_handle::{Change, OutputHandle};
use crate::partial_file;
use crate::partial_file::take_place;
use crate::provisional::Provisional;

/// The error of opening an output file.
#[derive(Debug, Error)]
pub enum OpenFileError {
    /// The pattern makes no name.
    #[error("strftime() failed on format string \"{}\": {source}", .pattern.display())]
    Name {
        /// The pattern.
        pattern: PathBuf,
        /// The cause.
        source: jiff::Error,
    },
    /// The pattern makes an empty name.
    #[error("strftime() failed on format string \"{}\": the name is empty", .0.display())]
    EmptyName(PathBuf),
    /// The file cannot be opened.
    #[error("failed to open output file {}: {error}", .name.display())]
    Open {
        /// Its name.
        name: PathBuf,
        /// The cause.
        #[source]
        error: io::Error,
    },
    /// START or STOP cannot be encoded.
    #[error(transparent)]
    Control(#[from] ControlError),
    /// START cannot be written.
    #[error("failed to write output file {}: {error}", .name.display())]
    Start {
        /// The name of the file.
        name: PathBuf,
        /// The cause.
        #[source]
        error: io::Error,
    },
}

/// Data frames that were not written.
#[derive(Debug, Error)]
pub enum FrameWriteError {
    /// They did not get into a file.
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
    /// No output takes them any more.
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

    /// Returns whether nobody reads the standard output any more.
    pub fn is_reader_gone(&self) -> bool {
        matches!(self, Self::File { name, error, .. }
            if error.kind() == io::ErrorKind::BrokenPipe && name.as_os_str() == STANDARD_OUTPUT)
    }
}

/// The treatment of a FIFO without a reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unread {
    /// Wait for the reader.
    Wait,
    /// Fail: nothing may hold up the capture.
    Fail,
}

/// Interval between checks for a reader of a FIFO.
const READER_CHECK: Duration = Duration::from_millis(100);

/// The way that a regular file is created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placing {
    /// It has its name once it is complete, and takes the place of no other.
    Complete,
    /// It takes the place of what has its name.
    Replace,
    /// It takes the name; a file that has it is moved aside.
    MoveAside,
    /// It continues what has its name.
    Append,
}

/// An open output file.
#[derive(Debug)]
pub(crate) struct OutputFile {
    /// The name that was asked for.
    pub(crate) name: PathBuf,
    /// Where it is until it is complete, if it is a regular file.
    pub(crate) partial: Option<PathBuf>,
    /// It is a regular file that has its name already.
    pub(crate) in_place: bool,
    /// Frames so far, START included.
    pub(crate) frames: u64,
    /// Bytes so far, START included.
    pub(crate) bytes: u64,
    /// Bytes of a torn frame that are cut off from what is continued.
    pub(crate) torn: u64,
    /// START and STOP among its frames.
    ends: u64,
    /// It cannot be completed.
    broken: bool,
    /// It is to take its name from another file when it is begun.
    takes_name: bool,
    sink: OutputHandle,
    compressor: Option<Compressor>,
    /// How many bytes of what was there are kept, until those after are cut off.
    keeps: Option<u64>,
    /// The files that were created for it, until it is begun.
    made: Option<Provisional>,
}

impl OutputFile {
    /// Opens the file, and writes what stands at its beginning unless something else is there: that
    /// stays until [`OutputFile::begin`]. Dropped before, it leaves nothing behind.
    pub(crate) fn open(
        name: PathBuf,
        content: &Content,
        placing: Placing,
        compressed: bool,
        unread: Unread,
        stop: Arc<AtomicBool>,
    ) -> Result<Self, OpenFileError> {
        let opened = open(&name, content, placing, unread, &stop).and_then(|opened| {
            let compressor = compressed.then(Compressor::new).transpose()?;
            let Opened { file, made, partial, takes_name, continued, keeps } = opened;
            Ok((
                OutputHandle::new(file, stop)?,
                made,
                partial,
                takes_name,
                continued,
                keeps,
                compressor,
            ))
        });
        let (sink, made, partial, takes_name, continued, keeps, compressor) = match opened {
            Ok(opened) => opened,
            Err(error) => return Err(OpenFileError::Open { name, error }),
        };
        let mut file = Self {
            name,
            partial,
            in_place: continued.is_some(),
            frames: continued.map_or(0, |(_, frames, _)| frames),
            bytes: continued.map_or(0, |(bytes, ..)| bytes),
            torn: continued.map_or(0, |(.., torn)| torn),
            ends: 0,
            broken: false,
            takes_name,
            sink,
            compressor,
            keeps,
            made,
        };
        if file.keeps.is_none() {
            file.start(content)?;
        }
        Ok(file)
    }

    /// Begins it for good: what is not kept of what was there is gone. Returns where the file is now
    /// that had its name, if that was moved aside.
    pub(crate) fn begin(&mut self, content: &Content) -> Result<Option<PathBuf>, OpenFileError> {
        if let Some(size) = self.keeps.take() {
            let cut = self.sink.go_on_at(size);
            cut.map_err(|error| OpenFileError::Open { name: self.name.clone(), error })?;
            self.start(content)?;
        }
        let mut moved = None;
        if let (true, Some(partial)) = (self.takes_name, &self.partial) {
            let taken = take_place(partial, &self.name);
            moved = Some(
                taken.map_err(|error| OpenFileError::Open { name: self.name.clone(), error })?,
            );
            (self.partial, self.in_place) = (None, true);
        }
        if let Some(made) = self.made.take() {
            made.keep();
        }
        Ok(moved)
    }

    /// Returns whether it was made just now and is not begun.
    pub(crate) fn is_made(&self) -> bool {
        self.made.is_some()
    }

    /// Removes a file that was made and is not begun.
    pub(crate) fn unmake(&mut self) {
        self.made = None;
    }

    /// Writes what stands at its beginning, if that is to come.
    fn start(&mut self, content: &Content) -> Result<(), OpenFileError> {
        if self.bytes > 0 {
            return Ok(());
        }
        let written = self.append_end(&content.start);
        written.map_err(|error| OpenFileError::Start { name: self.name.clone(), error })
    }

    /// Returns whether `path` leads to it.
    pub(crate) fn is_at(&self, path: &Path) -> bool {
        self.sink.is_at(path)
    }

    /// Bytes that the file has at most once it takes nothing more.
    pub(crate) fn size(&self) -> u64 {
        self.bytes + self.compressor.as_ref().map_or(0, Compressor::held_back)
    }

    /// Appends `count` units of `content`. On an error the whole ones among those that were written
    /// stay, so that the file is readable to its end.
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
            // Others may write to the standard output too.
            let misplaced = match self.is_standard_output() {
                true => Ok(false),
                false => self.sink.take_back_misplaced(data.len()),
            };
            let misplaced = misplaced.map_err(|error| self.lost(error, count))?;
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
        let error = match self.sink.cut_back((cut.written - size) as u64) {
            Ok(()) => cut.error,
            Err(error) => error,
        };
        Err(self.lost(error, count.saturating_sub(whole)))
    }

    fn lost(&self, error: io::Error, lost: u64) -> FrameWriteError {
        FrameWriteError::File { name: self.name.clone(), error, lost }
    }

    /// Returns what another program did to it since the last write.
    pub(crate) fn change(&self) -> io::Result<Change> {
        let change = self.sink.change()?;
        // Others may write to the standard output too, and it is not opened again.
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

    /// Continues a file that another program changed after its whole part, or starts it again if
    /// that is empty. Returns how many units were lost that compression held back.
    pub(crate) fn rejoin(&mut self, content: &Content) -> io::Result<u64> {
        let size = self.sink.file().metadata()?.len();
        if size > 0 && self.is_standard_output() {
            self.sink.go_on_behind(size)?;
            return Ok(0);
        }
        if !self.can_rejoin(content, size) {
            self.broken = true;
            return Err(io::Error::other("another program changed it, so that it cannot go on"));
        }
        let whole = match size {
            0 => Whole { bytes: 0, frames: 0, torn: 0 },
            _ => whole(self.sink.file(), content)?,
        };
        self.sink.go_on_at(whole.bytes)?;
        (self.bytes, self.frames, self.ends) = (whole.bytes, whole.frames, 0);
        let mut lost = 0;
        if let Some(compressor) = &mut self.compressor {
            lost = compressor.unsure();
            *compressor = Compressor::new()?;
        }
        if self.bytes == 0 {
            self.append_end(&content.start)?;
        }
        Ok(lost)
    }

    /// Writes what the compression holds back.
    pub(crate) fn flush(&mut self) -> Result<(), FrameWriteError> {
        let Some(compressor) = &mut self.compressor else { return Ok(()) };
        let written = compressor.flush(&mut self.sink);
        self.compressed(written)
    }

    /// Returns whether the compression holds something back.
    pub(crate) fn holds_back(&self) -> bool {
        self.compressor.as_ref().is_some_and(|compressor| compressor.held_back() > 0)
    }

    fn compressed(&mut self, written: Result<u64, Uncompressed>) -> Result<(), FrameWriteError> {
        match written {
            Ok(bytes) => {
                self.bytes += bytes;
                Ok(())
            }
            Err(Uncompressed { error, lost }) => {
                self.frames = self.frames.saturating_sub(lost);
                Err(FrameWriteError::File { name: self.name.clone(), error, lost })
            }
        }
    }

    /// Returns whether a failure that was told has left it without a chance of an end.
    pub(crate) fn is_broken(&self) -> bool {
        self.broken || self.compressor.as_ref().is_some_and(Compressor::is_broken)
    }

    /// Returns whether it is a regular file without a byte.
    pub(crate) fn is_empty(&self) -> bool {
        self.sink.is_empty()
    }

    /// Returns whether it is a regular file.
    pub(crate) fn is_regular(&self) -> bool {
        self.sink.is_regular()
    }

    /// Notes that it cannot be completed.
    pub(crate) fn set_broken(&mut self) {
        self.broken = true;
    }

    /// Units that it holds.
    pub(crate) fn units(&self) -> u64 {
        self.frames.saturating_sub(self.ends)
    }

    /// Appends what stands at the end of a file.
    pub(crate) fn stop(&mut self, stop: &[u8]) -> Result<(), FrameWriteError> {
        // Behind this an end that fails takes no units along.
        self.flush()?;
        let failed =
            |name: &Path, error| FrameWriteError::File { name: name.into(), error, lost: 0 };
        self.append_end(stop).map_err(|error| failed(&self.name, error))?;
        let Some(compressor) = &mut self.compressor else { return Ok(()) };
        let written = compressor.finish(&mut self.sink);
        self.compressed(written)
    }

    /// Appends what stands at an end of a file, whole or not at all.
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
                    self.sink.cut_back(cut.written as u64)?;
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

/// An opened output.
struct Opened {
    file: File,
    made: Option<Provisional>,
    /// The name that a regular file has until it is complete.
    partial: Option<PathBuf>,
    /// It takes its name from another file when it is begun.
    takes_name: bool,
    /// Of a regular file under its own name, the bytes and frames that are kept, and the bytes of a
    /// torn frame.
    continued: Option<(u64, u64, u64)>,
    /// The number of bytes to keep, if the rest may have to be removed.
    keeps: Option<u64>,
}

/// Opens what `name` stands for: a regular file as `placing` says; standard output, FIFOs and devices
/// are written as they are.
fn open(
    name: &Path,
    content: &Content,
    placing: Placing,
    unread: Unread,
    stop: &AtomicBool,
) -> io::Result<Opened> {
    let (made, partial, continued, keeps) = (None, None, None, None);
    let as_it_is = |file| Opened { file, made, partial, takes_name: false, continued, keeps };
    if name == Path::new(STANDARD_OUTPUT) {
        return io::stdout().as_fd().try_clone_to_owned().map(|fd| as_it_is(File::from(fd)));
    }
    match fs::metadata(name) {
        // To open it fails as it does for a FIFO that nobody reads.
        Ok(metadata) if metadata.file_type().is_socket() => {
            return Err(io::Error::other("it is a socket, which is no file to write"));
        }
        Ok(metadata) if !metadata.is_file() => {
            return open_special(name, unread, stop).map(as_it_is);
        }
        _ => (),
    }
    let is_new = fs::symlink_metadata(name).is_err();
    let takes_name = placing == Placing::MoveAside
        && fs::metadata(name).is_ok_and(|metadata| metadata.len() > 0);
    let continued = match placing {
        _ if takes_name || placing == Placing::Complete => {
            let (file, partial) = partial_file::create(name)?;
            let made = Some(Provisional::new(partial.clone()));
            let partial = Some(partial);
            return Ok(Opened { file, made, partial, takes_name, continued: None, keeps: None });
        }
        Placing::Complete | Placing::Replace | Placing::MoveAside => continued_file::replace(name)?,
        Placing::Append => continued_file::continue_at_end(name, content)?,
    };
    let Continued { file, bytes, frames, torn } = continued;
    let made = is_new.then(|| Provisional::new(name.into()));
    // Text that is whole is not touched: some systems allow nothing but to append.
    let is_cut = placing != Placing::Append || content.content_type.is_some() || torn > 0;
    let keeps = is_cut.then_some(bytes);
    let continued = Some((bytes, frames, torn));
    Ok(Opened { file, made, partial: None, takes_name: false, continued, keeps })
}

fn open_special(name: &Path, unread: Unread, stop: &AtomicBool) -> io::Result<File> {
    let flags = OFlag::O_NONBLOCK.bits();
    loop {
        match OpenOptions::new().write(true).custom_flags(flags).open(name) {
            Err(error) if error.raw_os_error() == Some(Errno::ENXIO as i32) => {
                if unread == Unread::Fail || stop.load(Ordering::Relaxed) {
                    return Err(io::Error::other("nobody reads it"));
                }
                thread::sleep(READER_CHECK);
            }
            other => return other,
        }
    }
}
