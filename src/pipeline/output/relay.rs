// SPDX-License-Identifier: MIT OR Apache-2.0
//! Relays: frames go on to other receivers as they are, each with a queue of its own.

mod tls;
mod watch;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use dnstap::sink::CONTENT_TYPE;
use framestream::control::ControlError;
use framestream::iothr::{
    FrameProducer, IoThr, IoThrOptions, LinkState, Refused, SenderStats, StartError,
};
use framestream::transport::{HostSender, SocketSender, TlsError, TlsOptions, Transport, deadline};
use framestream::writer::{StreamWriter, WriterOptions};

use receive::address::{PeerAddress, TLS_PREFIX};
use thiserror::Error;

use self::tls::ReloadingTlsSender;
use self::watch::RelayWatch;
use super::error::FrameOutputError;
use super::{Frame, FrameOutput};
use crate::account::{Account, LossReason};
use crate::batch;
use crate::queue::InputKind;

/// Maximum wait for room in the queue when waiting loses no frames.
const ROOM_CHECK: Duration = Duration::from_millis(1);

/// How long the end may wait for a receiver, and frames of files for one that is not connected, if
/// nothing else is said.
const PATIENCE: Duration = Duration::from_secs(10);

/// Maximum wait at the end for a receiver that is not connected, once the program is to stop.
const PATIENCE_AT_STOP: Duration = Duration::from_secs(1);

/// Interval between checks whether it is connected, while the end waits.
const END_CHECK: Duration = Duration::from_millis(20);

/// Interval of updating the account and of reporting changes.
const ACCOUNT_INTERVAL: Duration = Duration::from_millis(250);

/// The error of starting a relay.
#[derive(Debug, Error)]
pub enum RelayError {
    /// The path of a Unix socket cannot be connected to.
    #[error("relay to {name}: {source}")]
    Socket {
        /// The receiver.
        name: String,
        /// The cause.
        source: io::Error,
    },
    /// The system does not allow a thread, or its queue.
    #[error("relay to {name}: {source}")]
    Thread {
        /// The receiver.
        name: String,
        /// The cause.
        source: StartError,
    },
    /// The content type cannot be sent.
    #[error("relay to {name}: {source}")]
    ContentType {
        /// The receiver.
        name: String,
        /// The cause.
        source: ControlError,
    },
    /// The files of TLS cannot be used.
    #[error("TLS: {0}")]
    Tls(#[from] TlsError),
}

/// One destination.
pub struct Relay {
    thread: IoThr<Vec<u8>>,
    producer: FrameProducer<Vec<u8>>,
    /// Frames come from files now, which wait.
    patient: bool,
    /// Set when the program is to stop.
    stop: Arc<AtomicBool>,
    /// Maximum wait for a receiver that is not connected.
    patience: Duration,
    /// Until when it does.
    give_up: Option<Instant>,
    dropped: u64,
    account: Arc<Account>,
    watch: RelayWatch,
    due: Instant,
}

impl Relay {
    /// Sends to `address`, with the settings `tls` if that is spoken to it. With frames of files it
    /// waits for a receiver that is slow, and a while for one that is not connected; of sockets it
    /// leaves frames out, so that no output holds up another. Once `stop` is set none waits for room,
    /// and the end not for long. If it `is_endless`, that a receiver is there is reported too.
    pub fn start(
        address: &PeerAddress,
        tls: &TlsOptions,
        timeout: Option<Duration>,
        stop: Arc<AtomicBool>,
        is_endless: bool,
    ) -> Result<Self, RelayError> {
        let name = address.to_string();
        let transport: Box<dyn Transport> = match address {
            PeerAddress::Unix(path) => match SocketSender::unix(path) {
                Ok(socket) => Box::new(socket),
                Err(source) => return Err(RelayError::Socket { name, source }),
            },
            PeerAddress::Tcp(address) => Box::new(HostSender::new(address.host(), address.port())),
            PeerAddress::Tls(address) => Box::new(ReloadingTlsSender::new(address, tls)?),
        };
        let mut writer = WriterOptions::default();
        let added = writer.add_content_type(CONTENT_TYPE);
        added.map_err(|source| RelayError::ContentType { name: name.clone(), source })?;
        let timeout = timeout.filter(|timeout| !timeout.is_zero());
        let patience = timeout.unwrap_or(PATIENCE);
        if let Some(timeout) = timeout {
            writer.io_timeout = timeout;
        }
        let mut options = IoThrOptions::default();
        options.sender.close_timeout = patience;
        let failed = |source| RelayError::Thread { name: name.clone(), source };
        let started = IoThr::start(options, StreamWriter::new(transport, writer));
        let (thread, mut producers) = started.map_err(failed)?;
        let missing = || failed(io::Error::other("has no queue").into());
        let producer = producers.pop().ok_or_else(missing)?;
        let watch = RelayWatch::new(&name, is_endless);
        let account = Arc::new(Account::new(name, true));
        let due = Instant::now();
        Ok(Self {
            thread,
            producer,
            patient: false,
            stop,
            patience,
            give_up: None,
            dropped: 0,
            account,
            watch,
            due,
        })
    }

