// SPDX-License-Identifier: MIT OR Apache-2.0
//! Puts inputs, worker and outputs together.
//!
//! ```text
//! files ------------.
//! capture (sockets) --> queue -> worker (select, mask) -> outputs
//! ```

use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};
use std::net::{SocketAddr, ToSocketAddrs};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use ::dnstap::sink::CONTENT_TYPE;
use clap::CommandFactory;
use clap_complete::Shell;
use framestream::transport::{
    HostSender, SocketSender, TlsAcceptor, TlsConnector, TlsError, TlsOptions, TlsSender,
    TlsServerOptions, Transport,
};
use jiff::Timestamp;
use mio::Waker;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGXFSZ};

use super::distinct;
use super::input::{InputError, Progress, Reading};
use super::mask::Mask;
use super::options::address::host_and_port;
use super::options::link;
use super::options::misuse::is_compressed;
use super::options::{Format, Options, TLS_PREFIX};
use super::output::frames::Frames;
use super::output::parquet::Parquet;
use super::output::pcap::Pcap;
use super::output::pdns::PassiveDns;
use super::output::querylog::QueryLog;
use super::output::relay::{Account, Relay};
use super::output::series::Series;
use super::output::stats::{Printed, Stats};
use super::output::text::Text;
use super::output::{Output, OutputError};
use super::outputs::Outputs;
use super::plain::Plain;
use super::print::Style;
use super::queue::{Origin, Over, Queue};
use super::select::Selection;
use super::stamp::Stamp;
use super::stats::metrics::{Page, Untaken};
use super::worker::{Ended, Totals, Worker};
use crate::capture::content::Content;
use crate::capture::destination::Destination;
use crate::capture::dialer::{Dialed, Target};
use crate::capture::file_name::{Calendar, has_conversions};
use crate::capture::listener::{Access, ListenError, Listener};
use crate::capture::log::{self, ERASE, Log};
use crate::capture::output::{Files, Output as FrameFiles};
use crate::capture::output_file::{OpenError, Placing, STANDARD_OUTPUT, WriteError};
use crate::capture::post_rotate::PostRotate;
use crate::capture::{Capture, CaptureError, Ends, Limits};

/// How often the progress is shown.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(200);

/// Does what the options say, which go together.
pub fn run(options: &Options) -> ExitCode {
    if let Some(shell) = options.completions {
        return completions(shell);
    }
    let log = Log::new(0);
    if let Err(reason) = distinct::check(&options.read, &present_names(options)) {
        log.line(reason);
        return ExitCode::FAILURE;
    }
    let result = if options.listens() { capture(options) } else { convert(options) };
    match result {
        Ok(status) => status,
        Err(error) => {
            log.line(error);
            ExitCode::FAILURE
        }
    }
}

/// Prints completions for a shell.
fn completions(shell: Shell) -> ExitCode {
    // What cannot be written makes the generator panic.
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Options::command(), "dnstap", &mut text);
    let mut out = io::stdout().lock();
    let written = out.write_all(&text).and_then(|()| out.flush());
    match written.map_err(|error| OutputError::new(STANDARD_OUTPUT, &error)) {
        Ok(()) | Err(OutputError::ReaderGone) => ExitCode::SUCCESS,
        Err(error) => {
            Log::new(0).line(error);
            ExitCode::FAILURE
        }
    }
}

/// Reads files to their end.
fn convert(options: &Options) -> Result<ExitCode, CaptureError> {
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
    let untaken = Untaken::default();
    let reading = reading(options, &stop, untaken.files.clone());
    // Without anything to read, what the outputs would replace is kept.
    let faults: Vec<InputError> =
        options.read.iter().filter_map(|path| reading.check(path).err()).collect();
    if faults.len() == options.read.len() {
        faults.iter().for_each(|fault| Log::new(0).line(fault));
        return Ok(ExitCode::FAILURE);
    }
    let queue = Arc::new(Queue::default());
    let worker = worker(options, &stop, &untaken)?;
    let thread = {
        let queue = queue.clone();
        thread::spawn(move || worker.run(&queue, &reopen, &mut |text| Log::new(0).line(text)))
    };
    let shown = show_progress(options, &reading.progress);
    let good = reading.read_all(&options.read, &queue, &Log::new(0));
    queue.end();
    let ended = thread.join().unwrap_or(Ended::Badly);
    if let Some((done, thread)) = shown {
        done.store(true, Ordering::Relaxed);
        let _ = thread.join();
    }
    Ok(if good && ended == Ended::Well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// How files are read.
fn reading(options: &Options, stop: &Arc<AtomicBool>, progress: Arc<Progress>) -> Reading {
    Reading {
        frame_limit: options.frame_limit as usize,
        follow: options.follow,
        stop: stop.clone(),
        progress,
    }
}

/// Shows how far the reading is, where somebody looks and nothing else is shown.
fn show_progress(
    options: &Options,
    progress: &Arc<Progress>,
) -> Option<(Arc<AtomicBool>, JoinHandle<()>)> {
    let standard_output = options.files().iter().any(|(_, name)| name.as_os_str() == "-");
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
        const WIDTH: u64 = 30;
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
            thread::sleep(PROGRESS_INTERVAL);
        }
    });
    Some((done, thread))
}

