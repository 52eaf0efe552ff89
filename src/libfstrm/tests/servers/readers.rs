// SPDX-License-Identifier: MIT OR Apache-2.0
//! Independent readers of dnstap files: the Go program `dnstap`, and `dnstap-ldns`.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use crate::dns::{IDENTITY, VERSION};
use crate::stream;

/// Counts the messages of a complete file by type and transport, such as `AQ UDP`. Checks that all
/// readers find all frames.
pub(crate) fn tally(path: &Path) -> BTreeMap<String, usize> {
    let frames = stream::complete_file(path).len();
    let quiet = print("dnstap", path, "-q");
    assert_eq!(quiet.lines().count(), frames, "lines of dnstap -q");
    let ldns = print("dnstap-ldns", path, "-q");
    assert_eq!(ldns.lines().count(), frames, "lines of dnstap-ldns -q");
    let mut tally = BTreeMap::new();
    for line in quiet.lines() {
        let words: Vec<_> = line.split_whitespace().collect();
        *tally.entry(format!("{} {}", words[1], words[3])).or_default() += 1;
    }
    tally
}

/// Checks that each message has the identity and version of the server.
pub(crate) fn assert_signed(path: &Path) {
    let yaml = print("dnstap", path, "-y");
    let count = |line: String| yaml.lines().filter(|found| **found == *line).count();
    let messages = count("type: MESSAGE".into());
    assert_eq!(messages, stream::complete_file(path).len());
    assert_eq!(count(format!("identity: \"{IDENTITY}\"")), messages);
    assert_eq!(count(format!("version: \"{VERSION}\"")), messages);
}

fn print(program: &str, path: &Path, format: &str) -> String {
    let output = Command::new(program).arg("-r").arg(path).arg(format).output().unwrap();
    assert!(output.status.success(), "{program}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}