    /// Returns the account of its frames, at most a second old.
    pub fn account(&self) -> Arc<Account> {
        Arc::clone(&self.account)
    }

    fn send(&mut self, payload: &[u8]) {
        let mut payload = payload.to_vec();
        loop {
            match self.producer.submit(payload) {
                Ok(()) => {
                    self.give_up = None;
                    return;
                }
                Err(Refused::Full(refused)) if self.patient && self.may_wait() => {
                    payload = refused;
                    if self.due <= Instant::now() {
                        self.look();
                    }
                    thread::sleep(ROOM_CHECK);
                }
                Err(_) => {
                    self.dropped += 1;
                    return;
                }
            }
        }
    }

    /// Returns whether the queue can be expected to have room some day.
    fn may_wait(&mut self) -> bool {
        if self.stop.load(Ordering::Relaxed) {
            return false;
        }
        if self.thread.stats().state == LinkState::Connected {
            self.give_up = None;
            return true;
        }
        let now = Instant::now();
        now < *self.give_up.get_or_insert(deadline(now, self.patience))
    }

    /// Ends the stream when what waits is sent, or nobody can be expected to take it.
    fn close(&self) {
        let until = deadline(Instant::now(), self.patience);
        let is_stopped = || self.stop.load(Ordering::Relaxed);
        let left = loop {
            let stats = self.thread.stats();
            let left = until.saturating_duration_since(Instant::now());
            let may_connect = match stats.state {
                LinkState::Connecting => true,
                // It has not begun to.
                LinkState::Disconnected => stats.connects + stats.connect_failures == 0,
                _ => false,
            };
            if !may_connect || stats.waiting == 0 || left.is_zero() {
                break left;
            }
            if is_stopped() {
                break left.min(PATIENCE_AT_STOP);
            }
            thread::sleep(END_CHECK);
        };
        self.thread.close_within(left);
    }

    /// Brings the account up to date, and reports what has changed.
    fn look(&mut self) {
        self.due = Instant::now() + ACCOUNT_INTERVAL;
        let stats = self.thread.stats();
        self.count(stats);
        let error = self.last_error();
        self.watch.observe(stats, self.account.lost(), error);
    }

    /// Returns the last failure, without the name of the relay, which messages have already.
    fn last_error(&self) -> Option<String> {
        let error = self.thread.last_error()?;
        let name = &self.account.name;
        let prefix = format!("{}: ", name.strip_prefix(TLS_PREFIX).unwrap_or(name));
        Some(error.strip_prefix(&prefix).map_or(error.clone(), String::from))
    }

    /// Brings the account up to date. Pending frames are not lost.
    fn count(&self, stats: SenderStats) {
        let account = &*self.account;
        account.frames.store(stats.written, Ordering::Relaxed);
        account.failures.store(stats.connect_failures + stats.disconnects, Ordering::Relaxed);
        account.connected.store(stats.state == LinkState::Connected, Ordering::Relaxed);
        account.set_dropped(LossReason::QueueFull, self.dropped);
        account.set_dropped(LossReason::WriteFailed, stats.lost_error);
        let gone = stats.written + stats.waiting + stats.lost_error;
        account.set_dropped(LossReason::Closing, stats.accepted.saturating_sub(gone));
    }
}

impl FrameOutput for Relay {
    fn set_input(&mut self, input: InputKind) {
        self.patient = input == InputKind::File;
    }

    fn write_frame(&mut self, frame: &Frame<'_>) -> Result<(), FrameOutputError> {
        self.send(frame.payload());
        Ok(())
    }

    fn needs_events(&self) -> bool {
        false
    }

    fn write_undecoded(
        &mut self,
        frames: &mut batch::BatchFrames<'_>,
    ) -> Result<(), FrameOutputError> {
        for frame in frames {
            self.send(&frame[framestream::frame::LENGTH_SIZE..]);
        }
        Ok(())
    }

    fn due(&mut self) -> Option<Instant> {
        Some(self.due)
    }

    fn tick(&mut self) -> Result<(), FrameOutputError> {
        self.look();
        Ok(())
    }

    fn finish(self: Box<Self>, _: &mut dyn FnMut(String)) -> Result<(), FrameOutputError> {
        self.close();
        // Frames that are pending now are not sent any more.
        self.count(SenderStats { waiting: 0, ..self.thread.stats() });
        let lost = self.account.lost();
        if lost == 0 {
            return Ok(());
        }
        let (name, failure) = (self.account.name.clone(), self.last_error());
        Err(FrameOutputError::Unsent { name, lost, failure })
    }
}
