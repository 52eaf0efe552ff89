# SPDX-License-Identifier: MIT OR Apache-2.0
"""Captured messages: Debian's `dnstap -j` for the fields, and the bytes that it does not print."""

import collections
import json
import pathlib
import struct
import subprocess
from datetime import datetime

from process import DEADLINE

# Numbers of fields in the schema: those of Message, and those of Dnstap.
QUERY_SEC, QUERY_NSEC, QUERY, RESPONSE, POLICY, HTTP = 8, 9, 10, 14, 15, 16
EXTRA, MESSAGE = 3, 14
# The action of a policy that drops the query.
DROP = 4
# Protocols that Debian's dnstap prints as numbers.
PROTOCOLS = {"5": "DNSCRYPT_UDP", "6": "DNSCRYPT_TCP", "7": "DOQ"}


def frames(path):
    """Yields the payloads of the data frames of a file. A control frame has the length 0, then its own."""
    data = pathlib.Path(path).read_bytes()
    at = 0
    while at < len(data):
        (length,) = struct.unpack_from("!I", data, at)
        at += 4
        if length:
            yield data[at : at + length]
        else:
            (length,) = struct.unpack_from("!I", data, at)
            at += 4
        at += length


def fields(data):
    """Decodes protobuf without a schema: returns the value of each field by its number."""

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    at, found = 0, {}
    while at < len(data):
        key = varint()
        if key & 7 == 0:
            value = varint()
        elif key & 7 == 2:
            length = varint()
            value = data[at : at + length]
            at += length
        else:
            length = {1: 8, 5: 4}[key & 7]
            value = data[at : at + length]
            at += length
        found[key >> 3] = value
    return found


def seconds(text):
    """Parses a time of RFC 3339 with up to 9 decimals into seconds since 1970."""
    whole, _, fraction = text.rstrip("Z").partition(".")
    return datetime.fromisoformat(f"{whole}+00:00").timestamp() + float(f"0.{fraction or 0}")


def payloads(path):
    """Returns the fields of each message of a file by their numbers."""
    return [fields(fields(payload)[MESSAGE]) for payload in frames(path)]


def read(path):
    """Returns the messages of a file, with identity, version and the bytes in wire format."""
    printed = subprocess.run(["dnstap", "-j", "-r", path], capture_output=True, text=True, check=True).stdout
    events = [json.loads(line) for line in printed.splitlines()]
    outers = [fields(payload) for payload in frames(path)]
    assert len(events) == len(outers)
    messages = []
    for event, outer in zip(events, outers):
        message, inner = event["message"], fields(outer[MESSAGE])
        message["wire"] = inner.get(QUERY, inner.get(RESPONSE))
        message["http"] = inner.get(HTTP)
        message["socket_protocol"] = PROTOCOLS.get(message["socket_protocol"], message["socket_protocol"])
        message["policy"] = fields(inner[POLICY]) if POLICY in inner else None
        message["answered"] = RESPONSE in inner
        # A time in floating point is not exact.
        message["query_time_fields"] = inner.get(QUERY_SEC), inner.get(QUERY_NSEC)
        message["who"] = event.get("identity"), event.get("version")
        message["extra"] = outer.get(EXTRA)
        message["name"] = question(message["wire"])
        for time in "query_time", "response_time":
            if time in message:
                message[time] = seconds(message[time])
        messages.append(message)
    return messages


def question(wire):
    """Returns the name in the question section, or an empty one."""
    at, labels = 12, []
    if wire[4:6] == b"\0\0":
        return ""
    while at < len(wire) and wire[at]:
        labels.append(wire[at + 1 : at + 1 + wire[at]].decode(errors="replace"))
        at += 1 + wire[at]
    return ".".join(labels)


def question_type(wire):
    """Returns the type in the question section."""
    at = 12
    while wire[at]:
        at += 1 + wire[at]
    return struct.unpack_from("!H", wire, at + 1)[0]


def moment(message):
    """Returns the time at which the message was sent or received."""
    return message["query_time" if message["type"].endswith("QUERY") else "response_time"]


def counts(messages):
    """Returns the number of messages of each type."""
    return collections.Counter(message["type"] for message in messages)


def name(text):
    """Returns a domain name in wire format."""
    return b"".join(bytes([len(label)]) + label.encode() for label in text.split(".")) + b"\0"


def policy(rule=None, action=DROP, match=None, value=None, kind=b"RPZ"):
    """Returns the fields of a policy by their numbers. Rule and value are names, or a value in bytes."""
    in_order = [kind, rule, action, match, value]
    return {number: name(field) if isinstance(field, str) else field for number, field in enumerate(in_order, 1) if field is not None}


def policy_text(found):
    """Returns a policy as text, such as RRL:DROP."""
    actions = {1: "NXDOMAIN", 2: "NODATA", 3: "PASS", 4: "DROP", 5: "TRUNCATE", 6: "LOCAL_DATA"}
    return ":".join([found[1].decode(), actions[found[3]]])


def check_dropped(path, kind, expected):
    """Checks the queries that a server has dropped. Each of `expected`, a map from queries to their policies, has to be followed by
    one response of that type without a message, with the same context; all other responses have a message."""

    def context(message):
        ends = "query_address", "query_port", "response_address", "response_port"
        return [message[key] for key in ("wire", "socket_protocol", *ends, "query_time_fields")]

    found, asked = {}, {}
    for message in read(path):
        if message["type"].endswith("QUERY"):
            asked[message["wire"]] = context(message)
        elif message["type"] == kind and not message["answered"]:
            assert message["wire"] not in found, message
            assert context(message) == asked[message["wire"]] and message["query_time"] <= message["response_time"], message
            found[message["wire"]] = message["policy"]
    assert found == expected, (found, expected)


def check_readers(path, *more):
    """Checks that readers print all messages of a file: those of Debian, and `more` that print a line for each."""
    number = len(payloads(path))
    for reader in (["dnstap", "-q", "-r"], ["dnstap", "-j", "-r"], ["dnstap-ldns", "-q", "-r"], *more):
        done = subprocess.run([*reader, path], capture_output=True, text=True, timeout=DEADLINE)
        assert done.returncode == 0 and len(done.stdout.splitlines()) == number, (reader, done)
    done = subprocess.run(["dnstap", "-y", "-r", path], capture_output=True, text=True, timeout=DEADLINE)
    assert done.returncode == 0 and done.stdout.count("type: MESSAGE") == number, done
    done = subprocess.run(["kdig", "-G", path], capture_output=True, text=True, timeout=DEADLINE)
    assert done.returncode == 0 and read(path)[-1]["name"] in done.stdout, done
