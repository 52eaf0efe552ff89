# SPDX-License-Identifier: MIT OR Apache-2.0
"""Packets: tshark on the loopback interface, the DNS messages in its capture, and their comparison with those that were logged."""

import collections
import pathlib
import signal
import socket
import struct
import subprocess
from dataclasses import dataclass

import tap
from process import Process, free_port, until

# Seconds: times of packets are rounded, and the longest between a packet and the time that is logged, on a busy machine.
ROUNDING, LATE = 1e-5, 10

FIELDS = ("frame.time_epoch", "ip.src", "ip.dst", "ipv6.src", "ipv6.dst", "udp.srcport", "udp.dstport", "udp.payload",
          "tcp.srcport", "tcp.dstport", "tcp.stream", "tcp.seq", "tcp.payload", "udp.stream", "quic.frame_type",
          "quic.stream.stream_id", "quic.stream.offset", "quic.stream_data")


@dataclass
class Seen:
    """A DNS message of a packet, or of an encrypted stream, in which its time is not known."""

    protocol: str
    client: tuple
    server: tuple
    wire: bytes
    time: float | None

    def is_query(self):
        return self.wire[2:3] < b"\x80"

    def opcode(self):
        return self.wire[2] >> 3 & 15


def logged(message):
    """Returns the part of a message that is compared with packets."""
    client, server = ((message[f"{end}_address"], message[f"{end}_port"]) for end in ("query", "response"))
    return message["type"], message["socket_protocol"], client, server, message["wire"]


