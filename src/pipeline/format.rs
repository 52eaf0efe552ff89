// SPDX-License-Identifier: MIT OR Apache-2.0
//! The formats of output files and the properties in which they differ.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use dnstap::sink::CONTENT_TYPE;
use files::compressor::is_compressed;
use files::content::Content;
use files::file_name::{Calendar, has_conversions};
use files::output_file::{OpenFileError, Placing};
use files::rotating_file::FileConfig;
use files::{STANDARD_OUTPUT, link};
use strum::{EnumMessage, EnumString, IntoStaticStr, VariantArray};

use crate::columns::{Column, text_columns};
use crate::output::FrameOutput;
use crate::output::error::FrameOutputError;
use crate::output::file_writer::FileWriter;
use crate::output::frames::FramesOutput;
#[cfg(feature = "parquet")]
use crate::output::parquet::ParquetOutput;
use crate::output::pcap::PcapOutput;
use crate::output::pdns::PassiveDnsOutput;
use crate::output::querylog::QueryLogOutput;
use crate::output::table::{TableOutput, TableSyntax};
use crate::output::text::TextOutput;
use crate::print::Style;

/// A format of output files. It is named in lower case; its comment is its text in `--help`.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, EnumMessage, EnumString, IntoStaticStr, VariantArray,
)]
#[strum(serialize_all = "lowercase")]
pub enum Format {
    /// Frame Streams
    Frames,
    /// One line per message
    Quiet,
    /// YAML documents
    Yaml,
    /// JSON objects
    Json,
    /// JSON with a typed value for each field, one flat object per line
    Ndjson,
    /// Comma-separated values of the same fields
    Csv,
    /// Tab-separated values of the same fields
    Tsv,
    /// Packets, for Wireshark and tshark
    Pcap,
    /// A query log: one line per query, with its answer
    Querylog,
    /// Passive DNS from responses to a resolver, one JSON object per line
    Pdns,
    /// Apache Parquet, one row per message
    #[cfg(feature = "parquet")]
    Parquet,
}

/// The kind of data in files of a format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataKind {
    /// Frames: files can be continued after their last frame; not suitable for a terminal.
    Frames,
    /// Text: files can be continued after their last line or document.
    Text,
    /// Binary data with a header or footer of its own: files cannot be continued; not suitable for a
    /// terminal.
    Whole,
}

/// The properties of files of a format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FormatProperties {
    /// The kind of data in the files.
    pub kind: DataKind,
    /// True if a file gets its name only when it is complete, because it cannot be read earlier.
    pub(crate) is_named_when_complete: bool,
    /// True if files may be compressed with zstd.
    pub can_be_compressed: bool,
    /// True if statistics as text may follow on the same output.
    pub may_precede_statistics: bool,
}

/// Settings of output files that do not depend on their formats.
#[derive(Clone, Debug, Default)]
pub struct FileSettings {
    /// True if existing files are continued.
    pub append: bool,
    /// True if input comes from sockets, so that the data of an existing file cannot be recreated.
    pub is_live: bool,
    /// The calendar for patterns in file names.
    pub calendar: Option<Calendar>,
    /// Time after which a new file is started.
    pub split: Option<Duration>,
    /// Maximum size of a file.
    pub split_size: Option<u64>,
    /// The command that runs for each finished file.
    pub post_rotate: Option<OsString>,
}

impl Format {
    /// Returns the name of the format.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// Returns the format of the output `name` if none is specified.
    pub fn default_of(name: &Path) -> Self {
        if name.as_os_str() == STANDARD_OUTPUT { Self::Quiet } else { Self::Frames }
    }

    /// Returns the properties of files of this format.
    pub fn properties(self) -> FormatProperties {
        const TEXT: FormatProperties = FormatProperties {
            kind: DataKind::Text,
            is_named_when_complete: false,
            can_be_compressed: true,
            may_precede_statistics: false,
        };
        match self {
            Self::Frames => {
                FormatProperties { kind: DataKind::Frames, is_named_when_complete: true, ..TEXT }
            }
            Self::Quiet => FormatProperties { may_precede_statistics: true, ..TEXT },
            Self::Yaml
            | Self::Json
            | Self::Ndjson
            | Self::Csv
            | Self::Tsv
            | Self::Querylog
            | Self::Pdns => TEXT,
            Self::Pcap => FormatProperties { kind: DataKind::Whole, ..TEXT },
            #[cfg(feature = "parquet")]
            Self::Parquet => FormatProperties {
                kind: DataKind::Whole,
                is_named_when_complete: true,
                can_be_compressed: false,
                ..TEXT
            },
        }
    }

