/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "capture.h"
#include "messages.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

/* Not the one of the stage: the path is that of Debian's package. */
static const char PROGRAM[] = "/usr/bin/fstrm_capture";

void capture_start(struct process *p, const struct door *door, const char *file)
{
	char port[8];
	const char *const to_unix[] = {
		PROGRAM, "-d", "-t", CONTENT_TYPE, "-u", strchr(door->output, ':') + 1, "-w", file, NULL
	};
	const char *const to_tcp[] = {
		PROGRAM, "-d", "-t", CONTENT_TYPE, "-a", "127.0.0.1", "-p", port, "-w", file, NULL
	};

	snprintf(port, sizeof port, "%u", door->port);
	process_start(p, "capture.log", door->transport == UNIX ? to_unix : to_tcp);
	/* By then it listens. */
	process_await(p, "opened output file");
}

void capture_end(struct process *p)
{
	process_end(p, SIGTERM);
}
