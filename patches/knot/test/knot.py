# SPDX-License-Identifier: MIT OR Apache-2.0
"""The patched knotd and the tools beside it."""

import pathlib
import re
import subprocess

from processes import DEADLINE, Process, free_port, until

KEY = "hmac-sha256:key:c2VjcmV0IG9mIHRoaXMgdGVzdA=="


class Programs:
    """What `make install` has installed to a prefix. Releases from 3.5 on serve TLS and QUIC."""

    def __init__(self, prefix, release):
        self.prefix = prefix
        self.encrypted = release != "3.2"

    def run(self, program, *arguments, input=None):
        [path] = self.prefix.glob(f"*bin/{program}")
        done = subprocess.run([path, *map(str, arguments)], input=input, capture_output=True, text=True, timeout=DEADLINE)
        return done.returncode, done.stdout + done.stderr

    def kdig(self, *arguments):
        code, printed = self.run("kdig", *arguments)
        assert code == 0, printed
        return printed

    def update(self, server, protocol, host, *commands, key=None):
        """Sends a dynamic update, and returns what is printed about a refusal."""
        option = {"UDP": [], "TCP": ["-v"], "DOT": ["-S"], "DOQ": ["-Q"]}[protocol]
        text = "\n".join([f"server {host} {server.ports[protocol]}", "zone example", *commands, "send", ""])
        return self.run("knsupdate", *option, *(["-y", key] if key else []), input=text)[1]


ZONES = """
  - domain: example.
  - domain: other.
"""


class PatchedKnot(Process):
    """The patched knotd with the zones example. and other., and an instance of mod-dnstap for all queries."""

    def __init__(self, programs, folder, dnstap, zones=ZONES, workers=2, zone=None, more="", modules="mod-dnstap/all",
                 memcheck=False):
        self.programs, self.folder = programs, folder
        self.ports = {"UDP": free_port()}
        self.ports["TCP"] = self.ports["UDP"]
        listen = ""
        if programs.encrypted:
            self.ports.update({"DOT": free_port(), "DOQ": free_port()})
            for item, protocol in ("listen-tls", "DOT"), ("listen-quic", "DOQ"):
                listen += f"    {item}: [127.0.0.1@{self.ports[protocol]}, ::1@{self.ports[protocol]}]\n"
        name, algorithm, secret = (KEY.split(":")[at] for at in (1, 0, 2))
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
        self.configuration = pathlib.Path(folder, "patched.conf")
        self.configure(dnstap, zones, zone, more, modules)
        names = "".join(f"n{n} TXT {'x' * 200}\n" for n in range(1000))
        for zone in "example", "other":
            pathlib.Path(folder, f"{zone}.zone").write_text(f"""
@ 3600 SOA ns hostmaster 1 3600 600 86400 300
@ NS ns
ns A 127.0.0.1
* TXT {"x" * 50}
{names}""")
        [knotd] = programs.prefix.glob("*bin/knotd")
        super().__init__(folder, knotd, "-c", self.configuration, memcheck=memcheck)
        self.await_log("server started")
        until("knotd answers knotc", lambda: programs.run("knotc", "-c", self.configuration, "status")[0] == 0)

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

    def packet_protocols(self):
        """Which protocol goes over which port; over that of UDP, TCP goes too."""
        return {port: "DNS" if name == "UDP" else name for name, port in self.ports.items() if name != "TCP"}

    def control(self, *command):
        code, printed = self.programs.run("knotc", "-c", self.configuration, *command)
        assert code == 0, printed
        return printed

    def stats(self):
        """The counters of the module, not older than a second, and 0 for those that are not printed."""
        found = re.findall(r"mod-dnstap\.([\w-]+)(?:\[([\w-]+)\])? = (\d+)", self.control("-f", "stats"))
        stats = {f"{name}.{index}" if index else name: int(n) for name, index, n in found}
        stats["logged"] = sum(n for name, n in stats.items() if name.startswith("logged."))
        return {name: stats.get(name, 0) for name in [*stats, "sent", "waiting", "connects", "disconnects"]}

    def closed(self):
        """Messages logged and sent, as said when a sink is closed."""
        said = re.findall(r"sink closed, messages logged (\d+), sent (\d+)", self.log())
        return [tuple(map(int, pair)) for pair in said]
