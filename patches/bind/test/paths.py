# SPDX-License-Identifier: MIT OR Apache-2.0
"""The paths of a message in named, as the README lists them under "What is logged"."""

import pathlib
import socket
import struct
import threading
import time

import dns
from bind import Bind, connected
from dns import DS, NS, NSEC, NULL, TXT, A, answer, query, record, wire_name
from driver import QUESTION, asks, asks_for, nothing, options, run, sends, soa
from ends import Path, Upstream, has_edns
from process import DEADLINE, free_port, until
from server import RELEASE

DSO, RRSIG, TC = 6, 46, 0x200
# Types of frames.
HEADERS, WINDOW_UPDATE = 1, 8
# The response code, of which the header has the last 4 bits, and the option of a client without a cookie of the server.
BADCOOKIE, CLIENT_COOKIE = 23, b"\0\x0a\0\x08" + bytes(8)
# The content of a record when it is asked for again.
REFRESHED = b"\x09refreshed"
KEY = "oJMRESz5E4gYzS/q6XDrvU1qMPYIjCWzJaOau8XNEZeqCYKD5ar0IRd8KqXXFJkqmVfRvMGPmM1x8fGAa2XhSA=="
# named has a view for each group of options, which clients select by their address.
RESOLVING, LIMITED, POLICIES, BY_CLIENT, FEW, VALIDATING = ("127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.33", "127.0.0.4",
                                                            "127.0.0.5")
NO_VIEW, BLACKHOLE, OTHER_UPSTREAM, NO_TCP = "127.0.0.6", "127.0.0.7", "127.0.0.8", "127.0.0.9"


def views(port):
    """Returns the configuration of the views, of which each has the static-stub zone example."""
    found = ""
    for clients, more in (
        (f"{RESOLVING}; ::1", f"""
            stale-answer-enable yes;
            stale-answer-client-timeout 0;
            prefetch 2 8;
            zone retried {{ type static-stub; server-addresses {{ 127.0.0.1; {OTHER_UPSTREAM}; }}; }};
            zone closed {{ type static-stub; server-addresses {{ {NO_TCP}; }}; }};
            zone stub {{ type stub; primaries {{ 127.0.0.1 port {port}; }}; }};
            zone first {{ type forward; forward first; forwarders {{ ::1 port {port}; }}; }};
        """),
        (LIMITED, """
            recursion no;
            rate-limit { responses-per-second 1; slip 1; };
            zone own { type primary; file "example.zone"; allow-transfer { none; }; };
        """),
        (f"{POLICIES}; {BY_CLIENT}", """
            response-policy { zone rpz; } qname-wait-recurse no min-ns-dots 0;
            zone rpz { type primary; file "rpz.zone"; notify no; };
        """),
        (FEW, "clients-per-query 1; max-clients-per-query 1;"),
        (VALIDATING, f"""
            dnssec-validation auto;
            trust-anchors {{ signed static-key 257 3 13 "{KEY}"; anchored initial-key 257 3 13 "{KEY}";
                             negative static-key 257 3 13 "{KEY}"; }};
            zone signed {{ type static-stub; server-addresses {{ 127.0.0.1; }}; }};
            zone anchored {{ type static-stub; server-addresses {{ 127.0.0.1; }}; }};
            zone negative {{ type static-stub; server-addresses {{ 127.0.0.1; }}; }};
        """),
    ):
        found += f"""
view "{clients.split(";")[0]}" {{
    match-clients {{ {clients}; }};
    zone "." {{ type hint; file "root.hints"; }};
    zone example {{ type static-stub; server-addresses {{ 127.0.0.1; }}; }};
    {more}
}};"""
    return found


