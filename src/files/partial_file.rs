// SPDX-License-Identifier: MIT OR Apache-2.0
//! Incomplete files. A file is written under the hidden name `.NAME.partial-PID`, and renamed when it is
//! complete. It never replaces a file of another program.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs::{self, File, Metadata};
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use std::{io, process};

use nix::errno::Errno;
use nix::fcntl::FlockArg;

use crate::empty_file;
use crate::free_name::{first_free, move_aside, rename_to_first_free, rename_to_free};
use crate::identity::{Identity, identity};

/// Number of files of this run that are remembered. A pattern whose names repeat within this number
/// of files replaces the oldest ones.
const REMEMBERED: usize = 4096;

/// The text between the final name and the process ID.
const INFIX: &str = ".partial-";

/// Creates the hidden file that becomes `wanted` later.
pub(crate) fn create(wanted: &Path) -> io::Result<(File, PathBuf)> {
    let name = wanted.file_name().ok_or(io::ErrorKind::IsADirectory)?;
    let mut hidden = OsString::from(".");
    hidden.push(name);
    hidden.push(format!("{INFIX}{}", process::id()));
    let created = first_free(&wanted.with_file_name(hidden), '-', |path| {
        // With O_APPEND, truncation by another program leaves no hole.
        let file = File::options().read(true).append(true).create_new(true).open(path)?;
        // The lock shows that the file is being written. Some file systems do not support locks.
        let _ = flock(&file, FlockArg::LockExclusiveNonblock);
        Ok((file, path.to_path_buf()))
    })?;
    // It must not be more readable than the empty file that it replaces.
    if let Some(metadata) = empty_file::metadata(wanted) {
        take_access(&created.1, &metadata)?;
    }
    Ok(created)
}

/// Locks the file for as long as it is open.
#[expect(deprecated, reason = "the lock ends with the file, so that it needs no guard")]
pub(crate) fn flock(file: &File, lock: FlockArg) -> nix::Result<()> {
    nix::fcntl::flock(file.as_raw_fd(), lock)
}

/// Returns whether the program that created the file with [`create`] still has it open.
pub(crate) fn is_being_written(path: &Path) -> bool {
    File::open(path)
        .is_ok_and(|file| flock(&file, FlockArg::LockSharedNonblock) == Err(Errno::EWOULDBLOCK))
}

/// Returns the files that any run created for `wanted`, newest first.
pub(crate) fn all_of(wanted: &Path) -> Vec<PathBuf> {
    let Some(name) = wanted.file_name() else { return Vec::new() };
    all_like(wanted, |wanted| wanted == name.as_bytes())
}

/// Returns the files beside `wanted` that were created for names accepted by `is_meant`, newest first.
pub(crate) fn all_like(wanted: &Path, is_meant: impl Fn(&[u8]) -> bool) -> Vec<PathBuf> {
    let directory = wanted.parent().filter(|parent| !parent.as_os_str().is_empty());
    let Ok(entries) = fs::read_dir(directory.unwrap_or(Path::new("."))) else { return Vec::new() };
    let mut found: Vec<(SystemTime, PathBuf)> = entries
        .flatten()
        .filter(|entry| wanted_of(entry.file_name().as_bytes()).is_some_and(&is_meant))
        .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.file_name())))
        .map(|(modified, name)| (modified, wanted.with_file_name(name)))
        .collect();
    found.sort();
    found.into_iter().rev().map(|(_, path)| path).collect()
}

/// Returns the final name of a file with the hidden name `hidden`.
pub(crate) fn wanted_of(hidden: &[u8]) -> Option<&[u8]> {
    let hidden = hidden.strip_prefix(b".")?;
    let at = hidden.windows(INFIX.len()).rposition(|window| window == INFIX.as_bytes())?;
    let (wanted, number) = (&hidden[..at], &hidden[at + INFIX.len()..]);
    let is_number = |byte: &u8| byte.is_ascii_digit() || *byte == b'-';
    (!wanted.is_empty() && !number.is_empty() && number.iter().all(is_number)).then_some(wanted)
}

/// Gives `partial` the mode and, if allowed, the owner in `metadata`.
fn take_access(partial: &Path, metadata: &Metadata) -> io::Result<()> {
    // Set the owner first: changing it clears bits of the mode.
    let _ = chown(partial, Some(metadata.uid()), Some(metadata.gid()));
    fs::set_permissions(partial, metadata.permissions())
}

/// Renames `partial` to `wanted`, with the mode and, if allowed, the owner of the file there. That file
/// is renamed to the first free name of `wanted.1`, `wanted.2` and so on, which is returned.
pub(crate) fn take_place(partial: &Path, wanted: &Path) -> io::Result<PathBuf> {
    take_access(partial, &fs::metadata(wanted)?)?;
    let moved = move_aside(wanted)?;
    if let Err(error) = rename_to_free(partial, wanted) {
        let _ = rename_to_free(&moved, wanted);
        return Err(error);
    }
    Ok(moved)
}

