// SPDX-License-Identifier: MIT OR Apache-2.0

use std::mem::MaybeUninit;
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicPtr, AtomicU32, Ordering};

use dnstap::schema::MessageType;
use dnstap::sink::{Logged, Queue, Switch};

use crate::fault::Fault;
use crate::handle;
use crate::message::{View, dnstap_message};
use crate::result::*;
use crate::sink::dnstap_sink;
use crate::usual;

/// A queue of a sink, to which one thread logs.
#[repr(C)]
pub struct dnstap_queue {
    /// The set of enabled types, which dnstap_enabled() reads.
    switch: Switch,
    /// Marks a queue; other handles have a 0 here.
    tag: AtomicU32,
    /// Allocated separately, because the fields here are read while the thread logs.
    queue: AtomicPtr<Queue<Self>>,
}

impl AsRef<Switch> for dnstap_queue {
    fn as_ref(&self) -> &Switch {
        &self.switch
    }
}

impl dnstap_queue {
    /// The tag of a queue that has not been freed.
    const TAG: u32 = u32::from_ne_bytes(*b"dtqu");

    /// Returns whether messages of this type are logged; not by a handle of another kind.
    pub(crate) fn is_enabled(&self, message_type: MessageType) -> bool {
        self.tag.load(Ordering::Relaxed) == Self::TAG && self.switch.is_enabled(message_type)
    }

    /// Returns the queue of a handle.
    ///
    /// # Safety
    /// `queue` is NULL or a handle of this library.
    #[inline(always)]
    unsafe fn borrow<'a>(queue: *const Self) -> Result<&'a mut Queue<Self>, dnstap_result> {
        // SAFETY: passed on to the caller.
        let handle = unsafe { ffi::borrow(queue) }.ok_or(DNSTAP_ERROR_NULL)?;
        if handle.tag.load(Ordering::Relaxed) != Self::TAG {
            return Err(DNSTAP_ERROR_HANDLE);
        }
        // SAFETY: the tag is there, so `dnstap_queue_new` has put the queue here, and its one user
        // is in this call.
        Ok(unsafe { &mut *handle.queue.load(Ordering::Relaxed) })
    }
}

/// Creates a queue, to which one thread at a time logs: a ring of memory of its own, so that
/// logging threads never wait for each other. Queues can be created and freed at any time while the
/// sink is open. Any thread may call it.
///
/// @param sink        The sink.
/// @param[out] error  DNSTAP_OK or the error; may be NULL. DNSTAP_ERROR_MEMORY if the ring cannot
///                    be allocated, DNSTAP_ERROR_CLOSED if the sink is closed, DNSTAP_ERROR_NULL or
///                    DNSTAP_ERROR_HANDLE if `sink` is not a sink.
/// @return            The queue, to be freed with dnstap_queue_free(), before or after the sink is
///                    closed; NULL on an error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dnstap_queue_new(
    sink: *mut dnstap_sink,
    error: *mut dnstap_result,
) -> *mut dnstap_queue {
    let made = ffi::guard(Err(DNSTAP_ERROR_INTERNAL), || {
        // SAFETY: as documented.
        let sink = unsafe { handle::borrow(sink) }?;
        let handle = dnstap_queue {
            switch: Switch::default(),
            tag: AtomicU32::new(dnstap_queue::TAG),
            queue: AtomicPtr::default(),
        };
        let queue = sink.sink.queue_with(handle).map_err(|error| Fault::from(error).result())?;
        let handle = Arc::clone(queue.switch());
        handle.queue.store(ffi::give(queue), Ordering::Relaxed);
        Ok(Arc::into_raw(handle).cast_mut())
    });
    let (queue, result) = match made {
        Ok(queue) => (queue, DNSTAP_OK),
        Err(error) => (ptr::null_mut(), error),
    };
    // SAFETY: as documented.
    unsafe { ffi::store(error, result) };
    queue
}

