# SPDX-License-Identifier: MIT OR Apache-2.0
"""Debian's servers that send dnstap by libfstrm, unmodified. Each logs a query and a response for each name that it is asked for."""

import os
import pathlib
import re
import signal
import socket
import subprocess
import time

from example_zone import query, write_zone
from process import DEADLINE, Process, free_port, until

# A name is never asked for twice, so that a recursive server sends each query to its upstream.
NAMES = 20_000


class DebianServer(Process):
    """`tap` is the socket of the receiver. All files of the server are in `folder`."""

    logs_dnstap = True

    def __init__(self, folder, tap, library):
        self.folder, self.tap, self.port, self.asked = folder, tap, free_port(), 0
        (folder / "configuration").write_text(self.configure())
        # Its own session: the processes that a server starts can be found after its end.
        super().__init__(*self.start(), env=library.environment(), start_new_session=True)

    def __exit__(self, *error):
        super().__exit__(*error)
        for process in self.remaining():
            os.kill(process, signal.SIGKILL)

    def remaining(self):
        """Returns the processes of the server."""
        found = []
        for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
            try:
                pid, state, _, _, session = re.sub(r"\(.*\)", "", stat.read_text(), flags=re.DOTALL).split()[:5]
            except (FileNotFoundError, ProcessLookupError):
                continue
            if int(session) == self.child.pid and state != "Z":
                found.append(int(pid))
        return found

    def ask(self, count):
        """Asks for the next names, each after the answer to the previous one."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(DEADLINE)
            client.connect(("127.0.0.1", self.port))
            for _ in range(count):
                number = self.asked
                client.send(query(number, number))
                answer = client.recv(4096)
                self.asked += 1
                assert answer[3] & 15 == 0, f"{self.name()} answers host{number} with response code {answer[3] & 15}"

    def await_ready(self):
        """Waits for the answer to the first query; the port is closed, or the server refuses to answer, until it is ready."""

        def answers():
            if self.child.poll() is not None:
                self.fail("ended without an answer")
            try:
                self.ask(1)
            except (ConnectionRefusedError, AssertionError):
                return False
            return True

        until("an answer", answers)

    def end(self, patience=DEADLINE):
        """Ends the server by SIGTERM. Returns how many seconds it took to end, and how many until all of its processes had ended; None
        for longer than `patience`."""
        begin = time.monotonic()
        self.child.terminate()
        seconds = {}
        for what, ended in ("server", lambda: self.child.poll() is not None), ("all", lambda: not self.remaining()):
            try:
                until(f"the end of {self.name()}", ended, max(0, begin + patience - time.monotonic()))
                seconds[what] = round(time.monotonic() - begin, 2)
            except AssertionError:
                seconds[what] = None
        return seconds

    def libfstrm(self):
        """Returns the paths of libfstrm that the processes of the server have loaded."""
        maps = "".join(pathlib.Path(f"/proc/{process}/maps").read_text() for process in self.remaining())
        return sorted(set(re.findall(r"/\S*/libfstrm\.so\S*$", maps, re.MULTILINE)))


def zone(folder):
    """Writes the zone of all names, and returns its path."""
    path = folder / "zone"
    write_zone(path, NAMES)
    return path


class Named(DebianServer):
    title, package = "BIND", "bind9"

    def configure(self):
        return f"""
options {{
    directory "{self.folder}";
    pid-file none;
    session-keyfile none;
    listen-on port {self.port} {{ 127.0.0.1; }};
    listen-on-v6 {{ none; }};
    recursion no;
    dnssec-validation no;
    dnstap {{ all; }};
    dnstap-output unix "{self.tap}";
}};
controls {{ }};
logging {{ category default {{ default_stderr; }}; }};
zone "example" {{ type primary; file "{zone(self.folder)}"; }};
"""

    def start(self):
        return ["/usr/sbin/named", "-f", "-c", self.folder / "configuration"]


class Knotd(DebianServer):
    title, package = "Knot DNS", "knot"

    def configure(self):
        dnstap = f"""
mod-dnstap:
  - id: tap
    sink: unix:{self.tap}
template:
  - id: default
    global-module: mod-dnstap/tap
"""
        return f"""
server:
    rundir: {self.folder}
    listen: 127.0.0.1@{self.port}
