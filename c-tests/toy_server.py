# SPDX-License-Identifier: MIT OR Apache-2.0
"""Runs a toy server on a free port, asks it, ends it, and prints its output. Arguments: program, output."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "patches/test"))

from dns import REFUSED, ask, code
from process import Process, free_port, until

program, output = sys.argv[1:]
port = free_port()
with Process(program, port, output) as server:

    def answer():
        assert server.child.poll() is None, "the server has ended"
        try:
            return ask("UDP", "127.0.0.1", port, "toy.example").response
        except ConnectionRefusedError:
            return None

    response = until("an answer", answer)
    assert code(response) == REFUSED, response.hex()
    # A server that is stopped at once may not have reported this yet.
    server.await_log("connected")
    server.stop()
    print(server.log(), end="")
