# SPDX-License-Identifier: MIT OR Apache-2.0
"""Queries to upstream servers that are never sent."""

import socket

from dns import SERVFAIL, code, query
from peers import Capture
from process import free_port
from unbound import Unbound


def test_not_connected(folder):
    """A query over TCP or TLS is logged when it is sent: not if the connection is refused, and not before a handshake."""
    with Capture(folder), socket.create_server(("127.0.0.1", 0)) as silent:
        forward = f"""
forward-zone:
    name: refused.
    forward-addr: 127.0.0.1@{free_port()}
    forward-tcp-upstream: yes
forward-zone:
    name: refused-tls.
    forward-addr: 127.0.0.1@{free_port()}#localhost
    forward-tls-upstream: yes
forward-zone:
    name: silent.
    forward-addr: 127.0.0.1@{silent.getsockname()[1]}#localhost
    forward-tls-upstream: yes"""
        with Unbound(folder, forward) as unbound:
            for zone in "refused", "refused-tls":
                answer = unbound.ask(f"a.{zone}")
                assert code(answer.response) == SERVFAIL, answer
            with socket.socket(type=socket.SOCK_DGRAM) as client:
                client.sendto(query("a.silent"), ("127.0.0.1", unbound.ports["UDP"]))
                silent.settimeout(20)
                with silent.accept()[0]:
                    stats = unbound.stats()
            assert (stats["type.CLIENT_QUERY"], stats["type.FORWARDER_QUERY"]) == (3, 0), stats
            unbound.stop()
