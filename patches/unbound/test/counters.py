# SPDX-License-Identifier: MIT OR Apache-2.0
"""The counters of dnstap in `unbound-control stats`, each of which is provoked."""

import re

import tap
from dns import query
from outages import SMALL, fill
from peers import Capture
from scene import LOCAL, named
from server import total
from unbound import Unbound

TYPES = [f"type.{kind}_{half}" for kind in ("CLIENT", "RESOLVER", "FORWARDER") for half in ("QUERY", "RESPONSE")]
COUNTERS = {"logged", "sent", "waiting", "dropped.full", "dropped.too_long", "dropped.invalid", "dropped.closed", "sampled_out",
            "bytes_sent", "connected", "connects", "connect_failures", "disconnects", *TYPES}


def dnstap(unbound):
    """Returns the counters of dnstap that are not 0, after a check of their names and sums."""
    found = {name: int(number) for name, number in re.findall(r"^dnstap\.(\S+)=(\d+)$", unbound.control("stats_noreset"), re.MULTILINE)}
    assert found.keys() == COUNTERS, found.keys() ^ COUNTERS
    total(found)
    return {name: number for name, number in found.items() if number}


def test_counters(folder):
    """Every counter, without a receiver, with one, after it is killed, and with another one. A message that is invalid cannot be
    provoked, those that are dropped at the end are counted in the log, and `options` tests the sample."""
    with Unbound(folder, f"{SMALL}\nserver:{LOCAL}", threads=1) as unbound:
        unbound.await_stats("a failure to connect", lambda stats: stats["connect_failures"] > 0)
        failures = dnstap(unbound).pop("connect_failures")
        unbound.ask("", message=named("a"))
        # The query is longer than half of the queue, but its answer is not.
        unbound.ask("", "TCP", message=query("long.local", options=b"\0\x0c\x28\0" + bytes(0x2800)))
        before = dnstap(unbound)
        assert before.pop("connect_failures") >= failures
        assert before == {"logged": 4, "waiting": 3, "dropped.too_long": 1, "type.CLIENT_QUERY": 2, "type.CLIENT_RESPONSE": 2}, before
        fill(unbound)
        full = dnstap(unbound)
        assert full["dropped.full"] > 0 and full["waiting"] + full["dropped.full"] + 1 == full["logged"], full
        with Capture(folder) as first:
            unbound.await_stats("no message is waiting", lambda stats: stats["waiting"] == 0)
            sent = dnstap(unbound)
            assert sent["connected"] == sent["connects"] == 1 and "disconnects" not in sent, sent
            assert sent["sent"] == full["waiting"] and sent["bytes_sent"] > 60 * sent["sent"], sent
            first.kill()
            unbound.await_stats("the stream is broken", lambda stats: stats["disconnects"] == 1)
            assert "connected" not in (broken := dnstap(unbound)), broken
        with Capture(folder, "second") as second:
            unbound.await_stats("another stream", lambda stats: stats["connects"] == 2)
            for name in "a.example", "a.forward", "b.forward":
                unbound.ask(name)
            unbound.await_stats("no message is waiting", lambda stats: stats["waiting"] == 0)
            after = dnstap(unbound)
            unbound.stop()
            second.stop()
        frames, types = [*tap.frames(second.path)], tap.counts(tap.read(second.path))
        assert after["connected"] == after["disconnects"] == 1, after
        assert after["sent"] - sent["sent"] == len(frames) == 12, (sent, after)
        assert after["bytes_sent"] - sent["bytes_sent"] == sum(4 + len(frame) for frame in frames), (sent, after)
        assert {name: after[name] - sent.get(name, 0) for name in TYPES} == {f"type.{kind}": number for kind, number in types.items()}
