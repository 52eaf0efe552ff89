# SPDX-License-Identifier: MIT OR Apache-2.0
"""The patched named and the tools beside it."""

import json
import pathlib
import re
import subprocess
import urllib.request

from processes import DEADLINE, Process, free_port, until

KEY = "hmac-sha256:key:c2VjcmV0IG9mIHRoaXMgdGVzdA=="
ADDRESSES = "127.0.0.1", "::1"


class Programs:
    """What `make install` has installed to a prefix."""

    def __init__(self, prefix):
        self.prefix = prefix

    def run(self, program, *arguments, input=None):
        [path] = self.prefix.glob(f"*bin/{program}")
        done = subprocess.run([path, *map(str, arguments)], input=input, capture_output=True, text=True, timeout=DEADLINE)
        return done.returncode, done.stdout + done.stderr

    def dig(self, *arguments):
        code, printed = self.run("dig", "+timeout=20", "+tries=1", *arguments)
        assert code == 0, printed
        return printed

    def update(self, server, protocol, host, *commands, key=None):
        """Sends a dynamic update, and returns what is printed about a refusal."""
        option = {"UDP": [], "TCP": ["-v"]}[protocol]
        text = "\n".join([f"server {host} {server.ports[protocol]}", "zone example", *commands, "send", ""])
        return self.run("nsupdate", "-t", DEADLINE, *option, *(["-y", key] if key else []), input=text)[1]


def authoritative(folder):
    """The zones example. and other., of a few hundred kilobytes each."""
    names = "".join(f"n{n} TXT {'x' * 200}\n" for n in range(1000))
    for zone in "example", "other":
        pathlib.Path(folder, f"{zone}.zone").write_text(f"""$TTL 60
@ SOA ns hostmaster 1 3600 600 86400 300
@ NS ns
ns A 127.0.0.1
* TXT {"x" * 50}
{names}""")
    return """
    recursion no;
};
zone example { type primary; file "example.zone"; allow-update { key key; }; };
zone other { type primary; file "other.zone"; };
"""


def secondary(port):
    """The zone example. from a primary server, to which updates are forwarded."""
    return f"""
    recursion no;
    notify no;
}};
zone example {{ type secondary; primaries {{ 127.0.0.1 port {port}; }}; allow-update-forwarding {{ any; }}; }};
"""


def resolving(port):
    """A server behind, that on 127.0.0.1 for example., and on ::1, as a forwarder, for forward."""
    return f"""
    recursion yes;
    port {port};
    qname-minimization off;
}};
zone example {{ type static-stub; server-addresses {{ 127.0.0.1; }}; }};
zone forward {{ type forward; forward only; forwarders {{ ::1 port {port}; }}; }};
"""


def forwarding_over_tls(port):
    """A forwarder on ::1 for example."""
    return f"""
    recursion yes;
    qname-minimization off;
}};
zone example {{ type forward; forward only; forwarders {{ ::1 port {port} tls ephemeral; }}; }};
"""


class Bind(Process):
    """A named with the options `dnstap`; `zones` goes on with the options, and by default it is authoritative."""

    def __init__(self, programs, folder, dnstap, zones=None, threads=2, listen=ADDRESSES, memcheck=False):
        self.programs, self.folder, self.listen = programs, folder, listen
        self.ports = {name: free_port() for name in ("UDP", "DOT", "DOH")}
        self.ports["TCP"] = self.ports["UDP"]
        self.control_port, self.stats_port = free_port(), free_port()
        self.zones = zones or authoritative(folder)
        self.configuration = pathlib.Path(folder, "patched.conf")
        self.rndc_configuration = pathlib.Path(folder, "rndc.conf")
        name, algorithm, secret = (KEY.split(":")[at] for at in (1, 0, 2))
        self.key = f'key {name} {{ algorithm {algorithm}; secret "{secret}"; }};'
        self.rndc_configuration.write_text(f"""{self.key}
options {{ default-key {name}; default-server 127.0.0.1; default-port {self.control_port}; }};
""")
        self.configure(dnstap)
        [named] = programs.prefix.glob("sbin/named")
        super().__init__(folder, named, "-g", "-n", threads, "-c", self.configuration, memcheck=memcheck)
        self.await_log("all zones loaded")
        until("named answers rndc", lambda: self.rndc("status")[0] == 0)

    def configure(self, dnstap):
        listen = ""
        for protocol, more in ("UDP", ""), ("DOT", "tls own "), ("DOH", "tls own http own "):
            for option, host in zip(("listen-on", "listen-on-v6"), self.listen):
                listen += f"    {option} port {self.ports[protocol]} {more}{{ {host}; }};\n"
        self.configuration.write_text(f"""{self.key}
controls {{ inet 127.0.0.1 port {self.control_port} allow {{ 127.0.0.1; }} keys {{ key; }}; }};
statistics-channels {{ inet 127.0.0.1 port {self.stats_port} allow {{ 127.0.0.1; }}; }};
tls own {{ key-file "{self.folder}/key.pem"; cert-file "{self.folder}/certificate.pem"; }};
http own {{ endpoints {{ "/dns-query"; }}; }};
options {{
    directory "{self.folder}";
    pid-file none;
    session-keyfile none;
    allow-transfer {{ any; }};
    dnssec-validation no;
    {dnstap}
{listen}{self.zones}""")

    def packet_protocols(self):
        """Which protocol goes over which port; over that of UDP, TCP goes too."""
        return {port: "DNS" if name == "UDP" else name for name, port in self.ports.items() if name != "TCP"}

    def rndc(self, *command):
        return self.programs.run("rndc", "-c", self.rndc_configuration, *command)

    def control(self, *command):
        code, printed = self.rndc(*command)
        assert code == 0, printed
        return printed

    def stats(self):
        """What the statistics channel says of dnstap; counters that are 0 are not there."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.stats_port}/json/v1/server", timeout=DEADLINE) as answer:
            counters = json.load(answer).get("dnstapstats", {})
        return {name: counters.get(f"DNSTAP{key}", 0) for name, key in
                (("sent", "success"), ("dropped", "dropped"), ("waiting", "waiting"))}

    def closed(self):
        """Messages logged and sent, as said when dnstap is closed."""
        said = re.findall(r"closing dnstap: (\d+) messages logged, (\d+) sent", self.log())
        return [tuple(map(int, pair)) for pair in said]
