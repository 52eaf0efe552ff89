/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "capture.h"
#include "messages.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

/* That of Debian's package, not of the stage. */
static const char PROGRAM[] = "/usr/bin/fstrm_capture";

void capture_start(struct process *p, const struct address *address, const char *file)
{
	char port[8];
	const char *const to_unix[] = { PROGRAM, "-d", "-t", CONTENT_TYPE, "-u", strchr(address->output, ':') + 1,
					"-w",    file, NULL };
	const char *const to_tcp[] = { PROGRAM, "-d", "-t", CONTENT_TYPE, "-a", "127.0.0.1",
				       "-p",    port, "-w", file,         NULL };

	snprintf(port, sizeof port, "%u", address->port);
	process_start(p, "capture.log", address->transport == UNIX ? to_unix : to_tcp);
	/* It listens before it prints this. */
	process_await(p, "opened output file");
}

void capture_end(struct process *p)
{
	process_end(p, SIGTERM);
}
