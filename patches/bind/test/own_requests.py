# SPDX-License-Identifier: MIT OR Apache-2.0
"""Requests that named sends for its zones."""

import pathlib
import threading

import dns
from bind import Bind
from dns import NS, SOA, A, answer, query, record, wire_name
from driver import QUESTION, options, run, soa
from ends import Path, Upstream
from process import DEADLINE, free_port, until


def serve_zones(upstream, exchange, before):
    """Yields the responses of a primary server, whose zones change with each query for their serial number."""
    message, name = exchange.query, exchange.name()
    opcode, kind = message[2] >> 3 & 15, exchange.kind()
    start, nameserver = soa(name, upstream.number[name, SOA]), record(QUESTION, NS, wire_name("ns.example"))
    if opcode == dns.NOTIFY:
        yield answer(message, answers=[])
    elif opcode == dns.UPDATE:
        upstream.hold.wait(DEADLINE)
        yield answer(message, answers=[], flags=0x8000)
    elif kind == SOA:
        yield answer(message, answers=[start])
    elif kind == NS:
        yield answer(message, answers=[nameserver])
    elif kind in (dns.AXFR, dns.IXFR):
        yield answer(message, answers=[start, nameserver, start])
    else:
        yield answer(message, answers=[])


def update(zone):
    """Returns an update that adds an address to a zone."""
    message = query(zone, SOA, dns.UPDATE)
    return message[:9] + b"\1" + message[10:] + record(QUESTION, A, bytes((192, 0, 2, 1)))


def awaits(*requests):
    """Waits until the upstream server has each of the requests, by opcode and type."""

    def drive(driver, name):
        def seen():
            return {(each.query[2] >> 3 & 15, each.kind()) for each in driver.upstream.asked(name)}

        until(f"requests for {name}: {requests}", lambda: seen() >= set(requests))

    return drive


def transfers(driver, name):
    """Waits for a transfer of all of a zone, and then for one of its changes."""
    awaits((0, SOA), (0, dns.AXFR))(driver, name)
    until("the zone is there", lambda: driver.bind.try_control("zonestatus", name)[1].count("serial: "))
    driver.bind.control("refresh", name)
    awaits((0, dns.IXFR))(driver, name)


def checks_ds(driver, name):
    """Waits until named looks for the DS record of a key, which it does when it loads the keys after it has published this one."""

    def asked():
        driver.bind.control("loadkeys", name)
        return driver.upstream.asked(name, dns.DS)

    until("named asks for DS", asked)


def updates(driver, name):
    """Sends two updates, of which one may wait: `update-quota` is 1."""
    driver.in_background(name, message=update(name))
    awaits((dns.UPDATE, SOA))(driver, name)
    driver.ask(name, message=update(name), answers=0)
    driver.await_counter("UpdateQuota", 1)
    driver.upstream.hold.set()


def test_own_requests(folder):
    """What named asks for its zones is not logged; updates are logged where they come from a client."""
    file = pathlib.Path(folder, "file.tap")
    port = free_port()
    upstream = Upstream(port, ["127.0.0.1"], serve_zones)
    upstream.hold = threading.Event()
    for zone in "plain", "checked":
        pathlib.Path(folder, f"{zone}.zone").write_text("@ 1 SOA ns hostmaster 1 3600 600 86400 1\n@ 1 NS ns\nns 1 A 127.0.0.1\n")
    primary = f"primaries {{ 127.0.0.1 port {port}; }};"
    zones = f"""
    recursion no;
    update-quota 1;
}};
dnssec-policy fast {{
    keys {{ csk lifetime unlimited algorithm ecdsap256sha256; }};
    dnskey-ttl 1; max-zone-ttl 1; parent-ds-ttl 1; publish-safety 0; retire-safety 0;
    zone-propagation-delay 0; parent-propagation-delay 0;
}};
zone checked {{
    type primary; file "checked.zone"; notify no; dnssec-policy fast; inline-signing yes; parental-agents {{ 127.0.0.1 port {port}; }};
}};
zone secondary {{ type secondary; {primary} notify no; }};
zone stub {{ type stub; {primary} }};
zone notified {{ type primary; file "plain.zone"; notify explicit; also-notify {{ 127.0.0.1 port {port}; }}; }};
zone forwarded {{ type secondary; file "forwarded.zone"; {primary} notify no; allow-update-forwarding {{ any; }}; }};
"""
    paths = [
        Path("SOA, AXFR, IXFR", "secondary", transfers, []),
        Path("those of stub zones", "stub", awaits((0, SOA), (0, NS)), []),
        Path("NOTIFY", "notified", awaits((dns.NOTIFY, SOA)), []),
        Path("DS to parental-agents", "checked", checks_ds, []),
        Path("UPDATE that is forwarded, dropped by update-quota", "forwarded", updates,
             ["UPDATE UDP", "UPDATE_QUERY UDP", "UPDATE_RESPONSE UDP NOTHING"]),
    ]
    with upstream, Bind(folder, options(file), zones) as bind:
        run(bind, file, paths, upstream)
