// SPDX-License-Identifier: MIT OR Apache-2.0

use std::ffi::{CString, c_char, c_uint};
use std::time::{Duration, UNIX_EPOCH};

use dnstap::sink::{self, MESSAGE_TYPES, Sink};
use framestream::fork::Lock;
use framestream::sender::LinkState;
use humantime::format_rfc3339_seconds;

use ffi::growing;
use ffi::handle::{Handle, Tag, borrow, take};

use crate::options::{self, dnstap_options, text};
use crate::result::*;

/// An output and its writer thread.
pub type dnstap_sink = Handle<OpenSink>;

/// The text of the last event of a sink.
pub(crate) type EventText = Lock<CString>;

/// The contents of a `dnstap_sink`.
pub struct OpenSink {
    pub(crate) sink: Sink,
    pub(crate) event_text: EventText,
}

impl Tag for OpenSink {
    const TAG: u32 = u32::from_ne_bytes(*b"dtsi");
    type Error = dnstap_result;
}

/// The state of the stream of a sink.
#[derive(Clone, Copy)]
#[repr(C)]
pub enum dnstap_state {
    /// There is no stream; the writer thread will try to open one when its timer expires.
    DNSTAP_STATE_DISCONNECTED = 0,
    /// The writer thread is connecting, or in the handshake.
    DNSTAP_STATE_CONNECTING = 1,
    /// The stream is open.
    DNSTAP_STATE_CONNECTED = 2,
    /// The stream is being closed, or the writer thread has ended.
    DNSTAP_STATE_CLOSING = 3,
}

impl From<LinkState> for dnstap_state {
    fn from(state: LinkState) -> Self {
        match state {
            LinkState::Disconnected => Self::DNSTAP_STATE_DISCONNECTED,
            LinkState::Connecting => Self::DNSTAP_STATE_CONNECTING,
            LinkState::Connected => Self::DNSTAP_STATE_CONNECTED,
            LinkState::Closing => Self::DNSTAP_STATE_CLOSING,
        }
    }
}

/// Number of entries in an array by message type: one for each bit of a set, which leaves room for
/// later types.
pub const DNSTAP_MESSAGE_TYPE_COUNT: usize = 32;

const _: () = assert!(DNSTAP_MESSAGE_TYPE_COUNT >= MESSAGE_TYPES);

/// Counters of a sink. At every moment `logged = sent + waiting + dropped_full + dropped_too_long +
/// dropped_invalid + dropped_closed`.
///
/// The counters of a forked child start at 0: messages that were logged before the fork, including
/// pending ones, belong to the parent.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct dnstap_stats {
    /// Size of this struct in bytes, set by the caller, as by DNSTAP_STATS_INIT: later versions may
    /// be longer.
    pub size: usize,
    /// Messages that were logged: those of enabled types, and in the sample.
    pub logged: u64,
    /// Messages that were handed to the operating system. They include those that the receiver had
    /// not read when it died, which no sender can count.
    pub sent: u64,
    /// Pending messages, which are in the rings.
    pub waiting: u64,
    /// Messages that were dropped because the ring was full, or, pending in a freed queue, because
    /// its memory was needed (dnstap_options_set_freed_queue_bytes()).
    pub dropped_full: u64,
    /// Messages that were dropped because they were longer than half of the ring.
    pub dropped_too_long: u64,
    /// Messages that were dropped because they were invalid, for example with an address of the
    /// wrong family.
    pub dropped_invalid: u64,
    /// Messages that were dropped because they could not be sent before the sink was closed, or
    /// were logged while it was being closed.
    pub dropped_closed: u64,
    /// Messages of enabled types that are not in the sample. `logged` does not include them.
    pub sampled_out: u64,
    /// Bytes sent: data frames with their length prefixes, without control frames.
    pub bytes_sent: u64,
    /// Streams that were opened.
    pub connects: u64,
    /// Failed attempts to open a stream.
    pub connect_failures: u64,
    /// Streams that broke.
    pub disconnects: u64,
    /// The state of the stream: one of enum dnstap_state.
    pub state: u32,
    /// Messages that were logged, by number of their type in enum dnstap_message_type.
    pub logged_by_type: [u64; DNSTAP_MESSAGE_TYPE_COUNT],
}

growing!(dnstap_stats, 368, logged_by_type);

