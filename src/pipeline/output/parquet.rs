// SPDX-License-Identifier: MIT OR Apache-2.0
//! Apache Parquet with one row per message, for DuckDB, Spark, ClickHouse and others.
//!
//! Rows are buffered and written in groups. A file is unreadable without its footer.

mod column;
mod writer;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use ::parquet::errors::ParquetError;
use column::ColumnBuffer;
use files::STANDARD_OUTPUT;
use files::content::{Content, Rejoin};
use files::rotating_file::FileConfig;
use writer::ParquetWriter;

use super::FrameOutput;
use super::error::FrameOutputError;
use super::file_writer::FileWriter;
use crate::columns;
use crate::columns::Column;
use crate::columns::row::Row;
use crate::decoded_frame::DecodedFrame;
use crate::print::time::TimePrinter;
use crate::remarks::Remarks;

/// Maximum uncompressed size of a group, unless a single row is larger. Memory holds a group together with
/// its compressed form.
const BYTES_MAX: usize = 4 << 20;

/// The output to Parquet files.
pub(crate) struct ParquetOutput {
    files: FileWriter,
    /// True for the standard output, which has a single file.
    is_stream: bool,
    /// File size at which the next file is started.
    split_size: u64,
    writer: ParquetWriter,
    columns: Vec<&'static Column>,
    /// The buffered rows, by column.
    buffers: Vec<ColumnBuffer>,
    clock: TimePrinter,
    /// Number of buffered rows.
    rows: u64,
    state: ParquetState,
    remarks: Remarks,
}

/// The state of a Parquet file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ParquetState {
    Open,
    /// The file is complete; the next one could not be started.
    Complete,
    /// A write failed. The failure was reported.
    Broken,
}

impl ParquetOutput {
    /// Opens the first file without starting it; without `columns`, the files have all. Once `stop` is
    /// set, writes to a stalled reader are abandoned.
    pub(crate) fn open(
        files: &FileConfig,
        columns: Option<&[&'static Column]>,
        stop: Arc<AtomicBool>,
    ) -> Result<Self, FrameOutputError> {
        // Only this type knows the size of a file and where it can end.
        let unsplit = FileConfig { split_size: None, ..files.clone() };
        let content = Content {
            start: Vec::new(),
            stop: Vec::new(),
            whole: |_| (0, 0),
            unit: "rows",
            content_type: None,
            is_logged: false,
            rejoin: Rejoin::Never,
        };
        let writer = FileWriter::open(&unsplit, content, stop)?;
        let name = &writer.name;
        let columns = columns.map_or_else(|| columns::all().collect(), <[_]>::to_vec);
        Ok(Self {
            writer: ParquetWriter::new(&columns).map_err(|error| failed(name, error))?,
            files: writer,
            is_stream: files.name == Path::new(STANDARD_OUTPUT),
            split_size: files.split_size.unwrap_or(u64::MAX),
            buffers: buffers(&columns),
            columns,
            clock: TimePrinter::default(),
            rows: 0,
            state: ParquetState::Open,
            remarks: Remarks::default(),
        })
    }

    /// Writes the buffered rows as a group.
    fn write(&mut self) -> Result<(), FrameOutputError> {
        if self.rows == 0 {
            return Ok(());
        }
        let written = self.writer.group(&mut self.buffers, &mut self.files.buffer);
        written.map_err(|error| failed(&self.files.name, error))?;
        let written = self.files.end_units(self.rows).and_then(|()| self.files.write());
        self.rows = 0;
        self.note(written)
    }

    /// Marks the file as broken after a failed write.
    fn note(&mut self, written: Result<(), FrameOutputError>) -> Result<(), FrameOutputError> {
        if written.is_err() {
            self.state = ParquetState::Broken;
        }
        written.map_err(without_footer)
    }

    /// Writes the footer of the file.
    fn complete(&mut self) -> Result<(), FrameOutputError> {
        self.write()?;
        let next = ParquetWriter::new(&self.columns);
        let finished = next.and_then(|next| {
            std::mem::replace(&mut self.writer, next).finish(&mut self.files.buffer)
        });
        finished.map_err(|error| failed(&self.files.name, error))?;
        let written = self.files.end_units(0).and_then(|()| self.files.write());
        self.note(written)?;
        self.state = ParquetState::Complete;
        Ok(())
    }

    /// Starts the next file after a complete one.
    fn next(&mut self) -> Result<(), FrameOutputError> {
        self.files.reopen()?;
        if self.files.is_new() {
            self.state = ParquetState::Open;
            return Ok(());
        }
        // The reason was reported. The last file is complete and cannot be extended.
        Err(FrameOutputError::NoNextFile(self.files.name.clone()))
    }
}

fn buffers(columns: &[&'static Column]) -> Vec<ColumnBuffer> {
    columns.iter().map(|column| ColumnBuffer::new(column)).collect()
}

fn failed(name: &str, source: ParquetError) -> FrameOutputError {
    FrameOutputError::Parquet(name.into(), source)
}

/// Adds the consequence of a failed write to its error.
fn without_footer(error: FrameOutputError) -> FrameOutputError {
    if error.is_unreported() { FrameOutputError::WithoutFooter(Box::new(error)) } else { error }
}

impl FrameOutput for ParquetOutput {
    fn files(&mut self) -> Option<&mut FileWriter> {
        Some(&mut self.files)
    }

    /// Does nothing, because rows are written in groups.
    fn flush(&mut self) -> Result<(), FrameOutputError> {
        Ok(())
    }

    fn revive(&mut self) -> Result<(), FrameOutputError> {
        match self.state {
            ParquetState::Open => return self.files.revive(),
            ParquetState::Complete => self.next()?,
            ParquetState::Broken => self.files.leave_broken()?,
        }
        let name = &self.files.name;
        self.writer = ParquetWriter::new(&self.columns).map_err(|error| failed(name, error))?;
        self.buffers = buffers(&self.columns);
        (self.rows, self.state) = (0, ParquetState::Open);
        Ok(())
    }

    fn write_frame(&mut self, frame: &DecodedFrame<'_>) -> Result<(), FrameOutputError> {
        let row = Row::new(frame);
        for buffer in &mut self.buffers {
            buffer.add(&row, &mut self.clock, &mut self.remarks);
        }
        self.rows += 1;
        let bytes: usize = self.buffers.iter().map(ColumnBuffer::bytes).sum();
        if self.writer.size().saturating_add(bytes as u64) >= self.split_size {
            self.reopen()
        } else if bytes >= BYTES_MAX {
            self.write()
        } else {
            Ok(())
        }
    }

    fn tick(&mut self) -> Result<(), FrameOutputError> {
        let now = Instant::now();
        if self.files.is_split_due(now) {
            self.reopen()?;
        }
        self.files.maintain(now)
    }

    /// Completes the file and starts the next one.
    fn reopen(&mut self) -> Result<(), FrameOutputError> {
        if self.is_stream {
            return Ok(());
        }
        self.complete()?;
        self.next()
    }

    fn finish(mut self: Box<Self>, report: &mut dyn FnMut(String)) -> Result<(), FrameOutputError> {
        self.remarks.report(&self.files.name, report);
        match self.state {
            ParquetState::Open => self.complete()?,
            ParquetState::Complete => (),
            // An incomplete file does not get its name.
            ParquetState::Broken => return Ok(()),
        }
        self.files.finish()
    }
}
