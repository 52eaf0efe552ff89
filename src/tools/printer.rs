// SPDX-License-Identifier: MIT OR Apache-2.0
//! Output to standard output and standard error, in the order of printing even if both are the same file.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::MetadataExt;

use framestream::plain_error;
use printable::quoted::push_quoted;

/// Returns the device and the inode of a file.
fn identity(fd: BorrowedFd<'_>) -> io::Result<(u64, u64)> {
    let file = File::from(fd.try_clone_to_owned()?).metadata()?;
    Ok((file.dev(), file.ino()))
}

/// Collects text until it is flushed.
#[derive(Debug)]
pub struct Printer {
    output: Vec<u8>,
    notes: Vec<u8>,
    /// Whether both are the same file.
    together: bool,
}

impl Printer {
    /// Creates a printer for this process.
    pub fn new() -> io::Result<Self> {
        let together = identity(io::stdout().as_fd())? == identity(io::stderr().as_fd())?;
        Ok(Self { output: Vec::new(), notes: Vec::new(), together })
    }

    /// Prints `text` and a line break to the standard error.
    pub fn note(&mut self, text: &str) {
        let notes = if self.together { &mut self.output } else { &mut self.notes };
        notes.extend_from_slice(plain_error(text).as_bytes());
        notes.push(b'\n');
    }

    /// Prints `bytes`, quoted, to the standard error.
    pub fn note_quoted(&mut self, bytes: &[u8]) {
        let notes = if self.together { &mut self.output } else { &mut self.notes };
        push_line(notes, bytes);
    }

    /// Prints `bytes`, quoted, to the standard output.
    pub fn quoted(&mut self, bytes: &[u8]) {
        push_line(&mut self.output, bytes);
    }

    /// Writes the collected text. An error of standard error is ignored, unless it is a pipe that its
    /// reader has closed.
    pub fn flush(&mut self) -> io::Result<()> {
        match io::stderr().write_all(&self.notes) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Err(error),
            _ => self.notes.clear(),
        }
        let mut output = io::stdout().lock();
        output.write_all(&self.output)?;
        self.output.clear();
        output.flush()
    }
}

fn push_line(to: &mut Vec<u8>, bytes: &[u8]) {
    to.push(b' ');
    push_quoted(to, bytes);
    to.push(b'\n');
}
