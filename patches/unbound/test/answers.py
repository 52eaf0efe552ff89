# SPDX-License-Identifier: MIT OR Apache-2.0
"""Answers from the cache that are fetched anew at the same time."""

import tap
from dns import ask
from processes import Capture, Knot, until
from unbound import PROGRAMS, SOFTWARE, Unbound


def test_served_again(folder):
    """An answer that is prefetched, or has expired, is logged once."""
    with Knot(folder) as knot:
        cases = [("serve-expired", "expired")]
        if SOFTWARE.startswith("unbound 1.17."):
            # Later releases do not prefetch what lives for a second only.
            cases.append(("prefetch", "prefetch"))
        for option, counter in cases:
            with Capture(folder, option) as capture:
                cache = f"\nserver:\n    {option}: yes\n    cache-max-ttl: 1\n    serve-expired-client-timeout: 0"
                with Unbound(PROGRAMS, folder, knot, cache, threads=1) as unbound:
                    check_answers(unbound, capture, counter)


def check_answers(unbound, capture, counter):
    """Asks until it has happened over UDP and over TCP."""
    exchanges = []
    for protocol in "UDP", "TCP":
        before = unbound.stats()[counter]

        def happened():
            exchanges.append(ask(protocol, "127.0.0.1", unbound.port, "again.example"))
            return unbound.stats()[counter] > before

        until(f"{counter} over {protocol}", happened)
    unbound.stop()
    capture.stop()
    messages = [message for message in tap.read(capture.path) if message["type"].startswith("CLIENT")]
    wires = [message["wire"] for message in messages]
    assert wires == [wire for exchange in exchanges for wire in (exchange.query, exchange.response)]
    for asked, answered in zip(messages[::2], messages[1::2]):
        assert asked["query_time"] == answered["query_time"] <= answered["response_time"], (asked, answered)
