// SPDX-License-Identifier: MIT OR Apache-2.0

use std::ffi::{CStr, c_char, c_int};
use std::mem::MaybeUninit;

use dnstap::encode::EncodeError;
use ffi::SizeError;

/// What functions of the library return: DNSTAP_OK, a status above 0, or an error below 0, as
/// dnstap_is_error() tells. Later versions may return further ones of either kind. Errors of any
/// function begin at -1, of logging at -20, of messages and encoding at -40, of options and opening
/// at -60, and of reading at -80.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub enum dnstap_result {
    /// Done.
    DNSTAP_OK = 0,

    /// Not logged, because messages of this type are not.
    DNSTAP_DISABLED = 1,
    /// Not logged, because the message is not in the sample.
    DNSTAP_SAMPLED_OUT = 2,
    /// There is nothing more: the stream has ended, or no event is pending.
    DNSTAP_END = 3,
    /// The time limit of the call expired; the same call may succeed later.
    DNSTAP_TIMED_OUT = 4,

    /// NULL where it is not allowed.
    DNSTAP_ERROR_NULL = -1,
    /// The handle is of another kind, or was freed.
    DNSTAP_ERROR_HANDLE = -2,
    /// The `size` of a struct is not set: it is none that the struct has in any version.
    DNSTAP_ERROR_SIZE = -3,
    /// Out of memory.
    DNSTAP_ERROR_MEMORY = -4,
    /// Out of threads or file descriptors.
    DNSTAP_ERROR_SYSTEM = -5,
    /// A fault in the library. The process can go on.
    DNSTAP_ERROR_INTERNAL = -6,

    /// The ring of the queue is full: the message is dropped, and counted.
    DNSTAP_ERROR_FULL = -20,
    /// Longer than half of the ring: the message is dropped, and counted.
    DNSTAP_ERROR_TOO_LONG = -21,
    /// The sink is closed, or has no writer thread after a fork; or a forked child uses the writer of
    /// its parent.
    DNSTAP_ERROR_CLOSED = -22,

    /// The message type is none of enum dnstap_message_type.
    DNSTAP_ERROR_MESSAGE_TYPE = -40,
    /// An address is neither of IPv4 nor of IPv6, or of another family than the message or the
    /// other address.
    DNSTAP_ERROR_FAMILY = -41,
    /// A time is negative, or its nanoseconds are not below 1,000,000,000.
    DNSTAP_ERROR_TIME = -42,
    /// A field is longer than 65,535 bytes; or a frame is empty, or too long for a frame.
    DNSTAP_ERROR_LENGTH = -43,
    /// The type of a policy is not UTF-8, as protobuf wants it.
    DNSTAP_ERROR_POLICY_TYPE = -44,
    /// The buffer is too small.
    DNSTAP_ERROR_BUFFER = -45,

    /// A value is out of range.
    DNSTAP_ERROR_VALUE = -60,
    /// The output is not of the form unix:PATH, tcp:HOST:PORT, tls:HOST:PORT or file:PATH, or none
    /// is set.
    DNSTAP_ERROR_OUTPUT = -61,
    /// Options contradict each other.
    DNSTAP_ERROR_CONFLICT = -62,
    /// A path cannot be used.
    DNSTAP_ERROR_PATH = -63,
    /// There is something else where the socket should be.
    DNSTAP_ERROR_NOT_A_SOCKET = -64,
    /// A certificate, a key or a server name cannot be used.
    DNSTAP_ERROR_TLS = -65,
    /// The library was built without TLS.
    DNSTAP_ERROR_NO_TLS = -66,

    /// The frame is not a dnstap event. A reader can go on with the next one.
    DNSTAP_ERROR_DECODE = -80,
    /// The frame is longer than the reader takes, and was skipped. The reader can go on.
    DNSTAP_ERROR_FRAME_SIZE = -81,
    /// The stream ends without STOP, as when its sender was killed; all frames before were whole.
    DNSTAP_ERROR_NO_STOP = -82,
    /// The stream ends inside a frame.
    DNSTAP_ERROR_TORN = -83,
    /// The bytes are not Frame Streams, or are damaged.
    DNSTAP_ERROR_STREAM = -84,
    /// The content of the stream is not dnstap.
    DNSTAP_ERROR_CONTENT_TYPE = -85,
    /// Reading or writing failed.
    DNSTAP_ERROR_IO = -86,
}

pub(crate) use dnstap_result::*;