def write_zones(folder):
    """Writes the hints for the root, and a policy with each way to match and each action but DROP."""
    pathlib.Path(folder, "root.hints").write_text(". 60 NS ns.root.\nns.root. 60 A 127.0.0.1\n")
    pathlib.Path(folder, "rpz.zone").write_text(f"""$TTL 60
@ SOA ns hostmaster 1 3600 600 86400 300
@ NS ns
ns A 127.0.0.1
nxdomain.example CNAME .
nodata.example CNAME *.
passed.example CNAME rpz-passthru.
by-tcp.example CNAME rpz-tcp-only.
data.example TXT data
alias.example CNAME target.example.
32.{".".join(reversed(BY_CLIENT.split(".")))}.rpz-client-ip CNAME .
32.9.2.0.192.rpz-ip CNAME .
ns.by-name.rpz-nsdname CNAME .
32.{".".join(reversed(OTHER_UPSTREAM.split(".")))}.rpz-nsip CNAME .
""")


def respond(upstream, exchange, before):
    """Yields the responses to a query; most names are those of a rule."""
    message, name, kind, host = exchange.query, exchange.name(), exchange.kind(), exchange.server[0]
    label, _, zone = name.partition(".")
    if name == "" and kind == NS:
        yield answer(message, answers=[record("", NS, wire_name("ns.root"))], additional=[record("ns.root", A, b"\x7f\0\0\1")])
    elif zone in ("delegated", "by-name", "by-address") and host == "127.0.0.1":
        server = {"delegated": "ns.example", "by-name": "ns.by-name", "by-address": "ns.by-address"}[zone]
        glue = [] if zone == "delegated" else [record(server, A, socket.inet_aton(OTHER_UPSTREAM))]
        yield answer(message, answers=[], authority=[record(zone, NS, wire_name(server))], additional=glue, flags=0x8000)
    elif kind == A:
        yield answer(message, answers=[record(QUESTION, A, socket.inet_aton(OTHER_UPSTREAM if label == "ns" else "192.0.2.9"))])
    elif kind == dns.DNSKEY:
        yield answer(message, answers=[record(QUESTION, dns.DNSKEY, struct.pack("!HBB", 257, 3, 13) + bytes(64))])
    elif kind == NS and "." not in name:
        yield answer(message, answers=[record(QUESTION, NS, wire_name(f"ns.{name}"))])
    elif kind in (dns.AAAA, DS, NS, NULL, NSEC):
        yield answer(message, answers=[], authority=[soa(zone or name, 1)])
    elif label == "timeout" and before == 0:
        pass
    elif label == "without-edns" and has_edns(message):
        yield answer(message, rcode=dns.FORMERR, answers=[])
    elif label == "other-server" and before == 0 or zone == "first" and host == "::1":
        yield answer(message, rcode=dns.SERVFAIL, answers=[])
    elif label == "malformed" and before == 0:
        yield answer(message)[:-5]
    elif label == "other-id" and exchange.protocol == "UDP":
        yield bytes([message[0] ^ 1]) + answer(message)[1:]
        yield answer(message)
    elif label == "other-question":
        yield message[:2] + answer(query("other-question.other"))[2:]
        yield answer(message)
    elif label == "late" and before == 0:
        until("the query is repeated", lambda: upstream.number[name, kind] > 1)
        yield answer(message)
        upstream.late.set()
    elif label == "late":
        upstream.late.wait(DEADLINE)
        yield answer(message)
    elif label == "truncated" and exchange.protocol == "UDP":
        yield answer(message, answers=[], flags=0x8400 | TC)
    elif label in ("expired", "prefetched"):
        yield answer(message, answers=[record(QUESTION, TXT, REFRESHED)]) if before else answer(message, ttl=1 if label == "expired" else 8)
    elif label == "signature":
        signature = struct.pack("!HBBIIIH", TXT, 13, 2, 60, 0x7FFFFFFF, 0, 1) + wire_name("signed") + bytes(64)
        yield answer(message, answers=[record(QUESTION, TXT, b"\1x"), record(QUESTION, RRSIG, signature)])
    elif label.startswith("held"):
        upstream.hold.wait(DEADLINE)
        yield answer(message)
    else:
        yield answer(message)


def two_questions(name, other=None):
    """Returns a query for two types of a name, or for two names."""
    message = query(name)
    return message[:5] + b"\2" + message[6:] + query(other or name, A)[12:]


