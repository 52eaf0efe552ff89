// SPDX-License-Identifier: MIT OR Apache-2.0
//! The messages of Debian's Unbound, a resolver for a zone on Debian's Knot, in each format.

use std::fs;
use std::net::{TcpListener, UdpSocket};
use std::process::{self, Command};
use std::sync::atomic::{AtomicU16, Ordering};

use serde_json::{Value, json};

use super::ours;
use super::support::{self, Place, Running, debian};

const ZONE: &str = "\
$ORIGIN example.
@ 3600 SOA ns hostmaster 1 3600 600 86400 300
@ NS ns
ns A 192.0.2.1
www A 192.0.2.3
alias CNAME www
";

/// Returns a free port of the loopback interface, for UDP and TCP. It is below the range from which the
/// system assigns ports, so that no other program gets it.
fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = 10_000 + (process::id() % 1000) as u16 * 20;
    loop {
        let port = first + NEXT.fetch_add(1, Ordering::Relaxed);
        let address = ("127.0.0.1", port);
        if UdpSocket::bind(address).is_ok() && TcpListener::bind(address).is_ok() {
            return port;
        }
    }
}

/// Starts Knot, and returns once it serves [`ZONE`].
fn knot(place: &Place, port: u16) -> Running {
    let directory = place.directory.path().display();
    let zone = place.file("zone", ZONE);
    let configuration = format!(
        "server:\n rundir: {directory}\n listen: 127.0.0.1@{port}\n\
         log:\n - target: stderr\n   any: info\n\
         database:\n storage: {directory}\n\
         zone:\n - domain: example.\n   file: {zone}\n"
    );
    let configuration = place.file("knot.conf", configuration);
    let knotd = "/usr/sbin/knotd";
    assert!(fs::exists(knotd).unwrap(), "{knotd} is missing: apt-get install knot");
    let mut knot = Running::start(Command::new(knotd).args(["-c", &configuration]));
    knot.line("server started");
    knot
}

/// Starts Unbound with dnstap to the socket of `place`, and returns once it answers.
fn unbound(place: &Place, port: u16, authority: u16) -> Running {
    let directory = place.directory.path().display();
    let socket = place.socket.display();
    let configuration = format!(
        "server:\n interface: 127.0.0.1@{port}\n do-daemonize: no\n use-syslog: no\n logfile: \"\"\n\
         chroot: \"\"\n username: \"\"\n directory: \"{directory}\"\n pidfile: \"\"\n\
         do-not-query-localhost: no\n module-config: iterator\n num-threads: 1\n\
         qname-minimisation: yes\n use-caps-for-id: yes\n\
         stub-zone:\n name: example.\n stub-addr: 127.0.0.1@{authority}\n\
         dnstap:\n dnstap-enable: yes\n dnstap-socket-path: \"{socket}\"\n dnstap-identity: res1\n\
         dnstap-send-identity: yes\n dnstap-log-client-query-messages: yes\n\
         dnstap-log-client-response-messages: yes\n dnstap-log-resolver-query-messages: yes\n\
         dnstap-log-resolver-response-messages: yes\n"
    );
    let configuration = place.file("unbound.conf", configuration);
    let installed = "/usr/sbin/unbound";
    assert!(fs::exists(installed).unwrap(), "{installed} is missing: apt-get install unbound");
    // AppArmor may deny the installed program access to the test's files.
    let copy = place.argument("unbound");
    fs::copy(installed, &copy).unwrap();
    let mut unbound = Running::start(Command::new(copy).args(["-d", "-c", &configuration]));
    unbound.line("start of service");
    unbound
}

#[test]
fn each_format_shows_the_messages_of_a_resolver() {
    let place = Place::new();
    let (capture, quiet) = (place.argument("capture"), place.argument("quiet"));
    let tap = place.dnstap(&["-w", &capture, "-w", &format!("quiet:{quiet}")]);
    let (authority, port) = (free_port(), free_port());
    let knot = knot(&place, authority);
    let unbound = unbound(&place, port, authority);
    let questions = [
        ("www.example", "A", "+notcp", "miss"),
        ("www.example", "A", "+tcp", "hit"),
        ("www.example", "AAAA", "+dnssec", "miss"),
        ("alias.example", "A", "+notcp", "miss"),
        ("alias.example", "A", "+notcp", "hit"),
        ("no.example", "A", "+notcp", "miss"),
    ];
    for (name, qtype, transport, _) in questions {
        let mut kdig = Command::new(debian("kdig", "knot-dnsutils"));
        kdig.args(["@127.0.0.1", "-p", &port.to_string(), transport, "+noadflag", name, qtype]);
        assert!(kdig.output().unwrap().status.success(), "{name}");
    }
    // Unbound sends once a second, and loses unsent messages when it stops.
    support::until(|| {
        let text = fs::read_to_string(&quiet).unwrap_or_default();
        text.lines().filter(|line| line.contains(" CR ")).count() == questions.len()
    });
    unbound.stop();
    knot.stop();
    tap.stop();

    let (log, records, packets) =
        (place.argument("log"), place.argument("records"), place.argument("packets"));
    let write = [("querylog", &log), ("pdns", &records), ("pcap", &packets)];
    let write = write.map(|(format, file)| format!("{format}:{file}"));
    let notes = ours(&["-r", &capture, "-w", &write[0], "-w", &write[1], "-w", &write[2]]);

    let log = fs::read_to_string(log).unwrap();
    let lines = log.lines().map(|line| line.split(' ').collect::<Vec<_>>());
    let seen = lines.map(|line| match line[..] {
        [_, "res1", "CLIENT", _, server, protocol, name, "IN", qtype, flags, _, code, _, cache] => {
            assert_eq!(server, format!("127.0.0.1#{port}"));
            format!("{name} {qtype} {protocol} {flags} {code} {cache}")
        }
        _ => panic!("{line:?}"),
    });
    let expected = questions.map(|(name, qtype, transport, cache)| {
        let protocol = if transport == "+tcp" { "TCP" } else { "UDP" };
        let flags = if transport == "+dnssec" { "rd,do" } else { "rd" };
        let code = if name.starts_with("no") { "NXDOMAIN" } else { "NOERROR" };
        format!("{name}. {qtype} {protocol} {flags} {code} {cache}")
    });
    assert_eq!(seen.collect::<Vec<_>>(), expected);

    let records = fs::read_to_string(records).unwrap();
    let records = records.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let mut records: Vec<Value> = records
        .map(|record| json!([record["rrname"], record["rrtype"], record["rdata"]]))
        .collect();
    records.sort_by_key(Value::to_string);
    let soa = "ns.example. hostmaster.example. 1 3600 600 86400 300";
    let expected = [
        json!(["alias.example.", "CNAME", "www.example."]),
        json!(["example.", "SOA", soa]),
        json!(["www.example.", "A", "192.0.2.3"]),
    ];
    assert_eq!(records, expected);
    assert!(notes.contains("1 responses skipped: code other than NOERROR"), "{notes}");

    let output = Command::new(debian("tshark", "tshark"))
        .args(["-r", &packets, "-Y", "dns.flags.response == 0", "-T", "fields"])
        .args(["-e", "dns.qry.name", "-e", "tcp.dstport", "-e", "udp.dstport"])
        .args(super::pcap::decode(&notes))
        .output()
        .unwrap();
    let queries = String::from_utf8(output.stdout).unwrap();
    for (name, _, transport, _) in questions {
        let columns = if transport == "+tcp" { format!("{port}\t") } else { format!("\t{port}") };
        assert!(queries.contains(&format!("{name}\t{columns}\n")), "{name} in {queries}");
    }
}
