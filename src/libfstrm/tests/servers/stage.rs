// SPDX-License-Identifier: MIT OR Apache-2.0
//! The installed tree under test.

use std::collections::BTreeSet;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::process::Command;
use std::{env, fs};

use nix::unistd::Pid;

/// Returns its prefix.
pub(crate) fn prefix() -> PathBuf {
    let prefix = PathBuf::from(env::var_os("STAGE").expect("STAGE is the prefix of `make stage`"));
    fs::canonicalize(&prefix).unwrap_or_else(|error| panic!("{}: {error}", prefix.display()))
}

/// Returns the command that runs one of our tools.
pub(crate) fn tool(name: &str) -> Command {
    Command::new(prefix().join("bin").join(name))
}

/// Returns the command that runs a program of Debian with our library.
pub(crate) fn on_our_library(program: impl Into<PathBuf>) -> Command {
    let mut command = Command::new(program.into());
    command.env("LD_LIBRARY_PATH", prefix().join("lib"));
    command
}

/// Checks that the process `pid` has our libfstrm loaded, and no other.
pub(crate) fn assert_loaded(pid: Pid) {
    let maps = fs::read_to_string(format!("/proc/{pid}/maps")).unwrap();
    let ours = fs::canonicalize(prefix().join("lib/libfstrm.so.0")).unwrap();
    assert_eq!(libraries(&maps, "libfstrm"), BTreeSet::from([ours]));
}

/// Returns the paths of the shared library `name` in `maps`, in any folder.
fn libraries(maps: &str, name: &str) -> BTreeSet<PathBuf> {
    let paths = maps.lines().filter_map(|line| line.find('/').map(|at| PathBuf::from(&line[at..])));
    let file = format!("{name}.so");
    paths
        .filter(|path| {
            path.file_name().is_some_and(|is| is.as_bytes().starts_with(file.as_bytes()))
        })
        .collect()
}

#[test]
fn a_library_is_recognised_by_its_file_name() {
    let maps = "\
7f00-7f01 r-xp 00000000 fe:00 1 /a folder of libfstrm.so/lib/libfstrm.so.0.1.0
7f01-7f02 r--p 00001000 fe:00 1 /a folder of libfstrm.so/lib/libfstrm.so.0.1.0
7f02-7f03 r-xp 00000000 fe:00 2 /a folder of libfstrm.so/lib/libother.so.1
7f03-7f04 rw-p 00000000 00:00 0
7f04-7f05 rw-p 00000000 00:00 0 [stack]
";
    let expected = PathBuf::from("/a folder of libfstrm.so/lib/libfstrm.so.0.1.0");
    assert_eq!(libraries(maps, "libfstrm"), BTreeSet::from([expected]));
}
