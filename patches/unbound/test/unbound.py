# SPDX-License-Identifier: MIT OR Apache-2.0
"""The patched unbound."""

import os
import pathlib
import re
import subprocess
import sys

from processes import DEADLINE, Process, free_port, until

# As run is called: run RELEASE [TEST...].
RELEASE = sys.argv[1]
BUILD = pathlib.Path(os.environ["BUILD"], "unbound").resolve()
PROGRAMS = BUILD / f"{RELEASE}-patched"
# What the server says of itself, such as "unbound 1.17.1".
SOFTWARE = "unbound " + re.match(r"Version (\S+)", subprocess.run([PROGRAMS / "unbound", "-V"], check=True,
                                                                 capture_output=True, text=True).stdout)[1]


class Unbound(Process):
    """The patched unbound: a stub of knotd for example., a forwarder to it for forward., and to `tls` for tls."""

    def __init__(self, programs, folder, knot, dnstap, tls=None, threads=2, memcheck=False):
        self.port, self.tls_port, self.https_port = free_port(), free_port(), free_port()
        self.programs = programs
        self.configuration = pathlib.Path(folder, "unbound.conf")
        forward_tls = f"""
forward-zone:
    name: tls.
    forward-addr: 127.0.0.1@{tls.port}#localhost
    forward-tls-upstream: yes
""" if tls else ""
        self.configuration.write_text(f"""
server:
    directory: {folder}
    username: ""
    chroot: ""
    pidfile: ""
    use-syslog: no
    verbosity: 1
    num-threads: {threads}
    interface: 127.0.0.1@{self.port}
    interface: ::1@{self.port}
    interface: 127.0.0.1@{self.tls_port}
    interface: 127.0.0.1@{self.https_port}
    tls-port: {self.tls_port}
    https-port: {self.https_port}
    tls-service-key: {folder}/key.pem
    tls-service-pem: {folder}/certificate.pem
    tls-cert-bundle: {folder}/authority.pem
    do-not-query-localhost: no
    qname-minimisation: no
    module-config: iterator
    target-fetch-policy: "0 0 0 0 0"
    # No query is sent again because the machine is busy.
    infra-cache-min-rtt: 10000
remote-control:
    control-enable: yes
    control-interface: {folder}/control
    control-use-cert: no
stub-zone:
    name: example.
    stub-addr: 127.0.0.1@{knot.port}
forward-zone:
    name: forward.
    forward-addr: ::1@{knot.port}
{forward_tls}
dnstap:
    dnstap-enable: yes
    dnstap-socket-path: {folder}/tap
    dnstap-send-identity: yes
    dnstap-identity: resolver
    dnstap-send-version: yes
    dnstap-log-client-query-messages: yes
    dnstap-log-client-response-messages: yes
    dnstap-log-resolver-query-messages: yes
    dnstap-log-resolver-response-messages: yes
    dnstap-log-forwarder-query-messages: yes
    dnstap-log-forwarder-response-messages: yes
    {dnstap}
""")
        super().__init__(folder, programs / "unbound", "-d", "-c", self.configuration, memcheck=memcheck)
        self.await_log("start of service")

    def packet_protocols(self):
        """Which protocol goes over which port."""
        return {self.port: "DNS", self.tls_port: "DOT", self.https_port: "DOH"}

    def control(self, *command, check=True):
        return subprocess.run([self.programs / "unbound-control", "-c", self.configuration, *command], check=check,
                              capture_output=True, text=True, timeout=DEADLINE).stdout

    def reload(self):
        starts = self.log().count("start of service")
        self.control("reload")
        until("the reload", lambda: self.log().count("start of service") > starts)

    def check(self, more):
        """What unbound-checkconf says of the configuration with more at its end; None if nothing is wrong."""
        changed = self.configuration.with_name("changed.conf")
        changed.write_text(f"{self.configuration.read_text()}\n{more}\n")
        checked = subprocess.run([self.programs / "unbound-checkconf", changed], stdout=subprocess.PIPE,
                                 stderr=subprocess.STDOUT, text=True)
        return checked.stdout if checked.returncode else None

    def stats(self):
        """The counters of dnstap, and how many queries there were."""
        found = re.findall(r"^(?:dnstap\.|total\.num\.)(\S+)=(\d+)", self.control("stats_noreset"), re.MULTILINE)
        return {name: int(n) for name, n in found}

    def await_connected(self):
        until("the connection is logged", lambda: re.search(r"notice: dnstap: \S+: connected$", self.log(), re.MULTILINE))

    def await_sent(self):
        until("all that was logged is sent", lambda: (s := self.stats())["sent"] == s["logged"])

    def await_logged(self, number, kind="CLIENT_RESPONSE"):
        """Waits until this number of messages of a type is logged."""
        until(f"{number} messages {kind}", lambda: self.stats()[f"type.{kind}"] >= number)

    def closed(self):
        """Messages logged and sent, as said on stopping."""
        said = re.findall(r"dnstap: closed, messages: (\d+) logged, (\d+) sent", self.log())
        return [tuple(map(int, pair)) for pair in said]
