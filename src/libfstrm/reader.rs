// SPDX-License-Identifier: MIT OR Apache-2.0

use std::ffi::{c_uint, c_void};
use std::mem::MaybeUninit;
use std::ptr;

use ffi::{borrow, borrow_mut, bytes, guard, number, store, take};
use framestream::control::ControlType;
use framestream::reader::{ReaderOptions, StreamReader};
use framestream::transport::Transport;

use crate::control::{fstrm_control, fstrm_control_type};
use crate::rdwr::{RdwrTransport, fstrm_rdwr};
use crate::res::*;

/// Default of the maximum size of a data frame in bytes.
pub const FSTRM_READER_MAX_FRAME_SIZE_DEFAULT: c_uint = 1048576;

/// The options of a reader.
#[derive(Default)]
pub struct fstrm_reader_options(ReaderOptions);

/// A stream to read from, by one thread at a time.
pub struct fstrm_reader(StreamReader);

impl fstrm_reader {
    /// Creates a reader of `transport`, and returns its handle.
    pub(crate) fn give(
        transport: Box<dyn Transport>,
        ropt: Option<&fstrm_reader_options>,
    ) -> *mut Self {
        let options = ropt.map_or_else(ReaderOptions::default, |ropt| ropt.0.clone());
        ffi::give(Self(StreamReader::new(transport, options)))
    }
}

/// Creates reader options without content types.
///
/// @return The options, to be destroyed with fstrm_reader_options_destroy().
#[unsafe(no_mangle)]
pub extern "C" fn fstrm_reader_options_init() -> *mut fstrm_reader_options {
    guard(ptr::null_mut(), || ffi::give(fstrm_reader_options::default()))
}

/// Destroys reader options.
///
/// @param[in,out] ropt  Pointer to the options; set to NULL. If it is NULL already, nothing
///                      happens.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fstrm_reader_options_destroy(ropt: *mut *mut fstrm_reader_options) {
    // SAFETY: as documented.
    guard((), || drop(unsafe { take(ropt) }));
}

/// Adds a content type that the reader accepts. A reader without content types accepts all streams.
///
/// @param ropt              The options.
/// @param content_type      The bytes, which are copied. They may contain NUL.
/// @param len_content_type  The number of bytes.
/// @retval fstrm_res_success
/// @retval fstrm_res_failure  More than #FSTRM_CONTROL_FIELD_CONTENT_TYPE_LENGTH_MAX bytes, or a
///                            pointer is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fstrm_reader_options_add_content_type(
    ropt: *mut fstrm_reader_options,
    content_type: *const c_void,
    len_content_type: usize,
) -> fstrm_res {
    done(|| {
        // SAFETY: as documented.
        let content_type = unsafe { bytes(content_type.cast(), len_content_type) }?;
        // SAFETY: as documented.
        unsafe { borrow_mut(ropt) }?.0.add_content_type(content_type).ok()
    })
}

/// Sets the maximum size of a data frame, which limits the memory of the reader.
///
/// @param ropt            The options.
/// @param max_frame_size  In bytes, from #FSTRM_CONTROL_FRAME_LENGTH_MAX to UINT32_MAX - 1.
/// @retval fstrm_res_success
/// @retval fstrm_res_failure  The size is out of range, or `ropt` is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fstrm_reader_options_set_max_frame_size(
    ropt: *mut fstrm_reader_options,
    max_frame_size: usize,
) -> fstrm_res {
    // SAFETY: as documented.
    done(|| unsafe { borrow_mut(ropt) }?.0.set_max_frame_size(max_frame_size).then_some(()))
}

/// Creates a reader of a byte stream made of the caller's own functions. If the stream has a
/// `write` function, the sender must begin with READY, and gets ACCEPT and FINISH.
///
/// @param ropt          Reader options; NULL for the defaults.
/// @param[in,out] rdwr  Pointer to the stream, which the reader takes over; set to NULL.
/// @return The reader, to be destroyed with fstrm_reader_destroy(). NULL if the stream is NULL or
///         has no `read` function; in this case, it still belongs to the caller.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fstrm_reader_init(
    ropt: *const fstrm_reader_options,
    rdwr: *mut *mut fstrm_rdwr,
) -> *mut fstrm_reader {
    guard(ptr::null_mut(), || {
        // SAFETY: as documented.
        let readable = unsafe { borrow(rdwr).and_then(|rdwr| borrow(*rdwr)) }
            .is_some_and(fstrm_rdwr::can_read);
        if !readable {
            return ptr::null_mut();
        }
        // SAFETY: as documented.
        let (ropt, rdwr) = unsafe { (borrow(ropt), take(rdwr)) };
        rdwr.map_or(ptr::null_mut(), |rdwr| {
            fstrm_reader::give(Box::new(RdwrTransport(*rdwr)), ropt)
        })
    })
}

