// SPDX-License-Identifier: MIT OR Apache-2.0

use std::ffi::{CString, OsStr, c_char};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr;

use ffi::{borrow, change, give, guard, string, take};
use framestream::transport::{FileReceiver, FileSender, Transport};

use crate::reader::{fstrm_reader, fstrm_reader_options};
use crate::stdio::{Role, Stdio};
use crate::writer::{fstrm_writer, fstrm_writer_options};

/// The path of the standard input or output.
const STANDARD_STREAM: &str = "-";

/// The options of a reader of or a writer to a file.
#[derive(Default)]
pub struct fstrm_file_options {
    file_path: Option<CString>,
}

impl fstrm_file_options {
    fn path(&self) -> Option<&Path> {
        self.file_path.as_ref().map(|path| Path::new(OsStr::from_bytes(path.as_bytes())))
    }
}

/// Creates file options without a path.
///
/// @return The options, to be destroyed with fstrm_file_options_destroy().
#[unsafe(no_mangle)]
pub extern "C" fn fstrm_file_options_init() -> *mut fstrm_file_options {
    guard(ptr::null_mut(), || give(fstrm_file_options::default()))
}

/// Destroys file options.
///
/// @param[in,out] fopt  Pointer to the options; set to NULL. If it is NULL already, nothing
///                      happens.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fstrm_file_options_destroy(fopt: *mut *mut fstrm_file_options) {
    // SAFETY: as documented.
    guard((), || drop(unsafe { take(fopt) }));
}

/// Sets the path of the file. `-` stands for `stdin` with a reader and for `stdout` with a writer;
/// closing the reader or writer closes this stream.
///
/// @param fopt       The options.
/// @param file_path  The path, which is copied; NULL for none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fstrm_file_options_set_file_path(
    fopt: *mut fstrm_file_options,
    file_path: *const c_char,
) {
    // SAFETY: as documented.
    unsafe { change(fopt, |fopt| fopt.file_path = string(file_path)) }
}

/// Creates a reader of a file, which is opened by the first use of the reader.
///
/// @param fopt  File options with a path.
/// @param ropt  Reader options; NULL for the defaults.
/// @return The reader, to be destroyed with fstrm_reader_destroy(); NULL if there is no path.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fstrm_file_reader_init(
    fopt: *const fstrm_file_options,
    ropt: *const fstrm_reader_options,
) -> *mut fstrm_reader {
    guard(ptr::null_mut(), || {
        // SAFETY: as documented.
        let (fopt, ropt) = unsafe { (borrow(fopt), borrow(ropt)) };
        let Some(path) = fopt.and_then(|fopt| fopt.path()) else { return ptr::null_mut() };
        let transport: Box<dyn Transport> = match path == Path::new(STANDARD_STREAM) {
            true => Box::new(Stdio::new(Role::Input)),
            false => Box::new(FileReceiver::new(path)),
        };
        fstrm_reader::give(transport, ropt)
    })
}

/// Creates a writer to a file, which is created or truncated by the first use of the writer. If the
/// disk is full, a write fails; an fstrm_iothr keeps the frames and retries. A FIFO without a
/// reader cannot be opened.
///
/// @param fopt  File options with a path.
/// @param wopt  Writer options; NULL for the defaults.
/// @return The writer, to be destroyed with fstrm_writer_destroy(); NULL if there is no path.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fstrm_file_writer_init(
    fopt: *const fstrm_file_options,
    wopt: *const fstrm_writer_options,
) -> *mut fstrm_writer {
    guard(ptr::null_mut(), || {
        // SAFETY: as documented.
        let (fopt, wopt) = unsafe { (borrow(fopt), borrow(wopt)) };
        let Some(path) = fopt.and_then(|fopt| fopt.path()) else { return ptr::null_mut() };
        let transport: Box<dyn Transport> = match path == Path::new(STANDARD_STREAM) {
            true => Box::new(Stdio::new(Role::Output)),
            false => Box::new(FileSender::new(path)),
        };
        fstrm_writer::give(transport, wopt)
    })
}
