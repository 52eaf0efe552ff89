# SPDX-License-Identifier: MIT OR Apache-2.0
"""The address that a client asked, when the server listens on all addresses."""

from dns import ask
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
    # TCP and TLS on an interface of all addresses, without that option.
    with Capture(folder, "wildcard") as capture:
        tls = free_port()
        interfaces = "".join(f"\n    interface: {host}@{number}" for host in ("0.0.0.0", "::0") for number in (port, tls))
        with Unbound(folder, f"\nserver:\n    tls-additional-port: {tls}{interfaces}") as unbound:
            asked = [(protocol, host, number) for protocol, number in (("TCP", port), ("DOT", tls), ("UDP", port))
                     for host in ("127.0.0.1", "127.0.0.5", "::1")]
            for protocol, host, number in asked:
                if protocol != "UDP" or host != "127.0.0.5":
                    ask(protocol, host, number, "wildcard.example")
            unbound.stop()
        messages = [message for message in capture.read() if message["type"].startswith("CLIENT")]
        found = sorted((message["socket_protocol"], message["response_address"], message["response_port"]) for message in messages)
        # Over UDP, the address is not known.
        expected = [(protocol, "::" if host == "::1" else "0.0.0.0", number) if protocol == "UDP" else (protocol, host, number)
                    for protocol, host, number in asked if protocol != "UDP" or host != "127.0.0.5"]
        assert found == sorted(2 * expected), found
