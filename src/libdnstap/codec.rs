// SPDX-License-Identifier: MIT OR Apache-2.0

use std::mem::MaybeUninit;
use std::slice;

use dnstap::Event;
use dnstap::encode::{Envelope, Fields};
use dnstap::schema::EventType;

use crate::message::{View, dnstap_message, dnstap_storage, store};
use crate::result::*;

/// Tells how large a buffer for dnstap_encode() has to be: as a rule some 100 bytes more than it
/// will use. Any thread may call it.
///
/// @param message  The message.
/// @return         Bytes; 0 if the message cannot be encoded.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dnstap_encoded_size_max(message: *const dnstap_message) -> usize {
    ffi::guard(0, || {
        let mut older = MaybeUninit::uninit();
        // SAFETY: as documented.
        let view = unsafe { view(message, &mut older) };
        view.and_then(|view| size_max(&view)).unwrap_or(0)
    })
}

/// Encodes a message for a transport of the caller's own: the payload of one data frame. Identity
/// and version are those of the message. Allocates nothing; any thread may call it.
///
/// @param[out] buffer  Where the event goes. Bytes after it may be written to.
/// @param capacity     Size of the buffer in bytes, at least dnstap_encoded_size_max().
/// @param[out] length  Bytes of the event; 0 on an error.
/// @param message      The message.
/// @retval DNSTAP_OK
/// @retval DNSTAP_ERROR_BUFFER  The buffer is too small.
/// @retval DNSTAP_ERROR_MESSAGE_TYPE
/// @retval DNSTAP_ERROR_FAMILY
/// @retval DNSTAP_ERROR_TIME
/// @retval DNSTAP_ERROR_LENGTH
/// @retval DNSTAP_ERROR_POLICY_TYPE
/// @retval DNSTAP_ERROR_SIZE
/// @retval DNSTAP_ERROR_NULL
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dnstap_encode(
    buffer: *mut u8,
    capacity: usize,
    length: *mut usize,
    message: *const dnstap_message,
) -> dnstap_result {
    ffi::guard(DNSTAP_ERROR_INTERNAL, || {
        // SAFETY: as documented.
        if unsafe { ffi::store(length, 0) }.is_none() || buffer.is_null() {
            return DNSTAP_ERROR_NULL;
        }
        if capacity > isize::MAX as usize {
            return DNSTAP_ERROR_BUFFER;
        }
        // SAFETY: as documented.
        let buffer = unsafe { slice::from_raw_parts_mut(buffer, capacity) };
        let mut older = MaybeUninit::uninit();
        // SAFETY: as documented.
        let encoded = unsafe { view(message, &mut older) }.and_then(|view| {
            if size_max(&view)? > buffer.len() {
                return Err(DNSTAP_ERROR_BUFFER);
            }
            Ok(with_event(&view, |event| event.encode(buffer))??)
        });
        match encoded {
            Ok(written) => {
                // SAFETY: as documented.
                unsafe { ffi::store(length, written) };
                DNSTAP_OK
            }
            Err(error) => error,
        }
    })
}

/// Returns the caller's message, checked.
///
/// # Safety
/// `message` is as documented.
unsafe fn view<'a>(
    message: *const dnstap_message,
    older: &'a mut MaybeUninit<dnstap_message>,
) -> Result<View<'a>, dnstap_result> {
    // SAFETY: passed on to the caller.
    let message = unsafe { ffi::borrow_sized(message, older) }?;
    // SAFETY: the same.
    unsafe { View::new(message) }
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

/// Decodes the payload of a data frame of type protobuf:dnstap.Dnstap. Allocates nothing; any
/// thread may call it.
///
/// Numbers of a newer schema, which have no name yet, are kept as they are. An event without a DNS
/// message leaves a message of type 0. Addresses are told by their length; one that is neither 4
/// nor 16 bytes long, and a port above 65,535, are left out.
///
/// @param frame         The payload.
/// @param length        Its length in bytes.
/// @param[out] message  The message, whose `size` is to be set before, as by DNSTAP_MESSAGE_INIT.
///                      It points into the frame and the storage; it can be copied, and is valid
///                      as long as both stay as they are.
/// @param[out] storage  Memory for what the message points to beside the frame; its `size` is to be
///                      set before, as by DNSTAP_STORAGE_INIT.
/// @retval DNSTAP_OK
/// @retval DNSTAP_ERROR_DECODE  The bytes are not a dnstap event.
/// @retval DNSTAP_ERROR_SIZE
/// @retval DNSTAP_ERROR_NULL    On any error, neither struct is written to.
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
