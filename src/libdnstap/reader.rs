// SPDX-License-Identifier: MIT OR Apache-2.0

use std::cell::RefCell;
use std::ffi::{CString, OsStr, c_char, c_int, c_uint};
use std::os::fd::BorrowedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;
use std::{io, ptr};

use dnstap::Event;
use dnstap::reader::{ReadError, Reader};
use ffi::handle::{Handle, Tag, borrow, borrow_mut, take};

use crate::fault::{Fault, error_text};
use crate::message::{dnstap_bytes, dnstap_message, dnstap_storage, store};
use crate::options::text;
use crate::result::*;

/// A stream to read from.
pub type dnstap_reader = Handle<OpenReader>;

/// The contents of a `dnstap_reader`.
pub struct OpenReader {
    reader: Reader,
    /// The last frame, in the memory of the reader.
    frame: dnstap_bytes,
    /// Data that the last message points to, besides the frame.
    storage: dnstap_storage,
    error: CString,
}

impl Tag for OpenReader {
    const TAG: u32 = u32::from_ne_bytes(*b"dtre");
    type Error = dnstap_result;
}

impl OpenReader {
    fn give(reader: Reader) -> *mut dnstap_reader {
        Handle::give(Self {
            reader,
            frame: dnstap_bytes::ABSENT,
            storage: dnstap_storage::new(),
            error: CString::default(),
        })
    }

    /// Stores an error.
    fn fail(&mut self, fault: impl Into<Fault>) -> dnstap_result {
        fault.into().store_in(&mut self.error)
    }
}

impl From<ReadError> for Fault {
    fn from(error: ReadError) -> Self {
        let result = match &error {
            ReadError::TimedOut => DNSTAP_TIMED_OUT,
            ReadError::TooLarge { .. } => DNSTAP_ERROR_FRAME_SIZE,
            ReadError::ContentType { .. } => DNSTAP_ERROR_CONTENT_TYPE,
            ReadError::NoStop { .. } => DNSTAP_ERROR_NO_STOP,
            ReadError::Torn { .. } => DNSTAP_ERROR_TORN,
            ReadError::Io(error) => error.into(),
            _ => DNSTAP_ERROR_STREAM,
        };
        Self::new(result, error)
    }
}

thread_local! {
    /// The reason why the last reader of this thread could not be opened.
    static OPEN_ERROR: RefCell<CString> = RefCell::default();
}

/// Opens a dnstap file, to read it from the beginning.
///
/// @param path        The path of a file, or of a FIFO; dnstap_reader_next() waits for its writer.
/// @param[out] error  DNSTAP_OK or the error; may be NULL. DNSTAP_ERROR_IO, with errno set, if the
///                    file cannot be opened; DNSTAP_ERROR_MEMORY or DNSTAP_ERROR_NULL.
/// @return            The reader, to be closed with dnstap_reader_close(); NULL on an error, of
///                    which dnstap_reader_get_error(NULL) has the details.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dnstap_reader_open(
    path: *const c_char,
    error: *mut dnstap_result,
) -> *mut dnstap_reader {
    ffi::guard(ptr::null_mut(), || {
        // SAFETY: as documented.
        let path = unsafe { text(path) }.ok_or(Fault::from(DNSTAP_ERROR_NULL));
        let opened = path.and_then(|path| {
            let path = Path::new(OsStr::from_bytes(path));
            let failed = |error: io::Error| {
                Fault::new((&error).into(), error).of(&path.display().to_string())
            };
            Reader::open(path).map_err(failed)
        });
        // SAFETY: as documented.
        unsafe { give(opened, error) }
    })
}

/// Opens a reader on a file, pipe or connected socket. On a socket, both kinds of stream are
/// accepted: if the stream begins with READY, the reader replies.
///
/// @param fd          The file descriptor, which is duplicated; the caller may close it.
/// @param[out] error  DNSTAP_OK or the error; may be NULL. DNSTAP_ERROR_VALUE if `fd` is negative;
///                    DNSTAP_ERROR_IO, with errno set, if it cannot be duplicated;
///                    DNSTAP_ERROR_MEMORY.
/// @return            The reader, to be closed with dnstap_reader_close(); NULL on an error, of
///                    which dnstap_reader_get_error(NULL) has the details.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dnstap_reader_open_fd(
    fd: c_int,
    error: *mut dnstap_result,
) -> *mut dnstap_reader {
    ffi::guard(ptr::null_mut(), || {
        let opened = if fd < 0 {
            Err(Fault::new(DNSTAP_ERROR_VALUE, format!("{fd} is not a descriptor")))
        } else {
            // SAFETY: the caller keeps the descriptor open during this call.
            let own = unsafe { BorrowedFd::borrow_raw(fd) }.try_clone_to_owned();
            let failed = |error: io::Error| {
                Fault::new((&error).into(), error).of(&format!("descriptor {fd}"))
            };
            own.and_then(Reader::from_fd).map_err(failed)
        };
        // SAFETY: as documented.
        unsafe { give(opened, error) }
    })
}

/// Hands a reader or an error to the caller.
///
/// # Safety
/// `error` is NULL or valid for writing.
unsafe fn give(opened: Result<Reader, Fault>, error: *mut dnstap_result) -> *mut dnstap_reader {
    let given = opened.map(OpenReader::give);
    let given = given.map_err(|fault| OPEN_ERROR.with_borrow_mut(|place| fault.store_in(place)));
    // SAFETY: passed on to the caller.
    unsafe { hand_out(given, error) }
}

