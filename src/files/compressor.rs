// SPDX-License-Identifier: MIT OR Apache-2.0
//! Compression of output files with zstd.

use std::collections::VecDeque;
use std::fmt;
use std::io::{self, Write};
use std::path::Path;

use zstd::stream::write::Encoder;

use crate::output_handle::OutputHandle;

/// The usual compression level of zstd.
const LEVEL: i32 = 3;

/// Maximum number of bytes that zstd buffers: one block (RFC 8878, section 3.1.1.2.4).
const BLOCK_MAX: u64 = 128 << 10;

/// Returns whether a file of this name is compressed.
pub fn is_compressed(name: &Path) -> bool {
    name.extension().is_some_and(|extension| extension == "zst")
}

/// Compresses data on its way to an output file.
pub(crate) struct Compressor {
    encoder: Encoder<'static, Vec<u8>>,
    /// Bytes taken since the last flush.
    taken: u64,
    /// Units that may still be buffered, one entry per call of `append`: their end, in bytes taken
    /// since the last flush, and their number.
    unsure: VecDeque<(u64, u64)>,
    /// A write has failed. Further writes fail as well, since their data would be unreadable.
    pub(crate) broken: bool,
}

/// The error of writing compressed output.
#[derive(Debug)]
pub(crate) struct Uncompressed {
    pub(crate) error: io::Error,
    /// Number of units that may be missing from the file.
    pub(crate) lost: u64,
}

impl Compressor {
    /// Starts a zstd frame.
    pub(crate) fn new() -> io::Result<Self> {
        let mut encoder = Encoder::new(Vec::new(), LEVEL)?;
        encoder.include_checksum(true)?;
        Ok(Self { encoder, taken: 0, unsure: VecDeque::new(), broken: false })
    }

    /// Returns the maximum number of buffered bytes.
    pub(crate) fn buffered(&self) -> u64 {
        self.taken.min(BLOCK_MAX)
    }

    /// Returns the number of units that may still be buffered.
    pub(crate) fn buffered_units(&self) -> u64 {
        self.unsure.iter().map(|(_, count)| count).sum()
    }

    /// Compresses `count` units, and writes the output available so far. Returns the number of
    /// bytes written.
    pub(crate) fn append(
        &mut self,
        data: &[u8],
        count: u64,
        sink: &mut OutputHandle,
    ) -> Result<u64, Uncompressed> {
        let before = self.taken;
        self.taken += data.len() as u64;
        self.unsure.push_back((self.taken, count));
        let taken = self.encoder.write_all(data);
        let written = self.write(taken, sink)?;
        // The encoder may still buffer the end of the data, and its compressed form.
        while self.unsure.front().is_some_and(|(end, _)| end + BLOCK_MAX <= before) {
            self.unsure.pop_front();
        }
        Ok(written)
    }

    /// Writes all buffered data, so that readers of the file see it.
    pub(crate) fn flush(&mut self, sink: &mut OutputHandle) -> Result<u64, Uncompressed> {
        let flushed = self.encoder.flush();
        self.write_all(flushed, sink)
    }

    /// Ends the zstd frame.
    pub(crate) fn finish(&mut self, sink: &mut OutputHandle) -> Result<u64, Uncompressed> {
        let finished = self.encoder.do_finish();
        self.write_all(finished, sink)
    }

    /// Writes the compressed form of all data.
    fn write_all(
        &mut self,
        before: io::Result<()>,
        sink: &mut OutputHandle,
    ) -> Result<u64, Uncompressed> {
        let written = self.write(before, sink)?;
        self.taken = 0;
        self.unsure.clear();
        Ok(written)
    }

    fn write(
        &mut self,
        before: io::Result<()>,
        sink: &mut OutputHandle,
    ) -> Result<u64, Uncompressed> {
        let compressed = self.encoder.get_mut();
        let size = compressed.len() as u64;
        let written = match before {
            _ if self.broken => Err(io::Error::other("an earlier write failed")),
            Err(error) => Err(error),
            Ok(()) => sink.append(compressed).map_err(|cut| cut.error),
        };
        compressed.clear();
        self.broken |= written.is_err();
        written.map(|()| size).map_err(|error| {
            let lost = self.unsure.drain(..).map(|(_, count)| count).sum();
            Uncompressed { error, lost }
        })
    }
}

impl fmt::Debug for Compressor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Compressor").field("taken", &self.taken).finish_non_exhaustive()
    }
}
