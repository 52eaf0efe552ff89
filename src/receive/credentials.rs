// SPDX-License-Identifier: MIT OR Apache-2.0
//! Certificates and keys from files, which are reloaded after they were replaced, and warnings about our own
//! certificates that are expired or will be soon.

use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use std::{fmt, fs};

use framestream::transport::{TlsError, TlsOptions, TlsServerOptions, certificate_validity};
use jiff::Timestamp;
use operator_log::Log;

/// Maximum time before its expiry in which a certificate is reported. A short-lived certificate is
/// reported in the last tenth of its validity.
const SOON: Duration = Duration::from_secs(7 * 24 * 3600);

/// Files that TLS reads.
#[derive(Clone, Debug, Default)]
pub struct TlsFiles {
    /// Our own certificate, if there is one.
    pub certificate: Option<PathBuf>,
    /// The key of that, and the trusted authorities.
    pub others: Vec<PathBuf>,
}

/// A value loaded from files, and the function that loads it.
pub struct Credentials<T> {
    current: T,
    files: TlsFiles,
    load: Box<dyn Fn() -> Result<T, TlsError> + Send>,
    /// The state of the files when they were loaded.
    seen: Vec<Option<FileState>>,
    /// The validity period of our own certificate.
    validity: Option<(SystemTime, SystemTime)>,
}

/// The identity and state of a file, or of the target of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct FileState {
    file: (u64, u64),
    size: u64,
    changed: (i64, i64),
}

impl<T> Credentials<T> {
    /// Loads `files` with `load`.
    pub fn new(
        files: impl Into<TlsFiles>,
        load: impl Fn() -> Result<T, TlsError> + Send + 'static,
    ) -> Result<Self, TlsError> {
        let files = files.into();
        let (seen, validity) = (files.states(), files.validity());
        let credentials = Self { current: load()?, files, load: Box::new(load), seen, validity };
        credentials.check();
        Ok(credentials)
    }

    /// Returns the loaded value.
    pub fn get(&self) -> &T {
        &self.current
    }

    /// Returns the loaded value, mutably.
    pub fn get_mut(&mut self) -> &mut T {
        &mut self.current
    }

    /// Reloads the files. If that fails, the previous value stays in use.
    pub(crate) fn reload(&mut self) {
        self.seen = self.files.states();
        // Opening a pipe would block until it has a writer.
        let is_pipe = |path: &&PathBuf| {
            fs::metadata(path).is_ok_and(|metadata| metadata.file_type().is_fifo())
        };
        if let Some(pipe) = self.files.paths().find(is_pipe) {
            Log.error(format_args!(
                "TLS: {} is a pipe, which is not read again; the previous files stay in use",
                pipe.display()
            ));
            return;
        }
        match (self.load)() {
            Ok(loaded) => {
                self.current = loaded;
                self.validity = self.files.validity();
                let names: Vec<String> =
                    self.files.paths().map(|path| path.display().to_string()).collect();
                Log.info(format_args!("TLS: read {} again", names.join(", ")));
                self.check();
            }
            Err(error) => {
                Log.error(format_args!("TLS: {error}; the previous files stay in use"));
            }
        }
    }

    /// Reloads the files if any of them has changed.
    pub fn reload_if_changed(&mut self) {
        if self.seen != self.files.states() {
            self.reload();
        }
    }

    /// Warns if our own certificate is not valid, or will expire soon.
    pub(crate) fn check(&self) {
        if let (Some(path), Some((from, to))) = (&self.files.certificate, self.validity) {
            if let Some(trouble) = trouble(from, to, SystemTime::now()) {
                let name = path.display();
                Log.warning(format_args!("TLS: the certificate {name} {trouble}; replace it"));
            }
        }
    }
}

impl<T> fmt::Debug for Credentials<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("files", &self.files).finish_non_exhaustive()
    }
}

impl From<&TlsOptions> for TlsFiles {
    fn from(options: &TlsOptions) -> Self {
        let others = options.client_key.iter().chain(&options.ca_bundle).cloned().collect();
        Self { certificate: options.client_certificate.clone(), others }
    }
}

impl From<&TlsServerOptions> for TlsFiles {
    fn from(options: &TlsServerOptions) -> Self {
        let others = [&options.key].into_iter().chain(&options.client_authorities);
        Self { certificate: Some(options.certificate.clone()), others: others.cloned().collect() }
    }
}

impl TlsFiles {
    fn paths(&self) -> impl Iterator<Item = &PathBuf> {
        self.certificate.iter().chain(&self.others)
    }

    fn validity(&self) -> Option<(SystemTime, SystemTime)> {
        certificate_validity(self.certificate.as_ref()?).ok()
    }

    fn states(&self) -> Vec<Option<FileState>> {
        self.paths().map(|path| FileState::of(path)).collect()
    }
}

impl FileState {
    fn of(path: &Path) -> Option<Self> {
        let metadata = fs::metadata(path).ok()?;
        Some(Self {
            file: (metadata.dev(), metadata.ino()),
            size: metadata.size(),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        })
    }
}

/// Returns the problem at `now` of a certificate that is valid from `from` to `to`.
fn trouble(from: SystemTime, to: SystemTime, now: SystemTime) -> Option<String> {
    let life = to.duration_since(from).unwrap_or_default();
    if now > to {
        Some(format!("expired at {}, and peers refuse it", time(to)))
    } else if now < from {
        Some(format!("is valid from {} only, and peers refuse it", time(from)))
    } else if to < now + SOON.min(life / 10) {
        Some(format!("expires at {}", time(to)))
    } else {
        None
    }
}

fn time(time: SystemTime) -> String {
    Timestamp::try_from(time).map_or_else(|_| "an unknown time".into(), |time| time.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expired_and_expiring_certificates_are_reported() {
        let day = |day: u64| SystemTime::UNIX_EPOCH + Duration::from_secs(day * 24 * 3600);
        let at = |now| trouble(day(10), day(100), day(now));
        let reported = |now, words: &str| at(now).is_some_and(|text| text.contains(words));
        assert!(reported(9, "is valid from 1970-01-11T00:00:00Z only"), "{:?}", at(9));
        assert_eq!(at(11), None);
        assert_eq!(at(93), None);
        assert!(reported(94, "expires at 1970-04-11T00:00:00Z"), "{:?}", at(94));
        assert_eq!(trouble(day(10), day(20), day(18)), None);
        assert!(trouble(day(10), day(20), day(19) + Duration::from_secs(1)).is_some());
        assert!(reported(101, "expired at 1970-04-11T00:00:00Z"), "{:?}", at(101));
    }
}
