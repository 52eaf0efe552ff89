// SPDX-License-Identifier: MIT OR Apache-2.0
//! Debian's knotd with mod-dnstap. The module of Debian 12 writes to Unix sockets and files, not to
//! TCP.

use std::fs;
use std::net::SocketAddrV4;
use std::path::Path;
use std::time::Duration;

use crate::capture::{self, Capture};
use crate::dns::{self, CONTENT_TYPE, IDENTITY, TCP, UDP, VERSION, ask};
use crate::endpoint::{Endpoint, free_address};
use crate::process::Process;
use crate::readers::{assert_signed, tally};
use crate::stage;

/// Time limit for stopping knotd.
const STOP_LIMIT: Duration = Duration::from_secs(5);

/// Queries over each of UDP and TCP.
const QUERIES: usize = 250;

/// A running knotd.
pub(crate) struct Knotd {
    process: Process,
    /// The address at which it answers.
    pub address: SocketAddrV4,
}

impl Knotd {
    /// Starts it with all its files in `folder`, and waits until it answers.
    pub(crate) fn start(folder: &Path, sink: &str) -> Self {
        let address = free_address();
        let (ip, port, here) = (address.ip(), address.port(), folder.display());
        let config = format!(
            r#"
server:
    rundir: {here}
    listen: {ip}@{port}
log:
  - target: stdout
    any: info
database:
    storage: {here}
mod-dnstap:
  - id: tap
    sink: {sink}
    identity: "{IDENTITY}"
    version: "{VERSION}"
template:
  - id: default
    storage: {here}
    global-module: mod-dnstap/tap
zone:
  - domain: example.
    file: zone
"#
        );
        fs::write(folder.join("knot.conf"), config).unwrap();
        dns::write_zone(folder);
        let mut command = stage::on_our_library("/usr/sbin/knotd");
        let mut process = Process::start(command.arg("-c").arg(folder.join("knot.conf")));
        process.wait_for("server started");
        stage::assert_loaded(process.pid());
        Self { process, address }
    }

    fn ask_over_udp_and_tcp(&self) {
        for transport in [UDP, TCP] {
            ask(dns::kdig(), self.address, QUERIES, &[transport]);
        }
    }

    /// Stops it.
    pub(crate) fn stop(mut self) {
        self.process.terminate(STOP_LIMIT);
    }
}

/// Checks that the file has a query and a response for each query that was sent, and nothing else.
fn assert_complete(path: &Path) {
    let expected = ["AQ UDP", "AR UDP", "AQ TCP", "AR TCP"].map(|kind| (kind.into(), QUERIES));
    assert_eq!(tally(path), expected.into());
    assert_signed(path);
}

#[test]
#[ignore = "needs an installed tree and Debian's servers: make test"]
fn all_messages_arrive_over_a_unix_socket() {
    let folder = tempfile::tempdir().unwrap();
    let endpoint = Endpoint::unix(folder.path());
    let capture = Capture::start(&endpoint, CONTENT_TYPE);
    let knotd = Knotd::start(folder.path(), &format!("unix:{endpoint}"));
    knotd.ask_over_udp_and_tcp();
    knotd.stop();
    assert_complete(&capture.stop().path);
}

#[test]
#[ignore = "needs an installed tree and Debian's servers: make test"]
fn all_messages_are_written_to_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tap");
    let knotd = Knotd::start(folder.path(), file.to_str().unwrap());
    knotd.ask_over_udp_and_tcp();
    knotd.stop();
    assert_complete(&file);
}

#[test]
#[ignore = "needs an installed tree and Debian's servers: make test"]
fn it_can_be_stopped_while_the_receiver_is_suspended() {
    let folder = tempfile::tempdir().unwrap();
    let start = |endpoint: &Endpoint| Knotd::start(folder.path(), &format!("unix:{endpoint}"));
    let captured = capture::with_suspended_receiver(folder.path(), start, |knotd| {
        knotd.ask_over_udp_and_tcp();
        knotd.stop();
    });
    assert_complete(&captured.path);
}
