// SPDX-License-Identifier: MIT OR Apache-2.0
//! Runs a command for every finished file, beside the capture.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::capture::log::Log;

/// The commands that run.
#[derive(Debug)]
pub struct PostRotate {
    script: Option<OsString>,
    running: Vec<(Child, PathBuf)>,
}

impl PostRotate {
    /// Runs `command`, if there is one, with the file name as its last argument.
    pub fn new(command: Option<&OsStr>) -> Self {
        let script = command.map(|command| {
            let mut script = command.to_os_string();
            script.push(" \"$1\"");
            script
        });
        Self { script, running: Vec::new() }
    }

    /// Starts the command for `file`.
    pub fn start(&mut self, file: &Path, log: &Log) {
        let Some(script) = &self.script else { return };
        let mut command = Command::new("/bin/sh");
        command.arg("-c").arg(script).arg("sh").arg(file).stdin(Stdio::null());
        match command.spawn() {
            Ok(child) => self.running.push((child, file.into())),
            Err(error) => {
                log.line(format_args!("post-rotate command for {}: {error}", file.display()));
            }
        }
    }

    /// Collects those that have ended, and says whether any still runs.
    pub fn reap(&mut self, log: &Log) -> bool {
        self.running.retain_mut(|(child, file)| match child.try_wait() {
            Ok(None) => true,
            Ok(Some(status)) if status.success() => false,
            Ok(Some(status)) => {
                log.line(format_args!("post-rotate command for {}: {status}", file.display()));
                false
            }
            Err(_) => false,
        });
        !self.running.is_empty()
    }

    /// Whether any runs, as far as is known.
    pub fn are_running(&self) -> bool {
        !self.running.is_empty()
    }
}
