// SPDX-License-Identifier: MIT OR Apache-2.0
//! The log: lines on the standard error, each with the name of the program in front. It belongs to
//! the process, and a [`Log`] can be made wherever a line is to be written.
//!
//! - A line that is written once is an [`Log::error`], a [`Log::warning`] or an [`Log::info`].
//! - A line that peers can cause again and again is limited by its kind, whatever its text:
//!
//!   ```ignore
//!   const REFUSED: Kind = Kind("connections refused");
//!   log.limited(Level::Warning, REFUSED, format_args!("connection {name}: {why}"));
//!   ```
//!
//!   The first lines of a kind are written as they come. Further ones are counted, and after 10 s,
//!   20 s and so on up to 10 min there is a line "N more connections refused; the last: TEXT".
//! - A state that lasts, such as a receiver that does not answer, is reported for what has it as
//!   often as somebody notices:
//!
//!   ```ignore
//!   const LOSING: Kind = Kind("frames lost");
//!   log.lasting(Level::Warning, LOSING, name, format_args!("{name}: {lost} frames lost: {why}"));
//!   log.over(LOSING, name);
//!   ```
//!
//!   The first line is written at once, the latest again at the same growing intervals, and
//!   [`Log::over`] resets that.
//!
//! The line due at the end of an interval is written by [`Log::tell_due`], which the receiver's
//! event loop and the worker call; at the end [`Log::tell_rest`] writes the remaining counts.

#![forbid(unsafe_code)]

mod limits;
pub mod standard_error;

use std::env;
use std::fmt::Display;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use printable::hidden;

pub use self::limits::LineKind;
use self::limits::LineLimits;
use crate::standard_error::report_raw;

/// Whether the last line of the terminal is one that lines take the place of.
static UNFINISHED: AtomicBool = AtomicBool::new(false);

/// The least important [`Level`] that is shown.
static SHOWN: AtomicU8 = AtomicU8::new(Level::Info as u8);

static PROGRAM: LazyLock<String> = LazyLock::new(program_name);

static LIMITS: Mutex<LineLimits> = Mutex::new(LineLimits::new());

/// Returns the name that this program was called by.
pub fn program_name() -> String {
    let called = env::args_os().next().unwrap_or_default();
    Path::new(&called).file_name().unwrap_or(&called).to_string_lossy().into_owned()
}

/// Goes to the beginning of the line, and erases it.
pub const ERASE: &str = "\r\x1b[K";

/// Says whether the terminal shows a line without an end, such as a progress bar. Lines that are
/// printed erase it; who shows it shows it again.
pub fn set_unfinished(unfinished: bool) {
    UNFINISHED.store(unfinished, Ordering::Relaxed);
}

/// Shows lines of `level` and of all more important levels.
pub fn set_level(level: Level) {
    SHOWN.store(level as u8, Ordering::Relaxed);
}

/// The importance of a line, the most important first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// A failure: data, an input or an output is lost.
    Error,
    /// A condition to look at: a refused peer, a limit that is reached.
    Warning,
    /// A rare event of normal operation.
    Info,
    /// Trouble with one connection.
    Trouble,
    /// Connections that come and go.
    Connections,
    /// Control frames.
    Control,
    /// Every frame.
    Frames,
}

impl Level {
    /// Returns the level that fstrm's programs show with `count` times `-d`.
    pub fn of_debug(count: u8) -> Self {
        match count {
            0 | 1 => Self::Info,
            2 => Self::Trouble,
            3 => Self::Connections,
            4 => Self::Control,
            5.. => Self::Frames,
        }
    }
}

/// Writes to the log of the process.
#[derive(Clone, Copy, Debug, Default)]
pub struct Log;

impl Log {
    /// Reports that something failed.
    pub fn error(self, text: impl Display) {
        self.at(Level::Error, text);
    }

    /// Reports a condition to look at.
    pub fn warning(self, text: impl Display) {
        self.at(Level::Warning, text);
    }

    /// Reports an event of normal operation.
    pub fn info(self, text: impl Display) {
        self.at(Level::Info, text);
    }

    /// Prints a line if `level` is shown.
    pub fn at(self, level: Level, text: impl Display) {
        if self.shows(level) {
            print(&text);
        }
    }

    /// Returns whether lines of `level` are shown.
    pub fn shows(self, level: Level) -> bool {
        level as u8 <= SHOWN.load(Ordering::Relaxed)
    }

    /// Prints a line of a kind that peers can cause repeatedly, or counts it if many of its kind
    /// were printed recently.
    pub fn limited(self, level: Level, kind: LineKind, text: impl Display) {
        if self.shows(level) {
            let text = text.to_string();
            limits().event(kind, text, Instant::now(), &mut |line| print(line));
        }
    }

    /// Prints that `subject` is in a lasting state of some `kind`: at growing intervals, however
    /// often it is called, until the state is [`over`](Self::over).
    pub fn lasting(self, level: Level, kind: LineKind, subject: &str, text: impl Display) {
        if self.shows(level) {
            let text = text.to_string();
            limits().state(kind, subject, text, Instant::now(), &mut |line| print(line));
        }
    }

    /// Notes that `subject` has left that state. Returns whether it was in it.
    pub fn over(self, kind: LineKind, subject: &str) -> bool {
        limits().over(kind, subject)
    }

    /// Returns the time when [`Log::tell_due`] has something to print.
    pub fn due(self) -> Option<Instant> {
        limits().due()
    }

    /// Prints the held-back lines that are due.
    pub fn tell_due(self) {
        limits().tell(Some(Instant::now()), &mut |line| print(line));
    }

    /// Prints how many lines were held back, at the end.
    pub fn tell_rest(self) {
        limits().tell(None, &mut |line| print(line));
    }

    /// Prints a line about a connection, if `level` is shown.
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

fn limits() -> MutexGuard<'static, LineLimits> {
    LIMITS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Writes a line in one piece, so that those of several threads do not mix.
fn print(text: &dyn Display) {
    let erase = if UNFINISHED.load(Ordering::Relaxed) { ERASE } else { "" };
    let mut line = format!("{erase}{}: ", *PROGRAM);
    hidden::push_line(&mut line, &text.to_string());
    line.push('\n');
    report_raw(line);
}
