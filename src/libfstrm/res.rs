// SPDX-License-Identifier: MIT OR Apache-2.0

use std::fmt;
use std::mem::MaybeUninit;

use ffi::{guard, number};
use framestream::StreamError;

/// The result of a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub enum fstrm_res {
    /// Success.
    fstrm_res_success,
    /// Failure.
    fstrm_res_failure,
    /// There is no room; the same call may succeed later.
    fstrm_res_again,
    /// The arguments are invalid.
    fstrm_res_invalid,
    /// The stream has ended.
    fstrm_res_stop,
}

pub(crate) use fstrm_res::*;

impl fstrm_res {
    /// Converts the result of a caller's own function. An unknown number is a failure.
    pub(crate) fn returned(value: MaybeUninit<Self>) -> Self {
        match number(value) {
            0 => fstrm_res_success,
            2 => fstrm_res_again,
            3 => fstrm_res_invalid,
            4 => fstrm_res_stop,
            _ => fstrm_res_failure,
        }
    }

    /// Returns success if `done`, otherwise failure.
    pub(crate) fn from_done(done: bool) -> Self {
        if done { fstrm_res_success } else { fstrm_res_failure }
    }
}

/// Runs a function. Returns success if it returns something, otherwise failure.
pub(crate) fn done(run: impl FnOnce() -> Option<()>) -> fstrm_res {
    guard(fstrm_res_failure, || fstrm_res::from_done(run().is_some()))
}

/// The error of a caller's own function that did not return success.
#[derive(Debug)]
pub(crate) struct FailedCallback(pub(crate) fstrm_res);

impl fmt::Display for FailedCallback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the stream's own function returned {:?}", self.0)
    }
}

impl std::error::Error for FailedCallback {}

impl From<Result<(), StreamError>> for fstrm_res {
    fn from(result: Result<(), StreamError>) -> Self {
        match result {
            Ok(()) => fstrm_res_success,
            Err(StreamError::End) => fstrm_res_stop,
            Err(StreamError::Io(error)) => {
                let failed =
                    error.get_ref().and_then(|inner| inner.downcast_ref::<FailedCallback>());
                failed.map_or(fstrm_res_failure, |failed| failed.0)
            }
            Err(_) => fstrm_res_failure,
        }
    }
}
