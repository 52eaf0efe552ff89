# SPDX-License-Identifier: MIT OR Apache-2.0
"""A server that is kept busy by dnsperf, on a core of its own."""

import errno
import pathlib
import re
import socket
import subprocess
import sys

LOAD_CORE = 1


def pinned(core, command):
    return ["taskset", "-c", core, *command]


def free_port():
    """A port that is free for UDP and TCP."""
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, socket.socket() as tcp:
            udp.bind(("127.0.0.1", 0))
            try:
                tcp.bind(udp.getsockname())
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise
                continue
            return udp.getsockname()[1]


def cpu_seconds(pid):
    """Of all threads, by the scheduler's clock."""
    threads = pathlib.Path(f"/proc/{pid}/task").iterdir()
    return sum(int((thread / "schedstat").read_text().split()[0]) for thread in threads) / 1e9


def dropped(port):
    """Datagrams the kernel dropped because the server's socket was full."""
    sockets = [line.split() for line in pathlib.Path("/proc/net/udp").read_text().splitlines()]
    return sum(int(fields[-1]) for fields in sockets if fields[1].endswith(f":{port:04X}"))


def load(names, port, seconds):
    """Asks for what is in the file `names` again and again; how many queries the server handled, and how many a second."""
    # 100 queries under way keep a server busy and fit its socket; dnsperf's own socket is made large enough to lose none.
    command = ["dnsperf", "-s", "127.0.0.1", "-p", port, "-d", names, "-l", seconds, "-q", 100, "-t", 1, "-b", 4096]
    command = [str(word) for word in pinned(LOAD_CORE, command)]
    output = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 60, check=True).stdout
    sent, completed = (int(re.search(rf"Queries {what}: +(\d+)", output)[1]) for what in ("sent", "completed"))
    if completed == 0 or sent - completed != dropped(port):
        sys.exit(f"{sent} sent, {completed} answered, {dropped(port)} dropped: how many the server handled is not known")
    return completed, float(re.search(r"Queries per second: +([\d.]+)", output)[1])
