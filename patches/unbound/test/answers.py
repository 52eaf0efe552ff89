# SPDX-License-Identifier: MIT OR Apache-2.0
"""Answers from the cache that are fetched again at the same time."""

from peers import Capture
from process import until
from unbound import VERSION, Unbound


def test_served_again(folder):
    """An answer that is prefetched, or has expired, is logged once."""
    cases = [("serve-expired", "expired")]
    if VERSION < (1, 22):
        # Later releases do not prefetch records with a TTL of a second.
        cases.append(("prefetch", "prefetch"))
    for option, counter in cases:
        with Capture(folder, option) as capture:
            cache = f"\nserver:\n    {option}: yes\n    cache-max-ttl: 1\n    serve-expired-client-timeout: 0"
            with Unbound(folder, cache, threads=1) as unbound:
                check_answers(unbound, capture, counter)


def check_answers(unbound, capture, counter):
    """Asks until the counter has grown over UDP and over TCP."""
    exchanges = []
    for protocol in "UDP", "TCP":
        before = unbound.stats()[counter]

        def happened():
            exchanges.append(unbound.ask("again.example", protocol))
            return unbound.stats()[counter] > before

        until(f"{counter} over {protocol}", happened)
    unbound.stop()
    messages = [message for message in capture.read() if message["type"].startswith("CLIENT")]
    wires = [message["wire"] for message in messages]
    assert wires == [wire for exchange in exchanges for wire in (exchange.query, exchange.response)]
    for asked, answered in zip(messages[::2], messages[1::2]):
        assert asked["query_time"] == answered["query_time"] <= answered["response_time"], (asked, answered)