/// Frees a queue. Its pending messages are still sent, unless freed queues hold too much memory
/// (dnstap_options_set_freed_queue_bytes()). Any thread may call it, while no thread is logging to
/// the queue.
///
/// @param[in,out] queue  Pointer to the queue; set to NULL. If it is NULL already, or a handle of
///                       another kind, nothing happens.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dnstap_queue_free(queue: *mut *mut dnstap_queue) {
    ffi::guard((), || {
        // SAFETY: as documented.
        let Some(place) = (unsafe { ffi::borrow_mut(queue) }) else { return };
        // SAFETY: as documented.
        if unsafe { dnstap_queue::borrow(*place) }.is_err() {
            return;
        }
        let handle = std::mem::replace(place, ptr::null_mut());
        // SAFETY: the tag says that `dnstap_queue_new` made it of this.
        let handle = unsafe { Arc::from_raw(handle) };
        handle.tag.store(0, Ordering::Relaxed);
        let mut queue = handle.queue.swap(ptr::null_mut(), Ordering::Relaxed);
        // SAFETY: the same, and it is put there once.
        drop(unsafe { ffi::take(&raw mut queue) });
    });
}

/// Logs a message: encodes it into the ring of the queue, or drops and counts it. Never waits, and
/// allocates nothing, except for the first message of a forked child, which starts its writer
/// thread. If preparing a message takes work, call dnstap_enabled() first.
///
/// @param queue    The queue; only one thread at a time may use it.
/// @param message  The message; neither it nor the data it points to is used after the call.
/// @retval DNSTAP_OK                  The message is pending, and will be sent.
/// @retval DNSTAP_DISABLED            The message type is not enabled.
/// @retval DNSTAP_SAMPLED_OUT         The message is not in the sample.
/// @retval DNSTAP_ERROR_FULL          Dropped: the ring is full, as the receiver is slow or away.
/// @retval DNSTAP_ERROR_TOO_LONG      Dropped: the message is longer than half of the ring.
/// @retval DNSTAP_ERROR_CLOSED        The sink is closed, or a forked child could not start its
///                                    writer thread.
/// @retval DNSTAP_ERROR_FAMILY        Dropped: an address family is invalid.
/// @retval DNSTAP_ERROR_TIME          Dropped: a time is invalid.
/// @retval DNSTAP_ERROR_LENGTH        Dropped: a field is longer than 65,535 bytes.
/// @retval DNSTAP_ERROR_POLICY_TYPE   Dropped: the policy type is not valid UTF-8.
/// @retval DNSTAP_ERROR_NULL          Dropped: a field has a length, but its `data` is NULL. Not
///                                    counted: `queue` or `message` is NULL.
/// @retval DNSTAP_ERROR_SIZE          Dropped: the `size` of the policy is not set. Not counted:
///                                    that of the message is not set.
/// @retval DNSTAP_ERROR_MESSAGE_TYPE  Not counted: the message type is unknown.
/// @retval DNSTAP_ERROR_HANDLE        Not counted: `queue` is not a queue.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dnstap_log(
    queue: *mut dnstap_queue,
    message: *const dnstap_message,
) -> dnstap_result {
    // Each function that is called from here has a guard of its own.
    const THIS_VERSION: usize = size_of::<dnstap_message>();
    // SAFETY: as documented. Only the size is known to be there.
    let size = unsafe { ffi::borrow(message.cast::<usize>()) };
    // SAFETY: as documented.
    let (Ok(queue), Some(THIS_VERSION..)) = (unsafe { dnstap_queue::borrow(queue) }, size) else {
        // SAFETY: as documented.
        return unsafe { log_older(queue, message) };
    };
    // SAFETY: as documented, and the caller has all of this version there.
    unsafe { usual::log(queue, &*message) }
}

/// Logs the message of a caller of an older version, or says what is wrong with the arguments.
///
/// # Safety
/// They are as documented.
#[cold]
#[inline(never)]
unsafe extern "C" fn log_older(
    queue: *mut dnstap_queue,
    message: *const dnstap_message,
) -> dnstap_result {
    let mut older = MaybeUninit::uninit();
    // SAFETY: passed on to the caller.
    let queue = unsafe { dnstap_queue::borrow(queue) };
    // SAFETY: the same.
    let message = unsafe { ffi::borrow_sized(message, &mut older) };
    match (queue, message) {
        // SAFETY: the same.
        (Ok(queue), Ok(message)) => unsafe { usual::log(queue, message) },
        (Err(error), _) => error,
        (_, Err(error)) => error.into(),
    }
}

