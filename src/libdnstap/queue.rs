// SPDX-License-Identifier: MIT OR Apache-2.0

use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicPtr, AtomicU32, Ordering};

use dnstap::schema::MessageType;
use dnstap::sink::{Queue, Switch};

use crate::fault::Fault;
use crate::handle;
use crate::result::*;
use crate::sink::dnstap_sink;

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
    pub(crate) unsafe fn borrow<'a>(
        queue: *const Self,
    ) -> Result<&'a mut Queue<Self>, dnstap_result> {
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
