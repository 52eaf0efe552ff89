// SPDX-License-Identifier: MIT OR Apache-2.0
//! Writer threads, for tests.

#![allow(dead_code, reason = "no test program uses all of it")]

use std::time::Duration;

use framestream::iothr::{FrameProducer, IoThr, IoThrOptions, SenderStats};
use framestream::sender::SenderOptions;
use framestream::transport::Transport;
use framestream::writer::{StreamWriter, WriterOptions};

use crate::patience::{PATIENCE, wait_for};

/// Starts a writer thread that sends frames immediately, and reconnects only on request.
pub(crate) fn start(
    transport: impl Transport + 'static,
    io_timeout: Duration,
) -> (IoThr<Vec<u8>>, FrameProducer<Vec<u8>>) {
    let mut writer_options = WriterOptions::default();
    writer_options.io_timeout = io_timeout;
    let writer = StreamWriter::new(Box::new(transport), writer_options);
    let sender = SenderOptions {
        flush_timeout: Duration::from_millis(1),
        reopen_interval: Duration::from_secs(3600),
        close_timeout: PATIENCE,
        ..SenderOptions::default()
    };
    let options = IoThrOptions { sender, ..IoThrOptions::default() };
    let (iothr, mut producers) = IoThr::start(options, writer).expect("a thread");
    (iothr, producers.pop().expect("a queue"))
}

/// Waits until the counters meet a condition.
#[track_caller]
pub(crate) fn until(iothr: &IoThr<Vec<u8>>, condition: impl Fn(&SenderStats) -> bool) {
    wait_for(|| condition(&iothr.stats()).then_some(()));
}

/// Reopens a stream several times, each time after some frames were written.
pub(crate) fn reopen_repeatedly(iothr: &IoThr<Vec<u8>>, times: u64) {
    for connects in 1..=times {
        until(iothr, |stats| stats.connects == connects && stats.written >= connects * 500);
        iothr.reopen();
        until(iothr, |stats| stats.connects == connects + 1);
    }
}
