/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* How byte strings are written down, so that two runs can be compared by diff. */
#ifndef BYTES_H
#define BYTES_H

#include <stddef.h>
#include <stdio.h>

/* Short byte strings in hex, long ones as their length and FNV-1a hash. */
void print_bytes(FILE *out, const void *data, size_t len);

#endif
