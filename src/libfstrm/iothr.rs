// SPDX-License-Identifier: MIT OR Apache-2.0

use std::ffi::{c_uint, c_void};
use std::mem::{self, MaybeUninit};
use std::ops::RangeBounds;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use std::{ptr, slice};

use ffi::{borrow, borrow_mut, guard, number, take, watch_for_forks};
use framestream::iothr::{FrameProducer, IoThr, IoThrOptions, Payload, Refused};
use framestream::queue::QueueModel;

use crate::res::*;
use crate::writer::fstrm_writer;

/// Minimum `buffer_hint`, in bytes.
pub const FSTRM_IOTHR_BUFFER_HINT_MIN: c_uint = 1024;
/// Default `buffer_hint`, in bytes.
pub const FSTRM_IOTHR_BUFFER_HINT_DEFAULT: c_uint = 8192;
/// Maximum `buffer_hint`, in bytes.
pub const FSTRM_IOTHR_BUFFER_HINT_MAX: c_uint = 65536;

/// Minimum `flush_timeout`, in seconds.
pub const FSTRM_IOTHR_FLUSH_TIMEOUT_MIN: c_uint = 1;
/// Default `flush_timeout`, in seconds.
pub const FSTRM_IOTHR_FLUSH_TIMEOUT_DEFAULT: c_uint = 1;
/// Maximum `flush_timeout`, in seconds.
pub const FSTRM_IOTHR_FLUSH_TIMEOUT_MAX: c_uint = 600;

/// Minimum `input_queue_size`, in frames.
pub const FSTRM_IOTHR_INPUT_QUEUE_SIZE_MIN: c_uint = 2;
/// Default `input_queue_size`, in frames.
pub const FSTRM_IOTHR_INPUT_QUEUE_SIZE_DEFAULT: c_uint = 512;
/// Maximum `input_queue_size`, in frames.
pub const FSTRM_IOTHR_INPUT_QUEUE_SIZE_MAX: c_uint = 16384;

/// Minimum `num_input_queues`.
pub const FSTRM_IOTHR_NUM_INPUT_QUEUES_MIN: c_uint = 1;
/// Default `num_input_queues`.
pub const FSTRM_IOTHR_NUM_INPUT_QUEUES_DEFAULT: c_uint = 1;

/// Minimum `output_queue_size`, in frames.
pub const FSTRM_IOTHR_OUTPUT_QUEUE_SIZE_MIN: c_uint = 2;
/// Default `output_queue_size`, in frames.
pub const FSTRM_IOTHR_OUTPUT_QUEUE_SIZE_DEFAULT: c_uint = 64;
/// Maximum `output_queue_size`, in frames: `IOV_MAX` on Linux.
pub const FSTRM_IOTHR_OUTPUT_QUEUE_SIZE_MAX: c_uint = 1024;

/// Minimum `queue_notify_threshold`, in frames.
pub const FSTRM_IOTHR_QUEUE_NOTIFY_THRESHOLD_MIN: c_uint = 1;
/// Default `queue_notify_threshold`, in frames.
pub const FSTRM_IOTHR_QUEUE_NOTIFY_THRESHOLD_DEFAULT: c_uint = 32;

/// Minimum `reopen_interval`, in seconds.
pub const FSTRM_IOTHR_REOPEN_INTERVAL_MIN: c_uint = 1;
/// Default `reopen_interval`, in seconds.
pub const FSTRM_IOTHR_REOPEN_INTERVAL_DEFAULT: c_uint = 5;
/// Maximum `reopen_interval`, in seconds.
pub const FSTRM_IOTHR_REOPEN_INTERVAL_MAX: c_uint = 600;

/// Maximum number of queues: more than any machine has threads for.
const NUM_INPUT_QUEUES_MAX: usize = 1 << 16;

/// Maximum length of a frame: fstrm refuses the largest 32-bit number.
const FRAME_LEN_MAX: u32 = u32::MAX - 1;

/// The number of threads that submit to a queue at the same time.
#[repr(C)]
pub enum fstrm_iothr_queue_model {
    /// One thread.
    FSTRM_IOTHR_QUEUE_MODEL_SPSC,
    /// Any number of threads.
    FSTRM_IOTHR_QUEUE_MODEL_MPSC,
}

