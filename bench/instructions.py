# SPDX-License-Identifier: MIT OR Apache-2.0
"""Instructions a message by callgrind: the cases, and how they are counted."""

import pathlib
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass

from library import libraries
from producer import alone, send
from results import PROGRAMS, QUICK

# Threads by callgrind's numbers, in the order the process starts them. All from PRODUCER on are producers.
MAIN, WRITER, PRODUCER = 1, 2, 3


@dataclass(frozen=True)
class Case:
    """A program and the part of it to count: all of a thread, or some functions."""

    program: str
    messages: int
    arguments: tuple = ()
    thread: int = PRODUCER
    inside: tuple = ()
    receiver: bool = True

    def total(self, library, messages):
        with tempfile.TemporaryDirectory() as folder:
            out = pathlib.Path(folder) / "callgrind"
            wrapper = ["valgrind", "-q", "--tool=callgrind", "--separate-threads=yes", f"--callgrind-out-file={out}"]
            wrapper += [f"--toggle-collect={function}" for function in self.inside]
            # Symbols are bound at start, so that no first call carries the dynamic linker.
            how = ["-n", messages, *self.arguments], wrapper, {"LD_BIND_NOW": "1"}
            run = (send if self.receiver else alone)(library, self.program, *how)
            totals = {
                int(file.name.rsplit("-", 1)[1]): int(re.search(r"^totals: (\d+)", file.read_text(), re.MULTILINE)[1])
                for file in pathlib.Path(folder).glob("callgrind-*")
            }
        last = max(totals)
        if sorted(totals) != list(range(1, last + 1)) or last < self.thread or run.get("refused", 0) != 0:
            sys.exit(f"{library.label}: expected thread {self.thread} and nothing refused, have {totals} and {run}")
        return sum(totals[number] for number in totals if number == self.thread or number > self.thread == PRODUCER)

    def per_message(self, library):
        """Returns the instructions for a message: the difference of two runs, so that the start and the end do not count."""
        once, twice = (self.total(library, messages) for messages in (self.messages, 2 * self.messages))
        return (twice - once) / self.messages


def both(*how, **more):
    """Returns the same case for either library."""
    return dict.fromkeys(("debian", "ours"), Case(*how, **more))


def count(cases, libraries, repeats):
    """Counts each case with those libraries that it has."""
    return {
        name: {library.label: [case[library.label].per_message(library) for _ in range(repeats)]
               for library in libraries if library.label in case}
        for name, case in cases.items()
    }  # fmt: skip


# A round ends with the message that wakes the writer thread: it wakes to one full batch. For libfstrm that is the
# threshold. It sends 64 messages at a time, so rounds are multiples of that. A round takes a second.
ROUNDS = 4 if QUICK else 16
IN_448 = ("-R", 448, "-w", 511 - 448)
IN_8000 = ("-R", 8000, "-q", 16384, "-w", 16383 - 8000)
# For libdnstap it is a number of bytes that wait, with the lengths of their frames: WAKE_LEVEL in src/dnstap/sink.rs.
WAKE_BYTES, FRAME_BYTES = 64 * 1024, 4 + 186
FULL = -(-WAKE_BYTES // FRAME_BYTES)

IN_SUBMIT = ("fstrm_iothr_submit",)
LARGE, LARGE_RING = ("-q", 16384), ("-q", 64 << 20)
SUBMIT = {
    "submit, spsc": both("submit", 4000, LARGE, inside=IN_SUBMIT),
    "submit, mpsc": both("submit", 4000, (*LARGE, "-m", "mpsc"), inside=IN_SUBMIT),
    "submit, spsc, a wake-up every 448": both("submit", 448 * ROUNDS, IN_448, inside=IN_SUBMIT),
    "writer, 448 at a wake-up": both("submit", 448 * ROUNDS, IN_448, WRITER),
    "writer, 8,000 at a wake-up": both("submit", 8000, IN_8000, WRITER),
}


def log(inside, messages=4000, arguments=(), ours=LARGE_RING):
    """Logging into queues that take it all. No wake-up is counted for libfstrm: nothing gets near its threshold."""
    return {
        "debian": Case("log_debian", messages, (*LARGE, *arguments), inside=inside["debian"]),
        "ours": Case("log_ours", messages, (*ours, *arguments), inside=inside["ours"]),
    }


SITE = dict.fromkeys(("debian", "ours"), ("log_site",))
# In libdnstap one function does both.
ENCODE_AND_QUEUE = {"debian": ("dnstap__dnstap__pack_to_buffer", "fstrm_iothr_submit"), "ours": ("dnstap_log",)}
SIZES = (500, 1400, 4000)
PRODUCERS = (2, 4, 8)
LOG = {
    # In rounds, so that the wake-ups that are counted are one for each full batch, and every day as many.
    "logging site": log(SITE, 12 * FULL, ours=("-R", FULL)),
    "of it, encode and queue": log(ENCODE_AND_QUEUE, 12 * FULL, ours=("-R", FULL)),
    "the same, without query time": log(ENCODE_AND_QUEUE, arguments=("-Q",)),
    **{f"logging site, {size:,} bytes": log(SITE, 2000, ("-s", size)) for size in SIZES},
    **{f"logging site, {n} threads": log(SITE, 4000 * n, ("-t", n)) for n in PRODUCERS},
    "writer thread, full batches": {
        "debian": Case("log_debian", 448 * ROUNDS, IN_448, WRITER),
        "ours": Case("log_ours", FULL * ROUNDS, ("-R", FULL), WRITER),
    },
    "decode and free": {
        label: Case(f"log_{label}", 2000, ("-d",), MAIN, ("decode_site",), receiver=False)
        for label in ("debian", "ours")
    },
}
DISABLED = {
    name: {"ours": Case("disabled", 2000, (), MAIN, (f"{name}_site",), receiver=False)} for name in ("disabled", "bare")
}


def loggers():
    """The libraries that messages are logged with. They must log the same bytes, or they are not to be compared."""
    found = libraries("libdnstap", ("libfstrm", "libprotobuf-c"))
    for options in ((), ("-Q",), *(("-s", str(size)) for size in SIZES)):
        frames = {
            subprocess.run(
                [PROGRAMS / f"log_{library.label}", "-e", *options], env=library.environment(), capture_output=True, check=True
            ).stdout.strip()
            for library in found
        }
        if len(frames) != 1:
            sys.exit(f"with {options}, an event is encoded in different ways: {frames}")
        if not options and len(frames.pop()) // 2 + 4 != FRAME_BYTES:
            sys.exit("FRAME_BYTES is wrong")
    return found
