/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Debian's fstrm_capture as a receiver. */
#ifndef CAPTURE_H
#define CAPTURE_H

#include "address.h"
#include "process.h"

/* Starts one that writes to a file, and returns once it listens at the address. */
void capture_start(struct process *p, const struct address *address, const char *file);

/* Makes it write all that it has received, and exit. */
void capture_end(struct process *p);

#endif
