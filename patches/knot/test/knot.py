# SPDX-License-Identifier: MIT OR Apache-2.0
"""The patched knotd."""

import pathlib
import re

from process import free_port, until
from server import KEY, RELEASE, Programs, Server, built, write_zone


def programs(variant="patched"):
    """Returns the programs of a variant of the release."""
    prefix = built("knot", variant) / "installed"
    return Programs(prefix / "bin", prefix / "sbin")


PROGRAMS = programs()
VERSION = tuple(map(int, RELEASE.split(".")[:2]))
# Whether the release is built with TLS and QUIC.
ENCRYPTED = VERSION >= (3, 4)

ZONES = """
  - domain: example.
  - domain: other.
"""


class PatchedKnot(Server):
    """The patched knotd with the zones example. and other., and an instance of mod-dnstap for all queries."""

    CONTROL, CLOSED = "knotc", r"sink closed, messages logged (\d+), sent (\d+)"
    MEMCHECK = [f"--suppressions={pathlib.Path(__file__).resolve().with_name('valgrind.supp')}", "--leak-check=full",
                "--show-leak-kinds=definite,indirect,possible", "--errors-for-leak-kinds=definite,indirect,possible"]
    UPDATE = {"UDP": ["knsupdate"], "TCP": ["knsupdate", "-v"], "DOT": ["knsupdate", "-S"], "DOQ": ["knsupdate", "-Q"]}

    def __init__(self, folder, dnstap=None, zones=ZONES, workers=2, zone=None, more="", modules="mod-dnstap/all", memcheck=False,
                 programs=PROGRAMS, database=False):
        self.programs = programs
        self.ports = {"UDP": free_port()}
        self.ports["TCP"] = self.ports["UDP"]
        listen = ""
        if ENCRYPTED:
            self.ports.update({"DOT": free_port(), "DOQ": free_port()})
            for item, protocol in ("listen-tls", "DOT"), ("listen-quic", "DOQ"):
                listen += f"    {item}: [127.0.0.1@{self.ports[protocol]}, ::1@{self.ports[protocol]}]\n"
        algorithm, name, secret = KEY.split(":")
        self.fixed = f"""
server:
    rundir: {folder}
    listen: [127.0.0.1@{self.ports["UDP"]}, ::1@{self.ports["UDP"]}]
{listen}    udp-workers: {workers}
    tcp-workers: {workers}
    background-workers: 1
log:
  - target: stdout
    any: debug
database:
    storage: {folder}
key:
  - id: {name}
    algorithm: {algorithm}
    secret: {secret}
acl:
  - id: unsigned
    address: [127.0.0.1, ::1]
    action: [transfer, update]
    update-owner: name
    update-owner-match: sub-or-equal
    update-owner-name: [free]
  - id: signed
    key: {name}
    action: [transfer, update]
"""
        self.configuration = self.control_configuration = pathlib.Path(folder, "patched.conf")
        for name in "example", "other":
            write_zone(f"{folder}/{name}.zone")
        conf = ("-C", f"{folder}/confdb") if database else ("-c", self.configuration)
        super().__init__(folder, programs.path("knotd"), *conf, memcheck=memcheck)
        self.configure(self.to_socket(folder) if dnstap is None else dnstap, zones, zone, more, modules)
        if database:
            programs.output("knotc", *conf, "-f", "conf-import", self.configuration)

    @staticmethod
    def to_socket(folder, queue=None):
        return f"sink: unix:{folder}/tap" + (f"\n    queue-size: {queue}K" if queue else "")

    @staticmethod
    def to_tcp(host, port):
        return f"sink: tcp:{host}@{port}"

    @staticmethod
    def to_tls(folder, port, name):
        return f"""sink: tls:127.0.0.1@{port}
    ca-file: {folder}/authority.pem
    cert-hostname: {name}
    cert-file: {folder}/certificate.pem
    key-file: {folder}/key.pem"""

    def await_ready(self):
        self.await_log("server started")
        until("knotd answers knotc", lambda: self.try_control("status")[0] == 0)

    def configure(self, dnstap, zones=ZONES, zone=None, more="", modules="mod-dnstap/all"):
        """Writes the configuration: the instances `all`, for all queries, and `zone`, for zones that name it; more sections;
        and the modules for all queries in their order."""
        self.configuration.write_text(f"""{self.fixed}
mod-dnstap:
  - id: all
    {dnstap}
  - id: zone
    {zone or f"sink: {self.folder}/zone.tap"}
{more}
template:
  - id: default
    storage: {self.folder}
    global-module: [{modules}]
    acl: [unsigned, signed]
    file: "%s.zone"
    zonefile-sync: -1
    zonefile-load: whole
    journal-content: changes
zone:{zones}""")

    def stats(self):
        """Returns the counters of the module, at most a second old, with 0 for some that are not printed."""
        found = re.findall(r"mod-dnstap\.([\w-]+)(?:\[([\w-]+)\])? = (\d+)", self.control("-f", "stats"))
        stats = {f"{name}.{index}" if index else name: int(n) for name, index, n in found}
        stats["logged"] = sum(n for name, n in stats.items() if name.startswith("logged."))
        stats["reconnects"] = max(stats.get("connects", 0) - 1, 0)
        return {name: stats.get(name, 0) for name in [*stats, "sent", "waiting"]}

    def lost_at_stop(self, _deaf):
        """Returns the number of messages that the only sink has lost."""
        [(logged, sent)] = self.closed()
        assert f"{logged - sent} messages lost" in self.log()
        return logged - sent
