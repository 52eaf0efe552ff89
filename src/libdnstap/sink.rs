// SPDX-License-Identifier: MIT OR Apache-2.0

use std::ffi::{CString, c_char, c_uint};
use std::ptr;
use std::time::{Duration, UNIX_EPOCH};

use dnstap::sink::{self, MESSAGE_TYPES, Sink};
use framestream::sender::LinkState;
use humantime::format_rfc3339_seconds;

use ffi::growing;

use crate::event::EventText;
use crate::handle::{Handle, Tag, borrow, take};
use crate::options::{self, dnstap_options, text};
use crate::result::*;

/// One output with its writer thread.
pub type dnstap_sink = Handle<OpenSink>;

/// What is behind a `dnstap_sink`.
pub struct OpenSink {
    pub(crate) sink: Sink,
    pub(crate) event_text: EventText,
}

impl OpenSink {
    fn new(sink: Sink) -> Self {
        Self { sink, event_text: EventText::leaf(CString::default()) }
    }
}

impl Tag for OpenSink {
    const TAG: u32 = u32::from_ne_bytes(*b"dtsi");
}

/// Where a writer thread stands with its receiver.
#[derive(Clone, Copy)]
#[repr(C)]
pub enum dnstap_state {
    /// No connection; the next try is on a timer.
    DNSTAP_STATE_DISCONNECTED = 0,
    /// Connecting, or in the handshake.
    DNSTAP_STATE_CONNECTING = 1,
    /// The stream is open.
    DNSTAP_STATE_CONNECTED = 2,
    /// The stream is being closed, or the thread has ended.
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

/// Number of entries in an array by message type: one for each bit of a set, so that there is room
/// for later types.
pub const DNSTAP_MESSAGE_TYPE_COUNT: usize = 32;

const _: () = assert!(DNSTAP_MESSAGE_TYPE_COUNT >= MESSAGE_TYPES);

/// Counts of messages by their fate. At every moment `logged = sent + waiting + dropped_full +
/// dropped_too_long + dropped_invalid + dropped_closed`.
///
/// The counters of a forked child start at 0: earlier events, and those pending at the fork, belong
/// to its parent.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct dnstap_stats {
    /// Size in bytes of this struct, set by the caller, as DNSTAP_STATS_INIT does: later versions may
    /// be longer.
    pub size: usize,
    /// Messages that were logged: of enabled types, and in the sample.
    pub logged: u64,
    /// Messages handed over to the operating system. What a receiver had not read when it died is
    /// among them: no sender can know.
    pub sent: u64,
    /// Messages in the rings.
    pub waiting: u64,
    /// Messages for which the ring was full, and those of freed queues that were dropped for new
    /// queues (dnstap_options_set_freed_queue_bytes()).
    pub dropped_full: u64,
    /// Messages longer than half of their ring.
    pub dropped_too_long: u64,
    /// Messages that are invalid, such as with an address of the wrong family.
    pub dropped_invalid: u64,
    /// Messages that were not sent within the close timeout, or came too late to be sent.
    pub dropped_closed: u64,
    /// Messages of enabled types that were left out of the sample. They are not among those logged.
    pub sampled_out: u64,
    /// Bytes sent, with the lengths of the frames and without control frames.
    pub bytes_sent: u64,
    /// Streams that were opened up to START.
    pub connects: u64,
    /// Failed attempts to open a stream.
    pub connect_failures: u64,
    /// Streams that broke off.
    pub disconnects: u64,
    /// Where the writer thread stands with the receiver: one of enum dnstap_state.
    pub state: u32,
    /// The messages that were logged, by number of enum dnstap_message_type.
    pub logged_by_type: [u64; DNSTAP_MESSAGE_TYPE_COUNT],
}

growing!(dnstap_stats, 368, logged_by_type);

