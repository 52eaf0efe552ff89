// SPDX-License-Identifier: MIT OR Apache-2.0
//! Assembles inputs, worker and outputs, and runs them.
//!
//! ```text
//! files ------------.
//! capture (sockets) --> queue -> worker (select, mask) -> outputs
//! ```

mod assemble;
mod peers;
mod progress;

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use clap::CommandFactory;
use clap_complete::Shell;
use dnstap::sink::CONTENT_TYPE;
use files::content::Content;
use files::destination::Destination;
use files::input::error::InputError;
use files::input::{FileReader, ReadProgress};
use files::output_file::OpenFileError;
use files::rotating_file::RotatingFile;
use files::{STANDARD_OUTPUT, distinct};
use operator_log::Log;
use pipeline::feed;
use pipeline::feed::WorkerFeed;
use pipeline::frame_copier::FrameCopier;
use pipeline::output::error::FrameOutputError;
use pipeline::stats::metrics::RejectedCounts;
use receive::dialer::{DialTarget, Dialer};
use receive::{ReceiveError, Receiver, ReceiverEvents, ReceiverParts, listener};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGXFSZ};

use self::assemble::worker;
use self::peers::listeners;
use self::progress::Bar;
use super::config::{Config, OutputConfig, SocketConfig};
use super::options::DnstapOptions;
use crate::setup_error::SetupError;

/// Runs with this configuration.
pub fn run(config: &Config) -> ExitCode {
    operator_log::set_level(config.log_level);
    let names: Vec<PathBuf> = config.files.iter().map(OutputConfig::present_name).collect();
    if let Err(reason) = distinct::check(&config.read, &names) {
        Log.error(reason);
        return ExitCode::FAILURE;
    }
    let ended = match &config.sockets {
        Some(sockets) => capture(config, sockets),
        None => convert(config),
    };
    ended.unwrap_or_else(|error| {
        Log.error(error);
        ExitCode::FAILURE
    })
}

/// Prints completions for a shell.
pub fn completions(shell: Shell) -> ExitCode {
    // The generator panics if it cannot write.
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut DnstapOptions::command(), "dnstap", &mut text);
    let mut out = io::stdout().lock();
    let written = out.write_all(&text).and_then(|()| out.flush());
    match written.map_err(|error| FrameOutputError::new(STANDARD_OUTPUT, error)) {
        Ok(()) | Err(FrameOutputError::ReaderGone) => ExitCode::SUCCESS,
        Err(error) => {
            Log.error(error);
            ExitCode::FAILURE
        }
    }
}

/// Reads files to their end.
fn convert(config: &Config) -> Result<ExitCode, SetupError> {
    let (stop, reopen) = signal_flags().map_err(ReceiveError::from)?;
    let rejected = RejectedCounts::default();
    let reader = reader(config, &stop, rejected.files.clone());
    // If no input is readable, the files that outputs would replace are kept.
    let faults: Vec<InputError> =
        config.read.iter().filter_map(|path| reader.check(path).err()).collect();
    if faults.len() == config.read.len() {
        faults.iter().for_each(|fault| Log.error(fault));
        return Ok(ExitCode::FAILURE);
    }
    let worker = worker(config, &stop, &rejected)?;
    let bar = Bar::show(config, &reader.progress);
    let is_complete = feed::read_files(worker, &reader, &config.read, &reopen);
    if let Some(bar) = bar {
        bar.end();
    }
    Log.report_suppressed();
    Ok(if is_complete { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Returns the flags set by signals: to stop, and to start new files.
fn signal_flags() -> io::Result<(Arc<AtomicBool>, Arc<AtomicBool>)> {
    let stop = Arc::new(AtomicBool::new(false));
    let reopen = Arc::new(AtomicBool::new(false));
    for signal in [SIGTERM, SIGINT] {
        // A second signal ends the program at once.
        signal_hook::flag::register_conditional_shutdown(signal, 1, stop.clone())?;
        signal_hook::flag::register(signal, stop.clone())?;
    }
    for signal in [SIGHUP, SIGUSR1] {
        signal_hook::flag::register(signal, reopen.clone())?;
    }
    // Exceeding a file size limit should fail the write, not end the program.
    signal_hook::flag::register(SIGXFSZ, Arc::default())?;
    Ok((stop, reopen))
}

/// Returns the reader of files.
fn reader(config: &Config, stop: &Arc<AtomicBool>, progress: Arc<ReadProgress>) -> FileReader {
    FileReader {
        frame_limit: config.frame_limit,
        follow: config.follow,
        stop: stop.clone(),
        progress,
    }
}

/// Receives from sockets until a signal requests the end.
fn capture(config: &Config, sockets: &SocketConfig) -> Result<ExitCode, SetupError> {
    let events = ReceiverEvents::new()?;
    let (stop, waker) = (events.stop.clone(), events.waker.clone());
    let acceptor = sockets.tls.clone().map(listener::acceptor).transpose()?;
    let listeners = listeners(sockets, acceptor.as_ref())?;
    let target = |address| DialTarget::new(address, &config.tls);
    let targets = sockets.senders.iter().map(target).collect::<Result<Vec<_>, _>>()?;
    let rejected = RejectedCounts::default();
    let refusals = rejected.sockets.clone();
    let output: Box<dyn Destination> = match config.only_file() {
        Some(files) => {
            let content = Content::frames(CONTENT_TYPE).map_err(OpenFileError::from)?;
            let output = RotatingFile::open(files, content, stop, &Log)?;
            Box::new(FrameCopier::new(output, waker.clone()))
        }
        None => {
            let worker = worker(config, &stop, &rejected)?;
            let files = (!config.read.is_empty())
                .then(|| (reader(config, &stop, rejected.files), config.read.clone()));
            Box::new(WorkerFeed::start(worker, files, waker.clone()))
        }
    };
    let dialer = (!targets.is_empty()).then(|| Dialer::start(targets, &waker));
    let parts = ReceiverParts { listeners, acceptor, dialer, output, refusals };
    Ok(Receiver::new(events, CONTENT_TYPE.into(), sockets.limits, parts)?.run())
}
