// SPDX-License-Identifier: MIT OR Apache-2.0
//! How far the reading of files is, on a terminal.

use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::capture::log::{self, ERASE};
use crate::command_line::STANDARD_OUTPUT;
use crate::dnstap::input::Progress;
use crate::dnstap::options::Options;

/// How often the progress is shown.
const INTERVAL: Duration = Duration::from_millis(200);

/// Characters of the bar.
const WIDTH: u64 = 30;

/// A line that shows the progress.
pub struct Bar {
    done: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Bar {
    /// Shows how far the reading is, where somebody looks and nothing else is shown.
    pub fn show(options: &Options, progress: &Arc<Progress>) -> Option<Self> {
        let standard_output =
            options.files().iter().any(|(_, name)| name.as_os_str() == STANDARD_OUTPUT);
        let to_terminal = (standard_output || options.stats) && io::stdout().is_terminal();
        if !io::stderr().is_terminal() || to_terminal || options.follow {
            return None;
        }
        let sizes = options.read.iter().map(|path| std::fs::metadata(path).map(|file| file.len()));
        let total = sizes.sum::<io::Result<u64>>().ok().filter(|total| *total > 0)?;
        let done = Arc::new(AtomicBool::new(false));
        let (flag, progress) = (done.clone(), progress.clone());
        log::set_unfinished(true);
        let thread = thread::spawn(move || {
            let begin = Instant::now();
            loop {
                let read = progress.read.load(Ordering::Relaxed).min(total);
                let frames = progress.frames.load(Ordering::Relaxed);
                let filled = (read * WIDTH / total) as usize;
                let bar = "#".repeat(filled) + &"-".repeat(WIDTH as usize - filled);
                let rate = frames as f64 / begin.elapsed().as_secs_f64().max(1e-3);
                let percent = read * 100 / total;
                let line = format!("{ERASE}[{bar}] {percent:3} %  {frames} messages, {rate:.0}/s");
                let _ = io::stderr().write_all(line.as_bytes());
                if flag.load(Ordering::Relaxed) {
                    log::set_unfinished(false);
                    break drop(io::stderr().write_all(b"\n"));
                }
                thread::park_timeout(INTERVAL);
            }
        });
        Some(Self { done, thread })
    }

    /// Shows the end.
    pub fn end(self) {
        self.done.store(true, Ordering::Relaxed);
        self.thread.thread().unpark();
        let _ = self.thread.join();
    }
}
