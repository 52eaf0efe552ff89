# SPDX-License-Identifier: MIT OR Apache-2.0
"""The patched named, and zones for it."""

import collections
import json
import pathlib
import re
import urllib.request

from process import DEADLINE, free_port, until
from server import KEY, Programs, Server, built, dropped, write_zone

PREFIX = built("bind") / "installed"
PROGRAMS = Programs(PREFIX / "bin", PREFIX / "sbin")
ADDRESSES = "127.0.0.1", "::1"
# Counters of the statistics channel without DNSTAP, and their names in tests.
COUNTERS = {"success": "sent", "waiting": "waiting", "logged": "logged", "droppedFull": "dropped_full",
            "droppedTooLong": "dropped_too_long", "droppedInvalid": "dropped_invalid", "droppedClosed": "dropped_closed",
            "sampledOut": "sampled_out", "bytes": "bytes", "connects": "connects", "connectFailures": "connect_failures",
            "disconnects": "disconnects", "connected": "connected"}

AUTHORITATIVE = """
    recursion no;
};
zone example { type primary; file "example.zone"; allow-update { key key; }; };
zone other { type primary; file "other.zone"; };
"""


def secondary(port, options=""):
    """The zone example. from a primary server, to which updates are forwarded."""
    return f"""
    recursion no;
    notify no;
}};
zone example {{ type secondary; primaries {{ 127.0.0.1 port {port}; }}; allow-update-forwarding {{ any; }}; {options} }};
"""


def resolving(port):
    """A resolver that asks a server on 127.0.0.1 for example., and on ::1, as a forwarder, for forward."""
    return f"""
    recursion yes;
    port {port};
    qname-minimization off;
}};
zone example {{ type static-stub; server-addresses {{ 127.0.0.1; }}; }};
zone forward {{ type forward; forward only; forwarders {{ ::1 port {port}; }}; }};
"""


def forwarding_over_tls(port):
    """A forwarder on ::1 for example."""
    return f"""
    recursion yes;
    qname-minimization off;
}};
zone example {{ type forward; forward only; forwarders {{ ::1 port {port} tls ephemeral; }}; }};
"""


def connected(client, server):
    """Returns whether the server's end of a connection over IPv4 on loopback is open: 1 is ESTABLISHED, 8 is CLOSE_WAIT."""
    for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]:
        local, remote, state = line.split()[1:4]
        if [int(end.split(":")[1], 16) for end in (local, remote)] == [server, client] and int(state, 16) in (1, 8):
            return True
    return False


class Bind(Server):
    """A named with the options `dnstap`; `zones` continues the options, and by default it is authoritative."""

    programs = PROGRAMS
    # The minimum of the configuration.
    SMALLEST_QUEUE = 256
    CONTROL, CLOSED = "rndc", r"closing dnstap: (\d+) messages logged, (\d+) sent"
    MEMCHECK = [f"--suppressions={pathlib.Path(__file__).resolve().with_name('valgrind.supp')}", "--leak-check=full",
                "--show-leak-kinds=definite,indirect,possible", "--errors-for-leak-kinds=definite,indirect,possible"]
    UPDATE = {"UDP": ["nsupdate", "-t", DEADLINE], "TCP": ["nsupdate", "-t", DEADLINE, "-v"]}

    def __init__(self, folder, dnstap=None, zones=AUTHORITATIVE, threads=2, listen=ADDRESSES, memcheck=False, more=(),
                 variant="patched"):
        self.ports = {name: free_port() for name in ("UDP", "DOT", "DOH")}
        self.ports["TCP"] = self.ports["UDP"]
        self.control_port, self.stats_port = free_port(), free_port()
        self.zones, self.listen = zones, listen
        self.configuration = pathlib.Path(folder, "patched.conf")
        self.control_configuration = pathlib.Path(folder, "rndc.conf")
        algorithm, name, secret = KEY.split(":")
        self.key = f'key {name} {{ algorithm {algorithm}; secret "{secret}"; }};'
        self.control_configuration.write_text(f"""{self.key}
options {{ default-key {name}; default-server 127.0.0.1; default-port {self.control_port}; }};
""")
        for zone in "example", "other":
            write_zone(f"{folder}/{zone}.zone")
        named = built("bind", variant) / "installed/sbin/named"
        super().__init__(folder, named, "-g", "-n", threads, "-c", self.configuration, *more, memcheck=memcheck)
        self.configure(self.to_socket(folder) if dnstap is None else dnstap)

    @staticmethod
    def to_socket(folder, queue=None):
        size = f"fstrm-set-input-queue-size {queue};" if queue else ""
        return f'dnstap {{ all; }}; dnstap-output unix "{folder}/tap"; fstrm-set-reopen-interval 1; {size}'

    @staticmethod
    def to_file(path, rolled=""):
        return f'dnstap {{ all; }}; dnstap-output file "{path}" {rolled};'

    def await_ready(self):
        self.await_log("all zones loaded")
        until("named answers rndc", lambda: self.try_control("status")[0] == 0)

    def await_event(self, text):
        """Asks until the event is in the log: named fetches events with the first message of a second."""

        def logged():
            self.ask(f"event{self.queries}.example")
            return text in self.log()

        until(text, logged)

    def configure(self, dnstap):
        listen = ""
        for protocol, more in ("UDP", ""), ("DOT", "tls own "), ("DOH", "tls own http own "):
            for option, host in zip(("listen-on", "listen-on-v6"), self.listen):
                listen += f"    {option} port {self.ports[protocol]} {more}{{ {host}; }};\n"
        self.configuration.write_text(f"""{self.key}
controls {{ inet 127.0.0.1 port {self.control_port} allow {{ 127.0.0.1; }} keys {{ key; }}; }};
statistics-channels {{ inet 127.0.0.1 port {self.stats_port} allow {{ 127.0.0.1; }}; }};
tls own {{ key-file "{self.folder}/key.pem"; cert-file "{self.folder}/certificate.pem"; }};
http own {{ endpoints {{ "/dns-query"; }}; }};
options {{
    directory "{self.folder}";
    pid-file none;
    session-keyfile none;
    allow-transfer {{ any; }};
    dnssec-validation no;
    {dnstap}
{listen}{self.zones}""")

    def counters(self, group):
        """Returns a group of counters of the statistics channel, which leaves out those that are 0."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.stats_port}/json/v1/server", timeout=DEADLINE) as answer:
            return json.load(answer).get(group, {})

    def counter(self, name):
        return self.counters("nsstats").get(name, 0)

    def stats(self):
        """Returns the counters of dnstap, of which DNSTAPdropped is the sum of those of the reasons."""
        counters = collections.Counter({name.removeprefix("DNSTAP"): n for name, n in self.counters("dnstapstats").items()})
        stats = {name: counters[key] for key, name in COUNTERS.items()}
        stats |= {f"type.{name[6:]}": n for name, n in counters.items() if re.fullmatch("logged[A-Z]+_[A-Z]+", name)}
        assert counters["dropped"] == dropped(stats), counters
        return stats

    def lost_at_stop(self, deaf):
        """Returns the number of messages that a receiver did not take in time (`deaf`), or not at all."""
        why = f"taken by '{self.folder}/tap' in time" if deaf else f"sent to '{self.folder}/tap': it did not answer"
        [number] = re.findall(rf"(\d+) dnstap messages were not {why}", self.log())
        return int(number)
