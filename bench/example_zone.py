# SPDX-License-Identifier: MIT OR Apache-2.0
"""The zone `example.` that servers are asked for: host0, host1 and so on, each with an address."""


def write_zone(path, names):
    """Writes a zone file with this number of names."""
    records = ["$ORIGIN example.", "@ 3600 SOA ns hostmaster 1 3600 600 86400 300", "@ 3600 NS ns", "ns 3600 A 192.0.2.1"]
    records += [f"host{number} 3600 A 192.0.2.{number % 256}" for number in range(names)]
    path.write_text("\n".join(records) + "\n")


def query(message_id, number):
    """Returns a query for the address of a name, by its number."""
    label = b"host%d" % number
    name = bytes([len(label)]) + label + b"\7example\0"
    return (message_id % 65536).to_bytes(2, "big") + b"\1\0\0\1\0\0\0\0\0\0" + name + b"\0\1\0\1"
