// SPDX-License-Identifier: MIT OR Apache-2.0
//! The log for the operator: lines on the standard error, prefixed with the name of the program.
//! The log is global to the process; a [`Log`] can be created anywhere.
//!
//! - [`Log::error`], [`Log::warning`] and [`Log::info`] write a line unconditionally.
//! - [`Log::limited`] limits the rate of lines that peers can cause repeatedly, by their kind:
//!
//!   ```ignore
//!   const REFUSED: LineKind = LineKind("connections refused");
//!   log.limited(Level::Warning, REFUSED, format_args!("connection {name}: {why}"));
//!   ```
//!
//!   The first lines of a kind are written immediately. Further lines are suppressed and summarized
//!   after 10 s, 20 s and so on up to 10 min: "N more connections refused; the last: TEXT".
//! - [`Log::lasting`] reports a lasting state of a subject, such as a receiver that does not answer:
//!
//!   ```ignore
//!   const LOSING: LineKind = LineKind("frames lost");
//!   log.lasting(Level::Warning, LOSING, name, format_args!("{name}: {lost} frames lost: {why}"));
//!   log.end_state(LOSING, name);
//!   ```
//!
//!   The first line is written immediately, the latest line repeated at the same growing intervals.
//!   [`Log::end_state`] resets the intervals.
//!
//! [`Log::report_due`], called by the receiver's event loop and by the worker, writes summaries at the
//! end of their intervals; [`Log::report_suppressed`] writes the remaining ones at exit.

#![forbid(unsafe_code)]

mod limits;
pub mod standard_error;

use std::env;
use std::fmt::Display;
use std::path::Path;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::time::Instant;

use parking_lot::Mutex;
use printable::hidden;

pub use self::limits::LineKind;
use self::limits::LineLimits;
use crate::standard_error::report_raw;

/// True while the last line of the terminal is a progress line, which log lines replace.
static PROGRESS_SHOWN: AtomicBool = AtomicBool::new(false);

/// The least important [`Level`] to print.
static SHOWN_LEVEL: AtomicU8 = AtomicU8::new(Level::Info as u8);

static PROGRAM: LazyLock<String> = LazyLock::new(program_name);

static LIMITS: Mutex<LineLimits> = Mutex::new(LineLimits::new());

/// Returns the file name by which this program was started.
pub fn program_name() -> String {
    let called = env::args_os().next().unwrap_or_default();
    Path::new(&called).file_name().unwrap_or(&called).to_string_lossy().into_owned()
}

/// The terminal sequence that moves the cursor to the start of the line and erases the line.
pub const ERASE_LINE: &str = "\r\x1b[K";

/// Sets whether the terminal shows a progress line. Log lines erase it; its owner redraws it.
pub fn set_progress_shown(shown: bool) {
    PROGRESS_SHOWN.store(shown, Ordering::Relaxed);
}

/// Enables lines of `level` and of all more important levels.
pub fn set_level(level: Level) {
    SHOWN_LEVEL.store(level as u8, Ordering::Relaxed);
}

/// The importance of a line, in descending order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// A failure: data, an input or an output is lost.
    Error,
    /// A condition that needs attention: a refused peer, an exhausted limit.
    Warning,
    /// A rare event of normal operation.
    Info,
    /// An error of one connection.
    ConnectionErrors,
    /// Opened and closed connections.
    Connections,
    /// Control frames.
    Control,
    /// Every frame.
    Frames,
}

impl Level {
    /// Returns the level that `count` options `-d` of fstrm's programs enable.
    pub fn from_debug_count(count: u8) -> Self {
        match count {
            0 | 1 => Self::Info,
            2 => Self::ConnectionErrors,
            3 => Self::Connections,
            4 => Self::Control,
            5.. => Self::Frames,
        }
    }
}

/// A handle to the log of the process.
#[derive(Clone, Copy, Debug, Default)]
pub struct Log;

impl Log {
    /// Prints a line about a failure.
    pub fn error(self, text: impl Display) {
        self.at(Level::Error, text);
    }

    /// Prints a line about a condition that needs attention.
    pub fn warning(self, text: impl Display) {
        self.at(Level::Warning, text);
    }

    /// Prints a line about an event of normal operation.
    pub fn info(self, text: impl Display) {
        self.at(Level::Info, text);
    }

    /// Prints a line if `level` is enabled.
    pub fn at(self, level: Level, text: impl Display) {
        if self.shows(level) {
            print(&text);
        }
    }

    /// Returns whether `level` is enabled.
    pub fn shows(self, level: Level) -> bool {
        level as u8 <= SHOWN_LEVEL.load(Ordering::Relaxed)
    }

    /// Prints a line that peers can cause repeatedly, or only counts it after many recent lines of
    /// its kind.
    pub fn limited(self, level: Level, kind: LineKind, text: impl Display) {
        if self.shows(level) {
            let text = text.to_string();
            LIMITS.lock().add(kind, None, text, Instant::now(), &mut |line| print(line));
        }
    }

    /// Reports at growing intervals that `subject` is in the state `kind`, until
    /// [`end_state`](Self::end_state). Additional calls are suppressed.
    pub fn lasting(self, level: Level, kind: LineKind, subject: &str, text: impl Display) {
        if self.shows(level) {
            let (subject, text) = (Some(subject), text.to_string());
            LIMITS.lock().add(kind, subject, text, Instant::now(), &mut |line| print(line));
        }
    }

    /// Ends the state `kind` of `subject`. Returns whether `subject` was in that state.
    pub fn end_state(self, kind: LineKind, subject: &str) -> bool {
        LIMITS.lock().end_state(kind, subject)
    }

    /// Returns the time at which the next call of [`Log::report_due`] is due.
    pub fn due(self) -> Option<Instant> {
        LIMITS.lock().due()
    }

    /// Prints the summaries of suppressed lines whose interval has ended.
    pub fn report_due(self) {
        LIMITS.lock().report(Some(Instant::now()), &mut |line| print(line));
    }

    /// Prints the summaries of all suppressed lines, at exit.
    pub fn report_suppressed(self) {
        LIMITS.lock().report(None, &mut |line| print(line));
    }

    /// Prints a line about a connection if `level` is enabled.
    pub fn connection(self, level: Level, name: &impl Display, text: impl Display) {
        self.at(level, format_args!("connection {name}: {text}"));
    }

    /// Prints a line about a connection, limited by `kind`.
    pub fn limited_connection(
        self,
        level: Level,
        kind: LineKind,
        name: &impl Display,
        text: impl Display,
    ) {
        self.limited(level, kind, format_args!("connection {name}: {text}"));
    }
}

/// Writes a line in one piece, so that lines of several threads do not interleave.
fn print(text: &dyn Display) {
    let erase = if PROGRESS_SHOWN.load(Ordering::Relaxed) { ERASE_LINE } else { "" };
    let mut line = format!("{erase}{}: ", *PROGRAM);
    hidden::push_line(&mut line, &text.to_string());
    line.push('\n');
    report_raw(line);
}