impl From<sink::SinkStats> for dnstap_stats {
    fn from(stats: sink::SinkStats) -> Self {
        let mut logged_by_type = [0; DNSTAP_MESSAGE_TYPE_COUNT];
        logged_by_type[..MESSAGE_TYPES].copy_from_slice(&stats.logged_by_type);
        Self {
            size: size_of::<Self>(),
            logged: stats.logged,
            sent: stats.sent,
            waiting: stats.waiting,
            dropped_full: stats.dropped_full,
            dropped_too_long: stats.dropped_too_long,
            dropped_invalid: stats.dropped_invalid,
            dropped_closed: stats.dropped_closed,
            sampled_out: stats.sampled_out,
            bytes_sent: stats.bytes_sent,
            connects: stats.connects,
            connect_failures: stats.connect_failures,
            disconnects: stats.disconnects,
            state: dnstap_state::from(stats.state) as u32,
            logged_by_type,
        }
    }
}

/// Stores the counters.
///
/// # Safety
/// `place` as documented.
unsafe fn store_stats(sink: &Sink, place: *mut dnstap_stats) -> Result<(), dnstap_result> {
    // SAFETY: passed on to the caller.
    Ok(unsafe { ffi::store_sized(place, &sink.stats().into()) }?)
}

/// Opens a sink: starts its writer thread, which connects to the output, and reconnects after every
/// failure. Never waits for the receiver, which may be started later; the events of the sink
/// (dnstap_sink_next_event()) report when it connects. The writer thread blocks all signals.
///
/// The process may fork before or after this call. A child that logs to the sink gets a writer
/// thread and a stream of its own; if the output is a regular file, the child writes to PATH.PID
/// instead, with its process ID, and if it is a FIFO, only the parent writes to it. The parent's
/// descriptors are closed in the child. A child that is created by _Fork() or clone(), which run no
/// fork handlers, must not use the library.
///
/// While another thread forks, any call except dnstap_log(), dnstap_log_frame() and
/// dnstap_enabled() may wait until the fork is over. The caller must therefore not hold a lock that
/// a fork handler of the program takes.
///
/// @param options     The options, which are copied; an output must be set.
///                    dnstap_options_get_error() has the details of an error.
/// @param[out] error  DNSTAP_OK or the error; may be NULL. In addition to the errors of
///                    dnstap_options_check(), DNSTAP_ERROR_SYSTEM or DNSTAP_ERROR_MEMORY.
/// @return            The sink, to be closed with dnstap_sink_close(); NULL on an error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dnstap_sink_open(
    options: *mut dnstap_options,
    error: *mut dnstap_result,
) -> *mut dnstap_sink {
    let opened = ffi::guard(Err(DNSTAP_ERROR_INTERNAL), || {
        ffi::watch_for_forks();
        // SAFETY: as documented.
        let options = unsafe { ffi::handle::borrow_mut(options) }?;
        let sink = options.attempt(|options| {
            ffi::reserve_thread_key()?;
            Sink::open(options.clone())
        })?;
        Ok(Handle::give(OpenSink { sink, event_text: EventText::leaf(CString::default()) }))
    });
    // SAFETY: as documented.
    unsafe { hand_out(opened, error) }
}

/// Retrieves the current counters. Any thread may call it.
///
/// @param sink           The sink.
/// @param[in,out] stats  Receives the counters; `stats->size` must be set before, as by
///                       DNSTAP_STATS_INIT. Fields that this version of the library does not know
///                       are set to 0.
/// @retval DNSTAP_OK
/// @retval DNSTAP_ERROR_SIZE    `stats->size` is not set.
/// @retval DNSTAP_ERROR_NULL
/// @retval DNSTAP_ERROR_HANDLE
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dnstap_sink_get_stats(
    sink: *const dnstap_sink,
    stats: *mut dnstap_stats,
) -> dnstap_result {
    // SAFETY: as documented.
    unsafe { with(sink, |sink| store_stats(sink, stats)) }
}

