// SPDX-License-Identifier: MIT OR Apache-2.0
//! Relays, which forward frames unchanged to other receivers, each with its own queue.

mod tls;
mod watch;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use std::{io, thread};

use dnstap::sink::CONTENT_TYPE;
use framestream::control::ControlError;
use framestream::frame::DataFrames;
use framestream::iothr::{
    FrameProducer, IoThr, IoThrOptions, LinkState, Refused, SenderStats, StartError,
};
use framestream::transport::{HostSender, SocketSender, TlsError, TlsOptions, Transport, deadline};
use framestream::writer::{StreamWriter, WriterOptions};

use receive::address::{PeerAddress, TLS_PREFIX};
use thiserror::Error;

use self::tls::ReloadingTlsSender;
use self::watch::RelayWatch;
use super::FrameOutput;
use super::error::FrameOutputError;
use crate::account::{Account, LossReason};
use crate::decoded_frame::DecodedFrame;
use crate::queue::InputKind;

/// Interval between checks for room in the queue, for input that can wait.
const ROOM_CHECK: Duration = Duration::from_millis(1);

/// Default of the maximum wait for a receiver: at exit, and for frames of files while it is disconnected.
const DEFAULT_WAIT_MAX: Duration = Duration::from_secs(10);

/// Maximum wait at exit for a disconnected receiver after a request to stop.
const WAIT_MAX_AT_STOP: Duration = Duration::from_secs(1);

/// Interval between checks of the connection at exit.
const END_CHECK: Duration = Duration::from_millis(20);

/// Interval between updates of the account and reports of changes.
const ACCOUNT_INTERVAL: Duration = Duration::from_millis(250);

