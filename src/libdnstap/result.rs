// SPDX-License-Identifier: MIT OR Apache-2.0

use std::ffi::{CStr, c_char};
use std::mem::MaybeUninit;

use dnstap::encode::EncodeError;

/// What functions of the library return: 0 for success. What is not an error comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub enum dnstap_result {
    /// Done.
    DNSTAP_OK,
    /// Not logged, because messages of this type are not.
    DNSTAP_DISABLED,
    /// Not logged, because the message is not in the sample.
    DNSTAP_SAMPLED_OUT,
    /// The stream has ended.
    DNSTAP_END,
    /// The time limit of the call expired; the same call may succeed later.
    DNSTAP_TIMED_OUT,

    /// The ring of the queue is full: the message is dropped, and counted.
    DNSTAP_ERROR_FULL,
    /// Longer than half of the ring: the message is dropped, and counted.
    DNSTAP_ERROR_TOO_LONG,
    /// The sink is closed, or has no writer thread after a fork.
    DNSTAP_ERROR_CLOSED,

    /// NULL where it is not allowed.
    DNSTAP_ERROR_NULL,
    /// The handle is of another kind, or was freed.
    DNSTAP_ERROR_HANDLE,
    /// The `size` of a struct is smaller than that of its first version.
    DNSTAP_ERROR_SIZE,
    /// The message type is none of enum dnstap_message_type.
    DNSTAP_ERROR_MESSAGE_TYPE,
    /// An address is neither of IPv4 nor of IPv6, or of another family than the message or the
    /// other address.
    DNSTAP_ERROR_FAMILY,
    /// A time is negative, or its nanoseconds are not below 1,000,000,000.
    DNSTAP_ERROR_TIME,
    /// A field is longer than 65,535 bytes; or a frame is empty, or too long for a frame.
    DNSTAP_ERROR_LENGTH,
    /// The type of a policy is not UTF-8, as protobuf wants it.
    DNSTAP_ERROR_POLICY_TYPE,
    /// The buffer is too small.
    DNSTAP_ERROR_BUFFER,

    /// The value of an option is out of range.
    DNSTAP_ERROR_VALUE,
    /// The output is not of the form unix:PATH, tcp:HOST:PORT, tls:HOST:PORT or file:PATH, or none
    /// is set.
    DNSTAP_ERROR_OUTPUT,
    /// Options contradict each other.
    DNSTAP_ERROR_CONFLICT,
    /// The path of the output cannot be used.
    DNSTAP_ERROR_PATH,
    /// There is something else where the socket should be.
    DNSTAP_ERROR_NOT_A_SOCKET,
    /// A certificate, a key or a server name cannot be used.
    DNSTAP_ERROR_TLS,
    /// The library was built without TLS.
    DNSTAP_ERROR_NO_TLS,
    /// The system gave no thread or descriptor.
    DNSTAP_ERROR_SYSTEM,
    /// There is no memory for it.
    DNSTAP_ERROR_MEMORY,

    /// The frame is no dnstap event. A reader can go on behind it.
    DNSTAP_ERROR_DECODE,
    /// The frame is longer than the reader takes, and was skipped. The reader can go on.
    DNSTAP_ERROR_FRAME_SIZE,
    /// The stream ends without STOP, as when its sender was killed; all frames before were whole.
    DNSTAP_ERROR_NO_STOP,
    /// The stream ends inside a frame.
    DNSTAP_ERROR_TORN,
    /// The bytes are no Frame Streams, or are damaged.
    DNSTAP_ERROR_STREAM,
    /// The content of the stream is not dnstap.
    DNSTAP_ERROR_CONTENT_TYPE,
    /// Reading or writing failed.
    DNSTAP_ERROR_IO,
    /// A fault of the library, which it survived.
    DNSTAP_ERROR_INTERNAL,
}

pub(crate) use dnstap_result::*;

