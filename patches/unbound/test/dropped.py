# SPDX-License-Identifier: MIT OR Apache-2.0
"""Queries that are dropped are logged as such."""

import contextlib
import pathlib
import socket
import ssl
import struct

import tap
from dns import TXT, A, over_stream, query
from peers import Capture
from unbound import VERSION, Unbound

ZONE = """$ORIGIN policy.
@ 3600 SOA ns hostmaster 1 3600 600 86400 300
@ NS ns
drop.example CNAME rpz-drop.
32.9.0.0.127.rpz-client-ip CNAME rpz-drop.
32.1.2.0.192.rpz-ip CNAME rpz-drop.
128.1.zz.rpz-nsip CNAME rpz-drop.
ns.example.rpz-nsdname CNAME rpz-drop.
"""
QNAME, CLIENT_IP, RESPONSE_IP, NS_NAME, NS_IP = range(1, 6)


def send(unbound, message, protocol="UDP", source="127.0.0.1"):
    """Sends a query that is not answered; over TCP the server closes the connection."""
    kind = socket.SOCK_DGRAM if protocol == "UDP" else socket.SOCK_STREAM
    with socket.socket(socket.AF_INET, kind) as client:
        client.settimeout(20)
        client.bind((source, 0))
        client.connect(("127.0.0.1", unbound.ports[protocol]))
        client.sendall(message if protocol == "UDP" else struct.pack("!H", len(message)) + message)
        if protocol == "TCP":
            assert client.recv(1) == b"", "an answer"
    return message


def test_dropped(folder):
    """A query dropped by a policy, a local zone or an access list is followed by a response without a message."""
    pathlib.Path(folder, "policy.zone").write_text(ZONE)
    more = f"""
server:
    module-config: "respip iterator"
    local-zone: "denied." deny
    access-control: 127.0.0.8 deny
rpz:
    name: policy.
    zonefile: {folder}/policy.zone"""
    name = tap.policy("drop.example.policy", match=QNAME, value="drop.example")
    client, address, server = (tap.policy(match=match, value=value) for match, value in (
        (CLIENT_IP, bytes([127, 0, 0, 9])), (RESPONSE_IP, None), (NS_IP, None)))
    cases = [
        ("UDP", "127.0.0.1", "drop.example", TXT, name),
        ("TCP", "127.0.0.1", "drop.example", TXT, name),
        ("UDP", "127.0.0.9", "client.example", TXT, client),
        ("UDP", "127.0.0.1", "address.example", A, address),
        ("UDP", "127.0.0.1", "a.forward", TXT, server),
        ("TCP", "127.0.0.1", "b.forward", TXT, server),
        ("UDP", "127.0.0.1", "a.named", TXT, tap.policy("ns.example.rpz-nsdname.policy", match=NS_NAME, value="ns.example")),
        ("UDP", "127.0.0.1", "denied", TXT, None),
        ("TCP", "127.0.0.1", "www.denied", TXT, None),
        ("UDP", "127.0.0.8", "access.example", TXT, None),
    ]
    if VERSION >= (1, 22):
        # From the cache, from which 1.17 answers.
        cases += [("UDP", "127.0.0.1", "address.example", A, address), ("TCP", "127.0.0.1", "address.example", A, address)]
    with Capture(folder) as capture, Unbound(folder, more, threads=1) as unbound:
        expected = {}
        for protocol, source, name, kind, policy in cases:
            expected[send(unbound, query(name, kind), protocol, source)] = policy
            unbound.await_logged(len(expected))
        unbound.ask("last.example")
        unbound.stop()
        capture.stop()
        tap.check_dropped(capture.path, "CLIENT_RESPONSE", expected)
        number = tap.counts(tap.read(capture.path))
        assert number["CLIENT_QUERY"] == number["CLIENT_RESPONSE"] == len(cases) + 1, number
        tap.check_readers(capture.path)


