// SPDX-License-Identifier: MIT OR Apache-2.0
//! Descriptors reserved for the rest of the program: rotated files, metrics, relays, commands.

use std::io;
use std::os::fd::{AsFd, AsRawFd};

use nix::sys::resource::{Resource, getrlimit};

/// Number of reserved descriptors, but at most a quarter of all.
const RESERVE: u64 = 32;

/// The share of descriptors that connections may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Descriptors {
    /// Limit of open descriptors of the process.
    pub(crate) limit: u64,
    /// Descriptors of these that are reserved for other uses.
    pub(crate) reserve: u64,
}

impl Descriptors {
    /// Divides the current limit of the process.
    pub(crate) fn of_process() -> io::Result<Self> {
        let (limit, _) = getrlimit(Resource::RLIMIT_NOFILE)?;
        // FreeBSD has a signed type.
        #[allow(clippy::unnecessary_cast)]
        let limit = limit as u64;
        Ok(Self { limit, reserve: RESERVE.min(limit / 4) })
    }

    /// Returns whether a descriptor is left for a connection. The system assigns the lowest free
    /// number, so numbers above the limit of connections stay free for other uses.
    pub(crate) fn have_one_left(self) -> bool {
        let lowest = io::stderr().as_fd().try_clone_to_owned();
        lowest.is_ok_and(|fd| (fd.as_raw_fd() as u64) < self.limit - self.reserve)
    }
}
