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

/// The content type that it sends.
pub(crate) const CONTENT_TYPE: &str = "test";

/// What it is to do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    /// Frames a second.
    pub rate: u32,
    /// Bytes of a frame.
    pub size: usize,
    /// Bytes that the writer thread may hold.
    pub memory_limit: usize,
}

/// A running producer.
pub(crate) struct Producer {
    process: Process,
}

/// A line of its accounts.
#[derive(Debug)]
pub(crate) struct Report(HashMap<String, u64>);

impl Index<&str> for Report {
    type Output = u64;

    fn index(&self, key: &str) -> &u64 {
        &self.0[key]
    }
}

impl Report {
    /// Frames that are counted as lost.
    pub(crate) fn lost(&self) -> u64 {
        self["lost_closing"] + self["lost_error"]
    }
}

impl Producer {
    /// Starts it; it submits nothing yet.
    pub(crate) fn start(endpoint: &Endpoint, load: Load) -> Self {
        let mut command = stage::on_our_library(program());
        let Load { rate, size, memory_limit } = load;
        command.arg(endpoint.to_string());
        command.args([rate.to_string(), size.to_string(), memory_limit.to_string()]);
        let process = Process::start(&mut command);
        Self { process }
    }

    /// Has it submit `count` frames, and does not wait for that.
    pub(crate) fn begin(&mut self, count: u64) {
        self.process.say(&format!("submit {count}"));
    }

    /// Waits until what it was told is done.
    pub(crate) fn report(&mut self) -> Report {
        let report = self.line();
        let gone = report["written"] + report["waiting"] + report.lost();
        assert_eq!(report["stats_accepted"], report["accepted"], "{report:?}");
        assert_eq!(report["stats_refused"], report["refused"], "{report:?}");
        assert_eq!(report["accepted"], gone, "{report:?}");
        report
    }

    /// Has it submit `count` frames.
    pub(crate) fn submit(&mut self, count: u64) -> Report {
        self.begin(count);
        self.report()
    }

    /// Waits until nothing waits in the library any more.
    pub(crate) fn settle(&mut self) -> Report {
        self.process.say("settle");
        let report = self.report();
        assert_eq!(report["waiting"], 0, "{report:?}");
        report
    }

    /// Has it destroy the writer thread, which has to free all of the `accepted` frames. Returns
    /// how long that took.
    pub(crate) fn destroy(mut self, accepted: u64) -> Duration {
        stage::assert_loaded(self.process.pid());
        self.process.say("destroy");
        let end = self.line();
        assert_eq!(end["freed"], accepted);
        assert!(self.process.wait(DEADLINE).success());
        Duration::from_millis(end["milliseconds"])
    }

    /// Holds it.
    pub(crate) fn pause(&self) {
        self.process.pause();
    }

    /// Lets it go on.
    pub(crate) fn resume(&self) {
        self.process.resume();
    }

    fn line(&mut self) -> Report {
        let line = self.process.wait_for("=");
        let pairs = line.split_whitespace().filter_map(|pair| pair.split_once('='));
        Report(pairs.map(|(key, value)| (key.into(), value.parse().unwrap())).collect())
    }
}

/// Builds it, once.
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
