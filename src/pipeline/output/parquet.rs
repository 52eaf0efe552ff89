// SPDX-License-Identifier: MIT OR Apache-2.0
//! Apache Parquet: one row a message, for DuckDB, Spark, ClickHouse and others.
//!
//! Rows are kept until a group of them is written. A file cannot be read before it has its end.

mod column;
mod row;
mod writer;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use ::parquet::errors::ParquetError;
use column::Column;
use files::STANDARD_OUTPUT;
use files::content::{Content, Rejoin};
use files::rotating_file::Files;
use writer::ParquetWriter;

use super::error::FrameOutputError;
use super::remarks::Remarks;
use super::series::FileSeries;
use super::{Frame, FrameOutput};

/// Bytes of a group before it is compressed, at most, unless a single row has more. They are in
/// memory beside what they are compressed to.
const BYTES_MAX: usize = 4 << 20;

/// Parquet files, one after the other.
pub(crate) struct Parquet {
    files: FileSeries,
    /// True for a stream, which has one file only.
    is_stream: bool,
    /// Bytes after which a file is split.
    split_size: u64,
    writer: ParquetWriter,
    columns: Vec<Column>,
    /// Rows that wait.
    rows: u64,
    state: ParquetState,
    remarks: Remarks,
}

/// The state of a Parquet file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ParquetState {
    Open,
    /// It is complete, and the next file does not exist yet.
    Complete,
    /// A write failed, and that was reported.
    Broken,
}

impl Parquet {
    /// Opens the first file, which is not begun. A reader that does not read is given up once `stop` is
    /// set.
    pub(crate) fn open(files: &Files, stop: Arc<AtomicBool>) -> Result<Self, FrameOutputError> {
        // It is known here only how large a file becomes, and where one may end.
        let unsplit = Files { split_size: None, ..files.clone() };
        let content = Content {
            start: Vec::new(),
            stop: Vec::new(),
            whole: |_| (0, 0),
            unit: "rows",
            content_type: None,
            told: false,
            rejoin: Rejoin::Never,
        };
        let files_of_bytes = FileSeries::open(&unsplit, content, stop)?;
        let name = files_of_bytes.name();
        Ok(Self {
            writer: ParquetWriter::new().map_err(|error| failed(name, error))?,
            files: files_of_bytes,
            is_stream: files.name == Path::new(STANDARD_OUTPUT),
            split_size: files.split_size.unwrap_or(u64::MAX),
            columns: row::COLUMNS.iter().map(|(_, kind)| Column::new(*kind)).collect(),
            rows: 0,
            state: ParquetState::Open,
            remarks: Remarks::default(),
        })
    }

    /// Writes the rows that wait.
    fn write(&mut self) -> Result<(), FrameOutputError> {
        if self.rows == 0 {
            return Ok(());
        }
        let written = self.writer.group(&mut self.columns, &mut self.files.buffer);
        written.map_err(|error| failed(self.files.name(), error))?;
        let written = self.files.end_units(self.rows).and_then(|()| self.files.write());
        self.rows = 0;
        self.note(written)
    }

    /// A failed write leaves a file that cannot be read.
    fn note(&mut self, written: Result<(), FrameOutputError>) -> Result<(), FrameOutputError> {
        if written.is_err() {
            self.state = ParquetState::Broken;
        }
        written.map_err(without_end)
    }

    /// Writes the end of the file.
    fn complete(&mut self) -> Result<(), FrameOutputError> {
        self.write()?;
        let next = ParquetWriter::new();
        let finished = next.and_then(|next| {
            std::mem::replace(&mut self.writer, next).finish(&mut self.files.buffer)
        });
        finished.map_err(|error| failed(self.files.name(), error))?;
        let written = self.files.end_units(0).and_then(|()| self.files.write());
        self.note(written)?;
        self.state = ParquetState::Complete;
        Ok(())
    }

    /// Begins the file that comes after a complete one.
    fn next(&mut self) -> Result<(), FrameOutputError> {
        self.files.reopen()?;
        if self.files.is_new() {
            self.state = ParquetState::Open;
            return Ok(());
        }
        // The reason was reported. The last file is complete, and takes nothing more.
        let name = self.files.name();
        Err(FrameOutputError::NoNextFile(name.into()))
    }

    fn bytes(&self) -> usize {
        self.columns.iter().map(Column::bytes).sum()
    }
}

fn failed(name: &str, source: ParquetError) -> FrameOutputError {
    FrameOutputError::Parquet { name: name.into(), source }
}

/// A failed write leaves a file that cannot be read.
fn without_end(error: FrameOutputError) -> FrameOutputError {
    if error.is_news() { FrameOutputError::WithoutEnd(Box::new(error)) } else { error }
}

impl FrameOutput for Parquet {
    fn files(&mut self) -> Option<&mut FileSeries> {
        Some(&mut self.files)
    }

    /// Rows are written in groups.
    fn flush(&mut self) -> Result<(), FrameOutputError> {
        Ok(())
    }

    fn revive(&mut self) -> Result<(), FrameOutputError> {
        match self.state {
            ParquetState::Open => return self.files.revive(),
            ParquetState::Complete => self.next()?,
            ParquetState::Broken => self.files.leave_broken()?,
        }
        let name = self.files.name();
        self.writer = ParquetWriter::new().map_err(|error| failed(name, error))?;
        self.columns = row::COLUMNS.iter().map(|(_, kind)| Column::new(*kind)).collect();
        (self.rows, self.state) = (0, ParquetState::Open);
        Ok(())
    }

    fn write_frame(&mut self, frame: &Frame<'_>) -> Result<(), FrameOutputError> {
        row::fill(frame, &mut self.columns, &mut self.remarks);
        self.rows += 1;
        let bytes = self.bytes();
        if self.writer.size().saturating_add(bytes as u64) >= self.split_size {
            self.reopen()
        } else if bytes >= BYTES_MAX {
            self.write()
        } else {
            Ok(())
        }
    }

    fn due(&mut self) -> Option<Instant> {
        self.files.due()
    }

    fn tick(&mut self) -> Result<(), FrameOutputError> {
        let now = Instant::now();
        if self.files.is_over(now) {
            self.reopen()?;
        }
        self.files.look_after(now)
    }

    /// Completes the file and begins another.
    fn reopen(&mut self) -> Result<(), FrameOutputError> {
        if self.is_stream {
            return Ok(());
        }
        self.complete()?;
        self.next()
    }

    fn finish(mut self: Box<Self>, report: &mut dyn FnMut(String)) -> Result<(), FrameOutputError> {
        self.remarks.report(self.files.name(), report);
        match self.state {
            ParquetState::Open => self.complete()?,
            ParquetState::Complete => (),
            // A file without its end does not get its name, nor does one that lacks data to which
            // its end refers.
            ParquetState::Broken => return Ok(()),
        }
        self.files.finish()
    }
}
