# SPDX-License-Identifier: MIT OR Apache-2.0
"""Paths of the table in ../README.md on which an answer has expired, or is fetched again before that."""

import threading

import tap
from dns import SERVFAIL, answer, query
from process import until
from scene import Path, scene
from unbound import VERSION
from upstream import Upstream
from upstreams import STUB, clause


def ask_until_fetched(s, server, *paths):
    """Drives paths until the record of each is fetched again."""
    names = {tap.question(path.wire) for path in paths}

    def fetched():
        s.drive(*paths)
        return all(sum(asked.name == name for asked in server.seen) > 1 for name in names)

    until("the records are fetched again", fetched)


def test_served_again(folder):
    """An answer that is prefetched, or that has expired and is sent at once; Unbound fetches it again for no client."""
    cases = [("serve-expired", "answer that has expired, at once")]
    if VERSION < (1, 22):
        # Later releases do not prefetch records with a TTL of a second.
        cases.append(("prefetch", "prefetch"))
    for option, path in cases:
        with scene(folder) as s:
            server = Upstream(s.journal, "again.")
            s.start(f"""
server:
    {option}: yes
    cache-max-ttl: 1
    serve-expired-client-timeout: 0{clause(STUB, "again.", server)}""", threads=1)
            ask_until_fetched(s, server, *(Path(path, query(f"{protocol}.again"), protocol=protocol) for protocol in ("UDP", "TCP")))


def test_expired(folder):
    """An answer that has expired, after `serve-expired-client-timeout`, and if recursion fails."""
    released = threading.Event()

    def script(asked):
        if asked.number == 1:
            return [answer(asked.wire, ttl=1)]
        if asked.name == "fails.expired":
            return [answer(asked.wire, rcode=SERVFAIL, answers=[])]
        released.wait()
        return [answer(asked.wire)]

    with scene(folder) as s:
        server = Upstream(s.journal, "expired.", script)
        s.start(f"""
server:
    serve-expired: yes
    serve-expired-client-timeout: 100{clause(STUB, "expired.", server)}""", threads=1)
        ask_until_fetched(s, server, Path("answer that has expired, after a time", query("late.expired")),
                          Path("answer that has expired, as recursion fails", query("fails.expired")))
        stats = s.unbound.stats()
        assert stats["expired"] >= 2, stats
        released.set()
