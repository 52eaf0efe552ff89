/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Prints byte strings in a form that diff can compare. */
#ifndef BYTES_H
#define BYTES_H

#include <stddef.h>
#include <stdio.h>

/* Prints short byte strings in hex, long ones as their length and FNV-1a hash. */
void print_bytes(FILE *out, const void *data, size_t len);

#endif
