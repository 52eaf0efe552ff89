# SPDX-License-Identifier: MIT OR Apache-2.0
"""The paths of a message through knotd that the README lists, how each is driven, and the comparison with what was logged.

Each path has a client address of its own, by which its messages are found."""

import collections
import contextlib
import dataclasses
import math
import pathlib
import socket
import struct
from collections.abc import Callable

import tap
from dns import AXFR, NOERROR, NOTIFY, NXDOMAIN, REFUSED, SERVFAIL, SOA, TXT, UPDATE, A, ask, code, over_stream, proxied, query
from expected import LATE, Journal
from knot import ENCRYPTED, VERSION, PatchedKnot
from process import DEADLINE, free_port
from server import KEY

# BADCOOKIE without the bits that an OPT record has.
FORMERR, NOTIMPL, YXDOMAIN, NOTAUTH, BADCOOKIE = 1, 4, 6, 9, 23 & 15
STREAMS = ("TCP", "DOT", "DOQ") if ENCRYPTED else ("TCP",)
PLAIN = "UDP", "TCP"
# Those that need no program as a client.
SIMPLE = (*PLAIN, "DOT") if ENCRYPTED else PLAIN
EVERY = "UDP", *STREAMS
OPTIONS = {"UDP": ["+notcp", "+ignore"], "TCP": ["+tcp"], "DOT": ["+tls"], "DOQ": ["+quic"]}
COOKIE, SUBNET, RRSIG = 10, 8, 46


@dataclasses.dataclass
class Path:
    """A path: how it is driven over each of some protocols, what at least one of the responses is, and how messages are logged."""

    name: str
    protocols: tuple
    drive: Callable
    # A response code, or a condition for the bytes of a response; None if there is none.
    answer: object = NOERROR
    # Logged as KIND_QUERY and KIND_RESPONSE, or not at all.
    kind: str | None = "AUTH"
    # Whether a response that is not sent is logged as dropped.
    dropped: bool = False
    # The client that a proxy names.
    client: tuple | None = None
    # The address queried, if another is logged.
    server: str | None = None
    # Whether knotd finds the fault of the query before it looks for a zone.
    early: bool = False
    # The address that the client or proxy sends from, by default one of its own.
    source: str | None = None

    def is_answer(self, response):
        return self.answer(response) if callable(self.answer) else code(response) == self.answer


def holds(data):
    return lambda response: data in response


def truncated(response):
    return bool(response[2] & 2)


def edns(message, version=0, option=None, data=b"", do=False):
    """Returns a message with an OPT record (RFC 6891, section 6.1)."""
    options = b"" if option is None else struct.pack("!HH", option, len(data)) + data
    return message[:11] + b"\1" + message[12:] + b"\0" + struct.pack("!HHBBHH", 41, 1232, 0, version, do << 15, len(options)) + options


def update(zone, prerequisite=b"", record=b""):
    """Returns an UPDATE with one record at most in each section (RFC 2136)."""
    message = query(zone, SOA, UPDATE)
    return message[:6] + struct.pack("!HH", bool(prerequisite), bool(record)) + message[10:] + prerequisite + record


def record(name, kind, kind_class=1, ttl=0, data=b""):
    return tap.name(name) + struct.pack("!HHIH", kind, kind_class, ttl, len(data)) + data


@contextlib.contextmanager
def connected(knot, protocol, client):
    with socket.socket(socket.AF_INET6 if ":" in client else socket.AF_INET,
                       socket.SOCK_DGRAM if protocol == "UDP" else socket.SOCK_STREAM) as plain:
        plain.settimeout(DEADLINE)
        plain.bind((client, 0))
        plain.connect(("::1" if ":" in client else knot.address, knot.ports[protocol]))
        yield plain


