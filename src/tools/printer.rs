// SPDX-License-Identifier: MIT OR Apache-2.0
//! Output to standard output and standard error, in the order of printing even if both are the same file.

use std::io::{self, Write};
use std::os::fd::AsFd;

use framestream::plain_error;
use nix::sys::stat::fstat;
use printable::quoted::push_quoted;

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
        let (output, notes) = (fstat(io::stdout().as_fd())?, fstat(io::stderr().as_fd())?);
        let together = (output.st_dev, output.st_ino) == (notes.st_dev, notes.st_ino);
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
