/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* One place to write to, for each transport the library has. */
#ifndef ENDPOINT_H
#define ENDPOINT_H

#include <fstrm.h>
#include <stdbool.h>

enum transport { TO_FILE, TO_UNIX, TO_TCP4, TO_TCP6, TRANSPORTS };

struct endpoint {
	enum transport transport;
	const char *name;
	int listening;		/* -1 for a file */
	char port[8];
};

extern const char ENDPOINT_PATH[];	/* of the file or the Unix socket, in the current directory */

/* False when the machine lacks the address (IPv6 may be switched off). */
bool endpoint_open(struct endpoint *e, enum transport transport);
void endpoint_close(struct endpoint *e);

/* A writer to it; the content types end in NULL, and the list may be NULL. */
struct fstrm_writer *endpoint_writer(const struct endpoint *e, const char *const *content_types);

#endif