def asks(make, *arguments, number=1, port=None):
    """Returns what sends a message a number of times, from a new socket, and reads the response. `make` makes the message."""

    def drive(knot, protocol, client):
        for _ in range(number):
            ask(protocol, knot.address, knot.ports[port or protocol], "", make(*arguments), client)

    return drive


def digs(*arguments):
    """Returns what asks with kdig."""

    def drive(knot, protocol, client):
        knot.programs.run("kdig", "-b", client, f"@{knot.address}", "-p", knot.ports[protocol], *OPTIONS[protocol], "+retry=0",
                             f"+timeout={DEADLINE}", *arguments)

    return drive


def sends(*messages, header=lambda message: message, answered=0):
    """Returns what sends messages from one socket, and reads the responses to some of them. It ends a TCP connection after that,
    and waits for the other end."""

    def drive(knot, protocol, client):
        made = [struct.pack("!H", n)[:len(message())] + message()[2:] for n, message in enumerate(messages)]
        with connected(knot, protocol, client) as plain:
            if protocol == "UDP":
                for message in made:
                    plain.send(header(message))
                for _ in range(answered):
                    plain.recv(65535)
            else:
                try:
                    plain.sendall(over_stream(protocol, made))
                    plain.shutdown(socket.SHUT_WR)
                    assert plain.recv(65535) == b"", "answered"
                except TimeoutError:
                    raise
                except OSError:
                    # knotd has closed the connection.
                    pass

    return drive


def freezes(knot, protocol, client):
    """Sends more updates to a frozen zone than are queued, and thaws it."""
    knot.control("-b", "zone-freeze", "example")
    with connected(knot, protocol, client) as plain:
        for n in range(9):
            plain.send(struct.pack("!H", n) + update("example")[2:])
        assert code(plain.recv(65535)) == REFUSED
        knot.control("-b", "zone-thaw", "example")
        codes = [code(plain.recv(65535)) for _ in range(8)]
    assert set(codes) == ({NOERROR} if ENCRYPTED else {REFUSED}), codes


def forwards(knot, protocol, client):
    """Sends an update that is forwarded, and lets the secondary transfer it."""
    data = protocol[:3].encode() + b"4"
    asks(lambda: update("secondary.test", b"", record("u.secondary.test", A, 1, 60, data)))(knot, protocol, client)
    knot.control("-b", "zone-refresh", "secondary.test")


def queues_in_frozen(zone):
    """Returns what sends an update to a zone that stays frozen."""

    def drive(knot, protocol, client):
        knot.control("-b", "zone-freeze", zone)
        sends(lambda: update(zone))(knot, protocol, client)

    return drive


def expires(knot, protocol, client):
    knot.control("-b", "-f", "zone-purge", "+expire", "expired.test")
    asks(query, "n1.expired.test")(knot, protocol, client)


def signed(name, kind, key=KEY):
    return digs(name, kind, "-y", key)


WRONG_KEY = KEY.replace("c2Vj", "d2Vj")

