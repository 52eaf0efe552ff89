// SPDX-License-Identifier: MIT OR Apache-2.0
//! Debian's named.

use std::fs;
use std::net::SocketAddrV4;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::capture::{self, Capture};
use crate::dns::{self, CONTENT_TYPE, IDENTITY, TCP, UDP, VERSION, ask};
use crate::endpoint::{Endpoint, free_address};
use crate::process::Process;
use crate::readers::{assert_signed, tally};
use crate::stage;

/// Time limit for stopping named.
const STOP_LIMIT: Duration = Duration::from_secs(5);

/// Queries of each kind.
const QUERIES: usize = 125;

/// Options of kdig: with and without recursion desired.
const RD: &[&str] = &["+rd"];
const NO_RD: &[&str] = &["+nord"];

/// A running named that can be controlled with rndc.
struct Named<'a> {
    folder: &'a Path,
    process: Process,
    address: SocketAddrV4,
}

impl<'a> Named<'a> {
    /// Starts it with all its files in `folder`, and waits until it answers.
    fn start(folder: &'a Path, output: &str) -> Self {
        let (address, control) = (free_address(), free_address());
        let (ip, port, here) = (address.ip(), address.port(), folder.display());
        let (control_ip, control_port) = (control.ip(), control.port());
        let secret = "YSBrZXkgb2YgdGhpcyB0ZXN0IG9ubHk=";
        let key = format!(r#"key "control" {{ algorithm hmac-sha256; secret "{secret}"; }};"#);
        let config = format!(
            r#"
{key}
controls {{ inet {control_ip} port {control_port} allow {{ any; }} keys {{ "control"; }}; }};
options {{
    directory "{here}";
    pid-file none;
    session-keyfile none;
    managed-keys-directory "{here}";
    listen-on port {port} {{ {ip}; }};
    listen-on-v6 {{ none; }};
    recursion no;
    dnssec-validation no;
    notify no;
    dnstap {{ all; }};
    dnstap-output {output};
    dnstap-identity "{IDENTITY}";
    dnstap-version "{VERSION}";
}};
zone "example" {{ type primary; file "zone"; }};
"#
        );
        let rndc_config = format!(
            r#"
{key}
options {{ default-key "control"; default-server {control_ip}; default-port {control_port}; }};
"#
        );
        fs::write(folder.join("named.conf"), config).unwrap();
        fs::write(folder.join("rndc.conf"), rndc_config).unwrap();
        dns::write_zone(folder);
        // Where AppArmor is on, Debian's profile keeps /usr/sbin/named from libraries and files
        // that are not in the usual places. It goes by the path of the program. (A copy made here
        // could be open for writing in a child of another test, and not start.)
        let named = folder.join("named");
        let copied = Command::new("cp").arg("/usr/sbin/named").arg(&named).status().unwrap();
        assert!(copied.success());
        let mut command = stage::on_our_library(named);
        let mut process = Process::start(command.args(["-g", "-c"]).arg(folder.join("named.conf")));
        // It prints "running on" and "running as" long before.
        process.wait_for("all zones loaded");
        process.wait_for(" running");
        stage::assert_loaded(process.pid());
        Self { folder, process, address }
    }

    fn ask(&self, options: &[&[&str]]) {
        ask(dns::kdig(), self.address, QUERIES, options);
    }

    fn rndc(&self, arguments: &[&str]) {
        let mut rndc = Command::new("/usr/sbin/rndc");
        rndc.arg("-c").arg(self.folder.join("rndc.conf")).args(arguments);
        let output = rndc.output().unwrap();
        assert!(output.status.success(), "{output:?}");
    }

    fn stop(mut self) {
        self.rndc(&["stop"]);
        let status = self.process.wait(STOP_LIMIT);
        assert!(status.success(), "{status}");
    }
}

/// Checks that the file has [`QUERIES`] messages of each of `kinds`, and nothing else.
fn assert_complete(path: &Path, kinds: &[&str]) {
    let expected = kinds.iter().map(|kind| (kind.to_string(), QUERIES)).collect();
    assert_eq!(tally(path), expected);
    assert_signed(path);
}

// For a query with RD, BIND calls the response of an authoritative server CLIENT_RESPONSE.
#[test]
#[ignore = "needs an installed tree and Debian's servers: make test"]
fn all_messages_arrive_over_a_unix_socket() {
    let folder = tempfile::tempdir().unwrap();
    let endpoint = Endpoint::unix(folder.path());
    let capture = Capture::start(&endpoint, CONTENT_TYPE);
    let named = Named::start(folder.path(), &format!("unix \"{endpoint}\""));
    named.ask(&[UDP, NO_RD]);
    named.ask(&[TCP, RD]);
    named.stop();
    assert_complete(&capture.stop().path, &["AQ UDP", "AR UDP", "AQ TCP", "CR TCP"]);
}

#[test]
#[ignore = "needs an installed tree and Debian's servers: make test"]
fn all_messages_are_written_while_files_are_reopened_and_rolled() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name| folder.path().join(name);
    let named = Named::start(folder.path(), &format!("file \"{}\"", path("tap").display()));
    named.ask(&[UDP, RD]);
    fs::rename(path("tap"), path("moved")).unwrap();
    named.rndc(&["dnstap", "-reopen"]);
    named.ask(&[TCP, NO_RD]);
    named.rndc(&["dnstap", "-roll"]);
    named.ask(&[TCP, RD]);
    named.stop();
    assert_complete(&path("moved"), &["AQ UDP", "CR UDP"]);
    assert_complete(&path("tap.0"), &["AQ TCP", "AR TCP"]);
    assert_complete(&path("tap"), &["AQ TCP", "CR TCP"]);
}

#[test]
#[ignore = "needs an installed tree and Debian's servers: make test"]
fn it_can_be_stopped_while_the_receiver_is_suspended() {
    let folder = tempfile::tempdir().unwrap();
    let start = |endpoint: &Endpoint| Named::start(folder.path(), &format!("unix \"{endpoint}\""));
    let captured = capture::with_suspended_receiver(folder.path(), start, |named| {
        named.ask(&[UDP, RD]);
        named.stop();
    });
    assert_complete(&captured.path, &["AQ UDP", "CR UDP"]);
}
