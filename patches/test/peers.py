# SPDX-License-Identifier: MIT OR Apache-2.0
"""Programs around a server under test: Debian's knotd upstream of it, fstrm_capture and dnsperf."""

import collections
import pathlib
import re
import socket
import ssl
import subprocess
import threading

import tap
from process import DEADLINE, Process, free_port


class Knot(Process):
    """An authoritative server for example. and forward. that counts its queries."""

    def __init__(self, folder):
        self.port = free_port()
        self.configuration = pathlib.Path(folder, "knot.conf")
        self.configuration.write_text(f"""
server:
    rundir: {folder}
    listen: [127.0.0.1@{self.port}, ::1@{self.port}]
log:
  - target: stdout
    any: info
database:
    storage: {folder}
mod-stats:
  - id: all
template:
  - id: default
    storage: {folder}
    global-module: mod-stats/all
    file: zone
zone:
  - domain: example.
  - domain: forward.
""")
        # A name below "big" has an answer that takes TCP.
        big = "\n".join(f"*.big TXT {'x' * 200}{n}" for n in range(20))
        pathlib.Path(folder, "zone").write_text(f"""
@ 3600 SOA ns hostmaster 1 3600 600 86400 300
@ NS ns
ns A 127.0.0.1
address A 192.0.2.1
limited A 192.0.2.2
passed A 192.0.2.3
* TXT {"x" * 50}
{big}
""")
        super().__init__("knotd", "-c", self.configuration)

    def await_ready(self):
        self.await_log("server started")

    def asked(self):
        """Queries by protocol, such as udp4."""
        command = ["knotc", "-c", self.configuration, "stats"]
        answer = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        found = re.findall(r"request-protocol\[(\w+)\] = (\d+)", answer)
        return collections.Counter({name: int(n) for name, n in found})


class Capture(Process):
    """Debian's fstrm_capture on the socket `tap`, or on a port."""

    def __init__(self, folder, name="captured", port=None):
        self.path = pathlib.Path(folder, name)
        tap = pathlib.Path(folder, "tap")
        tap.unlink(missing_ok=True)
        where = ["-a", "127.0.0.1", "-p", port] if port else ["-u", tap]
        super().__init__("fstrm_capture", "-d", "-t", "protobuf:dnstap.Dnstap", *where, "-w", self.path)

    def await_ready(self):
        self.await_log("opened output file")

    def read(self):
        """Ends the capture, and returns its messages."""
        self.stop()
        return tap.read(self.path)


class TlsRelay:
    """Accepts one TLS connection with a client certificate of the authority, and forwards it to the socket `tap`."""

    def __init__(self, folder):
        self.folder = folder
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(f"{self.folder}/certificate.pem", f"{self.folder}/key.pem")
        context.load_verify_locations(f"{self.folder}/authority.pem")
        context.verify_mode = ssl.CERT_REQUIRED
        with socket.socket(socket.AF_UNIX) as inside:
            inside.connect(f"{self.folder}/tap")
            try:
                outside = context.wrap_socket(self.listener.accept()[0], server_side=True)
            except ssl.SSLError:
                # The test is about a sender that does not trust us, or that we do not.
                return
            threading.Thread(target=self.pump, args=(inside, outside), daemon=True).start()
            self.pump(outside, inside)

    @staticmethod
    def pump(source, target):
        try:
            while data := source.recv(65536):
                target.sendall(data)
        except OSError:
            pass

    def join(self):
        self.thread.join(DEADLINE)
        assert not self.thread.is_alive(), "the connection has not ended"


class Load(Process):
    """dnsperf, which asks for a thousand names again and again."""

    # After this number of seconds dnsperf considers a query as lost. No answer is lost because the machine is busy.
    TIMEOUT = 20

    def __init__(self, folder, port, seconds, queries_a_second):
        names = pathlib.Path(folder, "names")
        names.write_text("".join(f"{n}.example TXT\n" for n in range(1000)))
        super().__init__("dnsperf", "-s", "127.0.0.1", "-p", port, "-d", names, "-l", seconds, "-Q", queries_a_second,
                         "-t", self.TIMEOUT)

    def all_answered(self):
        """Waits for the end, and returns the number of queries, of which each has to have its answer."""
        self.await_end()
        sent, lost = (int(re.search(rf"Queries {what}:\s+(\d+)", self.log())[1]) for what in ("sent", "lost"))
        assert lost == 0, f"{lost} of {sent} queries without an answer"
        return sent


def certificate(folder):
    """Creates an authority, and a key and a certificate from it for localhost and 127.0.0.1."""

    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    pathlib.Path(folder, "extensions").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    openssl("req", "-x509", *new_key, "-subj", "/CN=authority", "-keyout", "authority.key", "-out", "authority.pem")
    openssl("req", "-new", *new_key, "-subj", "/CN=localhost", "-keyout", "key.pem", "-out", "request.pem")
    openssl("x509", "-req", "-in", "request.pem", "-CA", "authority.pem", "-CAkey", "authority.key",
            "-CAcreateserial", "-extfile", "extensions", "-out", "certificate.pem")