# The paths in the order of the README's table.
PATHS = [
    Path("any protocol", EVERY, digs("n1.example", "TXT")),
    Path("UDP to 0.0.0.0", ("UDP",), asks(query, "n1.example", port="any"), server="0.0.0.0" if VERSION < (3, 3) else None),
    Path("TCP to 0.0.0.0", ("TCP",), asks(query, "n1.example", port="any")),
    Path("PROXYv2", ("UDP",), sends(lambda: query("n1.example"), header=lambda m: proxied(("192.0.2.1", 4711), m), answered=1),
         client=("192.0.2.1", 4711)),
    Path("PROXYv2 over IPv6", ("UDP",), sends(lambda: query("n1.example"), header=lambda m: proxied(("2001:db8::1", 4712), m), answered=1),
         client=("2001:db8::1", 4712), server="::1", source="::1"),
    Path("PROXYv2, malformed", ("UDP",), sends(lambda: query("n1.example") + b"?",
                                               header=lambda m: proxied(("192.0.2.2", 4711), m), answered=1), FORMERR, early=True),
    Path("zone", SIMPLE, asks(query, "n1.example")),
    Path("mod-geoip", PLAIN, asks(query, "geo.geoip.test", A), holds(bytes([192, 0, 2, 7]))),
    Path("mod-onlinesign", PLAIN, asks(lambda: edns(query("n1.onlinesign.test"), do=True)), holds(struct.pack("!HH", RRSIG, 1))),
    Path("mod-synthrecord", PLAIN, asks(query, "dyn-192-0-2-9.synthrecord.test", A), holds(bytes([192, 0, 2, 9]))),
    Path("mod-whoami", PLAIN, asks(query, "whoami.test", A), holds(b"\0\4\x7f\0")),
    Path("class CH", EVERY, digs("version.server", "CH", "TXT")),
    Path("no such name", PLAIN, asks(query, "n1.none.plain.test"), NXDOMAIN),
    Path("too long", ("UDP",), asks(query, "big.plain.test"), truncated),
    Path("mod-noudp", ("UDP",), asks(query, "n1.noudp.test"), truncated),
    Path("slip of mod-rrl", ("UDP",), asks(query, "n1.slip.test", number=20), truncated),
    Path("refused by ACL", STREAMS, digs("closed.test", "AXFR"), NOTAUTH),
    Path("refused by TSIG", EVERY, signed("n1.example", "TXT", WRONG_KEY), NOTAUTH),
    Path("refused by mod-queryacl", PLAIN, asks(query, "n1.queryacl.test"), NOTAUTH),
    Path("no such zone", PLAIN, asks(query, "n1.nowhere.test"), REFUSED),
    Path("zone not loaded", PLAIN, asks(query, "n1.missing.test"), SERVFAIL),
    Path("zone expired", PLAIN, expires, SERVFAIL),
    Path("malformed", PLAIN, asks(lambda: query("n1.example") + b"?"), FORMERR, early=True),
    Path("no question", PLAIN, asks(lambda: query("")[:4] + bytes(8)), FORMERR, early=True),
    Path("wrong EDNS version", PLAIN, asks(lambda: edns(query("n1.example"), version=1)), holds(b"\0\0\x29\x04\xd0\1"), early=True),
    Path("wrong EDNS option", PLAIN, asks(lambda: edns(query("n1.example"), 0, SUBNET, b"\0")), FORMERR, early=True),
    Path("unsupported opcode", PLAIN, asks(query, "example", TXT, 2), NOTIMPL),
    Path("shorter than a header", PLAIN, sends(lambda: b"?", lambda: query("n1.example")[:11]), kind=None),
    Path("with QR", PLAIN, sends(lambda: query("n1.example", opcode=16)), kind=None),
    Path("dropped by mod-rrl", ("UDP",), sends(*[lambda: query("n1.drop.test")] * 20, answered=1), NOERROR, dropped=True),
    Path("dropped by mod-cookies", ("UDP",), sends(*[lambda: edns(query("n1.cookies.test"), 0, COOKIE, b"12345678")] * 4, answered=2),
         BADCOOKIE, dropped=True),
    Path("AXFR out", STREAMS, digs("example", "AXFR")),
    Path("AXFR out, signed", STREAMS, signed("example", "AXFR")),
    Path("IXFR out", STREAMS, digs("example", "IXFR=1")),
    Path("IXFR out, signed", STREAMS, signed("example", "IXFR=1")),
    Path("AXFR over UDP", ("UDP",), asks(query, "example", AXFR), NOTIMPL),
    Path("IXFR over UDP", ("UDP",), digs("example", "IXFR=1")),
    Path("SOA query of a secondary", EVERY, signed("example", "SOA")),
    Path("NOTIFY in", SIMPLE, asks(query, "secondary.test", SOA, NOTIFY)),
    Path("NOTIFY in, refused", PLAIN, asks(query, "closed.test", SOA, NOTIFY), NOTAUTH),
    Path("UPDATE", SIMPLE, asks(lambda: update("example", b"", record("u.example", A, 1, 60, b"1234"))), NOERROR,
         "UPDATE"),
    Path("UPDATE, rejected", PLAIN, asks(update, "example", record("ns.example", 255, 254)), YXDOMAIN, "UPDATE"),
    Path("UPDATE, refused by ACL", SIMPLE, asks(update, "closed.test"), NOTAUTH, "UPDATE"),
    Path("UPDATE, no such zone", PLAIN, asks(update, "nowhere.test"), NOTAUTH, "UPDATE"),
    Path("UPDATE of a frozen zone", ("UDP",), freezes, REFUSED, "UPDATE"),
    Path("UPDATE, forwarded", SIMPLE, forwards, NOERROR, "UPDATE"),
    # Knot 3.4 and later queue updates of frozen zones. Messages over UDP are processed in order, so the updates are queued before the
    # query after them.
    Path("UPDATE of a zone that is removed", ("UDP",) if ENCRYPTED else (), queues_in_frozen("removed.test"), None, "UPDATE"),
    Path("UPDATE queued at a stop", ("UDP",) if ENCRYPTED else (), queues_in_frozen("queued.test"), None, "UPDATE"),
    Path("mod-dnsproxy", PLAIN, asks(query, "n1.dnsproxy.test")),
]


