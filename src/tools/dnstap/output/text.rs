// SPDX-License-Identifier: MIT OR Apache-2.0
//! Text, to the standard output or a file.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::{Frame, Output, OutputError};
use crate::capture::output_file::STANDARD_OUTPUT;
use crate::capture::sink::Sink;
use crate::dnstap::print::{Printer, Style};

/// Text that waits for a write at most.
const BUFFER_SIZE: usize = 128 << 10;

/// A file, or the standard output, that text is written to.
pub struct TextFile {
    path: PathBuf,
    sink: Sink,
    stop: Arc<AtomicBool>,
    /// What is not written yet.
    pub buffer: Vec<u8>,
}

impl TextFile {
    /// Opens `path`; `-` is the standard output. Unless text is to be appended, what was there is
    /// lost. A reader that does not read is given up once `stop` is set.
    pub fn open(path: &Path, append: bool, stop: Arc<AtomicBool>) -> Result<Self, OutputError> {
        let sink = open(path, append).and_then(|file| Sink::new(file, stop.clone()));
        let sink = sink.map_err(|error| failed(path, &error))?;
        Ok(Self { path: path.into(), sink, stop, buffer: Vec::with_capacity(BUFFER_SIZE) })
    }

    /// What messages call it.
    pub fn name(&self) -> String {
        self.path.display().to_string()
    }

    /// Whether it is a regular file with nothing in it.
    pub fn is_empty(&self) -> Result<bool, OutputError> {
        self.sink.is_empty().map_err(|error| OutputError::new(&self.name(), &error))
    }

    /// Writes the buffer if it is full.
    pub fn write_if_full(&mut self) -> Result<(), OutputError> {
        if self.buffer.len() >= BUFFER_SIZE { self.write() } else { Ok(()) }
    }

    /// Writes the buffer.
    pub fn write(&mut self) -> Result<(), OutputError> {
        let written = self.sink.append(&self.buffer);
        self.buffer.clear();
        written.map_err(|cut| OutputError::new(&self.name(), &cut.error))
    }

    /// Opens the file of the same name anew.
    pub fn reopen(&mut self) -> Result<(), OutputError> {
        self.write()?;
        if self.path.as_os_str() != STANDARD_OUTPUT {
            // What is there was written by others, or by this run: it stays.
            let file = open(&self.path, true).and_then(|file| Sink::new(file, self.stop.clone()));
            self.sink = file.map_err(|error| failed(&self.path, &error))?;
        }
        Ok(())
    }
}

fn open(path: &Path, append: bool) -> io::Result<File> {
    if path.as_os_str() == STANDARD_OUTPUT {
        return Ok(File::from(io::stdout().as_fd().try_clone_to_owned()?));
    }
    OpenOptions::new().write(true).create(true).append(append).truncate(!append).open(path)
}

fn failed(path: &Path, error: &io::Error) -> OutputError {
    OutputError::Failed(format!("failed to open output file {}: {error}", path.display()))
}

/// Quiet text, YAML or JSON.
pub struct Text {
    file: TextFile,
    printer: Printer,
}

impl Text {
    /// Prints to a file in one style.
    pub fn new(file: TextFile, style: Style) -> Self {
        Self { file, printer: Printer::new(style) }
    }
}

impl Output for Text {
    fn take(&mut self, frame: &Frame<'_>) -> Result<(), OutputError> {
        match frame.event {
            Ok(event) => self.printer.print(event, &mut self.file.buffer),
            Err(error) => self.printer.print_bad(frame.payload(), error, &mut self.file.buffer),
        }
        self.file.write_if_full()
    }

    fn flush(&mut self) -> Result<(), OutputError> {
        self.file.write()
    }

    fn reopen(&mut self) -> Result<(), OutputError> {
        self.file.reopen()
    }

    fn finish(mut self: Box<Self>, _: &mut dyn FnMut(String)) -> Result<(), OutputError> {
        self.file.write()
    }
}