impl From<sink::Stats> for dnstap_stats {
    fn from(stats: sink::Stats) -> Self {
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

/// Stores the accounts.
///
/// # Safety
/// `place` as documented.
unsafe fn store_stats(sink: &Sink, place: *mut dnstap_stats) -> Result<(), dnstap_result> {
    // SAFETY: passed on to the caller.
    Ok(unsafe { ffi::store_sized(place, &sink.stats().into()) }?)
}

/// Opens a sink: starts the writer thread, which connects, and connects again whenever that fails.
/// Never waits for the receiver, which may come later: dnstap_sink_next_event() tells when it does.
/// The writer thread blocks all signals.
///
/// A process that forks may do so before or after: a child that goes on logging gets a writer
/// thread and a stream of its own. Instead of a regular file that is PATH.PID, with its process ID;
/// only the parent writes to a FIFO. The descriptors of the parent are closed in the child. A child
/// made by _Fork() or clone(), which run no fork handlers, must not use the library.
///
/// While a fork is under way, any call but dnstap_log() and dnstap_enabled() may wait for its end. A
/// thread that makes one must not hold a lock which a fork handler of the program takes.
///
/// @param options     The options, with an output; copied. dnstap_options_get_error() has more
///                    about an error.
/// @param[out] error  Why there is no sink; DNSTAP_OK if there is. May be NULL.
/// @return            The sink, to be closed with dnstap_sink_close(); NULL on an error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dnstap_sink_open(
    options: *mut dnstap_options,
    error: *mut dnstap_result,
) -> *mut dnstap_sink {
    let opened = ffi::guard(Err(DNSTAP_ERROR_INTERNAL), || {
        ffi::watch_for_forks();
        // SAFETY: as documented.
        let options = unsafe { crate::handle::borrow_mut(options) }?;
        options.attempt(|options| Sink::open(options.clone()))
    });
    let (sink, result) = match opened {
        Ok(sink) => (Handle::give(OpenSink::new(sink)), DNSTAP_OK),
        Err(error) => (ptr::null_mut(), error),
    };
    // SAFETY: as documented.
    unsafe { ffi::store(error, result) };
    sink
}

/// Retrieves the accounts at this moment. Any thread may call it.
///
/// @param sink           The sink.
/// @param[in,out] stats  Where the accounts go; `stats->size` is to be set before. Fields that this
///                       version does not know are set to 0.
/// @retval DNSTAP_OK
/// @retval DNSTAP_ERROR_SIZE
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

/// Tells when and why the last try to connect failed, or the last stream broke off, in a line
/// without a full stop, such as "2026-03-01T12:00:00Z: /run/tap.sock: connecting: No such file or
/// directory". The time is in UTC. It stays after the sink has connected again; the state and the
/// events tell what holds now. Any thread may call it.
///
/// @param sink       The sink.
/// @param[out] line  Where the line goes, cut off at the size and ended by NUL; empty if nothing
///                   has failed in this process.
/// @param size       Bytes there.
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

/// Sets the message types that are logged, for every queue from its next message on. Any thread may
/// call it.
///
/// @param sink           The sink.
/// @param message_types  As for dnstap_options_set_message_types().
/// @retval DNSTAP_OK
/// @retval DNSTAP_ERROR_VALUE   A bit is that of no message type.
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
            let types = options::message_types(message_types).map_err(|fault| fault.result())?;
            sink.set_message_types(types);
            Ok(())
        })
    }
}

/// Sets who logs, for every queue from its next message on. Any thread may call it.
///
/// @param sink      The sink.
/// @param identity  A string, which is copied; NULL leaves it out.
/// @retval DNSTAP_OK
/// @retval DNSTAP_ERROR_LENGTH
/// @retval DNSTAP_ERROR_NULL
/// @retval DNSTAP_ERROR_HANDLE
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dnstap_sink_set_identity(
    sink: *mut dnstap_sink,
    identity: *const c_char,
) -> dnstap_result {
    // SAFETY: as documented.
    unsafe { with(sink, |sink| Ok(sink.set_identity(text(identity))?)) }
}

