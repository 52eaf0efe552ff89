# SPDX-License-Identifier: MIT OR Apache-2.0
"""The two transports: libdnstap, and Unbound's own in the patched source."""

import struct
import subprocess

import tap
from dns import read_exactly
from receivers import DeafReceiver
from server import Programs, built
from unbound import PROGRAMS, Unbound

# Fields of Message that differ from run to run: ports and times.
QUERY_PORT, RESPONSE_PORT, RESPONSE_SEC, RESPONSE_NSEC = 6, 7, 12, 13
VARYING = {QUERY_PORT, RESPONSE_PORT, tap.QUERY_SEC, tap.QUERY_NSEC, RESPONSE_SEC, RESPONSE_NSEC}


def libraries(programs):
    """Returns which of the libraries for dnstap the server is linked with."""
    printed = subprocess.run(["ldd", programs.path("unbound")], capture_output=True, text=True, check=True).stdout
    return {library for library in ("libdnstap", "libprotobuf-c", "libfstrm") if library in printed}


def read_frame(stream):
    """Returns the payload of the next data frame."""
    while True:
        [length] = struct.unpack("!I", read_exactly(stream, 4))
        if length:
            return read_exactly(stream, length)
        # A control frame has a length of its own.
        read_exactly(stream, struct.unpack("!I", read_exactly(stream, 4))[0])


def comparable(payload):
    """Returns a message without its times and ports, and without the IDs in its DNS messages, but says which are there."""
    event = tap.fields(payload)
    message = tap.fields(event.pop(tap.MESSAGE))
    for number in VARYING & message.keys():
        message[number] = "there"
    for number in {tap.QUERY, tap.RESPONSE} & message.keys():
        message[number] = message[number][2:]
    return sorted(event.items()), sorted(message.items())


def logged(folder, programs):
    """Returns what a server logs for some queries, in an order of its own."""
    # The time to live in an answer from the cache does not depend on the clock.
    settled = "\nserver:\n    serve-original-ttl: yes"
    with DeafReceiver(folder) as receiver, Unbound(folder, settled, threads=1, programs=programs) as unbound:
        receiver.accept()
        for protocol in "UDP", "TCP", "DOT":
            for zone in "example", "forward":
                unbound.ask(f"{protocol}.{zone}", protocol)
            # From the cache.
            unbound.ask(f"{protocol}.example", protocol)
        messages = [comparable(read_frame(receiver.streams[0])) for _ in range(6 * 4 + 3 * 2)]
        unbound.stop()
        return sorted(map(repr, messages))


def test_transport(folder):
    """The server is linked with libdnstap alone. Built with its own transport, it logs what the unmodified server does."""
    assert libraries(PROGRAMS) == {"libdnstap"}
    own, stock = (built("unbound", variant) for variant in ("own", "stock"))
    if not (own / "key").exists() or not (stock / "key").exists():
        return "linked as it should be, but not built: own, stock"
    assert libraries(Programs(own)) == libraries(Programs(stock)) == {"libprotobuf-c"}
    assert logged(folder, Programs(own)) == logged(folder, Programs(stock))