class Packets(Process):
    """Captures the packets to and from the ports of a server, which are mapped to protocols; DNS is both UDP and TCP. Encrypted
    messages are read with the keys that TLS libraries write to SSLKEYLOGFILE, the file `keylog`."""

    def __init__(self, folder, protocols, interface="lo", address="127.0.0.1"):
        """Captures at an interface, at which packets for the address are seen."""
        self.protocols, self.address = protocols, address
        self.path = pathlib.Path(folder, "packets.pcapng")
        self.keys = pathlib.Path(folder, "keylog")
        self.probe_port = free_port()
        ports = " or ".join(f"port {port}" for port in [*protocols, self.probe_port])
        # The probe is not dissected, whatever protocol its port is known for.
        plain = f"udp.port=={self.probe_port},data"
        # The buffer of 2 MiB that is the default loses packets when tshark does not run for two seconds, or at 16 long ones.
        super().__init__("tshark", "-l", "-P", "-B", "64", "-i", interface, "-f", ports, "-d", plain, "-w", self.path)

    def await_ready(self):
        self.await_probe()

    def await_probe(self):
        """Sends packets to an unused port until one is captured: then all packets before it have been."""
        before = self.log().count(f" {self.probe_port} ")

        def probed():
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
                probe.sendto(b"probe", (self.address, self.probe_port))
            return self.log().count(f" {self.probe_port} ") > before

        until("tshark sees a probe", probed)

    def stop(self):
        self.await_probe()
        self.child.send_signal(signal.SIGINT)
        self.await_end()
        assert " dropped from " not in self.log(), "tshark has lost packets"

    def tshark(self, *arguments):
        decode = {"DNS": "tcp.port=={},data", "DOT": "tcp.port=={},tls", "DOH": "tcp.port=={},tls", "DOQ": "udp.port=={},quic"}
        rules = [word for port, protocol in self.protocols.items() for word in ("-d", decode[protocol].format(port))]
        return subprocess.run(["tshark", "-r", self.path, "-o", f"tls.keylog_file:{self.keys}", *rules, *arguments], check=True,
                              capture_output=True, text=True).stdout

    def messages(self):
        """Returns all DNS messages: those over UDP in the order of packets, then those of each stream."""
        rows = []
        fields = [word for field in FIELDS for word in ("-e", field)]
        for line in self.tshark("-T", "fields", "-E", "separator=/s", "-E", "quote=d", "-E", "occurrence=a", *fields).splitlines():
            rows.append(dict(zip(FIELDS, (value.strip('"') for value in line.split(" ")))))
        found = []
        streams = collections.defaultdict(list)
        for row in rows:
            hosts = [row[f"ip.{end}"] or row[f"ipv6.{end}"] for end in ("src", "dst")]
            below = "udp" if row["udp.srcport"] else "tcp"
            source, target = zip(hosts, (int(row[f"{below}.{end}port"]) for end in ("src", "dst")))
            incoming = target[1] in self.protocols
            client, server = (source, target) if incoming else (target, source)
            protocol = self.protocols.get(server[1])
            if protocol == "DNS":
                protocol = below.upper()
            if protocol == "UDP":
                found.append(Seen(protocol, client, server, bytes.fromhex(row["udp.payload"]), float(row["frame.time_epoch"])))
            elif protocol:
                streams[protocol, client, server, row[f"{below}.stream"]].append((incoming, row))
        for (protocol, client, server, number), packets in streams.items():
            for wire, time in getattr(self, protocol.lower())(number, packets):
                found.append(Seen(protocol, client, server, wire, time))
        return found

    def check(self, messages, kind, only="", sent_late=False):
        """Compares messages with the packets. There has to be one message for each DNS message, with the same ends and bytes.
        `kind` maps one of the packets to the type to be logged, such as AUTH; packets of other types than `only` do not count.

        A received message is logged after its packet, and a sent one before; with `sent_late`, a sent one may be logged after its
        packet. A response has the time of its query."""

        def of_packet(seen):
            return f"{kind(seen)}_{'QUERY' if seen.is_query() else 'RESPONSE'}", seen.protocol, seen.client, seen.server, seen.wire

        packets = [packet for packet in self.messages() if kind(packet).startswith(only)]
        expected, found = collections.Counter(map(of_packet, packets)), collections.Counter(map(logged, messages))
        assert found == expected, f"not on the wire: {found - expected}, not logged: {expected - found}"
        times = {of_packet(seen): seen.time for seen in packets}
        asked = collections.defaultdict(set)
        for message in messages:
            if message["type"].endswith("QUERY"):
                asked[message["query_port"]].add(message["query_time"])
        for message in messages:
            assert message["socket_family"] == ("INET6" if ":" in message["query_address"] else "INET"), message
            assert message["http"] == (2 if message["socket_protocol"] == "DOH" else None), message
            of_client, at, time = message["type"].startswith(("AUTH", "CLIENT", "UPDATE")), tap.moment(message), times[logged(message)]
            if time is not None:
                received = message["type"].endswith("QUERY") == of_client
                after = at - time if received else time - at
                assert -(LATE if sent_late and not received else ROUNDING) <= after < LATE, (message, time)
            if message["type"].endswith("RESPONSE"):
                assert message["query_time"] in asked[message["query_port"]] and message["query_time"] <= at, message
            else:
                assert "response_time" not in message, message

    def tcp(self, _number, packets):
        for direction in True, False:
            segments = []
            for incoming, row in packets:
                if incoming == direction and row["tcp.payload"]:
                    segments.append((int(row["tcp.seq"]) - 1, float(row["frame.time_epoch"]), bytes.fromhex(row["tcp.payload"])))
            data, times = b"", []
            for offset, time, payload in sorted(segments):
                assert offset <= len(data), "a segment is missing"
                # A segment may be sent again, in whole or in part.
                data += payload[len(data) - offset:]
                times.append((len(data), time))
            end = 0
            for wire in split(data):
                end += 2 + len(wire)
                yield wire, next(time for upto, time in times if upto >= end)

    def dot(self, number, _packets):
        for data in self.decrypted(number):
            yield from ((wire, None) for wire in split(data))

    def doh(self, number, _packets):
        for data in self.decrypted(number):
            yield from ((wire, None) for wire in bodies(data))

    def doq(self, _number, packets):
        """Yields the messages of a QUIC connection: each query has its own stream (RFC 9250, section 4.2), and frames may be repeated."""
        pieces = collections.defaultdict(dict)
        for incoming, row in packets:
            kinds, ids, offsets, data = (iter(row[f"quic.{field}"].split(",") if row[f"quic.{field}"] else [])
                                         for field in ("frame_type", "stream.stream_id", "stream.offset", "stream_data"))
            # STREAM frames, of which those without the bit OFF begin their stream (RFC 9000, section 19.8).
            for kind in (int(kind, 0) for kind in kinds):
                if kind in range(8, 16):
                    offset = int(next(offsets)) if kind & 4 else 0
                    stream, piece = pieces[next(ids), incoming], bytes.fromhex(next(data, ""))
                    stream[offset] = max(stream.get(offset, b""), piece, key=len)
        for parts in pieces.values():
            whole = b""
            for offset, piece in sorted(parts.items()):
                assert offset <= len(whole), "a piece of a stream is missing"
                whole = whole[:offset] + piece + whole[offset + len(piece):]
            yield from ((wire, None) for wire in split(whole))

    def decrypted(self, number):
        """Returns both directions of a TLS connection, of which tshark indents the lines of one."""
        lines = self.tshark("-q", "-z", f"follow,tls,raw,{number}").splitlines()
        begin = next(at for at, line in enumerate(lines) if line.startswith("Node 1")) + 1
        both = bytearray(), bytearray()
        for line in lines[begin:]:
            if not line.startswith("="):
                both[line.startswith("\t")].extend(bytes.fromhex(line.strip()))
        return [bytes(direction) for direction in both]


def split(data):
    """Yields messages that follow their lengths (RFC 1035, section 4.2.2)."""
    at = 0
    while at < len(data):
        (length,) = struct.unpack_from("!H", data, at)
        assert at + 2 + length <= len(data), "a message is cut off"
        yield data[at + 2 : at + 2 + length]
        at += 2 + length


def bodies(data):
    """Returns the content of the DATA frames of each HTTP/2 stream (RFC 9113, sections 3.4 and 4.1)."""
    preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    at = len(preface) if data.startswith(preface) else 0
    streams = collections.defaultdict(bytes)
    while at < len(data):
        length, kind, flags, stream = int.from_bytes(data[at : at + 3], "big"), data[at + 3], data[at + 4], data[at + 5 : at + 9]
        if kind == 0 and length:
            assert not flags & 8, "padded"
            streams[stream] += data[at + 9 : at + 9 + length]
        at += 9 + length
    return streams.values()