# What is not logged, as no query is read: the bytes that are sent over TCP or, to a port of TLS, instead of a handshake.
UNREAD = [("TCP", b"\0\x1d" + query("n1.example")[:20]), ("TCP", b"\0")] + [("DOT", b"\0\x1d" + query("n1.example"))] * ENCRYPTED

# Those over XDP.
XDP_PATHS = [
    Path("XDP", ("UDP", "TCP", "DOQ") if ENCRYPTED else PLAIN, digs("n1.example", "TXT")),
    Path("PROXYv2", ("UDP",), sends(lambda: query("n1.example"), header=lambda m: proxied(("192.0.2.1", 4711), m), answered=1),
         client=("192.0.2.1", 4711) if VERSION >= (3, 3) else None),
    Path("malformed", PLAIN, asks(lambda: query("n1.example") + b"?"), FORMERR),
    Path("shorter than a header, or with QR", PLAIN, sends(lambda: b"?", lambda: query("n1.example", opcode=16)), kind=None),
    Path("dropped by mod-cookies", ("UDP",), sends(*[lambda: edns(query("n1.cookies.test"), 0, COOKIE, b"12345678")] * 4, answered=2),
         BADCOOKIE, dropped=True),
    Path("AXFR out", ("TCP",), digs("example", "AXFR")),
    Path("UPDATE", PLAIN, asks(update, "example"), SERVFAIL, "UPDATE"),
]

