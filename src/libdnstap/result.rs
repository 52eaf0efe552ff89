// SPDX-License-Identifier: MIT OR Apache-2.0

use std::ffi::{CStr, c_char, c_int};
use std::mem::MaybeUninit;
use std::{io, ptr};

use dnstap::encode::EncodeError;
use dnstap::schema::MessageType;
use ffi::SizeError;
use ffi::handle::HandleError;

/// The result of a function: DNSTAP_OK, a status above 0, or an error below 0, which
/// dnstap_is_error() recognises. Later versions may add statuses and errors. General errors start
/// at -1, errors of logging at -20, of messages and encoding at -40, of options and opening at -60,
/// and of reading and writing streams at -80.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub enum dnstap_result {
    /// Success.
    DNSTAP_OK = 0,

    /// The message was not logged, because its type is not enabled.
    DNSTAP_DISABLED = 1,
    /// The message was not logged, because it is not part of the sample.
    DNSTAP_SAMPLED_OUT = 2,
    /// The stream has ended, or no event is pending.
    DNSTAP_END = 3,
    /// The time limit of the call expired; call again to continue.
    DNSTAP_TIMED_OUT = 4,

    /// A pointer that is required is NULL.
    DNSTAP_ERROR_NULL = -1,
    /// The handle is of another kind, or has been freed.
    DNSTAP_ERROR_HANDLE = -2,
    /// The `size` of a struct is not set, or smaller than in any version. Use the _INIT macro.
    DNSTAP_ERROR_SIZE = -3,
    /// Out of memory.
    DNSTAP_ERROR_MEMORY = -4,
    /// Out of threads, thread keys (PTHREAD_KEYS_MAX) or file descriptors.
    DNSTAP_ERROR_SYSTEM = -5,
    /// An internal error, which any function may return. The process can continue.
    DNSTAP_ERROR_INTERNAL = -6,

    /// The ring of the queue is full. The message was dropped and counted.
    DNSTAP_ERROR_FULL = -20,
    /// The message is longer than half of the ring. It was dropped and counted.
    DNSTAP_ERROR_TOO_LONG = -21,
    /// The sink is closed, or a forked child could not start its writer thread; or a forked child
    /// used a dnstap_writer of its parent.
    DNSTAP_ERROR_CLOSED = -22,

    /// The message type is not one of enum dnstap_message_type.
    DNSTAP_ERROR_MESSAGE_TYPE = -40,
    /// An address is neither an IPv4 nor an IPv6 address, or its family differs from that of the
    /// message or of the other address.
    DNSTAP_ERROR_FAMILY = -41,
    /// A time is negative, or its nanoseconds are 1,000,000,000 or more.
    DNSTAP_ERROR_TIME = -42,
    /// A field is longer than 65,535 bytes, or a frame is empty or too long.
    DNSTAP_ERROR_LENGTH = -43,
    /// The type of a policy is not valid UTF-8.
    DNSTAP_ERROR_POLICY_TYPE = -44,
    /// The buffer is too small.
    DNSTAP_ERROR_BUFFER = -45,

    /// A value is out of range.
    DNSTAP_ERROR_VALUE = -60,
    /// The output is not set, or not of the form unix:PATH, tcp:HOST:PORT, tls:HOST:PORT or
    /// file:PATH.
    DNSTAP_ERROR_OUTPUT = -61,
    /// Options contradict each other.
    DNSTAP_ERROR_CONFLICT = -62,
    /// A path cannot be used.
    DNSTAP_ERROR_PATH = -63,
    /// The path of the output exists, but is not a socket.
    DNSTAP_ERROR_NOT_A_SOCKET = -64,
    /// A certificate, key or server name for TLS cannot be used.
    DNSTAP_ERROR_TLS = -65,
    /// The library was built without TLS.
    DNSTAP_ERROR_NO_TLS = -66,

    /// The frame is not a dnstap event. A reader can go on with the next frame.
    DNSTAP_ERROR_DECODE = -80,
    /// The frame is larger than the limit of the reader, and was skipped. The reader can go on.
    DNSTAP_ERROR_FRAME_SIZE = -81,
    /// The stream ended without STOP, for example because its sender was killed; all frames that
    /// were read are complete.
    DNSTAP_ERROR_NO_STOP = -82,
    /// The stream ended inside a frame.
    DNSTAP_ERROR_TORN = -83,
    /// The data is not a Frame Streams stream, or is damaged.
    DNSTAP_ERROR_STREAM = -84,
    /// The content type of the stream is not protobuf:dnstap.Dnstap, or the receiver does not
    /// accept it.
    DNSTAP_ERROR_CONTENT_TYPE = -85,
    /// Opening, reading or writing failed.
    DNSTAP_ERROR_IO = -86,
}

pub(crate) use dnstap_result::*;

macro_rules! texts {
    ($($result:ident = $text:literal,)+) => {
        impl dnstap_result {
            /// Returns the description.
            pub(crate) const fn text(self) -> &'static CStr {
                match self {
                    $($result => $text,)+
                }
            }

            /// Returns the result with this number; `None` if it is unknown.
            fn from_number(number: c_int) -> Option<Self> {
                [$($result,)+].into_iter().find(|result| *result as c_int == number)
            }
        }
    };
}

