# SPDX-License-Identifier: MIT OR Apache-2.0
"""What the log says of messages that are lost."""

import re

from dns import ask
from processes import Capture, Knot, kill, until
from unbound import PROGRAMS, Unbound

SMALL = "dnstap-queue-size: 4k"


def fill(unbound):
    """Asks until messages are dropped."""
    before = unbound.stats()["dropped.full"]

    def dropped():
        ask("UDP", "127.0.0.1", unbound.port, "fill.example")
        return unbound.stats()["dropped.full"] > before

    until("messages are dropped", dropped)


def last_lines(unbound):
    """What is said at the end: messages that were not sent and why, and the sums."""
    [(number, why)] = re.findall(r"warning: dnstap: (\d+) messages not sent, (.*)", unbound.log())
    [sums] = re.findall(r"dnstap: closed, messages: (\d+) logged, (\d+) sent, (\d+) dropped", unbound.log())
    logged, sent, dropped = map(int, sums)
    assert logged == sent + dropped and int(number) <= dropped, (number, sums)
    return int(number), why, logged, sent


def test_drops_are_said(folder):
    """A line when messages begin to be dropped, and one when that is over."""
    begin, end = "warning: dnstap: dropping messages: queue full", "notice: dnstap: no longer dropping messages; "
    with Knot(folder) as knot, Unbound(PROGRAMS, folder, knot, SMALL, threads=1) as unbound:
        for times in 1, 2:
            fill(unbound)
            until("a line on dropping", lambda: unbound.log().count(begin) == times)
            with Capture(folder):
                until("nothing waits", lambda: unbound.stats()["waiting"] == 0)
                until("a line on the end of it", lambda: unbound.log().count(end) == times)
            (unbound.configuration.parent / "tap").unlink()
            assert unbound.log().count(begin) == unbound.log().count(end) == times
        stats = unbound.stats()
        unbound.stop()
        lost = sum(int(n) for n in re.findall(rf"{end}(\d+) lost in ", unbound.log()))
        assert lost == stats["dropped.full"] > 0, unbound.log()


def test_unsent(folder):
    """The last line counts all that was lost, and blames the receiver only if there was one."""
    with Knot(folder) as knot:
        with Unbound(PROGRAMS, folder, knot, SMALL, threads=1) as unbound:
            fill(unbound)
            unbound.stop()
            number, why, logged, sent = last_lines(unbound)
            assert why.startswith("no connection was established: ") and sent == 0 < number < logged, unbound.log()
        with Capture(folder) as capture, Unbound(PROGRAMS, folder, knot, SMALL, threads=1) as unbound:
            ask("UDP", "127.0.0.1", unbound.port, "first.example")
            unbound.await_sent()
            kill(capture)
            unbound.await_log("warning: dnstap: ")
            fill(unbound)
            unbound.stop()
            _, why, _, sent = last_lines(unbound)
            assert why.startswith("the connection was lost: ") and sent >= 4, unbound.log()