# What the paths need beside the zone example.
SECTIONS = """
acl:
  - id: paths
    address: [127.0.0.0/8, 10.53.0.0/16]
    action: [transfer, update, notify]
remote:
  - id: upstream
    address: 127.0.0.1@{upstream}
server:
    listen: 0.0.0.0@{any}
    proxy-allowlist: [127.0.0.0/8, 10.53.0.0/16, ::1]
    edns-client-subnet: on
submission:
  - id: paths
    parent: upstream
    check-interval: 1
{policy}    single-type-signing: on
    ksk-submission: paths
    ds-push: upstream
    cds-cdnskey-publish: always
    propagation-delay: 0
mod-geoip:
  - id: paths
    config-file: {folder}/geoip.conf
    mode: subnet
mod-onlinesign:
  - id: paths
mod-synthrecord:
  - id: paths
    type: forward
    prefix: dyn-
    network: 192.0.2.0/24
mod-queryacl:
  - id: paths
    address: 192.0.2.0/24
mod-rrl:
  - id: slip
    rate-limit: 1{instant}
    slip: 1
  - id: drop
    rate-limit: 1{instant}
    slip: 0
mod-cookies:
  - id: paths
    badcookie-slip: 2
mod-dnsproxy:
  - id: paths
    remote: upstream
    fallback: off
"""
POLICY = """policy:
  - id: paths
"""
DNSKEY_SYNC = f"""dnskey-sync:
  - id: paths
    remote: upstream
{POLICY}    dnskey-sync: paths
    dnskey-management: incremental
    delete-delay: 1d
"""
ZONES = {
    "example": ["acl: [signed, paths]", "notify: upstream", "file: example.zone", "module: mod-dnstap/zone"],
    "closed.test": [],
    "geoip.test": ["module: mod-geoip/paths"],
    "onlinesign.test": ["module: mod-onlinesign/paths"],
    "synthrecord.test": ["module: mod-synthrecord/paths"],
    "whoami.test": ["module: mod-whoami"],
    "noudp.test": ["module: mod-noudp"],
    "slip.test": ["module: mod-rrl/slip"],
    "queryacl.test": ["module: mod-queryacl/paths"],
    "missing.test": ["file: missing.zone"],
    "expired.test": [],
    "drop.test": ["module: mod-rrl/drop"],
    "cookies.test": ["module: mod-cookies/paths"],
    "plain.test": [],
    "secondary.test": ["master: upstream", "acl: paths", "file: secondary.zone"],
    "removed.test": ["acl: paths"],
    "queued.test": ["acl: paths"],
    "dnsproxy.test": ["module: mod-dnsproxy/paths"],
    "signed.test": ["dnssec-signing: on", "dnssec-policy: paths"],
}
ZONE = f"""$TTL 60
@ SOA ns hostmaster 1 3600 600 86400 300
@ NS ns
ns A 127.0.0.1
n1 TXT x
{"".join(f"big TXT {n}{'x' * 200}" + chr(10) for n in range(4))}"""
# Lines of the log for requests of knotd itself.
OWN_REQUESTS = ["AXFR, incoming", "notify, outgoing", "DS check, outgoing", "DS push, outgoing"]
OWN_REQUESTS += ["DNSKEY sync, outgoing"] if VERSION >= (3, 3) else []
IDENTITY = "paths", "7"
PROXY = b"\r\n\r\n\0\r\nQUIT\n"


class PathsKnot(PatchedKnot):
    """knotd with the zones and modules that the paths need, and one thread for UDP, so that messages are answered in their order."""

    address = "127.0.0.1"

    def __init__(self, folder, sink, upstream, xdp="", memcheck=False):
        any_port, self.upstream = free_port(), upstream
        zones = ""
        for name, options in ZONES.items():
            file = [] if any(option.startswith("file:") for option in options) else ["file: plain.zone"]
            zones += "\n  - " + "\n    ".join([f"domain: {name}.", *file, *options])
        pathlib.Path(folder, "plain.zone").write_text(ZONE)
        pathlib.Path(folder, "geoip.conf").write_text("geo.geoip.test:\n  - net: 127.0.0.0/8\n    A: 192.0.2.7\n")
        instant, policy = "\n    instant-limit: 1" * ENCRYPTED, DNSKEY_SYNC if VERSION >= (3, 3) else POLICY
        more = SECTIONS.format(folder=folder, upstream=upstream or 1, any=any_port, instant=instant, policy=policy)
        identity, version = IDENTITY
        super().__init__(folder, f"{sink}\n    identity: {identity}\n    version: \"{version}\"", zones, 1, more=more + xdp, memcheck=memcheck)
        self.ports["any"] = any_port

    def await_ready(self):
        super().await_ready()
        if self.upstream:
            for line in OWN_REQUESTS:
                self.await_log(line)

    def packet_protocols(self):
        return {**super().packet_protocols(), self.ports["any"]: "DNS"}


