/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The address of a receiver that starts, stops and restarts. While nothing
 * listens there it stays reserved, so that connections are refused.
 */
#ifndef ADDRESS_H
#define ADDRESS_H

#include <stdbool.h>

enum transport { UNIX, TCP };

struct address {
	enum transport transport;
	int reserved;  /* a socket that reserves a TCP port */
	int listening; /* -1 while nothing listens */
	unsigned port;
	char output[64]; /* as libdnstap names it */
};

/* Reserves a port of 127.0.0.1, or a socket path in the current directory. */
void address_reserve(struct address *a, enum transport transport);

void address_listen(struct address *a);

/* Stops listening as if the receiver were killed: a Unix socket keeps its name. */
void address_abandon(struct address *a);

/* Closes a connection so that TCP resets it. */
void reset_connection(int fd);

#endif
