# SPDX-License-Identifier: MIT OR Apache-2.0
"""The patched unbound."""

import contextlib
import pathlib
import re

from peers import Knot
from process import free_port, until
from server import Programs, Server, built

PROGRAMS = Programs(built("unbound"))
# The name that the server sends, such as "unbound 1.17.1", and its release.
SOFTWARE = "unbound " + re.match(r"Version (\S+)", PROGRAMS.output("unbound", "-V"))[1]
VERSION = tuple(map(int, re.findall(r"\d+", SOFTWARE)))


class Unbound(Server):
    """The patched unbound: a stub of a knotd for example., a forwarder to it for forward. and, by its name, for named., and to `tls`
    for tls."""

    TYPES, MESSAGES = ("CLIENT_QUERY", "CLIENT_RESPONSE"), 4
    MEMCHECK = ["--leak-check=full", "--show-leak-kinds=definite,indirect,possible",
                "--errors-for-leak-kinds=definite,indirect,possible"]
    CONTROL, CLOSED = "unbound-control", r"dnstap: closed, messages: (\d+) logged, (\d+) sent"

    def __init__(self, folder, dnstap="", tls=None, threads=2, memcheck=False, programs=PROGRAMS):
        self.ports = {name: free_port() for name in ("UDP", "DOT", "DOH")}
        self.ports["TCP"] = self.ports["UDP"]
        self.programs, self.upstream, self.others = programs, Knot(folder), contextlib.ExitStack()
        self.configuration = self.control_configuration = pathlib.Path(folder, "unbound.conf")
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
    interface: 127.0.0.1@{self.ports["UDP"]}
    interface: ::1@{self.ports["UDP"]}
    interface: 127.0.0.1@{self.ports["DOT"]}
    interface: 127.0.0.1@{self.ports["DOH"]}
    tls-port: {self.ports["DOT"]}
    https-port: {self.ports["DOH"]}
    tls-service-key: {folder}/key.pem
    tls-service-pem: {folder}/certificate.pem
    tls-cert-bundle: {folder}/authority.pem
    do-not-query-localhost: no
    qname-minimisation: no
    module-config: iterator
    target-fetch-policy: "0 0 0 0 0"
    # No query is sent again, and none is dropped, because the machine is busy.
    infra-cache-min-rtt: 10000
    {"discard-timeout: 0" if VERSION >= (1, 20) else ""}
remote-control:
    control-enable: yes
    control-interface: {folder}/control
    control-use-cert: no
stub-zone:
    name: example.
    stub-addr: 127.0.0.1@{self.upstream.port}
forward-zone:
    name: forward.
    forward-addr: ::1@{self.upstream.port}
forward-zone:
    name: named.
    forward-host: ns.example@{self.upstream.port}
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
        super().__init__(folder, programs.path("unbound"), "-d", "-c", self.configuration, memcheck=memcheck)

    @staticmethod
    def to_socket(_folder, queue=None):
        return f"dnstap-queue-size: {queue}k" if queue else ""

    @staticmethod
    def to_tcp(host, port):
        return f"dnstap-ip: {host}@{port}\n    dnstap-tls: no"

    @staticmethod
    def to_tls(folder, port, name):
        return f"""dnstap-ip: 127.0.0.1@{port}
    dnstap-tls: yes
    dnstap-tls-server-name: {name}
    dnstap-tls-cert-bundle: {folder}/authority.pem
    dnstap-tls-client-key-file: {folder}/key.pem
    dnstap-tls-client-cert-file: {folder}/certificate.pem"""

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            stack.enter_context(self.upstream)
            super().__enter__()
            self.others = stack.pop_all()
        return self

    def __exit__(self, *error):
        super().__exit__(*error)
        self.others.__exit__(*error)

    def await_ready(self):
        self.await_log("start of service")

    def reload(self):
        starts = self.log().count("start of service")
        self.control("reload")
        until("the reload", lambda: self.log().count("start of service") > starts)

    def check(self, more):
        """Returns the message of unbound-checkconf about the configuration with more at its end; None if nothing is wrong."""
        changed = self.configuration.with_name("changed.conf")
        changed.write_text(f"{self.configuration.read_text()}\n{more}\n")
        status, printed = self.programs.run("unbound-checkconf", changed)
        return printed if status else None

    def stats(self):
        """Returns the counters of dnstap, and the number of queries."""
        found = re.findall(r"^(?:dnstap\.|total\.num\.)(\S+)=(\d+)", self.control("stats_noreset"), re.MULTILINE)
        return {name: int(n) for name, n in found}

    def exchanges(self, stats):
        return stats["type.CLIENT_RESPONSE"]

    def await_all_sent(self):
        """Waits until all messages that are logged are sent, and returns the counters."""
        return self.await_stats("all is sent", lambda stats: stats["sent"] == stats["logged"])

    def await_logged(self, number):
        """Waits until that number of exchanges with clients is logged."""
        self.await_stats(f"{number} exchanges are logged", lambda stats: self.exchanges(stats) >= number)

    def lost_at_stop(self, deaf):
        """Returns the number of messages that a receiver did not take in time (`deaf`), or not at all."""
        why = "the receiver did not take them" if deaf else "no connection was established"
        [number] = re.findall(rf"dnstap: (\d+) messages not sent, {why}", self.log())
        return int(number)
