/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A real receiver, Debian's fstrm_capture, is killed under load and started again. */
#include "capture.h"
#include "door.h"
#include "load.h"
#include "messages.h"
#include "sink.h"

#include <signal.h>

enum { PLENTY = 20000 };	/* messages to each of the two */

static void killed(int transport)
{
	struct tally *came = new_tally();
	struct process capture;
	struct door door;
	struct load l;
	dnstap_sink *sink;
	dnstap_stats s;
	uint64_t before, failures, first, second;
	int end;

	door_make(&door, (enum transport)transport);
	capture_start(&capture, &door, "first");
	sink = open_sink(options_with_ring(door.output, LOAD_RING));
	load_start(&l, sink);
	AWAIT_STATS(sink, s, s.sent >= PLENTY);
	/* The first tries may have come before it listened. */
	failures = s.connect_failures;
	process_end(&capture, SIGKILL);
	AWAIT_STATS(sink, s, s.connect_failures > failures);
	EXPECT(s.connects, 1);
	EXPECT(s.disconnects, 1);
	before = s.sent;
	capture_start(&capture, &door, "second");
	AWAIT_STATS(sink, s, s.sent >= before + PLENTY);
	EXPECT(s.connects, 2);
	EXPECT(s.disconnects, 1);
	load_stop(&l);
	s = settle(&sink, TIMEOUT, &l);
	EXPECT(s.dropped_closed, 0);
	capture_end(&capture);

	/* What was in the memory of the first when it was killed is missing in its file, whose end may be torn. */
	end = tally_remains(came, "first");
	NEED(end == END || end == CUT, "the first file ends with %d", end);
	EXPECT(came->missing, 0);
	first = came->messages;
	second = tally_file(came, "second");
	NEED(came->gaps <= 1, "messages are missing in %u places", came->gaps);
	NEED(first > 0 && second >= PLENTY, "%llu and %llu messages arrived", (unsigned long long)first,
	     (unsigned long long)second);
	EXPECT(came->messages + came->missing, s.sent);
	EXPECT(came->next[0], l.accepted);
}

int main(int argc, char **argv)
{
	static const struct fault cases[] = {
		{ "Unix: fstrm_capture is killed and started again", killed, UNIX, 60, 0, NULL },
		{ "TCP: fstrm_capture is killed and started again", killed, TCP, 60, 0, NULL },
	};

	return load_main(argc, argv, cases, sizeof cases / sizeof *cases);
}