def client_paths():
    """Clients, with answers and without."""
    drop = ["CLIENT_QUERY UDP", "CLIENT_RESPONSE UDP NOTHING"]
    return [
        Path("HTTP/2 with TLS", "doh.example", asks(protocol="DOH"), ["CLIENT DOH", "RESOLVER UDP example."]),
        Path("HTTP/2 without TLS", "http.example", asks(protocol="HTTP"), ["CLIENT DOH", "RESOLVER UDP example."]),
        Path("answer from the cache: expired", "expired.example", asks_again(2), ["+ CLIENT UDP", "2 RESOLVER UDP example."]),
        Path("answer from the cache: prefetch", "prefetched.example", asks_again(6), ["+ CLIENT UDP", "2 RESOLVER UDP example."]),
        Path("unsupported opcode with a question", "status.example",
             asks(dns.NOTIMPL, message=query("status.example", opcode=dns.STATUS)), ["AUTH UDP"]),
        Path("several questions for a name", "types.example", asks(dns.FORMERR, message=two_questions("types.example")), ["CLIENT UDP"]),
        Path("several names", "names.example", asks(dns.FORMERR, message=two_questions("names.example", "other.example")), []),
        Path("rewritten: NXDOMAIN", "nxdomain.example", asks(dns.NXDOMAIN, source=POLICIES), ["CLIENT UDP"]),
        Path("rewritten: NODATA", "nodata.example", asks(source=POLICIES), ["CLIENT UDP"]),
        Path("rewritten: PASSTHRU", "passed.example", asks(source=POLICIES), ["CLIENT UDP", "RESOLVER UDP example."]),
        Path("rewritten: TCP-ONLY", "by-tcp.example", asks(source=POLICIES), ["CLIENT UDP"]),
        Path("rewritten: local data", "data.example", asks(source=POLICIES), ["CLIENT UDP"]),
        Path("rewritten: alias", "alias.example target.example", asks(source=POLICIES), ["CLIENT UDP", "RESOLVER UDP example."]),
        Path("rewritten: address of the client", "client.example", asks(dns.NXDOMAIN, source=BY_CLIENT), ["CLIENT UDP"]),
        Path("rewritten: address in the answer", "answer.example", asks_for(A, dns.NXDOMAIN, source=POLICIES),
             ["CLIENT UDP", "RESOLVER UDP example."]),
        Path("rewritten: name of a server", "any.by-name by-name ns.by-name", asks(dns.NXDOMAIN, source=POLICIES),
             ["CLIENT UDP", "RESOLVER UDP .", "2 RESOLVER UDP by-name."]),
        Path("rewritten: address of a server", "any.by-address by-address ns.by-address", asks(dns.NXDOMAIN, source=POLICIES),
             ["CLIENT UDP", "RESOLVER UDP .", "2 RESOLVER UDP by-address."]),
        Path("truncated by rate-limit", "limited.own", truncates, ["3 AUTH UDP own."]),
        Path("dropped by clients-per-query", "held-few.example", counts_up("QryDropped", 1, from_two_clients),
             ["CLIENT UDP", *drop, "RESOLVER UDP example."]),
        *([Path("error for a client at port 464", "errors.example", sends(two_questions("errors.example"), port=464), drop)]
          if may_bind(464) else []),
        Path("repeated query", "held-repeated.example",
             counts_up("QryDuplicate", 1, lambda driver, name: driver.in_background(name, times=2)),
             ["CLIENT UDP", "CLIENT_QUERY UDP", "RESOLVER UDP example."]),
        Path("client that disconnects (HTTPS)", "held-gone.example", disconnects, ["CLIENT DOH", "RESOLVER UDP example."]),
        Path("BADCOOKIE", "cookie.example", asks(BADCOOKIE & 15, message=query("cookie.example", options=CLIENT_COOKIE)), ["CLIENT UDP"]),
        Path("HTTP request that is refused: 413", "body.example", posts_too_much, []),
        # Releases differ in the response code: REFUSED or NOTIMP.
        Path("unknown class", "class.example", lambda driver, name: driver.ask(name, message=query(name, group=5)) and None, []),
        Path("no question (DSO)", "dso.example", asks(dns.NOTIMPL, message=query("", opcode=DSO)[:4] + bytes(8)), []),
        Path("no matching view", "view.example", asks(dns.REFUSED, source=NO_VIEW), []),
        Path("discarded: blackhole", "blackhole.example", sends(source=BLACKHOLE), []),
        *(Path(f"discarded: port {port}", f"port{port}.example", sends(port=port), []) for port in (7, 13, 19, 37) if may_bind(port)),
        Path("discarded: response", "response.example", sends(answer(query("response.example"))), []),
        Path("discarded: less than a header", "short.example", sends(bytes(11)), []),
        Path("refused transfer", "own", asks_for(dns.AXFR, dns.REFUSED, protocol="TCP", source=LIMITED), ["AUTH TCP"]),
        Path("transfer over HTTPS", "example", asks_for(dns.AXFR, dns.NOTIMPL, protocol="DOH"), ["CLIENT DOH"]),
    ]