log:
  - target: stdout
    any: info
database:
    storage: {self.folder}
{dnstap if self.logs_dnstap else ""}
zone:
  - domain: example.
    file: {zone(self.folder)}
"""

    def start(self):
        return ["/usr/sbin/knotd", "-c", self.folder / "configuration"]


class Upstream(Knotd):
    """The server to which those that have no zones send their queries."""

    logs_dnstap = False


class Nsd(DebianServer):
    title, package = "NSD", "nsd"

    def configure(self):
        return f"""
server:
    ip-address: 127.0.0.1@{self.port}
    server-count: 1
    username: ""
    chroot: ""
    pidfile: ""
    zonesdir: "{self.folder}"
    xfrdir: "{self.folder}"
    database: ""
    zonelistfile: "{self.folder}/zonelist"
    xfrdfile: "{self.folder}/xfrd"
remote-control:
    control-enable: no
dnstap:
    dnstap-enable: yes
    dnstap-socket-path: "{self.tap}"
    dnstap-log-auth-query-messages: yes
    dnstap-log-auth-response-messages: yes
zone:
    name: example
    zonefile: {zone(self.folder)}
"""

    def start(self):
        return ["/usr/sbin/nsd", "-d", "-c", self.folder / "configuration"]


class Kresd(DebianServer):
    title, package = "Knot Resolver", "knot-resolver"

    def configure(self):
        return f"""
net.listen("127.0.0.1", {self.port}, {{ kind = "dns" }})
cache.size = 10 * MB
trust_anchors.remove(".")
policy.add(policy.all(policy.ANSWER({{ [kres.type.A] = {{ rdata = kres.str2ip("192.0.2.1"), ttl = 300 }} }})))
modules.load("dnstap")
dnstap.config({{ socket_path = "{self.tap}", client = {{ log_queries = true, log_responses = true }} }})
"""

    def start(self):
        return ["/usr/sbin/kresd", "-n", "-c", self.folder / "configuration", self.folder]


class WithUpstream(DebianServer):
    """Sends its queries to another server."""

    def __init__(self, folder, tap, library):
        (folder / "upstream").mkdir()
        self.upstream = Upstream(folder / "upstream", tap, library)
        super().__init__(folder, tap, library)

    def __enter__(self):
        self.upstream.__enter__()
        try:
            return super().__enter__()
        except BaseException as error:
            self.upstream.__exit__(type(error), error, None)
            raise

    def __exit__(self, *error):
        super().__exit__(*error)
        self.upstream.__exit__(*error)


class Recursor(WithUpstream):
    title, package = "PowerDNS Recursor", "pdns-recursor"

    def configure(self):
        (self.folder / "lua").write_text(f'dnstapFrameStreamServer({{"{self.tap}"}}, {{ logQueries = true, logResponses = true }})\n')
        return f"""
daemon=no
local-address=127.0.0.1
local-port={self.port}
socket-dir={self.folder}
threads=1
security-poll-suffix=
dnssec=off
forward-zones=example=127.0.0.1:{self.upstream.port}
dont-query=
lua-config-file={self.folder}/lua
"""

    def start(self):
        (self.folder / "recursor.conf").write_text((self.folder / "configuration").read_text())
        return ["/usr/sbin/pdns_recursor", f"--config-dir={self.folder}"]


class Dnsdist(WithUpstream):
    title, package = "dnsdist", "dnsdist"

    def configure(self):
        return f"""
setLocal("127.0.0.1:{self.port}")
setSecurityPollSuffix("")
newServer({{ address = "127.0.0.1:{self.upstream.port}", healthCheckMode = "up" }})
tap = newFrameStreamUnixLogger("{self.tap}")
addAction(AllRule(), DnstapLogAction("bench", tap))
addResponseAction(AllRule(), DnstapLogResponseAction("bench", tap))
"""

    def start(self):
        return ["/usr/bin/dnsdist", "--supervised", "--disable-syslog", "-C", self.folder / "configuration"]


SERVERS = {server.package: server for server in (Named, Knotd, Kresd, Nsd, Recursor, Dnsdist)}


def debian_version(package):
    """Returns the version of an installed package."""
    query = ["dpkg-query", "-W", "-f", "${Version}", package]
    return subprocess.run(query, capture_output=True, text=True, check=True).stdout