/// Receives from sockets until a signal says to stop.
fn capture(options: &Options) -> Result<ExitCode, CaptureError> {
    let connections = options.maxconns.unwrap_or(u32::MAX) as usize;
    let limits = Limits { frame: 4 + options.frame_limit as usize, connections };
    let capture = Capture::start(CONTENT_TYPE.into(), limits, Log::new(0), |stop, waker| {
        let listeners = listeners(options)?;
        let targets = dial_targets(options)?;
        let untaken = Untaken::default();
        let refusals = untaken.sockets.clone();
        let destination: Box<dyn Destination> = match plain_file(options) {
            Some(files) => {
                let content = Content::frames(CONTENT_TYPE).map_err(OpenError::from)?;
                let output = FrameFiles::open(&files, content, stop, &Log::new(0))?;
                Box::new(Plain::new(output, waker.clone()))
            }
            None => Box::new(Feed::start(options, stop, untaken, waker.clone())?),
        };
        let dialed = (!targets.is_empty()).then(|| Dialed::start(targets, &waker));
        Ok(Ends { listeners, dialed, output: destination, refusals })
    })?;
    Ok(capture.run())
}

/// The one file of frames that all goes to as it comes, if that is what is wanted.
fn plain_file(options: &Options) -> Option<Files> {
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
            Some(files(options, Format::Frames, name)).filter(|files| !files.compressed)
        }
        _ => None,
    }
}

fn files(options: &Options, format: Format, name: &Path) -> Files {
    let splits = options.split.is_some() || options.split_size.is_some();
    let placing = match format {
        _ if options.append => Placing::Append,
        Format::Frames | Format::Parquet => Placing::Complete,
        _ if splits => Placing::Complete,
        // Of one file somebody may read the end while it is written.
        _ => Placing::Replace,
    };
    // A file is made where a link leads, not beside the link. What is written in place is so anyway.
    let target = match placing {
        Placing::Complete => link::target(name),
        Placing::Replace | Placing::Append => name.into(),
    };
    let dated = options.localtime || options.gmtime;
    let is_pattern = dated && has_conversions(target.as_os_str().as_bytes());
    Files {
        name: if is_pattern { name.into() } else { target },
        calendar: calendar(options),
        split: options.split.map(|split| Duration::from_secs(split.into())),
        split_size: options.split_size,
        post_rotate: options.post_rotate.clone(),
        placing,
        compressed: is_compressed(name),
    }
}

fn calendar(options: &Options) -> Option<Calendar> {
    match (options.localtime, options.gmtime) {
        (true, _) => Some(Calendar::local()),
        (_, true) => Some(Calendar::gmt()),
        _ => None,
    }
}

/// The files to write, as they are named at present.
fn present_names(options: &Options) -> Vec<PathBuf> {
    let calendar = calendar(options);
    let present = |(_, pattern): (Format, PathBuf)| {
        let bytes = pattern.as_os_str().as_bytes();
        let name = calendar.as_ref().map(|calendar| calendar.name(bytes, Timestamp::now()));
        // What makes no name is told of when it is opened.
        name.and_then(Result::ok).map_or(pattern, |name| OsString::from_vec(name).into())
    };
    options.files().into_iter().map(present).collect()
}

fn listeners(options: &Options) -> Result<Vec<Listener>, CaptureError> {
    let (owner, group) = (options.socket_owner.as_deref(), options.socket_group.as_deref());
    let acceptor = match (&options.tls_cert, &options.tls_key) {
        (Some(certificate), Some(key)) if !options.listen.is_empty() => {
            let server = TlsServerOptions {
                certificate: certificate.clone(),
                key: key.clone(),
                client_authorities: options.tls_client_ca.clone(),
            };
            Some(TlsAcceptor::new(&server).map_err(tls_failed)?)
        }
        _ => None,
    };
    let mut listeners = Vec::new();
    for path in &options.unix {
        let access = Access::new(options.socket_mode, owner, group)?;
        listeners.push(Listener::unix(path, &access)?);
        Log::new(0).line(format_args!("opened input socket {}", path.display()));
    }
    for name in &options.listen {
        let address =
            address(name).map_err(|error| ListenError::System { address: name.clone(), error })?;
        listeners.push(match &acceptor {
            Some(acceptor) => Listener::tls(address, name, acceptor.clone())?,
            None => Listener::tcp(address, name)?,
        });
        Log::new(0).line(format_args!("opened input socket {name}"));
    }
    Ok(listeners)
}

