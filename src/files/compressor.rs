// SPDX-License-Identifier: MIT OR Apache-2.0
//! Output that is compressed with zstd.

use std::collections::VecDeque;
use std::fmt;
use std::io::{self, Write};
use std::path::Path;

use zstd::stream::write::Encoder;

use crate::output_handle::OutputHandle;

/// The usual compression level of zstd.
const LEVEL: i32 = 3;

/// Bytes that zstd holds back at most: those of a block (RFC 8878, section 3.1.1.2.4).
const BLOCK_MAX: u64 = 128 << 10;

/// Returns whether a file of this name is compressed.
pub fn is_compressed(name: &Path) -> bool {
    name.extension().is_some_and(|extension| extension == "zst")
}

/// Compresses what goes to a sink.
pub(crate) struct Compressor {
    encoder: Encoder<'static, Vec<u8>>,
    /// Bytes taken since the last flush.
    taken: u64,
    /// Units that may not be written yet, each time that some were taken: how far they go, in bytes
    /// taken since the last flush, and how many they are.
    unsure: VecDeque<(u64, u64)>,
    /// A write failed: data after it could not be read.
    broken: bool,
}

/// Compressed output could not be written.
#[derive(Debug)]
pub(crate) struct Uncompressed {
    /// The cause.
    pub(crate) error: io::Error,
    /// Units that may not be in the file.
    pub(crate) lost: u64,
}

impl Compressor {
    /// Begins a frame of zstd.
    pub(crate) fn new() -> io::Result<Self> {
        let mut encoder = Encoder::new(Vec::new(), LEVEL)?;
        encoder.include_checksum(true)?;
        Ok(Self { encoder, taken: 0, unsure: VecDeque::new(), broken: false })
    }

    /// Returns whether what is written cannot be read to its end, and takes nothing more.
    pub(crate) fn is_broken(&self) -> bool {
        self.broken
    }

    /// Bytes that are held back at most.
    pub(crate) fn held_back(&self) -> u64 {
        self.taken.min(BLOCK_MAX)
    }

    /// Units that may not be written yet.
    pub(crate) fn unsure(&self) -> u64 {
        self.unsure.iter().map(|(_, count)| count).sum()
    }

    /// Takes `count` units, and writes what is compressed of them and of those before. Returns how
    /// many bytes it wrote.
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
        // What comes of the last data may wait in the encoder with what it came of.
        while self.unsure.front().is_some_and(|(end, _)| end + BLOCK_MAX <= before) {
            self.unsure.pop_front();
        }
        Ok(written)
    }

    /// Writes all that was taken: who reads the file sees it.
    pub(crate) fn flush(&mut self, sink: &mut OutputHandle) -> Result<u64, Uncompressed> {
        let flushed = self.encoder.flush();
        self.write_all(flushed, sink)
    }

    /// Ends the frame of zstd.
    pub(crate) fn finish(&mut self, sink: &mut OutputHandle) -> Result<u64, Uncompressed> {
        let finished = self.encoder.do_finish();
        self.write_all(finished, sink)
    }

    /// Writes what came of all that was taken.
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
        match written {
            Ok(()) => Ok(size),
            Err(error) => {
                let lost = self.unsure.drain(..).map(|(_, count)| count).sum();
                Err(Uncompressed { error, lost })
            }
        }
    }
}

impl fmt::Debug for Compressor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Compressor").field("taken", &self.taken).finish_non_exhaustive()
    }
}
