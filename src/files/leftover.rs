// SPDX-License-Identifier: MIT OR Apache-2.0
//! Incomplete files left by an earlier run that crashed. They are reported at startup, and completed if files
//! are continued.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use operator_log::Log;

use crate::content::{Content, Rejoin};
use crate::continued_file;
use crate::continued_file::Whole;
use crate::file_name::can_become;
use crate::partial_file::{all_like, is_being_written, wanted_of};

/// Maximum number of files that are reported by name.
const NAMED_MAX: usize = 5;

/// Returns the incomplete files with the name `pattern`, or one it can expand to, newest first. They
/// are in the directory of `present`, the current file.
pub(crate) fn find(pattern: &Path, is_dated: bool, present: &Path) -> Vec<PathBuf> {
    let Some(pattern) = pattern.file_name().map(OsStr::as_bytes) else { return Vec::new() };
    let is_one = |wanted: &[u8]| match is_dated {
        true => can_become(pattern, wanted),
        false => wanted == pattern,
    };
    let mut found = all_like(present, is_one);
    found.retain(|path| !is_being_written(path));
    found
}

/// Reports the incomplete files and how to handle them.
pub(crate) fn report(left: &[PathBuf], content: &Content, is_compressed: bool, log: &Log) {
    let remedy = match (content.rejoin, &content.content_type) {
        (Rejoin::Never, _) => "it cannot be read without its end",
        (_, Some(_)) if is_compressed => "dnstap -r reads it as far as it goes",
        (_, Some(_)) => {
            "fstrm_dump and dnstap -r read it as far as it goes, dnstap -a completes it"
        }
        _ => "what is whole of it can be read",
    };
    for path in left.iter().take(NAMED_MAX) {
        let size = path.metadata().map_or(0, |metadata| metadata.len());
        let path = path.display();
        log.warning(format_args!(
            "an earlier run left {path}, {size} bytes without an end: {remedy}"
        ));
    }
    if left.len() > NAMED_MAX {
        log.warning(format_args!("earlier runs left {} more such files", left.len() - NAMED_MAX));
    }
}

/// Cuts off a torn frame or torn text at the end of `path`, and writes the end of the file. Returns
/// its final name, and the part of it that was kept.
pub(crate) fn complete(path: &Path, content: &Content) -> io::Result<(PathBuf, Whole)> {
    let name = path.file_name().and_then(|name| wanted_of(name.as_bytes()));
    let wanted = path.with_file_name(OsStr::from_bytes(name.ok_or(io::ErrorKind::InvalidInput)?));
    let (mut file, whole) = continued_file::continue_at_end(path, content)?;
    file.set_len(whole.bytes)?;
    let mut append = |end: &[u8]| File::write_all(&mut file, end);
    if whole.bytes == 0 {
        append(&content.start)?;
    }
    append(&content.stop)?;
    Ok((wanted, whole))
}
