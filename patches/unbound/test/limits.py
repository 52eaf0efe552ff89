# SPDX-License-Identifier: MIT OR Apache-2.0
"""Paths of the table in ../README.md on which a query is dropped because of a limit, or by the operator."""

import contextlib
import signal
import threading
import time

import dns
import tap
from dns import FORMERR, NOERROR, SERVFAIL, answer, query
from process import until
from scene import DROPPED, LOCAL, UNLOGGED, Path, named, scene
from unbound import VERSION
from upstream import Reply, Upstream
from upstreams import FORWARD, clause

# From this release on, queries over TCP are not dropped after `discard-timeout`, and those beyond `wait-limit` are answered.
ANSWERED = VERSION >= (1, 25)


class Holding(contextlib.AbstractContextManager):
    """An upstream server of held. that answers when it is released; what is still `awaited` then is logged."""

    def __init__(self, s, awaited=True):
        self.s, self.released, self.awaited = s, threading.Event(), awaited
        self.server = Upstream(s.journal, "held.", self.script)
        self.clause = clause(FORWARD, "held.", self.server)

    def script(self, asked):
        self.released.wait()
        return [Reply(answer(asked.wire), self.awaited)]

    def hold(self, path):
        """Sends a query, and returns it when the server has received it."""
        sent, name = self.s.send(path), tap.question(path.wire)
        until(f"{path.path}: the upstream server is asked for {name}", lambda: (name, dns.TXT) in self.server.names())
        return sent

    def __exit__(self, *_):
        self.released.set()


def test_limits(folder):
    """Queries beyond `discard-timeout`, `wait-limit`, `num-queries-per-thread`, and the limit of errors."""
    # These releases do not limit clients on loopback by default; earlier ones cannot read this line.
    netblock = "wait-limit-netblock: 127.0.0.0/8 1" if VERSION >= (1, 23) else ""
    with scene(folder) as s, Holding(s) as holding:
        s.start(f"""
server:
    discard-timeout: 300
    wait-limit: 1
    {netblock}
    num-queries-per-thread: 5
    jostle-timeout: 60000{LOCAL}{holding.clause}""", threads=1)
        code = NOERROR if ANSWERED else DROPPED
        # The upstream server answers late.
        waiting = [(holding.hold(Path("discard-timeout", query(f"{n}.{protocol}.held"), DROPPED if protocol == "UDP" else code,
                                      protocol=protocol, source=f"127.0.0.{n}")))
                   for n, protocol in enumerate(("UDP", "TCP", "DOT"), 11)]
        # One query more than the limit is allowed: the third one of a client is too much, and then the sixth one of all.
        waiting.append(holding.hold(Path("before wait-limit", query("before.held"), DROPPED, source="127.0.0.11")))
        s.drive(Path("wait-limit", query("a.held"), SERVFAIL if ANSWERED else DROPPED, source="127.0.0.11"))
        waiting.append(holding.hold(Path("before num-queries-per-thread", query("more.held"), DROPPED, source="127.0.0.20")))
        s.drive(Path("num-queries-per-thread", query("b.held"), DROPPED, source="127.0.0.21"),
                Path("after that", named("a"), source="127.0.0.22"))
        late = time.monotonic() + 0.3
        until("discard-timeout has passed", lambda: time.monotonic() > late)
        holding.released.set()
        for path, *sent in waiting:
            (s.unanswered if path.code == DROPPED else s.answered)(path, *sent)
        check_errors(s)


def check_errors(s):
    """Sends queries that are answered with an error, some of which are dropped: in two seconds, there are too many in one of them."""
    s.journal.path = "too many errors"
    bad = [number.to_bytes(2, "big") + b"\1\0\0\2" + bytes(6) for number in range(220)]
    good = named("last")
    with dns.connect("UDP", "127.0.0.1", s.unbound.ports["UDP"]) as client:
        got, sent = {}, time.time()
        for message in [*bad, good]:
            client.send(message)
        while good[:2] not in got:
            response = client.recv(65535)
            got[response[:2]] = response
        for message in [*bad, good]:
            path = Path("too many errors", message, FORMERR)
            s.note(path, client, sent, got.get(message[:2]), time.time())
        assert 100 < len(got) < len(bad), len(got)


def test_flushed(folder):
    """Queries that the operator drops: `flush_requestlist`, `fast_reload +d`, `reload`."""
    commands = [["flush_requestlist"], *([["fast_reload", "+d"]] if VERSION >= (1, 23) else [])]
    with scene(folder) as s, Holding(s, awaited=False) as holding:
        s.start(holding.clause, threads=1)
        for command in [*commands, ["reload"]]:
            waiting = holding.hold(Path(f"unanswered at {command[0]}", query(f"{command[0]}.held"), DROPPED))
            if command == ["reload"]:
                s.unbound.reload()
            else:
                s.unbound.control(*command)
            s.unanswered(*waiting)
        # The counters begin again at a reload, but a stop sends all messages.
        s.stop()


def test_sock_queue(folder):
    """With `sock-queue-timeout`, a query that has waited too long in the socket is not logged, and another one with the time at which
    the system received it."""
    if VERSION < (1, 22):
        return "not there: sock-queue-timeout"
    with scene(folder) as s:
        s.start(f"\nserver:\n    sock-queue-timeout: 1{LOCAL}", threads=1)
        s.unbound.child.send_signal(signal.SIGSTOP)
        old, sent = s.send(Path("older than sock-queue-timeout", named("old"), UNLOGGED)), time.monotonic()
        until("sock-queue-timeout has passed", lambda: time.monotonic() > sent + 1.1)
        path = Path("waits in the socket", named("young"))
        young = s.send(path)
        path.read_until = time.time()
        s.unbound.child.send_signal(signal.SIGCONT)
        s.answered(*young)
        s.unanswered(*old)
