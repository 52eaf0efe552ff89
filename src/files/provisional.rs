// SPDX-License-Identifier: MIT OR Apache-2.0
//! A new file that is removed again unless the program gets to write it.

use std::fs;
use std::path::PathBuf;

/// Removes the file when it is dropped.
#[derive(Debug)]
pub(crate) struct Provisional(Option<PathBuf>);

impl Provisional {
    /// Guards the new file at `path`.
    pub(crate) fn new(path: PathBuf) -> Self {
        Self(Some(path))
    }

    /// Keeps the file.
    pub(crate) fn keep(mut self) {
        self.0 = None;
    }
}

impl Drop for Provisional {
    fn drop(&mut self) {
        if let Some(path) = &self.0 {
            drop(fs::remove_file(path));
        }
    }
}
