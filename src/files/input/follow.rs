// SPDX-License-Identifier: MIT OR Apache-2.0
//! Following a file by its name, like `tail -F`. It may not exist yet, it may be replaced or truncated, or it
//! may have the hidden name of an incomplete capture.

use std::cell::Cell;
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::unistd::{AccessFlags, access};

use crate::partial_file;

/// Time for the writer of a replaced file to finish it.
const GRACE: Duration = Duration::from_millis(500);

/// Interval between searches for hidden files.
const HIDDEN_CHECK: Duration = Duration::from_millis(500);

/// The reason to stop reading a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Left {
    /// Another file has its name, or is the next file of the capture.
    Replaced,
    /// It was truncated or overwritten.
    Truncated,
}

/// The current file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) path: PathBuf,
    /// The name is that of an incomplete file.
    pub(crate) is_hidden: bool,
    device: u64,
    inode: u64,
    modified: (i64, i64),
}

impl Found {
    fn new(path: &Path, is_hidden: bool, metadata: &Metadata) -> Self {
        let (device, inode) = (metadata.dev(), metadata.ino());
        let modified = (metadata.mtime(), metadata.mtime_nsec());
        Self { path: path.into(), is_hidden, device, inode, modified }
    }

    fn is(&self, metadata: &Metadata) -> bool {
        (self.device, self.inode) == (metadata.dev(), metadata.ino())
    }
}

/// Returns the file to read for `name` after `last`: the file of that name, or else one that a capture
/// is writing.
pub(crate) fn find(name: &Path, last: Option<&Found>) -> Option<Found> {
    let is_new = |metadata: &Metadata| last.is_none_or(|last| !last.is(metadata));
    if let Ok(there) = fs::metadata(name) {
        if is_new(&there) && is_later(&there, last) && is_readable(name, &there) {
            return Some(Found::new(name, false, &there));
        }
    }
    partial_file::all_of(name).into_iter().find_map(|path| {
        let metadata = fs::metadata(&path).ok().filter(is_new)?;
        partial_file::is_being_written(&path).then(|| Found::new(&path, true, &metadata))
    })
}

/// Returns whether the file is readable. Its writer may set its mode last.
fn is_readable(name: &Path, metadata: &Metadata) -> bool {
    !metadata.is_dir() && access(name, AccessFlags::R_OK).is_ok()
}

/// Returns whether a file can be the successor of `last`. An older file cannot follow one with a
/// hidden name.
fn is_later(metadata: &Metadata, last: Option<&Found>) -> bool {
    let modified = (metadata.mtime(), metadata.mtime_nsec());
    last.is_none_or(|last| !last.is_hidden || modified > last.modified)
}

/// Watches for the successor of a file that was read to its end.
#[derive(Debug)]
pub(crate) struct SuccessorWatch<'a> {
    name: &'a Path,
    found: &'a Found,
    left: &'a Cell<Option<Left>>,
    replaced_since: Option<Instant>,
    /// The time of the last search for hidden files.
    looked: Instant,
}

impl<'a> SuccessorWatch<'a> {
    /// Watches for the successor of `found`, the current file for `name`. Sets `left` when there is
    /// one.
    pub(crate) fn new(name: &'a Path, found: &'a Found, left: &'a Cell<Option<Left>>) -> Self {
        Self { name, found, left, replaced_since: None, looked: Instant::now() }
    }

    /// Records that the file has grown.
    pub(crate) fn grew(&mut self) {
        self.replaced_since = None;
    }

    /// Records that the file was truncated or overwritten.
    pub(crate) fn truncated(&self) {
        self.left.set(Some(Left::Truncated));
    }

    /// Returns whether to stop reading the file at its current end; `at_stop` if it is complete.
    pub(crate) fn is_left(&mut self, at_stop: bool) -> bool {
        let now = Instant::now();
        let there = if self.found.is_hidden { None } else { fs::metadata(self.name).ok() };
        let successor =
            there.filter(|there| !self.found.is(there) && is_readable(self.name, there));
        // Its writer may not have started the next file yet, or not finished this one.
        let mut left = successor.is_some_and(|there| {
            at_stop || (there.len() > 0 && now >= *self.replaced_since.get_or_insert(now) + GRACE)
        });
        if !left && now >= self.looked + HIDDEN_CHECK {
            self.looked = now;
            let is_over = at_stop
                || (self.found.is_hidden && !partial_file::is_being_written(&self.found.path));
            left = is_over && find(self.name, Some(self.found)).is_some();
        }
        if left {
            self.left.set(Some(Left::Replaced));
        }
        left
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unreadable_successor_is_ignored() {
        let directory = tempfile::tempdir().unwrap();
        let (name, other) = (directory.path().join("in"), directory.path().join("other"));
        fs::write(&name, "old").unwrap();
        let found = find(&name, None).unwrap();
        fs::rename(&name, &other).unwrap();
        fs::create_dir(&name).unwrap();
        let left = Cell::new(None);
        assert!(!SuccessorWatch::new(&name, &found, &left).is_left(true));
        assert_eq!(find(&name, Some(&found)), None);
        fs::remove_dir(&name).unwrap();
        fs::write(&name, "new").unwrap();
        assert!(SuccessorWatch::new(&name, &found, &left).is_left(true));
        assert_eq!(left.get(), Some(Left::Replaced));
        assert!(find(&name, Some(&found)).is_some());
    }
}
