// SPDX-License-Identifier: MIT OR Apache-2.0
//! The files to write.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use dnstap::sink::CONTENT_TYPE;
use files::content::Content;
use files::file_name::{Calendar, has_conversions};
use files::link;
use files::output_file::Placing;
use files::rotating_file::Files;
use jiff::Timestamp;
use pipeline::output::frames::FramesOutput;
use pipeline::output::parquet::Parquet;
use pipeline::output::pcap::Pcap;
use pipeline::output::pdns::PassiveDns;
use pipeline::output::querylog::QueryLog;
use pipeline::output::series::FileSeries;
use pipeline::output::text::TextOutput;
use pipeline::output::{FrameOutput, FrameOutputError};
use pipeline::print::Style;

use crate::dnstap_tool::options::misuse::is_compressed;
use crate::dnstap_tool::options::{DnstapOptions, Format};

/// Returns the settings of the output `name` in this format.
pub fn files(options: &DnstapOptions, format: Format, name: &Path) -> Files {
    let splits = options.split.is_some() || options.split_size.is_some();
    let placing = match format {
        _ if options.append => Placing::Append,
        Format::Frames | Format::Parquet => Placing::Complete,
        _ if splits => Placing::Complete,
        // Of one file somebody may read the end while it is written. Files can be converted again.
        _ if options.listens() => Placing::MoveAside,
        _ => Placing::Replace,
    };
    // A file is made where a link leads, not beside the link. What is written in place is so anyway.
    let target = match placing {
        Placing::Complete | Placing::MoveAside => link::target(name),
        Placing::Replace | Placing::Append => name.into(),
    };
    let dated = options.localtime || options.gmtime;
    let is_pattern = dated && has_conversions(target.as_os_str().as_bytes());
    Files {
        name: if is_pattern { name.into() } else { target },
        calendar: calendar(options),
        split: options.split.map(|split| Duration::from_secs(split.into())),
        split_size: options.split_size,
        post_rotate: options.post_rotate.clone(),
        placing,
        compressed: is_compressed(name),
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

/// Opens an output to a file.
pub fn output(
    options: &DnstapOptions,
    format: Format,
    name: &Path,
    stop: &Arc<AtomicBool>,
) -> Result<Box<dyn FrameOutput>, FrameOutputError> {
    let files = files(options, format, name);
    let series = |content| FileSeries::open(&files, content, stop.clone());
    let text = |style| -> Result<Box<dyn FrameOutput>, FrameOutputError> {
        let content = if style == Style::Yaml { Content::documents() } else { Content::text() };
        Ok(Box::new(TextOutput::new(series(content)?, style)))
    };
    match format {
        Format::Quiet => text(Style::Quiet),
        Format::Yaml => text(Style::Yaml),
        Format::Json => text(Style::Json),
        Format::Querylog => Ok(Box::new(QueryLog::new(series(Content::lines())?))),
        Format::Pdns => Ok(Box::new(PassiveDns::new(series(Content::lines())?))),
        Format::Parquet => Ok(Box::new(Parquet::open(&files, stop.clone())?)),
        Format::Pcap => Ok(Box::new(Pcap::new(series(Pcap::content())?))),
        Format::Frames => {
            let content = Content::frames(CONTENT_TYPE);
            let content = content.map_err(|error| FrameOutputError::Failed(error.to_string()))?;
            Ok(Box::new(FramesOutput::new(series(content)?)))
        }
    }
}
