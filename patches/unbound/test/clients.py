# SPDX-License-Identifier: MIT OR Apache-2.0
"""Paths of the table in ../README.md on which Unbound answers or drops a query by itself."""

import struct

import dns
from dns import REFUSED, A, answer, connect, over_stream, proxy_header, query, read_body, record
from dnscrypt import MAGIC_QUERY, Crypt
from process import free_port, until
from scene import DROPPED, LOCAL, UNLOGGED, Path, named, scene
from unbound import VERSION
from upstream import Upstream

# The part of the response code that is in the header.
BADCOOKIE = 23 & 15
# Clients of a proxy.
FOUR, SIX = ("192.0.2.7", 4711), ("2001:db8::7", 4711)


def test_proxy(folder):
    """Clients of proxies of both families, over UDP, TCP and TLS; and messages without a good header, which are not logged."""
    with scene(folder) as s:
        plain, tls = free_port(), free_port()
        interfaces = "".join(f"\n    interface: {host}@{port}" for host in ("127.0.0.1", "::1") for port in (plain, tls))
        s.start(f"""
server:{interfaces}
    proxy-protocol-port: {plain}
    proxy-protocol-port: {tls}
    tls-additional-port: {tls}
    access-control: 192.0.2.0/24 allow
    access-control: 2001:db8::/32 allow{LOCAL}""")
        for protocol, port in ("UDP", plain), ("TCP", plain), ("DOT", tls):
            for host in "127.0.0.1", "::1":
                where = {"protocol": protocol, "host": host, "port": port}
                # The address that was asked is only known if it is of the client's family.
                other = FOUR if host == "::1" else SIX
                same = SIX if host == "::1" else FOUR
                unspecified, bad = (proxy_header()[:12] + version + b"\0\0\0" for version in (b"\x21", b"\x31"))
                s.drive(
                    Path("PROXYv2", named("same"), header=proxy_header(same, protocol), client=same, **where),
                    Path("PROXYv2, other family", named("other"), header=proxy_header(other, protocol), client=other,
                         server=(None, port), **where),
                    Path("PROXYv2, LOCAL", named("proxy"), header=proxy_header(), **where),
                    Path("PROXYv2 without an address", named("proxy"), header=unspecified, **where),
                    Path("PROXYv2 is missing", named("missing"), UNLOGGED, **where),
                    Path("PROXYv2, malformed", named("bad"), UNLOGGED, header=bad, **where),
                    Path("after that", named("after"), header=proxy_header(), **where),
                )


def edns(options=b"", version=0):
    """Returns a query with EDNS for a name that exists."""
    return query("edns.local", options=options, version=version)


def changed(message, at, value):
    """Returns a message with another byte."""
    return message[:at] + bytes([value]) + message[at + 1 :]


class Primary(Upstream):
    """The primary server of authority., of whose zone transfers nothing is logged."""

    def __init__(self):
        self.serial = 1
        super().__init__(None, None, self.transfer)

    def transfer(self, asked):
        soa = record("authority", dns.SOA, b"\0\0" + struct.pack("!IIIII", self.serial, 3600, 3600, 86400, 60))
        others = [record("authority", dns.NS, b"\0"), record("*.authority", dns.TXT, b"\1x"), soa] if asked.kind != dns.SOA else []
        return [answer(asked.wire, answers=[soa, *others])]


