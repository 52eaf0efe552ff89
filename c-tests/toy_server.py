# SPDX-License-Identifier: MIT OR Apache-2.0
"""Runs a toy server on a free port, asks it, ends it, and prints what it printed. Arguments: program, output."""
import signal
import socket
import subprocess
import sys
import time

QUERY = bytes.fromhex("002a01000001000000000000") + b"\x03toy\x07example\x00\x00\x01\x00\x01"
DEADLINE = 30


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answer(server, port):
    """Asks until there is an answer: the server need not be listening yet. None if it has ended."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.connect(("127.0.0.1", port))
        client.settimeout(0.1)
        end = time.monotonic() + DEADLINE
        while server.poll() is None and time.monotonic() < end:
            try:
                client.send(QUERY)
                return client.recv(512)
            except TimeoutError:
                continue
            except ConnectionRefusedError:
                time.sleep(0.01)
    return None


def main():
    # Another program may take the port before the server does.
    for _ in range(5):
        port = free_port()
        server = subprocess.Popen([sys.argv[1], str(port), sys.argv[2]], stdout=subprocess.PIPE, text=True)
        try:
            response = answer(server, port)
            if response is not None:
                break
            if server.poll() is None:
                sys.exit(f"no answer within {DEADLINE} s")
        finally:
            if response is None:
                server.kill()
                server.wait()
    else:
        sys.exit("the server has not started")
    if response[:2] != QUERY[:2] or response[3] & 15 != 5:
        sys.exit(f"not a refusal: {response.hex()}")
    server.send_signal(signal.SIGTERM)
    try:
        printed, _ = server.communicate(timeout=DEADLINE)
    except subprocess.TimeoutExpired:
        server.kill()
        sys.exit("the server does not end")
    print(printed, end="")


main()
