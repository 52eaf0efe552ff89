// SPDX-License-Identifier: MIT OR Apache-2.0
//! One output file: START, data frames, STOP.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use framestream::control::ControlError;
use framestream::frame::LENGTH_SIZE;
use nix::errno::Errno;
use nix::fcntl::OFlag;
use thiserror::Error;

use crate::capture::partial_file;
use crate::capture::sink::Sink;

/// The name that stands for the standard output.
pub const STANDARD_OUTPUT: &str = "-";

/// Why there is no file to write.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The pattern makes no name.
    #[error("strftime() failed on format string \"{}\": {reason}", .pattern.display())]
    Name {
        /// The pattern.
        pattern: PathBuf,
        /// Why not.
        reason: String,
    },
    /// The file cannot be opened.
    #[error("failed to open output file {}: {error}", .name.display())]
    Open {
        /// Its name.
        name: PathBuf,
        /// Why not.
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
        /// Why not.
        error: io::Error,
    },
}

/// Data frames did not get into the file.
#[derive(Debug, Error)]
#[error("failed to write output file {}: {error}", .name.display())]
pub struct WriteError {
    /// The name of the file.
    pub name: PathBuf,
    /// Why not.
    pub error: io::Error,
    /// How many.
    pub lost: u64,
}

/// What to do with a FIFO that nobody reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unread {
    /// Wait for the reader.
    Wait,
    /// Fail: nothing may hold up the capture.
    Fail,
}

/// How often to look whether a FIFO is read.
const READER_CHECK: Duration = Duration::from_millis(100);

/// An open output file.
#[derive(Debug)]
pub struct OutputFile {
    /// The name that was asked for.
    pub name: PathBuf,
    /// Where it is until it is complete, if it is a regular file.
    pub partial: Option<PathBuf>,
    /// Frames so far, START included.
    pub frames: u64,
    /// Bytes so far, START included.
    pub bytes: u64,
    sink: Sink,
}

impl OutputFile {
    /// Opens the file and writes `start`.
    pub fn open(
        name: PathBuf,
        start: &[u8],
        unread: Unread,
        stop: Arc<AtomicBool>,
    ) -> Result<Self, OpenError> {
        let opened = open(&name, unread, &stop)
            .and_then(|(file, partial)| Sink::new(file, stop).map(|sink| (sink, partial)));
        let (mut sink, partial) = match opened {
            Ok(opened) => opened,
            Err(error) => return Err(OpenError::Open { name, error }),
        };
        if let Err(cut) = sink.append(start) {
            if let Some(partial) = partial {
                drop(fs::remove_file(partial));
            }
            return Err(OpenError::Start { name, error: cut.error });
        }
        Ok(Self { name, partial, frames: 1, bytes: start.len() as u64, sink })
    }

    /// Appends `count` data frames, each with its length in front. On an error the whole ones among
    /// those that were written stay, so that the file is readable to its end.
    pub fn append(&mut self, frames: &[u8], count: u64) -> Result<(), WriteError> {
        let Err(cut) = self.sink.append(frames) else {
            self.frames += count;
            self.bytes += frames.len() as u64;
            return Ok(());
        };
        let (whole, size) = whole_frames(&frames[..cut.written]);
        self.frames += whole;
        self.bytes += size as u64;
        let error = match self.sink.cut_back((cut.written - size) as u64) {
            Ok(()) => cut.error,
            Err(error) => error,
        };
        Err(WriteError { name: self.name.clone(), error, lost: count - whole })
    }

    /// Appends STOP.
    pub fn stop(&mut self, stop: &[u8]) -> io::Result<()> {
        if let Err(cut) = self.sink.append(stop) {
            self.sink.cut_back(cut.written as u64)?;
            return Err(cut.error);
        }
        self.frames += 1;
        self.bytes += stop.len() as u64;
        Ok(())
    }
}

/// Opens what `name` stands for. A file that is to be made is made under another name, which is
/// returned too; standard output, FIFOs and devices are written as they are.
pub fn open(name: &Path, unread: Unread, stop: &AtomicBool) -> io::Result<(File, Option<PathBuf>)> {
    if name == Path::new(STANDARD_OUTPUT) {
        return Ok((File::from(io::stdout().as_fd().try_clone_to_owned()?), None));
    }
    match fs::metadata(name) {
        Ok(metadata) if !metadata.is_file() => Ok((open_special(name, unread, stop)?, None)),
        _ => partial_file::create(name).map(|(file, partial)| (file, Some(partial))),
    }
}

fn open_special(name: &Path, unread: Unread, stop: &AtomicBool) -> io::Result<File> {
    let flags = OFlag::O_NONBLOCK.bits();
    loop {
        match OpenOptions::new().write(true).custom_flags(flags).open(name) {
            Err(error)
                if error.raw_os_error() == Some(Errno::ENXIO as i32) && unread == Unread::Wait =>
            {
                if stop.load(Ordering::Relaxed) {
                    return Err(error);
                }
                thread::sleep(READER_CHECK);
            }
            other => return other,
        }
    }
}

/// How many data frames the front of `bytes` holds, and their size.
fn whole_frames(bytes: &[u8]) -> (u64, usize) {
    let (mut count, mut size) = (0, 0);
    while let Some((length, payload)) = bytes[size..].split_first_chunk::<LENGTH_SIZE>() {
        let length = u32::from_be_bytes(*length) as usize;
        if payload.len() < length {
            break;
        }
        count += 1;
        size += LENGTH_SIZE + length;
    }
    (count, size)
}

#[cfg(test)]
mod tests {
    use super::whole_frames;

    #[test]
    fn a_torn_frame_is_not_whole() {
        let frames = b"\0\0\0\x02ab\0\0\0\x03cde";
        assert_eq!(whole_frames(frames), (2, 13));
        for size in 6..13 {
            assert_eq!(whole_frames(&frames[..size]), (1, 6), "{size}");
        }
        assert_eq!(whole_frames(&frames[..5]), (0, 0));
    }
}
