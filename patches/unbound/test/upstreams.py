# SPDX-License-Identifier: MIT OR Apache-2.0
"""Paths of the table in ../README.md on which Unbound asks upstream servers for a client."""

import http.server
import socket
import threading

import dns
from dns import SERVFAIL, A, answer, query, record
from process import until
from scene import ANY, Path, scene
from upstream import Reply, Upstream

ADDRESS = b"\x7f\0\0\1"


def truncated(asked):
    return [answer(asked.wire, flags=0x8600, answers=[])] if asked.protocol == "UDP" else [answer(asked.wire)]


def only_with_rd(asked):
    """Answers like a resolver: from the cache, which is empty, without RD."""
    return [answer(asked.wire, flags=0x8080) if asked.wire[2] & 1 else answer(asked.wire, flags=0x8080, answers=[])]


def without_edns(asked):
    return [answer(asked.wire, rcode=dns.FORMERR, answers=[]) if asked.wire[11] else answer(asked.wire)]


def swapped_case(asked):
    good = answer(asked.wire)
    end = 13 + len(asked.name)
    return [good[:13] + good[13:end].swapcase() + good[end:] if asked.number == 1 else good]


def malformed(asked):
    return [answer(asked.wire, answers=[b"\xc0\x0c\0"] if asked.number == 1 else None)]


def other_question(asked):
    good = answer(asked.wire)
    return [good[:13] + b"b" + good[14:] if asked.number == 1 else good]


def other_id(asked):
    good = answer(asked.wire)
    return [Reply(bytes([good[0] ^ 1]) + good[1:], logged=False), good]


def too_short(asked):
    return [Reply(asked.wire[:11], logged=False), answer(asked.wire)]


def other_port(asked):
    return [Reply(answer(asked.wire), logged=False, socket=bound()), answer(asked.wire)]


def other_address(asked):
    return [Reply(answer(asked.wire), logged=False, socket=bound("127.0.0.9", asked.server[1])), answer(asked.wire)]


def bound(*address):
    """Returns a socket over UDP with an address."""
    one = socket.socket(type=socket.SOCK_DGRAM)
    one.bind(address or ("127.0.0.1", 0))
    return one


def fails(asked):
    return [answer(asked.wire, rcode=SERVFAIL, answers=[])]


STUB, FORWARD, TLS = "stub", "forward", {"tls": True}
# Each path has a zone of its own: the clause, options of the server, a script for it, lines of the clause, and the protocols that are
# used. Of some, the number of tries depends on the release.
PATHS = [
    ("server of a zone, UDP", STUB, {}, None, "", ["UDP"]),
    ("server of a zone, UDP and IPv6", STUB, {"host": "::1"}, None, "", ["UDP"]),
    ("server of a zone, TCP", STUB, {}, None, "stub-tcp-upstream: yes", ["TCP"]),
    ("server of a zone, TCP and IPv6", STUB, {"host": "::1"}, None, "stub-tcp-upstream: yes", ["TCP"]),
    ("server of a zone, TLS", STUB, TLS, None, "stub-tls-upstream: yes", ["DOT"]),
    ("forwarder, UDP", FORWARD, {}, None, "", ["UDP"]),
    ("forwarder, UDP and IPv6", FORWARD, {"host": "::1"}, None, "", ["UDP"]),
    ("forwarder, TCP", FORWARD, {}, None, "forward-tcp-upstream: yes", ["TCP"]),
    ("forwarder, TLS", FORWARD, TLS, None, "forward-tls-upstream: yes", ["DOT"]),
    ("server of a zone that only answers with RD set", STUB, {}, only_with_rd, "", ["UDP", "UDP"]),
    ("TCP after TC", STUB, {}, truncated, "", ["UDP", "TCP"]),
    ("TCP after TC, forwarder", FORWARD, {}, truncated, "", ["UDP", "TCP"]),
    ("retry without EDNS", STUB, {}, without_edns, "", ["UDP", "UDP"]),
    ("retry with the case of the name changed", STUB, {}, swapped_case, "", None),
    ("rejected answer: malformed", STUB, {}, malformed, "", ["UDP", "UDP"]),
    ("rejected answer: other question", FORWARD, {}, other_question, "", None),
    ("answer with another ID", STUB, {}, other_id, "", ["UDP"]),
    ("answer from another port", STUB, {}, other_port, "", ["UDP"]),
    ("answer from another address", FORWARD, {}, other_address, "", ["UDP"]),
    ("UDP message shorter than a header", STUB, {}, too_short, "", ["UDP"]),
]


def clause(kind, name, *servers, more=""):
    """Returns the clause of a zone with its servers."""
    addresses = "".join(f"\n    {kind}-addr: {one.own[0]}@{one.port}{'#localhost' if one.folder else ''}" for one in servers)
    return f"\n{kind}-zone:\n    name: {name}{addresses}\n    {more}"


def test_upstreams(folder):
    """Servers of zones and forwarders, retries, and answers that are rejected or not expected; without a connection over UDP too."""
    for local in {}, {"127.0.0.1": "0.0.0.0", "::1": "::"}, {"127.0.0.1": "127.0.0.3", "::1": "::1"}:
        with scene(folder) as s:
            check_upstreams(s, local)


