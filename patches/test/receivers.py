# SPDX-License-Identifier: MIT OR Apache-2.0
"""Receivers on the socket `tap` that do not read messages."""

import pathlib
import socket
import struct

from dns import read_exactly
from process import DEADLINE

CONTENT_TYPE = b"protobuf:dnstap.Dnstap"
# ACCEPT with one content type (docs/frame-streams.md).
ACCEPT = struct.pack("!IIIII", 0, 12 + len(CONTENT_TYPE), 1, 1, len(CONTENT_TYPE)) + CONTENT_TYPE


class SilentReceiver:
    """Accepts connections, and never answers."""

    def __init__(self, folder):
        self.path = pathlib.Path(folder, "tap")
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(self.path))
        self.listener.listen(100)
        self.listener.settimeout(DEADLINE)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.listener.close()
        self.path.unlink()

    def accept(self):
        pass


class DeafReceiver(SilentReceiver):
    """Accepts streams, and does not read them."""

    def __init__(self, folder):
        super().__init__(folder)
        self.streams = []

    def accept(self, streams=1):
        for _ in range(streams):
            stream = self.listener.accept()[0]
            self.streams.append(stream)
            stream.settimeout(DEADLINE)
            read_exactly(stream, len(ACCEPT))
            stream.sendall(ACCEPT)

    def __exit__(self, *error):
        for stream in self.streams:
            stream.close()
        super().__exit__(*error)
