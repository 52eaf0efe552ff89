// SPDX-License-Identifier: MIT OR Apache-2.0
//! Exported versions of the inline functions of the header, for programs that do not compile it,
//! such as those that use ctypes, cgo or dlsym. The header is not generated from this file, as it
//! cannot declare both.

use std::ffi::c_int;
use std::mem::MaybeUninit;

use dnstap::schema::MessageType;

use crate::queue::{self, dnstap_queue};
use crate::result::dnstap_result;

/// Does the same as the inline function.
///
/// # Safety
/// `queue` is NULL or a queue.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dnstap_enabled(queue: *const dnstap_queue, message_type: u32) -> bool {
    ffi::guard(false, || {
        // SAFETY: passed on to the caller.
        unsafe { queue::is_enabled(queue, MessageType(message_type)) }
    })
}

/// Does the same as the inline function.
#[unsafe(no_mangle)]
pub extern "C" fn dnstap_is_error(result: MaybeUninit<dnstap_result>) -> bool {
    (ffi::number(result) as c_int) < 0
}
