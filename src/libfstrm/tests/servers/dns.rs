// SPDX-License-Identifier: MIT OR Apache-2.0
//! A zone, and queries for it by Debian's kdig.

use std::fs;
use std::net::SocketAddrV4;
use std::path::Path;
use std::process::Command;

/// The content type of dnstap.
pub(crate) const CONTENT_TYPE: &str = "protobuf:dnstap.Dnstap";

/// The identity and version in the messages of the servers.
pub(crate) const IDENTITY: &str = "ns.example";
pub(crate) const VERSION: &str = "version of a test";

/// Options of kdig for the transport.
pub(crate) const UDP: &[&str] = &["+notcp"];
pub(crate) const TCP: &[&str] = &["+tcp", "+keepopen"];

const ZONE: &str = "\
$ORIGIN example.
$TTL 3600
@    SOA   ns hostmaster 1 3600 600 86400 300
@    NS    ns
@    MX    10 mail
ns   A     192.0.2.1
mail A     192.0.2.2
www  A     192.0.2.3
www  AAAA  2001:db8::3
";

const QUESTIONS: [(&str, &str); 4] =
    [("www.example", "A"), ("www.example", "AAAA"), ("example", "MX"), ("missing.example", "A")];

/// Writes the zone file `zone` into `folder`.
pub(crate) fn write_zone(folder: &Path) {
    fs::write(folder.join("zone"), ZONE).unwrap();
}

/// Sends `count` queries one after the other, without retries, and checks that all are answered.
/// `kdig` is the command that runs kdig.
pub(crate) fn ask(mut kdig: Command, server: SocketAddrV4, count: usize, options: &[&[&str]]) {
    kdig.args([&format!("@{}", server.ip()), "-p", &server.port().to_string()]);
    kdig.args(["+noall", "+header", "+retry=0", "+timeout=20"]).args(options.concat());
    for (name, kind) in QUESTIONS.iter().cycle().take(count) {
        kdig.args(["-q", name, "-t", kind]);
    }
    let output = kdig.output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    let answers = printed.matches("status: ").count();
    assert_eq!(answers, count, "answers; {}", String::from_utf8_lossy(&output.stderr));
}

/// Returns the command that runs Debian's kdig.
pub(crate) fn kdig() -> Command {
    Command::new("kdig")
}
