/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "capture.h"
#include "fault.h"
#include "stream.h"

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

dnstap_result read_file(const char *file, struct arrivals *came)
{
	dnstap_message message = { .size = sizeof message };
	dnstap_result result;
	dnstap_reader *reader = dnstap_reader_open(file, &result);

	NEED(reader != NULL, "%s: %s", file, dnstap_strerror(result));
	while ((result = dnstap_reader_next(reader, &message, 0)) == DNSTAP_OK) {
		uint64_t number;

		NEED(message.type == DNSTAP_CLIENT_QUERY
		     && event_number_of_query(message.query.data, message.query.length, &number),
		     "%s: after %llu messages a torn one", file, (unsigned long long)came->frames);
		NEED(arrive(came, number), "%s: number %llu where %llu was due", file, (unsigned long long)number,
		     (unsigned long long)came->next);
	}
	dnstap_reader_close(&reader);
	return result;
}
