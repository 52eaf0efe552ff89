# SPDX-License-Identifier: MIT OR Apache-2.0
"""The compared libraries: Debian's, and ours as `make stage` installs them."""

import os
import pathlib
import sys

STAGE = pathlib.Path(os.environ.get("STAGE") or pathlib.Path(__file__).parent / "../target/stage").resolve()


class Library:
    """`names` are the libraries that a program may run on."""

    def __init__(self, label, names, directory=None):
        self.label = label
        self.names = names
        self.directory = directory

    def environment(self):
        """Returns the environment of a child process that is to run on this library."""
        environment = dict(os.environ)
        environment.pop("LD_LIBRARY_PATH", None)
        if self.directory:
            environment["LD_LIBRARY_PATH"] = str(self.directory)
        return environment

    def check(self, loaded):
        """Fails unless `loaded`, the path a process mapped, is this library."""
        ours = pathlib.Path(loaded).resolve().is_relative_to(STAGE)
        if pathlib.Path(loaded).name.startswith(self.names) and ours == (self.directory is not None):
            return
        sys.exit(f"wrong library: {loaded} was loaded where {self.label} was meant")


DEBIAN, OURS = Library("debian", ("libfstrm",)), Library("ours", ("libfstrm",), STAGE / "lib")


def libraries(ours="libfstrm", debian=("libfstrm",)):
    """Returns Debian's libraries, and ours that replaces them if it is installed."""
    found = [Library("debian", debian)]
    if (STAGE / "lib" / f"{ours}.so.0").exists():
        found.append(Library("ours", (ours,), STAGE / "lib"))
    else:
        print(f"no {ours} below STAGE: measuring Debian's alone", file=sys.stderr)
    return found
