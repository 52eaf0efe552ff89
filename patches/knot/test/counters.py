# SPDX-License-Identifier: MIT OR Apache-2.0
"""The counters in `knotc stats mod-dnstap`: each is provoked, and compared with what happened."""

import pathlib

import tap
from knot import PatchedKnot
from peers import Capture

# KiB of the queue. A message has to fit into a half of it.
QUEUE = 16


def test_counters(folder):
    """Each counter, before there is a receiver, with one, and after it."""
    transfer = pathlib.Path(folder, "transfer.tap")
    with PatchedKnot(folder, PatchedKnot.to_socket(folder, QUEUE), workers=1) as knot:

        def check(what, **expected):
            """Waits until the counters are as expected. Those that are not named are 0, but for some that are not compared."""
            ignored = {"connect-failures", "bytes-sent", "state"}

            def found(stats):
                return {name: number for name, number in stats.items() if number and name not in ignored}

            return knot.await_stats(f"{what}: {expected}", lambda stats: found(stats) == expected)

        for n in range(3):
            knot.ask(f"n{n}.example")
        for n in range(2):
            assert knot.update(f"add free.example 60 A 192.0.2.{n}") == ""
        logged = {"logged.auth-query": 3, "logged.auth-response": 3, "logged.update-query": 2, "logged.update-response": 2}
        check("all is logged", logged=10, waiting=10, **logged)
        stats = knot.await_stats("no receiver is there", lambda stats: stats["connect-failures"])
        assert stats["bytes-sent"] == 0, stats

        # The first message is a query, and the last response may be short.
        knot.programs.output("kdig", "@127.0.0.1", "-p", knot.ports["TCP"], "+tcp", "other", "AXFR", "-E", transfer)
        lengths = [len(message["wire"]) for message in tap.read(transfer)]
        too_long = sum(length > QUEUE * 1024 / 2 for length in lengths)
        assert too_long > 2 and not any(8000 < length < 8400 for length in lengths), lengths
        number = 10 + len(lengths)
        logged = {**logged, "logged.auth-query": 4, "logged.auth-response": 2 + len(lengths), "logged": number, "dropped.too-long": too_long}
        check("the transfer is logged", waiting=number - too_long, **logged)

        with Capture(folder) as capture:
            check("all is sent", sent=number - too_long, connects=1, **logged)
            before = knot.await_stats("the size is known", lambda stats: stats["bytes-sent"])
            capture.kill()
        check("the receiver is gone", sent=number - too_long, connects=1, disconnects=1, **logged)

        with knot.load(1, 1000) as load:
            asked = load.all_answered()
        stats = knot.await_stats("the queue is full", lambda stats: stats["logged"] == number + 2 * asked)
        full = stats["dropped.full"]
        assert stats["dropped.too-long"] == too_long and 0 < full == stats["logged"] - stats["sent"] - stats["waiting"] - too_long, stats
        with Capture(folder, "second") as capture:
            stats = knot.await_stats("all is sent", lambda stats: stats["waiting"] == 0)
            assert stats["connects"] == 2 and stats["dropped.full"] == full and stats["dropped.invalid"] == 0, stats
            capture.stop()
        # Each message follows its length.
        size = sum(4 + len(frame) for frame in tap.frames(capture.path))
        assert stats["bytes-sent"] - before["bytes-sent"] == size, (stats, before, size)
        knot.stop()
        assert knot.closed() == [(stats["logged"], stats["sent"])], (knot.closed(), stats)