def truncates(driver, name):
    """Asks more than once in a second."""
    answers = [driver.ask(name, source=LIMITED).responses[0] for _ in range(3)]
    assert any(answer[2] & 2 for answer in answers), answers


def from_two_clients(driver, name):
    """The second client asks when the first one has to wait, and gets no answer."""
    driver.in_background(name, source=FEW)
    until("named asks", lambda: driver.upstream.asked(name))
    driver.ask(name, source=FEW, answers=0)


def disconnects(driver, name):
    """Disconnects before there is an answer, over HTTPS."""
    driver.upstream.hold.clear()
    gone = driver.ask(name, "DOH", until=lambda: until("named asks", lambda: driver.upstream.asked(name)))
    until("named has noticed", lambda: not connected(gone.client[1], gone.server[1]))
    driver.upstream.hold.set()


def posts_too_much(driver, name):
    """Sends a query over HTTP/2 with padding to one byte more than a message may have, which the flow control lets through last."""
    body = query(name).ljust(65536, b"\0")
    headers = dns.http_headers("POST", "/dns-query", ("content-type", "application/dns-message"), ("content-length", str(len(body))))
    frames = (dns.http_frame(0, 0, 1, body[start:min(start + 16384, 65535)]) for start in range(0, 65535, 16384))
    with dns.connect("HTTP", "127.0.0.1", driver.bind.ports["HTTP"]) as stream:
        stream.sendall(dns.HTTP_START + dns.http_frame(HEADERS, 4, 1, headers) + b"".join(frames))
        received, windows = dns.read_frames(stream), set()
        while windows != {0, 1}:
            kind, _, number, _ = next(received)
            windows |= {number} if kind == WINDOW_UPDATE else set()
        stream.sendall(dns.http_frame(0, 1, 1, body[65535:]))
        found = next(payload for kind, _, _, payload in received if kind == HEADERS)
    assert b"413" in found, found


