// SPDX-License-Identifier: MIT OR Apache-2.0

use std::ffi::{c_int, c_void};
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::os::fd::BorrowedFd;
use std::ptr;

use ffi::{borrow_mut, change, give, guard, take};
use framestream::handshake::Direction;
use framestream::transport::{Transport, WriteFailure};
use libc::iovec;

use crate::res::*;

/// A function that releases the resources of `obj`.
///
/// @param obj  The argument of fstrm_rdwr_init().
pub type fstrm_rdwr_destroy_func =
    Option<unsafe extern "C" fn(obj: *mut c_void) -> MaybeUninit<fstrm_res>>;

/// A function that opens the byte stream.
///
/// @param obj  The argument of fstrm_rdwr_init().
pub type fstrm_rdwr_open_func =
    Option<unsafe extern "C" fn(obj: *mut c_void) -> MaybeUninit<fstrm_res>>;

/// A function that closes the byte stream.
///
/// @param obj  The argument of fstrm_rdwr_init().
pub type fstrm_rdwr_close_func =
    Option<unsafe extern "C" fn(obj: *mut c_void) -> MaybeUninit<fstrm_res>>;

/// A function that reads exactly `count` bytes.
///
/// @param obj    The argument of fstrm_rdwr_init().
/// @param data   The buffer.
/// @param count  The number of bytes to read.
/// @retval fstrm_res_success  All bytes were read.
/// @retval fstrm_res_stop     The stream ended before that.
/// @retval fstrm_res_failure
pub type fstrm_rdwr_read_func = Option<
    unsafe extern "C" fn(
        obj: *mut c_void,
        data: *mut c_void,
        count: usize,
    ) -> MaybeUninit<fstrm_res>,
>;

/// A function that writes all bytes of all vectors.
///
/// A writer or writer thread passes a control frame as one vector, in a separate call, and each
/// data frame as two: its length, and its payload in the memory of the caller of
/// fstrm_writer_write(), fstrm_writer_writev() or fstrm_iothr_submit().
///
/// @param obj     The argument of fstrm_rdwr_init().
/// @param iov     The vectors.
/// @param iovcnt  The number of vectors, which is at most 256 in calls by this library.
/// @retval fstrm_res_success  All bytes were written.
/// @retval fstrm_res_failure
pub type fstrm_rdwr_write_func = Option<
    unsafe extern "C" fn(
        obj: *mut c_void,
        iov: *const iovec,
        iovcnt: c_int,
    ) -> MaybeUninit<fstrm_res>,
>;

/// A byte stream made of functions of the caller.
#[derive(Clone, Copy)]
pub struct fstrm_rdwr {
    obj: *mut c_void,
    destroy: fstrm_rdwr_destroy_func,
    open: fstrm_rdwr_open_func,
    close: fstrm_rdwr_close_func,
    read: fstrm_rdwr_read_func,
    write: fstrm_rdwr_write_func,
    opened: bool,
}

// SAFETY: the caller must provide functions that any thread can call; only one thread at a time
// uses the stream.
unsafe impl Send for fstrm_rdwr {}

impl fstrm_rdwr {
    pub(crate) fn can_read(&self) -> bool {
        self.read.is_some()
    }

    pub(crate) fn can_write(&self) -> bool {
        self.write.is_some()
    }

    fn open(&mut self) -> fstrm_res {
        let Some(open) = self.open else { return fstrm_res_failure };
        // SAFETY: set with its object by the caller, which keeps both valid.
        let result = fstrm_res::returned(unsafe { open(self.obj) });
        self.opened |= result == fstrm_res_success;
        result
    }

    fn close(&mut self) -> fstrm_res {
        let Some(close) = self.close else { return fstrm_res_failure };
        if !std::mem::take(&mut self.opened) {
            return fstrm_res_success;
        }
        // SAFETY: as in `open`.
        fstrm_res::returned(unsafe { close(self.obj) })
    }

    fn read(&mut self, data: *mut c_void, count: usize) -> fstrm_res {
        let (true, Some(read)) = (self.opened, self.read) else { return fstrm_res_failure };
        // SAFETY: as in `open`; there is room for `count` bytes at `data`.
        let result = fstrm_res::returned(unsafe { read(self.obj, data, count) });
        self.close_after(result)
    }

