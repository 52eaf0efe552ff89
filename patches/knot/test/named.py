# SPDX-License-Identifier: MIT OR Apache-2.0
"""Debian's named, which serves DNS over UDP, TCP, TLS and HTTPS."""

import pathlib

from process import Process, free_port


class Named(Process):
    """An authoritative server for example., and for zones that knotd transfers or forwards to, with as many names as a transfer of
    several messages takes."""

    def __init__(self, folder):
        self.ports = {"UDP": free_port(), "DOT": free_port(), "DOH": free_port()}
        self.ports["TCP"] = self.ports["UDP"]
        names = "".join(f"n{n} TXT {'x' * 200}\n" for n in range(1000))
        for zone in "example", "secondary.test", "dnsproxy.test":
            pathlib.Path(folder, f"named.{zone}").write_text(f"$TTL 60\n@ SOA ns hostmaster 1 60 60 60 60\n@ NS ns\nns A 127.0.0.1\n{names}")
        configuration = pathlib.Path(folder, "named.conf")
        configuration.write_text(f"""
tls own {{ key-file "{folder}/key.pem"; cert-file "{folder}/certificate.pem"; }};
http own {{ endpoints {{ "/dns-query"; }}; }};
options {{
    directory "{folder}";
    pid-file none;
    session-keyfile none;
    recursion no;
    listen-on port {self.ports["UDP"]} {{ 127.0.0.1; }};
    listen-on port {self.ports["DOT"]} tls own {{ 127.0.0.1; }};
    listen-on port {self.ports["DOH"]} tls own http own {{ 127.0.0.1; }};
    listen-on-v6 {{ none; }};
    allow-transfer {{ any; }};
}};
controls {{ }};
zone example {{ type primary; file "named.example"; }};
zone secondary.test {{ type primary; file "named.secondary.test"; allow-update {{ any; }}; notify no; }};
zone dnsproxy.test {{ type primary; file "named.dnsproxy.test"; }};
""")
        super().__init__("/usr/sbin/named", "-g", "-n", 1, "-c", configuration)

    def await_ready(self):
        self.await_log("running")

    def packet_protocols(self):
        """Which protocol goes over which port; over that of UDP, TCP goes too."""
        return {port: "DNS" if name == "UDP" else name for name, port in self.ports.items() if name != "TCP"}
