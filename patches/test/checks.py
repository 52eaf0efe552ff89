# SPDX-License-Identifier: MIT OR Apache-2.0
"""Tests that each server has to pass, as a subclass of Server: receivers that are late, killed, stopped or silent, and counters."""

import functools
import pathlib
import signal
import socket

import tap
from peers import Capture, TlsRelay
from process import free_port
from receivers import DeafReceiver, SilentReceiver
from server import dropped, total

# Seconds that a stop may take, whatever the receiver does: the close timeout of a second, and half a second for the writer thread.
LONGEST_STOP = 2


def of(server):
    """Returns the tests of this file for a server."""
    return {name: functools.partial(test, server) for name, test in globals().items() if name.startswith("test_")}


def check_exchanges(server, path, exchanges, messages):
    """Checks the numbers of messages in a file: a query and a response for each exchange, and those with upstream servers."""
    number = tap.counts(tap.read(path))
    assert number.total() == messages and number[server.TYPES[0]] == number[server.TYPES[1]] == exchanges, number
    assert server.MESSAGES > 2 or set(number) == set(server.TYPES), number


def test_load(server, folder):
    """Under load, each query and each response is logged once, and the counters agree."""
    with Capture(folder) as capture, server(folder) as running:
        with running.load(3, 20000) as load:
            asked = load.all_answered()
        stats = running.await_sent(asked)
        assert stats.get("connects", 1) == 1, stats
        running.stop()
        capture.stop()
        check_exchanges(server, capture.path, asked, stats["sent"])


def test_receiver_comes_later(server, folder):
    """Messages logged before there is a receiver are sent to it, and the log says what happens."""
    failed, connected = f"{folder}/tap: connecting: ", f"{folder}/tap: connected"
    with server(folder) as running:
        for n in range(50):
            running.ask(f"{n}.example")
        running.await_event(failed)
        stats = running.await_stats("all are waiting", lambda stats: running.exchanges(stats) == running.queries)
        assert stats["waiting"] == total(stats) == server.MESSAGES * running.queries, stats
        with Capture(folder) as capture:
            running.await_event(connected)
            stats = running.await_sent(running.queries)
            assert running.log().count(failed) == running.log().count(connected) == 1
            running.stop()
            capture.stop()
            check_exchanges(server, capture.path, running.queries, stats["sent"])


def test_receiver_killed(server, folder):
    """Under load, the receiver is killed and another one comes: no answer is lost, and no message after that."""
    # The queue has room for all messages, however long it takes until the second receiver listens.
    with Capture(folder) as first, server(folder, server.to_socket(folder, queue=16384)) as running:
        with running.load(6, 1500) as load:
            running.await_stats("messages are sent", lambda stats: stats["sent"] > 1000)
            first.kill()
            running.await_log(f"{folder}/tap: the stream broke: ")
            before = running.await_stats("messages are waiting", lambda stats: stats["waiting"] > 0)
            with Capture(folder, "second") as second:
                stats = running.await_sent(load.all_answered())
                assert stats.get("connects", 2) == 2, stats
                running.stop()
                assert len(second.read()) == stats["sent"] - before["sent"]


def test_receiver_stopped(server, folder):
    """While a receiver is stopped, messages wait and are then dropped and counted; the server continues to answer."""
    begin, end = "dropping messages: queue full", "no longer dropping messages; "
    with Capture(folder) as capture, server(folder, server.to_socket(folder, queue=64)) as running:
        running.ask("first.example")
        running.await_sent(1)
        capture.child.send_signal(signal.SIGSTOP)
        with running.load(3, 5000) as load:
            asked = load.all_answered()
        running.await_event(begin)
        stats = running.await_stats("all is logged", lambda stats: running.exchanges(stats) == asked + running.queries)
        assert dropped(stats) > 0 and stats["waiting"] > 0, stats
        capture.child.send_signal(signal.SIGCONT)
        after = running.await_stats("no message is waiting", lambda stats: stats["waiting"] == 0)
        assert dropped(after) == dropped(stats), (stats, after)
        running.await_event(f"{end}{dropped(after)} lost in ")
        assert running.log().count(begin) == running.log().count(end) == 1
        after = running.await_stats("all is sent", lambda stats: stats["waiting"] == 0)
        running.stop()
        assert len(capture.read()) == after["sent"]


def test_small_queue(server, folder):
    """Messages that do not fit into the smallest queue are counted as dropped."""
    with server(folder, server.to_socket(folder, queue=server.SMALLEST_QUEUE)) as running:
        with running.load(2, 5000) as load:
            asked = load.all_answered()
        stats = running.await_stats("all is logged", lambda stats: running.exchanges(stats) == asked)
        # A message has 60 bytes at least, and each of two threads its queue.
        most = 2 * server.SMALLEST_QUEUE * 1024 / 60
        assert stats["sent"] == 0 < stats["waiting"] <= most and dropped(stats) > 0, (stats, most)


def test_stop(server, folder):
    """A stop takes no longer than it may, whatever the receiver does, and the log counts the lost messages."""
    for receiver in SilentReceiver, DeafReceiver:
        with receiver(folder) as receiving, server(folder) as running:
            receiving.accept()
            with running.load(2, 3000) as load:
                load.all_answered()
            running.await_stats("messages are waiting", lambda stats: stats["waiting"] > 0)
            seconds = running.stop()
            assert seconds < LONGEST_STOP, f"a stop with a {receiver.__name__} took {seconds:.1f} s"
            [(logged, sent)] = running.closed()
            # Some may have found the queue full before.
            assert 0 < running.lost_at_stop(receiver is DeafReceiver) <= logged - sent, running.log()
    # Without a receiver there is nothing to wait for.
    with server(folder) as running:
        running.ask("nobody.example")
        assert running.stop() < LONGEST_STOP
        assert running.closed() == [(server.MESSAGES, 0)]


def test_tcp_and_tls(server, folder):
    """Messages are sent over TCP, with an address of each family, and over TLS with certificates of both sides."""
    if not hasattr(server, "to_tcp"):
        return "not there: dnstap over TCP and TLS"

    def sends(capture, output):
        with server(folder, output) as running:
            running.ask("one.example")
            running.await_log(": connected")
            running.stop()
        assert len(capture.read()) == server.MESSAGES

    port = free_port()
    with Capture(folder, port=port) as capture:
        sends(capture, server.to_tcp("127.0.0.1", port))
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as listener:
        listener.settimeout(20)
        with server(folder, server.to_tcp("::1", listener.getsockname()[1])) as running:
            running.ask("two.example")
            listener.accept()[0].close()
    with Capture(folder, "tls") as capture:
        relay = TlsRelay(folder)
        sends(capture, server.to_tls(folder, relay.port, "localhost"))
        relay.join()
    pathlib.Path(folder, "tap").unlink()
    with Capture(folder, "stranger"):
        relay = TlsRelay(folder)
        with server(folder, server.to_tls(folder, relay.port, "stranger.test")) as running:
            running.ask("three.example")
            running.await_log(f"127.0.0.1:{relay.port}: ")
            running.stop()
            assert running.closed() == [(server.MESSAGES, 0)]
        relay.join()
