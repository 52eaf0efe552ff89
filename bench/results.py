# SPDX-License-Identifier: MIT OR Apache-2.0
"""What was measured, on what machine: JSON for later, a table for now."""

import datetime
import json
import os
import pathlib
import platform
import re
import subprocess

HERE = pathlib.Path(__file__).parent
PROGRAMS = HERE / "../target/bench"
QUICK = os.environ.get("QUICK") == "1"


def machine():
    packages = ["libfstrm0", "knot", "dnsperf", "valgrind", "libc6"]
    versions = subprocess.run(["dpkg-query", "-W", "-f", "${Package} ${Version}\n", *packages], capture_output=True, text=True)
    return {
        "cpu": re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())[1],
        "cores": os.cpu_count(),
        "kernel": f"{platform.system()} {platform.release()}",
        "debian": pathlib.Path("/etc/debian_version").read_text().strip(),
        "packages": dict(line.split() for line in versions.stdout.splitlines()),
    }


def save(name, figures):
    """A quick run is a trial: it does not replace the kept results."""
    folder = PROGRAMS if QUICK else HERE / "results"
    folder.mkdir(exist_ok=True)
    whole = {"date": datetime.date.today().isoformat(), "machine": machine(), **figures}
    (folder / f"{name}.json").write_text(json.dumps(whole, indent=1) + "\n")


def table(title, head, rows):
    cells = [[str(cell) for cell in row] for row in [head, *rows]]
    widths = [max(map(len, column)) for column in zip(*cells)]
    print(f"\n{title}")
    for row in cells:
        first, *rest = (cell.rjust(width) for cell, width in zip(row, widths))
        print("  " + "  ".join([row[0].ljust(widths[0]), *rest]))
