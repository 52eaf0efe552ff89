// SPDX-License-Identifier: MIT OR Apache-2.0
//! The progress of reading files, shown on a terminal.

use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use files::input::ReadProgress;
use operator_log::ERASE_LINE;
use pipeline::output::stats::StatsDestination;
use terminal_size::terminal_size_of;

use crate::dnstap_tool::config::{Config, OutputConfig};

/// Interval between updates of the progress.
const INTERVAL: Duration = Duration::from_millis(200);

/// Maximum width of the bar in characters.
const WIDTH: usize = 30;

/// Columns of a terminal of unknown width.
const USUAL_COLUMNS: usize = 80;

/// A progress line on a terminal.
pub(crate) struct Bar {
    /// Dropped to end the thread.
    reading: Sender<()>,
    thread: JoinHandle<()>,
}

impl Bar {
    /// Shows the progress if standard error is a terminal and nothing else is shown there.
    pub(crate) fn show(config: &Config, progress: &Arc<ReadProgress>) -> Option<Self> {
        let standard_output = config.files.iter().any(OutputConfig::is_standard_output);
        let to_terminal = (standard_output || config.printed != StatsDestination::None)
            && io::stdout().is_terminal();
        if !io::stderr().is_terminal() || to_terminal || config.follow {
            return None;
        }
        let sizes = config.read.iter().map(|path| std::fs::metadata(path).map(|file| file.len()));
        let total = sizes.sum::<io::Result<u64>>().ok().filter(|total| *total > 0)?;
        let (reading, ended) = channel();
        let progress = progress.clone();
        operator_log::set_progress_shown(true);
        let thread = thread::spawn(move || {
            let begin = Instant::now();
            let mut is_reading = true;
            loop {
                let read = progress.read.load(Ordering::Relaxed).min(total);
                let frames = progress.frames.load(Ordering::Relaxed);
                let rate = frames as f64 / begin.elapsed().as_secs_f64().max(1e-3);
                let columns = terminal_size_of(io::stderr())
                    .map_or(USUAL_COLUMNS, |(width, _)| usize::from(width.0));
                let line = line(read, total, &format!("{frames} messages, {rate:.0}/s"), columns);
                let _ = io::stderr().write_all(format!("{ERASE_LINE}{line}").as_bytes());
                if !is_reading {
                    operator_log::set_progress_shown(false);
                    break drop(io::stderr().write_all(b"\n"));
                }
                is_reading = ended.recv_timeout(INTERVAL) == Err(RecvTimeoutError::Timeout);
            }
        });
        Some(Self { reading, thread })
    }

    /// Shows the final state.
    pub(crate) fn end(self) {
        drop(self.reading);
        let _ = self.thread.join();
    }
}

/// Returns the progress in less than `columns` characters: a line that wraps cannot be erased.
fn line(read: u64, total: u64, text: &str, columns: usize) -> String {
    let text = format!("{:3} %  {text}", u128::from(read) * 100 / u128::from(total));
    // The brackets, a space, and the last column.
    let width = columns.saturating_sub(text.len() + 4).min(WIDTH);
    if width < 5 {
        return text.chars().take(columns.saturating_sub(1)).collect();
    }
    let filled = (u128::from(read) * width as u128 / u128::from(total)) as usize;
    format!("[{}{}] {text}", "#".repeat(filled), "-".repeat(width - filled))
}

#[cfg(test)]
mod tests {
    use super::line;

    #[test]
    fn the_line_fits_the_terminal() {
        for columns in 0..200 {
            for read in [0, 1, 500, 999, 1000] {
                let line = line(read, 1000, "123456789 messages, 1234567/s", columns);
                assert!(line.len() < columns.max(1), "{columns}: {line}");
            }
        }
        assert_eq!(
            line(1, 2, "7 messages", 80),
            format!("[{0}{1}]  50 %  7 messages", "#".repeat(15), "-".repeat(15))
        );
        assert_eq!(line(1, 2, "7 messages", 31), "[#####-----]  50 %  7 messages");
        assert_eq!(line(1, 2, "7 messages", 12), " 50 %  7 me");
        assert_eq!(line(u64::MAX, u64::MAX, "", 20), "[#########] 100 %  ");
    }
}