/// Sets what software logs, for every queue from its next message on. Any thread may call it.
///
/// @param sink     The sink.
/// @param version  A string, which is copied; NULL leaves it out.
/// @retval DNSTAP_OK
/// @retval DNSTAP_ERROR_LENGTH
/// @retval DNSTAP_ERROR_NULL
/// @retval DNSTAP_ERROR_HANDLE
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dnstap_sink_set_version(
    sink: *mut dnstap_sink,
    version: *const c_char,
) -> dnstap_result {
    // SAFETY: as documented.
    unsafe { with(sink, |sink| Ok(sink.set_version(text(version))?)) }
}

/// Ends the stream and begins a new one, as soon as the frame that is under way is out; nothing is
/// lost or sent twice. For the rotation of a file: rename it, call this, and a new one is made with
/// its name; one that was not renamed goes on. A socket is connected anew. Returns at once; any
/// thread may call it.
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

/// Sends the messages that were logged before this call at once, instead of within the flush
/// interval, and waits until they are sent. If the stream is down, this tries to open it at once.
/// Any thread may call it. For a program that is about to end, or to exec, without closing the
/// sink.
///
/// @param sink          The sink.
/// @param milliseconds  Longest time to wait; 0 does not wait.
/// @retval DNSTAP_OK         All of these messages were handed over to the operating system, or
///                           dropped.
/// @retval DNSTAP_TIMED_OUT  Some are still pending; they stay in the rings.
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

/// Begins to close a sink and returns at once: messages are refused from here on, the pending ones
/// are sent, the stream is closed and the writer thread ends in the background, and the close
/// timeout starts. dnstap_sink_close() must still be called; it then waits only for the rest of the
/// timeout. A program with several sinks calls this for each of them before it closes the first, so
/// that all are closed within one close timeout. Further calls do nothing. Any thread may call it.
///
/// @param sink  The sink. dnstap_sink_get_stats() shows its progress.
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

/// Sends what waits, closes the stream, ends the writer thread, and frees the sink. Always returns:
/// half a second after the close timeout at the latest, which starts now or has started with
/// dnstap_sink_begin_close(). Queues may still be there; what is logged to them from here on is not.
///
/// A program that ends without it, by exit() or a signal, loses the pending messages: those of the
/// last flush interval, more if the receiver is away. dnstap_sink_flush() sends them.
///
/// @param[in,out] sink  Where the sink is; NULL is left there.
/// @param[out] stats    The last accounts, as from dnstap_sink_get_stats(); may be NULL.
/// @retval DNSTAP_OK    Closed, or NULL already.
/// @retval DNSTAP_ERROR_SIZE    Closed, but the accounts have no room.
/// @retval DNSTAP_ERROR_NULL    `sink` is NULL.
/// @retval DNSTAP_ERROR_HANDLE  Not closed: it is no sink.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dnstap_sink_close(
    sink: *mut *mut dnstap_sink,
    stats: *mut dnstap_stats,
) -> dnstap_result {
    ffi::guard(DNSTAP_ERROR_INTERNAL, || {
        // SAFETY: as documented.
        let taken = match unsafe { take(sink) } {
            Ok(Some(taken)) => taken,
            Ok(None) => return DNSTAP_OK,
            Err(error) => return error,
        };
        let sink = &taken.value().sink;
        sink.close();
        if stats.is_null() {
            return DNSTAP_OK;
        }
        // SAFETY: as documented.
        dnstap_result::from_done(unsafe { store_stats(sink, stats) })
    })
}

/// Does something with a sink.
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

/// The same with all that belongs to the sink.
///
/// # Safety
/// As for [`with`].
pub(crate) unsafe fn with_open(
    sink: *const dnstap_sink,
    run: impl FnOnce(&OpenSink) -> Result<(), dnstap_result>,
) -> dnstap_result {
    ffi::guard(DNSTAP_ERROR_INTERNAL, || {
        // SAFETY: passed on to the caller.
        dnstap_result::from_done(unsafe { borrow(sink) }.and_then(run))
    })
}
