# SPDX-License-Identifier: MIT OR Apache-2.0
"""Queries that are dropped on purpose are logged as such."""

import pathlib
import socket
import struct
import subprocess

import tap
from dns import ask, query
from processes import Capture, Knot
from unbound import PROGRAMS, SOFTWARE, Unbound

ZONE = """$ORIGIN policy.
@ 3600 SOA ns hostmaster 1 3600 600 86400 300
@ NS ns
drop.example CNAME rpz-drop.
32.9.0.0.127.rpz-client-ip CNAME rpz-drop.
32.1.2.0.192.rpz-ip CNAME rpz-drop.
128.1.zz.rpz-nsip CNAME rpz-drop.
ns.example.rpz-nsdname CNAME rpz-drop.
"""
DROP = 4
QNAME, CLIENT_IP, RESPONSE_IP, NS_NAME, NS_IP = range(1, 6)
A, TXT = 1, 16


def send(protocol, port, message, source):
    """Sends a query from an address of ours, and waits for no answer; over TCP the server closes the connection."""
    kind = socket.SOCK_DGRAM if protocol == "UDP" else socket.SOCK_STREAM
    with socket.socket(socket.AF_INET, kind) as client:
        client.settimeout(20)
        client.bind((source, 0))
        client.connect(("127.0.0.1", port))
        client.sendall(message if protocol == "UDP" else struct.pack("!H", len(message)) + message)
        if protocol == "TCP":
            assert client.recv(1) == b"", "an answer"
        return client.getsockname()


def moment(inner, number):
    """A time in nanoseconds, whose seconds have that number."""
    return inner[number] * 10**9 + int.from_bytes(inner[number + 1], "little")


def check_dropped(capture, cases, last):
    """Each query but the last has a CLIENT_RESPONSE without a response, which says the policy, if there is one."""

    def wire(name):
        return query(name)[12:-4]

    inners = [inner for inner in tap.payloads(capture.path) if inner[1] in (5, 6)]
    queries = [inner for inner in inners if inner[1] == 5]
    responses = [inner for inner in inners if inner[1] == 6]
    assert queries.pop()[tap.QUERY] == last.query and responses.pop()[tap.RESPONSE] == last.response
    for asked, answered, (message, client, policy) in zip(queries, responses, cases, strict=True):
        assert asked[tap.QUERY] == answered[tap.QUERY] == message, (asked, answered)
        assert tap.RESPONSE not in answered, answered
        # Address and port of the client, and when it asked.
        assert asked[4] == answered[4] == socket.inet_aton(client[0]) and asked[6] == answered[6] == client[1]
        assert moment(asked, 8) == moment(answered, 8) <= moment(answered, 12), (asked, answered)
        found = tap.fields(answered[tap.POLICY]) if tap.POLICY in answered else None
        if policy:
            rule, match, value = policy
            policy = {1: b"RPZ", 3: DROP, 4: match}
            policy |= {2: wire(rule)} if rule else {}
            policy |= {5: value if isinstance(value, bytes) else wire(value)} if value else {}
        assert found == policy, (message, found, policy)


def readers(capture):
    """The readers that Debian has read on after such events."""
    for command in "dnstap -q -r", "dnstap -y -r", "dnstap -j -r", "dnstap-ldns -q -r", "kdig -G":
        read = subprocess.run([*command.split(), capture.path], capture_output=True, text=True, timeout=60)
        assert read.returncode == 0, (command, read)
        assert "last.example" in read.stdout, (command, read)