/// Sets the maximum frame size. Larger frames are skipped.
///
/// @param reader  The reader.
/// @param bytes   From 512 bytes to 2 GiB - 1; 1 MiB by default.
/// @retval DNSTAP_OK
/// @retval DNSTAP_ERROR_VALUE
/// @retval DNSTAP_ERROR_NULL
/// @retval DNSTAP_ERROR_HANDLE
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dnstap_reader_set_max_frame_size(
    reader: *mut dnstap_reader,
    bytes: usize,
) -> dnstap_result {
    dnstap_result::of(|| {
        // SAFETY: as documented.
        let reader = unsafe { borrow_mut(reader) }?;
        if reader.reader.set_max_frame_size(bytes) {
            return Ok(());
        }
        Err(reader.fail(Fault::range("max_frame_size", bytes, "", &(512..=i32::MAX as usize))))
    })
}

/// Reads the next message. Allocates nothing, except for a frame that is longer than all before it.
///
/// @param reader        The reader.
/// @param[out] message  Receives the message, decoded as by dnstap_decode(); its `size` must be set
///                      before. It points into the reader, and is valid until the next call with
///                      the reader. It may be copied. NULL to read a frame without decoding it. Not
///                      written to on an error.
/// @param milliseconds  Maximum time of the call, even if the sender never pauses but does not
///                      complete a message. Data that has already arrived is read, up to 1 MiB,
///                      even with 0. Reading a regular file has no time limit.
/// @retval DNSTAP_OK
/// @retval DNSTAP_END                 The sender has ended the stream.
/// @retval DNSTAP_TIMED_OUT           Call again. A frame that has been read in part is kept.
/// @retval DNSTAP_ERROR_DECODE        Call again for the next frame: this one is not a dnstap
///                                    event. dnstap_reader_get_frame() returns it.
/// @retval DNSTAP_ERROR_FRAME_SIZE    Call again for the next frame: this one was too large, and
///                                    was skipped.
/// @retval DNSTAP_ERROR_NO_STOP       The stream ended without STOP.
/// @retval DNSTAP_ERROR_TORN          The stream ended inside a frame.
/// @retval DNSTAP_ERROR_STREAM        The stream ends here: the data is not a Frame Streams stream,
///                                    or is damaged.
/// @retval DNSTAP_ERROR_CONTENT_TYPE  The stream ends here: its content type is not
///                                    protobuf:dnstap.Dnstap.
/// @retval DNSTAP_ERROR_IO            The stream ends here: reading failed.
/// @retval DNSTAP_ERROR_MEMORY        The stream ends here: out of memory for a large frame.
/// @retval DNSTAP_ERROR_SIZE          `message->size` is not set. The frame was read;
///                                    dnstap_reader_get_frame() returns it.
/// @retval DNSTAP_ERROR_NULL
/// @retval DNSTAP_ERROR_HANDLE
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dnstap_reader_next(
    reader: *mut dnstap_reader,
    message: *mut dnstap_message,
    milliseconds: c_uint,
) -> dnstap_result {
    ffi::guard(DNSTAP_ERROR_INTERNAL, || {
        // SAFETY: as documented.
        let reader = match unsafe { borrow_mut(reader) } {
            Ok(reader) => reader,
            Err(error) => return error,
        };
        reader.frame = dnstap_bytes::ABSENT;
        let frame = match reader.reader.next(Duration::from_millis(milliseconds.into())) {
            Ok(Some(frame)) => frame,
            Ok(None) => return DNSTAP_END,
            Err(error) => return reader.fail(error),
        };
        reader.frame = frame.into();
        if message.is_null() {
            return DNSTAP_OK;
        }
        let mut event = Event::new();
        match event.decode_into(frame) {
            // SAFETY: as documented.
            Ok(()) => match unsafe { store(&event, message, &raw mut reader.storage) } {
                Ok(()) => DNSTAP_OK,
                Err(error) => reader.fail(error),
            },
            Err(error) => {
                let offset = reader.reader.offset();
                let text = format!("the frame at byte {offset} is not a dnstap event: {error}");
                reader.fail(Fault::new(DNSTAP_ERROR_DECODE, text))
            }
        }
    })
}

/// Retrieves the frame that the last call of dnstap_reader_next() has read, unchanged.
///
/// @param reader      The reader.
/// @param[out] frame  Receives the payload, which is in the memory of the reader and valid until
///                    the next call of dnstap_reader_next(); absent if the last call has read no
///                    frame.
/// @retval DNSTAP_OK
/// @retval DNSTAP_ERROR_NULL
/// @retval DNSTAP_ERROR_HANDLE
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dnstap_reader_get_frame(
    reader: *const dnstap_reader,
    frame: *mut dnstap_bytes,
) -> dnstap_result {
    dnstap_result::of(|| {
        // SAFETY: as documented.
        let found = unsafe { borrow(reader) }?.frame;
        // SAFETY: as documented.
        unsafe { ffi::store(frame, found) }.ok_or(DNSTAP_ERROR_NULL)
    })
}

/// Returns the reason for the last error of a call with this reader, with the byte offset in the
/// stream, as one line without a full stop.
///
/// @param reader  The reader; NULL for the last failure of this thread to open one.
/// @return        A string, valid until the next call with this reader, or, for NULL, until this
///                thread fails to open another one; never NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dnstap_reader_get_error(reader: *const dnstap_reader) -> *const c_char {
    // SAFETY: as documented.
    unsafe { error_text(reader, &OPEN_ERROR, |reader| &reader.error) }
}

/// Closes the stream, and frees the reader.
///
/// @param[in,out] reader  Pointer to the reader; set to NULL. If it is NULL already, nothing
///                        happens.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dnstap_reader_close(reader: *mut *mut dnstap_reader) {
    // SAFETY: as documented.
    ffi::guard((), || drop(unsafe { take(reader) }));
}
