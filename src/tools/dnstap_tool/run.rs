// SPDX-License-Identifier: MIT OR Apache-2.0
//! Puts inputs, worker and outputs together.
//!
//! ```text
//! files ------------.
//! capture (sockets) --> queue -> worker (select, mask) -> outputs
//! ```

mod assemble;
mod output_files;
mod peers;
mod progress;
mod tls;

use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::Duration;

use clap::CommandFactory;
use clap_complete::Shell;
use dnstap::sink::CONTENT_TYPE;
use files::STANDARD_OUTPUT;
use files::content::Content;
use files::destination::Destination;
use files::distinct;
use files::input::error::InputError;
use files::input::{ReadProgress, Reading};
use files::output_file::OpenFileError;
use files::rotating_file::{Files, RotatingFile};
use framestream::frame::LENGTH_SIZE;
use operator_log;
use operator_log::Log;
use pipeline::feed::WorkerFeed;
use pipeline::format::Format;
use pipeline::frame_copier::FrameCopier;
use pipeline::output::FrameOutputError;
use pipeline::queue::BatchQueue;
use pipeline::stats::metrics::RejectedCounts;
use receive::dialer::Dialed;
use receive::{Capture, CaptureError, Endpoints, ReceiveLimits};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGXFSZ};

use self::assemble::{selection, worker};
use self::output_files::{present_names, settings};
use self::peers::{dial_targets, listeners};
use self::progress::Bar;
use super::options::DnstapOptions;
use crate::fstrm_capture::options::IDLE_TIMEOUT_DEFAULT;

/// Does what the options say, which go together.
pub fn run(options: &DnstapOptions) -> ExitCode {
    if let Some(shell) = options.completions {
        return completions(shell);
    }
    operator_log::set_level(options.log_level.into());
    let log = Log;
    if let Err(reason) = distinct::check(&options.read, &present_names(options)) {
        log.error(reason);
        return ExitCode::FAILURE;
    }
    let result = if options.listens() { capture(options) } else { convert(options) };
    match result {
        Ok(status) => status,
        Err(error) => {
            log.error(error);
            ExitCode::FAILURE
        }
    }
}

/// Prints completions for a shell.
fn completions(shell: Shell) -> ExitCode {
    // What cannot be written makes the generator panic.
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut DnstapOptions::command(), "dnstap", &mut text);
    let mut out = io::stdout().lock();
    let written = out.write_all(&text).and_then(|()| out.flush());
    match written.map_err(|error| FrameOutputError::new(STANDARD_OUTPUT, &error)) {
        Ok(()) | Err(FrameOutputError::ReaderGone) => ExitCode::SUCCESS,
        Err(error) => {
            Log.error(error);
            ExitCode::FAILURE
        }
    }
}

/// Reads files to their end.
fn convert(options: &DnstapOptions) -> Result<ExitCode, CaptureError> {
    let stop = Arc::new(AtomicBool::new(false));
    let reopen = Arc::new(AtomicBool::new(false));
    for signal in [SIGTERM, SIGINT] {
        // Who asks twice does not want to wait.
        signal_hook::flag::register_conditional_shutdown(signal, 1, stop.clone())?;
        signal_hook::flag::register(signal, stop.clone())?;
    }
    for signal in [SIGHUP, SIGUSR1] {
        signal_hook::flag::register(signal, reopen.clone())?;
    }
    // A file size limit is an error of the write, not the end of the program.
    signal_hook::flag::register(SIGXFSZ, Arc::default())?;
    let rejected = RejectedCounts::default();
    let reading = reading(options, &stop, rejected.files.clone());
    // Without anything to read, what the outputs would replace is kept.
    let faults: Vec<InputError> =
        options.read.iter().filter_map(|path| reading.check(path).err()).collect();
    if faults.len() == options.read.len() {
        faults.iter().for_each(|fault| Log.error(fault));
        return Ok(ExitCode::FAILURE);
    }
    let queue = Arc::new(BatchQueue::default());
    let worker = worker(options, &stop, &rejected)?;
    let thread = {
        let queue = queue.clone();
        thread::spawn(move || worker.run(&queue, &reopen, &mut |text| Log.error(text)))
    };
    let bar = Bar::show(options, &reading.progress);
    let good = reading.read_all(&options.read, &*queue, &Log);
    queue.close();
    let finished = thread.join().unwrap_or_default();
    if let Some(bar) = bar {
        bar.end();
    }
    Log.report_suppressed();
    Ok(if good && finished.complete { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Returns the settings for reading files.
fn reading(
    options: &DnstapOptions,
    stop: &Arc<AtomicBool>,
    progress: Arc<ReadProgress>,
) -> Reading {
    Reading {
        frame_limit: options.frame_limit as usize,
        follow: options.follow,
        stop: stop.clone(),
        progress,
    }
}

/// Receives from sockets until a signal says to stop.
fn capture(options: &DnstapOptions) -> Result<ExitCode, CaptureError> {
    let connections = options.maxconns.unwrap_or(u32::MAX) as usize;
    let idle = options.idle_timeout.unwrap_or(IDLE_TIMEOUT_DEFAULT);
    let limits = ReceiveLimits {
        frame: LENGTH_SIZE + options.frame_limit as usize,
        connections,
        idle: Duration::from_secs(idle.into()),
    };
    let capture = Capture::start(CONTENT_TYPE.into(), limits, Log, |stop, waker| {
        let acceptor = tls::acceptor(options)?;
        let listeners = listeners(options, acceptor.as_ref())?;
        let targets = dial_targets(options)?;
        let rejected = RejectedCounts::default();
        let refusals = rejected.sockets.clone();
        let destination: Box<dyn Destination> = match plain_file(options) {
            Some(files) => {
                let content = Content::frames(CONTENT_TYPE).map_err(OpenFileError::from)?;
                let output = RotatingFile::open(&files, content, stop, &Log)?;
                Box::new(FrameCopier::new(output, waker.clone()))
            }
            None => {
                let worker = worker(options, &stop, &rejected)?;
                let files = (!options.read.is_empty())
                    .then(|| (reading(options, &stop, rejected.files), options.read.clone()));
                Box::new(WorkerFeed::start(worker, files, waker.clone()))
            }
        };
        let dialed = (!targets.is_empty()).then(|| Dialed::start(targets, &waker));
        Ok(Endpoints { listeners, acceptor, dialed, output: destination, refusals })
    })?;
    Ok(capture.run())
}

/// The one file of frames that all goes to as it comes, if that is what is wanted.
fn plain_file(options: &DnstapOptions) -> Option<Files> {
    let untouched = options.read.is_empty()
        && selection(options).is_everything()
        && options.mask4.or(options.mask6).is_none()
        && options.count.is_none()
        && options.relay_tcp.len() + options.relay_unix.len() == 0
        && !options.stats
        && options.metrics.is_none();
    match &options.files()[..] {
        [(Format::Frames, name)] if untouched => {
            // What is compressed is held back for a time, which this way does not look at.
            Some(Format::Frames.files(name, &settings(options))).filter(|files| !files.compressed)
        }
        _ => None,
    }
}