/// Default `queue_model`.
pub const FSTRM_IOTHR_QUEUE_MODEL_DEFAULT: fstrm_iothr_queue_model =
    fstrm_iothr_queue_model::FSTRM_IOTHR_QUEUE_MODEL_SPSC;

/// The options of a writer thread.
pub struct fstrm_iothr_options(IoThrOptions);

/// A writer thread with its queues.
pub struct fstrm_iothr {
    pub(crate) thread: IoThr<Frame>,
    queues: Box<[fstrm_iothr_queue]>,
    next_queue: AtomicUsize,
}

/// A queue of a writer thread.
#[repr(transparent)]
pub struct fstrm_iothr_queue(FrameProducer<Frame>);

/// A data frame in the caller's memory.
pub(crate) struct Frame {
    data: *const u8,
    len: u32,
    free_func: Option<unsafe extern "C" fn(buf: *mut c_void, free_data: *mut c_void)>,
    free_data: *mut c_void,
}

// SAFETY: the caller that submits a frame lets the writer thread read and free it.
unsafe impl Send for Frame {}

impl Payload for Frame {
    #[inline]
    fn bytes(&self) -> &[u8] {
        // SAFETY: submitted as `len` bytes, which are valid until they are freed.
        unsafe { slice::from_raw_parts(self.data, self.len as usize) }
    }
}

impl Drop for Frame {
    #[inline]
    fn drop(&mut self) {
        if let Some(free_func) = self.free_func {
            // SAFETY: submitted to be called once with these arguments, which happens here.
            unsafe { free_func(self.data.cast_mut().cast(), self.free_data) };
        }
    }
}

/// Sets an option if its value is in range.
///
/// # Safety
/// As for [`borrow_mut`].
pub(crate) unsafe fn set<T: PartialOrd>(
    opt: *mut fstrm_iothr_options,
    value: T,
    range: impl RangeBounds<T>,
    store: impl FnOnce(&mut IoThrOptions),
) -> fstrm_res {
    done(|| {
        // SAFETY: passed on to the caller.
        let opt = unsafe { borrow_mut(opt) }.filter(|_| range.contains(&value))?;
        store(&mut opt.0);
        Some(())
    })
}

/// Creates writer thread options with the default values.
///
/// @return The options, to be destroyed with fstrm_iothr_options_destroy().
#[unsafe(no_mangle)]
pub extern "C" fn fstrm_iothr_options_init() -> *mut fstrm_iothr_options {
    guard(ptr::null_mut(), || ffi::give(fstrm_iothr_options(IoThrOptions::default())))
}

/// Destroys writer thread options.
///
/// @param[in,out] opt  Pointer to the options; set to NULL. If it is NULL already, nothing happens.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fstrm_iothr_options_destroy(opt: *mut *mut fstrm_iothr_options) {
    // SAFETY: as documented.
    guard((), || drop(unsafe { take(opt) }));
}

/// Sets the number of bytes, including the lengths of the frames, that are gathered for one call of
/// a stream's own `write` function (fstrm_rdwr_set_write()); a longer frame is written by itself.
/// This library does not use it for files and sockets, to which it writes all pending frames, up to
/// 64 KiB at once.
///
/// @param opt          The options.
/// @param buffer_hint  From #FSTRM_IOTHR_BUFFER_HINT_MIN to #FSTRM_IOTHR_BUFFER_HINT_MAX bytes.
/// @retval fstrm_res_success
/// @retval fstrm_res_failure  The value is out of range, or `opt` is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fstrm_iothr_options_set_buffer_hint(
    opt: *mut fstrm_iothr_options,
    buffer_hint: c_uint,
) -> fstrm_res {
    let range = FSTRM_IOTHR_BUFFER_HINT_MIN..=FSTRM_IOTHR_BUFFER_HINT_MAX;
    // SAFETY: as documented.
    unsafe { set(opt, buffer_hint, range, |options| options.batch_bytes = buffer_hint as usize) }
}

/// Sets the maximum time that a frame waits for further frames, to be sent together with them.
///
/// @param opt            The options.
/// @param flush_timeout  From #FSTRM_IOTHR_FLUSH_TIMEOUT_MIN to #FSTRM_IOTHR_FLUSH_TIMEOUT_MAX
///                       seconds.
/// @retval fstrm_res_success
/// @retval fstrm_res_failure  The value is out of range, or `opt` is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fstrm_iothr_options_set_flush_timeout(
    opt: *mut fstrm_iothr_options,
    flush_timeout: c_uint,
) -> fstrm_res {
    let range = FSTRM_IOTHR_FLUSH_TIMEOUT_MIN..=FSTRM_IOTHR_FLUSH_TIMEOUT_MAX;
    let value = Duration::from_secs(flush_timeout.into());
    // SAFETY: as documented.
    unsafe { set(opt, flush_timeout, range, |options| options.sender.flush_timeout = value) }
}