def test_own_answers(folder):
    """Answers from the configuration, refusals, errors, and queries that are dropped at once."""
    primary = Primary()
    with scene(folder) as s:
        crypt = Crypt(folder)
        upstream = Upstream(s.journal, "addresses.", lambda asked: [answer(asked.wire, answers=[record(asked.name, A, b"\xc0\0\2\x42")])])
        cookies = "answer-cookie: yes\n    access-control: 127.0.0.16 allow_cookie" if VERSION >= (1, 22) else ""
        s.start(f"""
server:
    module-config: "respip iterator"
    harden-large-queries: yes
    http-notls-downstream: yes
    msg-buffer-size: 4096
    identity: server{LOCAL}
    local-zone: "static." static
    local-zone: "refused." refuse
    access-control-view: 127.0.0.11 special
    access-control: 127.0.0.12 refuse
    access-control: 127.0.0.13 refuse_non_local
    access-control: 127.0.0.14 deny_non_local
    access-control: 127.0.0.15 deny
    response-ip: 192.0.2.66/32 deny
    {cookies}
view:
    name: special
    view-first: yes
    local-zone: "viewed." static
    local-data: 'viewed. TXT "x"'
stub-zone:
    name: addresses.
    stub-addr: 127.0.0.1@{upstream.port}
auth-zone:
    name: authority.
    primary: 127.0.0.1@{primary.port}
    for-upstream: no
{crypt.configuration}""")
        until("authority. is transferred", lambda: "serial 1" in s.unbound.control("list_auth_zones"))
        s.drive(*[path for protocol in ("UDP", "TCP", "DOT", "HTTP") for path in (
            Path("local data", named("data"), protocol=protocol),
            Path("local zone", query("nothing.static"), dns.NXDOMAIN, protocol=protocol),
            Path("local zone that refuses", query("refused"), REFUSED, protocol=protocol),
            Path("view", query("viewed"), source="127.0.0.11", protocol=protocol),
            Path("view, answer of another zone", named("data"), source="127.0.0.11", protocol=protocol),
            Path("CHAOS", query("id.server", group=dns.CH), protocol=protocol),
            Path("CHAOS, refused", query("nothing.server", group=dns.CH), REFUSED, protocol=protocol),
            Path("authority zone", query("a.authority"), protocol=protocol),
            Path("REFUSED by access-control", named("a"), REFUSED, source="127.0.0.12", protocol=protocol),
            Path("REFUSED, as it is not local", query("a.example"), REFUSED, source="127.0.0.13", protocol=protocol),
            Path("REFUSED without RD", query("a.example", rd=False), REFUSED, protocol=protocol),
            Path("AXFR", query("authority", dns.AXFR), REFUSED, protocol=protocol),
            Path("IXFR", query("authority", dns.IXFR), REFUSED, protocol=protocol),
            Path("FORMERR, two questions", changed(named("a"), 5, 2), dns.FORMERR, protocol=protocol),
            Path("FORMERR, TC", changed(named("a"), 2, 3), dns.FORMERR, protocol=protocol),
            Path("FORMERR, question is cut off", named("a")[:-5], dns.FORMERR, protocol=protocol),
            Path("FORMERR, EDNS is cut off", edns()[:-5], dns.FORMERR, protocol=protocol),
            Path("BADVERS", edns(version=1), dns.NOERROR, protocol=protocol),
            Path("NOTIMPL for UPDATE", query("authority", dns.SOA, dns.UPDATE), dns.NOTIMPL, protocol=protocol),
            Path("NOTIMPL for IQUERY", query("authority", dns.SOA, dns.IQUERY), dns.NOTIMPL, protocol=protocol),
            Path("NOTIMPL for STATUS", query("authority", dns.SOA, dns.STATUS), dns.NOTIMPL, protocol=protocol),
            Path("NOTIFY", query("authority", dns.SOA, dns.NOTIFY), protocol=protocol),
            Path("NOTIFY from another address", query("authority", dns.SOA, dns.NOTIFY), REFUSED, source="127.0.0.2", protocol=protocol),
        )])
        s.drive(*[path for protocol in ("UDP", "TCP", "DOT") for path in (
            Path("response instead of a query", changed(named("a"), 2, 0x81), DROPPED, protocol=protocol),
            Path("harden-large-queries", edns(b"\0\x0c" + (600).to_bytes(2, "big") + bytes(600)), DROPPED, protocol=protocol),
            Path("dropped, as it is not local", query("a.example"), DROPPED, source="127.0.0.14", protocol=protocol),
            Path("dropped by access-control", named("a"), DROPPED, source="127.0.0.15", protocol=protocol),
            Path("dropped by response-ip", query(f"{protocol}.addresses", A), DROPPED, protocol=protocol),
            Path("dropped by response-ip, cached", query(f"{protocol}.addresses", A), DROPPED, protocol=protocol),
            # Over UDP, Unbound reads what fits, and drops a message that is too short.
            Path("shorter than a header", b"short", DROPPED if protocol == "UDP" else UNLOGGED, protocol=protocol),
            Path("longer than msg-buffer-size", bytes(5000), DROPPED if protocol == "UDP" else UNLOGGED, protocol=protocol,
                 part=bytes(4096)),
        )])
        if cookies:
            # With and without a cookie of the client (RFC 7873).
            s.drive(Path("BADCOOKIE", edns(b"\0\x0a\0\x08" + bytes(8)), BADCOOKIE, source="127.0.0.16"),
                    Path("without a cookie", edns(), REFUSED, source="127.0.0.16"))
        # The primary server is asked for the difference.
        primary.serial = 2
        s.drive(Path("NOTIFY", query("authority", dns.SOA, dns.NOTIFY)))
        until("authority. is transferred again", lambda: "serial 2" in s.unbound.control("list_auth_zones"))
        assert {("authority", kind) for kind in (dns.SOA, dns.AXFR, dns.IXFR)} == set(primary.names()), primary.names()
        certificate = query("2.dnscrypt-cert.example")
        s.drive(
            Path("port of DNSCrypt, plain query", named("a"), UNLOGGED, port=crypt.port),
            Path("port of DNSCrypt, not to be decrypted", MAGIC_QUERY + bytes(300), UNLOGGED, port=crypt.port),
            Path("certificate for DNSCrypt", certificate, port=crypt.port),
            Path("certificate for DNSCrypt", certificate, protocol="TCP", port=crypt.port),
        )
        for http in b"GET /dns-query HTTP/1.1\r\nHost: localhost\r\n\r\n", over_stream("HTTP", [named("a")], "/other"):
            with connect("HTTP", "127.0.0.1", s.unbound.ports["DOH"]) as stream:
                stream.sendall(http)
                if http.startswith(b"GET"):
                    assert not stream.recv(65535), "an answer to HTTP/1.1"
                else:
                    read_body(stream)
        s.drive(Path("after that", named("a"), protocol="HTTP"))
