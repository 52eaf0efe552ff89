# SPDX-License-Identifier: MIT OR Apache-2.0
"""A wrong configuration of dnstap: the server runs without dnstap, and unbound-checkconf reports the error."""

from dns import NOERROR, code
from peers import Capture
from unbound import Unbound

# Wrong settings, and the message for each.
BROKEN = [
    ("dnstap-ip: nonsense", "dnstap-ip: nonsense"),
    ("dnstap-ip: 127.0.0.1@0", "from 1 to 65535"),
    (f"dnstap-socket-path: /{'x' * 200}", "at most 107 bytes"),
    ('dnstap-socket-path: ""', "no dnstap-socket-path"),
    ("dnstap-socket-path: /etc/passwd", "/etc/passwd"),
    ("dnstap-ip: 127.0.0.1@6000\n    dnstap-tls-cert-bundle: /nowhere.pem", "/nowhere.pem"),
    ("dnstap-ip: 127.0.0.1@6000\n    dnstap-tls-cert-bundle: /etc/passwd", "/etc/passwd"),
    ("dnstap-queue-size: 1", "dnstap-queue-size: memory size from 4k to 1024m"),
]
WITHOUT = "the server runs without dnstap"


def answers(unbound, name):
    assert code(unbound.ask(name).response) == NOERROR


def test_broken(folder):
    """A start with a wrong configuration."""
    for wrong, said in BROKEN:
        with Unbound(folder, wrong) as unbound:
            answers(unbound, "broken.example")
            assert said in unbound.log() and WITHOUT in unbound.log(), unbound.log()
            checked = unbound.check("")
            assert checked and said in checked, checked
            assert "dnstap" not in unbound.control("stats_noreset")
            unbound.stop()


def test_broken_reload(folder):
    """A reload with a wrong configuration, after which earlier messages are sent, and one with a right configuration."""
    with Capture(folder) as capture, Unbound(folder) as unbound:
        right = unbound.configuration.read_text()
        assert unbound.check("") is None
        answers(unbound, "0.example")
        for n, (wrong, said) in enumerate(BROKEN[:3], 1):
            unbound.configuration.write_text(f"{right}\ndnstap:\n    {wrong}\n")
            unbound.reload()
            answers(unbound, f"without{n}.example")
            assert unbound.log().count(WITHOUT) == n and said in unbound.log(), unbound.log()
            unbound.configuration.write_text(right)
            unbound.reload()
            answers(unbound, f"{n}.example")
        unbound.stop()
        names = {message["name"] for message in capture.read()}
        assert names == {f"{n}.example" for n in range(4)}, names
        assert unbound.closed() == [(4, 4)] * 4, unbound.closed()
