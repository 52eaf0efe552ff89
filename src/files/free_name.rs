// SPDX-License-Identifier: MIT OR Apache-2.0
//! Unused file names: files are created with them or renamed to them.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::{fs, io};

/// Calls `attempt` with `path`. As long as it fails because the file exists, tries `pathS1`, `pathS2`
/// and so on, where `S` is the separator.
pub(crate) fn first_free<T>(
    path: &Path,
    separator: char,
    mut attempt: impl FnMut(&Path) -> io::Result<T>,
) -> io::Result<T> {
    let mut candidate = path.to_path_buf();
    let mut number = 0_u64;
    loop {
        match attempt(&candidate) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => (),
            other => return other,
        }
        number += 1;
        let mut numbered = OsString::from(path);
        numbered.push(format!("{separator}{number}"));
        candidate = numbered.into();
    }
}

/// Renames `path` to the first free of `path.1`, `path.2` and so on, and returns that.
pub(crate) fn move_aside(path: &Path) -> io::Result<PathBuf> {
    rename_to_first_free(path, path)
}

/// Renames `from` to `to`, or to the first free of `to.1`, `to.2` and so on, and returns that.
pub(crate) fn rename_to_first_free(from: &Path, to: &Path) -> io::Result<PathBuf> {
    first_free(to, '.', |free| rename_to_free(from, free).map(|()| free.to_path_buf()))
}

/// Renames a file; fails if `to` exists.
pub(crate) fn rename_to_free(from: &Path, to: &Path) -> io::Result<()> {
    match fs::hard_link(from, to) {
        Ok(()) => fs::remove_file(from),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
        // A file system without hard links cannot check and rename in one step.
        Err(_) if fs::symlink_metadata(to).is_ok() => Err(io::ErrorKind::AlreadyExists.into()),
        Err(_) => fs::rename(from, to),
    }
}
