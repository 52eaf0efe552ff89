// SPDX-License-Identifier: MIT OR Apache-2.0
//! Reads capture files into an intake, each as far as it is readable.

pub mod error;
mod follow;
pub mod frames;
mod source;

use std::cell::Cell;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use flate2::read::MultiGzDecoder;
use operator_log::{Level, Log};

use self::error::{InputError, ReadUpTo};
use self::follow::{Found, Left, SuccessorWatch};
use self::frames::FileFrames;
use self::source::{CHECK, InputFile};
use crate::STANDARD_INPUT;
use crate::destination::{FrameConsumer, StopReason};

/// Number of bytes of a file that are checked before any output is written.
const CHECKED_SIZE: u64 = 64 << 10;

/// The progress of reading files, shared with other threads.
#[derive(Debug, Default)]
pub struct ReadProgress {
    /// Number of bytes read, before decompression.
    pub read: AtomicU64,
    /// Number of frames read.
    pub frames: AtomicU64,
    /// Number of frames over the size limit.
    pub over_limit: AtomicU64,
}

/// Discards frames, which are only checked.
struct DiscardFrames;

impl FrameConsumer for DiscardFrames {
    fn push(&self, _: &[u8]) -> bool {
        true
    }

    fn stop_reason(&self) -> Option<StopReason> {
        None
    }
}

/// Reads capture files into a queue, with the same settings for all.
#[derive(Clone, Debug)]
pub struct FileReader {
    /// Maximum size of a data frame.
    pub frame_limit: usize,
    /// Wait for more data at the end of a file.
    pub follow: bool,
    /// Set when the program should stop.
    pub stop: Arc<AtomicBool>,
    /// The progress.
    pub progress: Arc<ReadProgress>,
}

impl FileReader {
    /// Reads all of `paths`, one after the other, and reports their errors. Returns whether there were
    /// none.
    pub fn read_all(&self, paths: &[PathBuf], queue: &dyn FrameConsumer, log: &Log) -> bool {
        let mut good = true;
        for path in paths {
            good &= if self.follow {
                self.follow(path, queue, log)
            } else {
                is_good(self.read_part(path, queue, u64::MAX, None), log)
            };
        }
        let over_limit = self.progress.over_limit.load(Ordering::Relaxed);
        if over_limit > 0 {
            let limit = self.frame_limit;
            log.warning(format_args!(
                "{over_limit} frames of more than {limit} bytes were skipped; see --frame-limit"
            ));
        }
        good
    }

    /// Returns `None` if reading should continue, otherwise whether frames are lost by stopping.
    fn is_over(&self, queue: &dyn FrameConsumer) -> Option<bool> {
        match queue.stop_reason() {
            Some(reason) => Some(reason == StopReason::Failed),
            // Stopping is the normal end of following a file.
            None => self.stop.load(Ordering::Relaxed).then_some(!self.follow),
        }
    }

    /// Checks that frames can be read from `path`, as far as the beginning of the file shows.
    pub fn check(&self, path: &Path) -> Result<(), InputError> {
        let name = || path.display().to_string();
        let metadata = match std::fs::metadata(path) {
            _ if path == Path::new(STANDARD_INPUT) => return Ok(()),
            Ok(metadata) if metadata.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
            other => other,
        };
        let metadata = match metadata {
            // A followed file may be created later.
            Err(error) if self.follow && error.kind() == io::ErrorKind::NotFound => return Ok(()),
            other => other.map_err(|error| InputError::Io(name(), error))?,
        };
        // The data of a pipe can be read only once.
        if !metadata.is_file() {
            return Ok(());
        }
        let Self { frame_limit, follow, .. } = *self;
        let once =
            Self { frame_limit, follow: false, stop: Arc::default(), progress: Arc::default() };
        let read = once.read_part(path, &DiscardFrames, CHECKED_SIZE, None);
        let is_usable = match &read {
            Err(InputError::Io(..) | InputError::Foreign(..)) => false,
            Err(InputError::Damaged(place, _)) => place.frames > 0,
            Err(
                InputError::NoStop(place) | InputError::Torn(place, _) | InputError::CutOff(place),
            ) => follow || place.offset > 0,
            _ => true,
        };
        if is_usable { Ok(()) } else { read }
    }

