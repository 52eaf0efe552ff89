// SPDX-License-Identifier: MIT OR Apache-2.0

use std::ffi::{CString, OsStr, c_char};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr;

use ffi::{borrow, change, give, guard, string, take};
use framestream::transport::SocketSender;

use crate::writer::{fstrm_writer, fstrm_writer_options};

/// The options of a writer to a Unix socket.
#[derive(Default)]
pub struct fstrm_unix_writer_options {
    socket_path: Option<CString>,
}

/// Creates Unix writer options without a path.
///
/// @return The options, to be destroyed with fstrm_unix_writer_options_destroy().
#[unsafe(no_mangle)]
pub extern "C" fn fstrm_unix_writer_options_init() -> *mut fstrm_unix_writer_options {
    guard(ptr::null_mut(), || give(fstrm_unix_writer_options::default()))
}

/// Destroys Unix writer options.
///
/// @param[in,out] uwopt  Pointer to the options; set to NULL. If it is NULL already, nothing
///                       happens.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fstrm_unix_writer_options_destroy(
    uwopt: *mut *mut fstrm_unix_writer_options,
) {
    // SAFETY: as documented.
    guard((), || drop(unsafe { take(uwopt) }));
}

/// Sets the path of the socket that a receiver listens on.
///
/// @param uwopt        The options.
/// @param socket_path  The path, which is copied; NULL for none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fstrm_unix_writer_options_set_socket_path(
    uwopt: *mut fstrm_unix_writer_options,
    socket_path: *const c_char,
) {
    // SAFETY: as documented.
    unsafe { change(uwopt, |uwopt| uwopt.socket_path = string(socket_path)) }
}

/// Creates a writer to a Unix socket, which connects with its first use.
///
/// @param uwopt  Unix writer options with a path.
/// @param wopt   Writer options; NULL for the defaults.
/// @return The writer, to be destroyed with fstrm_writer_destroy(); NULL if the path is missing, or
///         too long for an address.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fstrm_unix_writer_init(
    uwopt: *const fstrm_unix_writer_options,
    wopt: *const fstrm_writer_options,
) -> *mut fstrm_writer {
    guard(ptr::null_mut(), || {
        // SAFETY: as documented.
        let (uwopt, wopt) = unsafe { (borrow(uwopt), borrow(wopt)) };
        let path = uwopt.and_then(|uwopt| uwopt.socket_path.as_ref());
        let path = path.map(|path| Path::new(OsStr::from_bytes(path.as_bytes())));
        match path.map(SocketSender::unix) {
            Some(Ok(transport)) => fstrm_writer::give(Box::new(transport), wopt),
            _ => ptr::null_mut(),
        }
    })
}
