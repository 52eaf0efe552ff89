// SPDX-License-Identifier: MIT OR Apache-2.0
//! The installed tree under test.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use nix::unistd::Pid;

/// The prefix it was installed to.
pub fn prefix() -> PathBuf {
    let prefix = env::var_os("STAGE").expect("STAGE is the prefix of `make stage`");
    fs::canonicalize(&prefix).unwrap_or_else(|error| panic!("{}: {error}", prefix.display()))
}

/// One of our tools.
pub fn tool(name: &str) -> Command {
    Command::new(prefix().join("bin").join(name))
}

/// A program of Debian's that is to find our library first.
pub fn on_our_library(program: impl Into<PathBuf>) -> Command {
    let mut command = Command::new(program.into());
    command.env("LD_LIBRARY_PATH", prefix().join("lib"));
    command
}

/// Checks that the process `pid` has our libfstrm loaded, and no other.
pub fn assert_loaded(pid: Pid) {
    let maps = fs::read_to_string(format!("/proc/{pid}/maps")).unwrap();
    let paths = maps.lines().filter_map(|line| line.split_whitespace().nth(5));
    let loaded: BTreeSet<_> =
        paths.filter(|path| path.contains("libfstrm")).map(PathBuf::from).collect();
    let ours = fs::canonicalize(prefix().join("lib/libfstrm.so.0")).unwrap();
    assert_eq!(loaded, BTreeSet::from([ours]));
}
