/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "sink.h"

#include <string.h>

/* Seconds after its timeout at which a sink is closed at the latest. */
static const double CLOSE_GRACE = 0.5;

/* Seconds that a busy machine may add. */
static const double SLACK = 2.0;

/* The factor by which everything may take longer. */
static unsigned slowdown(void)
{
	return under_valgrind() ? 4 : 1;
}

dnstap_options *options_to(const char *output)
{
	dnstap_options *options = dnstap_options_new();

	ASSERT(dnstap_options_set_output(options, output) == DNSTAP_OK, "%s: %s", output,
	       dnstap_options_get_error(options));
	ASSERT(dnstap_options_set_io_timeout(options, slowdown() * TIMEOUT) == DNSTAP_OK, "io_timeout");
	ASSERT(dnstap_options_set_close_timeout(options, slowdown() * TIMEOUT) == DNSTAP_OK, "close_timeout");
	return options;
}

dnstap_options *options_with_ring(const char *output, size_t bytes)
{
	dnstap_options *options = options_to(output);

	ASSERT(dnstap_options_set_queue_bytes(options, bytes) == DNSTAP_OK, "queue_bytes");
	ASSERT(dnstap_options_set_flush_interval(options, 10) == DNSTAP_OK, "flush_interval");
	ASSERT(dnstap_options_set_reconnect_interval(options, 100) == DNSTAP_OK, "reconnect_interval");
	return options;
}

dnstap_sink *open_sink(dnstap_options *options)
{
	dnstap_result error;
	double took = now();
	dnstap_sink *sink = dnstap_sink_open(options, &error);

	took = now() - took;
	ASSERT(sink != NULL && error == DNSTAP_OK, "no sink: %s: %s", dnstap_strerror(error),
	       dnstap_options_get_error(options));
	ASSERT(took < slowdown() * SLACK, "opening the sink took %.1f s", took);
	dnstap_options_free(&options);
	return sink;
}

void check_sums(const dnstap_stats *s)
{
	uint64_t sum = 0;

	for (int i = 0; i < DNSTAP_MESSAGE_TYPE_COUNT; i++)
		sum += s->logged_by_type[i];
	ASSERT(s->logged == sum, "%llu logged, but %llu by type", (unsigned long long)s->logged,
	       (unsigned long long)sum);
	sum = s->sent + s->waiting + s->dropped_full + s->dropped_too_long + s->dropped_invalid + s->dropped_closed;
	ASSERT(s->logged == sum && s->waiting <= s->logged && s->sent <= s->logged,
	       "%llu logged, but %llu sent, %llu waiting, dropped: %llu full, %llu too long, %llu invalid, %llu closed",
	       (unsigned long long)s->logged, (unsigned long long)s->sent, (unsigned long long)s->waiting,
	       (unsigned long long)s->dropped_full, (unsigned long long)s->dropped_too_long,
	       (unsigned long long)s->dropped_invalid, (unsigned long long)s->dropped_closed);
}

dnstap_stats stats_of(const dnstap_sink *sink)
{
	dnstap_stats s;
	dnstap_result result;

	memset(&s, 0x5a, sizeof s);
	s.size = sizeof s;
	result = dnstap_sink_get_stats(sink, &s);
	ASSERT(result == DNSTAP_OK, "get_stats: %s", dnstap_strerror(result));
	check_sums(&s);
	return s;
}

dnstap_stats close_sink(dnstap_sink **sink, unsigned timeout)
{
	dnstap_stats s = DNSTAP_STATS_INIT;
	double took = now();
	dnstap_result result = dnstap_sink_close(sink, &s);

	took = now() - took;
	ASSERT(result == DNSTAP_OK && *sink == NULL, "closing: %s", dnstap_strerror(result));
	ASSERT(took < slowdown() * (timeout / 1e3 + CLOSE_GRACE + SLACK), "closing took %.2f s", took);
	check_sums(&s);
	ASSERT(s.state == DNSTAP_STATE_CLOSING, "the writer thread still ran after %.2f s", took);
	return s;
}

const char *error_of(const dnstap_sink *sink)
{
	static char line[512];

	ASSERT(dnstap_sink_get_error(sink, line, sizeof line) == DNSTAP_OK, "get_error");
	ASSERT(strstr(line, "(os error") == NULL, "the error contains a number: %s", line);
	return line;
}

void expect_error(const dnstap_sink *sink, const char *part, const char *other)
{
	const char *line = error_of(sink);

	ASSERT(part == NULL || strstr(line, part) != NULL, "the error is \"%s\", without \"%s\"", line, part);
	ASSERT(other == NULL || strstr(line, other) != NULL, "the error is \"%s\", without \"%s\"", line, other);
}
