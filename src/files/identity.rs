// SPDX-License-Identifier: MIT OR Apache-2.0
//! Checks whether a path still names the same file.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::{fs, io};

/// The identity of a file and its state. The inode number alone is not enough: a new file may get the
/// number of a removed one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
}

/// Returns the identity of the file at `path`.
pub fn identity(path: &Path) -> io::Result<Identity> {
    let metadata = fs::symlink_metadata(path)?;
    Ok(Identity {
        device: metadata.dev(),
        inode: metadata.ino(),
        size: metadata.size(),
        modified: (metadata.mtime(), metadata.mtime_nsec()),
    })
}
