/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Debian's fstrm_capture is killed under load and restarted. */
#include "capture.h"
#include "address.h"
#include "load.h"
#include "messages.h"
#include "sink.h"

#include <signal.h>

enum { PLENTY = 20000 }; /* messages to each of the two processes */

static void killed(int transport)
{
	struct tally *received = new_tally();
	struct process capture;
	struct address address;
	struct load l;
	dnstap_sink *sink;
	dnstap_stats s;
	uint64_t before, failures, first, second;
	int end;

	address_reserve(&address, (enum transport)transport);
	capture_start(&capture, &address, "first");
	sink = open_sink(options_with_ring(address.output, LOAD_RING));
	load_start(&l, sink);
	WAIT_FOR_STATS(sink, s, s.sent >= PLENTY);
	/* The first attempts may have failed because it did not listen yet. */
	failures = s.connect_failures;
	process_end(&capture, SIGKILL);
	WAIT_FOR_STATS(sink, s, s.connect_failures > failures);
	ASSERT_EQ(s.connects, 1);
	ASSERT_EQ(s.disconnects, 1);
	before = s.sent;
	capture_start(&capture, &address, "second");
	WAIT_FOR_STATS(sink, s, s.sent >= before + PLENTY);
	ASSERT_EQ(s.connects, 2);
	ASSERT_EQ(s.disconnects, 1);
	load_stop(&l);
	s = close_loaded_sink(&sink, TIMEOUT, &l);
	ASSERT_EQ(s.dropped_closed, 0);
	capture_end(&capture);

	/* The file of the first process lacks messages that were still in its memory, and may end within a frame. */
	end = tally_partial_file(received, "first");
	ASSERT(end == END || end == CUT, "the first file ends with %d", end);
	ASSERT_EQ(received->missing, 0);
	first = received->messages;
	second = tally_file(received, "second");
	ASSERT(received->gaps <= 1, "messages are missing in %u places", received->gaps);
	ASSERT(first > 0 && second >= PLENTY, "%llu and %llu messages arrived", (unsigned long long)first,
	       (unsigned long long)second);
	ASSERT_EQ(received->messages + received->missing, s.sent);
	ASSERT_EQ(received->next[0], l.accepted);
}

int main(int argc, char **argv)
{
	static const struct test_case cases[] = {
		CASE_WITH("Unix: fstrm_capture is killed and restarted", killed, UNIX),
		CASE_WITH("TCP: fstrm_capture is killed and restarted", killed, TCP),
	};

	return load_main(argc, argv, cases, sizeof cases / sizeof *cases);
}
