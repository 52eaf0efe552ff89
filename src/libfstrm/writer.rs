// SPDX-License-Identifier: MIT OR Apache-2.0

use std::ffi::{c_int, c_void};
use std::io::IoSlice;
use std::mem::MaybeUninit;
use std::{ptr, slice};

use ffi::{borrow, borrow_mut, bytes, guard, number, store, take};
use framestream::control::ControlType;
use framestream::transport::Transport;
use framestream::writer::{StreamWriter, WriterOptions};
use libc::iovec;

use crate::control::{fstrm_control, fstrm_control_type};
use crate::rdwr::{RdwrTransport, fstrm_rdwr};
use crate::res::*;

/// The options of a writer.
#[derive(Default)]
pub struct fstrm_writer_options(pub(crate) WriterOptions);

/// A stream to write to, by one thread at a time.
pub struct fstrm_writer(pub(crate) StreamWriter);

impl fstrm_writer {
    /// Creates a writer on `transport`, and returns its handle.
    pub(crate) fn give(
        transport: Box<dyn Transport>,
        wopt: Option<&fstrm_writer_options>,
    ) -> *mut Self {
        let options = wopt.map_or_else(WriterOptions::default, |wopt| wopt.0.clone());
        ffi::give(Self(StreamWriter::new(transport, options)))
    }
}

/// Creates writer options without content types.
///
/// @return The options, to be destroyed with fstrm_writer_options_destroy().
#[unsafe(no_mangle)]
pub extern "C" fn fstrm_writer_options_init() -> *mut fstrm_writer_options {
    guard(ptr::null_mut(), || ffi::give(fstrm_writer_options::default()))
}

/// Destroys writer options.
///
/// @param[in,out] wopt  Pointer to the options; set to NULL. If it is NULL already, nothing
///                      happens.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fstrm_writer_options_destroy(wopt: *mut *mut fstrm_writer_options) {
    // SAFETY: as documented.
    guard((), || drop(unsafe { take(wopt) }));
}

/// Adds a content type that the writer can send. Add the preferred one first: the writer uses the
/// first one that the receiver accepts or, on a unidirectional stream, the first one. A writer
/// without content types opens streams without a declared type.
///
/// @param wopt              The options.
/// @param content_type      The bytes, which are copied. They may contain NUL.
/// @param len_content_type  The number of bytes.
/// @retval fstrm_res_success
/// @retval fstrm_res_failure  More than #FSTRM_CONTROL_FIELD_CONTENT_TYPE_LENGTH_MAX bytes, or a
///                            pointer is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fstrm_writer_options_add_content_type(
    wopt: *mut fstrm_writer_options,
    content_type: *const c_void,
    len_content_type: usize,
) -> fstrm_res {
    done(|| {
        // SAFETY: as documented.
        let content_type = unsafe { bytes(content_type.cast(), len_content_type) }?;
        // SAFETY: as documented.
        unsafe { borrow_mut(wopt) }?.0.add_content_type(content_type).ok()
    })
}

/// Creates a writer on a byte stream made of the caller's own functions. If the stream has a `read`
/// function, the receiver must reply: to READY with ACCEPT, and to STOP with FINISH.
///
/// @param wopt          Writer options; NULL for the defaults.
/// @param[in,out] rdwr  Pointer to the stream, which the writer takes over; set to NULL.
/// @return The writer, to be destroyed with fstrm_writer_destroy(). NULL if the stream is NULL or
///         has no `write` function; in this case, it still belongs to the caller.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fstrm_writer_init(
    wopt: *const fstrm_writer_options,
    rdwr: *mut *mut fstrm_rdwr,
) -> *mut fstrm_writer {
    guard(ptr::null_mut(), || {
        // SAFETY: as documented.
        let writable = unsafe { borrow(rdwr).and_then(|rdwr| borrow(*rdwr)) }
            .is_some_and(fstrm_rdwr::can_write);
        if !writable {
            return ptr::null_mut();
        }
        // SAFETY: as documented.
        let (wopt, rdwr) = unsafe { (borrow(wopt), take(rdwr)) };
        rdwr.map_or(ptr::null_mut(), |rdwr| {
            fstrm_writer::give(Box::new(RdwrTransport(*rdwr)), wopt)
        })
    })
}

/// Destroys a writer. If it is open, it is closed first, with STOP.
///
/// @param[in,out] w  Pointer to the writer; set to NULL.
/// @return The result of closing; failure if the writer was not open, or is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fstrm_writer_destroy(w: *mut *mut fstrm_writer) -> fstrm_res {
    guard(fstrm_res_failure, || {
        // SAFETY: as documented.
        unsafe { take(w) }.map_or(fstrm_res_failure, |mut w| w.0.close().into())
    })
}

