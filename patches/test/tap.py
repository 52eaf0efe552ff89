# SPDX-License-Identifier: MIT OR Apache-2.0
"""What was captured: Debian's `dnstap -j` for the fields, and the bytes that it does not print."""

import json
import struct
import subprocess
from datetime import datetime

# Numbers of fields in the schema: those of the DNS messages, the policy and the version of HTTP, and that of Message in Dnstap.
QUERY, RESPONSE, POLICY, HTTP, MESSAGE = 10, 14, 15, 16, 14
# The action of a policy, and the one of dropping a response.
POLICY_ACTION, DROP = 3, 4


def frames(path):
    """The payloads of the data frames of a file. A control frame has length 0 and then its own."""
    data = path.read_bytes()
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
    """Protobuf without the schema: what each number of a field has."""

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
    """A time of RFC 3339 with up to 9 digits of a second, as seconds since 1970."""
    whole, _, fraction = text.rstrip("Z").partition(".")
    return datetime.fromisoformat(f"{whole}+00:00").timestamp() + float(f"0.{fraction or 0}")


def payloads(path):
    """The fields of each message of a file by their numbers."""
    return [fields(fields(payload)[MESSAGE]) for payload in frames(path)]


def read(path):
    """The messages of a file, with identity, version and the bytes in wire format."""
    printed = subprocess.run(["dnstap", "-j", "-r", path], capture_output=True, text=True, check=True).stdout
    events = [json.loads(line) for line in printed.splitlines()]
    inners = payloads(path)
    assert len(events) == len(inners)
    messages = []
    for event, inner in zip(events, inners):
        message = event["message"]
        message["wire"] = inner.get(QUERY, inner.get(RESPONSE))
        message["http"] = inner.get(HTTP)
        message["who"] = event.get("identity"), event.get("version")
        message["name"] = question(message["wire"])
        for time in "query_time", "response_time":
            if time in message:
                message[time] = seconds(message[time])
        messages.append(message)
    return messages


def question(wire):
    """The name in the question section; empty if there is none."""
    at, labels = 12, []
    if wire[4:6] == b"\0\0":
        return ""
    while wire[at]:
        labels.append(wire[at + 1 : at + 1 + wire[at]].decode())
        at += 1 + wire[at]
    return ".".join(labels)


def moment(message):
    """When the message was sent or received."""
    return message["query_time" if message["type"].endswith("QUERY") else "response_time"]
