# SPDX-License-Identifier: MIT OR Apache-2.0
"""Paths of messages through Unbound, each of which is driven by a client and compared with what is logged."""

import contextlib
import time
from dataclasses import dataclass

import dns
from dns import NOERROR, connect, query
from expected import Journal
from peers import Capture
from unbound import SOFTWARE, Unbound

# What a client may get instead of an answer: the query is dropped, or its message is not logged at all.
DROPPED, UNLOGGED = "dropped", "not logged"
# A response code that is not known before.
ANY = "any"


@dataclass
class Path:
    """A path of README.md that begins with a message of a client, which is `wire` and gets an answer with a response code (`code`).
    The other fields are those of a message over UDP, with both ends, the protocol and the part of the message that are logged, if they
    are not those of the socket. `source` is the client's address, `header` precedes the message, and `read_until` is when the query
    was read at the latest, if that is known."""

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
    read_until: float | None = None

    def note(self, journal, sent, client, server, response=None, received=None):
        """Notes what has to be logged: the query, and the response, or that the query was dropped."""
        protocol = self.logged or {"HTTP": "DOH"}.get(self.protocol, self.protocol)
        ends = protocol, self.client or client, self.server or server
        http, asked = 2 if protocol == "DOH" else None, self.part or self.wire
        journal.add("CLIENT_QUERY", *ends, asked, sent, self.read_until or received, http=http)
        journal.add("CLIENT_RESPONSE", *ends, response or asked, sent, received, http=http, policy=self.policy,
                    answered=response is not None)


@contextlib.contextmanager
def scene(folder):
    """Yields a Scene, and compares its journal with all messages at the end."""
    with contextlib.ExitStack() as stack:
        yield (scene := Scene(folder, stack))
        if scene.unbound:
            scene.finish()


class Scene:
    """An unbound with a receiver, and a journal for what has to be logged."""

    def __init__(self, folder, stack):
        self.folder, self.stack, self.journal, self.unbound, self.running = folder, stack, Journal(), None, True

    def start(self, more, **options):
        """Starts Unbound with more lines of configuration."""
        self.capture = self.stack.enter_context(Capture(self.folder))
        self.unbound = self.stack.enter_context(Unbound(self.folder, more, **options))
        return self.unbound

    def stop(self):
        self.unbound.stop()
        self.running = False

    def finish(self):
        if self.running:
            # If messages are missing, the comparison names them.
            with contextlib.suppress(AssertionError):
                self.unbound.await_stats("all is logged", self.journal.complete)
            self.stop()
        self.journal.check(self.capture.read(), ("resolver", SOFTWARE))

    def drive(self, *paths):
        """Drives paths, and returns the response code of the last one."""
        for path in paths:
            code = (self.unanswered if path.code in (DROPPED, UNLOGGED) else self.answered)(*self.send(path))
        return code

    def port(self, path):
        return path.port or self.unbound.ports["DOH" if path.protocol == "HTTP" else path.protocol]

    def send(self, path):
        """Sends the message of a path, and returns the path, the connection and the time."""
        self.journal.path = path.path
        stream = connect(path.protocol, path.host, self.port(path), path.source)
        sent = time.time()
        dns.send(stream, path.protocol, path.wire, path.header)
        return path, stream, sent

    def note(self, path, stream, sent, response=None, received=None):
        path.note(self.journal, sent, stream.getsockname()[:2], (path.host, self.port(path)), response, received)

    def answered(self, path, stream, sent):
        """Waits for the answer, and returns its response code."""
        with stream:
            response = dns.receive(stream, path.protocol)
            self.note(path, stream, sent, response, time.time())
            code = dns.code(response)
            assert path.code in (code, ANY), (path, response)
            return code

    def unanswered(self, path, stream, sent):
        """Closes the connection of a message that is not answered. A stream is closed by the server; over UDP the next message waits
        for this one."""
        with stream:
            received = None
            if path.protocol != "UDP":
                with contextlib.suppress(ConnectionResetError):
                    assert stream.recv(1) == b"", (path, "an answer")
                received = time.time()
            if path.code == DROPPED:
                self.note(path, stream, sent, None, received)


def named(label):
    """Returns a query for a name with a record in the configuration of `LOCAL`."""
    return query(f"{label}.local")


# A local zone in which each name has a record.
LOCAL = """
    local-zone: "local." redirect
    local-data: 'local. TXT "x"'"""