fn tls_failed(error: TlsError) -> CaptureError {
    CaptureError::Other(format!("TLS: {error}"))
}

/// How to speak TLS as the client.
fn tls_options(options: &Options) -> TlsOptions {
    TlsOptions {
        server_name: options.tls_server_name.clone(),
        ca_bundle: options.tls_ca.clone(),
        client_certificate: options.tls_cert.clone(),
        client_key: options.tls_key.clone(),
        ..TlsOptions::default()
    }
}

/// The senders to connect to.
fn dial_targets(options: &Options) -> Result<Vec<Target>, CaptureError> {
    let target = |name: &String| match name.strip_prefix(TLS_PREFIX) {
        Some(name) => {
            let (host, _) = host_and_port(name).map_err(CaptureError::Other)?;
            let connector = TlsConnector::new(host, &tls_options(options)).map_err(tls_failed)?;
            Ok(Target::Tls(name.into(), connector))
        }
        None if name.contains('/') => Ok(Target::Unix(name.into())),
        None => Ok(Target::Tcp(name.clone())),
    };
    options.connect.iter().map(target).collect()
}

/// The first address that a host and a port stand for; without a host, any of ours.
fn address(name: &str) -> io::Result<SocketAddr> {
    let name = if name.starts_with(':') { format!("[::]{name}") } else { name.into() };
    let missing = || io::Error::other("has no address; name one such as 127.0.0.1:6000");
    name.to_socket_addrs()?.next().ok_or_else(missing)
}

fn selection(options: &Options) -> Selection {
    Selection {
        types: options.types.clone(),
        names: options.names.clone(),
        record_types: options.record_types.clone(),
        response_codes: options.response_codes.clone(),
        clients: options.clients.clone(),
        sample: options.sample.unwrap_or(1),
    }
}

fn worker(
    options: &Options,
    stop: &Arc<AtomicBool>,
    untaken: &Untaken,
) -> Result<Worker, CaptureError> {
    let mask = options.mask4.or(options.mask6).is_some();
    let mask = mask.then(|| Mask::new(options.mask4.unwrap_or(32), options.mask6.unwrap_or(128)));
    let mut outputs = Outputs::default();
    for (format, name) in options.files() {
        let file = output(options, format, &name, stop);
        let file = file.map_err(|error| CaptureError::Other(error.to_string()))?;
        outputs.add(name.display().to_string(), file);
    }
    let mut accounts = Vec::new();
    for (name, transport) in relays(options)? {
        let called = format!("relay to {name}");
        let relay = Relay::start(name, transport, options.timeout, stop.clone());
        let relay = relay.map_err(|error| CaptureError::Other(error.to_string()))?;
        accounts.push(relay.account());
        outputs.add(called, Box::new(relay));
    }
    if options.stats || options.metrics.is_some() {
        outputs.add("statistics".into(), Box::new(stats(options, accounts, untaken)?));
    }
    outputs.begin().map_err(|error| CaptureError::Other(error.to_string()))?;
    Ok(Worker {
        selection: selection(options),
        stamp: options.sample.filter(|rate| *rate > 1).map(Stamp::new),
        mask,
        count: options.count.unwrap_or(u64::MAX),
        outputs,
        totals: Totals::default(),
        encoded: Vec::new(),
    })
}

/// What a receiver is called that frames go on to, and the closed way to it.
type Receiver = (String, Box<dyn Transport>);

fn relays(options: &Options) -> Result<Vec<Receiver>, CaptureError> {
    let mut relays: Vec<Receiver> = Vec::new();
    for path in &options.relay_unix {
        let name = path.display().to_string();
        let transport = SocketSender::unix(path)
            .map_err(|error| CaptureError::Other(format!("relay to {name}: {error}")))?;
        relays.push((name, Box::new(transport)));
    }
    for name in &options.relay_tcp {
        let tls = name.strip_prefix(TLS_PREFIX);
        let (host, port) = host_and_port(tls.unwrap_or(name)).map_err(CaptureError::Other)?;
        let mut transport: Box<dyn Transport> = Box::new(HostSender::new(host, port));
        if tls.is_some() {
            let sender = TlsSender::new(transport, host, &tls_options(options));
            transport = Box::new(sender.map_err(tls_failed)?);
        }
        relays.push((name.clone(), transport));
    }
    Ok(relays)
}

