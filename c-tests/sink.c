/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "sink.h"

#include <string.h>

/* How many seconds after the timeout a sink is closed at the latest. */
static const double CLOSE_GRACE = 0.5;

/* How many more a machine that is busy may take. */
static const double SLACK = 2.0;

/* How often that long everything may take. */
static unsigned times(void)
{
	return in_haste() ? 4 : 1;
}

dnstap_options *options_to(const char *output)
{
	dnstap_options *options = dnstap_options_new();

	NEED(dnstap_options_set_output(options, output) == DNSTAP_OK, "%s: %s", output,
	     dnstap_options_get_error(options));
	NEED(dnstap_options_set_io_timeout(options, times() * TIMEOUT) == DNSTAP_OK, "io_timeout");
	NEED(dnstap_options_set_close_timeout(options, times() * TIMEOUT) == DNSTAP_OK, "close_timeout");
	return options;
}

dnstap_options *options_with_ring(const char *output, size_t bytes)
{
	dnstap_options *options = options_to(output);

	NEED(dnstap_options_set_queue_bytes(options, bytes) == DNSTAP_OK, "queue_bytes");
	NEED(dnstap_options_set_flush_interval(options, 10) == DNSTAP_OK, "flush_interval");
	NEED(dnstap_options_set_reconnect_interval(options, 100) == DNSTAP_OK, "reconnect_interval");
	return options;
}

dnstap_sink *open_sink(dnstap_options *options)
{
	dnstap_result error;
	double took = now();
	dnstap_sink *sink = dnstap_sink_open(options, &error);

	took = now() - took;
	NEED(sink != NULL && error == DNSTAP_OK, "no sink: %s: %s", dnstap_strerror(error),
	     dnstap_options_get_error(options));
	NEED(took < times() * SLACK, "opening the sink took %.1f s", took);
	dnstap_options_free(&options);
	return sink;
}

void check_sums(const dnstap_stats *s)
{
	uint64_t sum = 0;

	for (int i = 0; i < DNSTAP_MESSAGE_TYPE_COUNT; i++)
		sum += s->logged_by_type[i];
	NEED(s->logged == sum, "%llu logged, but %llu by type", (unsigned long long)s->logged, (unsigned long long)sum);
	sum = s->sent + s->waiting + s->dropped_full + s->dropped_too_long + s->dropped_invalid +
	      s->dropped_closed;
	NEED(s->logged == sum && s->waiting <= s->logged && s->sent <= s->logged,
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
	NEED(result == DNSTAP_OK, "get_stats: %s", dnstap_strerror(result));
	check_sums(&s);
	return s;
}

dnstap_stats close_sink(dnstap_sink **sink, unsigned timeout)
{
	dnstap_stats s = DNSTAP_STATS_INIT;
	double took = now();
	dnstap_result result = dnstap_sink_close(sink, &s);

	took = now() - took;
	NEED(result == DNSTAP_OK && *sink == NULL, "closing: %s", dnstap_strerror(result));
	NEED(took < times() * (timeout / 1e3 + CLOSE_GRACE + SLACK), "closing took %.2f s", took);
	check_sums(&s);
	NEED(s.state == DNSTAP_STATE_CLOSING, "the writer thread was left behind after %.2f s", took);
	return s;
}

const char *error_of(const dnstap_sink *sink)
{
	static char line[512];

	NEED(dnstap_sink_get_error(sink, line, sizeof line) == DNSTAP_OK, "the error cannot be asked for");
	NEED(strstr(line, "(os error") == NULL, "the error has a number: %s", line);
	return line;
}

void expect_error(const dnstap_sink *sink, const char *piece, const char *other)
{
	const char *line = error_of(sink);

	NEED(piece == NULL || strstr(line, piece) != NULL, "the error says \"%s\", not \"%s\"", line, piece);
	NEED(other == NULL || strstr(line, other) != NULL, "the error says \"%s\", not \"%s\"", line, other);
}
