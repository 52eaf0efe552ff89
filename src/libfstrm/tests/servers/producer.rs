// SPDX-License-Identifier: MIT OR Apache-2.0
//! `producer.c`, built against the installed tree.

use std::collections::HashMap;
use std::ops::Index;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use crate::endpoint::Endpoint;
use crate::process::{DEADLINE, Process};
use crate::stage;

/// The content type of its stream.
pub(crate) const CONTENT_TYPE: &str = "test";

/// The frames that it submits, and its memory limit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    /// Frames per second.
    pub rate: u32,
    /// Size of a frame in bytes.
    pub size: usize,
    /// Maximum size of the frames that the writer thread holds, in bytes.
    pub memory_limit: usize,
}

/// A running producer.
pub(crate) struct Producer {
    process: Process,
}

/// A line of its counters.
#[derive(Debug)]
pub(crate) struct Report(HashMap<String, u64>);

impl Index<&str> for Report {
    type Output = u64;

    fn index(&self, key: &str) -> &u64 {
        &self.0[key]
    }
}

impl Report {
    /// Returns the number of frames that are counted as lost.
    pub(crate) fn lost(&self) -> u64 {
        self["lost_closing"] + self["lost_error"]
    }
}

impl Producer {
    /// Starts it, without submitting frames.
    pub(crate) fn start(endpoint: &Endpoint, load: Load) -> Self {
        let mut command = stage::on_our_library(program());
        let Load { rate, size, memory_limit } = load;
        command.arg(endpoint.to_string());
        command.args([rate.to_string(), size.to_string(), memory_limit.to_string()]);
        let process = Process::start(&mut command);
        Self { process }
    }

    /// Makes it submit `count` frames, without waiting for that.
    pub(crate) fn begin(&mut self, count: u64) {
        self.process.write_line(&format!("submit {count}"));
    }

    /// Waits until the last command is finished, and returns the counters.
    pub(crate) fn report(&mut self) -> Report {
        let report = self.line();
        let gone = report["written"] + report["waiting"] + report.lost();
        assert_eq!(report["stats_accepted"], report["accepted"], "{report:?}");
        assert_eq!(report["stats_refused"], report["refused"], "{report:?}");
        assert_eq!(report["accepted"], gone, "{report:?}");
        report
    }

    /// Makes it submit `count` frames.
    pub(crate) fn submit(&mut self, count: u64) -> Report {
        self.begin(count);
        self.report()
    }

    /// Waits until no frames are pending in the library.
    pub(crate) fn settle(&mut self) -> Report {
        self.process.write_line("settle");
        let report = self.report();
        assert_eq!(report["waiting"], 0, "{report:?}");
        report
    }

    /// Makes it destroy the writer thread, which must free all `accepted` frames. Returns the time
    /// that this took.
    pub(crate) fn destroy(mut self, accepted: u64) -> Duration {
        stage::assert_loaded(self.process.pid());
        self.process.write_line("destroy");
        let end = self.line();
        assert_eq!(end["freed"], accepted);
        assert!(self.process.wait(DEADLINE).success());
        Duration::from_millis(end["milliseconds"])
    }

    /// Suspends it.
    pub(crate) fn pause(&self) {
        self.process.pause();
    }

    /// Resumes it.
    pub(crate) fn resume(&self) {
        self.process.resume();
    }

    fn line(&mut self) -> Report {
        let line = self.process.wait_for("=");
        let pairs = line.split_whitespace().filter_map(|pair| pair.split_once('='));
        Report(pairs.map(|(key, value)| (key.into(), value.parse().unwrap())).collect())
    }
}

/// Builds the program, once, and returns its path.
fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join("producer");
        let mut pkg_config = Command::new("pkg-config");
        pkg_config.env("PKG_CONFIG_PATH", stage::prefix().join("lib/pkgconfig"));
        let flags = pkg_config.args(["--cflags", "--libs", "libfstrm"]).output().unwrap();
        assert!(flags.status.success(), "{flags:?}");
        let mut cc = Command::new("cc");
        cc.args(["-std=c11", "-D_POSIX_C_SOURCE=200809L", "-Wall", "-Wextra", "-Werror", "-O1"]);
        cc.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/servers/producer.c"));
        cc.args(String::from_utf8(flags.stdout).unwrap().split_whitespace());
        let status = cc.arg("-o").arg(&program).status().unwrap();
        assert!(status.success(), "{cc:?}");
        program
    })
}
