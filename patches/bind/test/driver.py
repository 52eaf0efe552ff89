# SPDX-License-Identifier: MIT OR Apache-2.0
"""Runs a table of paths: drives each of them, and compares all fields of all messages that are logged."""

import contextlib
import struct
import threading

import dns
import tap
from dns import SOA, query, record, wire_name
from ends import Clients, compare
from process import DEADLINE, until
from server import total

WHO = ("me", "seven")
# The name in the question.
QUESTION = b"\xc0\x0c"


class Driver:
    """A named, its clients, and its upstream server, for one run of a table."""

    def __init__(self, bind, upstream=None):
        self.bind, self.upstream, self.clients = bind, upstream, Clients()
        self.later, self.threads = [], []

    def ask(self, name, protocol="UDP", host="127.0.0.1", source="", message=None, **more):
        """Asks from an address that selects a view, by default for TXT, and returns the exchange."""
        return self.clients.ask(protocol, (host, self.bind.ports[protocol]), message or query(name), source, **more)

    def in_background(self, *arguments, **more):
        self.threads.append(threading.Thread(target=self.ask, args=arguments, kwargs=more, daemon=True))
        self.threads[-1].start()

    def await_counter(self, name, number):
        until(f"{name} is {number}", lambda: self.bind.counter(name) >= number)

    def drive(self, path):
        """Drives a path: `path.drive` gets its first name, and may return a function that is called after all paths."""
        later = path.drive(self, path.names.split()[0])
        if later:
            self.later.append(later)


def run(bind, file, paths, upstream=None):
    """Drives the paths, and compares what is in the file when named has ended."""
    driver = Driver(bind, upstream)
    for path in paths:
        try:
            driver.drive(path)
        except (AssertionError, OSError) as error:
            raise AssertionError(f"{path.path}: {error}") from error
    for function in driver.later:
        function()
    for thread in driver.threads:
        thread.join(DEADLINE)
        assert not thread.is_alive(), "a query is not answered"
    expected = sum(path.expected({}).total() for path in paths)
    # What is missing is reported by the comparison.
    with contextlib.suppress(AssertionError):
        until("all is logged", lambda: total(bind.stats()) >= expected, 10)
    bind.stop()
    compare(tap.read(file), paths, driver.clients.exchanges + (upstream.exchanges if upstream else []), WHO)


def options(file):
    return f'dnstap {{ all; }}; dnstap-output file "{file}"; dnstap-identity "{WHO[0]}"; dnstap-version "{WHO[1]}";'


# How a path is driven.


def asks(expected=dns.NOERROR, **more):
    """Asks once, and expects a response code."""

    def drive(driver, name):
        found = dns.code(driver.ask(name, **more).responses[0])
        assert found == expected, f"response code {found}"

    return drive


def asks_for(kind, expected=dns.NOERROR, **more):
    """The same for a type."""
    return lambda driver, name: asks(expected, message=query(name, kind), **more)(driver, name)


def sends(message=None, **more):
    """Sends a query that is not answered."""
    return lambda driver, name: driver.ask(name, message=message, answers=0, **more) and None


def nothing(_driver, _name):
    """Does nothing: named asks by itself."""


def soa(zone, serial):
    """Returns the first record of a zone."""
    return record(zone, SOA, wire_name("ns.example") + wire_name("hostmaster.example") + struct.pack("!5I", serial, 3600, 600, 86400, 60))
