// SPDX-License-Identifier: MIT OR Apache-2.0
//! Runs a command for every finished file, in parallel with the capture, a few at a time.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use operator_log::{Level, LineKind, Log};
use thiserror::Error;

/// Maximum number of concurrent commands. More would compete with the capture for CPU and disk.
const RUNNING_MAX: usize = 4;

/// The reason that a command cannot take a file name as its last argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CommandError {
    /// There is no command.
    #[error("the command is empty, so that the file itself would be run")]
    Empty,
    /// An operator ends the command.
    #[error("the command ends with an operator, so that the file itself would be run after it")]
    Operator,
}

/// Checks that `command` can take a file name as its last argument: after an empty command or an
/// operator, the shell would run the file itself.
pub fn command(command: OsString) -> Result<OsString, CommandError> {
    match command.as_bytes().trim_ascii_end().last() {
        None => Err(CommandError::Empty),
        Some(b';' | b'&' | b'|') => Err(CommandError::Operator),
        Some(_) => Ok(command),
    }
}

/// Time after which waiting for commands at shutdown is reported.
pub const WAIT_REPORTED_AFTER: Duration = Duration::from_secs(1);

const FAILED: LineKind = LineKind("failures of post-rotate commands");

/// Running commands, and files pending for theirs.
#[derive(Debug)]
pub struct PostRotate {
    script: Option<OsString>,
    running: Vec<(Child, PathBuf)>,
    pending: VecDeque<PathBuf>,
    /// Number of pending files to report next, a power of ten.
    reported_at: usize,
}

impl PostRotate {
    /// Creates the runner of `command`, which gets the file name as its last argument.
    pub(crate) fn new(command: Option<&OsStr>) -> Self {
        let script = command.map(|command| {
            let mut script = command.to_os_string();
            script.push(" \"$1\"");
            script
        });
        Self { script, running: Vec::new(), pending: VecDeque::new(), reported_at: 10 }
    }

    /// Runs the command for `file`, as soon as fewer than `RUNNING_MAX` run.
    pub(crate) fn start(&mut self, file: &Path, log: &Log) {
        if self.script.is_none() {
            return;
        }
        self.pending.push_back(file.into());
        self.start_pending(log);
        let waiting = self.pending.len();
        if waiting >= self.reported_at {
            self.reported_at *= 10;
            log.warning(format_args!(
                "{waiting} files wait for their post-rotate command; {RUNNING_MAX} run at a time"
            ));
        }
    }

    /// Reports that no command is run for a finished file that was moved away from `file`.
    pub(crate) fn pass_over(&self, file: &Path, log: &Log) {
        if self.script.is_some() {
            log.warning(format_args!(
                "no post-rotate command was run for output file {}: it was moved away or deleted",
                file.display()
            ));
        }
    }

    fn start_pending(&mut self, log: &Log) {
        let Some(script) = &self.script else { return };
        while self.running.len() < RUNNING_MAX {
            let Some(file) = self.pending.pop_front() else { break };
            let mut command = Command::new("/bin/sh");
            command.arg("-c").arg(script).arg("sh").arg(&file).stdin(Stdio::null());
            match command.spawn() {
                Ok(child) => self.running.push((child, file)),
                Err(error) => {
                    let text = format!("post-rotate command for {}: {error}", file.display());
                    log.limited(Level::Error, FAILED, text);
                }
            }
        }
    }

    /// Reaps commands that have exited and starts pending ones. Returns whether any is running.
    pub fn reap(&mut self, log: &Log) -> bool {
        self.running.retain_mut(|(child, file)| {
            let ended = child.try_wait();
            if let Ok(Some(status)) = ended {
                if !status.success() {
                    let text = format!("post-rotate command for {}: {status}", file.display());
                    log.limited(Level::Error, FAILED, text);
                }
            }
            matches!(ended, Ok(None))
        });
        self.start_pending(log);
        self.are_running()
    }

    /// Returns whether any command was running at the last call of [`PostRotate::reap`].
    pub(crate) fn are_running(&self) -> bool {
        !self.running.is_empty()
    }

    /// Reports that shutdown is waiting for commands.
    pub fn report_waiting(&self, log: &Log) {
        let count = self.running.len() + self.pending.len();
        log.info(format_args!(
            "waiting for the post-rotate commands of {count} files; another signal ends that"
        ));
    }

    /// Drops pending files, and reports them.
    pub fn abandon(self, log: &Log) {
        for file in self.pending {
            log.error(format_args!("no post-rotate command was run for {}", file.display()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::command;

    #[test]
    fn a_command_that_would_run_the_file_is_refused() {
        for wrong in ["", " ", "\t\n", "sync;", "gzip \"$1\" &", "true && ", "cat |\n"] {
            assert!(command(wrong.into()).is_err(), "{wrong:?}");
        }
        for right in ["gzip", "exit 3; :", "./archive --to x ", "f() { true; }; f"] {
            assert!(command(right.into()).is_ok(), "{right:?}");
        }
    }
}