    fn write(&mut self, iov: *const iovec, iovcnt: c_int) -> fstrm_res {
        let (true, Some(write)) = (self.opened, self.write) else { return fstrm_res_failure };
        // SAFETY: as in `open`; `iov` holds `iovcnt` vectors.
        let result = fstrm_res::returned(unsafe { write(self.obj, iov, iovcnt) });
        self.close_after(result)
    }

    /// Closes the stream if a call failed, so that it is not used again. Returns the same result.
    fn close_after(&mut self, result: fstrm_res) -> fstrm_res {
        if result != fstrm_res_success {
            self.close();
        }
        result
    }

    fn destroy(&mut self) -> fstrm_res {
        match self.destroy.take() {
            // SAFETY: as in `open`.
            Some(destroy) => fstrm_res::returned(unsafe { destroy(self.obj) }),
            None => fstrm_res_success,
        }
    }
}

fn check(result: fstrm_res) -> io::Result<()> {
    match result {
        fstrm_res_success => Ok(()),
        failed => Err(io::Error::other(FailedCallback(failed))),
    }
}

/// The stream as a transport, which a reader or writer owns.
pub(crate) struct RdwrTransport(pub(crate) fstrm_rdwr);

impl Transport for RdwrTransport {
    fn direction(&self) -> Direction {
        match self.0.can_read() && self.0.can_write() {
            true => Direction::Bidirectional,
            false => Direction::Unidirectional,
        }
    }

    fn open(&mut self) -> io::Result<()> {
        check(self.0.open())
    }

    fn close(&mut self) -> io::Result<()> {
        check(self.0.close())
    }

    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        match self.0.read(bytes.as_mut_ptr().cast(), bytes.len()) {
            fstrm_res_stop => Ok(0),
            result => check(result).map(|()| bytes.len()),
        }
    }

    fn write(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let count = c_int::try_from(slices.len()).map_err(io::Error::other)?;
        // `IoSlice` has the layout of `iovec` on Unix, by its documentation.
        check(self.0.write(slices.as_ptr().cast(), count))?;
        Ok(slices.iter().map(|slice| slice.len()).sum())
    }

    fn wants_slices(&self) -> bool {
        true
    }

    fn poll_fd(&self) -> Option<BorrowedFd<'_>> {
        None
    }

    fn write_failure(&self) -> WriteFailure {
        WriteFailure::Unknown
    }

    fn for_child(&self) -> Box<dyn Transport> {
        // Only the original destroys the object.
        Box::new(Self(fstrm_rdwr { opened: false, destroy: None, ..self.0 }))
    }
}

impl Drop for RdwrTransport {
    fn drop(&mut self) {
        if self.0.opened {
            self.0.close();
        }
        self.0.destroy();
    }
}

/// Creates a byte stream without functions.
///
/// @param obj  The first argument of every function.
/// @return The stream, to be destroyed with fstrm_rdwr_destroy(), or passed to fstrm_reader_init()
///         or fstrm_writer_init().
#[unsafe(no_mangle)]
pub extern "C" fn fstrm_rdwr_init(obj: *mut c_void) -> *mut fstrm_rdwr {
    guard(ptr::null_mut(), || {
        give(fstrm_rdwr {
            obj,
            destroy: None,
            open: None,
            close: None,
            read: None,
            write: None,
            opened: false,
        })
    })
}

/// Destroys a byte stream, and calls its `destroy` function if it has one. Does not close it.
///
/// @param[in,out] rdwr  Pointer to the stream; set to NULL. If it is NULL already, nothing happens.
/// @return The result of the `destroy` function; success if there is none; failure if `rdwr` is
///         NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fstrm_rdwr_destroy(rdwr: *mut *mut fstrm_rdwr) -> fstrm_res {
    guard(fstrm_res_failure, || {
        if rdwr.is_null() {
            return fstrm_res_failure;
        }
        // SAFETY: as documented.
        unsafe { take(rdwr) }.map_or(fstrm_res_success, |mut rdwr| rdwr.destroy())
    })
}

/// Opens a byte stream with its `open` function.
///
/// @param rdwr  The stream.
/// @return The result of the function; failure if there is none, or if `rdwr` is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fstrm_rdwr_open(rdwr: *mut fstrm_rdwr) -> fstrm_res {
    guard(fstrm_res_failure, || {
        // SAFETY: as documented.
        unsafe { borrow_mut(rdwr) }.map_or(fstrm_res_failure, fstrm_rdwr::open)
    })
}

