# SPDX-License-Identifier: MIT OR Apache-2.0
"""A network of two interfaces for XDP, which cannot use the loopback interface."""

import contextlib
import ctypes
import os
import socket
import subprocess

from process import Process

CLONE_NEWNET, AF_XDP = 0x40000000, 44
LIBC = ctypes.CDLL(None, use_errno=True)


def call(function, *arguments):
    if getattr(LIBC, function)(*arguments) != 0:
        raise OSError(ctypes.get_errno(), f"{function}: {os.strerror(ctypes.get_errno())}")


def ip(*arguments):
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True)
    if done.returncode:
        raise OSError(f"ip {' '.join(arguments)}: {done.stderr.strip()}")


class Network:
    """Two connected interfaces, each in a network namespace of its own: `server`, which this thread uses during a `with` block, and
    `client`. They are gone with the last program in them. It is an OSError if they cannot be made here, or XDP is missing."""

    def __init__(self, server, clients):
        self.server, self.clients = server, clients

    def __enter__(self):
        outside = os.open("/proc/self/ns/net", os.O_RDONLY)
        with contextlib.ExitStack() as stack:
            stack.callback(os.close, outside)
            call("unshare", CLONE_NEWNET)
            stack.callback(call, "setns", outside, CLONE_NEWNET)
            socket.socket(AF_XDP, socket.SOCK_RAW).close()
            self.client = os.open("/proc/self/ns/net", os.O_RDONLY)
            stack.callback(os.close, self.client)
            # A namespace can be named by a process in it.
            with Process("sleep", "inf") as process:
                call("unshare", CLONE_NEWNET)
                ip("link", "set", "lo", "up")
                ip("link", "add", "server", "type", "veth", "peer", "name", "client", "netns", str(process.child.pid))
            ip("address", "add", f"{self.server}/16", "dev", "server")
            ip("link", "set", "server", "up")
            with self.at_client():
                ip("link", "set", "lo", "up")
                for client in self.clients:
                    ip("address", "add", f"{client}/16", "dev", "client")
                ip("link", "set", "client", "up")
            self.stack = stack.pop_all()
        return self

    def __exit__(self, *error):
        self.stack.close()

    @contextlib.contextmanager
    def at_client(self):
        """Lets this thread, and programs that it starts, use the client's interface."""
        inside = os.open("/proc/self/ns/net", os.O_RDONLY)
        call("setns", self.client, CLONE_NEWNET)
        try:
            yield
        finally:
            call("setns", inside, CLONE_NEWNET)
            os.close(inside)
