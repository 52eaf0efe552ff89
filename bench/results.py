# SPDX-License-Identifier: MIT OR Apache-2.0
"""Results, with the machine: as JSON to keep, and as a table to read."""

import datetime
import json
import os
import pathlib
import platform
import re
import resource
import statistics
import subprocess

HERE = pathlib.Path(__file__).parent
PROGRAMS = HERE / "../target/bench"
QUICK = os.environ.get("QUICK") == "1"
EASY_STEP = "100000"  # of bench/servers, at which all servers keep up, however they log


def machine():
    packages = [
        "libfstrm0", "libprotobuf-c1", "knot", "dnsperf", "valgrind", "libc6", "fstrm-bin", "dnstap-ldns",
        "golang-github-dnstap-golang-dnstap-cli",
    ]
    versions = subprocess.run(["dpkg-query", "-W", "-f", "${Package} ${Version}\n", *packages], capture_output=True, text=True)
    return {
        "cpu": re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())[1],
        "cores": os.cpu_count(),
        "kernel": f"{platform.system()} {platform.release()}",
        "debian": pathlib.Path("/etc/debian_version").read_text().strip(),
        "packages": dict(line.split() for line in versions.stdout.splitlines()),
    }


class Elsewhere:
    """Seconds of CPU time that the host of a virtual machine withheld, and that other programs used, within a `with` block."""

    @staticmethod
    def since_boot():
        words = pathlib.Path("/proc/stat").read_text().split()[1:9]
        user, nice, system, _, _, interrupts, softly, stolen = map(int, words)
        own = sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        ticks = os.sysconf("SC_CLK_TCK")
        return {"stolen_seconds": stolen / ticks, "others_seconds": (user + nice + system + interrupts + softly) / ticks - own}

    def __enter__(self):
        self.before = self.since_boot()
        return self

    def __exit__(self, *_):
        self.seconds = {name: round(now - self.before[name], 2) for name, now in self.since_boot().items()}


def save(name, figures):
    """Writes the results. A quick run is a trial, and does not replace the kept results."""
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


def ratio(values):
    return f"{values['ours'] / values['debian']:.2f}" if "ours" in values and values.get("debian") else "-"


def show_instructions(title, counts, labels):
    """Prints the median of the counts of each case; the last column has the largest difference, as counts nearly repeat."""
    rows = []
    for case, values in counts.items():
        medians = {label: statistics.median(runs) for label, runs in values.items()}
        spread = max(max(runs) - min(runs) for runs in values.values())
        cells = (f"{medians[label]:.1f}" if label in medians else "-" for label in labels)
        rows.append([case, *cells, ratio(medians), f"{spread:.2f}"])
    table(title, ["", *labels, "ratio", "spread"], rows)


def show_runs(title, rows, labels):
    """Prints a row for each figure, with the medians and ranges of the runs of each label."""
    cells = []
    for name, (runs, figure) in rows.items():
        values = {label: [figure(run) for run in runs[label]] for label in labels}
        medians = {label: statistics.median(values[label]) for label in labels}
        ranges = (f"{min(values[label]):.2f}..{max(values[label]):.2f}" for label in labels)
        cells.append([name, *(f"{medians[label]:.2f}" for label in labels), ratio(medians), *ranges])
    table(title, ["", *labels, "ratio", *(f"{label}, range" for label in labels)], cells)
