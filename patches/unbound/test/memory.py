# SPDX-License-Identifier: MIT OR Apache-2.0
"""The patched unbound under valgrind."""

import pathlib

from dns import query
from dropped import send
from peers import Capture
from unbound import Unbound


def test_memory(folder):
    """Under valgrind: queries over each transport, a policy, reloads with and without a receiver, and a stop."""
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
    with Capture(folder) as capture:
        with Unbound(folder, more, memcheck=True) as unbound:

            def traffic(number):
                # The last one is asked for over TCP.
                for name in f"a{number}.example", f"a{number}.example", "nx.example", f"a{number}.big.example":
                    unbound.ask(name)
                    unbound.ask(name, "TCP", "::1")
                for protocol in "UDP", "TCP":
                    for name in "drop.example", f"a{number}.forward":
                        send(unbound, query(name), protocol)

            traffic(0)
            unbound.await_all_sent()
            unbound.reload()
            traffic(1)
            capture.kill()
            traffic(2)
            unbound.reload()
            traffic(3)
            # The output from before the reload is closed, with messages that could not be sent.
            unbound.await_log("messages not sent")
            unbound.stop()
