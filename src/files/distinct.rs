// SPDX-License-Identifier: MIT OR Apache-2.0
//! No file is written twice at a time, or written while it is read; no socket is used twice.

use std::fs::{self, File, Metadata};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::STANDARD_OUTPUT;

/// The file that a name leads to.
#[derive(Debug, PartialEq, Eq)]
enum Place {
    Taken {
        device: u64,
        inode: u64,
        is_file: bool,
    },
    /// Nothing yet, in a directory.
    Free(PathBuf),
}

impl Place {
    /// Devices take from many, and are none.
    fn of(metadata: &Metadata) -> Option<Self> {
        let kind = metadata.file_type();
        let is_device = kind.is_char_device() || kind.is_block_device();
        let (device, inode) = (metadata.dev(), metadata.ino());
        (!is_device).then_some(Self::Taken { device, inode, is_file: kind.is_file() })
    }

    /// Where `name` leads; `-` is `standard`.
    fn at(name: &Path, standard: impl AsFd) -> Option<Self> {
        if name == Path::new(STANDARD_OUTPUT) {
            let fd = standard.as_fd().try_clone_to_owned().ok()?;
            // Two forms on one terminal are of no use either.
            return Self::of(&File::from(fd).metadata().ok()?).or(Some(Self::Free(name.into())));
        }
        Self::at_path(name)
    }

    /// Where `path` leads.
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

/// The socket of `sockets` that is named twice, by whatever path.
pub fn named_twice(sockets: &[PathBuf]) -> Option<&Path> {
    let mut places = Vec::new();
    for path in sockets {
        let Some(place) = Place::at_path(path) else { continue };
        if places.contains(&place) {
            return Some(path);
        }
        places.push(place);
    }
    None
}

/// A file that is written must not have another use.
#[derive(Debug, Error)]
pub enum FileConflict {
    /// It is read too.
    #[error("{} is read, and cannot be written too: choose another for -w", .0.display())]
    Read(PathBuf),
    /// It is named twice.
    #[error("{} is named twice by -w: choose another for one of them", .0.display())]
    Twice(PathBuf),
}

/// Checks that none of `outputs` is read too, or named twice. `-` is the standard input, or output.
pub fn check(inputs: &[PathBuf], outputs: &[PathBuf]) -> Result<(), FileConflict> {
    let read: Vec<Place> = inputs.iter().filter_map(|name| Place::at(name, io::stdin())).collect();
    let mut written = Vec::new();
    for name in outputs {
        let Some(place) = Place::at(name, io::stdout()) else { continue };
        // A socket or a terminal may be both.
        if matches!(place, Place::Taken { is_file: true, .. }) && read.contains(&place) {
            return Err(FileConflict::Read(name.clone()));
        }
        if written.contains(&place) {
            return Err(FileConflict::Twice(name.clone()));
        }
        written.push(place);
    }
    Ok(())
}
