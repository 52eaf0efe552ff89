// SPDX-License-Identifier: MIT OR Apache-2.0
//! The files to write.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;
use std::time::Duration;

use files::file_name::Calendar;
use jiff::Timestamp;
use pipeline::format::{FileSettings, Format};

use crate::dnstap_tool::options::DnstapOptions;

/// Returns the settings of all files.
pub fn settings(options: &DnstapOptions) -> FileSettings {
    FileSettings {
        append: options.append,
        is_live: options.listens(),
        calendar: calendar(options),
        split: options.split.map(|split| Duration::from_secs(split.into())),
        split_size: options.split_size,
        post_rotate: options.post_rotate.clone(),
    }
}

fn calendar(options: &DnstapOptions) -> Option<Calendar> {
    match (options.localtime, options.gmtime) {
        (true, _) => Some(Calendar::local()),
        (_, true) => Some(Calendar::gmt()),
        _ => None,
    }
}

/// The files to write, as they are named at present.
pub fn present_names(options: &DnstapOptions) -> Vec<PathBuf> {
    let calendar = calendar(options);
    let present = |(_, pattern): (Format, PathBuf)| {
        let bytes = pattern.as_os_str().as_bytes();
        let name = calendar.as_ref().map(|calendar| calendar.name(bytes, Timestamp::now()));
        // What makes no name is told of when it is opened.
        name.and_then(Result::ok).map_or(pattern, |name| OsString::from_vec(name).into())
    };
    options.files().into_iter().map(present).collect()
}
