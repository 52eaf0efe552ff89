# SPDX-License-Identifier: MIT OR Apache-2.0
"""Name servers whose answers are written in a test, and that note in a journal what has to be logged of them."""

import collections
import contextlib
import socket
import ssl
import struct
import threading
import time
from dataclasses import dataclass

import tap
from dns import answer, read_message
from expected import LATE


@dataclass
class Query:
    """A query to an upstream server, which is the `number`th one for its name and type."""

    wire: bytes
    name: str
    kind: int
    protocol: str
    number: int
    server: tuple


@dataclass
class Reply:
    """A message to the sender of a query, from another socket if there is one. Not all of them are logged."""

    wire: bytes
    logged: bool = True
    socket: object = None


class Upstream:
    """A name server over UDP and TCP, or over TLS with the certificate in a folder. `script` maps a Query to the messages that answer
    it, each a Reply or its bytes, by default to a TXT record. `kind` is the part of the types before _QUERY or _RESPONSE, by default
    depending on RD. `bound` is the address of Unbound that is logged over UDP, if it is not that of the packet. Without a journal
    nothing is logged."""

    def __init__(self, journal, zone, script=None, host="127.0.0.1", port=0, folder=None, kind=None, bound=None):
        self.journal, self.zone, self.script = journal, zone, script or (lambda query: [answer(query.wire)])
        self.kind, self.bound, self.folder = kind, bound, folder
        self.lock, self.numbers, self.seen = threading.Lock(), collections.Counter(), []
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.listener = socket.create_server((host, port), family=family)
        self.own = self.listener.getsockname()[:2]
        self.port = self.own[1]
        self.udp = None
        if folder:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(f"{folder}/certificate.pem", f"{folder}/key.pem")
        else:
            self.udp = socket.socket(family, socket.SOCK_DGRAM)
            self.udp.bind(self.own)
            threading.Thread(target=self.run_udp, daemon=True).start()
        threading.Thread(target=self.run_tcp, daemon=True).start()

    def names(self):
        """Returns the names that were asked, with their types."""
        with self.lock:
            return [(query.name, query.kind) for query in self.seen]

    def run_udp(self):
        while True:
            wire, peer = self.udp.recvfrom(65535)
            query = self.received("UDP", peer, wire, time.time())
            threading.Thread(target=self.reply, args=(query, peer, self.send_udp), daemon=True).start()

    def run_tcp(self):
        while True:
            stream, peer = self.listener.accept()
            threading.Thread(target=self.serve, args=(stream, peer), daemon=True).start()

    def serve(self, stream, peer):
        with contextlib.suppress(AssertionError, OSError), stream:
            if self.folder:
                stream = self.context.wrap_socket(stream, server_side=True)
            while True:
                wire = read_message(stream)
                query = self.received("DOT" if self.folder else "TCP", peer, wire, time.time() + LATE)
                self.reply(query, peer, lambda reply, _: stream.sendall(struct.pack("!H", len(reply.wire)) + reply.wire))

    def send_udp(self, reply, peer):
        (reply.socket or self.udp).sendto(reply.wire, peer)

    def received(self, protocol, peer, wire, until):
        """Notes a query, which is logged before it is sent, or over TCP and TLS after it."""
        name, kind = tap.question(wire), tap.question_type(wire)
        with self.lock:
            self.numbers[name.lower(), kind] += 1
            query = Query(wire, name, kind, protocol, self.numbers[name.lower(), kind], self.own)
            self.seen.append(query)
        self.note("QUERY", query, peer, wire, until - (2 if protocol != "UDP" else 1) * LATE, until)
        return query

    def reply(self, query, peer, send):
        """Sends what answers a query."""
        for reply in self.script(query):
            if isinstance(reply, bytes):
                reply = Reply(reply)
            if reply.logged:
                self.note("RESPONSE", query, peer, reply.wire, time.time())
            send(reply, peer)

    def note(self, half, query, peer, wire, since, until=None):
        if not self.journal:
            return
        kind = self.kind or ("FORWARDER" if query.wire[2] & 1 else "RESOLVER")
        client = (self.bound if self.bound and query.protocol == "UDP" else peer[0]), peer[1]
        self.journal.add(f"{kind}_{half}", query.protocol, client, self.own, wire, since, until, zone=self.zone,
                         answered=half == "RESPONSE")