/// Sets the capacity of each queue in frames. This library uses it as a minimum: the capacity is
/// rounded up to a power of two, and at least 4096.
///
/// @param opt               The options.
/// @param input_queue_size  From #FSTRM_IOTHR_INPUT_QUEUE_SIZE_MIN to
///                          #FSTRM_IOTHR_INPUT_QUEUE_SIZE_MAX frames; an even number.
/// @retval fstrm_res_success
/// @retval fstrm_res_failure  The value is out of range or odd, or `opt` is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fstrm_iothr_options_set_input_queue_size(
    opt: *mut fstrm_iothr_options,
    input_queue_size: c_uint,
) -> fstrm_res {
    if input_queue_size % 2 != 0 {
        return fstrm_res_failure;
    }
    let range = FSTRM_IOTHR_INPUT_QUEUE_SIZE_MIN..=FSTRM_IOTHR_INPUT_QUEUE_SIZE_MAX;
    let value = input_queue_size as usize;
    // SAFETY: as documented.
    unsafe { set(opt, input_queue_size, range, |options| options.input_queue_size = value) }
}

/// Sets the number of queues. Each thread that submits many frames should have a queue of its own.
///
/// @param opt               The options.
/// @param num_input_queues  At least #FSTRM_IOTHR_NUM_INPUT_QUEUES_MIN. With more than 65,536,
///                          fstrm_iothr_init() fails.
/// @retval fstrm_res_success
/// @retval fstrm_res_failure  The value is out of range, or `opt` is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fstrm_iothr_options_set_num_input_queues(
    opt: *mut fstrm_iothr_options,
    num_input_queues: c_uint,
) -> fstrm_res {
    let range = FSTRM_IOTHR_NUM_INPUT_QUEUES_MIN..=c_uint::MAX;
    let value = num_input_queues as usize;
    // SAFETY: as documented.
    unsafe { set(opt, num_input_queues, range, |options| options.num_input_queues = value) }
}

/// Sets the number of frames that are gathered for a stream's own `write` function
/// (fstrm_rdwr_set_write()), which gets at most 128 of them in one call. This library does not use
/// it for files and sockets, to which it writes all pending frames, up to 64 KiB at once.
///
/// @param opt                The options.
/// @param output_queue_size  From #FSTRM_IOTHR_OUTPUT_QUEUE_SIZE_MIN to
///                           #FSTRM_IOTHR_OUTPUT_QUEUE_SIZE_MAX frames.
/// @retval fstrm_res_success
/// @retval fstrm_res_failure  The value is out of range, or `opt` is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fstrm_iothr_options_set_output_queue_size(
    opt: *mut fstrm_iothr_options,
    output_queue_size: c_uint,
) -> fstrm_res {
    let range = FSTRM_IOTHR_OUTPUT_QUEUE_SIZE_MIN..=FSTRM_IOTHR_OUTPUT_QUEUE_SIZE_MAX;
    let value = output_queue_size as usize;
    // SAFETY: as documented.
    unsafe { set(opt, output_queue_size, range, |options| options.batch_frames = value) }
}

/// Sets whether several threads may submit to one queue at the same time.
///
/// @param opt          The options.
/// @param queue_model  Single or multiple producers.
/// @retval fstrm_res_success
/// @retval fstrm_res_failure  The value is not a known model, or `opt` is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fstrm_iothr_options_set_queue_model(
    opt: *mut fstrm_iothr_options,
    queue_model: MaybeUninit<fstrm_iothr_queue_model>,
) -> fstrm_res {
    let models = [QueueModel::Spsc, QueueModel::Mpsc];
    let value = number(queue_model);
    let store = |options: &mut IoThrOptions| options.queue_model = models[value as usize];
    // SAFETY: as documented.
    unsafe { set(opt, value, 0..=1, store) }
}

