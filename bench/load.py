# SPDX-License-Identifier: MIT OR Apache-2.0
"""dnsperf on a core of its own, against a server on another."""

import contextlib
import pathlib
import re
import sys
from dataclasses import dataclass

from process import Process

LOAD_CORE = 1
# A second dnsperf prints the latency of each of its queries; that would keep the first one busy.
PROBES_PER_SECOND = 200


def pinned(core, command):
    return ["taskset", "-c", core, *command]


def dropped(port):
    """Returns the number of datagrams that the kernel dropped because the server's socket was full."""
    sockets = [line.split() for line in pathlib.Path("/proc/net/udp").read_text().splitlines()]
    return sum(int(fields[-1]) for fields in sockets if fields[1].endswith(f":{port:04X}"))


@dataclass
class Load:
    """Numbers of queries that the server handled and did not get, answers a second, and bits in queries and answers a
    second by the length of the IP packets; the latencies of the probes in microseconds."""

    handled: int
    lost: int
    rate: float
    bits: float
    latencies: list


def load(names, port, seconds, rate=None):
    """Asks for the names in the file `names` again and again, as fast as the server answers, or `rate` queries a second."""
    # 100 queries under way keep a server busy and fit its socket; dnsperf's own is made large enough to lose none.
    command = ["dnsperf", "-s", "127.0.0.1", "-p", port, "-d", names, "-l", seconds, "-t", 1, "-b", 4096, "-q", 100]
    commands = [[*command, "-Q", rate], [*command, "-v", "-Q", PROBES_PER_SECOND]] if rate else [command]
    with contextlib.ExitStack() as stack:
        running = [stack.enter_context(Process(*pinned(LOAD_CORE, command))) for command in commands]
        for process in running:
            process.await_end(seconds + 60)
        text = [process.log() for process in running]

    def total(what):
        return sum(int(re.search(rf"Queries {what}: +(\d+)", part)[1]) for part in text)

    sent, completed = total("sent"), total("completed")
    if completed == 0 or sent - completed != dropped(port):
        sys.exit(f"{sent} sent, {completed} answered, {dropped(port)} dropped by the kernel: the rest is unaccounted for")
    per_second = sum(float(re.search(r"Queries per second: +([\d.]+)", part)[1]) for part in text)
    request, response = map(int, re.search(r"packet size: +request (\d+), response (\d+)", text[0]).groups())
    latencies = sorted(float(found) * 1e6 for found in re.findall(r"^> NOERROR .* ([\d.]+)$", text[-1], re.MULTILINE))
    return Load(completed, sent - completed, per_second, per_second * 8 * (request + response + 2 * 28), latencies)