@contextlib.contextmanager
def silent_server():
    """Listens as the upstream server of silent., and does not answer; yields the socket, and lines of configuration."""
    with socket.socket(type=socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        silent.settimeout(20)
        yield silent, f"\nforward-zone:\n    name: silent.\n    forward-addr: 127.0.0.1@{silent.getsockname()[1]}"


def test_unanswered(folder):
    """A query that is unanswered when the server stops is logged as dropped."""
    with Capture(folder) as capture, silent_server() as (silent, forward):
        with Unbound(folder, forward) as unbound:
            message = send(unbound, query("a.silent"))
            assert silent.recv(65535)
            unbound.stop()
        capture.stop()
        kinds = [(inner[1], tap.RESPONSE in inner, inner.get(tap.QUERY)) for inner in tap.payloads(capture.path)]
        asked, forwarded, unanswered = kinds
        assert (asked, unanswered) == ((5, False, message), (6, False, message)) and forwarded[0] == 7, kinds


def pipeline(unbound, protocol, messages):
    """Asks all `messages` on a new connection, and returns it when the server has read them."""
    before = unbound.stats()["queries"]
    stream = socket.create_connection(("127.0.0.1", unbound.ports[protocol]), timeout=20)
    if protocol != "TCP":
        context = ssl._create_unverified_context()
        context.set_alpn_protocols(["h2"] if protocol == "DOH" else [])
        stream = context.wrap_socket(stream)
    stream.sendall(over_stream(protocol, messages))
    unbound.await_stats("the queries are read", lambda stats: stats["queries"] == before + len(messages))
    return stream


def unanswered(protocol, name):
    """Returns queries for names of silent., over TCP and TLS two of them with the same question."""
    messages = [query(f"{n}.{protocol}.{name}.silent") for n in range(4)]
    if protocol != "DOH":
        messages.append(bytes([messages[0][0] ^ 1]) + messages[0][1:])
    return messages


def test_unanswered_streams(folder):
    """A query that is unanswered when its connection is closed, by the server or the client, is logged as dropped."""
    denied = '\nserver:\n    local-zone: "denied." deny'
    expected = {}

    def ask(unbound, protocol, name, *more):
        messages = [*unanswered(protocol, name), *more]
        expected.update(dict.fromkeys(messages))
        return pipeline(unbound, protocol, messages)

    with Capture(folder) as capture, silent_server() as (_, forward):
        with Unbound(folder, forward + denied) as unbound:
            for protocol in "TCP", "DOT", "DOH":
                # Reset by the client; and closed as another query on it is dropped.
                with ask(unbound, protocol, "client") as stream:
                    stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                unbound.await_logged(len(expected))
                with ask(unbound, protocol, "drop", query(f"{protocol}.denied")):
                    unbound.await_logged(len(expected))
            streams = [ask(unbound, protocol, "reload") for protocol in ("TCP", "DOT", "DOH")]
            unbound.reload()
            streams += [ask(unbound, protocol, "stop") for protocol in ("TCP", "DOT", "DOH")]
            unbound.stop()
            for stream in streams:
                stream.close()
        with Unbound(folder, f"{forward}\nserver:\n    tcp-idle-timeout: 2000") as unbound:
            before = len(expected)
            streams = [ask(unbound, protocol, "timeout") for protocol in ("TCP", "DOT", "DOH")]
            unbound.await_logged(len(expected) - before)
            unbound.stop()
            for stream in streams:
                stream.close()
        capture.stop()
        tap.check_dropped(capture.path, "CLIENT_RESPONSE", expected)
        number = tap.counts(tap.read(capture.path))
        assert number["CLIENT_QUERY"] == number["CLIENT_RESPONSE"] == len(expected), (number, len(expected))


def test_rate_limit(folder):
    """Each query of a client that asks too often is answered, or logged as dropped."""
    number = 20
    with Capture(folder) as capture:
        limit = "\nserver:\n    ip-ratelimit: 1\n    ip-ratelimit-factor: 0"
        with Unbound(folder, limit, threads=1) as unbound:
            for n in range(number):
                send(unbound, query(f"{n}.example"))
            unbound.await_logged(number)
            unbound.stop()
        capture.stop()
        inners = tap.payloads(capture.path)
        queries = {inner[tap.QUERY] for inner in inners if inner[1] == 5}
        dropped = {inner[tap.QUERY] for inner in inners if inner[1] == 6 and tap.RESPONSE not in inner}
        answered = {inner[tap.RESPONSE][:2] for inner in inners if inner[1] == 6 and tap.RESPONSE in inner}
        assert len(queries) == number and dropped < queries and len(dropped) >= number - 5, (len(queries), len(dropped))
        assert answered == {message[:2] for message in queries - dropped}
