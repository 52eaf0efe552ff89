/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A destination for frames, for each transport of the library. */
#ifndef ENDPOINT_H
#define ENDPOINT_H

#include <fstrm.h>
#include <stdbool.h>

enum transport { TO_FILE, TO_UNIX, TO_TCP4, TO_TCP6, TRANSPORTS };

struct endpoint {
	enum transport transport;
	const char *name;
	int listening; /* -1 for a file */
	char port[8];
};

extern const char ENDPOINT_PATH[]; /* of the file or the Unix socket, in the current directory */

/* False if the machine does not have the address, such as ::1 without IPv6. */
bool endpoint_open(struct endpoint *e, enum transport transport);
void endpoint_close(struct endpoint *e);

/* Runs a test for a socket of each kind that the machine has. */
void each_socket(void (*test)(const struct endpoint *e));

/* Returns a writer to it. The list of content types ends in NULL, or is NULL. */
struct fstrm_writer *endpoint_writer(const struct endpoint *e, const char *const *content_types);

#endif