fn stats(
    options: &Options,
    relays: Vec<Arc<Account>>,
    untaken: &Untaken,
) -> Result<Stats, CaptureError> {
    let files = options.files();
    let beside = files.iter().find(|(_, name)| name.as_os_str() == STANDARD_OUTPUT);
    let printed = match beside {
        _ if !options.stats => Printed::Not,
        None => Printed::Output { alone: true },
        Some((Format::Quiet, _)) => Printed::Output { alone: false },
        Some(_) => Printed::Error,
    };
    let page = options.metrics.as_ref().map(|_| Page::default());
    let stats = Stats::new(printed, page.clone(), relays, untaken.clone());
    // Who asks at once finds the page already.
    if let (Some(page), Some(name)) = (page, &options.metrics) {
        let failed = |error: String| CaptureError::Other(format!("--metrics {name}: {error}"));
        let address = address(name).map_err(|error| failed(error.to_string()))?;
        let address = page.serve(address).map_err(failed)?;
        Log::new(0).line(format_args!("metrics are at http://{address}/metrics"));
    }
    Ok(stats)
}

fn output(
    options: &Options,
    format: Format,
    name: &Path,
    stop: &Arc<AtomicBool>,
) -> Result<Box<dyn Output>, OutputError> {
    let files = files(options, format, name);
    let series = |content| Series::open(&files, content, stop.clone());
    let text = |style| -> Result<Box<dyn Output>, OutputError> {
        let content = if style == Style::Yaml { Content::documents() } else { Content::text() };
        Ok(Box::new(Text::new(series(content)?, style)))
    };
    match format {
        Format::Quiet => text(Style::Quiet),
        Format::Yaml => text(Style::Yaml),
        Format::Json => text(Style::Json),
        Format::Querylog => Ok(Box::new(QueryLog::new(series(Content::lines())?))),
        Format::Pdns => Ok(Box::new(PassiveDns::new(series(Content::lines())?))),
        Format::Parquet => Ok(Box::new(Parquet::open(&files, stop.clone())?)),
        Format::Pcap => Ok(Box::new(Pcap::new(series(Pcap::content())?))),
        Format::Frames => {
            let content = Content::frames(CONTENT_TYPE);
            let content = content.map_err(|error| OutputError::Failed(error.to_string()))?;
            Ok(Box::new(Frames::new(series(content)?)))
        }
    }
}

/// Feeds what sockets receive, and what files hold, to a worker.
struct Feed {
    queue: Arc<Queue>,
    reopen: Arc<AtomicBool>,
    worker: JoinHandle<Ended>,
    files: Option<JoinHandle<bool>>,
}

impl Feed {
    fn start(
        options: &Options,
        stop: Arc<AtomicBool>,
        untaken: Untaken,
        waker: Arc<Waker>,
    ) -> Result<Self, CaptureError> {
        let queue = Arc::new(Queue::default());
        let reopen = Arc::new(AtomicBool::new(false));
        let worker = worker(options, &stop, &untaken)?;
        let thread = {
            let (queue, reopen) = (queue.clone(), reopen.clone());
            thread::spawn(move || {
                let ended = worker.run(&queue, &reopen, &mut |text| Log::new(0).line(text));
                // The receiver looks after it, or else is about to end.
                let _ = waker.wake();
                ended
            })
        };
        let files = (!options.read.is_empty()).then(|| {
            let (queue, paths) = (queue.clone(), options.read.clone());
            let reading = reading(options, &stop, untaken.files);
            thread::spawn(move || reading.read_all(&paths, &queue, &Log::new(0)))
        });
        Ok(Self { queue, reopen, worker: thread, files })
    }
}

impl Destination for Feed {
    fn has_room(&self, _: usize, _: usize) -> bool {
        true
    }

    fn write(&mut self, frames: &[u8], count: u64) -> Result<(), WriteError> {
        if frames.is_empty()
            || self.queue.push(Origin::Socket, frames)
            || self.queue.over() == Some(Over::Enough)
        {
            return Ok(());
        }
        Err(WriteError::NoOutput { lost: count })
    }

    fn rotate_at(&self) -> Option<Instant> {
        None
    }

    fn rotate(&mut self, _: &Log) {
        self.reopen.store(true, Ordering::Relaxed);
    }

    fn hang_up(&mut self, log: &Log) {
        self.rotate(log);
    }

    fn reap(&mut self, _: &Log) {}

    fn is_done(&self) -> bool {
        self.worker.is_finished() || self.queue.over().is_some()
    }

    fn close(self: Box<Self>, _: &Log) -> (Option<PostRotate>, bool) {
        let Self { queue, worker, files, .. } = *self;
        let good = files.is_none_or(|files| files.join().unwrap_or(false));
        queue.end();
        (None, worker.join().is_ok_and(|ended| ended == Ended::Well) && good)
    }
}
