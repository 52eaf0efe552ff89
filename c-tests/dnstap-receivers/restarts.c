/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A real receiver, Debian's fstrm_capture, is killed under load and started again. */
#include "accounts.h"
#include "capture.h"
#include "door.h"

#include <signal.h>

enum { PLENTY = 20000 };	/* messages to each of the two */

static void killed(int transport)
{
	struct arrivals came = { 0, 0, 0, 0 };
	struct process capture;
	struct door door;
	struct load l;
	dnstap_sink *sink;
	dnstap_stats s;
	dnstap_result end;
	uint64_t before;

	door_make(&door, (enum transport)transport);
	capture_start(&capture, &door, "first");
	sink = open_sink(options_for(door.output));
	load_start(&l, sink);
	UNTIL(s.sent >= PLENTY);
	process_end(&capture, SIGKILL);
	UNTIL(s.connect_failures > 0);
	EXPECT(s.connects, 1);
	EXPECT(s.disconnects, 1);
	before = s.sent;
	capture_start(&capture, &door, "second");
	UNTIL(s.sent >= before + PLENTY);
	EXPECT(s.connects, 2);
	EXPECT(s.disconnects, 1);
	load_stop(&l);
	s = close_sink(&sink, CLOSE_TIMEOUT);
	settle(&s, &l);
	EXPECT(s.dropped_closed, 0);
	capture_end(&capture);

	/* What was in the memory of the first when it was killed is missing in its file, whose end may be torn. */
	end = read_file("first", &came);
	NEED(end == DNSTAP_ERROR_NO_STOP || end == DNSTAP_ERROR_TORN, "the first file: %s", dnstap_strerror(end));
	EXPECT(came.lost, 0);
	before = came.frames;
	end = read_file("second", &came);
	NEED(end == DNSTAP_END, "the second file: %s", dnstap_strerror(end));
	NEED(came.gaps <= 1, "messages are missing in %u places", came.gaps);
	NEED(before > 0 && came.frames - before >= PLENTY, "%llu and %llu messages arrived", (unsigned long long)before,
	     (unsigned long long)(came.frames - before));
	EXPECT(came.frames + came.lost, s.sent);
	EXPECT(came.next, l.accepted);
}

int main(int argc, char **argv)
{
	static const struct fault cases[] = {
		{ "Unix: fstrm_capture is killed and started again", killed, UNIX, 60, 0, NULL },
		{ "TCP: fstrm_capture is killed and started again", killed, TCP, 60, 0, NULL },
	};

	return load_main(argc, argv, cases, sizeof cases / sizeof *cases);
}
