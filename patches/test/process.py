# SPDX-License-Identifier: MIT OR Apache-2.0
"""Programs that tests and benchmarks run, and waits, each with a deadline."""

import os
import pathlib
import random
import socket
import subprocess
import tempfile
import time

# Seconds. A wait that takes longer is a hang, not a slow machine.
DEADLINE = 60


def until(what, condition, deadline=DEADLINE):
    """Waits until the condition holds, and returns its value."""
    end = time.monotonic() + deadline
    while not (value := condition()):
        assert time.monotonic() < end, f"not within {deadline} s: {what}"
        time.sleep(0.01)
    return value


def free_port():
    """Returns a port of 127.0.0.1 that is unused for UDP and TCP, outside the range from which the system assigns ports."""
    for _ in range(1000):
        port = random.randrange(10000, 30000)
        try:
            for kind in socket.SOCK_DGRAM, socket.SOCK_STREAM:
                with socket.socket(socket.AF_INET, kind) as probe:
                    probe.bind(("127.0.0.1", port))
            return port
        except OSError as error:
            reason = error
    raise OSError(f"no port of 127.0.0.1 can be bound: {reason}")


class Process:
    """A program that runs during a `with` block, with its output in a file. If the block fails, the end of the output is printed.
    A program that is still running at the end of the block is killed."""

    def __init__(self, *command, **options):
        self.command, self.options = [str(word) for word in command], options

    def __enter__(self):
        self.output = tempfile.TemporaryFile()
        self.child = subprocess.Popen(self.command, stdout=self.output, stderr=subprocess.STDOUT, **self.options)
        try:
            self.await_ready()
        except BaseException as error:
            self.__exit__(type(error), error, None)
            raise
        return self

    def __exit__(self, *error):
        if self.child.poll() is None:
            self.kill()
        if error[0]:
            print(f"--- {' '.join(self.command)}\n{self.log()[-3000:]}", flush=True)

    def await_ready(self):
        """Waits until the program can be used: a hook."""

    def log(self):
        """Returns the output so far. The program writes at the offset that it shares with this file, so that is left alone."""
        file = self.output.fileno()
        return os.pread(file, os.fstat(file).st_size, 0).decode(errors="replace")

    def await_log(self, text, deadline=DEADLINE):
        """Waits for a line with this text, and returns the first one."""

        def find():
            ended = self.child.poll() is not None
            for line in self.log().splitlines(keepends=True):
                if text in line and (ended or line.endswith("\n")):
                    return line.rstrip("\n")
            if ended:
                self.fail(f"ended without {text!r} in its output")

        return until(f"{text!r} in the output of {self.name()}", find, deadline)

    def name(self):
        return pathlib.Path(self.command[0]).name

    def fail(self, reason):
        raise AssertionError(f"{self.name()} {reason}")

    def await_end(self, deadline=DEADLINE):
        """Waits until the program has ended with success, and returns its last line of output."""
        try:
            status = self.child.wait(deadline)
        except subprocess.TimeoutExpired:
            self.fail(f"has not ended within {deadline} s")
        if status:
            self.fail(f"ended with status {status}")
        return self.log().rstrip("\n").rpartition("\n")[2]

    def stop(self):
        """Ends the program by SIGTERM, and returns how many seconds that took."""
        start = time.monotonic()
        self.child.terminate()
        self.await_end()
        return time.monotonic() - start

    def kill(self):
        self.child.kill()
        self.child.wait()