/// What each means, in the order of the enum.
const TEXTS: &[(dnstap_result, &CStr)] = &[
    (DNSTAP_OK, c"done"),
    (DNSTAP_DISABLED, c"messages of this type are not logged"),
    (DNSTAP_SAMPLED_OUT, c"the message is not in the sample"),
    (DNSTAP_END, c"the stream has ended"),
    (DNSTAP_TIMED_OUT, c"the time limit was over"),
    (DNSTAP_ERROR_FULL, c"the ring is full"),
    (DNSTAP_ERROR_TOO_LONG, c"the message is longer than half of the ring"),
    (DNSTAP_ERROR_CLOSED, c"the sink is closed"),
    (DNSTAP_ERROR_NULL, c"NULL where it is not allowed"),
    (DNSTAP_ERROR_HANDLE, c"the handle is of another kind, or was freed"),
    (DNSTAP_ERROR_SIZE, c"the size of the struct is not set, or too small"),
    (DNSTAP_ERROR_MESSAGE_TYPE, c"unknown message type"),
    (DNSTAP_ERROR_FAMILY, c"an address is of another family than the message"),
    (DNSTAP_ERROR_TIME, c"a time is out of range"),
    (DNSTAP_ERROR_LENGTH, c"a field is longer than 65,535 bytes, or a frame is empty or too long"),
    (DNSTAP_ERROR_POLICY_TYPE, c"the type of the policy is not UTF-8"),
    (DNSTAP_ERROR_BUFFER, c"the buffer is too small"),
    (DNSTAP_ERROR_VALUE, c"the value is out of range"),
    (
        DNSTAP_ERROR_OUTPUT,
        c"no output of the form unix:PATH, tcp:HOST:PORT, tls:HOST:PORT or file:PATH",
    ),
    (DNSTAP_ERROR_CONFLICT, c"options contradict each other"),
    (DNSTAP_ERROR_PATH, c"the path cannot be used"),
    (DNSTAP_ERROR_NOT_A_SOCKET, c"the path is not that of a socket"),
    (DNSTAP_ERROR_TLS, c"a certificate, key or server name for TLS cannot be used"),
    (DNSTAP_ERROR_NO_TLS, c"this library was built without TLS"),
    (DNSTAP_ERROR_SYSTEM, c"the system has no thread or descriptor to give"),
    (DNSTAP_ERROR_MEMORY, c"out of memory"),
    (DNSTAP_ERROR_DECODE, c"the frame is no dnstap event"),
    (DNSTAP_ERROR_FRAME_SIZE, c"the frame is over the limit, and was skipped"),
    (DNSTAP_ERROR_NO_STOP, c"the stream ends without STOP"),
    (DNSTAP_ERROR_TORN, c"the stream ends inside a frame"),
    (DNSTAP_ERROR_STREAM, c"the bytes are no Frame Streams"),
    (DNSTAP_ERROR_CONTENT_TYPE, c"the content type of the stream is not protobuf:dnstap.Dnstap"),
    (DNSTAP_ERROR_IO, c"reading or writing failed"),
    (DNSTAP_ERROR_INTERNAL, c"a fault in libdnstap"),
];

const _: () = {
    let mut index = 0;
    while index < TEXTS.len() {
        assert!(TEXTS[index].0 as usize == index);
        index += 1;
    }
    assert!(TEXTS.len() == DNSTAP_ERROR_INTERNAL as usize + 1);
};

impl dnstap_result {
    /// OK, or the error.
    pub(crate) fn from_done(done: Result<(), Self>) -> Self {
        done.err().unwrap_or(DNSTAP_OK)
    }

    /// What it means.
    pub(crate) fn text(self) -> &'static CStr {
        TEXTS[self as usize].1
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
/// @return        A string that is there for ever.
#[unsafe(no_mangle)]
pub extern "C" fn dnstap_strerror(result: MaybeUninit<dnstap_result>) -> *const c_char {
    let text = TEXTS.get(ffi::number(result) as usize);
    text.map_or(c"unknown result", |(_, text)| text).as_ptr()
}
