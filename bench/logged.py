# SPDX-License-Identifier: MIT OR Apache-2.0
"""One run of a name server under load: its answers, its CPU time, and the messages that arrive."""

import json
import pathlib
import statistics
import tempfile

from library import DEBIAN
from load import LOAD_CORE, load, pinned
from nameserver import NAMES
from process import Process
from results import PROGRAMS, Elsewhere

SERVER_CORE = 0


def run(server, variant, logging, library=DEBIAN, seconds=5, rate=None):
    """The server has a core of its own; the receiver shares the other with dnsperf, which asks at `rate`, if there is one."""
    with tempfile.TemporaryDirectory() as name, Elsewhere() as elsewhere:
        folder = pathlib.Path(name)
        with Process(*pinned(LOAD_CORE, [PROGRAMS / "receiver", folder / "tap"])) as receiver:
            receiver.await_log("listening")
            with server(folder, variant, logging, pinned(SERVER_CORE, []), library.environment()) as running:
                if logging == "dnstap":
                    receiver.await_log("start")
                    if variant == "stock" and server.uses_fstrm:
                        library.check(running.fstrm())
                running.ask(NAMES)
                before = running.cpu_seconds()
                loaded = load(running.names, running.port, seconds, rate)
                cpu = running.cpu_seconds() - before
                running.stop()
                handled = loaded.handled + running.asked
            # Unmodified Unbound stops in the middle of a frame, which the receiver reports as an error.
            receiver.child.terminate()
            received = json.loads(receiver.await_log('"frames"'))["frames"]
    result = {
        "queries": loaded.handled,
        "lost_queries": loaded.lost,
        "responses_per_second": round(loaded.rate),
        "mbps": round(loaded.bits / 1e6, 1),
        "cpu_us_per_query": round(1e6 * cpu / loaded.handled, 3),
        **elsewhere.seconds,
    }
    if loaded.latencies:
        result["latency_median_us"] = round(statistics.median(loaded.latencies), 1)
        result["latency_99_us"] = round(loaded.latencies[len(loaded.latencies) * 99 // 100], 1)
    if logging == "dnstap":
        result |= {"messages": 2 * handled, "lost_messages": 2 * handled - received}
    return result
