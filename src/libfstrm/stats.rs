// SPDX-License-Identifier: MIT OR Apache-2.0

use std::ffi::c_uint;
use std::time::Duration;

use ffi::{Growing, borrow, borrow_mut, growing, guard, store_sized};
use framestream::iothr::LinkState;

use crate::iothr::{fstrm_iothr, fstrm_iothr_options, set};
use crate::res::*;
use crate::writer::fstrm_writer_options;

/// The state of the stream of a writer thread.
#[derive(Clone, Copy)]
#[repr(C)]
pub enum fstrm_iothr_state {
    /// There is no stream; the writer thread will try to open one when its timer expires.
    FSTRM_IOTHR_STATE_DISCONNECTED,
    /// The writer thread is connecting, or in the handshake.
    FSTRM_IOTHR_STATE_CONNECTING,
    /// The stream is open.
    FSTRM_IOTHR_STATE_CONNECTED,
    /// The stream is being closed, or the writer thread has ended.
    FSTRM_IOTHR_STATE_CLOSING,
}

/// Counters of a writer thread. At every moment `accepted = written + waiting +
/// lost_closing + lost_error`.
///
/// The counters of a forked child start at 0: frames that were submitted before the fork, including
/// pending ones, belong to the parent.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct fstrm_iothr_stats {
    /// Size of this struct in bytes, set by the caller: later versions may be longer.
    pub size: usize,
    /// The state of the stream: one of fstrm_iothr_state.
    pub state: u32,
    /// Frames that fstrm_iothr_submit() accepted.
    pub accepted: u64,
    /// Frames that fstrm_iothr_submit() refused because the queue was full.
    pub refused: u64,
    /// Frames that were handed to the operating system. They include those that the receiver had
    /// not read when it died, which no sender can count.
    pub written: u64,
    /// Pending frames, which are in the queues or in the memory of the writer thread.
    pub waiting: u64,
    /// Frames that could not be sent before the thread was closed, or were submitted while it was
    /// being closed.
    pub lost_closing: u64,
    /// Frames in a failed call of a caller's own `write` function, which does not report how many
    /// of them it wrote.
    pub lost_error: u64,
    /// Bytes sent: data frames with their length prefixes, without control frames. Includes the
    /// part of a frame that was sent before a stream broke.
    pub bytes_written: u64,
    /// Streams that were opened.
    pub connects: u64,
    /// Failed attempts to open a stream.
    pub connect_failures: u64,
    /// Streams that broke.
    pub disconnects: u64,
}

growing!(fstrm_iothr_stats, 96, disconnects);

// There is only one version so far.
const _: () = assert!(size_of::<fstrm_iothr_stats>() == fstrm_iothr_stats::FIRST_SIZE);

impl From<LinkState> for fstrm_iothr_state {
    fn from(state: LinkState) -> Self {
        match state {
            LinkState::Disconnected => Self::FSTRM_IOTHR_STATE_DISCONNECTED,
            LinkState::Connecting => Self::FSTRM_IOTHR_STATE_CONNECTING,
            LinkState::Connected => Self::FSTRM_IOTHR_STATE_CONNECTED,
            LinkState::Closing => Self::FSTRM_IOTHR_STATE_CLOSING,
        }
    }
}

/// Retrieves the current counters of a writer thread. Any thread may call it.
///
/// @param iothr          The writer thread.
/// @param[in,out] stats  Receives the counters; `stats->size` must be set to its size before.
///                       Fields that this version of the library does not know are set to 0.
/// @retval fstrm_res_success
/// @retval fstrm_res_invalid  `stats->size` is smaller than that of the first version of the
///                            struct, or a pointer is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fstrm_iothr_get_stats(
    iothr: *const fstrm_iothr,
    stats: *mut fstrm_iothr_stats,
) -> fstrm_res {
    guard(fstrm_res_invalid, || {
        // SAFETY: as documented.
        let Some(iothr) = (unsafe { borrow(iothr) }) else { return fstrm_res_invalid };
        let now = iothr.thread.stats();
        let filled = fstrm_iothr_stats {
            size: size_of::<fstrm_iothr_stats>(),
            accepted: now.accepted,
            refused: now.refused,
            written: now.written,
            waiting: now.waiting,
            lost_closing: now.lost_closing,
            lost_error: now.lost_error,
            bytes_written: now.bytes_written,
            connects: now.connects,
            connect_failures: now.connect_failures,
            disconnects: now.disconnects,
            state: fstrm_iothr_state::from(now.state) as u32,
        };
        // SAFETY: as documented.
        let stored = unsafe { store_sized(stats, &filled) };
        stored.map_or(fstrm_res_invalid, |()| fstrm_res_success)
    })
}

/// Ends a writer thread like fstrm_iothr_destroy(), but keeps the handle, so that
/// fstrm_iothr_get_stats() can report the last frames. From here on, fstrm_iothr_submit() fails; a
/// frame that another thread submits at the same time may be too late, and is counted as lost.
///
/// @param iothr  The writer thread, still to be destroyed.
/// @retval fstrm_res_success  The thread has ended.
/// @retval fstrm_res_failure  The thread is blocked in a function of the caller, or `iothr` is
///                            NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fstrm_iothr_close(iothr: *mut fstrm_iothr) -> fstrm_res {
    // SAFETY: as documented.
    done(|| unsafe { borrow(iothr) }?.thread.close().then_some(()))
}

/// Sets the time limit of fstrm_iothr_destroy() for sending the pending frames and closing the
/// stream.
///
/// @param opt            The options.
/// @param close_timeout  In milliseconds, up to 600,000; 2,000 by default.
/// @retval fstrm_res_success
/// @retval fstrm_res_failure  The value is out of range, or `opt` is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fstrm_iothr_options_set_close_timeout(
    opt: *mut fstrm_iothr_options,
    close_timeout: c_uint,
) -> fstrm_res {
    let value = Duration::from_millis(close_timeout.into());
    // SAFETY: as documented.
    unsafe { set(opt, close_timeout, 0..=600_000, |options| options.sender.close_timeout = value) }
}

/// Sets the maximum amount of memory, in addition to the queues, for frames that the receiver has
/// not accepted yet.
///
/// @param opt           The options.
/// @param memory_limit  In bytes, at least 131,072; 16 MiB by default.
/// @retval fstrm_res_success
/// @retval fstrm_res_failure  The value is out of range, or `opt` is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fstrm_iothr_options_set_memory_limit(
    opt: *mut fstrm_iothr_options,
    memory_limit: usize,
) -> fstrm_res {
    // SAFETY: as documented.
    unsafe { set(opt, memory_limit, 131_072.., |options| options.memory_limit = memory_limit) }
}

/// Sets the time limit for a receiver that makes no progress: while connecting, in handshakes, and
/// in writes other than those of an fstrm_iothr.
///
/// @param wopt        The options.
/// @param io_timeout  In milliseconds, from 1 to 600,000; 5,000 by default.
/// @retval fstrm_res_success
/// @retval fstrm_res_failure  The value is out of range, or `wopt` is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fstrm_writer_options_set_io_timeout(
    wopt: *mut fstrm_writer_options,
    io_timeout: c_uint,
) -> fstrm_res {
    done(|| {
        // SAFETY: as documented.
        let wopt = unsafe { borrow_mut(wopt) }.filter(|_| (1..=600_000).contains(&io_timeout))?;
        wopt.0.io_timeout = Duration::from_millis(io_timeout.into());
        Some(())
    })
}
