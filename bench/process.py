# SPDX-License-Identifier: MIT OR Apache-2.0
"""Child processes whose output lines are awaited, each with a deadline."""

import os
import pathlib
import selectors
import signal
import subprocess
import sys
import time

DEADLINE = 30


class Process:
    """Ends with the `with` block, by SIGKILL if it has not ended by then."""

    def __init__(self, command, **options):
        self.command = [str(word) for word in command]
        self.child = subprocess.Popen(self.command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options)
        self.unread = b""
        self.seen = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.child.returncode is None:
            self.child.kill()
            self.child.wait()
        self.child.stdout.close()

    def line(self, deadline=DEADLINE):
        """The next line of output, None at its end."""
        end = time.monotonic() + deadline
        with selectors.DefaultSelector() as selector:
            selector.register(self.child.stdout, selectors.EVENT_READ)
            while b"\n" not in self.unread:
                if not selector.select(max(0, end - time.monotonic())):
                    self.fail("said nothing in time")
                data = os.read(self.child.stdout.fileno(), 65536)
                if not data:
                    return None
                self.unread += data
        line, self.unread = self.unread.split(b"\n", 1)
        self.seen.append(line.decode(errors="replace"))
        return self.seen[-1]

    def wait_for(self, text, deadline=DEADLINE):
        while (line := self.line(deadline)) is not None:
            if text in line:
                return line
        self.fail(f"ended without a line with {text!r}")

    def finish(self, deadline=DEADLINE):
        """Waits for its end and returns its last line."""
        while self.line(deadline) is not None:
            pass
        if self.child.wait(deadline) != 0:
            self.fail(f"ended with {self.child.returncode}")
        return self.seen[-1] if self.seen else ""

    def terminate(self):
        self.child.send_signal(signal.SIGTERM)

    def fail(self, what):
        sys.exit("\n".join([f"{pathlib.Path(self.command[0]).name} {what}", " ".join(self.command), *self.seen[-20:]]))
