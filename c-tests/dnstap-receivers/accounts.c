/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "accounts.h"

#include <string.h>

/* How much later a machine that is busy may be. */
static const double SLACK = 2.0;

static const double CLOSE_GRACE = 0.5;

dnstap_options *options_for(const char *output)
{
	dnstap_options *options = dnstap_options_new();

	NEED(dnstap_options_set_output(options, output) == DNSTAP_OK, "%s", dnstap_options_get_error(options));
	dnstap_options_set_identity(options, "receivers");
	dnstap_options_set_queue_bytes(options, RING);
	dnstap_options_set_flush_interval(options, FLUSH);
	dnstap_options_set_reconnect_interval(options, RECONNECT);
	dnstap_options_set_io_timeout(options, IO_TIMEOUT);
	dnstap_options_set_close_timeout(options, CLOSE_TIMEOUT);
	return options;
}

dnstap_sink *open_sink(dnstap_options *options)
{
	dnstap_result error;
	double began = now();
	dnstap_sink *sink = dnstap_sink_open(options, &error);

	NEED(now() - began < SLACK, "opening the sink took %.1f s", now() - began);
	NEED(sink != NULL, "%s: %s", dnstap_strerror(error), dnstap_options_get_error(options));
	dnstap_options_free(&options);
	return sink;
}

static void balance(const dnstap_stats *s)
{
	uint64_t dropped = s->dropped_full + s->dropped_too_long + s->dropped_invalid + s->dropped_closed
			   + s->dropped_fork;

	NEED(s->logged == s->sent + s->waiting + dropped, "%llu logged, but %llu sent, %llu waiting, %llu dropped",
	     (unsigned long long)s->logged, (unsigned long long)s->sent, (unsigned long long)s->waiting,
	     (unsigned long long)dropped);
}

dnstap_stats accounts(const dnstap_sink *sink)
{
	dnstap_stats s = { .size = sizeof s };

	NEED(dnstap_sink_get_stats(sink, &s) == DNSTAP_OK, "there are no accounts");
	balance(&s);
	return s;
}

void expect(const char *what, uint64_t is, uint64_t wanted)
{
	NEED(is == wanted, "%s is %llu, not %llu", what, (unsigned long long)is, (unsigned long long)wanted);
}

const char *error_of(const dnstap_sink *sink)
{
	static char line[512];

	NEED(dnstap_sink_get_error(sink, line, sizeof line) == DNSTAP_OK, "the error cannot be asked for");
	return line;
}

void expect_error(const dnstap_sink *sink, const char *piece, const char *other)
{
	const char *line = error_of(sink);

	NEED(piece == NULL || strstr(line, piece) != NULL, "the error says \"%s\", not \"%s\"", line, piece);
	NEED(other == NULL || strstr(line, other) != NULL, "the error says \"%s\", not \"%s\"", line, other);
}

dnstap_stats close_sink(dnstap_sink **sink, unsigned timeout)
{
	dnstap_stats s = { .size = sizeof s };
	double began = now(), took;
	dnstap_result result = dnstap_sink_close(sink, &s);

	took = now() - began;
	NEED(took < timeout / 1e3 + CLOSE_GRACE + SLACK, "closing took %.2f s", took);
	NEED(result == DNSTAP_OK && *sink == NULL, "closing: %s", dnstap_strerror(result));
	balance(&s);
	NEED(s.state == DNSTAP_STATE_CLOSING, "the writer thread was left behind after %.2f s", took);
	return s;
}

void settle(const dnstap_stats *s, const struct load *l)
{
	EXPECT(s->logged, l->accepted + l->full);
	EXPECT(s->logged_by_type[DNSTAP_CLIENT_QUERY], s->logged);
	EXPECT(s->dropped_full, l->full);
	EXPECT(s->sent + s->dropped_closed, l->accepted);
	EXPECT(s->waiting, 0);
	EXPECT(l->closed, 0);
}
