# SPDX-License-Identifier: MIT OR Apache-2.0
"""The name servers that are measured: Unbound from its cache, BIND and Knot with authority. Each has one worker thread.

A server is started as a variant of its build, and logs nothing, a line of text for each query, or by dnstap a message for each
query and each response.
"""

import os
import pathlib
import re
import socket
import subprocess

from example_zone import query, write_zone
from process import DEADLINE, Process, free_port, until

NAMES = 1000
BUILD = pathlib.Path(os.environ["BUILD"]).resolve()


class NameServer(Process):
    """`logging` is off, text or dnstap; the receiver of dnstap is on the socket `tap` in the folder."""

    def __init__(self, folder, variant, logging, around=(), environment=None):
        self.folder, self.port, self.asked = folder, free_port(), 0
        self.configuration = folder / "configuration"
        self.configuration.write_text(self.configure(variant, logging))
        write_zone(folder / "zone", NAMES)
        self.names = folder / "names"
        self.names.write_text("".join(f"host{i}.example. A\n" for i in range(NAMES)))
        super().__init__(*around, *self.start(variant), env=environment)

    def await_ready(self):
        """Waits for an answer, since some servers write their log to a file. The port is closed until the server is ready."""

        def answers():
            if self.child.poll() is not None:
                self.fail("ended without an answer")
            try:
                self.ask(1)
            except ConnectionRefusedError:
                return False
            return True

        until("an answer", answers)

    def ask(self, count, before_each=lambda: None):
        """Asks for all names in turn, each after the answer to the previous one."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(DEADLINE)
            client.connect(("127.0.0.1", self.port))
            for n in range(count):
                before_each()
                client.send(query(n, n % NAMES))
                client.recv(4096)
                self.asked += 1

    def await_sleep(self):
        """Waits until all threads of the server sleep, so that each query wakes it in the same way."""

        def sleeps():
            threads = pathlib.Path(f"/proc/{self.child.pid}/task").iterdir()
            return all((thread / "stat").read_text().rpartition(") ")[2][0] == "S" for thread in threads)

        until("the server sleeps", sleeps)

    def cpu_seconds(self):
        """Returns the CPU time of all threads, by the scheduler's clock."""
        threads = pathlib.Path(f"/proc/{self.child.pid}/task").iterdir()
        return sum(int((thread / "schedstat").read_text().split()[0]) for thread in threads) / 1e9

    def fstrm(self):
        """Returns the path of the libfstrm that the server has loaded."""
        maps = pathlib.Path(f"/proc/{self.child.pid}/maps").read_text()
        return next(iter(re.findall(r"/.*/libfstrm\.so\S*$", maps, re.MULTILINE)), "no libfstrm")

    @classmethod
    def program(cls, variant):
        return BUILD / f"{cls.server}/{cls.release}-{variant}/{cls.path}"

    @classmethod
    def version(cls):
        """Returns the release of the unmodified program, or if it is not built, of the one with our series, which has the same source."""
        program = next(program for variant in ("stock", "patched") if (program := cls.program(variant)).exists())
        command = [str(program), cls.version_option]
        said = subprocess.run(command, capture_output=True, text=True, check=True)
        return re.search(r"\d+\.\d+\.\d+", said.stdout)[0]


class Unbound(NameServer):
    server, release, path = "unbound", "1.17", "unbound"
    writes_text, uses_fstrm, version_option = True, False, "-V"

    def configure(self, variant, logging):
        text = f"""
server:
    directory: {self.folder}
    username: ""
    chroot: ""
    pidfile: ""
    use-syslog: no
    num-threads: 1
    interface: 127.0.0.1@{self.port}
    do-not-query-localhost: no
    module-config: iterator
    {f"logfile: {self.folder}/log" if logging == "text" else ""}
    log-queries: {"yes" if logging == "text" else "no"}
auth-zone:
    name: example.
    zonefile: {self.folder}/zone
    for-downstream: no
    for-upstream: yes
"""
        if variant != "without":
            text += f"""
dnstap:
    dnstap-enable: {"yes" if logging == "dnstap" else "no"}
    dnstap-socket-path: {self.folder}/tap
    dnstap-send-identity: yes
    dnstap-send-version: yes
    dnstap-log-client-query-messages: yes
    dnstap-log-client-response-messages: yes
"""
        return text

    def start(self, variant):
        return [self.program(variant), "-d", "-c", self.configuration]


class Bind(NameServer):
    server, release, path = "bind", "9.18", "installed/sbin/named"
    writes_text, uses_fstrm, version_option = True, True, "-v"

    def configure(self, variant, logging):
        dnstap = f"""
    dnstap {{ all; }};
    dnstap-output unix "{self.folder}/tap";
    dnstap-identity "bench";
"""
        text = """
    channel queries { file "queries"; severity info; print-time yes; };
    category queries { queries; };
"""
        return f"""
options {{
    directory "{self.folder}";
    pid-file none;
    session-keyfile none;
    listen-on port {self.port} {{ 127.0.0.1; }};
    listen-on-v6 {{ none; }};
    recursion no;
    dnssec-validation no;
    querylog {"yes" if logging == "text" else "no"};
    {dnstap if logging == "dnstap" else ""}
}};
controls {{ }};
logging {{
    category default {{ default_stderr; }};
    {text if logging == "text" else ""}
}};
zone "example" {{ type primary; file "zone"; }};
"""

    def start(self, variant):
        return [self.program(variant), "-f", "-n", 1, "-c", self.configuration]


class Knot(NameServer):
    server, release, path = "knot", "3.2", "installed/sbin/knotd"
    writes_text, uses_fstrm, version_option = False, True, "-V"

    def configure(self, variant, logging):
        dnstap = logging == "dnstap"
        return f"""
server:
    rundir: {self.folder}
    listen: 127.0.0.1@{self.port}
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
log:
  - target: stdout
    any: info
database:
    storage: {self.folder}
{f'''
mod-dnstap:
  - id: tap
    sink: unix:{self.folder}/tap
''' if dnstap else ""}
template:
  - id: default
    storage: {self.folder}
    {"global-module: mod-dnstap/tap" if dnstap else ""}
zone:
  - domain: example.
    file: zone
"""

    def start(self, variant):
        return [self.program(variant), "-c", self.configuration]


SERVERS = {"unbound": Unbound, "bind": Bind, "knot": Knot}


def server_of(name, release):
    """Returns the server in that release, a folder of patches/SERVER."""
    return type(SERVERS[name].__name__, (SERVERS[name],), {"release": release})
