# SPDX-License-Identifier: MIT OR Apache-2.0
"""Messages that are expected to be logged, and their comparison with those that were, in all fields."""

import collections
import threading
from dataclasses import dataclass

import tap

# Seconds: times in floating point are not exact; and the longest between an event and the time that is logged, on a busy machine.
ROUNDING, LATE = 1e-5, 10


@dataclass
class Expected:
    """A message that has to be logged because of `path`. The ends are the address, None if it is not logged, and the port. The
    message is logged between the times `since` and `until`, in seconds since 1970."""

    path: str
    type: str
    protocol: str
    query_end: tuple
    response_end: tuple
    wire: bytes
    since: float
    until: float
    zone: str | None = None
    policy: dict | None = None
    http: int | None = None
    answered: bool = False

    def fields(self):
        """Returns all fields but times."""
        policy = self.policy and tuple(sorted(self.policy.items()))
        return (self.type, self.protocol, *self.query_end, *self.response_end, self.zone, policy, self.http, self.answered,
                self.wire.hex())


def found(message):
    """Returns the fields of a message as those of an Expected."""
    policy = message["policy"] and tuple(sorted(message["policy"].items()))
    return (message["type"], message["socket_protocol"], message.get("query_address"), message.get("query_port"),
            message.get("response_address"), message.get("response_port"), message.get("query_zone"), policy, message["http"],
            message["answered"], message["wire"].hex())


class Journal:
    """Keeps the messages that are expected while a test runs. Several threads may add to it."""

    def __init__(self):
        self.lock, self.expected, self.path = threading.Lock(), [], None

    def add(self, kind, protocol, query_end, response_end, wire, since, until=None, **more):
        """Adds a message, which is logged within LATE unless `until` is given."""
        until = since + LATE if until is None else until
        with self.lock:
            self.expected.append(Expected(self.path, kind, protocol, query_end, response_end, wire, since, until, **more))

    def complete(self, stats):
        """Returns whether as many messages as expected are logged and sent."""
        with self.lock:
            return stats["logged"] == stats["sent"] == len(self.expected)

    def check(self, messages, who):
        """Compares all messages with the expected ones: fields, times and identity."""
        wanted = collections.defaultdict(list)
        for one in self.expected:
            wanted[one.fields()].append(one)
        logged = collections.defaultdict(list)
        for message in messages:
            logged[found(message)].append(message)
        missing = [one for fields, same in wanted.items() for one in same[len(logged[fields]):]]
        more = [message for fields, same in logged.items() for message in same[len(wanted[fields]):]]
        text = [f"not logged, {one.path}: {one.fields()}" for one in missing]
        text += [f"not expected, {message['name']}: {found(message)}" for message in more]
        assert not text, "\n" + "\n".join(text)
        for fields, same in logged.items():
            for message, one in zip(sorted(same, key=tap.moment), sorted(wanted[fields], key=lambda one: one.since), strict=True):
                at = tap.moment(message)
                assert one.since - ROUNDING <= at <= one.until + ROUNDING, (one, at, message)
        self.check_pairs(messages)
        assert {message["who"] for message in messages} == {who}, {message["who"] for message in messages}

    def check_pairs(self, messages):
        """Checks that each response has the time of a query with the same ends, and queries have no other time."""
        asked = collections.defaultdict(set)
        for message in messages:
            if message["type"].endswith("QUERY"):
                assert "response_time" not in message, message
                asked[self.exchange(message)].add(message["query_time_fields"])
        for message in messages:
            if message["type"].endswith("RESPONSE"):
                assert message["query_time_fields"] in asked[self.exchange(message)], message
                assert message["query_time"] <= message["response_time"], message
            family = "INET6" if ":" in message["query_address"] else "INET"
            assert message["socket_family"] == family, message

    @staticmethod
    def exchange(message):
        ends = (message.get(f"{end}_{part}") for end in ("query", "response") for part in ("address", "port"))
        return message["type"].partition("_")[0], message["socket_protocol"], *ends
