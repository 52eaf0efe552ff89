// SPDX-License-Identifier: MIT OR Apache-2.0
//! The `fstrm_capture` of this project.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::signal::Signal;
use tempfile::TempDir;

use crate::dns::CONTENT_TYPE;
use crate::endpoint::Endpoint;
use crate::process::{DEADLINE, Process};
use crate::stage;

/// Time limit for ending.
const STOP_LIMIT: Duration = Duration::from_secs(5);

/// A running `fstrm_capture`.
pub(crate) struct Capture {
    process: Process,
    folder: TempDir,
}

/// The file that it has written.
pub(crate) struct Captured {
    pub path: PathBuf,
    _folder: TempDir,
}

impl Capture {
    /// Starts it, and waits until it listens.
    pub(crate) fn start(endpoint: &Endpoint, content_type: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut command = stage::tool("fstrm_capture");
        command.args(["-dddd", "-t", content_type, "-w"]).arg(folder.path().join("captured"));
        match endpoint {
            Endpoint::Unix(path) => command.arg("-u").arg(path),
            Endpoint::Tcp(address) => {
                command.args(["-a", &address.ip().to_string(), "-p", &address.port().to_string()])
            }
        };
        let mut process = Process::start(&mut command);
        process.wait_for("opened output file");
        Self { process, folder }
    }

    /// Waits until a sender has started its stream.
    pub(crate) fn wait_for_connection(&mut self) {
        self.process.wait_for("FSTRM_CONTROL_START");
    }

    /// Suspends it.
    pub(crate) fn pause(&self) {
        self.process.pause();
    }

    /// Resumes it.
    pub(crate) fn resume(&self) {
        self.process.resume();
    }

    /// Waits until a connection has ended, and all its data was received.
    pub(crate) fn wait_for_hang_up(&mut self) {
        self.process.wait_for("closing (read");
    }

    /// Stops it.
    pub(crate) fn stop(mut self) -> Captured {
        self.process.terminate(STOP_LIMIT);
        self.captured()
    }

    /// Kills it.
    pub(crate) fn kill(mut self) -> Captured {
        self.process.signal(Signal::SIGKILL);
        self.process.wait(DEADLINE);
        self.captured()
    }

    fn captured(self) -> Captured {
        // The name depends on whether the file is complete.
        let mut files = fs::read_dir(self.folder.path()).unwrap();
        let path = files.next().expect("a file").unwrap().path();
        assert!(files.next().is_none(), "more than one file");
        Captured { path, _folder: self.folder }
    }
}

/// Starts a server whose receiver is suspended once it is connected, and runs `work` with it, which
/// has to stop the server. Returns the file, which is complete after the receiver was resumed.
pub(crate) fn with_suspended_receiver<S>(
    folder: &Path,
    start: impl FnOnce(&Endpoint) -> S,
    work: impl FnOnce(S),
) -> Captured {
    let endpoint = Endpoint::unix(folder);
    let mut capture = Capture::start(&endpoint, CONTENT_TYPE);
    let server = start(&endpoint);
    capture.wait_for_connection();
    capture.pause();
    work(server);
    capture.resume();
    capture.wait_for_hang_up();
    capture.stop()
}
