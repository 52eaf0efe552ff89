// SPDX-License-Identifier: MIT OR Apache-2.0

use std::ffi::{CString, c_char, c_int};
use std::time::{SystemTime, UNIX_EPOCH};

use dnstap::sink::{EventKind, SenderEvent};
use ffi::growing;
use ffi::handle::borrow;

use crate::message::dnstap_time;
use crate::result::*;
use crate::sink::{EventText, dnstap_sink, with_open};

/// The kind of an event.
#[derive(Clone, Copy)]
#[repr(C)]
pub enum dnstap_event_kind {
    /// A stream was opened: the receiver is connected, or the file is open. Also after
    /// dnstap_sink_reopen().
    DNSTAP_EVENT_KIND_CONNECTED = 1,
    /// The stream could not be opened; the sink retries. Only the first failure since the start, or
    /// since the last stream, is an event; dnstap_sink_get_error() has the latest failure.
    DNSTAP_EVENT_KIND_CONNECT_FAILED = 2,
    /// The stream broke; the sink reconnects.
    DNSTAP_EVENT_KIND_DISCONNECTED = 3,
    /// Writing to a file failed, for example because the disk is full. Only the first failure in a
    /// row is an event. The messages stay pending, and writing is retried.
    DNSTAP_EVENT_KIND_WRITE_FAILED = 4,
    /// The first message was dropped since the start, or since DNSTAP_EVENT_KIND_RECOVERED.
    DNSTAP_EVENT_KIND_DROPPING = 5,
    /// No message has been dropped for 2 seconds, and the receiver accepts messages. If messages
    /// are dropped again within a minute, this time is doubled, up to 60 seconds.
    DNSTAP_EVENT_KIND_RECOVERED = 6,
    /// The sink is closed, and sends nothing more. This is the last event, which a program can wait
    /// for after dnstap_sink_begin_close().
    DNSTAP_EVENT_KIND_CLOSED = 7,
}

impl From<EventKind> for dnstap_event_kind {
    fn from(kind: EventKind) -> Self {
        match kind {
            EventKind::Connected => Self::DNSTAP_EVENT_KIND_CONNECTED,
            EventKind::ConnectFailed => Self::DNSTAP_EVENT_KIND_CONNECT_FAILED,
            EventKind::Disconnected => Self::DNSTAP_EVENT_KIND_DISCONNECTED,
            EventKind::WriteFailed => Self::DNSTAP_EVENT_KIND_WRITE_FAILED,
            EventKind::Dropping => Self::DNSTAP_EVENT_KIND_DROPPING,
            EventKind::Recovered => Self::DNSTAP_EVENT_KIND_RECOVERED,
            EventKind::Closed => Self::DNSTAP_EVENT_KIND_CLOSED,
        }
    }
}

/// An event of a sink, for the program to log.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct dnstap_event {
    /// Size of this struct in bytes, set by the caller, as by DNSTAP_EVENT_INIT: later versions may
    /// be longer.
    pub size: usize,
    /// A line to log, without a full stop: the receiver and the reason, or how many messages were
    /// dropped for which reason. Valid until the next call of dnstap_sink_next_event() or
    /// dnstap_sink_close() with this sink.
    pub text: *const c_char,
    /// One of enum dnstap_event_kind; later versions may add kinds.
    pub kind: u32,
    /// Number of events that were discarded before this one: a sink keeps the latest 64.
    pub missed: u32,
    /// When the event happened.
    pub time: dnstap_time,
    /// Messages that were dropped, for any reason: with DNSTAP_EVENT_KIND_DROPPING, those dropped
    /// so far in this series; with DNSTAP_EVENT_KIND_RECOVERED and DNSTAP_EVENT_KIND_CLOSED, those
    /// since the last DNSTAP_EVENT_KIND_RECOVERED. 0 with other kinds.
    pub count: u64,
}

growing!(dnstap_event, 48, count);

/// Retrieves the oldest pending event, and removes it. Never waits. Any thread may call it, but as
/// the text is valid only until the next call, one thread at a time should retrieve and log events.
/// A forked child starts without events.
///
/// @param sink           The sink.
/// @param[in,out] event  Receives the event; `event->size` must be set before, as by
///                       DNSTAP_EVENT_INIT. Fields that this version of the library does not know
///                       are set to 0.
/// @retval DNSTAP_OK
/// @retval DNSTAP_END           No event is pending.
/// @retval DNSTAP_ERROR_SIZE    `event->size` is not set; the event stays pending.
/// @retval DNSTAP_ERROR_NULL
/// @retval DNSTAP_ERROR_HANDLE
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dnstap_sink_next_event(
    sink: *mut dnstap_sink,
    event: *mut dnstap_event,
) -> dnstap_result {
    // SAFETY: as documented.
    unsafe {
        with_open(sink, |sink| {
            // An event that cannot be stored must not be removed.
            ffi::room_at(event)?;
            let next = sink.sink.next_event().ok_or(DNSTAP_END)?;
            Ok(ffi::store_sized(event, &convert(next, &sink.event_text))?)
        })
    }
}

/// Converts an event, and stores its text in `place`.
fn convert(event: SenderEvent, place: &EventText) -> dnstap_event {
    // Copied by this thread: race detectors do not see the locks of this library, and would report
    // that the host reads memory of another thread.
    let text = CString::new(event.text.as_bytes()).unwrap_or_default();
    let mut place = place.lock();
    let before = std::mem::replace(&mut *place, text);
    let text = place.as_ptr();
    drop(place);
    drop(before);
    dnstap_event {
        size: size_of::<dnstap_event>(),
        kind: dnstap_event_kind::from(event.kind) as u32,
        missed: event.missed.try_into().unwrap_or(u32::MAX),
        time: since_1970(event.time),
        count: event.count,
        text,
    }
}

/// Converts a time; one before 1970 is absent.
fn since_1970(time: SystemTime) -> dnstap_time {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    dnstap_time {
        seconds: since.as_secs().try_into().unwrap_or(i64::MAX),
        nanoseconds: since.subsec_nanos(),
    }
}

/// Returns a file descriptor that is readable while events are pending, for poll() and similar
/// calls. The first call creates it. It belongs to the sink, and dnstap_sink_close() closes it: do
/// not read, write or close it. If it was closed by mistake, the next call creates another one; so
/// does the first call in a forked child, in which the parent's descriptor is closed. Any thread
/// may call it.
///
/// @param sink  The sink.
/// @return      The descriptor; -1 if the system is out of descriptors, or `sink` is not a sink.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dnstap_sink_get_event_fd(sink: *mut dnstap_sink) -> c_int {
    ffi::guard(-1, || {
        // SAFETY: as documented.
        let sink = unsafe { borrow(sink) };
        sink.ok().and_then(|sink| sink.sink.event_fd().ok()).unwrap_or(-1)
    })
}
