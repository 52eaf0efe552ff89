// SPDX-License-Identifier: MIT OR Apache-2.0
//! What goes to the standard error.

use std::fmt::Display;
use std::io::{self, Write};
use std::os::fd::RawFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::command_line::program_name;

/// How long the same problem is not told again.
const REPEAT_INTERVAL: Duration = Duration::from_secs(10);

/// Whether the last line of the terminal is one that lines take the place of.
static UNFINISHED: AtomicBool = AtomicBool::new(false);

/// Goes to the beginning of the line, and erases it.
pub const ERASE: &str = "\r\x1b[K";

/// Says whether the terminal shows a line without an end, such as a progress bar. Lines that are
/// printed erase it; who shows it shows it again.
pub fn set_unfinished(unfinished: bool) {
    UNFINISHED.store(unfinished, Ordering::Relaxed);
}

/// How many `-d` it takes to see a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Always.
    Critical,
    /// Trouble with one connection.
    Warning = 2,
    /// Connections that come and go.
    Info,
    /// Control frames.
    Debug,
    /// Every frame.
    Trace,
}

/// Prints lines that begin with the name of the program.
#[derive(Debug)]
pub struct Log {
    program: String,
    verbosity: u8,
    problem: Option<Problem>,
}

#[derive(Debug)]
struct Problem {
    text: String,
    told: Instant,
    repeated: u64,
}

impl Log {
    /// A log that shows what `verbosity` times `-d` ask for.
    pub fn new(verbosity: u8) -> Self {
        Self { program: program_name(), verbosity, problem: None }
    }

    /// Prints a line.
    pub fn line(&self, text: impl Display) {
        // There is no one left to tell when the standard error is gone.
        let erase = if UNFINISHED.load(Ordering::Relaxed) { ERASE } else { "" };
        drop(writeln!(io::stderr(), "{erase}{}: {text}", self.program));
    }

    /// Whether lines of `level` are shown.
    pub fn shows(&self, level: Level) -> bool {
        level as u8 <= self.verbosity
    }

    /// Prints a line about the connection `fd`, if `level` is shown.
    pub fn connection(&self, level: Level, fd: RawFd, text: impl Display) {
        if self.shows(level) {
            self.line(format_args!("connection fd {fd}: {text}"));
        }
    }

    /// Prints what is wrong with the peer of `fd`. While peers come again and again with the same
    /// problem, it is told once in a while.
    pub fn problem(&mut self, fd: RawFd, text: String) {
        if let Some(last) = &mut self.problem
            && last.text == text
            && last.told.elapsed() < REPEAT_INTERVAL
        {
            last.repeated += 1;
            return;
        }
        self.tell_repeated();
        self.connection(Level::Critical, fd, &text);
        self.problem = Some(Problem { text, told: Instant::now(), repeated: 0 });
    }

    /// Prints how often the last problem came up since it was told.
    pub fn tell_repeated(&mut self) {
        if let Some(last) = self.problem.take()
            && last.repeated > 0
        {
            self.line(format_args!("{} more connections: {}", last.repeated, last.text));
        }
    }
}
