# SPDX-License-Identifier: MIT OR Apache-2.0
"""Programs around a server under test: Debian's knotd behind it, fstrm_capture and dnsperf."""

import collections
import pathlib
import random
import re
import signal
import socket
import ssl
import subprocess
import threading
import time

# A hang, and not a slow machine.
DEADLINE = 60


def until(what, condition):
    """Waits until the condition holds, and returns what it returned; a deadline makes an error of a hang."""
    end = time.monotonic() + DEADLINE
    while not (value := condition()):
        assert time.monotonic() < end, f"did not come in {DEADLINE} s: {what}"
        time.sleep(0.01)
    return value


def free_port():
    """A port of 127.0.0.1 that nobody uses, below those that the system gives out by itself."""
    while True:
        port = random.randrange(10000, 30000)
        try:
            for kind in socket.SOCK_DGRAM, socket.SOCK_STREAM:
                with socket.socket(socket.AF_INET, kind) as probe:
                    probe.bind(("127.0.0.1", port))
            return port
        except OSError:
            continue


# The exit status of a program that valgrind has found a fault in.
FAULT = 99

# The modules of a server are gone when valgrind reports at its end.
MEMCHECK = ["valgrind", "--quiet", f"--error-exitcode={FAULT}", "--num-callers=25", "--keep-debuginfo=yes", "--fair-sched=try"]


class Process:
    """A program whose output goes to a file, killed at the end of the `with` block if it has not ended. With `memcheck` it
    runs under valgrind, and a read or write of memory that is not its own makes stop() fail."""

    def __init__(self, folder, *command, memcheck=False):
        self.log_path = pathlib.Path(folder, f"{pathlib.Path(command[0]).name}.{time.monotonic_ns()}.log")
        with open(self.log_path, "wb") as log:
            words = [*(MEMCHECK if memcheck else []), *map(str, command)]
            self.child = subprocess.Popen(words, stdout=log, stderr=log, cwd=folder)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        if self.child.poll() is None:
            self.child.kill()
            self.child.wait()
        if error[0]:
            print(f"--- {self.log_path.name}\n{self.log()[-3000:]}")

    def log(self):
        return self.log_path.read_text(errors="replace")

    def await_log(self, text):
        def said():
            assert text in self.log() or self.child.poll() is None, f"ended without saying {text!r}"
            return text in self.log()

        until(text, said)

    def stop(self):
        """Ends it, and returns how many seconds that took."""
        start = time.monotonic()
        self.child.terminate()
        status = self.child.wait(DEADLINE)
        assert status != FAULT, "valgrind found:\n" + "\n".join(re.findall(r"^==\d+==.*", self.log(), re.MULTILINE))
        assert status == 0, f"ended with status {status}"
        return time.monotonic() - start


class Knot(Process):
    """An authoritative server for example. and forward., which counts what it is asked."""

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
        super().__init__(folder, "knotd", "-c", self.configuration)
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
        super().__init__(folder, "fstrm_capture", "-d", "-t", "protobuf:dnstap.Dnstap", *where, "-w", self.path)
        self.await_log("opened output file")


class TlsRelay:
    """Takes one TLS connection that shows a certificate of the authority, and passes it on to the socket `tap`."""

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
    """dnsperf, which asks for a thousand names again and again. An answer that takes longer than a second is lost."""

    def __init__(self, folder, port, seconds, queries_a_second):
        names = pathlib.Path(folder, "names")
        names.write_text("".join(f"{n}.example TXT\n" for n in range(1000)))
        super().__init__(folder, "dnsperf", "-s", "127.0.0.1", "-p", port, "-d", names, "-l", seconds,
                         "-Q", queries_a_second, "-t", 1)

    def lost_of_sent(self):
        assert self.child.wait(60) == 0
        sent, lost = (int(re.search(rf"Queries {what}:\s+(\d+)", self.log())[1]) for what in ("sent", "lost"))
        return lost, sent


def certificate(folder):
    """An authority, and a key and a certificate from it for localhost and 127.0.0.1."""

    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    pathlib.Path(folder, "extensions").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    openssl("req", "-x509", *new_key, "-subj", "/CN=authority", "-keyout", "authority.key", "-out", "authority.pem")
    openssl("req", "-new", *new_key, "-subj", "/CN=localhost", "-keyout", "key.pem", "-out", "request.pem")
    openssl("x509", "-req", "-in", "request.pem", "-CA", "authority.pem", "-CAkey", "authority.key",
            "-CAcreateserial", "-extfile", "extensions", "-out", "certificate.pem")


def kill(process):
    process.child.send_signal(signal.SIGKILL)
    process.child.wait()