/// Retrieves the time of, and the reason for, the last failure to connect or break of the stream,
/// as one line without a full stop, such as "2026-03-01T12:00:00Z: /run/tap.sock: connecting: No
/// such file or directory". The time is in UTC. The line is kept when the sink has reconnected; see
/// the state and the events for the current situation. Any thread may call it.
///
/// @param sink       The sink.
/// @param[out] line  Receives the line, truncated to `size` and terminated by NUL; empty if nothing
///                   has failed in this process.
/// @param size       Size of `line` in bytes.
/// @retval DNSTAP_OK
/// @retval DNSTAP_ERROR_NULL
/// @retval DNSTAP_ERROR_HANDLE
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dnstap_sink_get_error(
    sink: *const dnstap_sink,
    line: *mut c_char,
    size: usize,
) -> dnstap_result {
    // SAFETY: as documented.
    unsafe {
        with(sink, |sink| {
            let error = sink.last_failure().map_or_else(String::new, |failure| {
                let time = format_rfc3339_seconds(failure.time.max(UNIX_EPOCH));
                format!("{time}: {}", failure.text)
            });
            // SAFETY: as documented.
            ffi::store_line(line, size, &error).ok_or(DNSTAP_ERROR_NULL)
        })
    }
}

/// Sets the message types to log, for each queue from its next message on. Any thread may call it.
///
/// @param sink           The sink.
/// @param message_types  As for dnstap_options_set_message_types().
/// @retval DNSTAP_OK
/// @retval DNSTAP_ERROR_VALUE   A bit does not belong to a known message type.
/// @retval DNSTAP_ERROR_NULL
/// @retval DNSTAP_ERROR_HANDLE
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dnstap_sink_set_message_types(
    sink: *mut dnstap_sink,
    message_types: u32,
) -> dnstap_result {
    // SAFETY: as documented.
    unsafe {
        with(sink, |sink| {
            let types = options::message_types(message_types).map_err(|fault| fault.result)?;
            sink.set_message_types(types);
            Ok(())
        })
    }
}

/// Sets the name of the server, for each queue from its next message on. Any thread may call it.
///
/// @param sink      The sink.
/// @param identity  At most 65,535 bytes, which are copied; NULL for none.
/// @retval DNSTAP_OK
/// @retval DNSTAP_ERROR_LENGTH  `identity` is longer than 65,535 bytes.
/// @retval DNSTAP_ERROR_NULL    `sink` is NULL.
/// @retval DNSTAP_ERROR_HANDLE
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dnstap_sink_set_identity(
    sink: *mut dnstap_sink,
    identity: *const c_char,
) -> dnstap_result {
    // SAFETY: as documented.
    unsafe { with(sink, |sink| Ok(sink.set_identity(text(identity))?)) }
}

/// Sets the software and version of the server, for each queue from its next message on. Any thread
/// may call it.
///
/// @param sink     The sink.
/// @param version  At most 65,535 bytes, which are copied; NULL for none.
/// @retval DNSTAP_OK
/// @retval DNSTAP_ERROR_LENGTH  `version` is longer than 65,535 bytes.
/// @retval DNSTAP_ERROR_NULL    `sink` is NULL.
/// @retval DNSTAP_ERROR_HANDLE
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dnstap_sink_set_version(
    sink: *mut dnstap_sink,
    version: *const c_char,
) -> dnstap_result {
    // SAFETY: as documented.
    unsafe { with(sink, |sink| Ok(sink.set_version(text(version))?)) }
}

/// Sets the sample rate, for each queue from its next message on. Any thread may call it. A query
/// and its response are logged together or not at all, unless the rate changes between them.
///
/// @param sink         The sink.
/// @param sample_rate  As for dnstap_options_set_sample_rate().
/// @retval DNSTAP_OK
/// @retval DNSTAP_ERROR_VALUE   `sample_rate` is 0.
/// @retval DNSTAP_ERROR_NULL
/// @retval DNSTAP_ERROR_HANDLE
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dnstap_sink_set_sample_rate(
    sink: *mut dnstap_sink,
    sample_rate: c_uint,
) -> dnstap_result {
    // SAFETY: as documented.
    unsafe {
        with(sink, |sink| {
            let rate = options::sample_rate(sample_rate).map_err(|fault| fault.result)?;
            Ok(sink.set_sample_rate(rate)?)
        })
    }
}

/// Ends the stream after the current frame, and begins a new one. No message is lost or sent twice.
/// To rotate a file, rename it and call this function: a new file is created under the old name. A
/// file that was not renamed is continued. A socket is reconnected. Returns immediately; any thread
/// may call it.
///
/// @param sink  The sink.
/// @retval DNSTAP_OK
/// @retval DNSTAP_ERROR_NULL
/// @retval DNSTAP_ERROR_HANDLE
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dnstap_sink_reopen(sink: *mut dnstap_sink) -> dnstap_result {
    // SAFETY: as documented.
    unsafe {
        with(sink, |sink| {
            sink.reopen();
            Ok(())
        })
    }
}