/// The files that this run published, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Published(VecDeque<PublishedFile>);

#[derive(Debug)]
struct PublishedFile {
    wanted: PathBuf,
    path: PathBuf,
    identity: Identity,
}

impl Published {
    /// Returns whether the next file of this name is expected to get a number: a file of this run
    /// has the name, or got a number already.
    pub(crate) fn numbers(&self, wanted: &Path) -> bool {
        self.0.iter().rfind(|made| made.wanted == wanted).is_some_and(|before| {
            before.path != wanted || identity(wanted).is_ok_and(|now| now == before.identity)
        })
    }

    /// Renames the complete file `partial` to `wanted`, or to `wanted.N` if that exists, and returns
    /// the name. An empty file is replaced, and so is a file of this run if its name has come round
    /// again after others.
    pub(crate) fn publish(&mut self, partial: &Path, wanted: &Path) -> io::Result<PathBuf> {
        let path = match self.take_earlier(wanted) {
            Some(earlier) => fs::rename(partial, &earlier).map(|()| earlier)?,
            None => {
                self.make_place(partial, wanted)?;
                rename_to_first_free(partial, wanted)?
            }
        };
        if let Ok(identity) = identity(&path) {
            self.0.push_back(PublishedFile { wanted: wanted.into(), path: path.clone(), identity });
        }
        if self.0.len() > REMEMBERED {
            self.0.pop_front();
        }
        Ok(path)
    }

    /// Removes an empty file at `wanted`. `partial` gets its mode and owner.
    fn make_place(&self, partial: &Path, wanted: &Path) -> io::Result<()> {
        let now = identity(wanted).ok();
        let is_ours = |made: &PublishedFile| made.path == wanted && Some(made.identity) == now;
        if self.0.iter().any(is_ours) {
            return Ok(());
        }
        // An error keeps the file; `partial` then gets a number.
        match empty_file::remove(wanted) {
            Ok(Some(metadata)) => take_access(partial, &metadata),
            Ok(None) | Err(_) => Ok(()),
        }
    }

    /// Returns the file of this run to be replaced, if its name has come round and it still exists.
    fn take_earlier(&mut self, wanted: &Path) -> Option<PathBuf> {
        let round = self.0.iter().rposition(|made| made.wanted != wanted)?;
        let earlier = self.0.iter().take(round).position(|made| made.wanted == wanted)?;
        let earlier = self.0.remove(earlier)?;
        let unchanged = identity(&earlier.path).is_ok_and(|now| now == earlier.identity);
        if unchanged { Some(earlier.path) } else { self.take_earlier(wanted) }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write;
    use std::path::{Path, PathBuf};

    use super::{Published, create};

    fn publish(published: &mut Published, wanted: &Path, content: &str) -> PathBuf {
        let (mut file, partial) = create(wanted).unwrap();
        file.write_all(content.as_bytes()).unwrap();
        published.publish(&partial, wanted).unwrap()
    }

    #[test]
    fn existing_files_are_kept() {
        let directory = tempfile::tempdir().unwrap();
        let wanted = directory.path().join("x");
        fs::write(&wanted, "theirs").unwrap();
        let mut published = Published::default();
        assert!(!published.numbers(&wanted));
        assert_eq!(publish(&mut published, &wanted, "one"), directory.path().join("x.1"));
        assert!(published.numbers(&wanted));
        assert_eq!(publish(&mut published, &wanted, "two"), directory.path().join("x.2"));
        let read = |name| fs::read_to_string(directory.path().join(name)).unwrap();
        assert_eq!([read("x"), read("x.1"), read("x.2")], ["theirs", "one", "two"]);
    }

    #[test]
    fn repeating_names_replace_files_of_this_run() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name| directory.path().join(name);
        let mut published = Published::default();
        for (wanted, content) in [("a", "1"), ("a", "2"), ("b", "3")] {
            publish(&mut published, &path(wanted), content);
        }
        assert_eq!(publish(&mut published, &path("a"), "4"), path("a"));
        assert_eq!(publish(&mut published, &path("a"), "5"), path("a.1"));
        assert_eq!(publish(&mut published, &path("a"), "6"), path("a.2"), "no round was made");
        assert!(published.numbers(&path("b")));
        // A file that another program has put there is not replaced.
        fs::remove_file(path("b")).unwrap();
        fs::write(path("b.new"), "theirs").unwrap();
        fs::rename(path("b.new"), path("b")).unwrap();
        assert!(!published.numbers(&path("b")));
        assert_eq!(publish(&mut published, &path("b"), "7"), path("b.1"));
        assert_eq!(fs::read_to_string(path("b")).unwrap(), "theirs");
    }
}
