# SPDX-License-Identifier: MIT OR Apache-2.0
"""Both ends of a server: clients and an upstream server that keep their messages, and the comparison of these with logged ones."""

import collections
import contextlib
import fnmatch
import socket
import struct
import threading
import time
from dataclasses import dataclass, field

import tap
from dns import AAAA, DNSKEY, DS, NS, NSEC, NULL, SOA, TXT, A, connect, over_stream, read_message, receive

# Seconds by which a rounded time may be early.
ROUNDING = 1e-5
TYPES = {A: "A", NS: "NS", SOA: "SOA", NULL: "NULL", TXT: "TXT", AAAA: "AAAA", DS: "DS", NSEC: "NSEC", DNSKEY: "DNSKEY"}


@dataclass
class Exchange:
    """A query and its responses, as a client or an upstream server saw them. Times in seconds since 1970."""

    protocol: str
    client: tuple
    server: tuple
    query: bytes
    begin: float
    responses: list = field(default_factory=list)
    # After the response of a server under test, and before that of an upstream server.
    end: float | None = None
    logged_times: set = field(default_factory=set)
    # Whether the client disconnected, so that it does not know a response.
    gone: bool = False

    def has_response(self, wire):
        return wire in self.responses or self.gone and wire[:2] == self.query[:2] and wire[2] & 0x80

    def name(self):
        return tap.question(self.query).lower()

    def kind(self):
        """Returns the type in the question."""
        return tap.question_type(self.query)


class Clients:
    """Clients on loopback that keep their exchanges."""

    def __init__(self):
        self.exchanges = []

    def ask(self, protocol, server, message, source="", before=b"", inside=b"", ends=None, answers=1, port=0, times=1, until=None):
        """Sends a query from a new socket, over UDP several `times` if wanted, and waits for its answers. `before` and `inside` are
        written before TLS and in it; `ends` are those that the server takes, if they are not those of the socket. With `until`, the
        client disconnects when that function returns."""
        in_datagram = b""
        if protocol == "UDP":
            in_datagram, before = before, b""
        with connect(protocol, *server, source, port, before) as stream:
            client, server = ends or (stream.getsockname()[:2], server)
            exchange = Exchange("DOH" if protocol == "HTTP" else protocol, client, server, message, time.time())
            self.exchanges.append(exchange)
            for _ in range(times):
                stream.sendall(in_datagram + inside + over_stream(protocol, [message]))
            for _ in range(0 if until else answers):
                exchange.responses.append(receive(stream, protocol))
            if until:
                exchange.gone = True
                until()
            elif answers:
                exchange.end = time.time()
        return exchange


def has_edns(message):
    """Returns whether a query has an OPT record."""
    return message[10:12] != b"\0\0"


class Upstream:
    """A server on some addresses of loopback, which keeps its exchanges. `answers(upstream, exchange, before)` yields responses;
    `before` is how often its name and type have been asked before. It may wait."""

    def __init__(self, port, hosts, answers, without_tcp=()):
        self.port, self.answers = port, answers
        self.exchanges, self.lock = [], threading.Lock()
        self.number = collections.Counter()
        self.sockets = []
        for host in hosts:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            datagrams = socket.socket(family, socket.SOCK_DGRAM)
            datagrams.bind((host, port))
            self.start(self.serve_datagrams, datagrams)
            self.sockets.append(datagrams)
            if host not in without_tcp:
                listener = socket.create_server((host, port), family=family)
                self.start(self.accept, listener)
                self.sockets.append(listener)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        for each in self.sockets:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    @staticmethod
    def start(function, *arguments):
        threading.Thread(target=function, args=arguments, daemon=True).start()

    def asked(self, name, kind=None):
        """Returns the exchanges for a name."""
        with self.lock:
            return [each for each in self.exchanges if each.name() == name and kind in (None, each.kind())]

    def handle(self, exchange, send):
        with self.lock:
            self.exchanges.append(exchange)
            key = exchange.name(), exchange.kind()
            before = self.number[key]
            self.number[key] += 1
        for response in self.answers(self, exchange, before):
            exchange.end = exchange.end or time.time()
            exchange.responses.append(response)
            with contextlib.suppress(OSError):
                send(response)

    def serve_datagrams(self, datagrams):
        while True:
            try:
                message, client = datagrams.recvfrom(65535)
            except OSError:
                return
            if not message:
                return
            exchange = Exchange("UDP", client[:2], datagrams.getsockname()[:2], message, time.time())
            self.start(self.handle, exchange, lambda response, client=client: datagrams.sendto(response, client))

    def accept(self, listener):
        while True:
            try:
                connection = listener.accept()[0]
            except OSError:
                return
            self.start(self.serve_stream, connection)

    def serve_stream(self, connection):
        with connection:
            while True:
                try:
                    message = read_message(connection)
                except (AssertionError, OSError):
                    return
                exchange = Exchange("TCP", connection.getpeername()[:2], connection.getsockname()[:2], message, time.time())
                self.handle(exchange, lambda response: connection.sendall(struct.pack("!H", len(response)) + response))


