# SPDX-License-Identifier: MIT OR Apache-2.0
"""A server under test, and the programs of its build. A script that imports this is called as `run RELEASE [TEST...]`."""

import os
import pathlib
import re
import subprocess
import sys

import dns
from peers import Load
from process import DEADLINE, Process, until

RELEASE = sys.argv[1]
KEY = "hmac-sha256:key:c2VjcmV0IG9mIHRoaXMgdGVzdA=="

# The exit status of a program in which valgrind has found a fault.
FAULT = 99
# The modules of a server are unloaded when valgrind reports, at the end.
MEMCHECK = ["valgrind", "--quiet", f"--error-exitcode={FAULT}", "--num-callers=25", "--keep-debuginfo=yes", "--fair-sched=try"]


def built(server, variant="patched"):
    """Returns the folder in which ../build has built a variant of the release."""
    return pathlib.Path(os.environ["BUILD"], server, f"{RELEASE}-{variant}").resolve()


def write_zone(path):
    """Writes a zone of a few hundred kilobytes."""
    names = "".join(f"n{n} TXT {'x' * 200}\n" for n in range(1000))
    pathlib.Path(path).write_text(f"""$TTL 60
@ SOA ns hostmaster 1 3600 600 86400 300
@ NS ns
ns A 127.0.0.1
* TXT {"x" * 50}
{names}""")


class Programs:
    """The programs of some folders."""

    def __init__(self, *folders):
        self.folders = folders

    def path(self, program):
        [path] = (path for folder in self.folders if (path := folder / program).exists())
        return path

    def run(self, program, *arguments, input=None):
        """Returns the exit status and the output of a program."""
        words = [self.path(program), *map(str, arguments)]
        done = subprocess.run(words, input=input, capture_output=True, text=True, timeout=DEADLINE)
        return done.returncode, done.stdout + done.stderr

    def output(self, program, *arguments):
        """Returns the output of a program, which has to succeed."""
        status, printed = self.run(program, *arguments)
        assert status == 0, printed
        return printed


class Server(Process):
    """A server under test. By default it answers with authority for example., and sends all messages to the socket `tap`.

    With `memcheck` it runs under valgrind, and a read or write of memory that is not the server's own makes stop() fail.

    `ports` maps protocols to ports; `configuration` is the path of the configuration, and `control_configuration` the one of CONTROL."""

    # The types of an exchange with a client, and the number of messages after a query for a new name.
    TYPES, MESSAGES = ("AUTH_QUERY", "AUTH_RESPONSE"), 2
    # KiB of the smallest queue.
    SMALLEST_QUEUE = 4
    # The program that controls the server, and the one for dynamic updates with its options for each protocol.
    CONTROL, UPDATE = None, {}
    # A line of the log at the end of a dnstap output, with the numbers of messages logged and sent.
    CLOSED = None
    # Options of valgrind.
    MEMCHECK = []

    def __init__(self, folder, *command, memcheck=False):
        self.folder, self.queries = pathlib.Path(folder), 0
        super().__init__(*([*MEMCHECK, *self.MEMCHECK] if memcheck else []), *command, cwd=folder)

    def packet_protocols(self):
        """Returns the protocol on each port; TCP has the port of UDP."""
        return {port: "DNS" if name == "UDP" else name for name, port in self.ports.items() if name != "TCP"}

    def ask(self, name, protocol="UDP", host="127.0.0.1", message=None, source=""):
        self.queries += 1
        return dns.ask(protocol, host, self.ports[protocol], name, message, source)

    def load(self, seconds, queries_a_second):
        return Load(self.folder, self.ports["UDP"], seconds, queries_a_second)

    def try_control(self, *command):
        """Returns the exit status and the output of the controlling program."""
        return self.programs.run(self.CONTROL, "-c", self.control_configuration, *command)

    def control(self, *command):
        """Returns the output of the controlling program, which has to succeed."""
        status, printed = self.try_control(*command)
        assert status == 0, printed
        return printed

    def closed(self):
        """Returns the numbers of messages logged and sent of each output that is closed."""
        return [tuple(map(int, pair)) for pair in re.findall(self.CLOSED, self.log())]

    def update(self, *commands, protocol="UDP", host="127.0.0.1", key=None):
        """Sends a dynamic update, and returns the output, which is empty unless it was refused."""
        text = "\n".join([f"server {host} {self.ports[protocol]}", "zone example", *commands, "send", ""])
        return self.programs.run(*self.UPDATE[protocol], *(["-y", key] if key else []), input=text)[1]

    def await_stats(self, what, condition):
        """Waits until the counters fulfil the condition, and returns them."""
        try:
            return until(what, lambda: condition(stats := self.stats()) and stats)
        except AssertionError as error:
            raise AssertionError(f"{error}; the counters are {self.stats()}") from None

    def await_sent(self, exchanges):
        """Waits until all messages of that number of exchanges with clients are logged and sent, and returns the counters."""
        return self.await_stats(f"the messages of {exchanges} exchanges are sent",
                                lambda stats: self.exchanges(stats) == exchanges and stats["sent"] == total(stats))

    def exchanges(self, stats):
        """Returns the number of exchanges with clients that are logged."""
        return total(stats) / 2

    def await_event(self, text):
        """Waits for an event of dnstap in the log."""
        self.await_log(text)

    def fail(self, reason):
        super().fail("\n".join([reason, *re.findall(r"^==\d+==.*", self.log(), re.MULTILINE)]))


def dropped(stats):
    """Returns the number of messages that are dropped, for whatever reason."""
    return sum(number for name, number in stats.items() if name.startswith("dropped"))


def total(stats):
    """Returns the number of messages that are sent, waiting or dropped: these are all that were logged, of whatever type."""
    found = stats["sent"] + stats["waiting"] + dropped(stats)
    types = [number for name, number in stats.items() if name.startswith("type.")] or [found]
    assert stats.get("logged", found) == sum(types) == found, stats
    return found
