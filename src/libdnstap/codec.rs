// SPDX-License-Identifier: MIT OR Apache-2.0

use std::mem::MaybeUninit;
use std::slice;

use dnstap::Event;
use dnstap::encode::{Envelope, Fields};
use dnstap::schema::EventType;

use crate::message::{View, dnstap_message, dnstap_storage, store};
use crate::result::*;

/// Returns the buffer size that dnstap_encode() requires for a message, usually some 100 bytes more
/// than the event will have. Any thread may call it.
///
/// @param message  The message.
/// @return         Size in bytes; 0 if the message cannot be encoded.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dnstap_encoded_size_max(message: *const dnstap_message) -> usize {
    ffi::guard(0, || {
        let mut older = MaybeUninit::uninit();
        // SAFETY: as documented.
        let view = unsafe { View::borrow(message, &mut older) };
        view.and_then(|view| size_max(&view)).unwrap_or(0)
    })
}

/// Encodes a message as an event, the payload of one data frame, for a transport of the caller's
/// own. The identity and version are those of the message. Allocates nothing. Any thread may call
/// it.
///
/// @param[out] buffer  Receives the event. The rest of the buffer may be overwritten.
/// @param capacity     Size of the buffer in bytes, at least dnstap_encoded_size_max().
/// @param[out] length  Length of the event in bytes; 0 on an error.
/// @param message      The message.
/// @retval DNSTAP_OK
/// @retval DNSTAP_ERROR_BUFFER        `capacity` is less than dnstap_encoded_size_max().
/// @retval DNSTAP_ERROR_MESSAGE_TYPE  The message type is unknown.
/// @retval DNSTAP_ERROR_FAMILY        An address family is invalid.
/// @retval DNSTAP_ERROR_TIME          A time is invalid.
/// @retval DNSTAP_ERROR_LENGTH        A field is longer than 65,535 bytes.
/// @retval DNSTAP_ERROR_POLICY_TYPE   The policy type is not valid UTF-8.
/// @retval DNSTAP_ERROR_SIZE          The `size` of the message or of its policy is not set.
/// @retval DNSTAP_ERROR_NULL          An argument is NULL, or a field has a length, but its `data`
///                                    is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dnstap_encode(
    buffer: *mut u8,
    capacity: usize,
    length: *mut usize,
    message: *const dnstap_message,
) -> dnstap_result {
    dnstap_result::of(|| {
        // SAFETY: as documented.
        if unsafe { ffi::store(length, 0) }.is_none() || buffer.is_null() {
            return Err(DNSTAP_ERROR_NULL);
        }
        if capacity > isize::MAX as usize {
            return Err(DNSTAP_ERROR_BUFFER);
        }
        // SAFETY: as documented.
        let buffer = unsafe { slice::from_raw_parts_mut(buffer, capacity) };
        let mut older = MaybeUninit::uninit();
        // SAFETY: as documented.
        let view = unsafe { View::borrow(message, &mut older) }?;
        if size_max(&view)? > buffer.len() {
            return Err(DNSTAP_ERROR_BUFFER);
        }
        let written = with_event(&view, |event| event.encode(buffer))??;
        // SAFETY: as documented.
        unsafe { ffi::store(length, written) }.ok_or(DNSTAP_ERROR_NULL)
    })
}

fn size_max(view: &View<'_>) -> Result<usize, dnstap_result> {
    Ok(with_event(view, |event| event.max_len())??)
}

fn with_event<R>(view: &View<'_>, run: impl FnOnce(&Event<'_>) -> R) -> Result<R, dnstap_result> {
    let message = view.to_message();
    if message.message_type.name().is_none() {
        return Err(DNSTAP_ERROR_MESSAGE_TYPE);
    }
    let Envelope { identity, version, extra } = view.envelope();
    let event_type = EventType::MESSAGE;
    Ok(run(&Event { identity, version, extra, message: Some(message), event_type }))
}

/// Decodes an event, the payload of a data frame with the content type protobuf:dnstap.Dnstap.
/// Allocates nothing. Any thread may call it.
///
/// Numbers that only a newer schema names are kept. If an event does not contain a DNS message, the
/// type of the message is 0. The family of an address follows from its length; an address that is
/// neither 4 nor 16 bytes long, and a port above 65,535, are ignored.
///
/// @param frame         The event.
/// @param length        Length of the event in bytes.
/// @param[out] message  Receives the message; its `size` must be set before, as by
///                      DNSTAP_MESSAGE_INIT. It points into the frame and the storage, and is valid
///                      as long as both exist unchanged. It may be copied.
/// @param[out] storage  Receives data that the message points to; its `size` must be set before, as
///                      by DNSTAP_STORAGE_INIT.
/// @retval DNSTAP_OK
/// @retval DNSTAP_ERROR_DECODE  The frame is not a dnstap event.
/// @retval DNSTAP_ERROR_SIZE    The `size` of `message` or `storage` is not set.
/// @retval DNSTAP_ERROR_NULL    An argument is NULL. After any error, both structs are unchanged.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dnstap_decode(
    frame: *const u8,
    length: usize,
    message: *mut dnstap_message,
    storage: *mut dnstap_storage,
) -> dnstap_result {
    ffi::guard(DNSTAP_ERROR_INTERNAL, || {
        // SAFETY: as documented.
        let Some(frame) = (unsafe { ffi::bytes(frame, length) }) else { return DNSTAP_ERROR_NULL };
        let mut event = Event::new();
        if event.decode_into(frame).is_err() {
            return DNSTAP_ERROR_DECODE;
        }
        // SAFETY: as documented.
        dnstap_result::from_done(unsafe { store(&event, message, storage) })
    })
}