/// Destroys a reader. If it is open, it is closed first.
///
/// @param[in,out] r  Pointer to the reader; set to NULL.
/// @return The result of closing; failure if the reader was not open, or is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fstrm_reader_destroy(r: *mut *mut fstrm_reader) -> fstrm_res {
    guard(fstrm_res_failure, || {
        // SAFETY: as documented.
        unsafe { take(r) }.map_or(fstrm_res_failure, |mut r| r.0.close().into())
    })
}

/// Opens a reader: opens the byte stream, and exchanges the control frames up to START.
///
/// @param r  The reader.
/// @retval fstrm_res_success
/// @retval fstrm_res_stop     The stream ended before START was complete.
/// @retval fstrm_res_failure  The reader is already open; it cannot be opened, and the byte stream
///                            is closed; or `r` is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fstrm_reader_open(r: *mut fstrm_reader) -> fstrm_res {
    guard(fstrm_res_failure, || {
        // SAFETY: as documented.
        unsafe { borrow_mut(r) }.map_or(fstrm_res_failure, |r| r.0.open().into())
    })
}

/// Closes a reader. If the stream is bidirectional, sends FINISH.
///
/// @param r  The reader.
/// @retval fstrm_res_success
/// @retval fstrm_res_failure  The reader is not open, closing failed, or `r` is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fstrm_reader_close(r: *mut fstrm_reader) -> fstrm_res {
    guard(fstrm_res_failure, || {
        // SAFETY: as documented.
        unsafe { borrow_mut(r) }.map_or(fstrm_res_failure, |r| r.0.close().into())
    })
}

/// Reads the next data frame. Opens the reader unless it was opened before. Waits without a time
/// limit.
///
/// @param r              The reader.
/// @param[out] data      Receives the bytes of the frame. They belong to the reader, and are valid
///                       until its next use.
/// @param[out] len_data  Receives the number of bytes.
/// @retval fstrm_res_success
/// @retval fstrm_res_stop     The stream ended, with or without STOP; or the reader is closed.
/// @retval fstrm_res_failure  The stream is malformed, a frame is too large, the reader is not
///                            open, or a pointer is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fstrm_reader_read(
    r: *mut fstrm_reader,
    data: *mut *const u8,
    len_data: *mut usize,
) -> fstrm_res {
    guard(fstrm_res_failure, || {
        // SAFETY: as documented.
        let Some(r) = (unsafe { borrow_mut(r) }) else { return fstrm_res_failure };
        if data.is_null() || len_data.is_null() {
            return fstrm_res_failure;
        }
        match r.0.read() {
            Ok(Some(frame)) => {
                // SAFETY: as documented.
                let stored = unsafe {
                    store(data, frame.as_ptr()).and_then(|()| store(len_data, frame.len()))
                };
                fstrm_res::from_done(stored.is_some())
            }
            Ok(None) => fstrm_res_stop,
            Err(error) => Err(error).into(),
        }
    })
}

/// Retrieves a control frame that was exchanged: READY, ACCEPT, START or STOP. Opens the reader
/// unless it was opened before.
///
/// @param r             The reader.
/// @param type          The type of the frame.
/// @param[out] control  Receives the frame; NULL if there was none yet. It belongs to the reader,
///                      and is valid until the reader is opened, closed or destroyed.
/// @retval fstrm_res_success
/// @retval fstrm_res_failure  A reader does not keep frames of this type, the reader cannot be
///                            opened, or a pointer is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fstrm_reader_get_control(
    r: *mut fstrm_reader,
    r#type: MaybeUninit<fstrm_control_type>,
    control: *mut *const fstrm_control,
) -> fstrm_res {
    guard(fstrm_res_failure, || {
        // SAFETY: as documented.
        let Some(r) = (unsafe { borrow_mut(r) }) else { return fstrm_res_failure };
        if let Err(error) = r.0.open_once() {
            return Err(error).into();
        }
        // SAFETY: as documented.
        if unsafe { store(control, ptr::null()) }.is_none() {
            return fstrm_res_failure;
        }
        let Ok(which) = ControlType::try_from(number(r#type)) else { return fstrm_res_failure };
        let Ok(found) = r.0.control(which) else { return fstrm_res_failure };
        // SAFETY: as documented.
        fstrm_res::from_done(unsafe { store(control, fstrm_control::of(found)) }.is_some())
    })
}
