# SPDX-License-Identifier: MIT OR Apache-2.0
"""Messages that kdig writes when the first attempt does not succeed, or takes another way."""

import pathlib
import socket
import struct
import threading
import time

import tap
from dns import answer, read_message
from expected import Journal
from knot import PROGRAMS
from process import DEADLINE, free_port

TRUNCATED = 0x8600


class Responder:
    """A server for UDP and TCP that answers as a path says, and keeps what kdig has to write: a query for each that it receives, and
    a response for each that kdig has to read."""

    def __init__(self, client):
        self.journal, self.port, self.client = Journal(), free_port(), client
        self.udp, self.stranger = (socket.socket(type=socket.SOCK_DGRAM) for _ in range(2))
        self.udp.bind(("127.0.0.1", self.port))
        self.udp.settimeout(DEADLINE)
        self.tcp = socket.create_server(("127.0.0.1", self.port))
        self.tcp.settimeout(DEADLINE)
        self.start = time.time()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        for opened in self.udp, self.stranger, self.tcp:
            opened.close()

    def add(self, kind, protocol, peer, wire, since):
        """Adds a message. kdig knows its address over TCP, or if it has been chosen."""
        address = self.client or ("0.0.0.0" if protocol == "UDP" else "127.0.0.1")
        ends = (address, peer[1]), ("127.0.0.1", self.port)
        self.journal.add(f"TOOL_{kind}", protocol, *ends, wire, since, answered=kind == "RESPONSE")

    def receive(self):
        data, peer = self.udp.recvfrom(65535)
        message = data[data.startswith(b"\r\n\r\n\0") and 16 + struct.unpack_from("!H", data, 14)[0]:]
        self.add("QUERY", "UDP", peer, message, self.start)
        return message, peer

    def respond(self, message, peer, **options):
        response = answer(message, **options)
        self.add("RESPONSE", "UDP", peer, response, time.time())
        self.udp.sendto(response, peer)

    def serve_stream(self):
        with self.tcp.accept()[0] as stream:
            message, peer = read_message(stream), stream.getpeername()
            self.add("QUERY", "TCP", peer, message, self.start)
            response = answer(message)
            self.add("RESPONSE", "TCP", peer, response, time.time())
            stream.sendall(struct.pack("!H", len(response)) + response)


def answers(server):
    server.respond(*server.receive())


def answers_second(server):
    server.receive()
    server.respond(*server.receive())


def truncates(server):
    server.respond(*server.receive(), flags=TRUNCATED)
    server.serve_stream()


def answers_other_first(server):
    message, peer = server.receive()
    server.respond(struct.pack("!H", ~struct.unpack("!H", message[:2])[0] & 65535) + message[2:], peer)
    server.respond(message, peer)


def stranger_answers_first(server):
    message, peer = server.receive()
    server.stranger.sendto(answer(message), peer)
    server.respond(message, peer)


# Each path with the options of kdig, and how the server answers.
ATTEMPTS = {
    "one attempt": ([], answers),
    "a retry": (["+retry=1", "+timeout=3"], answers_second),
    "TCP after TC": ([], truncates),
    "no TCP after TC": (["+ignore"], lambda server: server.respond(*server.receive(), flags=TRUNCATED)),
    "a reply with another ID": ([], answers_other_first),
    "a reply from another address": ([], stranger_answers_first),
    "-b": (["-b", "127.0.0.4"], answers),
    "+proxy": (["+proxy=192.0.2.1#4711-192.0.2.2#53"], answers),
}


def test_kdig_attempts(folder):
    """What kdig writes for each attempt, over whatever protocol, and each response."""
    for path, (options, serve) in ATTEMPTS.items():
        file = pathlib.Path(folder, "attempts.tap")
        client = options[1] if "-b" in options else None
        with Responder(client) as server:
            server.journal.path = path
            thread = threading.Thread(target=serve, args=(server,))
            thread.start()
            printed = PROGRAMS.output("kdig", "@127.0.0.1", "-p", server.port, "+noedns", "n1.example", "TXT", "+retry=0",
                                      f"+timeout={DEADLINE}", *options, "-E", file)
            thread.join()
        messages = tap.read(file)
        assert "status: NOERROR" in printed, (path, printed)
        server.journal.check(messages, messages[0]["who"])
