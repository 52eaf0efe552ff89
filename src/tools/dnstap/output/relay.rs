// SPDX-License-Identifier: MIT OR Apache-2.0
//! Relays: frames go on to other receivers as they are, each with a queue of its own.

use std::time::Duration;

use ::dnstap::sink::CONTENT_TYPE;
use framestream::iothr::{IoThr, Options, Producer, Refused};
use framestream::transport::Transport;
use framestream::writer::{Writer, WriterOptions};

use super::{Frame, Output, OutputError};
use crate::dnstap::batch;

/// How long to wait for room when nothing is lost by waiting.
const ROOM_CHECK: Duration = Duration::from_millis(1);

/// How long the end may wait for a receiver.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(10);

/// One destination.
pub struct Relay {
    name: String,
    thread: IoThr<Vec<u8>>,
    producer: Producer<Vec<u8>>,
    /// Frames come from files, which wait.
    patient: bool,
    dropped: u64,
}

impl Relay {
    /// Sends to `transport`, called `name`. A patient relay waits for a receiver that is slow, but
    /// is connected; others leave frames out, so that no output holds up another.
    pub fn start(
        name: String,
        transport: Box<dyn Transport>,
        timeout: Option<Duration>,
        patient: bool,
    ) -> Result<Self, OutputError> {
        let failed = |error: String| OutputError::Failed(format!("relay to {name}: {error}"));
        let mut writer = WriterOptions::default();
        writer.add_content_type(CONTENT_TYPE).map_err(|error| failed(error.to_string()))?;
        if let Some(timeout) = timeout.filter(|timeout| !timeout.is_zero()) {
            writer.io_timeout = timeout;
        }
        let mut options = Options::default();
        options.sender.close_timeout = CLOSE_TIMEOUT;
        let started = IoThr::start(options, Writer::new(transport, writer));
        let (thread, mut producers) = started.map_err(|error| failed(error.to_string()))?;
        let producer = producers.pop().ok_or_else(|| failed("has no queue".into()))?;
        Ok(Self { name, thread, producer, patient, dropped: 0 })
    }

    fn send(&mut self, payload: &[u8]) {
        let mut payload = payload.to_vec();
        loop {
            match self.producer.submit(payload) {
                Ok(()) => return,
                Err(Refused::Full(refused)) if self.patient => {
                    payload = refused;
                    std::thread::sleep(ROOM_CHECK);
                }
                Err(_) => {
                    self.dropped += 1;
                    return;
                }
            }
        }
    }
}

impl Output for Relay {
    fn take(&mut self, frame: &Frame<'_>) -> Result<(), OutputError> {
        self.send(frame.payload());
        Ok(())
    }

    fn is_looker(&self) -> bool {
        false
    }

    fn take_all(&mut self, frames: &[u8]) -> Option<Result<(), OutputError>> {
        for frame in batch::frames(frames) {
            self.send(&frame[framestream::frame::LENGTH_SIZE..]);
        }
        Some(Ok(()))
    }

    fn finish(self: Box<Self>, tell: &mut dyn FnMut(String)) -> Result<(), OutputError> {
        self.thread.close();
        let stats = self.thread.stats();
        let unsent = stats.accepted.saturating_sub(stats.written);
        let lost = self.dropped + unsent;
        if lost > 0 {
            let why = self.thread.last_error().map_or(String::new(), |why| format!(": {why}"));
            tell(format!("relay to {}: {lost} frames were not sent{why}", self.name));
        }
        Ok(())
    }
}