/// Sets the free capacity at which the writer thread is woken: when no more than this number of
/// `input_queue_size` frames fit into the queue, and no later than when the queue is half full. (In
/// fstrm 0.6.1, it is the free capacity, too, although its documentation says that it is the number
/// of frames in the queue.)
///
/// @param opt                     The options.
/// @param queue_notify_threshold  At least #FSTRM_IOTHR_QUEUE_NOTIFY_THRESHOLD_MIN frames.
/// @retval fstrm_res_success
/// @retval fstrm_res_failure  The value is out of range, or `opt` is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fstrm_iothr_options_set_queue_notify_threshold(
    opt: *mut fstrm_iothr_options,
    queue_notify_threshold: c_uint,
) -> fstrm_res {
    let range = FSTRM_IOTHR_QUEUE_NOTIFY_THRESHOLD_MIN..=c_uint::MAX;
    let value = queue_notify_threshold as usize;
    let store = |options: &mut IoThrOptions| options.queue_notify_threshold = value;
    // SAFETY: as documented.
    unsafe { set(opt, queue_notify_threshold, range, store) }
}

/// Sets the maximum delay between two attempts to connect. The first retry comes after 100 ms, and
/// each failure doubles the delay.
///
/// @param opt              The options.
/// @param reopen_interval  From #FSTRM_IOTHR_REOPEN_INTERVAL_MIN to
///                         #FSTRM_IOTHR_REOPEN_INTERVAL_MAX seconds.
/// @retval fstrm_res_success
/// @retval fstrm_res_failure  The value is out of range, or `opt` is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fstrm_iothr_options_set_reopen_interval(
    opt: *mut fstrm_iothr_options,
    reopen_interval: c_uint,
) -> fstrm_res {
    let range = FSTRM_IOTHR_REOPEN_INTERVAL_MIN..=FSTRM_IOTHR_REOPEN_INTERVAL_MAX;
    let value = Duration::from_secs(reopen_interval.into());
    // SAFETY: as documented.
    unsafe { set(opt, reopen_interval, range, |options| options.sender.reopen_interval = value) }
}

/// Starts a writer thread, which opens the writer and sends the submitted frames. It blocks all
/// signals. While the receiver is away, it keeps up to 16 MiB of frames
/// (fstrm_iothr_options_set_memory_limit()) in addition to those in the queues, and sends them when
/// the receiver is back; fstrm_iothr_submit() refuses further frames.
///
/// After a fork, the child gets a thread and a connection of its own with the first frame that it
/// submits. The parent sends the frames that were pending at the fork, and the descriptors of its
/// thread are closed in the child. A child that is created by _Fork() or clone(), which run no fork
/// handlers, must not use the library.
///
/// @param opt             Options; NULL for the defaults.
/// @param[in,out] writer  Pointer to the writer, which the thread takes over; set to NULL, even on
///                        failure.
/// @return The writer thread, to be destroyed with fstrm_iothr_destroy(); NULL if there is no
///         writer, or if out of memory, threads, or thread keys (PTHREAD_KEYS_MAX).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fstrm_iothr_init(
    opt: *const fstrm_iothr_options,
    writer: *mut *mut fstrm_writer,
) -> *mut fstrm_iothr {
    guard(ptr::null_mut(), || {
        // SAFETY: as documented.
        let (opt, writer) = unsafe { (borrow(opt), take(writer)) };
        let options = opt.map_or_else(IoThrOptions::default, |opt| opt.0.clone());
        let Some(writer) = writer.filter(|_| options.num_input_queues <= NUM_INPUT_QUEUES_MAX)
        else {
            return ptr::null_mut();
        };
        watch_for_forks();
        if ffi::reserve_thread_key().is_err() {
            return ptr::null_mut();
        }
        match IoThr::start(options, writer.0) {
            Ok((thread, producers)) => ffi::give(fstrm_iothr {
                thread,
                queues: producers.into_iter().map(fstrm_iothr_queue).collect(),
                next_queue: AtomicUsize::new(0),
            }),
            Err(_) => ptr::null_mut(),
        }
    })
}

