# SPDX-License-Identifier: MIT OR Apache-2.0
"""Lines of the log about lost messages."""

import re

from peers import Capture
from process import until
from unbound import Unbound

SMALL = "dnstap-queue-size: 4k"


def fill(unbound):
    """Asks until messages are dropped."""
    before = unbound.stats()["dropped.full"]

    def dropped():
        unbound.ask("fill.example")
        return unbound.stats()["dropped.full"] > before

    until("messages are dropped", dropped)


def last_lines(unbound):
    """Returns the last lines about dnstap: the number of messages not sent and the reason, and the sums logged and sent."""
    [(number, why)] = re.findall(r"warning: dnstap: (\d+) messages not sent, (.*)", unbound.log())
    [sums] = re.findall(r"dnstap: closed, messages: (\d+) logged, (\d+) sent, (\d+) dropped", unbound.log())
    logged, sent, dropped = map(int, sums)
    assert logged == sent + dropped and int(number) <= dropped, (number, sums)
    return int(number), why, logged, sent


def test_drops_are_logged(folder):
    """The log has a line when messages begin to be dropped, and one when that ends."""
    begin, end = "warning: dnstap: dropping messages: queue full", "notice: dnstap: no longer dropping messages; "
    with Unbound(folder, SMALL, threads=1) as unbound:
        for times in 1, 2:
            fill(unbound)
            until("a line about the beginning", lambda: unbound.log().count(begin) == times)
            with Capture(folder):
                until("no message is waiting", lambda: unbound.stats()["waiting"] == 0)
                until("a line about the end", lambda: unbound.log().count(end) == times)
            (unbound.configuration.parent / "tap").unlink()
            assert unbound.log().count(begin) == unbound.log().count(end) == times
        stats = unbound.stats()
        unbound.stop()
        lost = sum(int(n) for n in re.findall(rf"{end}(\d+) lost in ", unbound.log()))
        assert lost == stats["dropped.full"] > 0, unbound.log()


def test_unsent(folder):
    """The last lines count the lost messages, and give the right reason, with and without a receiver."""
    with Unbound(folder, SMALL, threads=1) as unbound:
        fill(unbound)
        unbound.stop()
        number, why, logged, sent = last_lines(unbound)
        assert why.startswith("no connection was established: ") and sent == 0 < number < logged, unbound.log()
    with Capture(folder) as capture, Unbound(folder, SMALL, threads=1) as unbound:
        unbound.ask("first.example")
        unbound.await_all_sent()
        capture.kill()
        unbound.await_log("warning: dnstap: ")
        fill(unbound)
        unbound.stop()
        _, why, _, sent = last_lines(unbound)
        assert why.startswith("the connection was lost: ") and sent >= 4, unbound.log()