/// Logs a message of any kind, or says what is wrong with it.
///
/// # Safety
/// `message` is as documented.
#[cold]
#[inline(never)]
pub(crate) unsafe extern "C" fn log_any(
    queue: &mut Queue<dnstap_queue>,
    message: &dnstap_message,
) -> dnstap_result {
    let fate = ffi::guard(Err(DNSTAP_ERROR_INTERNAL), || {
        // SAFETY: passed on to the caller.
        match unsafe { View::new(message) } {
            Ok(view) => Ok(queue.log(&view, view.envelope())),
            Err(error) => match queue.refuse(MessageType(message.r#type)) {
                Logged::Invalid => Err(error),
                other => Ok(other),
            },
        }
    });
    fate.map_or_else(|error| error, |fate| result_of(fate, message.r#type))
}

/// The result of a call that logs a message of this type.
fn result_of(fate: Logged, message_type: u32) -> dnstap_result {
    match fate {
        Logged::Queued => DNSTAP_OK,
        Logged::Disabled => match MessageType(message_type).name() {
            Some(_) => DNSTAP_DISABLED,
            None => DNSTAP_ERROR_MESSAGE_TYPE,
        },
        Logged::SampledOut => DNSTAP_SAMPLED_OUT,
        Logged::Full => DNSTAP_ERROR_FULL,
        Logged::TooLong => DNSTAP_ERROR_TOO_LONG,
        Logged::Encoding(error) => error.into(),
        Logged::Invalid => DNSTAP_ERROR_INTERNAL,
        Logged::Closed => DNSTAP_ERROR_CLOSED,
    }
}

/// Logs an event that is already encoded, for example by dnstap_encode(), or read with
/// dnstap_reader_get_frame(). Like dnstap_log(), it drops and counts what it cannot log, and
/// neither waits nor allocates. The event is sent unchanged: it is not decoded or checked, the
/// identity and version of the sink are not added, and the sample rate does not apply.
///
/// @param queue         The queue; only one thread at a time may use it.
/// @param message_type  The type of the message in the event, one of enum dnstap_message_type. The
///                      event is logged if this type is enabled, and counted under it.
/// @param frame         The event, which is copied: the payload of a data frame with the content
///                      type protobuf:dnstap.Dnstap. Most readers accept at most 1 MiB.
/// @param length        Length of the event in bytes.
/// @retval DNSTAP_OK                  The event is pending, and will be sent.
/// @retval DNSTAP_DISABLED            The message type is not enabled.
/// @retval DNSTAP_ERROR_FULL          Dropped: the ring is full, as the receiver is slow or away.
/// @retval DNSTAP_ERROR_TOO_LONG      Dropped: the event is longer than half of the ring.
/// @retval DNSTAP_ERROR_LENGTH        Dropped, and counted as invalid: `length` is 0, or larger
///                                    than any object can be.
/// @retval DNSTAP_ERROR_CLOSED        The sink is closed, or a forked child could not start its
///                                    writer thread.
/// @retval DNSTAP_ERROR_MESSAGE_TYPE  Not counted: the message type is unknown.
/// @retval DNSTAP_ERROR_NULL          Not counted: `queue` or `frame` is NULL.
/// @retval DNSTAP_ERROR_HANDLE        Not counted: `queue` is not a queue.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dnstap_log_frame(
    queue: *mut dnstap_queue,
    message_type: u32,
    frame: *const u8,
    length: usize,
) -> dnstap_result {
    ffi::guard(DNSTAP_ERROR_INTERNAL, || {
        // SAFETY: as documented.
        let queue = match unsafe { dnstap_queue::borrow(queue) } {
            Ok(queue) => queue,
            Err(error) => return error,
        };
        if frame.is_null() {
            return DNSTAP_ERROR_NULL;
        }
        // SAFETY: as documented.
        let frame = unsafe { ffi::bytes(frame, length) }.unwrap_or_default();
        match queue.log_frame(MessageType(message_type), frame) {
            Logged::Invalid => DNSTAP_ERROR_LENGTH,
            fate => result_of(fate, message_type),
        }
    })
}