class XdpKnot(PathsKnot):
    """knotd that answers over XDP at the interface `server`."""

    address = "10.53.0.1"

    def __init__(self, folder, sink):
        ports = {"UDP": free_port(), "DOQ": free_port()}
        quic = f"    quic: on\n    quic-port: {ports['DOQ']}\n" if ENCRYPTED else ""
        super().__init__(folder, sink, None, f"xdp:\n    listen: server@{ports['UDP']}\n    tcp: on\n{quic}")
        self.ports.update({**ports, "TCP": ports["UDP"]})


def sources(address, paths):
    """Yields each path with the address that it is driven from: A.B.N.1, N being the number of the path from 1."""
    network = address.split(".")[:2]
    for n, path in enumerate(paths, 1):
        yield path, path.source or ".".join([*network, str(n), "1"])


def send_unread(knot):
    """Sends bytes that are not a query. The only thread for a protocol reads them before later queries."""
    for protocol, data in UNREAD:
        with connected(knot, protocol, "127.0.0.3") as plain:
            plain.sendall(data)


def drive(knot, paths):
    for path, source in sources(knot.address, paths):
        for protocol in path.protocols:
            path.drive(knot, protocol, source)


def remove_zone(knot):
    """Removes the zone with a queued update."""
    knot.control("conf-begin")
    knot.control("conf-unset", "zone[removed.test]")
    knot.control("conf-commit")


def exchange(packet):
    return packet.protocol, packet.client, packet.wire[:2]


def add(journal, address, path, packets):
    """Adds what has to be logged for the packets of a path."""
    answered = {exchange(packet) for packet in packets if not packet.is_query()}
    for packet in packets:
        if packet.wire.startswith(PROXY):
            packet = dataclasses.replace(packet, wire=packet.wire[16 + struct.unpack_from("!H", packet.wire, 14)[0]:])
        ends = packet.protocol, path.client or packet.client, (path.server or address, packet.server[1])
        received = packet.is_query()
        # The times of encrypted messages are not known.
        since, until = (0, math.inf) if packet.time is None else (packet.time, None) if received else (packet.time - LATE, packet.time)
        journal.add(f"{path.kind}_{'QUERY' if received else 'RESPONSE'}", *ends, packet.wire, since, until, answered=not received)
        if path.dropped and received and exchange(packet) not in answered:
            journal.add(f"{path.kind}_RESPONSE", *ends, packet.wire, since, until, policy=tap.policy(kind=None))


def check(address, paths, messages, packets):
    """Compares all fields of the messages with the packets of each path."""
    by_client = collections.defaultdict(list)
    for packet in packets:
        by_client[packet.client[0]].append(packet)
    journal, wrong = Journal(), []
    for path, source in sources(address, paths):
        own = by_client.pop(source, [])
        for protocol in path.protocols:
            responses = [packet.wire for packet in own if packet.protocol == protocol and not packet.is_query()]
            if path.kind and (responses if path.answer is None else not any(map(path.is_answer, responses))):
                wrong.append((path.name, protocol, responses))
        if path.kind:
            journal.path = path.name
            add(journal, address, path, own)
        else:
            # A response would have the identifier of its query.
            assert 0 < len(own) == len(set(map(exchange, own))), own
    assert not wrong and not by_client, (wrong, by_client)
    journal.check(messages, IDENTITY)


def check_zone(address, paths, messages, zone_messages):
    """Compares the messages of an instance of example. with those of all queries."""

    def fields(message):
        return [message.get(key) for key in ("type", "name", "query_address", "query_port", "wire", "query_time", "answered", "policy")]

    early = {source for path, source in sources(address, paths) if path.early}
    expected = [fields(message) for message in messages if message["query_address"] not in early
                and f".{message['name']}".endswith(".example")]
    found = list(map(fields, zone_messages))
    missing, more = [one for one in expected if one not in found], [one for one in found if one not in expected]
    assert len(expected) == len(found) and not missing and not more, (missing, more)