def may_bind(port):
    """Returns whether a client may have this port, which most systems leave to root."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as plain:
        try:
            plain.bind(("", port))
        except PermissionError:
            return False
        return True


def rechecks(driver, name):
    """Adds a negative trust anchor, and waits until named checks it."""
    driver.bind.control("nta", "-lifetime", "60", name, VALIDATING)
    until("named checks it", lambda: driver.upstream.asked(name, NSEC))


def upstream_paths():
    """The resolver and its upstream servers."""
    retried = ["CLIENT UDP", "2 RESOLVER UDP retried."]
    return [
        Path("root priming", "./NS", nothing, ["+ RESOLVER UDP ."]),
        Path("root priming: addresses", "ns.root", nothing, ["+ RESOLVER UDP ."]),
        Path("addresses of servers", "any.delegated ns.example retried/AAAA closed/AAAA", asks(),
             ["CLIENT UDP", "RESOLVER UDP .", "RESOLVER UDP delegated.", "+ RESOLVER UDP example.", "+ RESOLVER UDP closed."]),
        Path("retry after a timeout", "timeout.retried", asks(), ["CLIENT UDP", "RESOLVER UDP retried.", "RESOLVER_QUERY UDP retried."]),
        Path("retry without EDNS", "without-edns.retried", asks(), retried),
        Path("retry at another server", "other-server.retried", asks(), retried),
        Path("retry over TCP", "truncated.retried", asks(), ["CLIENT UDP", "RESOLVER UDP retried.", "RESOLVER TCP retried."]),
        Path("wrong question", "other-question.retried other-question.other", asks(),
             ["CLIENT UDP", "RESOLVER UDP retried.", "RESOLVER_RESPONSE UDP retried."]),
        Path("malformed response", "malformed.retried", asks(), ["CLIENT UDP", "RESOLVER UDP retried.", "RESOLVER_QUERY UDP retried."]),
        Path("late response", "late.retried", asks(), ["CLIENT UDP", "RESOLVER UDP retried.", "RESOLVER_QUERY UDP retried."]),
        Path("response with another ID", "other-id.retried", asks(),
             ["CLIENT UDP", "RESOLVER UDP retried."] if RELEASE == "9.18" else
             ["CLIENT UDP", "RESOLVER_QUERY UDP retried.", "RESOLVER TCP retried."]),
        Path("upstream connection that fails", "truncated.closed", asks(dns.SERVFAIL), ["CLIENT UDP", "RESOLVER UDP closed."]),
        Path("forward first", "any.first", asks(), ["CLIENT UDP", "FORWARDER UDP .", "RESOLVER UDP ."]),
        Path("validation: DNSKEY", "signature.signed signed/DNSKEY", asks(dns.SERVFAIL, source=VALIDATING),
             ["CLIENT UDP", "2 RESOLVER UDP signed."]),
        Path("validation: DS", "unsigned.signed", asks(dns.SERVFAIL, source=VALIDATING), ["CLIENT UDP", "2 RESOLVER UDP signed."]),
        Path("trust anchors (RFC 5011)", "./DNSKEY anchored/DNSKEY", nothing, ["+ RESOLVER UDP .", "+ RESOLVER UDP anchored."]),
        Path("trust anchors (RFC 8145): root", "_ta-????-????", nothing, ["+ RESOLVER UDP ."]),
        *(Path(f"trust anchors (RFC 8145): {zone}", f"_ta-????.{zone}", nothing, [f"+ RESOLVER UDP {zone}."])
          for zone in ("signed", "anchored", "negative")),
        Path("negative trust anchors", "negative", rechecks, ["+ RESOLVER UDP negative."]),
    ]


def test_paths(folder):
    """The paths of clients, and those to upstream servers."""
    file = pathlib.Path(folder, "file.tap")
    port, http = free_port(), free_port()
    upstream = Upstream(port, ["127.0.0.1", OTHER_UPSTREAM, NO_TCP, "::1"], respond, without_tcp=[NO_TCP])
    upstream.hold, upstream.late = threading.Event(), threading.Event()
    write_zones(folder)
    zones = f"""
    recursion yes;
    port {port};
    qname-minimization off;
    nta-recheck 1;
    require-server-cookie yes;
    blackhole {{ {BLACKHOLE}; }};
    listen-on port {http} tls none http own {{ 127.0.0.1; }};
}};{views(port)}
"""
    with upstream, Bind(folder, options(file), zones, more=["-T", "tat=1"]) as bind:
        bind.ports["HTTP"] = http
        run(bind, file, upstream_paths() + client_paths(), upstream)


def asks_again(seconds):
    """Asks, and again after some seconds, until the answer is a new one."""

    def drive(driver, name):
        first = driver.ask(name)

        def again():
            until("the time has come", lambda: time.time() >= int(first.end) + seconds)
            until("the answer is refreshed", lambda: REFRESHED in driver.ask(name).responses[0])

        return again

    return drive


def counts_up(counter, number, send):
    """Sends queries while the upstream server holds its answer, until named has counted them."""

    def drive(driver, name):
        before = driver.bind.counter(counter)
        driver.upstream.hold.clear()
        send(driver, name)
        driver.await_counter(counter, before + number)
        driver.upstream.hold.set()

    return drive
