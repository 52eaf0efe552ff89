// SPDX-License-Identifier: MIT OR Apache-2.0
//! The state shared by all connections.

use std::sync::Arc;

use files::destination::Destination;
use files::read_ahead::{READ_SIZE, ReadAhead};
use framestream::control::{ControlFrame, ControlType, Header};
use operator_log::{Level, Log};
use printable::quoted::quoted;

use crate::peer::ConnectionName;
use crate::totals::{ReceiveTotals, Refusals};

/// Maximum number of spare buffers.
const SPARE_BUFFERS: usize = 8;

/// The state shared by all connections.
pub(crate) struct ReceiverContext {
    pub(crate) output: Box<dyn Destination>,
    pub(crate) totals: ReceiveTotals,
    pub(crate) log: Log,
    /// The accepted content type.
    pub(crate) content_type: Box<[u8]>,
    /// Maximum size of a data frame, including its length.
    pub(crate) frame_limit: usize,
    spare: Vec<ReadAhead>,
}

impl ReceiverContext {
    /// Creates the state for streams of `content_type` with data frames of up to `frame_limit` bytes,
    /// including their lengths. Rejected ones are counted in `refusals`.
    pub(crate) fn new(
        output: Box<dyn Destination>,
        log: Log,
        content_type: Box<[u8]>,
        frame_limit: usize,
        refusals: Arc<Refusals>,
    ) -> Self {
        let totals = ReceiveTotals { refusals, ..ReceiveTotals::default() };
        Self { output, totals, log, content_type, frame_limit, spare: Vec::new() }
    }

    /// Returns a buffer to read into.
    pub(crate) fn buffer(&mut self) -> ReadAhead {
        self.spare.pop().unwrap_or_default()
    }

    /// Keeps an empty buffer for reuse.
    pub(crate) fn keep(&mut self, buffer: ReadAhead) {
        let reusable = buffer.bytes().is_empty() && buffer.size() == READ_SIZE;
        if reusable && self.spare.len() < SPARE_BUFFERS {
            self.spare.push(buffer);
        }
    }

    /// Logs a received control frame.
    pub(crate) fn log_control(&self, name: &ConnectionName, frame: &ControlFrame) {
        if let (true, Ok(bytes)) = (self.log.shows(Level::Frames), frame.encode(Header::With)) {
            let text = format!("reading control frame ({} bytes): {}", bytes.len(), quoted(&bytes));
            self.log.connection(Level::Frames, name, text);
        }
        if let Some(kind) = frame.control_type {
            self.log.connection(
                Level::Control,
                name,
                format_args!("received {} ({})", c_name(kind), kind as u32),
            );
        }
        if frame.control_type == Some(ControlType::Ready) && self.log.shows(Level::Frames) {
            let count = frame.content_types.len();
            for (index, content_type) in frame.content_types.iter().enumerate() {
                let (number, size) = (index + 1, content_type.len());
                let text = quoted(content_type);
                self.log.connection(
                    Level::Frames,
                    name,
                    format_args!("CONTENT_TYPE [{number}/{count}] ({size} bytes): {text}"),
                );
            }
        }
    }

    /// Logs a control frame that is sent.
    pub(crate) fn log_answer(&self, name: &ConnectionName, frame: &ControlFrame) {
        if let Some(kind) = frame.control_type {
            self.log.connection(
                Level::Control,
                name,
                format_args!("sending {} ({})", c_name(kind), kind as u32),
            );
        }
        if let (true, Ok(bytes)) = (self.log.shows(Level::Frames), frame.encode(Header::With)) {
            let text = format!("writing frame ({}) bytes: {}", bytes.len(), quoted(&bytes));
            self.log.connection(Level::Frames, name, text);
        }
    }

    /// Logs and returns the content types of both sides.
    pub(crate) fn mismatch(&self, name: &ConnectionName, theirs: &ControlFrame) -> String {
        let ours = String::from_utf8_lossy(&self.content_type);
        self.log.connection(
            Level::ConnectionErrors,
            name,
            format_args!("no CONTENT_TYPE matching: \"{ours}\""),
        );
        let theirs: Vec<String> =
            theirs.content_types.iter().map(|content_type| quoted(content_type)).collect();
        let ours = quoted(&self.content_type);
        format!("content type mismatch: the peer sends {}, wanted is {ours}", theirs.join(", "))
    }
}

/// Returns the name of a control frame type in fstrm.
pub(crate) fn c_name(kind: ControlType) -> &'static str {
    match kind {
        ControlType::Accept => "FSTRM_CONTROL_ACCEPT",
        ControlType::Start => "FSTRM_CONTROL_START",
        ControlType::Stop => "FSTRM_CONTROL_STOP",
        ControlType::Ready => "FSTRM_CONTROL_READY",
        ControlType::Finish => "FSTRM_CONTROL_FINISH",
    }
}
