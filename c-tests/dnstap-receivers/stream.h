/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The receiver's side of a stream of numbered messages. */
#ifndef STREAM_H
#define STREAM_H

#include "event.h"
#include "receiver.h"

/* The content type of dnstap streams, and the list of it alone. */
extern const char CONTENT_TYPE[];
extern const char *const content_types[];

/* Reads one frame, and returns its type. A message is whole, and newer than all before it. */
int take_frame(int fd, struct arrivals *came);

/* Reads up to the end of the data, and returns what comes there. */
int take_rest(int fd, struct arrivals *came);

/* Reads up to STOP, answers it, and sees the sender close. */
void take_to_stop(int fd, struct arrivals *came);

#endif
