#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Logs a DNS query to a file with libdnstap, and reads it back. Argument: the path of the file."""
import sys
import time
from ctypes import CDLL, Structure, byref, c_bool, c_char_p, c_int64, c_size_t, c_uint32, c_void_p, cast, sizeof, string_at


def struct(**fields):
    return type("struct", (Structure,), {"_fields_": list(fields.items())})


Handle = type("Handle", (c_void_p,), {})  # a plain c_void_p would come back as a number, and be passed as an int
Bytes = struct(data=c_void_p, length=c_size_t)
Time = struct(seconds=c_int64, nanoseconds=c_uint32)
Message = struct(size=c_size_t, type=c_uint32, socket_protocol=c_uint32, socket_family=c_uint32,
                 http_protocol=c_uint32, sample_rate=c_uint32, initiator=c_void_p, responder=c_void_p,
                 query_time=Time, response_time=Time, query=Bytes, response=Bytes, zone=Bytes,
                 policy=c_void_p, extra=Bytes, identity=Bytes, version=Bytes)
lib = CDLL("libdnstap.so.0")
for name in "options_new", "sink_open", "queue_new", "reader_open":
    getattr(lib, "dnstap_" + name).restype = Handle
lib.dnstap_enabled.restype = c_bool
lib.dnstap_message_type_name.restype = c_char_p

if len(sys.argv) != 2:
    sys.exit(f"usage: {sys.argv[0]} FILE")
path, client_query, udp = sys.argv[1].encode(), 5, 1
options = lib.dnstap_options_new()
assert lib.dnstap_options_set_output(options, b"file:" + path) == 0
sink = lib.dnstap_sink_open(options, None)
queue = lib.dnstap_queue_new(sink, None)
if lib.dnstap_enabled(queue, client_query):
    wire = b"\0\x2a\1\0\0\1\0\0\0\0\0\0\7example\0\0\1\0\1"
    message = Message(size=sizeof(Message), type=client_query, socket_protocol=udp,
                      query=Bytes(cast(wire, c_void_p), len(wire)), query_time=Time(int(time.time()), 0))
    assert lib.dnstap_log(queue, byref(message)) == 0
lib.dnstap_queue_free(byref(queue))
assert lib.dnstap_sink_close(byref(sink), None) == 0
lib.dnstap_options_free(byref(options))

reader, message = lib.dnstap_reader_open(path, None), Message(size=sizeof(Message))
assert lib.dnstap_reader_next(reader, byref(message), 1000) == 0
print(lib.dnstap_message_type_name(message.type).decode(), string_at(message.query.data, message.query.length).hex())
lib.dnstap_reader_close(byref(reader))