/// Closes a byte stream with its `close` function, if it is open.
///
/// @param rdwr  The stream.
/// @return The result of the function; success if the stream is not open; failure if there is no
///         function, or if `rdwr` is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fstrm_rdwr_close(rdwr: *mut fstrm_rdwr) -> fstrm_res {
    guard(fstrm_res_failure, || {
        // SAFETY: as documented.
        unsafe { borrow_mut(rdwr) }.map_or(fstrm_res_failure, fstrm_rdwr::close)
    })
}

/// Reads from an open byte stream with its `read` function. If that fails, the stream is closed.
///
/// @param rdwr   The stream.
/// @param data   The buffer.
/// @param count  The number of bytes to read.
/// @return The result of the function; failure if the stream is not open or has no such function,
///         or a pointer is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fstrm_rdwr_read(
    rdwr: *mut fstrm_rdwr,
    data: *mut c_void,
    count: usize,
) -> fstrm_res {
    guard(fstrm_res_failure, || {
        // SAFETY: as documented.
        match unsafe { borrow_mut(rdwr) } {
            Some(rdwr) if !data.is_null() => rdwr.read(data, count),
            _ => fstrm_res_failure,
        }
    })
}

/// Writes to an open byte stream with its `write` function. If that fails, the stream is closed.
///
/// @param rdwr    The stream.
/// @param iov     The vectors.
/// @param iovcnt  The number of vectors.
/// @return The result of the function; failure if the stream is not open or has no such function,
///         or a pointer is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fstrm_rdwr_write(
    rdwr: *mut fstrm_rdwr,
    iov: *const iovec,
    iovcnt: c_int,
) -> fstrm_res {
    guard(fstrm_res_failure, || {
        // SAFETY: as documented.
        match unsafe { borrow_mut(rdwr) } {
            Some(rdwr) if !iov.is_null() => rdwr.write(iov, iovcnt),
            _ => fstrm_res_failure,
        }
    })
}

/// Sets the function that fstrm_rdwr_destroy() calls.
///
/// @param rdwr  The stream. If it is NULL, nothing happens.
/// @param fn    The function; NULL for none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fstrm_rdwr_set_destroy(
    rdwr: *mut fstrm_rdwr,
    r#fn: fstrm_rdwr_destroy_func,
) {
    // SAFETY: as documented.
    unsafe { change(rdwr, |rdwr| rdwr.destroy = r#fn) }
}

/// Sets the function that opens the stream. Every stream needs one.
///
/// @param rdwr  The stream. If it is NULL, nothing happens.
/// @param fn    The function; NULL for none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fstrm_rdwr_set_open(rdwr: *mut fstrm_rdwr, r#fn: fstrm_rdwr_open_func) {
    // SAFETY: as documented.
    unsafe { change(rdwr, |rdwr| rdwr.open = r#fn) }
}

/// Sets the function that closes the stream. Every stream needs one.
///
/// @param rdwr  The stream. If it is NULL, nothing happens.
/// @param fn    The function; NULL for none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fstrm_rdwr_set_close(rdwr: *mut fstrm_rdwr, r#fn: fstrm_rdwr_close_func) {
    // SAFETY: as documented.
    unsafe { change(rdwr, |rdwr| rdwr.close = r#fn) }
}

/// Sets the function that reads. A reader needs one; a writer that has one expects replies.
///
/// @param rdwr  The stream. If it is NULL, nothing happens.
/// @param fn    The function; NULL for none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fstrm_rdwr_set_read(rdwr: *mut fstrm_rdwr, r#fn: fstrm_rdwr_read_func) {
    // SAFETY: as documented.
    unsafe { change(rdwr, |rdwr| rdwr.read = r#fn) }
}

/// Sets the function that writes. A writer needs one; a reader that has one sends replies.
///
/// @param rdwr  The stream. If it is NULL, nothing happens.
/// @param fn    The function; NULL for none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fstrm_rdwr_set_write(rdwr: *mut fstrm_rdwr, r#fn: fstrm_rdwr_write_func) {
    // SAFETY: as documented.
    unsafe { change(rdwr, |rdwr| rdwr.write = r#fn) }
}