def test_dropped(folder):
    """A query dropped by a policy, a local zone, an access list or a rate limit: the query, and no response."""
    pathlib.Path(folder, "policy.zone").write_text(ZONE)
    with Knot(folder) as knot, Capture(folder) as capture:
        more = f"""
forward-zone:
    name: named.
    forward-host: ns.example@{knot.port}
server:
    module-config: "respip iterator"
    local-zone: "denied." deny
    access-control: 127.0.0.8 deny
rpz:
    name: policy.
    zonefile: {folder}/policy.zone"""
        qname = ("drop.example.policy", QNAME, "drop.example")
        dropped = [
            ("UDP", "127.0.0.1", "drop.example", TXT, qname),
            ("TCP", "127.0.0.1", "drop.example", TXT, qname),
            ("UDP", "127.0.0.9", "client.example", TXT, (None, CLIENT_IP, bytes([127, 0, 0, 9]))),
            ("UDP", "127.0.0.1", "address.example", A, (None, RESPONSE_IP, None)),
            ("UDP", "127.0.0.1", "a.forward", TXT, (None, NS_IP, None)),
            ("TCP", "127.0.0.1", "b.forward", TXT, (None, NS_IP, None)),
            ("UDP", "127.0.0.1", "a.named", TXT, ("ns.example.rpz-nsdname.policy", NS_NAME, "ns.example")),
            ("UDP", "127.0.0.1", "denied", TXT, None),
            ("TCP", "127.0.0.1", "www.denied", TXT, None),
            ("UDP", "127.0.0.8", "access.example", TXT, None),
        ]
        if not SOFTWARE.startswith("unbound 1.17."):
            # From the cache, where 1.17 gives the answer.
            dropped += [("UDP", "127.0.0.1", "address.example", A, (None, RESPONSE_IP, None)),
                        ("TCP", "127.0.0.1", "address.example", A, (None, RESPONSE_IP, None))]
        cases = []
        with Unbound(PROGRAMS, folder, knot, more, threads=1) as unbound:
            for protocol, source, name, kind, policy in dropped:
                message = query(name, kind)
                cases.append((message, send(protocol, unbound.port, message, source), policy))
                unbound.await_logged(len(cases))
            last = ask("UDP", "127.0.0.1", unbound.port, "last.example")
            unbound.stop()
        capture.stop()
        check_dropped(capture, cases, last)
        readers(capture)


def test_unanswered(folder):
    """A query that is still not answered when the server stops."""
    with Knot(folder) as knot, Capture(folder) as capture, socket.socket(type=socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        forward = f"\nforward-zone:\n    name: silent.\n    forward-addr: 127.0.0.1@{silent.getsockname()[1]}"
        with Unbound(PROGRAMS, folder, knot, forward) as unbound:
            message = query("a.silent")
            send("UDP", unbound.port, message, "127.0.0.1")
            silent.settimeout(20)
            assert silent.recv(65535)
            unbound.stop()
        capture.stop()
        kinds = [(inner[1], tap.RESPONSE in inner, inner.get(tap.QUERY)) for inner in tap.payloads(capture.path)]
        asked, forwarded, unanswered = kinds
        assert (asked, unanswered) == ((5, False, message), (6, False, message)) and forwarded[0] == 7, kinds


def test_rate_limit(folder):
    """Of the queries of a client that asks too often, each has its answer or is said to be dropped."""
    number = 20
    with Knot(folder) as knot, Capture(folder) as capture:
        limit = "\nserver:\n    ip-ratelimit: 1\n    ip-ratelimit-factor: 0"
        with Unbound(PROGRAMS, folder, knot, limit, threads=1) as unbound:
            for n in range(number):
                send("UDP", unbound.port, query(f"{n}.example"), "127.0.0.1")
            unbound.await_logged(number)
            unbound.stop()
        capture.stop()
        inners = tap.payloads(capture.path)
        queries = {inner[tap.QUERY] for inner in inners if inner[1] == 5}
        dropped = {inner[tap.QUERY] for inner in inners if inner[1] == 6 and tap.RESPONSE not in inner}
        answered = {inner[tap.RESPONSE][:2] for inner in inners if inner[1] == 6 and tap.RESPONSE in inner}
        assert len(queries) == number and dropped < queries and len(dropped) >= number - 5, (len(queries), len(dropped))
        assert answered == {message[:2] for message in queries - dropped}
