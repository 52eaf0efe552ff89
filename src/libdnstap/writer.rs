// SPDX-License-Identifier: MIT OR Apache-2.0

use std::cell::RefCell;
use std::ffi::{CString, c_char};
use std::mem::MaybeUninit;

use dnstap::encode::Fields;
use dnstap::sink::OpenError;
use dnstap::writer::{OpenWriterError, WriteError, Writer};
use ffi::handle::{Handle, Tag, borrow_mut, take};
use framestream::StreamError;
use framestream::handshake::HandshakeError;

use crate::fault::{Fault, error_text};
use crate::message::{View, dnstap_message};
use crate::options::dnstap_options;
use crate::result::*;

/// A stream to write to.
pub type dnstap_writer = Handle<OpenWriter>;

/// The contents of a `dnstap_writer`.
pub struct OpenWriter {
    writer: Writer,
    error: CString,
}

impl Tag for OpenWriter {
    const TAG: u32 = u32::from_ne_bytes(*b"dtwr");
    type Error = dnstap_result;
}

thread_local! {
    /// The error of the last writer that this thread closed with one.
    static CLOSE_ERROR: RefCell<CString> = RefCell::default();
}

impl From<&StreamError> for dnstap_result {
    fn from(error: &StreamError) -> Self {
        match error {
            StreamError::Handshake(HandshakeError::ContentType) => DNSTAP_ERROR_CONTENT_TYPE,
            StreamError::Handshake(_) | StreamError::Frame(_) => DNSTAP_ERROR_STREAM,
            StreamError::Io(error) => error.into(),
            StreamError::End => DNSTAP_ERROR_IO,
            StreamError::FrameSize(_) => DNSTAP_ERROR_LENGTH,
            StreamError::NotOpen => DNSTAP_ERROR_INTERNAL,
        }
    }
}

impl From<OpenWriterError> for Fault {
    fn from(error: OpenWriterError) -> Self {
        match error {
            OpenWriterError::Options(error) => error.into(),
            OpenWriterError::Stream(failure) => {
                Self::new((&failure.error).into(), failure.to_string())
            }
        }
    }
}

impl From<WriteError> for Fault {
    fn from(error: WriteError) -> Self {
        let result = match &error {
            WriteError::Encode(error) => (*error).into(),
            WriteError::FrameLength(_) => DNSTAP_ERROR_LENGTH,
            WriteError::Memory(_) => DNSTAP_ERROR_MEMORY,
            WriteError::Forked => DNSTAP_ERROR_CLOSED,
            WriteError::Stream(failure) => (&failure.error).into(),
        };
        Self::new(result, error.to_string())
    }
}

/// Opens a stream to write to from one thread that can wait: for converters and short-lived
/// programs. Unlike a sink, a writer drops nothing, starts no thread except to look up a host name,
/// and connects only once: if no receiver listens, this call fails.
///
/// No call with a writer takes longer than the I/O timeout of the options, except that writing to a
/// regular file has no time limit. A receiver must therefore be able to read some 64 KiB within the
/// timeout. SIGPIPE is not raised. The descriptor is closed on exec(), and in forked children,
/// which cannot use the writer.
///
/// @param options     The options, which are copied; an output must be set. A writer uses the
///                    output, identity, version, message types, I/O timeout, unidirectional and
///                    TLS; the other options, including the sample rate, are ignored.
///                    dnstap_options_get_error() has the details of an error.
/// @param[out] error  DNSTAP_OK or the error; may be NULL. In addition to the errors of
///                    dnstap_options_check(): DNSTAP_ERROR_IO if the output cannot be opened, or
///                    the receiver does not reply in time; DNSTAP_ERROR_CONTENT_TYPE if the
///                    receiver does not accept dnstap; DNSTAP_ERROR_STREAM if it does not speak
///                    Frame Streams; DNSTAP_ERROR_MEMORY.
/// @return            The writer, to be closed with dnstap_writer_close(); NULL on an error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dnstap_writer_open(
    options: *mut dnstap_options,
    error: *mut dnstap_result,
) -> *mut dnstap_writer {
    let opened = ffi::guard(Err(DNSTAP_ERROR_INTERNAL), || {
        ffi::watch_for_forks();
        // SAFETY: as documented.
        let options = unsafe { borrow_mut(options) }?;
        let writer = options.attempt(|options| {
            // For the thread that looks up a host name.
            ffi::reserve_thread_key().map_err(OpenError::from)?;
            ffi::without_sigpipe(|| Writer::open(options))
        })?;
        Ok(Handle::give(OpenWriter { writer, error: CString::default() }))
    });
    // SAFETY: as documented.
    unsafe { hand_out(opened, error) }
}

