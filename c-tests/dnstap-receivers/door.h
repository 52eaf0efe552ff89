/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * An address that a receiver can come to, leave and come back to. While nobody
 * listens at it, it is kept from others, so that connections to it are refused.
 */
#ifndef DOOR_H
#define DOOR_H

#include <stdbool.h>

enum transport { UNIX, TCP };

struct door {
	enum transport transport;
	int held;		/* keeps the port of a TCP one */
	int listening;		/* -1 while nobody listens */
	unsigned port;
	char output[64];	/* as libdnstap names it */
};

/* An address of 127.0.0.1, or a socket in the current directory, where nobody listens yet. */
void door_make(struct door *d, enum transport transport);

void door_open(struct door *d);

/* As when the receiver was killed: what is left of a Unix socket is its name. */
void door_shut(struct door *d);

/* Closes a connection without reading what came, so that TCP resets it. */
void slam(int fd);

#endif