    /// Reads the current and all later files of the name `path`, waiting for each, until the program
    /// stops. Returns whether there were no errors.
    fn follow(&self, path: &Path, queue: &dyn FrameConsumer, log: &Log) -> bool {
        let name = path.display();
        let (mut good, mut is_told) = (true, false);
        let mut last: Option<Found> = None;
        loop {
            let Some(found) = follow::find(path, last.as_ref()) else {
                if self.is_over(queue).is_some() {
                    return good;
                }
                if !is_told {
                    is_told = true;
                    log.info(format_args!("{name}: is not there yet; waiting for it"));
                }
                thread::sleep(CHECK);
                continue;
            };
            match (&found, &last) {
                (Found { is_hidden: true, path, .. }, _) => {
                    let hidden = path.display();
                    log.info(format_args!("{name}: reading {hidden}, which is being written"));
                }
                (_, Some(_)) => {
                    log.info(format_args!("{name}: another file has this name now; reading that"));
                }
                (_, None) => (),
            }
            let left = Cell::new(None);
            let watch = SuccessorWatch::new(path, &found, &left);
            let ended = self.read_part(&found.path, queue, u64::MAX, Some(watch));
            let Some(reason) = left.get() else { return is_good(ended, log) && good };
            // A replaced file does not need STOP.
            good &=
                ended.is_ok() || matches!(ended, Err(InputError::NoStop(_))) || is_good(ended, log);
            last = match reason {
                Left::Replaced => Some(found),
                Left::Truncated => {
                    log.info(format_args!("{name}: truncated; reading from the beginning again"));
                    None
                }
            };
        }
    }

    /// Reads the first `limit` bytes of `path`, after decompression, until `watch` reports a successor.
    /// `-` is the standard input.
    fn read_part(
        &self,
        path: &Path,
        queue: &dyn FrameConsumer,
        limit: u64,
        watch: Option<SuccessorWatch<'_>>,
    ) -> Result<(), InputError> {
        let name = path.display().to_string();
        let failed = |error| InputError::Io(name.clone(), error);
        let at_stop = Cell::new(false);
        let mut source = InputFile::open(path, self, queue, &at_stop, watch).map_err(failed)?;
        let mut head = Vec::new();
        source.by_ref().take(4).read_to_end(&mut head).map_err(failed)?;
        let head = io::Cursor::new(head);
        let file: Box<dyn Read> = if head.get_ref().starts_with(b"\x1f\x8b") {
            Box::new(MultiGzDecoder::new(head.chain(source)))
        } else if is_zstd(head.get_ref()) {
            Box::new(zstd::Decoder::new(head.chain(source)).map_err(failed)?)
        } else {
            Box::new(head.chain(source))
        };
        FileFrames::new(file.take(limit), name, self, queue, &at_stop).pass_on()
    }
}

/// Returns whether this is the beginning of a Zstandard frame, or of a skippable one, which some
/// compressors write first (RFC 8878, sections 3.1.1 and 3.1.2).
fn is_zstd(head: &[u8]) -> bool {
    matches!(head, [0x28, 0xb5, 0x2f, 0xfd] | [0x50..=0x5f, 0x2a, 0x4d, 0x18])
}

/// Reports the error of a file. Returns whether its frames are usable all the same.
fn is_good(read: Result<(), InputError>, log: &Log) -> bool {
    let Err(error) = read else { return true };
    let is_good = matches!(error, InputError::NoStop(ReadUpTo { frames: 1.., .. }));
    log.at(if is_good { Level::Info } else { Level::Error }, error);
    is_good
}
