// SPDX-License-Identifier: MIT OR Apache-2.0
//! A new file that is removed again unless the program gets to write it.

use std::fs;
use std::path::PathBuf;

/// Removes the file when it is dropped.
#[derive(Debug)]
pub(crate) struct Provisional {
    path: PathBuf,
    kept: bool,
}

impl Provisional {
    /// Guards the new file at `path`.
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path, kept: false }
    }

    /// Keeps the file.
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
