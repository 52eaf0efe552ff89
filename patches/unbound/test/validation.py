# SPDX-License-Identifier: MIT OR Apache-2.0
"""Paths of the table in ../README.md on which Unbound asks for what it needs itself: to validate, or to find servers."""

import pathlib
import random
import socket
import struct
import subprocess

import dns
from dns import DNSKEY, DS, NS, NULL, SERVFAIL, A, answer, query, record, wire_name
from process import Process, free_port, until
from scene import Path, scene
from unbound import VERSION
from upstream import Upstream
from upstreams import STUB, clause


class Signer(Process):
    """Debian's knotd with the signed zone signed., in which child.signed. is not signed."""

    def __init__(self, folder):
        self.port = free_port()
        self.configuration = pathlib.Path(folder, "signer.conf")
        self.configuration.write_text(f"""
server:
    rundir: {folder}/signer
    listen: 127.0.0.1@{self.port}
log:
  - target: stdout
    any: info
database:
    storage: {folder}/signer
policy:
  - id: one-key
    single-type-signing: on
zone:
  - domain: signed.
    storage: {folder}
    file: signed.zone
    zonefile-sync: -1
    dnssec-signing: on
    dnssec-policy: one-key
""")
        pathlib.Path(folder, "signer").mkdir()
        pathlib.Path(folder, "signed.zone").write_text("""@ 3600 SOA ns hostmaster 1 3600 600 86400 300
@ NS ns
ns A 127.0.0.1
a TXT text
child NS ns.child
ns.child A 127.0.0.1
""")
        super().__init__("knotd", "-c", self.configuration)

    def await_ready(self):
        self.await_log("[signed.] loaded")

    def anchor(self):
        """Returns the DS records of the zone."""
        done = subprocess.run(["keymgr", "-c", self.configuration, "signed.", "ds"], capture_output=True, text=True, check=True)
        return done.stdout

    def answer(self, asked):
        """Returns the answer of knotd; over TCP, so that it is whole."""
        with dns.connect("TCP", "127.0.0.1", self.port) as stream:
            dns.send(stream, "TCP", asked.wire)
            return [dns.receive(stream, "TCP")]


def reporting(asked):
    """Answers with the agent that errors are to be reported to (RFC 9567, section 6.1)."""
    agent = wire_name("agent.reports")
    option = struct.pack("!HH", 18, len(agent)) + agent
    opt = b"\0" + struct.pack("!HHIH", dns.OPT, 1232, 0, len(option)) + option
    return [answer(asked.wire, additional=[opt])]


def test_validation(folder):
    """Queries for DNSKEY and DS, probe (RFC 5011) and signal (RFC 8145) of a trust anchor, bogus answers and reports of them."""
    with Signer(folder) as signer, scene(folder) as s:
        signed = Upstream(s.journal, "signed.", signer.answer)
        child = Upstream(s.journal, "child.signed.")
        bogus, reports = (Upstream(s.journal, f"{name}.", script) for name, script in (("bogus", reporting), ("reports", None)))
        anchor = pathlib.Path(folder, "signed.key")
        anchor.write_text(signer.anchor())
        reported = VERSION >= (1, 23)
        s.start(f"""
server:
    module-config: "validator iterator"
    auto-trust-anchor-file: {anchor}
    trust-anchor: "bogus. DS 1 13 2 {'00' * 32}"
    extended-statistics: yes
    {"dns-error-reporting: yes" if reported else ""}
{clause(STUB, "signed.", signed)}{clause(STUB, "child.signed.", child)}{clause(STUB, "bogus.", bogus)}
{clause(STUB, "reports.", reports)}""", threads=1)
        # Unbound does this without a client.
        until("the trust anchor is probed", lambda: ("signed", DNSKEY) in signed.names())
        s.drive(Path("validation", query("a.signed")), Path("validation, not signed", query("a.child.signed")),
                Path("bogus", query("a.bogus"), SERVFAIL))
        until("the keys are signalled", lambda: [name for name, kind in signed.names() if name.startswith("_ta-") and kind == NULL])
        stats = s.unbound.control("stats_noreset")
        assert "num.answer.secure=1\n" in stats and "num.answer.bogus=1\n" in stats, stats
        assert ("child.signed", DS) in signed.names() and ("bogus", DNSKEY) in bogus.names(), (signed.names(), bogus.names())
        if reported:
            until("the error is reported", lambda: [name for name, _ in reports.names() if name.startswith("_er.")])


def test_delegation(folder):
    """Servers of the root, a zone whose servers are primed, and delegations from it, with and without the addresses of the servers."""
    zones = "root", "parent", "with", "without"
    addresses = {zone: f"127.{random.randrange(1, 255)}.{random.randrange(256)}.{n}" for n, zone in enumerate(zones, 1)}

    def name_server(zone, host="parent"):
        return record(f"ns.{host}", A, socket.inet_aton(addresses[zone]))

    def primed(asked):
        return [answer(asked.wire, answers=[record("parent", NS, wire_name("ns.parent"))], additional=[name_server("parent")])]

    def parent(asked):
        zone = asked.name.partition(".")[2]
        if zone == "parent":
            return [answer(asked.wire, answers=[name_server("parent")] if asked.kind == A else [])]
        target, glue = ("ns.hosts", []) if zone == "without.parent" else ("ns.with.parent", [name_server("with", zone)])
        return [answer(asked.wire, flags=0x8000, answers=[], authority=[record(zone, NS, wire_name(target))], additional=glue)]

    def root(asked):
        if asked.kind == NS:
            return [answer(asked.wire, answers=[record("", NS, wire_name("ns.root"))], additional=[name_server("root", "root")])]
        return [answer(asked.wire)]

    def hosts(asked):
        return [answer(asked.wire, answers=[name_server("without", "hosts")] if asked.kind == A else [])]

    with scene(folder) as s:
        try:
            servers = [Upstream(s.journal, f"{zone}.", script, addresses[label], 53) for zone, label, script in (
                ("", "root", root), ("parent", "parent", parent), ("with.parent", "with", None), ("without.parent", "without", None))]
        except PermissionError:
            return "not run: needs root"
        first, other = Upstream(s.journal, "parent.", primed), Upstream(s.journal, "hosts.", hosts)
        pathlib.Path(folder, "hints").write_text(f". NS ns.root.\nns.root. A {addresses['root']}\n")
        s.start(f"""
server:
    root-hints: {folder}/hints{clause(STUB, "parent.", first, more="stub-prime: yes")}{clause(STUB, "hosts.", other)}""", threads=1)
        s.drive(Path("server of the root", query("a.top")), Path("delegation", query("a.with.parent")),
                Path("delegation without addresses", query("a.without.parent")))
        assert ("parent", NS) in first.names() and ("ns.hosts", A) in other.names(), (first.names(), other.names())
        for name, server in ("a.top", servers[0]), ("a.with.parent", servers[2]), ("a.without.parent", servers[3]):
            assert (name, dns.TXT) in server.names(), (name, server.names())
