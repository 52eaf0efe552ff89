// SPDX-License-Identifier: MIT OR Apache-2.0
//! A file that was made, and is removed again unless the program comes to write it.

use std::fs;
use std::path::PathBuf;

/// Removes the file when it is dropped.
#[derive(Debug)]
pub(crate) struct Provisional {
    path: PathBuf,
    kept: bool,
}

impl Provisional {
    /// The file at `path`, which was made just now.
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path, kept: false }
    }

    /// Leaves the file where it is.
    pub(crate) fn keep(mut self) {
        self.kept = true;
    }
}

impl Drop for Provisional {
    fn drop(&mut self) {
        if !self.kept {
            drop(fs::remove_file(&self.path));
        }
    }
}
