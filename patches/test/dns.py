# SPDX-License-Identifier: MIT OR Apache-2.0
"""A client that keeps its exchanges, and an upstream server that speaks TLS."""

import base64
import os
import random
import socket
import ssl
import struct
import subprocess
import threading
import time
from dataclasses import dataclass

from process import DEADLINE

# Response codes.
NOERROR, SERVFAIL, NXDOMAIN, REFUSED = 0, 2, 3, 5
# Types.
A, SOA, TXT, IXFR, AXFR = 1, 6, 16, 251, 252
# Opcodes.
IQUERY, NOTIFY, UPDATE = 1, 4, 5


def query(name, kind=TXT, opcode=0):
    """Returns a query with RD (RFC 1035, section 4.1)."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.rstrip(".").split("."))
    header = struct.pack("!HHHHHH", random.randrange(65536), opcode << 11 | 0x0100, 1, 0, 0, 0)
    return header + labels + b"\0" + struct.pack("!HH", kind, 1)


def proxied(client, message):
    """Returns a message after a header of the PROXY protocol, version 2."""
    family, kind, server = (socket.AF_INET6, 0x22, "2001:db8::53") if ":" in client[0] else (socket.AF_INET, 0x12, "192.0.2.53")
    addresses = socket.inet_pton(family, client[0]) + socket.inet_pton(family, server) + struct.pack("!HH", client[1], 53)
    return b"\r\n\r\n\0\r\nQUIT\n\x21" + struct.pack("!BH", kind, len(addresses)) + addresses + message


@dataclass
class Exchange:
    """One query and its answer, as the client saw them. Times in seconds since 1970."""

    name: str
    protocol: str
    query: bytes
    response: bytes
    client: tuple
    server: tuple
    sent: float
    received: float


def code(response):
    """Returns the response code in the header."""
    return response[3] & 15


def read_exactly(stream, length):
    data = b""
    while len(data) < length:
        piece = stream.recv(length - len(data))
        assert piece, "closed in the middle"
        data += piece
    return data


def read_message(stream):
    """Reads a message with its length before it (RFC 1035, section 4.2.2)."""
    return read_exactly(stream, struct.unpack("!H", read_exactly(stream, 2))[0])


def answer(message):
    """Returns a response with a TXT record for the name in the question: QR and AA, and no OPT record."""
    end = message.index(b"\0", 12) + 5
    record = b"\xc0\x0c" + struct.pack("!HHIH", TXT, 1, 60, 2) + b"\x01x"
    return message[:2] + b"\x84\0" + message[4:6] + b"\0\1" + bytes(4) + message[12:end] + record


def ask(protocol, host, port, name, message=None, source=""):
    """Asks over UDP, TCP or DOT, from a new socket at the address `source`, by default for TXT."""
    message = message or query(name)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM if protocol == "UDP" else socket.SOCK_STREAM) as plain:
        plain.settimeout(DEADLINE)
        plain.bind((source, 0))
        plain.connect((host, port))
        client = plain.getsockname()[:2]
        sent = time.time()
        if protocol == "UDP":
            plain.send(message)
            response = plain.recv(65535)
        else:
            stream = plain
            if protocol == "DOT":
                stream = ssl._create_unverified_context().wrap_socket(plain)
            sent = time.time()
            stream.sendall(struct.pack("!H", len(message)) + message)
            response = read_message(stream)
        return Exchange(name, protocol, message, response, client, (host, port), sent, time.time())


def ask_https(host, port, name):
    """Asks over DNS over HTTPS with kdig, which does not print the bytes and its port."""
    sent = time.time()
    answer = subprocess.run(["kdig", "+https", f"@{host}", "-p", str(port), name, "TXT", "+timeout=20"], check=True,
                            capture_output=True, text=True).stdout
    assert "status: NOERROR" in answer, answer
    return Exchange(name, "DOH", None, None, (host, None), (host, port), sent, time.time())


def over_stream(protocol, messages):
    """Returns what a client writes to a connection to ask all `messages`, over HTTPS as GET requests of HTTP/2 (RFC 9113)."""
    if protocol != "DOH":
        return b"".join(struct.pack("!H", len(message)) + message for message in messages)

    def frame(kind, flags, stream, payload):
        return struct.pack("!I", len(payload))[1:] + struct.pack("!BBI", kind, flags, stream) + payload

    def headers(message):
        path = "/dns-query?dns=" + base64.urlsafe_b64encode(message).decode().rstrip("=")
        fields = (":method", "GET"), (":scheme", "https"), (":authority", "localhost"), (":path", path)
        # Literals without indexing and without compression (RFC 7541, section 6.2.2).
        return b"".join(b"\0" + b"".join(bytes([len(text)]) + text.encode() for text in field) for field in fields)

    requests = (frame(1, 5, 2 * n + 1, headers(message)) for n, message in enumerate(messages))
    return b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0, b"") + b"".join(requests)


class TlsServer:
    """Answers every query over TLS with a TXT record; an empty answer would make later releases of Unbound ask again."""

    def __init__(self, folder):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(f"{folder}/certificate.pem", f"{folder}/key.pem")
        self.context.keylog_filename = os.environ["SSLKEYLOGFILE"]
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            connection = self.listener.accept()[0]
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        with self.context.wrap_socket(connection, server_side=True) as stream:
            while True:
                try:
                    message = read_message(stream)
                except (AssertionError, OSError):
                    return
                response = answer(message)
                stream.sendall(struct.pack("!H", len(response)) + response)