    /// Returns the settings of files with this format and `name`, which may be a pattern.
    pub fn files(self, name: &Path, settings: &FileSettings) -> FileConfig {
        let FileSettings { append, is_live, calendar, split, split_size, post_rotate } =
            settings.clone();
        let splits = split.is_some() || split_size.is_some();
        let placing = match self.properties().is_named_when_complete || splits {
            _ if append => Placing::Append,
            true => Placing::Complete,
            // A single file may be read while it is written. Data from files can be converted again.
            false if is_live => Placing::MoveAside,
            false => Placing::Replace,
        };
        // Temporary files belong next to the target of a link. Writing in place follows links anyway.
        let target = match placing {
            Placing::Complete | Placing::MoveAside => link::target(name),
            Placing::Replace | Placing::Append => name.into(),
        };
        let is_pattern = calendar.is_some() && has_conversions(target.as_os_str().as_bytes());
        FileConfig {
            name: if is_pattern { name.into() } else { target },
            calendar,
            split,
            split_size,
            post_rotate,
            placing,
            compressed: is_compressed(name),
        }
    }

    /// Returns whether the format is a table, whose columns can be chosen.
    pub fn has_columns(self) -> bool {
        match self {
            Self::Ndjson | Self::Csv | Self::Tsv => true,
            #[cfg(feature = "parquet")]
            Self::Parquet => true,
            _ => false,
        }
    }

    /// Opens an output of this format to `files`, with these columns if it has any. Once `stop` is set,
    /// writes to a stalled reader are abandoned.
    pub fn open(
        self,
        files: &FileConfig,
        columns: Option<&[&'static Column]>,
        stop: Arc<AtomicBool>,
    ) -> Result<Box<dyn FrameOutput>, FrameOutputError> {
        let writer = |content| FileWriter::open(files, content, stop.clone());
        let text = |content, style| -> Result<Box<dyn FrameOutput>, FrameOutputError> {
            Ok(Box::new(TextOutput::new(writer(content)?, style)))
        };
        let table = |syntax: TableSyntax| -> Result<Box<dyn FrameOutput>, FrameOutputError> {
            let columns = columns.map_or_else(text_columns, <[_]>::to_vec);
            Ok(Box::new(TableOutput::new(writer(syntax.content(&columns))?, syntax, &columns)))
        };
        match self {
            Self::Frames => {
                let content = Content::frames(CONTENT_TYPE).map_err(OpenFileError::from)?;
                Ok(Box::new(FramesOutput::new(writer(content)?)))
            }
            Self::Quiet => text(Content::text(), Style::Quiet),
            Self::Yaml => text(Content::documents(), Style::Yaml),
            Self::Json => text(Content::text(), Style::Json),
            Self::Ndjson => table(TableSyntax::Ndjson),
            Self::Csv => table(TableSyntax::Csv),
            Self::Tsv => table(TableSyntax::Tsv),
            Self::Pcap => Ok(Box::new(PcapOutput::new(writer(PcapOutput::content())?))),
            Self::Querylog => Ok(Box::new(QueryLogOutput::new(writer(Content::lines())?))),
            Self::Pdns => Ok(Box::new(PassiveDnsOutput::new(writer(Content::lines())?))),
            #[cfg(feature = "parquet")]
            Self::Parquet => Ok(Box::new(ParquetOutput::open(files, columns, stop)?)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placing_depends_on_format_input_and_splits() {
        let placing = |format: Format, append, is_live, split_size| {
            let settings = FileSettings { append, is_live, split_size, ..FileSettings::default() };
            format.files(Path::new("x"), &settings).placing
        };
        for format in Format::VARIANTS {
            let is_complete = format.properties().is_named_when_complete;
            let expected = |other| if is_complete { Placing::Complete } else { other };
            assert_eq!(placing(*format, false, false, None), expected(Placing::Replace));
            assert_eq!(placing(*format, false, true, None), expected(Placing::MoveAside));
            assert_eq!(placing(*format, false, true, Some(1)), Placing::Complete);
            assert_eq!(placing(*format, true, true, Some(1)), Placing::Append);
        }
    }

    #[test]
    fn names_are_words_in_lower_case_and_help_has_a_text_for_each() {
        for format in Format::VARIANTS {
            assert_eq!(format.name().parse(), Ok(*format));
            assert!(format.get_documentation().is_some_and(|text| !text.is_empty()));
            assert!(format.name().bytes().all(|byte| byte.is_ascii_lowercase()));
        }
    }
}
