# SPDX-License-Identifier: MIT OR Apache-2.0
"""The address that a client asked, when the server listens on all addresses, and for clients of a proxy."""

import socket

from dns import ask, proxied, query
from peers import Capture
from process import free_port
from unbound import Unbound


def test_addresses(folder):
    """On a wildcard address, a message has the address that was asked, from the packet or from the connection."""
    with Capture(folder) as capture:
        port = free_port()
        automatic = f"\nserver:\n    port: {port}\n    interface-automatic: yes\n    access-control: 127.0.0.0/8 allow"
        with Unbound(folder, automatic) as unbound:
            asked = [(protocol, host) for protocol in ("UDP", "TCP") for host in ("127.0.0.1", "127.0.0.5", "::1")]
            # The first comes from the upstream server, the second from the cache.
            for protocol, host in asked:
                for _ in range(2):
                    ask(protocol, host, port, f"{protocol}{host.translate({46: None, 58: None})}.example")
            unbound.await_all_sent()
            unbound.stop()
        messages = [message for message in capture.read() if message["type"].startswith("CLIENT")]
        assert len(messages) == 4 * len(asked), len(messages)
        for protocol, host in asked:
            name = f"{protocol}{host.translate({46: None, 58: None})}.example"
            found = [message for message in messages if message["name"] == name]
            assert len(found) == 4
            for message in found:
                assert (message["response_address"], message["response_port"]) == (host, port), message
                assert message["query_address"] == ("::1" if host == "::1" else "127.0.0.1"), message
        # TCP on an interface of all addresses, without that option.
    with Capture(folder, "wildcard") as capture:
        with Unbound(folder, f"\nserver:\n    interface: 0.0.0.0@{port}\n    interface: ::0@{port}") as unbound:
            for host in "127.0.0.1", "127.0.0.5", "::1":
                ask("TCP", host, port, "wildcard.example")
            unbound.stop()
        messages = [message for message in capture.read() if message["type"].startswith("CLIENT")]
        found = sorted((message["response_address"], message["response_port"]) for message in messages)
        assert found == sorted((host, port) for host in ("127.0.0.1", "127.0.0.5", "::1") for _ in range(2)), found


def test_proxy(folder):
    """A message of an IPv6 client whose proxy uses IPv4 has the port of the server, but not its address."""
    with Capture(folder) as capture:
        port = free_port()
        proxies = f"\nserver:\n    interface: 127.0.0.1@{port}\n    proxy-protocol-port: {port}\n    access-control: ::/0 allow"
        with Unbound(folder, proxies) as unbound:
            message = query("proxy.example")
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
                client.settimeout(20)
                client.sendto(proxied(("2001:db8::1", 4711), message), ("127.0.0.1", port))
                assert client.recv(65535)[:2] == message[:2]
            unbound.stop()
        messages = [message for message in capture.read() if message["type"].startswith("CLIENT")]
        assert len(messages) == 2
        for message in messages:
            assert message["socket_family"] == "INET6", message
            assert (message["query_address"], message["query_port"]) == ("2001:db8::1", 4711), message
            assert message["response_port"] == port and "response_address" not in message, message
