// SPDX-License-Identifier: MIT OR Apache-2.0
//! Recovery of output files that other programs truncate (as `logrotate` does with `copytruncate`), write
//! to, delete or move away.

use std::time::{Duration, Instant};

use operator_log::{Level, LineKind, Log};

use super::RotatingFile;
use crate::output_file::FrameWriteError;
use crate::output_handle::Change;

/// Files that were truncated, written to or deleted.
const CHANGED: LineKind = LineKind("changes of output files by other programs");

/// An output file was moved away and is still written.
pub(crate) const MOVED: LineKind = LineKind("output files that were moved away");

/// Interval of checking that a file still has its name.
const NAME_CHECK: Duration = Duration::from_secs(1);

/// Time after which a moved file is reported: a rotation sends its signal sooner.
const MOVED_FOR: Duration = Duration::from_secs(3);

/// Watches whether the file still has its name.
#[derive(Debug)]
pub(crate) struct NameWatch {
    checked: Instant,
    moved_since: Option<Instant>,
}

impl NameWatch {
    /// Starts to watch a file that has its name.
    pub(crate) fn new() -> Self {
        Self { checked: Instant::now(), moved_since: None }
    }
}

impl RotatingFile {
    /// Detects and reports what other programs did to the file, and continues where it can be read.
    /// If it cannot be, the `count` units to be written are lost.
    pub(super) fn rejoin(&mut self, count: u64) -> Result<(), FrameWriteError> {
        let name = self.file.name.clone();
        let failed = |error| FrameWriteError::File { name: name.clone(), error, lost: count };
        let shown = name.display();
        let warn = |text: String| Log.limited(Level::Warning, CHANGED, text);
        let next = |left: u64| match (self.file.can_rejoin(&self.content, left), left) {
            (false, _) => "it cannot be continued",
            (true, 0) => "starting it again",
            (true, _) => "continuing after the last whole frame or line",
        };
        match self.file.change().map_err(failed)? {
            Change::None => {
                self.watch_name();
                return Ok(());
            }
            Change::Deleted => {
                let (units, unit) = (self.file.units(), self.content.unit);
                warn(format!(
                    "output file {shown} was deleted, with {units} {unit}; starting it again"
                ));
                return self
                    .replace_deleted()
                    .map_err(|error| failed(std::io::Error::other(error)));
            }
            Change::Shrunk { from, to } => warn(format!(
                "another program truncated output file {shown} from {from} to {to} bytes; {}",
                next(to)
            )),
            Change::Grown => {
                warn(format!("another program wrote to output file {shown}; {}", next(u64::MAX)))
            }
        }
        let lost = self.file.rejoin(&self.content).map_err(failed)?;
        self.finisher.lost += lost;
        self.finisher.failed |= lost > 0;
        Ok(())
    }

    /// Reports once that the file was moved away and is still written.
    fn watch_name(&mut self) {
        let now = Instant::now();
        if !self.file.in_place || now < self.name_watch.checked + NAME_CHECK {
            return;
        }
        self.name_watch.checked = now;
        if self.file.sink.is_at(&self.file.name) {
            self.name_watch.moved_since = None;
            return;
        }
        let since = *self.name_watch.moved_since.get_or_insert(now);
        if now >= since + MOVED_FOR {
            let name = self.file.name.display();
            let text = format!(
                "output file {name} was moved away, and is written on where it is: SIGHUP begins a \
                 new one"
            );
            Log.lasting(Level::Warning, MOVED, &name.to_string(), text);
        }
    }
}
