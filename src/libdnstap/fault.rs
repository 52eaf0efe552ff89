// SPDX-License-Identifier: MIT OR Apache-2.0
//! Errors with texts that contain the option, its value and the limits.

use std::cell::RefCell;
use std::ffi::{CString, c_char};
use std::fmt::Display;
use std::io;
use std::ops::RangeInclusive;
use std::thread::LocalKey;

use dnstap::encode::EncodeError;
use dnstap::output::OutputError;
use dnstap::sink::OpenError;
use ffi::handle::{Handle, Tag, borrow};
use framestream::plain_error;

use crate::result::*;

/// An error, and its description in one line without a full stop.
pub(crate) struct Fault {
    pub(crate) result: dnstap_result,
    text: String,
}

impl Fault {
    pub(crate) fn new(result: dnstap_result, text: impl Display) -> Self {
        Self { result, text: plain_error(text) }
    }

    /// Returns the error of a value that is out of range.
    pub(crate) fn range<T: Display>(
        option: &str,
        value: T,
        unit: &str,
        range: &RangeInclusive<T>,
    ) -> Self {
        let (min, max) = (range.start(), range.end());
        let text = format!("{option} is {value}{unit}, but must be from {min} to {max}{unit}");
        Self::new(DNSTAP_ERROR_VALUE, text)
    }

    /// Returns `value` if it is in the range, otherwise the error.
    pub(crate) fn unless_in<T: Display + PartialOrd>(
        range: RangeInclusive<T>,
        option: &str,
        value: T,
        unit: &str,
    ) -> Result<T, Self> {
        if range.contains(&value) {
            Ok(value)
        } else {
            Err(Self::range(option, value, unit, &range))
        }
    }

    /// Prefixes the text with the name of an option.
    pub(crate) fn of(self, option: &str) -> Self {
        Self { text: format!("{option}: {}", self.text), ..self }
    }

    /// Stores the description for C, and returns the error.
    pub(crate) fn store_in(self, place: &mut CString) -> dnstap_result {
        *place = CString::new(self.text).unwrap_or_default();
        self.result
    }
}

/// The description of the last error of each thread, for errors after which no handle exists.
pub(crate) type TextOfThread = LocalKey<RefCell<CString>>;

/// Returns the description of the last error with a handle or, for NULL, of this thread.
///
/// # Safety
/// `handle` is as documented.
pub(crate) unsafe fn error_text<T: Tag<Error = dnstap_result>>(
    handle: *const Handle<T>,
    without_handle: &'static TextOfThread,
    text: impl FnOnce(&T) -> &CString,
) -> *const c_char {
    ffi::guard(c"".as_ptr(), || {
        if handle.is_null() {
            let text = without_handle.with_borrow(|text| (!text.is_empty()).then(|| text.as_ptr()));
            return text.unwrap_or(DNSTAP_ERROR_NULL.text().as_ptr());
        }
        // SAFETY: passed on to the caller.
        match unsafe { borrow(handle) } {
            Ok(found) => text(found).as_ptr(),
            Err(error) => error.text().as_ptr(),
        }
    })
}

impl From<dnstap_result> for Fault {
    fn from(result: dnstap_result) -> Self {
        Self::new(result, result.text().to_string_lossy())
    }
}

impl From<EncodeError> for Fault {
    fn from(error: EncodeError) -> Self {
        Self::new(error.into(), error)
    }
}

impl From<OutputError> for Fault {
    fn from(error: OutputError) -> Self {
        let result = match error {
            OutputError::NoTls => DNSTAP_ERROR_NO_TLS,
            _ => DNSTAP_ERROR_OUTPUT,
        };
        Self::new(result, error)
    }
}

impl From<OpenError> for Fault {
    fn from(error: OpenError) -> Self {
        let text = error.to_string();
        let result = match error {
            OpenError::NoOutput => DNSTAP_ERROR_OUTPUT,
            OpenError::Io(error) if error.kind() == io::ErrorKind::OutOfMemory => {
                DNSTAP_ERROR_MEMORY
            }
            OpenError::Io(_) => DNSTAP_ERROR_SYSTEM,
            OpenError::Path { .. } => DNSTAP_ERROR_PATH,
            OpenError::NoSocket(_) => DNSTAP_ERROR_NOT_A_SOCKET,
            OpenError::Origin(error) => error.into(),
            OpenError::Control(_) => DNSTAP_ERROR_INTERNAL,
            #[cfg(feature = "tls")]
            OpenError::Tls(_) => DNSTAP_ERROR_TLS,
            #[cfg(feature = "tls")]
            OpenError::TlsOptions => DNSTAP_ERROR_CONFLICT,
            OpenError::Memory(_) => DNSTAP_ERROR_MEMORY,
            OpenError::Closed => DNSTAP_ERROR_CLOSED,
        };
        Self::new(result, text)
    }
}
