# SPDX-License-Identifier: MIT OR Apache-2.0
"""The patched unbound under valgrind."""

import pathlib

from dns import ask, query
from dropped import send
from processes import Capture, Knot, kill
from unbound import PROGRAMS, Unbound


def test_memory(folder):
    """Queries over each transport, a policy, reloads with and without a receiver, and the end: no read or write of memory
    that is not the server's."""
    pathlib.Path(folder, "policy.zone").write_text("""$ORIGIN policy.
@ 3600 SOA ns hostmaster 1 3600 600 86400 300
@ NS ns
drop.example CNAME rpz-drop.
nx.example CNAME .
128.1.zz.rpz-nsip CNAME rpz-drop.
""")
    more = f"""
server:
    module-config: "respip iterator"
rpz:
    name: policy.
    zonefile: {folder}/policy.zone"""
    with Knot(folder) as knot, Capture(folder) as capture:
        with Unbound(PROGRAMS, folder, knot, more, memcheck=True) as unbound:

            def traffic(number):
                # The last one is asked for over TCP.
                for name in f"a{number}.example", f"a{number}.example", "nx.example", f"a{number}.big.example":
                    ask("UDP", "127.0.0.1", unbound.port, name)
                    ask("TCP", "::1", unbound.port, name)
                for protocol in "UDP", "TCP":
                    for name in "drop.example", f"a{number}.forward":
                        send(protocol, unbound.port, query(name), "127.0.0.1")

            traffic(0)
            unbound.await_sent()
            unbound.reload()
            traffic(1)
            kill(capture)
            traffic(2)
            unbound.reload()
            traffic(3)
            # The end of the output from before the reload, with what was logged before and could not be sent.
            unbound.await_log("messages not sent")
            unbound.stop()