/// Writes a message into a buffer, which is handed to the operating system when it holds 64 KiB.
/// The first failure of the stream ends it: all further calls return the same error.
///
/// @param writer   The writer.
/// @param message  The message; neither it nor the data it points to is used after the call. If its
///                 identity or version is absent, that of the options is written.
/// @retval DNSTAP_OK
/// @retval DNSTAP_DISABLED            Not written: the options do not include the message type.
/// @retval DNSTAP_ERROR_MESSAGE_TYPE  Not written: the message type is unknown.
/// @retval DNSTAP_ERROR_FAMILY        Not written: an address family is invalid.
/// @retval DNSTAP_ERROR_TIME          Not written: a time is invalid.
/// @retval DNSTAP_ERROR_LENGTH        Not written: a field is longer than 65,535 bytes.
/// @retval DNSTAP_ERROR_POLICY_TYPE   Not written: the policy type is not valid UTF-8.
/// @retval DNSTAP_ERROR_SIZE          Not written: the `size` of the message or of its policy is
///                                    not set.
/// @retval DNSTAP_ERROR_NULL          Not written: an argument is NULL, or a field has a length,
///                                    but its `data` is NULL.
/// @retval DNSTAP_ERROR_MEMORY        Not written: out of memory. The stream goes on without the
///                                    message.
/// @retval DNSTAP_ERROR_IO            The stream has failed, or the receiver did not read within
///                                    the I/O timeout. dnstap_writer_get_error() has the details.
/// @retval DNSTAP_ERROR_CLOSED        The writer belongs to the parent of this forked child.
/// @retval DNSTAP_ERROR_HANDLE
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dnstap_writer_write(
    writer: *mut dnstap_writer,
    message: *const dnstap_message,
) -> dnstap_result {
    // SAFETY: as documented.
    unsafe {
        with::<Fault>(writer, |writer| {
            let mut older = MaybeUninit::uninit();
            // SAFETY: as documented.
            let view = View::borrow(message, &mut older)?;
            if writer.buffer(&view, view.envelope())? {
                Ok(flush_full(writer)?)
            } else {
                Err(dnstap_result::not_enabled(view.message_type().0).into())
            }
        })
    }
}

/// Writes an event that is already encoded, for example by dnstap_encode(), or read with
/// dnstap_reader_get_frame(). The event is written unchanged: it is not decoded or checked.
///
/// @param writer  The writer.
/// @param frame   The event: the payload of a data frame with the content type
///                protobuf:dnstap.Dnstap. Most readers accept at most 1 MiB.
/// @param length  Length of the event in bytes, from 1 to 4 GiB - 1.
/// @retval DNSTAP_OK
/// @retval DNSTAP_ERROR_LENGTH  Not written: `length` is out of range.
/// @retval DNSTAP_ERROR_NULL    Not written: an argument is NULL.
/// @retval DNSTAP_ERROR_MEMORY  Not written: out of memory. The stream goes on without the event.
/// @retval DNSTAP_ERROR_IO      As for dnstap_writer_write().
/// @retval DNSTAP_ERROR_CLOSED  The writer belongs to the parent of this forked child.
/// @retval DNSTAP_ERROR_HANDLE
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dnstap_writer_write_frame(
    writer: *mut dnstap_writer,
    frame: *const u8,
    length: usize,
) -> dnstap_result {
    // SAFETY: as documented.
    unsafe {
        with::<Fault>(writer, |writer| {
            if frame.is_null() {
                return Err(DNSTAP_ERROR_NULL.into());
            }
            // SAFETY: as documented.
            let frame = ffi::bytes(frame, length).ok_or(WriteError::FrameLength(length))?;
            writer.buffer_frame(frame)?;
            Ok(flush_full(writer)?)
        })
    }
}