/// Opens a writer: connects, and exchanges the control frames up to START. Fails if the receiver
/// makes no progress for 5 seconds (fstrm_writer_options_set_io_timeout()).
///
/// @param w  The writer.
/// @retval fstrm_res_success  The writer is open, or was open before.
/// @retval fstrm_res_failure  The writer could not be opened, and the byte stream is closed; or `w`
///                            is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fstrm_writer_open(w: *mut fstrm_writer) -> fstrm_res {
    guard(fstrm_res_failure, || {
        // SAFETY: as documented.
        unsafe { borrow_mut(w) }.map_or(fstrm_res_failure, |w| w.0.open().into())
    })
}

/// Closes a writer: sends STOP and, if the stream is bidirectional, waits for FINISH.
///
/// @param w  The writer.
/// @retval fstrm_res_success
/// @retval fstrm_res_failure  The writer is not open, the receiver did not reply, or `w` is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fstrm_writer_close(w: *mut fstrm_writer) -> fstrm_res {
    guard(fstrm_res_failure, || {
        // SAFETY: as documented.
        unsafe { borrow_mut(w) }.map_or(fstrm_res_failure, |w| w.0.close().into())
    })
}

/// Writes a data frame. Opens the writer unless it was opened before.
///
/// @param w         The writer.
/// @param data      The bytes of the frame.
/// @param len_data  The number of bytes, from 1 to UINT32_MAX.
/// @retval fstrm_res_success
/// @retval fstrm_res_failure  The frame was not written. If the stream failed, it is closed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fstrm_writer_write(
    w: *mut fstrm_writer,
    data: *const c_void,
    len_data: usize,
) -> fstrm_res {
    guard(fstrm_res_failure, || {
        // SAFETY: as documented.
        match unsafe { (borrow_mut(w), bytes(data.cast(), len_data)) } {
            (Some(w), Some(payload)) => w.0.write(payload).into(),
            _ => fstrm_res_failure,
        }
    })
}

/// Writes data frames. Opens the writer unless it was opened before.
///
/// @param w       The writer.
/// @param iov     The frames, one in each vector, of 1 to UINT32_MAX bytes.
/// @param iovcnt  The number of frames. If it is below 1, nothing happens.
/// @retval fstrm_res_success
/// @retval fstrm_res_failure  Not all frames were written. If the stream failed, it is closed; if a
///                            frame is invalid, none was written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fstrm_writer_writev(
    w: *mut fstrm_writer,
    iov: *const iovec,
    iovcnt: c_int,
) -> fstrm_res {
    guard(fstrm_res_failure, || {
        // SAFETY: as documented.
        let Some(w) = (unsafe { borrow_mut(w) }) else { return fstrm_res_failure };
        let count = match usize::try_from(iovcnt) {
            Err(_) | Ok(0) => return fstrm_res_success,
            Ok(_) if iov.is_null() => return fstrm_res_failure,
            Ok(count) => count,
        };
        // SAFETY: as documented.
        let vectors = unsafe { slice::from_raw_parts(iov, count) };
        let payload = |vector: &iovec| {
            // SAFETY: as documented.
            unsafe { bytes(vector.iov_base.cast_const().cast(), vector.iov_len) }.map(IoSlice::new)
        };
        match vectors.iter().map(payload).collect::<Option<Vec<_>>>() {
            Some(payloads) => w.0.write_frames(&payloads).into(),
            None => fstrm_res_failure,
        }
    })
}

/// Retrieves a control frame that was exchanged: READY, ACCEPT, START or FINISH. Opens the writer
/// unless it was opened before.
///
/// @param w             The writer.
/// @param type          The type of the frame.
/// @param[out] control  Receives the frame; NULL if there was none yet. It belongs to the writer,
///                      must not be changed, and is valid until the writer is opened, closed or
///                      destroyed.
/// @retval fstrm_res_success
/// @retval fstrm_res_failure  A writer does not keep frames of this type, the writer cannot be
///                            opened, or a pointer is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fstrm_writer_get_control(
    w: *mut fstrm_writer,
    r#type: MaybeUninit<fstrm_control_type>,
    control: *mut *mut fstrm_control,
) -> fstrm_res {
    guard(fstrm_res_failure, || {
        // SAFETY: as documented.
        let Some(w) = (unsafe { borrow_mut(w) }) else { return fstrm_res_failure };
        if let Err(error) = w.0.open_once() {
            return Err(error).into();
        }
        // SAFETY: as documented.
        if unsafe { store(control, ptr::null_mut()) }.is_none() {
            return fstrm_res_failure;
        }
        let Ok(which) = ControlType::try_from(number(r#type)) else { return fstrm_res_failure };
        let Ok(found) = w.0.control(which) else { return fstrm_res_failure };
        // SAFETY: as documented.
        fstrm_res::from_done(
            unsafe { store(control, fstrm_control::of(found).cast_mut()) }.is_some(),
        )
    })
}
