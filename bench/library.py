# SPDX-License-Identifier: MIT OR Apache-2.0
"""The two libfstrm that are compared: Debian's, and ours as `make stage` installs it."""

import os
import pathlib
import sys

NAME = "libfstrm.so.0"
STAGE = pathlib.Path(os.environ.get("STAGE") or pathlib.Path(__file__).parent / "../target/stage").resolve()


class Library:
    def __init__(self, label, directory=None):
        self.label = label
        self.directory = directory

    def environment(self):
        """For a child process that shall run on this library."""
        environment = dict(os.environ)
        environment.pop("LD_LIBRARY_PATH", None)
        if self.directory:
            environment["LD_LIBRARY_PATH"] = str(self.directory)
        return environment

    def check(self, loaded):
        """Fails unless `loaded`, the path a process mapped, is this library."""
        ours = pathlib.Path(loaded).resolve().is_relative_to(STAGE)
        if pathlib.Path(loaded).name.startswith("libfstrm") and ours == (self.directory is not None):
            return
        sys.exit(f"wrong library: {loaded} was loaded where {self.label} was meant")


def libraries():
    found = [Library("debian")]
    if (STAGE / "lib" / NAME).exists():
        found.append(Library("ours", STAGE / "lib"))
    else:
        print(f"no {NAME} below STAGE: measuring Debian's alone", file=sys.stderr)
    return found