@dataclass
class Path:
    """A path of messages, as a README lists it, the names that are asked on it, and how it is driven. The names are patterns, with
    types: a.example/TXT, a.example/* or, the same, a.example.

    Each line is what has to be logged for a query and its response, or for one of them: the type, the protocol, the zone, and the
    policy; NOTHING stands for a response without a message. Before it is a number, or + for at least one."""

    path: str
    names: str
    drive: object
    lines: list

    def expected(self, found):
        """Returns the number of each line for a single message. `found` has the number of those that were logged."""
        numbers = collections.Counter()
        for line in self.lines:
            words = line.split()
            number = words.pop(0) if words[0].isdigit() or words[0] == "+" else "1"
            kind, protocol, *more = words
            singles = [words]
            if "_" not in kind:
                # The zone of an answer is not known when its query arrives.
                of_query = [] if kind in ("AUTH", "CLIENT", "UPDATE") else more
                singles = [f"{kind}_QUERY", protocol, *of_query], [f"{kind}_RESPONSE", protocol, *more]
            for single in map(" ".join, singles):
                numbers[single] += max(1, found.get(single, 0)) if number == "+" else int(number)
        return numbers


def describe(message):
    """Returns the line of a Path for a logged message."""
    words = [message["type"], message["socket_protocol"]]
    if "query_zone" in message:
        words.append(message["query_zone"])
    if not message["answered"] and message["type"].endswith("RESPONSE"):
        words.append("NOTHING")
    if message["policy"]:
        words.append(tap.policy_text(message["policy"]))
    return " ".join(words)


def exchange_of(message, exchanges):
    """Returns the exchange that has these ends and the bytes of the message, with its direction."""
    ends = tuple((message[f"{end}_address"], message[f"{end}_port"]) for end in ("query", "response"))
    of_query = message["type"].endswith("QUERY") or not message["answered"]
    for each in exchanges:
        if (each.client, each.server) == ends and (message["wire"] == each.query if of_query else each.has_response(message["wire"])):
            return each
    raise AssertionError(f"not seen by a client or an upstream server: {message}")


def check_fields(message, exchange, who):
    """Checks all fields but the type, the zone and the policy."""
    assert message["socket_protocol"] == exchange.protocol, (message, exchange)
    assert message["socket_family"] == ("INET6" if ":" in exchange.client[0] else "INET"), message
    assert message["http"] == (2 if exchange.protocol == "DOH" else None), message
    assert message["who"] == who, message
    is_query = message["type"].endswith("QUERY")
    assert ("response_time" in message) != is_query, message
    times = [message["query_time"], *([] if is_query else [message["response_time"]])]
    if message["type"].startswith(("AUTH", "CLIENT", "UPDATE")):
        times = [exchange.begin, *times, *([exchange.end] if exchange.end else [])]
    else:
        times[1:1] = [exchange.begin, *([] if is_query else [exchange.end])]
    assert all(earlier <= later + ROUNDING for earlier, later in zip(times, times[1:])), (times, message, exchange)
    if is_query:
        exchange.logged_times.add(message["query_time_fields"])
    else:
        assert message["query_time_fields"] in exchange.logged_times, f"not the time of its query: {message}"


def compare(messages, paths, exchanges, who):
    """Compares logged messages with the paths, and each of their fields with what clients and upstream servers saw."""
    found, faults = collections.defaultdict(collections.Counter), []
    path_of = {name if "/" in name else f"{name}/*": path.path for path in paths for name in path.names.split()}
    # Two threads may log a query and its response in any order.
    for message in sorted(messages, key=lambda message: message["type"].endswith("RESPONSE")):
        try:
            exchange = exchange_of(message, exchanges)
            name = f"{exchange.name() or '.'}/{TYPES.get(exchange.kind())}"
            found[next((path for names, path in path_of.items() if fnmatch.fnmatchcase(name, names)), name)][describe(message)] += 1
            check_fields(message, exchange, who)
        except AssertionError as error:
            faults.append(str(error))
    for path in paths:
        logged = found.pop(path.path, collections.Counter())
        expected = path.expected(logged)
        if expected != logged:
            faults.append(f"{path.path}: not logged: {dict(expected - logged)}, not expected: {dict(logged - expected)}")
    faults += [f"on no path: {name}: {dict(logged)}" for name, logged in found.items()]
    assert not faults, "\n".join(["", *faults])
