# SPDX-License-Identifier: MIT OR Apache-2.0
"""Runs the tests of a script."""

import os
import tempfile

from processes import certificate


def run(script, names):
    """Runs the functions test_NAME of a script's globals, or those that `names` says, each in a folder of its own with a
    certificate. One that cannot be run here returns why not."""
    tests = {name[5:]: test for name, test in script.items() if name.startswith("test_")}
    for name in names or tests:
        with tempfile.TemporaryDirectory(prefix=f"{name}-") as folder:
            # Clients, and servers that ask over TLS, write there what Packets needs.
            os.environ["SSLKEYLOGFILE"] = f"{folder}/keylog"
            certificate(folder)
            skipped = tests[name](folder)
        print(f"-- {name}, {skipped}" if skipped else f"ok {name}", flush=True)