/// The error of starting a relay.
#[derive(Debug, Error)]
pub enum RelayError {
    /// The path of a Unix socket is invalid.
    #[error("relay to {0}: {1}")]
    Socket(String, #[source] io::Error),
    /// The thread of the relay, or its queue, cannot be created.
    #[error("relay to {0}: {1}")]
    Thread(String, #[source] StartError),
    /// The content type is invalid.
    #[error("relay to {0}: {1}")]
    ContentType(String, #[source] ControlError),
    /// The files with certificates or keys cannot be used.
    #[error("TLS: {0}")]
    Tls(#[from] TlsError),
}

/// The output to one receiver.
pub struct RelayOutput {
    thread: IoThr<Vec<u8>>,
    producer: FrameProducer<Vec<u8>>,
    /// True while frames come from files, which can wait.
    can_wait: bool,
    /// Set when the program is asked to stop.
    stop: Arc<AtomicBool>,
    /// Maximum wait for a disconnected receiver.
    wait_max: Duration,
    /// End of the current wait for a disconnected receiver.
    wait_end: Option<Instant>,
    dropped: u64,
    account: Arc<Account>,
    watch: RelayWatch,
    due: Instant,
}

impl RelayOutput {
    /// Starts a relay to `address`, with the settings `tls` if it uses TLS. Frames of files wait for a slow
    /// receiver and, up to `timeout`, for a disconnected one. Frames of sockets are dropped if the queue is
    /// full, so that no output blocks another. Once `stop` is set, no frames wait, and closing is quick. The
    /// first connection is reported only if the input `is_endless`.
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
                Err(source) => return Err(RelayError::Socket(name, source)),
            },
            PeerAddress::Tcp(address) => Box::new(HostSender::new(address.host(), address.port())),
            PeerAddress::Tls(address) => Box::new(ReloadingTlsSender::new(address, tls)?),
        };
        let mut writer = WriterOptions::default();
        let added = writer.add_content_type(CONTENT_TYPE);
        added.map_err(|source| RelayError::ContentType(name.clone(), source))?;
        let timeout = timeout.filter(|timeout| !timeout.is_zero());
        let wait_max = timeout.unwrap_or(DEFAULT_WAIT_MAX);
        if let Some(timeout) = timeout {
            writer.io_timeout = timeout;
        }
        let mut options = IoThrOptions::default();
        options.sender.close_timeout = wait_max;
        let failed = |source| RelayError::Thread(name.clone(), source);
        let started = IoThr::start(options, StreamWriter::new(transport, writer));
        let (thread, mut producers) = started.map_err(failed)?;
        let missing = || failed(io::Error::other("no queue was created").into());
        let producer = producers.pop().ok_or_else(missing)?;
        let watch = RelayWatch::new(&name, is_endless);
        let account = Arc::new(Account::new(name, true));
        let due = Instant::now();
        Ok(Self {
            thread,
            producer,
            can_wait: false,
            stop,
            wait_max,
            wait_end: None,
            dropped: 0,
            account,
            watch,
            due,
        })
    }

    /// Returns the account of the relay, which is updated every `ACCOUNT_INTERVAL`.
    pub fn account(&self) -> Arc<Account> {
        Arc::clone(&self.account)
    }

    fn send(&mut self, payload: &[u8]) {
        let mut payload = payload.to_vec();
        loop {
            match self.producer.submit(payload) {
                Ok(()) => {
                    self.wait_end = None;
                    return;
                }
                Err(Refused::Full(refused)) if self.can_wait && self.keeps_waiting() => {
                    payload = refused;
                    if self.due <= Instant::now() {
                        self.update();
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

    /// Returns whether to keep waiting for room in the queue.
    fn keeps_waiting(&mut self) -> bool {
        if self.stop.load(Ordering::Relaxed) {
            return false;
        }
        if self.thread.stats().state == LinkState::Connected {
            self.wait_end = None;
            return true;
        }
        let now = Instant::now();
        now < *self.wait_end.get_or_insert(deadline(now, self.wait_max))
    }

    /// Ends the stream when pending frames have been sent, or when the wait for the receiver times out.
    fn close(&self) {
        let until = deadline(Instant::now(), self.wait_max);
        let is_stopped = || self.stop.load(Ordering::Relaxed);
        let left = loop {
            let stats = self.thread.stats();
            let left = until.saturating_duration_since(Instant::now());
            let may_connect = match stats.state {
                LinkState::Connecting => true,
                // The first attempt is still to come.
                LinkState::Disconnected => stats.connects + stats.connect_failures == 0,
                _ => false,
            };
            if !may_connect || stats.waiting == 0 || left.is_zero() {
                break left;
            }
            if is_stopped() {
                break left.min(WAIT_MAX_AT_STOP);
            }
            thread::sleep(END_CHECK);
        };
        self.thread.close_within(left);
    }

    /// Updates the account and reports changes.
    fn update(&mut self) {
        self.due = Instant::now() + ACCOUNT_INTERVAL;
        let stats = self.thread.stats();
        self.update_account(stats);
        let error = self.last_error();
        self.watch.observe(stats, self.account.lost(), error);
    }

    /// Returns the last error without the name of the relay, which messages contain already.
    fn last_error(&self) -> Option<String> {
        let error = self.thread.last_error()?;
        let name = &self.account.name;
        let prefix = format!("{}: ", name.strip_prefix(TLS_PREFIX).unwrap_or(name));
        Some(error.strip_prefix(&prefix).map_or(error.clone(), String::from))
    }

    /// Updates the account. Pending frames do not count as lost.
    fn update_account(&self, stats: SenderStats) {
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

impl FrameOutput for RelayOutput {
    fn set_input(&mut self, input: InputKind) {
        self.can_wait = input == InputKind::File;
    }

    fn write_frame(&mut self, frame: &DecodedFrame<'_>) -> Result<(), FrameOutputError> {
        self.send(frame.payload());
        Ok(())
    }

    fn needs_events(&self) -> bool {
        false
    }

    fn write_undecoded(&mut self, frames: &mut DataFrames<'_>) -> Result<(), FrameOutputError> {
        for frame in frames {
            self.send(&frame[framestream::frame::LENGTH_SIZE..]);
        }
        Ok(())
    }

    fn due(&mut self) -> Option<Instant> {
        Some(self.due)
    }

    fn tick(&mut self) -> Result<(), FrameOutputError> {
        self.update();
        Ok(())
    }

    fn finish(self: Box<Self>, _: &mut dyn FnMut(String)) -> Result<(), FrameOutputError> {
        self.close();
        // Pending frames will not be sent.
        self.update_account(SenderStats { waiting: 0, ..self.thread.stats() });
        let lost = self.account.lost();
        if lost == 0 {
            return Ok(());
        }
        let (name, failure) = (self.account.name.clone(), self.last_error());
        Err(FrameOutputError::Unsent { name, lost, failure })
    }
}