def check_upstreams(s, local):
    """Drives the paths. Unbound sends from the addresses in `local`, if it does not use the one that the system selects."""

    def upstream(number, options, script=None):
        host, tls = options.get("host", "127.0.0.1"), s.folder if options.get("tls") else None
        return Upstream(s.journal, f"z{number}.", script, host, folder=tls, bound=local.get(host))

    servers = [upstream(n, options, script) for n, (_, _, options, script, _, _) in enumerate(PATHS)]
    text = "\nserver:\n    use-caps-for-id: yes"
    if local:
        text += "\n    udp-connect: no"
    if "127.0.0.3" in local.values():
        text += "\n    outgoing-interface: 127.0.0.3\n    outgoing-interface: ::1"
    for n, (_, kind, _, _, more, _) in enumerate(PATHS):
        text += clause(kind, f"z{n}.", servers[n], more=more)
    s.start(text)
    for n, ((path, *_, tries), server) in enumerate(zip(PATHS, servers)):
        s.drive(Path(path, query(f"a.z{n}")), Path("answer from the cache", query(f"a.z{n}")))
        used = [asked.protocol for asked in server.seen]
        assert used == tries if tries else len(used) > 1, (path, used)


def no_address(asked):
    return [answer(asked.wire, answers=[])]


def test_recursion(folder):
    """Queries for the addresses of servers, clients with the same question, other servers, and queries that are never sent."""
    released = threading.Event()

    def held(asked):
        released.wait()
        return [answer(asked.wire)]

    with scene(folder) as s, http.server.ThreadingHTTPServer(("127.0.0.1", 0), Zone) as web:
        threading.Thread(target=web.serve_forever, daemon=True).start()
        hosts = Upstream(s.journal, "hosts.", lambda asked: [answer(asked.wire, answers=[record(asked.name, A, ADDRESS)])])
        primaries = Upstream(s.journal, "primaries.", no_address)
        hosted, bad, good, slow, limited = (Upstream(s.journal, f"{name}.", script) for name, script in (
            ("hosted", None), ("other", fails), ("other", None), ("slow", held), ("limited", None)))
        s.start(f"""
server:
    ratelimit: 1000
    ratelimit-factor: 0
    ratelimit-for-domain: limited. 1
forward-zone:
    name: hosted.
    forward-host: ns.hosts@{hosted.port}
forward-zone:
    name: unreachable.
    forward-addr: fe80::1
auth-zone:
    name: transferred.
    primary: ns.primaries
auth-zone:
    name: web.
    url: http://127.0.0.1:{web.server_port}/zone
{clause(STUB, "hosts.", hosts)}{clause(STUB, "primaries.", primaries)}{clause(FORWARD, "slow.", slow)}
{clause(STUB, "other.", bad, good)}{clause(STUB, "limited.", limited)}""", threads=1)
        s.drive(Path("addresses of servers", query("a.hosted")))
        assert ("ns.hosts", A) in hosts.names(), hosts.names()
        until("the address of a primary server is asked for", lambda: ("ns.primaries", A) in primaries.names())
        until("a zone is transferred over HTTP", lambda: "serial 7" in s.unbound.control("list_auth_zones"))

        def asked_bad():
            s.drive(Path("retry, other server", query(f"a{len(good.seen)}.other")))
            return bad.seen

        until("both servers are asked", asked_bad)
        s.drive(Path("not sent: error of the socket", query("a.unreachable"), SERVFAIL))

        def refused():
            return s.drive(Path("not sent: ratelimit", query(f"a{len(limited.seen)}.limited"), ANY)) == SERVFAIL

        until("ratelimit", refused)
        # The same question over all transports.
        asking = [s.send(Path("same question", query("a.slow"), protocol=protocol)) for protocol in ("UDP", "UDP", "TCP", "DOT")]
        until("the upstream server is asked", lambda: slow.seen)
        s.unbound.await_stats("all have asked", lambda stats: stats["type.CLIENT_QUERY"] == stats["type.CLIENT_RESPONSE"] + len(asking))
        released.set()
        for one in asking:
            s.answered(*one)
        assert len(slow.seen) == 1, slow.seen


class Zone(http.server.BaseHTTPRequestHandler):
    """Serves a zone."""

    def do_GET(self):
        zone = b"web. 3600 SOA ns.web. hostmaster.web. 7 3600 600 86400 300\nweb. 3600 NS ns.web.\n"
        self.send_response(200)
        self.send_header("Content-Length", str(len(zone)))
        self.end_headers()
        self.wfile.write(zone)

    def log_message(self, *_):
        pass


def test_late_answers(folder):
    """A try that is not answered in time. Its late answer is not logged."""
    first = []

    def late(asked):
        first.append(asked.wire)
        return [] if asked.number == 1 else [Reply(answer(first[0]), logged=False), answer(asked.wire)]

    for options in "", "\n    udp-connect: no\n    outgoing-interface: 127.0.0.1":
        with scene(folder) as s:
            first.clear()
            server = Upstream(s.journal, "late.", late)
            s.start(f"\nserver:\n    infra-cache-min-rtt: 1000{options}{clause(STUB, 'late.', server)}")
            s.drive(Path("retry after a timeout, late answer", query("a.late")))
            assert len(server.seen) == 2, server.seen
