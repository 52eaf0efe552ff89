# SPDX-License-Identifier: MIT OR Apache-2.0
"""Clients of a proxy that sends their addresses in headers of the PROXY protocol, version 2."""

import pathlib

from bind import Bind
from dns import proxy_header, query
from driver import options, run
from ends import Path
from process import free_port
from server import RELEASE

LISTENERS = {"PLAIN": "proxy plain", "TLS": "proxy plain tls own", "INSIDE": "proxy encrypted tls own",
             "HTTPS": "proxy plain tls own http own", "HTTP": "proxy plain tls none http own"}
PROXIED = ("PLAIN", "UDP"), ("PLAIN", "TCP"), ("TLS", "DOT"), ("INSIDE", "DOT"), ("HTTPS", "DOH"), ("HTTP", "HTTP")
# Clients of both families, and headers without IP addresses: LOCAL, AF_UNSPEC and AF_UNIX.
CLIENTS = [("192.0.2.1", 1001), ("2001:db8::1", 1002)]
WITHOUT_CLIENT = [proxy_header(), proxy_header()[:12] + b"\x21\0\0\0", proxy_header()[:12] + b"\x21\x31\0\xd8" + bytes(216)]


def through_proxy(port, protocol, host, inside, client, header):
    """Asks with a header, before TLS or inside of it."""

    def drive(driver, name):
        ends = client and (client, ("2001:db8::53" if ":" in client[0] else "192.0.2.53", 53))
        place = {"inside" if inside else "before": header or proxy_header(client, protocol)}
        driver.clients.ask(protocol, (host, port), query(name), ends=ends, **place)

    return drive


def test_proxied(folder):
    """PROXYv2 before each protocol, from 9.20 on: clients of both families, whatever that of the proxy."""
    if RELEASE == "9.18":
        return "not there: PROXYv2"
    file = pathlib.Path(folder, "file.tap")
    ports = {name: free_port() for name in LISTENERS}
    listen = "".join(f"listen-on{family} port {ports[name]} {words} {{ {host}; }};\n" for name, words in LISTENERS.items()
                     for family, host in (("", "127.0.0.1"), ("-v6", "::1")))
    zones = f'recursion no; allow-proxy {{ 127.0.0.1; ::1; }}; {listen} }}; zone own {{ type primary; file "example.zone"; }};'
    paths = []
    for listener, protocol in PROXIED:
        for host in "127.0.0.1", "::1":
            for client, header in [*((client, None) for client in CLIENTS), *((None, header) for header in WITHOUT_CLIENT)]:
                drive = through_proxy(ports[listener], protocol, host, listener == "INSIDE", client, header)
                paths.append(Path(f"PROXYv2: {listener}, {protocol}, {host}, {client or header[:16]}", f"n{len(paths)}.own", drive,
                                  [f"AUTH {protocol.replace('HTTP', 'DOH')} own."]))
    paths.append(Path("PROXYv2 from an address that is not in allow-proxy", "wrong.own",
                      lambda driver, name: driver.clients.ask("UDP", ("127.0.0.1", ports["PLAIN"]), query(name), "127.0.0.2", answers=0,
                                                              before=proxy_header(CLIENTS[0])) and None, []))
    with Bind(folder, options(file), zones) as bind:
        run(bind, file, paths)
