// SPDX-License-Identifier: MIT OR Apache-2.0
//! Debian's kdig, which writes and reads dnstap files.

use std::path::Path;
use std::process::Command;

use crate::dns::{TCP, UDP, ask};
use crate::knot::Knotd;
use crate::readers::tally;
use crate::stage;

/// Number of queries that are written to a file.
const QUERIES: usize = 20;

fn kdig() -> Command {
    stage::on_our_library("/usr/bin/kdig")
}

/// Checks that kdig runs on our library. It ends too soon to inspect its memory maps, so this uses
/// the dynamic linker.
fn assert_linked() {
    let output = kdig().env("LD_TRACE_LOADED_OBJECTS", "1").output().unwrap();
    let listed = String::from_utf8(output.stdout).unwrap();
    let ours = stage::prefix().join("lib/libfstrm.so.0");
    let line = format!("libfstrm.so.0 => {} ", ours.display());
    assert!(listed.contains(&line), "no {line:?} in {listed}");
}

/// Returns the number of messages that kdig prints for a file.
fn read_back(path: &Path) -> usize {
    let output = kdig().arg("-G").arg(path).args(["+noall", "+header"]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap().matches("->>HEADER<<-").count()
}

#[test]
#[ignore = "needs an installed tree and Debian's servers: make test"]
fn it_writes_complete_files_and_reads_them() {
    assert_linked();
    let folder = tempfile::tempdir().unwrap();
    let knotd = Knotd::start(folder.path(), folder.path().join("unused").to_str().unwrap());
    for (name, transport) in [("udp", UDP), ("tcp", TCP)] {
        let path = folder.path().join(name);
        ask(kdig(), knotd.address, QUERIES, &[transport, &["-E", path.to_str().unwrap()]]);
        let found: usize = tally(&path).values().sum();
        assert_eq!(found, 2 * QUERIES, "{:?}", tally(&path));
        assert_eq!(read_back(&path), QUERIES);

        // A copy written by another implementation.
        let copy = folder.path().join(format!("{name}.copy"));
        let copied = Command::new("dnstap").arg("-r").arg(&path).arg("-w").arg(&copy).output();
        assert!(copied.unwrap().status.success());
        assert_eq!(read_back(&copy), QUERIES);
    }
    knotd.stop();
}
