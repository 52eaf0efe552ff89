# SPDX-License-Identifier: MIT OR Apache-2.0
"""The patched unbound under valgrind."""

import contextlib
import pathlib
import socket
import struct

from dns import AXFR, UPDATE, query
from dropped import pipeline, send, silent_server, unanswered
from peers import Capture
from scene import LOCAL, named
from unbound import Unbound


def test_memory(folder):
    """Under valgrind: queries over each transport, with answers, errors, policies and drops, clients that disconnect, reloads with and
    without a receiver, and a stop with queries and messages that wait. No memory is used wrongly or lost.
    Not with DNSCrypt, of which Unbound itself loses a buffer and its configuration at each reload."""
    pathlib.Path(folder, "policy.zone").write_text("""$ORIGIN policy.
@ 3600 SOA ns hostmaster 1 3600 600 86400 300
@ NS ns
drop.example CNAME rpz-drop.
nx.example CNAME .
128.1.zz.rpz-nsip CNAME rpz-drop.
""")
    more = f"""
server:
    module-config: "respip iterator"{LOCAL}
rpz:
    name: policy.
    zonefile: {folder}/policy.zone"""
    with contextlib.ExitStack() as streams, silent_server() as (_, forward), Capture(folder) as capture:
        with Unbound(folder, more + forward, memcheck=True) as unbound:

            def traffic(number):
                # The last one is asked for over TCP.
                for name in f"a{number}.example", f"a{number}.example", "nx.example", f"a{number}.big.example":
                    unbound.ask(name)
                    unbound.ask(name, "TCP", "::1")
                    unbound.ask(name, "DOT")
                    unbound.ask(name, "DOH")
                for message in named("a"), named("a")[:-5], query("a.example", rd=False), query("a", AXFR), query("a", opcode=UPDATE):
                    unbound.ask("", message=message)
                for protocol in "UDP", "TCP":
                    for name in "drop.example", f"a{number}.forward":
                        send(unbound, query(name), protocol)
                # The client resets one connection of each protocol, and leaves the other one open.
                for protocol in "TCP", "DOT", "DOH":
                    with pipeline(unbound, protocol, unanswered(protocol, f"reset{number}")) as stream:
                        stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    streams.enter_context(pipeline(unbound, protocol, unanswered(protocol, f"open{number}")))

            traffic(0)
            unbound.await_all_sent()
            unbound.control("flush_requestlist")
            unbound.control("set_option", "dnstap-sample-rate:", "2")
            traffic(1)
            unbound.reload()
            traffic(2)
            capture.kill()
            traffic(3)
            unbound.reload()
            traffic(4)
            # The output from before the reload is closed, with messages that could not be sent.
            unbound.await_log("messages not sent")
            unbound.stop()
