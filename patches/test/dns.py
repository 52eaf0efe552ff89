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
NOERROR, FORMERR, SERVFAIL, NXDOMAIN, NOTIMPL, REFUSED = range(6)
# Types.
A, NS, SOA, NULL, TXT, AAAA, OPT, DS, NSEC, DNSKEY, IXFR, AXFR = 1, 2, 6, 10, 16, 28, 41, 43, 47, 48, 251, 252
# Classes.
IN, CH = 1, 3
# Opcodes.
IQUERY, STATUS, NOTIFY, UPDATE = 1, 2, 4, 5


def wire_name(name):
    """Returns a domain name in wire format."""
    return b"".join(bytes([len(label)]) + label.encode() for label in name.rstrip(".").split(".") if label) + b"\0"


def query(name, kind=TXT, opcode=0, rd=True, group=IN, options=None, version=0):
    """Returns a query (RFC 1035, section 4.1) of a class (`group`), with an OPT record if there are `options` in wire format."""
    header = struct.pack("!HHHHHH", random.randrange(65536), opcode << 11 | rd << 8, 1, 0, 0, options is not None)
    edns = b"" if options is None else struct.pack("!BHHIH", 0, OPT, 1232, version << 16, len(options)) + options
    return header + wire_name(name) + struct.pack("!HH", kind, group) + edns


def proxy_header(client=None, protocol="UDP"):
    """Returns a header of the PROXY protocol, version 2, for the address and port of a client, or LOCAL without one."""
    start = b"\r\n\r\n\0\r\nQUIT\n"
    if not client:
        return start + b"\x20\0\0\0"
    family, server = (socket.AF_INET6, "2001:db8::53") if ":" in client[0] else (socket.AF_INET, "192.0.2.53")
    addresses = b"".join(socket.inet_pton(family, host) for host in (client[0], server)) + struct.pack("!HH", client[1], 53)
    kind = (0x20 if family == socket.AF_INET6 else 0x10) + (2 if protocol == "UDP" else 1)
    return start + struct.pack("!BBH", 0x21, kind, len(addresses)) + addresses


def proxied(client, message):
    """Returns a message over UDP after a header of the PROXY protocol."""
    return proxy_header(client) + message


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


def answer(message, ttl=60, rcode=NOERROR, flags=0x8400, answers=None, authority=(), additional=()):
    """Returns a response without an OPT record, by default with QR, AA and a TXT record for the name in the question."""
    end = message.index(b"\0", 12) + 5
    if answers is None:
        answers = [record(b"\xc0\x0c", TXT, b"\x01x", ttl)]
    flags |= rcode | struct.unpack_from("!H", message, 2)[0] & 0x7910
    header = message[:2] + struct.pack("!HHHHH", flags, 1, len(answers), len(authority), len(additional))
    return header + message[12:end] + b"".join([*answers, *authority, *additional])


def record(owner, kind, data, ttl=60):
    """Returns a resource record of a name, in wire format or not."""
    return (wire_name(owner) if isinstance(owner, str) else owner) + struct.pack("!HHIH", kind, IN, ttl, len(data)) + data


def connect(protocol, host, port, source="", source_port=0, before=b""):
    """Returns a new socket at the address `source` that is connected for a protocol. HTTP is DOH without TLS. `before` is written to a
    stream before TLS."""
    plain = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM if protocol == "UDP" else socket.SOCK_STREAM)
    plain.settimeout(DEADLINE)
    plain.bind((source, source_port))
    plain.connect((host, port))
    if before:
        plain.sendall(before)
    if protocol not in ("DOT", "DOH"):
        return plain
    context = ssl._create_unverified_context()
    context.set_alpn_protocols(["h2"] if protocol == "DOH" else [])
    return context.wrap_socket(plain)


def send(stream, protocol, message, header=b""):
    """Sends a message to where connect() has connected, after a header of the PROXY protocol, if there is one. Unbound expects that in
    a record of TLS of its own."""
    if header and protocol != "UDP":
        stream.sendall(header)
        header = b""
    stream.sendall(header + over_stream(protocol, [message]))


def receive(stream, protocol):
    """Returns the next message from where connect() has connected."""
    if protocol == "UDP":
        return stream.recv(65535)
    return read_body(stream) if protocol in ("DOH", "HTTP") else read_message(stream)


def ask(protocol, host, port, name, message=None, source="", header=b""):
    """Asks over UDP, TCP, DOT, DOH or HTTP, which is DOH without TLS, from a new socket at the address `source`, by default for
    TXT; after a header of the PROXY protocol, if there is one."""
    message = message or query(name)
    with connect(protocol, host, port, source) as stream:
        client = stream.getsockname()[:2]
        sent = time.time()
        send(stream, protocol, message, header)
        response = receive(stream, protocol)
        return Exchange(name, protocol, message, response, client, (host, port), sent, time.time())


def read_frames(stream):
    """Yields the type, flags, stream and payload of each frame of HTTP/2."""
    while True:
        head = read_exactly(stream, 9)
        yield head[3], head[4], int.from_bytes(head[5:], "big"), read_exactly(stream, int.from_bytes(head[:3], "big"))


def read_body(stream):
    """Reads the frames of HTTP/2 until a stream ends, and returns their DATA, without padding, which named and Unbound do
    not send."""
    data = b""
    for kind, flags, _, payload in read_frames(stream):
        if kind == 0:
            data += payload
        if kind in (0, 1) and flags & 1:
            break
    return data


def ask_https(host, port, name):
    """Asks over DNS over HTTPS with kdig, which does not print the bytes and its port."""
    sent = time.time()
    answer = subprocess.run(["kdig", "+https", f"@{host}", "-p", str(port), name, "TXT", "+timeout=20"], check=True,
                            capture_output=True, text=True).stdout
    assert "status: NOERROR" in answer, answer
    return Exchange(name, "DOH", None, None, (host, None), (host, port), sent, time.time())


def over_stream(protocol, messages, path="/dns-query"):
    """Returns what a client writes to a connection to ask all `messages`, over UDP the only one, and over HTTP as GET requests of
    HTTP/2 (RFC 9113)."""
    if protocol == "UDP":
        return messages[0]
    if protocol not in ("DOH", "HTTP"):
        return b"".join(struct.pack("!H", len(message)) + message for message in messages)

    targets = (f"{path}?dns=" + base64.urlsafe_b64encode(message).decode().rstrip("=") for message in messages)
    return HTTP_START + b"".join(http_frame(1, 5, 2 * n + 1, http_headers("GET", target)) for n, target in enumerate(targets))


def http_frame(kind, flags, stream, payload):
    """Returns a frame of HTTP/2 (RFC 9113, section 4.1)."""
    return struct.pack("!I", len(payload))[1:] + struct.pack("!BBI", kind, flags, stream) + payload


def http_headers(method, target, *more):
    """Returns header fields, as literals without indexing and without compression (RFC 7541, section 6.2.2)."""
    fields = (":method", method), (":scheme", "https"), (":authority", "localhost"), (":path", target), *more
    return b"".join(b"\0" + b"".join(bytes([len(text)]) + text.encode() for text in field) for field in fields)


# The preface of a client, with empty settings.
HTTP_START = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + http_frame(4, 0, 0, b"")


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
