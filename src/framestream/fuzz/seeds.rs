// SPDX-License-Identifier: MIT OR Apache-2.0
//! The file that holds the seeds of a fuzz target, one in each frame.

use std::path::Path;

use framestream::StreamError;
use framestream::control::ControlType;
use framestream::reader::{ReaderOptions, StreamReader};
use framestream::transport::FileReceiver;

/// Reads the content type and the seeds from the file at `path`.
pub(crate) fn read(path: &Path) -> Result<(Vec<u8>, Vec<Vec<u8>>), StreamError> {
    let transport = Box::new(FileReceiver::new(path));
    let mut reader = StreamReader::new(transport, ReaderOptions::default());
    let start = reader.control(ControlType::Start)?;
    let content_type = start.and_then(|start| start.content_types.first());
    let content_type = content_type.map(|content_type| content_type.to_vec()).unwrap_or_default();
    let mut seeds = Vec::new();
    while let Some(seed) = reader.read()? {
        seeds.push(seed.to_vec());
    }
    Ok((content_type, seeds))
}