/// Sends all messages that were logged before this call, without waiting for the flush interval,
/// and waits until they are sent. If the stream is down, an attempt to open it is made immediately.
/// For programs that are about to exit, or to call exec(), without closing the sink. Any thread may
/// call it.
///
/// @param sink          The sink.
/// @param milliseconds  Maximum time to wait; 0 returns immediately.
/// @retval DNSTAP_OK         All of these messages have been handed to the operating system, or
///                           dropped.
/// @retval DNSTAP_TIMED_OUT  Some of them are still pending; they stay in the rings.
/// @retval DNSTAP_ERROR_NULL
/// @retval DNSTAP_ERROR_HANDLE
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dnstap_sink_flush(
    sink: *mut dnstap_sink,
    milliseconds: c_uint,
) -> dnstap_result {
    // SAFETY: as documented.
    unsafe {
        with(sink, |sink| {
            let timeout = Duration::from_millis(milliseconds.into());
            if sink.flush(timeout) { Ok(()) } else { Err(DNSTAP_TIMED_OUT) }
        })
    }
}

/// Begins to close a sink, and returns immediately. From here on, messages are refused; in the
/// background, the writer thread sends the pending messages, closes the stream, and ends, within
/// the close timeout, which starts now. dnstap_sink_close() must still be called; it waits only for
/// the rest of the timeout. A program with several sinks should call this function for all of them
/// before it closes the first one, so that all are closed within a single timeout. Further calls
/// have no effect. Any thread may call it.
///
/// @param sink  The sink. Its events and dnstap_sink_get_stats() show the progress.
/// @retval DNSTAP_OK
/// @retval DNSTAP_ERROR_NULL
/// @retval DNSTAP_ERROR_HANDLE
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dnstap_sink_begin_close(sink: *mut dnstap_sink) -> dnstap_result {
    // SAFETY: as documented.
    unsafe {
        with(sink, |sink| {
            sink.begin_close();
            Ok(())
        })
    }
}

/// Sends the pending messages, closes the stream, ends the writer thread, and frees the sink.
/// Returns at the latest half a second after the close timeout, which starts with this call or has
/// started with dnstap_sink_begin_close(). No other thread may be using the sink. Its queues may
/// still exist; messages that are logged to them from here on are refused. Pending events are
/// freed: retrieve them before this call.
///
/// If the stream is down and messages are pending, one more attempt to open it is made immediately.
/// If it fails, the messages are dropped without further waiting, and counted as `dropped_closed`.
///
/// A program that ends without this call, by exit() or a signal, loses the pending messages: those
/// of the last flush interval, or more if the receiver is away. dnstap_sink_flush() sends them.
///
/// @param[in,out] sink  Pointer to the sink; set to NULL.
/// @param[out] stats    Receives the final counters, as from dnstap_sink_get_stats(); may be NULL.
/// @retval DNSTAP_OK            The sink is closed, or was NULL already.
/// @retval DNSTAP_ERROR_SIZE    The sink is closed, but `stats->size` is not set.
/// @retval DNSTAP_ERROR_NULL    `sink` is NULL.
/// @retval DNSTAP_ERROR_HANDLE  Not closed: the handle is not a sink.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dnstap_sink_close(
    sink: *mut *mut dnstap_sink,
    stats: *mut dnstap_stats,
) -> dnstap_result {
    dnstap_result::of(|| {
        // SAFETY: as documented.
        let Some(taken) = unsafe { take(sink) }? else { return Ok(()) };
        let sink = &taken.value().sink;
        sink.close();
        if stats.is_null() {
            return Ok(());
        }
        // SAFETY: as documented.
        unsafe { store_stats(sink, stats) }
    })
}

/// Runs a function on a sink.
///
/// # Safety
/// `sink` is NULL or a handle of this library.
unsafe fn with(
    sink: *const dnstap_sink,
    run: impl FnOnce(&Sink) -> Result<(), dnstap_result>,
) -> dnstap_result {
    // SAFETY: passed on to the caller.
    unsafe { with_open(sink, |open| run(&open.sink)) }
}

/// Runs a function on a sink and its event text.
///
/// # Safety
/// As for [`with`].
pub(crate) unsafe fn with_open(
    sink: *const dnstap_sink,
    run: impl FnOnce(&OpenSink) -> Result<(), dnstap_result>,
) -> dnstap_result {
    // SAFETY: passed on to the caller.
    dnstap_result::of(|| unsafe { borrow(sink) }.and_then(run))
}
