// SPDX-License-Identifier: MIT OR Apache-2.0

use std::ffi::{CString, c_char, c_int};
use std::time::{SystemTime, UNIX_EPOCH};

use dnstap::sink::{Event, EventKind};
use ffi::growing;
use framestream::fork::Lock;

use crate::handle::borrow;
use crate::message::dnstap_time;
use crate::result::*;
use crate::sink::{dnstap_sink, with_open};

/// The kind of an event.
#[derive(Clone, Copy)]
#[repr(C)]
pub enum dnstap_event_kind {
    /// A stream is open: the receiver was connected, or the file was opened. Also after
    /// dnstap_sink_reopen().
    DNSTAP_EVENT_KIND_CONNECTED = 1,
    /// A try to connect failed. Only the first failure since the start, or since the last event of
    /// another kind about the stream; dnstap_sink_get_error() has the latest.
    DNSTAP_EVENT_KIND_CONNECT_FAILED = 2,
    /// The stream broke off. The sink connects again.
    DNSTAP_EVENT_KIND_DISCONNECTED = 3,
    /// A file could not be written to, as on a full disk. Only the first failure in a row. The
    /// messages are kept, and written as soon as that is possible.
    DNSTAP_EVENT_KIND_WRITE_FAILED = 4,
    /// Messages are being dropped: the first one since the start, or since
    /// DNSTAP_EVENT_KIND_RECOVERED.
    DNSTAP_EVENT_KIND_DROPPING = 5,
    /// No more messages are dropped, and the receiver takes them: none was dropped for 2 seconds.
    /// If messages are dropped again within a minute, this time is doubled, up to 60 seconds.
    DNSTAP_EVENT_KIND_RECOVERED = 6,
    /// The sink is closed: nothing is sent any more. The last event, which a program can wait for
    /// after dnstap_sink_begin_close().
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

/// A change of a sink that its program may want to log.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct dnstap_event {
    /// Size in bytes of this struct, set by the caller: later versions may be longer.
    pub size: usize,
    /// One of enum dnstap_event_kind; later versions may have more.
    pub kind: u32,
    /// Events before this one that were discarded: a sink keeps the latest 64.
    pub missed: u32,
    /// When it happened.
    pub time: dnstap_time,
    /// Messages that were dropped, for any reason (dnstap_stats has each): with
    /// DNSTAP_EVENT_KIND_DROPPING so far, with DNSTAP_EVENT_KIND_RECOVERED since the last event of
    /// this kind, and with DNSTAP_EVENT_KIND_CLOSED since then. 0 with other kinds.
    pub count: u64,
    /// A line to log, without a full stop: the receiver and the reason, or how many messages were
    /// dropped for which reason. Valid until the next call of dnstap_sink_next_event() or
    /// dnstap_sink_close() with this sink.
    pub text: *const c_char,
}

growing!(dnstap_event, 48, text);

/// The text of the last event of a sink.
pub(crate) type EventText = Lock<CString>;

/// Retrieves the oldest pending event, and removes it. Never waits. Any thread may call it, but as the
/// text is valid until the next call, only one thread at a time should take events. A forked child
/// begins without events.
///
/// @param sink           The sink.
/// @param[in,out] event  Where the event goes; `event->size` is to be set before, as by
///                       DNSTAP_EVENT_INIT. Fields that this version does not know are set to 0.
/// @retval DNSTAP_OK
/// @retval DNSTAP_END    No event is pending.
/// @retval DNSTAP_ERROR_SIZE
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
            Ok(ffi::store_sized(event, &keep(next, &sink.event_text))?)
        })
    }
}

/// Converts an event, whose text is kept in `place`.
fn keep(event: Event, place: &EventText) -> dnstap_event {
    // A copy that this thread writes: tools that look for races, which do not see the locks of this
    // library, blame the host for reading the memory of another thread.
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

/// Returns a descriptor that is readable while events are pending, for poll() and its kind. The
/// first call makes it. Do nothing else with it: it belongs to the sink, which closes it in
/// dnstap_sink_close(). If the program closed it all the same, the next call makes another one; so
/// does the first call in a forked child, where the parent's is closed. Any thread may call it.
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
