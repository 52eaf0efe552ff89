// SPDX-License-Identifier: MIT OR Apache-2.0
//! Conflicts between files: one that would be written twice at a time or while it is read, and a socket that
//! would be used twice.

use std::collections::HashSet;
use std::fs::{self, File, Metadata};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::STANDARD_OUTPUT;

/// The file that a name refers to.
#[derive(Debug, PartialEq, Eq, Hash)]
enum FileTarget {
    Taken {
        device: u64,
        inode: u64,
        is_file: bool,
    },
    /// No file exists yet at this path.
    Free(PathBuf),
}

impl FileTarget {
    /// Returns the place of a file; `None` for a device, which can be shared.
    fn of(metadata: &Metadata) -> Option<Self> {
        let kind = metadata.file_type();
        let is_device = kind.is_char_device() || kind.is_block_device();
        let (device, inode) = (metadata.dev(), metadata.ino());
        (!is_device).then_some(Self::Taken { device, inode, is_file: kind.is_file() })
    }

    /// Returns the file that `name` refers to; `-` is `standard`.
    fn at(name: &Path, standard: impl AsFd) -> Option<Self> {
        if name == Path::new(STANDARD_OUTPUT) {
            let fd = standard.as_fd().try_clone_to_owned().ok()?;
            // Two formats on one terminal are useless as well.
            return Self::of(&File::from(fd).metadata().ok()?).or(Some(Self::Free(name.into())));
        }
        Self::at_path(name)
    }

    /// Returns the file that `path` refers to.
    fn at_path(path: &Path) -> Option<Self> {
        match fs::metadata(path) {
            Ok(metadata) => Self::of(&metadata),
            Err(_) => {
                let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
                let directory = parent.unwrap_or(Path::new(".")).canonicalize().ok()?;
                Some(Self::Free(directory.join(path.file_name()?)))
            }
        }
    }
}

/// Returns a socket that occurs twice in `sockets`, under any path.
pub fn named_twice(sockets: &[PathBuf]) -> Option<&Path> {
    let mut places = HashSet::new();
    let is_again = |path: &&Path| FileTarget::at_path(path).is_some_and(|at| !places.insert(at));
    sockets.iter().map(PathBuf::as_path).find(is_again)
}

/// A conflict of an output file with another file.
#[derive(Debug, Error)]
pub enum FileConflict {
    /// It is also an input.
    #[error("{} is read, and cannot be written too: choose another for -w", .0.display())]
    Read(PathBuf),
    /// It is named twice as an output.
    #[error("{} is named twice by -w: choose another for one of them", .0.display())]
    Twice(PathBuf),
}

/// Checks that no output is also an input or named twice. `-` is standard input or standard output.
pub fn check(inputs: &[PathBuf], outputs: &[PathBuf]) -> Result<(), FileConflict> {
    let read: HashSet<FileTarget> =
        inputs.iter().filter_map(|name| FileTarget::at(name, io::stdin())).collect();
    let mut written = HashSet::new();
    for name in outputs {
        let Some(place) = FileTarget::at(name, io::stdout()) else { continue };
        // A socket or a terminal may be both input and output.
        if matches!(place, FileTarget::Taken { is_file: true, .. }) && read.contains(&place) {
            return Err(FileConflict::Read(name.clone()));
        }
        if !written.insert(place) {
            return Err(FileConflict::Twice(name.clone()));
        }
    }
    Ok(())
}