/// Ends a writer thread: sends the pending frames, closes the stream, and frees the thread and its
/// queues. Returns within 2.5 seconds (fstrm_iothr_options_set_close_timeout()), whatever the
/// receiver does; frames that could not be sent by then are counted as lost. A program that ends
/// without this call, by exit() or a signal, loses the pending frames.
///
/// A thread that is blocked in a caller's own `open`, `read` or `write` function is left running,
/// and its memory is not freed.
///
/// @param[in,out] iothr  Pointer to the writer thread; set to NULL. If it is NULL already, nothing
///                       happens. No other thread may be using it or its queues.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fstrm_iothr_destroy(iothr: *mut *mut fstrm_iothr) {
    // SAFETY: as documented.
    guard((), || drop(unsafe { take(iothr) }));
}

/// Returns the next queue that was not returned before. Any thread may call it.
///
/// @param iothr  The writer thread, which owns the queue.
/// @return The queue; NULL if all queues were returned, or if `iothr` is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fstrm_iothr_get_input_queue(
    iothr: *mut fstrm_iothr,
) -> *mut fstrm_iothr_queue {
    guard(ptr::null_mut(), || {
        // SAFETY: as documented.
        let Some(iothr) = (unsafe { borrow(iothr) }) else { return ptr::null_mut() };
        let order = Ordering::Relaxed;
        let more = |next| (next < iothr.queues.len()).then_some(next + 1);
        let next = iothr.next_queue.fetch_update(order, order, more);
        let queue = next.ok().and_then(|next| iothr.queues.get(next));
        queue.map_or(ptr::null_mut(), |queue| ptr::from_ref(queue).cast_mut())
    })
}

/// Returns a queue by its index, even if it was returned before. Any thread may call it.
///
/// @param iothr  The writer thread, which owns the queue.
/// @param idx    The index of the queue, from 0.
/// @return The queue; NULL if the index is out of range, or if `iothr` is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fstrm_iothr_get_input_queue_idx(
    iothr: *mut fstrm_iothr,
    idx: usize,
) -> *mut fstrm_iothr_queue {
    guard(ptr::null_mut(), || {
        // SAFETY: as documented.
        let queue = unsafe { borrow(iothr) }.and_then(|iothr| iothr.queues.get(idx));
        queue.map_or(ptr::null_mut(), |queue| ptr::from_ref(queue).cast_mut())
    })
}

/// Submits a data frame to be sent. Never waits.
///
/// @param iothr      The writer thread.
/// @param ioq        One of its queues. With a single-producer model, only one thread at a time may
///                   use it.
/// @param data       The bytes of the frame. After success, they belong to the library until it
///                   calls `free_func` in the writer thread.
/// @param len        The number of bytes, from 1 to UINT32_MAX - 1.
/// @param free_func  Called once with `data` and `free_data` when the bytes are no longer needed;
///                   NULL if they need not be freed, as for static data.
/// @param free_data  The second argument of `free_func`.
/// @retval fstrm_res_success  The frame will be sent, or counted as lost.
/// @retval fstrm_res_again    The queue is full.
/// @retval fstrm_res_invalid  The length is out of range, or a pointer is NULL.
/// @retval fstrm_res_failure  The writer thread is ending.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fstrm_iothr_submit(
    iothr: *mut fstrm_iothr,
    ioq: *mut fstrm_iothr_queue,
    data: *mut c_void,
    len: usize,
    free_func: Option<unsafe extern "C" fn(buf: *mut c_void, free_data: *mut c_void)>,
    free_data: *mut c_void,
) -> fstrm_res {
    guard(fstrm_res_failure, || {
        // SAFETY: as documented. Queues of multiple producers are shared by threads here, which
        // `FrameProducer` allows for their model.
        let queue = unsafe { borrow(ioq) };
        let (Some(queue), Ok(len @ 1..=FRAME_LEN_MAX), false, false) =
            (queue, u32::try_from(len), iothr.is_null(), data.is_null())
        else {
            return fstrm_res_invalid;
        };
        match queue.0.submit(Frame { data: data.cast(), len, free_func, free_data }) {
            Ok(()) => fstrm_res_success,
            Err(Refused::Full(frame)) => {
                mem::forget(frame);
                fstrm_res_again
            }
            Err(Refused::Closed(frame)) => {
                mem::forget(frame);
                fstrm_res_failure
            }
        }
    })
}

/// Calls free(data): a `free_func` for frames that were allocated with malloc().
///
/// @param data       The bytes.
/// @param free_data  Not used.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fstrm_free_wrapper(data: *mut c_void, free_data: *mut c_void) {
    let _ = free_data;
    // SAFETY: as documented.
    unsafe { libc::free(data) };
}
