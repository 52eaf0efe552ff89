/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Debian's fstrm_capture as the receiver. */
#ifndef CAPTURE_H
#define CAPTURE_H

#include "door.h"
#include "process.h"

/* Starts one that listens at a door, and writes to a file; it listens when the call returns. */
void capture_start(struct process *p, const struct door *door, const char *file);

/* Lets it write all it has, and end. */
void capture_end(struct process *p);

#endif
