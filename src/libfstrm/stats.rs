// SPDX-License-Identifier: MIT OR Apache-2.0

use std::ffi::c_uint;
use std::time::Duration;

use ffi::{Growing, borrow, borrow_mut, growing, guard, store_sized};
use framestream::iothr::LinkState;

use crate::iothr::{fstrm_iothr, fstrm_iothr_options};
use crate::res::*;
use crate::writer::fstrm_writer_options;

/// Where a writer thread stands with its receiver.
#[derive(Clone, Copy)]
#[repr(C)]
pub enum fstrm_iothr_state {
    /// No connection; the next try is on a timer.
    FSTRM_IOTHR_STATE_DISCONNECTED,
    /// Connecting, or in the handshake.
    FSTRM_IOTHR_STATE_CONNECTING,
    /// Between START and STOP.
    FSTRM_IOTHR_STATE_CONNECTED,
    /// STOP is sent, or the thread has ended.
    FSTRM_IOTHR_STATE_CLOSING,
}

/// Counts of submitted frames by their fate. At every moment `accepted = written + waiting +
/// lost_closing + lost_error`.
///
/// The counters of a forked child start at 0: earlier frames, and those pending at the fork, belong
/// to its parent.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct fstrm_iothr_stats {
    /// Size in bytes of this struct, set by the caller: later versions may be longer.
    pub size: usize,
    /// Where the thread stands with its receiver: one of fstrm_iothr_state.
    pub state: u32,
    /// Frames that fstrm_iothr_submit() took.
    pub accepted: u64,
    /// Frames that fstrm_iothr_submit() gave back because the queue was full.
    pub refused: u64,
    /// Frames handed over to the operating system. What a receiver had not read when it died is
    /// among them: no sender can know.
    pub written: u64,
    /// Frames in the queues and in the memory of the writer thread.
    pub waiting: u64,
    /// Frames that could not be sent within the close timeout, or were submitted too late to be
    /// sent.
    pub lost_closing: u64,
    /// Frames in a write that a caller's own `write` function failed, which does not tell how many
    /// of them it wrote.
    pub lost_error: u64,
    /// Bytes of the written frames and their lengths, without control frames. Of a frame that a
    /// broken stream tore, what was sent of it counts too.
    pub bytes_written: u64,
    /// Streams that were opened up to START.
    pub connects: u64,
    /// Tries to open a stream that failed.
    pub connect_failures: u64,
    /// Streams that broke off.
    pub disconnects: u64,
}

growing!(fstrm_iothr_stats, 96, disconnects);

// There is no version but the first yet.
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

/// Retrieves the accounts of a writer thread at this moment. Any thread may call it.
///
/// @param iothr          The writer thread.
/// @param[in,out] stats  Where the accounts go; `stats->size` is to be set to its size before.
///                       Fields that this version does not know are set to 0.
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
        let now = iothr.stats();
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

/// Ends a writer thread as fstrm_iothr_destroy() does, but keeps the handle, so that
/// fstrm_iothr_get_stats() can tell what became of the last frames. fstrm_iothr_submit() fails from
/// here on; a frame that another thread submits at this very moment may come too late, and is counted
/// as lost.
///
/// @param iothr  The writer thread, still to be destroyed.
/// @retval fstrm_res_success  It has ended.
/// @retval fstrm_res_failure  It is held up in a function of the caller's own, or `iothr` is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fstrm_iothr_close(iothr: *mut fstrm_iothr) -> fstrm_res {
    guard(fstrm_res_failure, || {
        // SAFETY: as documented.
        fstrm_res::from_done(unsafe { borrow(iothr) }.is_some_and(fstrm_iothr::close))
    })
}

/// Sets how long fstrm_iothr_destroy() may take to send what waits and to close the stream.
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
    guard(fstrm_res_failure, || {
        // SAFETY: as documented.
        let opt = unsafe { borrow_mut(opt) }.filter(|_| close_timeout <= 600_000);
        let value = Duration::from_millis(close_timeout.into());
        fstrm_res::from_done(opt.map(|opt| opt.0.sender.close_timeout = value).is_some())
    })
}

/// Sets how much a writer thread holds, beside its queues, of what the receiver has not taken.
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
    guard(fstrm_res_failure, || {
        // SAFETY: as documented.
        let opt = unsafe { borrow_mut(opt) }.filter(|_| memory_limit >= 131_072);
        fstrm_res::from_done(opt.map(|opt| opt.0.memory_limit = memory_limit).is_some())
    })
}

/// Sets how long a writer waits for a receiver that makes no progress, in connecting, in the
/// handshakes, and in a write that is not an fstrm_iothr's.
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
    guard(fstrm_res_failure, || {
        // SAFETY: as documented.
        let wopt = unsafe { borrow_mut(wopt) }.filter(|_| (1..=600_000).contains(&io_timeout));
        let value = Duration::from_millis(io_timeout.into());
        fstrm_res::from_done(wopt.map(|wopt| wopt.0.io_timeout = value).is_some())
    })
}