texts! {
    DNSTAP_OK = c"success",
    DNSTAP_DISABLED = c"the message type is not enabled",
    DNSTAP_SAMPLED_OUT = c"the message is not part of the sample",
    DNSTAP_END = c"the stream has ended, or no event is pending",
    DNSTAP_TIMED_OUT = c"the time limit of the call expired",
    DNSTAP_ERROR_NULL = c"a required pointer is NULL",
    DNSTAP_ERROR_HANDLE = c"the handle is of another kind, or has been freed",
    DNSTAP_ERROR_SIZE = c"the size of a struct is not set or too small; use its _INIT macro",
    DNSTAP_ERROR_MEMORY = c"out of memory",
    DNSTAP_ERROR_SYSTEM = c"out of threads, thread keys or file descriptors",
    DNSTAP_ERROR_INTERNAL = c"internal error in libdnstap",
    DNSTAP_ERROR_FULL = c"the ring of the queue is full; the message was dropped",
    DNSTAP_ERROR_TOO_LONG = c"the message is longer than half of the ring; increase queue_bytes",
    DNSTAP_ERROR_CLOSED = c"the sink is closed, or the writer belongs to the parent process",
    DNSTAP_ERROR_MESSAGE_TYPE = c"unknown message type",
    DNSTAP_ERROR_FAMILY = c"the address families differ, or are neither IPv4 nor IPv6",
    DNSTAP_ERROR_TIME = c"a time is negative, or its nanoseconds are 1,000,000,000 or more",
    DNSTAP_ERROR_LENGTH = c"a field is longer than 65,535 bytes, or a frame is empty or too long",
    DNSTAP_ERROR_POLICY_TYPE = c"the policy type is not valid UTF-8",
    DNSTAP_ERROR_BUFFER = c"the buffer is too small",
    DNSTAP_ERROR_VALUE = c"the value is out of range",
    DNSTAP_ERROR_OUTPUT = c"the output is not unix:PATH, tcp:HOST:PORT, tls:HOST:PORT or file:PATH",
    DNSTAP_ERROR_CONFLICT = c"options contradict each other",
    DNSTAP_ERROR_PATH = c"the path cannot be used",
    DNSTAP_ERROR_NOT_A_SOCKET = c"the path of the output exists, but is not a socket",
    DNSTAP_ERROR_TLS = c"a certificate, key or server name for TLS cannot be used",
    DNSTAP_ERROR_NO_TLS = c"this library was built without TLS",
    DNSTAP_ERROR_DECODE = c"the frame is not a dnstap event",
    DNSTAP_ERROR_FRAME_SIZE = c"the frame is larger than the limit, and was skipped",
    DNSTAP_ERROR_NO_STOP = c"the stream ended without STOP",
    DNSTAP_ERROR_TORN = c"the stream ended inside a frame",
    DNSTAP_ERROR_STREAM = c"the data is not a Frame Streams stream, or is damaged",
    DNSTAP_ERROR_CONTENT_TYPE = c"the peer does not use the content type protobuf:dnstap.Dnstap",
    DNSTAP_ERROR_IO = c"opening, reading or writing failed",
}

impl dnstap_result {
    /// Returns OK, or the error.
    pub(crate) fn from_done(done: Result<(), Self>) -> Self {
        done.err().unwrap_or(DNSTAP_OK)
    }

    /// Runs a function. Returns OK, or its error.
    pub(crate) fn of(run: impl FnOnce() -> Result<(), Self>) -> Self {
        Self::from_done(ffi::guard(Err(DNSTAP_ERROR_INTERNAL), run))
    }

    /// Returns the result for a message of a type that is not enabled.
    pub(crate) fn not_enabled(message_type: u32) -> Self {
        match MessageType(message_type).name() {
            Some(_) => DNSTAP_DISABLED,
            None => DNSTAP_ERROR_MESSAGE_TYPE,
        }
    }
}

/// Returns a new handle, or NULL on an error, and stores the result.
///
/// # Safety
/// `result` is NULL or valid for writing.
pub(crate) unsafe fn hand_out<H>(
    made: Result<*mut H, dnstap_result>,
    result: *mut dnstap_result,
) -> *mut H {
    let (handle, done) = match made {
        Ok(handle) => (handle, DNSTAP_OK),
        Err(error) => (ptr::null_mut(), error),
    };
    // SAFETY: passed on to the caller.
    unsafe { ffi::store(result, done) };
    handle
}

impl From<HandleError> for dnstap_result {
    #[inline(always)]
    fn from(error: HandleError) -> Self {
        match error {
            HandleError::Null => DNSTAP_ERROR_NULL,
            HandleError::Kind => DNSTAP_ERROR_HANDLE,
        }
    }
}

impl From<SizeError> for dnstap_result {
    #[inline(always)]
    fn from(error: SizeError) -> Self {
        match error {
            SizeError::Null => DNSTAP_ERROR_NULL,
            SizeError::Size => DNSTAP_ERROR_SIZE,
        }
    }
}

impl From<&io::Error> for dnstap_result {
    fn from(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::OutOfMemory => DNSTAP_ERROR_MEMORY,
            _ => DNSTAP_ERROR_IO,
        }
    }
}

impl From<EncodeError> for dnstap_result {
    fn from(error: EncodeError) -> Self {
        match error {
            EncodeError::BufferTooSmall => DNSTAP_ERROR_BUFFER,
            EncodeError::TooLong(_) => DNSTAP_ERROR_LENGTH,
            EncodeError::PolicyType => DNSTAP_ERROR_POLICY_TYPE,
        }
    }
}

/// Returns a short description of a result, without a full stop. Any thread may call it.
///
/// @param result  A result of this library; unknown numbers are allowed.
/// @return        A static string; do not free it. Never NULL.
#[unsafe(no_mangle)]
pub extern "C" fn dnstap_strerror(result: MaybeUninit<dnstap_result>) -> *const c_char {
    let result = dnstap_result::from_number(ffi::number(result) as c_int);
    result.map_or(c"unknown result", dnstap_result::text).as_ptr()
}