/// Hands the buffered data to the operating system.
///
/// @param writer  The writer.
/// @retval DNSTAP_OK
/// @retval DNSTAP_ERROR_IO      As for dnstap_writer_write().
/// @retval DNSTAP_ERROR_CLOSED  The writer belongs to the parent of this forked child.
/// @retval DNSTAP_ERROR_NULL
/// @retval DNSTAP_ERROR_HANDLE
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dnstap_writer_flush(writer: *mut dnstap_writer) -> dnstap_result {
    // SAFETY: as documented.
    unsafe { with(writer, |writer| ffi::without_sigpipe(|| writer.flush())) }
}

/// Returns the reason for the last error of a call with this writer, as one line without a full
/// stop.
///
/// @param writer  The writer; NULL for the last writer that this thread closed with an error.
/// @return        A string, valid until the next call with this writer, or, for NULL, until this
///                thread closes another one with an error; never NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dnstap_writer_get_error(writer: *const dnstap_writer) -> *const c_char {
    // SAFETY: as documented.
    unsafe { error_text(writer, &CLOSE_ERROR, |writer| &writer.error) }
}

/// Writes the buffered data, ends the stream, waits until the receiver confirms that it has read
/// everything (unless the stream is unidirectional), and frees the writer. Without this call, the
/// buffered data is lost, and the stream ends without STOP.
///
/// @param[in,out] writer  Pointer to the writer; set to NULL.
/// @retval DNSTAP_OK            Everything was written and, unless the stream is unidirectional,
///                              confirmed; or the writer was NULL already.
/// @retval DNSTAP_ERROR_IO      Freed, but the stream has failed, or the receiver did not confirm
///                              within the I/O timeout. dnstap_writer_get_error(NULL) has the
///                              details of this error and the next two.
/// @retval DNSTAP_ERROR_STREAM  Freed, but the receiver sent an invalid reply.
/// @retval DNSTAP_ERROR_CLOSED  Freed; the stream belongs to the parent of this forked child.
/// @retval DNSTAP_ERROR_NULL    `writer` is NULL.
/// @retval DNSTAP_ERROR_HANDLE  Not freed: the handle is not a writer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dnstap_writer_close(writer: *mut *mut dnstap_writer) -> dnstap_result {
    dnstap_result::of(|| {
        // SAFETY: as documented.
        let Some(taken) = unsafe { take(writer) }? else { return Ok(()) };
        let closed = ffi::without_sigpipe(|| taken.into_value().writer.close());
        closed.map_err(|error| {
            CLOSE_ERROR.with_borrow_mut(|place| Fault::from(error).store_in(place))
        })
    })
}

fn flush_full(writer: &mut Writer) -> Result<(), WriteError> {
    if writer.is_full() { ffi::without_sigpipe(|| writer.flush()) } else { Ok(()) }
}

/// Runs a function on a writer, and stores its error.
///
/// # Safety
/// `writer` is NULL or a handle of this library.
unsafe fn with<E: Into<Fault>>(
    writer: *mut dnstap_writer,
    run: impl FnOnce(&mut Writer) -> Result<(), E>,
) -> dnstap_result {
    dnstap_result::of(|| {
        // SAFETY: passed on to the caller.
        let OpenWriter { writer, error: place } = unsafe { borrow_mut(writer) }?;
        run(writer).map_err(|error| error.into().store_in(place))
    })
}
