// SPDX-License-Identifier: MIT OR Apache-2.0
//! A file that is followed by its name, as `tail -F` does: it may not be there yet, be replaced,
//! truncated, or still have the hidden name that a capture gives it until it is complete.

use std::cell::Cell;
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::unistd::{AccessFlags, access};

use crate::partial_file;

/// Time that the writer of a replaced file has to end it.
const GRACE: Duration = Duration::from_millis(500);

/// Interval of looking for hidden files.
const HIDDEN_CHECK: Duration = Duration::from_millis(500);

/// The reason to leave a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Left {
    /// Another file has its name, or is the next of the capture.
    Replaced,
    /// It has less than was read, or something else.
    Truncated,
}

/// The file that is read at present.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// Its path.
    pub(crate) path: PathBuf,
    /// It has a hidden name.
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

/// Returns the file to read for `name`, after `last`: the one of that name, or else one that a
/// capture is writing.
pub(crate) fn find(name: &Path, last: Option<&Found>) -> Option<Found> {
    let is_new = |metadata: &Metadata| last.is_none_or(|last| !last.is(metadata));
    match fs::metadata(name) {
        Ok(metadata)
            if is_new(&metadata) && is_later(&metadata, last) && is_readable(name, &metadata) =>
        {
            return Some(Found::new(name, false, &metadata));
        }
        _ => (),
    }
    partial_file::all_of(name).into_iter().find_map(|path| {
        let metadata = fs::metadata(&path).ok().filter(is_new)?;
        partial_file::is_being_written(&path).then(|| Found::new(&path, true, &metadata))
    })
}

/// Returns whether the file can be read at present. Its writer may give it its mode last.
fn is_readable(name: &Path, metadata: &Metadata) -> bool {
    !metadata.is_dir() && access(name, AccessFlags::R_OK).is_ok()
}

/// Returns whether a file can come after `last`. An older one that has had the name before cannot
/// come after one with a hidden name.
fn is_later(metadata: &Metadata, last: Option<&Found>) -> bool {
    let modified = (metadata.mtime(), metadata.mtime_nsec());
    last.is_none_or(|last| !last.is_hidden || modified > last.modified)
}

/// Watches, at the end of a file, for the one that comes after it.
#[derive(Debug)]
pub(crate) struct SuccessorWatch<'a> {
    name: &'a Path,
    found: &'a Found,
    left: &'a Cell<Option<Left>>,
    replaced_since: Option<Instant>,
    /// Time of the last look for hidden files.
    looked: Instant,
}

impl<'a> SuccessorWatch<'a> {
    /// Watches for what comes after `found`, the file that is read for `name`. Sets `left` when it
    /// is there.
    pub(crate) fn new(name: &'a Path, found: &'a Found, left: &'a Cell<Option<Left>>) -> Self {
        Self { name, found, left, replaced_since: None, looked: Instant::now() }
    }

    /// Notes that the file has grown.
    pub(crate) fn grew(&mut self) {
        self.replaced_since = None;
    }

    /// Notes that the file has less than was read of it, or something else.
    pub(crate) fn truncated(&self) {
        self.left.set(Some(Left::Truncated));
    }

    /// Returns whether to leave the file, which was read to its present end; `at_stop` if it is complete.
    pub(crate) fn is_left(&mut self, at_stop: bool) -> bool {
        let now = Instant::now();
        let mut left = false;
        if !self.found.is_hidden
            && let Ok(there) = fs::metadata(self.name)
            && !self.found.is(&there)
            && is_readable(self.name, &there)
        {
            // Its writer may not have begun the new one yet, or not ended this one.
            left = at_stop
                || (there.len() > 0 && now >= *self.replaced_since.get_or_insert(now) + GRACE);
        }
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
    fn a_file_is_not_left_for_what_cannot_be_read() {
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
