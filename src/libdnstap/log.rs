// SPDX-License-Identifier: MIT OR Apache-2.0

use std::mem::MaybeUninit;

use dnstap::schema::MessageType;
use dnstap::sink::Logged;

use crate::fast_path;
use crate::message::dnstap_message;
use crate::queue::{self, dnstap_queue};
use crate::result::*;
use crate::slow_path::result_of;

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
    // Each function that is called here has a guard of its own.
    const THIS_VERSION: usize = size_of::<dnstap_message>();
    // SAFETY: as documented. Only the size is known to exist.
    let size = unsafe { ffi::borrow(message.cast::<usize>()) };
    // SAFETY: as documented.
    let (Ok(queue), Some(THIS_VERSION..)) = (unsafe { queue::borrow(queue) }, size) else {
        // SAFETY: as documented.
        return unsafe { log_older(queue, message) };
    };
    // SAFETY: as documented, and the caller's struct has all fields of this version.
    unsafe { fast_path::log(queue, &*message) }
}

/// Logs the message of a caller of an older version, or returns the error in the arguments.
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
    let queue = unsafe { queue::borrow(queue) };
    // SAFETY: the same.
    let message = unsafe { ffi::borrow_sized(message, &mut older) };
    match (queue, message) {
        // SAFETY: the same.
        (Ok(queue), Ok(message)) => unsafe { fast_path::log(queue, message) },
        (Err(error), _) => error,
        (_, Err(error)) => error.into(),
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
        let queue = match unsafe { queue::borrow(queue) } {
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
            logged => result_of(logged, message_type),
        }
    })
}
