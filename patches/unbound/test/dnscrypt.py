# SPDX-License-Identifier: MIT OR Apache-2.0
"""DNSCrypt (protocol version 2, X25519-XSalsa20Poly1305): keys for a server, a client, and the messages of the server."""

import os
import pathlib
import socket
import struct
import time

import tap
from dns import query, read_message
from nacl.public import Box, PrivateKey, PublicKey
from peers import Capture
from process import free_port
from unbound import VERSION, Unbound

MAGIC_QUERY = b"magicqry"
# From this release on, an answer over TCP after recursion does not corrupt the memory of Unbound.
FIXED = 1, 25, 2


class Crypt:
    """A key pair of the server in `folder`, with its certificate, whose signature is not checked here."""

    def __init__(self, folder):
        key = PrivateKey.generate()
        self.public = bytes(key.public_key)
        now = int(time.time())
        content = self.public + MAGIC_QUERY + struct.pack("!III", 1, now - 60, now + 3600)
        pathlib.Path(folder, "crypt.key").write_bytes(bytes(key))
        pathlib.Path(folder, "crypt.cert").write_bytes(b"DNSC" + struct.pack("!HH", 1, 0) + bytes(64) + content)
        self.port = free_port()
        self.configuration = f"""
server:
    interface: 127.0.0.1@{self.port}
dnscrypt:
    dnscrypt-enable: yes
    dnscrypt-port: {self.port}
    dnscrypt-provider: 2.dnscrypt-cert.example.
    dnscrypt-secret-key: {folder}/crypt.key
    dnscrypt-provider-cert: {folder}/crypt.cert"""

    def ask(self, protocol, message):
        """Sends a query, and returns the answer."""
        mine = PrivateKey.generate()
        box = Box(mine, PublicKey(self.public))
        nonce = os.urandom(12)
        padded = message + b"\x80" + bytes(255 - len(message))
        sealed = MAGIC_QUERY + bytes(mine.public_key) + nonce + box.encrypt(padded, nonce + bytes(12)).ciphertext
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM if protocol == "UDP" else socket.SOCK_STREAM) as client:
            client.settimeout(20)
            client.connect(("127.0.0.1", self.port))
            if protocol == "UDP":
                client.send(sealed)
                response = client.recv(65535)
            else:
                client.sendall(struct.pack("!H", len(sealed)) + sealed)
                response = read_message(client)
        return box.decrypt(response[32:], response[8:32]).rstrip(b"\0")[:-1]


def test_dnscrypt(folder):
    """A query and its answer over DNSCrypt are logged decrypted, from the cache and after recursion."""
    with Capture(folder) as capture:
        crypt = Crypt(folder)
        with Unbound(folder, crypt.configuration) as unbound:
            asked = [("UDP", "first"), ("UDP", "first"), ("TCP", "first")]
            if VERSION >= FIXED:
                asked += [("TCP", "second"), ("TCP", "second")]
            cases = []
            for protocol, name in asked:
                message = query(f"{name}.example")
                cases.append((protocol, message, crypt.ask(protocol, message)))
            stats = unbound.stats()
            assert stats["dropped.invalid"] == 0 and stats["type.CLIENT_RESPONSE"] == len(cases), stats
            unbound.stop()
        messages = [message for message in capture.read() if message["type"].startswith("CLIENT")]
        messages.sort(key=tap.moment)
        assert len(messages) == 2 * len(cases)
        for (protocol, message, response), asked, answered in zip(cases, messages[::2], messages[1::2]):
            assert asked["socket_protocol"] == answered["socket_protocol"] == f"DNSCRYPT_{protocol}", asked
            assert asked["wire"] == message and answered["wire"] == response, (asked, answered)
