# SPDX-License-Identifier: MIT OR Apache-2.0
"""Runs of a producing program against a live receiver, and of libraries in turn."""

import json
import subprocess
import sys
import tempfile

from process import Process
from results import PROGRAMS, Elsewhere

DEADLINE = 300  # of a run, in seconds


def checked(library, line):
    run = json.loads(line)
    for loaded in run.pop("libraries"):
        library.check(loaded)
    return run


def alone(library, program, arguments, wrapper=(), environment=None):
    """Runs a program that sends nothing."""
    command = [*wrapper, PROGRAMS / program, *arguments]
    with Process(*command, env={**library.environment(), **(environment or {})}) as process:
        return checked(library, process.await_end(DEADLINE))


def send(library, program, arguments, wrapper=(), environment=None, beside=()):
    """Runs a producer through `wrapper`, against a receiver that is started through `beside`.

    Every accepted message must arrive: these are runs without a fault.
    """
    with tempfile.TemporaryDirectory() as folder:
        socket = f"{folder}/socket"
        with Process(*beside, PROGRAMS / "receiver", socket, 1) as receiver:
            receiver.await_log("listening")
            command = [*wrapper, PROGRAMS / program, "-g", "-u", socket, *arguments]
            with Process(*command, stdin=subprocess.PIPE, env={**library.environment(), **(environment or {})}) as producer:
                receiver.await_log("start")
                producer.child.stdin.write(b"\n")
                producer.child.stdin.close()
                run = checked(library, producer.await_end(DEADLINE))
            received = json.loads(receiver.await_end())
    arrived = (received["frames"], received["finished"])
    if arrived != (run["accepted"], 1) or received["bytes"] != run["accepted"] * run["frame_bytes"]:
        sys.exit(f"{library.label}: {run} was sent, but the receiver got {received}")
    return run


def take_turns(libraries, runs, program, arguments):
    """Returns `runs` runs of each library, by its label. `{}` in the name of the program stands for the label.

    Producing threads have core 0, writer thread and receiver core 1: unpinned, some runs put the writer beside a spinning
    producer, some do not, and that decides the outcome more than the library does.
    """
    pinned = ["taskset", "-c", 1]
    done = {library.label: [] for library in libraries}
    for _ in range(runs):
        for library in libraries:
            with Elsewhere() as elsewhere:
                name = program.format(library.label)
                run = send(library, name, ["-c", 0, *arguments], wrapper=pinned, beside=pinned)
            done[library.label].append({**run, **elsewhere.seconds})
    return done
