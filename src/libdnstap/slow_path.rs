// SPDX-License-Identifier: MIT OR Apache-2.0
//! The slow path, for any message, valid or invalid.

use dnstap::schema::MessageType;
use dnstap::sink::{Logged, Queue};

use crate::message::{View, dnstap_message};
use crate::queue::dnstap_queue;
use crate::result::*;

/// Logs a message of any kind, or returns the error in it.
///
/// # Safety
/// `message` is as documented.
#[cold]
#[inline(never)]
pub(crate) unsafe extern "C" fn log(
    queue: &mut Queue<dnstap_queue>,
    message: &dnstap_message,
) -> dnstap_result {
    let logged = ffi::guard(Err(DNSTAP_ERROR_INTERNAL), || {
        // SAFETY: passed on to the caller.
        match unsafe { View::new(message) } {
            Ok(view) => Ok(queue.log(&view, view.envelope())),
            Err(error) => match queue.refuse(MessageType(message.r#type)) {
                Logged::Invalid => Err(error),
                other => Ok(other),
            },
        }
    });
    logged.map_or_else(|error| error, |logged| result_of(logged, message.r#type))
}

/// Converts the result of logging a message of this type.
pub(crate) fn result_of(logged: Logged, message_type: u32) -> dnstap_result {
    match logged {
        Logged::Queued => DNSTAP_OK,
        Logged::Disabled => dnstap_result::not_enabled(message_type),
        Logged::SampledOut => DNSTAP_SAMPLED_OUT,
        Logged::Full => DNSTAP_ERROR_FULL,
        Logged::TooLong => DNSTAP_ERROR_TOO_LONG,
        Logged::Encoding(error) => error.into(),
        Logged::Invalid => DNSTAP_ERROR_INTERNAL,
        Logged::Closed => DNSTAP_ERROR_CLOSED,
    }
}
