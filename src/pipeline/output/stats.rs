// SPDX-License-Identifier: MIT OR Apache-2.0
//! Statistics: on a terminal once a second, as text at the end, and for Prometheus.

use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use files::STANDARD_OUTPUT;

use super::error::FrameOutputError;
use super::{Frame, FrameOutput};
use crate::account::Account;
use crate::stats::MessageStats;
use crate::stats::metrics;
use crate::stats::metrics::{Page, RejectedCounts};
use crate::stats::text;
use crate::stats::text::{Now, Size};

/// Interval between updates of the view.
const REFRESH: Duration = Duration::from_secs(1);

/// Columns and lines of a terminal that does not say how large it is.
const USUAL_SIZE: Size = Size { width: 80, height: Some(24) };

/// The form of text without a terminal.
const UNLIMITED: Size = Size { width: usize::MAX, height: None };

/// Goes to the upper left corner.
const HOME: &str = "\x1b[H";

/// Erases from the cursor to the end of the line, and goes to the next.
const END_LINE: &str = "\x1b[K\n";

/// Erases from the cursor to the end of the screen.
const ERASE_BELOW: &str = "\x1b[J";

/// Where text is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Printed {
    /// Nowhere.
    Not,
    /// To the standard output, which has no other use if `alone`.
    Output {
        /// Nothing else goes there.
        alone: bool,
    },
    /// To the standard error: what goes to the standard output has a form of its own.
    Error,
}

/// The output of statistics, as text or as metrics.
#[derive(Debug)]
pub struct StatsOutput {
    counts: MessageStats,
    printed: Printed,
    /// True if the text is made new while messages come.
    live: bool,
    page: Option<Page>,
    /// The accounts of the other outputs.
    accounts: Vec<Arc<Account>>,
    rejected: RejectedCounts,
    due: Instant,
    /// When the text was made new, and how many messages there were.
    last: (Instant, u64),
}

impl StatsOutput {
    /// Prints text where `printed` says; keeps `page` up to date, with what became of the frames of
    /// the outputs that `accounts` are of, and what was not taken.
    pub fn new(
        printed: Printed,
        page: Option<Page>,
        accounts: Vec<Arc<Account>>,
        rejected: RejectedCounts,
    ) -> Self {
        let live = printed == Printed::Output { alone: true } && io::stdout().is_terminal();
        let now = Instant::now();
        let stats = Self {
            counts: MessageStats::default(),
            printed,
            live,
            page,
            accounts,
            rejected,
            due: now,
            last: (now, 0),
        };
        stats.set_page();
        stats
    }

    fn set_page(&self) {
        if let Some(page) = &self.page {
            page.set(metrics::text(&self.counts, &self.accounts, &self.rejected));
        }
    }

    /// Shows the present on the terminal.
    fn refresh(&mut self) -> Result<(), FrameOutputError> {
        let (then, before) =
            std::mem::replace(&mut self.last, (Instant::now(), self.counts.frames));
        let seconds = (self.last.0 - then).as_secs_f64().max(1e-3);
        let rate = (self.counts.frames - before) as f64 / seconds;
        let size =
            terminal_size::terminal_size_of(io::stdout()).map_or(USUAL_SIZE, |(width, height)| {
                // The last line is left to the cursor.
                let height = usize::from(height.0).saturating_sub(1);
                Size { width: width.0.into(), height: Some(height) }
            });
        let lines = text::lines(&self.counts, Some(Now { rate }), size);
        write(&format!("{HOME}{}{END_LINE}{ERASE_BELOW}", lines.join(END_LINE)))
    }
}

fn write(text: &str) -> Result<(), FrameOutputError> {
    let mut out = io::stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    written.map_err(|error| FrameOutputError::new(STANDARD_OUTPUT, error))
}

impl FrameOutput for StatsOutput {
    fn write_frame(&mut self, frame: &Frame<'_>) -> Result<(), FrameOutputError> {
        match frame.event {
            Ok(event) => self.counts.add(frame.bytes, event),
            Err(_) => self.counts.add_bad(frame.bytes),
        }
        Ok(())
    }

    fn due(&mut self) -> Option<Instant> {
        (self.live || self.page.is_some()).then_some(self.due)
    }

    fn tick(&mut self) -> Result<(), FrameOutputError> {
        self.due = Instant::now() + REFRESH;
        self.set_page();
        match if self.live { self.refresh() } else { Ok(()) } {
            Err(FrameOutputError::ReaderGone) => self.stdout_closed(),
            other => other,
        }
    }

    fn stdout_closed(&mut self) -> Result<(), FrameOutputError> {
        match self.printed {
            // Prometheus reads on.
            Printed::Output { .. } if self.page.is_some() => {
                self.printed = Printed::Not;
                self.live = false;
                Ok(())
            }
            Printed::Output { .. } => Err(FrameOutputError::ReaderGone),
            Printed::Not | Printed::Error => Ok(()),
        }
    }

    fn finish(self: Box<Self>, _: &mut dyn FnMut(String)) -> Result<(), FrameOutputError> {
        let text = || text::lines(&self.counts, None, UNLIMITED).join("\n");
        match self.printed {
            Printed::Not => Ok(()),
            Printed::Output { .. } if self.live => {
                write(&format!("{HOME}{ERASE_BELOW}{}\n", text()))
            }
            Printed::Output { .. } => write(&format!("{}\n", text())),
            Printed::Error => {
                let written = io::stderr().write_all(format!("{}\n", text()).as_bytes());
                written.map_err(|error| FrameOutputError::new("the standard error", error))
            }
        }
    }
}
