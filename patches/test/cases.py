# SPDX-License-Identifier: MIT OR Apache-2.0
"""Runs the tests of a script."""

import os
import sys
import tempfile

from peers import certificate


def run(script, names, shared=None):
    """Runs the functions test_NAME of a script's globals and of `shared`, or only those with these names, each in a folder of its
    own with a certificate. A test that cannot run here returns the reason; that is a failure if it was named."""
    shared = shared or {}
    assert not script.keys() & shared.keys(), script.keys() & shared.keys()
    tests = {name[5:]: test for name, test in {**shared, **script}.items() if name.startswith("test_")}
    for name in names or tests:
        with tempfile.TemporaryDirectory(prefix=f"{name}-") as folder:
            # TLS libraries write session keys to this file, for Packets.
            os.environ["SSLKEYLOGFILE"] = f"{folder}/keylog"
            certificate(folder)
            skipped = tests[name](folder)
        print(f"-- {name}, {skipped}" if skipped else f"ok {name}", flush=True)
        if skipped and names:
            sys.exit(1)
