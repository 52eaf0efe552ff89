// SPDX-License-Identifier: MIT OR Apache-2.0
//! Apache Parquet: one row a message, for DuckDB, Spark, ClickHouse and others.
//!
//! Rows are kept until a group of them is written. A file is readable when it is complete: until
//! then it has another name, as files of frames have.

mod column;
mod file;
mod row;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::remarks::Remarks;
use super::{Frame, Output, OutputError};
use crate::capture::partial_file::Published;
use column::Column;
use file::ParquetFile;

/// Rows of a group, at most.
const ROWS_MAX: usize = 1 << 18;

/// Bytes of a group, at most, unless a single row has more.
const BYTES_MAX: usize = 32 << 20;

/// Parquet files, one after the other.
pub struct Parquet {
    name: PathBuf,
    stop: Arc<AtomicBool>,
    file: ParquetFile,
    published: Published,
    columns: Vec<Column>,
    rows: usize,
    remarks: Remarks,
}

impl Parquet {
    /// Writes to the file `name`; `-` is the standard output. A reader that does not read is given
    /// up once `stop` is set.
    pub fn open(name: PathBuf, stop: Arc<AtomicBool>) -> Result<Self, OutputError> {
        let file = ParquetFile::open(&name, stop.clone())?;
        let columns = row::COLUMNS.iter().map(|(_, kind)| Column::new(*kind)).collect();
        Ok(Self {
            name,
            stop,
            file,
            published: Published::default(),
            columns,
            rows: 0,
            remarks: Remarks::default(),
        })
    }

    /// Writes the rows that wait.
    fn write(&mut self) -> Result<(), OutputError> {
        if self.rows > 0 {
            self.file.write(&mut self.columns, self.rows)?;
            self.rows = 0;
        }
        Ok(())
    }

    fn bytes(&self) -> usize {
        self.columns.iter().map(Column::bytes).sum()
    }
}

impl Output for Parquet {
    fn take(&mut self, frame: &Frame<'_>) -> Result<(), OutputError> {
        row::fill(frame, &mut self.columns, &mut self.remarks);
        self.rows += 1;
        if self.rows >= ROWS_MAX || self.bytes() >= BYTES_MAX { self.write() } else { Ok(()) }
    }

    /// Completes the file and begins another.
    fn reopen(&mut self) -> Result<(), OutputError> {
        if self.file.is_special() {
            return Ok(());
        }
        self.write()?;
        let next = ParquetFile::open(&self.name, self.stop.clone())?;
        let last = std::mem::replace(&mut self.file, next);
        last.close(&mut self.published).map(drop)
    }

    fn finish(mut self: Box<Self>, tell: &mut dyn FnMut(String)) -> Result<(), OutputError> {
        let written = self.write();
        let Self { name, file, mut published, remarks, .. } = *self;
        remarks.tell(&name.display().to_string(), tell);
        if let Err(error) = written {
            file.abandon();
            return Err(error);
        }
        if let Some(path) = file.close(&mut published)?.filter(|path| *path != name) {
            tell(format!("{} exists: wrote {}", name.display(), path.display()));
        }
        Ok(())
    }
}