macro_rules! texts {
    ($($result:ident = $text:literal,)+) => {
        impl dnstap_result {
            /// Returns what it means.
            pub(crate) const fn text(self) -> &'static CStr {
                match self {
                    $($result => $text,)+
                }
            }

            /// Returns the result of a number; `None` if there is none.
            fn from_number(number: c_int) -> Option<Self> {
                [$($result,)+].into_iter().find(|result| *result as c_int == number)
            }
        }
    };
}

texts! {
    DNSTAP_OK = c"done",
    DNSTAP_DISABLED = c"messages of this type are not logged",
    DNSTAP_SAMPLED_OUT = c"the message is not in the sample",
    DNSTAP_END = c"the stream has ended, or no event is pending",
    DNSTAP_TIMED_OUT = c"the time limit expired",
    DNSTAP_ERROR_NULL = c"NULL where it is not allowed",
    DNSTAP_ERROR_HANDLE = c"the handle is of another kind, or was freed",
    DNSTAP_ERROR_SIZE = c"the size of the struct is not set, or too small",
    DNSTAP_ERROR_MEMORY = c"out of memory",
    DNSTAP_ERROR_SYSTEM = c"out of threads or file descriptors",
    DNSTAP_ERROR_INTERNAL = c"a fault in libdnstap",
    DNSTAP_ERROR_FULL = c"the ring is full",
    DNSTAP_ERROR_TOO_LONG = c"the message is longer than half of the ring",
    DNSTAP_ERROR_CLOSED = c"the sink is closed, or the writer belongs to the parent process",
    DNSTAP_ERROR_MESSAGE_TYPE = c"unknown message type",
    DNSTAP_ERROR_FAMILY = c"an address is of another family than the message",
    DNSTAP_ERROR_TIME = c"a time is out of range",
    DNSTAP_ERROR_LENGTH = c"a field is longer than 65,535 bytes, or a frame is empty or too long",
    DNSTAP_ERROR_POLICY_TYPE = c"the type of the policy is not UTF-8",
    DNSTAP_ERROR_BUFFER = c"the buffer is too small",
    DNSTAP_ERROR_VALUE = c"the value is out of range",
    DNSTAP_ERROR_OUTPUT = c"no output of the form unix:PATH, tcp:HOST:PORT, tls:HOST:PORT or file:PATH",
    DNSTAP_ERROR_CONFLICT = c"options contradict each other",
    DNSTAP_ERROR_PATH = c"the path cannot be used",
    DNSTAP_ERROR_NOT_A_SOCKET = c"the path is not that of a socket",
    DNSTAP_ERROR_TLS = c"a certificate, key or server name for TLS cannot be used",
    DNSTAP_ERROR_NO_TLS = c"this library was built without TLS",
    DNSTAP_ERROR_DECODE = c"the frame is not a dnstap event",
    DNSTAP_ERROR_FRAME_SIZE = c"the frame is over the limit, and was skipped",
    DNSTAP_ERROR_NO_STOP = c"the stream ends without STOP",
    DNSTAP_ERROR_TORN = c"the stream ends inside a frame",
    DNSTAP_ERROR_STREAM = c"the bytes are not Frame Streams",
    DNSTAP_ERROR_CONTENT_TYPE = c"the content type of the stream is not protobuf:dnstap.Dnstap",
    DNSTAP_ERROR_IO = c"reading or writing failed",
}

impl dnstap_result {
    /// Returns OK, or the error.
    pub(crate) fn from_done(done: Result<(), Self>) -> Self {
        done.err().unwrap_or(DNSTAP_OK)
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

impl From<EncodeError> for dnstap_result {
    fn from(error: EncodeError) -> Self {
        match error {
            EncodeError::BufferTooSmall => DNSTAP_ERROR_BUFFER,
            EncodeError::TooLong(_) => DNSTAP_ERROR_LENGTH,
            EncodeError::PolicyType => DNSTAP_ERROR_POLICY_TYPE,
        }
    }
}

/// Tells what a result means, in a few words without a full stop. Any thread may call it.
///
/// @param result  The result of a function of this library. Any number will do.
/// @return        A static string; do not free it. Never NULL.
#[unsafe(no_mangle)]
pub extern "C" fn dnstap_strerror(result: MaybeUninit<dnstap_result>) -> *const c_char {
    let result = dnstap_result::from_number(ffi::number(result) as c_int);
    result.map_or(c"unknown result", dnstap_result::text).as_ptr()
}
