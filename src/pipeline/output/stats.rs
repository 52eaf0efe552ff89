// SPDX-License-Identifier: MIT OR Apache-2.0
//! The output of statistics: every second on a terminal, as text at exit, and as metrics.

use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use files::STANDARD_OUTPUT;

use super::FrameOutput;
use super::error::FrameOutputError;
use crate::account::Account;
use crate::decoded_frame::DecodedFrame;
use crate::stats::metrics::{MetricsPage, RejectedCounts};
use crate::stats::text::ViewSize;
use crate::stats::{MessageStats, metrics, text};

/// Interval between updates of the terminal and the metrics.
const REFRESH: Duration = Duration::from_secs(1);

/// Size assumed for a terminal of unknown size.
const DEFAULT_SIZE: ViewSize = ViewSize { width: 80, height: Some(24) };

/// Size of text that is not printed on a terminal.
const UNLIMITED: ViewSize = ViewSize { width: usize::MAX, height: None };

/// The terminal sequence that moves the cursor to the upper left corner.
const HOME: &str = "\x1b[H";

/// The terminal sequence that erases the rest of the line and starts the next one.
const END_LINE: &str = "\x1b[K\n";

/// The terminal sequence that erases the rest of the screen.
const ERASE_BELOW: &str = "\x1b[J";

/// The destination of statistics as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatsDestination {
    /// No text.
    None,
    /// The standard output.
    Stdout {
        /// True if no other output writes to the standard output.
        exclusive: bool,
    },
    /// The standard error, because the standard output has data of another format.
    Stderr,
}

/// The output of statistics, as text or as metrics.
#[derive(Debug)]
pub struct StatsOutput {
    counts: MessageStats,
    destination: StatsDestination,
    /// True if the text is refreshed on a terminal.
    is_live: bool,
    page: Option<MetricsPage>,
    /// Accounts of the other outputs.
    accounts: Vec<Arc<Account>>,
    rejected: RejectedCounts,
    due: Instant,
    /// Time and number of messages of the last refresh.
    last_refresh: (Instant, u64),
}

impl StatsOutput {
    /// Creates the output. `page` is kept up to date and includes the counters of the other outputs, in
    /// `accounts`, and of rejected input.
    pub fn new(
        destination: StatsDestination,
        page: Option<MetricsPage>,
        accounts: Vec<Arc<Account>>,
        rejected: RejectedCounts,
    ) -> Self {
        let is_live = destination == StatsDestination::Stdout { exclusive: true }
            && io::stdout().is_terminal();
        let now = Instant::now();
        let stats = Self {
            counts: MessageStats::default(),
            destination,
            is_live,
            page,
            accounts,
            rejected,
            due: now,
            last_refresh: (now, 0),
        };
        stats.set_page();
        stats
    }

    fn set_page(&self) {
        if let Some(page) = &self.page {
            page.set(metrics::text(&self.counts, &self.accounts, &self.rejected));
        }
    }

    /// Refreshes the terminal.
    fn refresh(&mut self) -> Result<(), FrameOutputError> {
        let (then, before) =
            std::mem::replace(&mut self.last_refresh, (Instant::now(), self.counts.frames));
        let seconds = (self.last_refresh.0 - then).as_secs_f64().max(1e-3);
        let rate = (self.counts.frames - before) as f64 / seconds;
        let size = terminal_size::terminal_size_of(io::stdout());
        let size = size.map_or(DEFAULT_SIZE, |(width, height)| {
            // The cursor needs the last line.
            let height = usize::from(height.0).saturating_sub(1);
            ViewSize { width: width.0.into(), height: Some(height) }
        });
        let lines = text::lines(&self.counts, Some(rate), size);
        write(&format!("{HOME}{}{END_LINE}{ERASE_BELOW}", lines.join(END_LINE)))
    }
}

fn write(text: &str) -> Result<(), FrameOutputError> {
    let mut out = io::stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    written.map_err(|error| FrameOutputError::new(STANDARD_OUTPUT, error))
}

impl FrameOutput for StatsOutput {
    fn write_frame(&mut self, frame: &DecodedFrame<'_>) -> Result<(), FrameOutputError> {
        match frame.event {
            Ok(event) => self.counts.add(frame.bytes, event),
            Err(_) => self.counts.add_undecodable(frame.bytes),
        }
        Ok(())
    }

    fn due(&mut self) -> Option<Instant> {
        (self.is_live || self.page.is_some()).then_some(self.due)
    }

    fn tick(&mut self) -> Result<(), FrameOutputError> {
        self.due = Instant::now() + REFRESH;
        self.set_page();
        match if self.is_live { self.refresh() } else { Ok(()) } {
            Err(FrameOutputError::ReaderGone) => self.stdout_closed(),
            other => other,
        }
    }

    fn stdout_closed(&mut self) -> Result<(), FrameOutputError> {
        match self.destination {
            // The metrics are still served.
            StatsDestination::Stdout { .. } if self.page.is_some() => {
                self.destination = StatsDestination::None;
                self.is_live = false;
                Ok(())
            }
            StatsDestination::Stdout { .. } => Err(FrameOutputError::ReaderGone),
            StatsDestination::None | StatsDestination::Stderr => Ok(()),
        }
    }

    fn finish(self: Box<Self>, _: &mut dyn FnMut(String)) -> Result<(), FrameOutputError> {
        let text = || text::lines(&self.counts, None, UNLIMITED).join("\n");
        match self.destination {
            StatsDestination::None => Ok(()),
            StatsDestination::Stdout { .. } if self.is_live => {
                write(&format!("{HOME}{ERASE_BELOW}{}\n", text()))
            }
            StatsDestination::Stdout { .. } => write(&format!("{}\n", text())),
            StatsDestination::Stderr => {
                let written = io::stderr().write_all(format!("{}\n", text()).as_bytes());
                written.map_err(|error| FrameOutputError::new("the standard error", error))
            }
        }
    }
}
