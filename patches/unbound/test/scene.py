# SPDX-License-Identifier: MIT OR Apache-2.0
"""Paths of messages through Unbound, each of which is driven by a client and compared with what is logged."""

import contextlib
import time
from dataclasses import dataclass

import dns
from dns import NOERROR, connect, query, send
from expected import Journal
from peers import Capture
from unbound import SOFTWARE, Unbound

# What a client may get instead of an answer: the query is dropped, or its message is not logged at all.
DROPPED, UNLOGGED = "dropped", "not logged"


@dataclass
class Path:
    """A path of README.md that begins with a message of a client, which is `wire` and gets an answer with a response code (`code`).
    The other fields are those of a message over UDP, with both ends, the protocol and the part of the message that are logged, if they
    are not those of the socket. `source` is the client's address, and `header` precedes the message."""

    path: str
    wire: bytes
    code: int | str = NOERROR
    protocol: str = "UDP"
    host: str = "127.0.0.1"
    port: int | None = None
    source: str = ""
    header: bytes = b""
    client: tuple | None = None
    server: tuple | None = None
    logged: str | None = None
    part: bytes | None = None
    policy: dict | None = None

    def note(self, journal, sent, client, server, response=None, received=None):
        """Notes what has to be logged: the query, and the response, or that the query was dropped."""
        protocol = self.logged or {"HTTP": "DOH"}.get(self.protocol, self.protocol)
        ends = protocol, self.client or client, self.server or server
        http, asked = 2 if protocol == "DOH" else None, self.part or self.wire
        journal.add("CLIENT_QUERY", *ends, asked, sent, received, http=http)
        journal.add("CLIENT_RESPONSE", *ends, response or asked, sent, received, http=http, policy=self.policy,
                    answered=response is not None)


@contextlib.contextmanager
def scene(folder):
    """Yields a Scene, and compares its journal with all messages at the end."""
    with contextlib.ExitStack() as stack:
        yield (scene := Scene(folder, stack))
        scene.finish()


class Scene:
    """An unbound with a receiver, and a journal for what has to be logged."""

    def __init__(self, folder, stack):
        self.folder, self.stack, self.journal = folder, stack, Journal()

    def start(self, more, **options):
        """Starts Unbound with more lines of configuration."""
        self.capture = self.stack.enter_context(Capture(self.folder))
        self.unbound = self.stack.enter_context(Unbound(self.folder, more, **options))
        return self.unbound

    def finish(self):
        # If messages are missing, the comparison names them.
        with contextlib.suppress(AssertionError):
            self.unbound.await_stats("all is logged", self.journal.complete)
        self.unbound.stop()
        self.journal.check(self.capture.read(), ("resolver", SOFTWARE))

    def drive(self, *paths):
        for path in paths:
            self.journal.path = path.path
            if path.code in (DROPPED, UNLOGGED):
                self.unanswered(path)
            else:
                self.answered(path)

    def port(self, path):
        return path.port or self.unbound.ports["DOH" if path.protocol == "HTTP" else path.protocol]

    def answered(self, path):
        got = dns.ask(path.protocol, path.host, self.port(path), "", path.wire, path.source, path.header)
        assert got.response[3] & 15 == path.code, (path, got)
        path.note(self.journal, got.sent, got.client, got.server, got.response, got.received)
        return got

    def unanswered(self, path):
        """Sends a message that is not answered. A stream is closed by the server; over UDP the next message waits for this one."""
        with connect(path.protocol, path.host, self.port(path), path.source) as stream:
            sent = time.time()
            send(stream, path.protocol, path.wire, path.header)
            received = None
            if path.protocol != "UDP":
                with contextlib.suppress(ConnectionResetError):
                    assert stream.recv(1) == b"", (path, "an answer")
                received = time.time()
            if path.code == DROPPED:
                path.note(self.journal, sent, stream.getsockname()[:2], (path.host, self.port(path)), None, received)


def named(label):
    """Returns a query for a name with a record in the configuration of `LOCAL`."""
    return query(f"{label}.local")


# A local zone in which each name has a record.
LOCAL = """
    local-zone: "local." redirect
    local-data: 'local. TXT "x"'"""
