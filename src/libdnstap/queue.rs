// SPDX-License-Identifier: MIT OR Apache-2.0

use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicPtr, Ordering};

use dnstap::schema::MessageType;
use dnstap::sink::{Queue, Switch};
use ffi::handle::{self, Handle, Tag};

use crate::fault::Fault;
use crate::result::*;
use crate::sink::dnstap_sink;

/// A queue of a sink, to which one thread logs. It begins with the set of enabled types, which
/// dnstap_enabled() reads.
pub type dnstap_queue = Handle<OpenQueue, Switch>;

/// The contents of a `dnstap_queue`, allocated separately, because the handle is read while the
/// thread logs.
pub struct OpenQueue(AtomicPtr<Queue<dnstap_queue>>);

impl Tag for OpenQueue {
    const TAG: u32 = u32::from_ne_bytes(*b"dtqu");
    type Error = dnstap_result;
}

/// Returns whether messages of this type are logged; false for a handle of another kind.
///
/// # Safety
/// `queue` is NULL or a handle of this library.
pub(crate) unsafe fn is_enabled(queue: *const dnstap_queue, message_type: MessageType) -> bool {
    // SAFETY: passed on to the caller.
    unsafe { handle::get(queue) }.is_ok_and(|handle| handle.as_ref().is_enabled(message_type))
}

/// Returns the queue of a handle.
///
/// # Safety
/// `queue` is NULL or a handle of this library.
#[inline(always)]
pub(crate) unsafe fn borrow<'a>(
    queue: *const dnstap_queue,
) -> Result<&'a mut Queue<dnstap_queue>, dnstap_result> {
    // SAFETY: passed on to the caller.
    let OpenQueue(queue) = unsafe { handle::borrow(queue) }?;
    // SAFETY: as the tag is valid, `dnstap_queue_new` has stored the queue here, and its only user
    // is in this call.
    Ok(unsafe { &mut *queue.load(Ordering::Relaxed) })
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
        let handle = Handle::new(OpenQueue(AtomicPtr::default()));
        let queue = sink.sink.queue_with(handle).map_err(|error| Fault::from(error).result)?;
        let handle = Arc::clone(queue.switch());
        handle.value().0.store(ffi::give(queue), Ordering::Relaxed);
        Ok(handle::give_shared(handle))
    });
    // SAFETY: as documented.
    unsafe { hand_out(made, error) }
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
        let Ok(Some(handle)) = (unsafe { handle::take_shared(queue) }) else { return };
        let mut queue = handle.value().0.swap(ptr::null_mut(), Ordering::Relaxed);
        // SAFETY: `dnstap_queue_new` has stored it there, once.
        drop(unsafe { ffi::take(&raw mut queue) });
    });
}
