/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Sinks that open and close in time, and whose accounts are checked each time they are read. */
#ifndef SINK_H
#define SINK_H

#include "harness.h"
#include "receiver.h"

#include <libdnstap.h>
#include <stdint.h>

/* The I/O and close timeouts in milliseconds; a working receiver needs far less. */
enum { TIMEOUT = 10000 };

/* Returns options for an output. */
dnstap_options *options_to(const char *output);

/* The same with a ring of this size, a short flush interval and a short reconnect interval. */
dnstap_options *options_with_ring(const char *output, size_t bytes);

/* Opens a sink and frees the options. Fails the case if opening waits for anything. */
dnstap_sink *open_sink(dnstap_options *options);

/* Reads the accounts, and checks that they add up. */
dnstap_stats stats_of(const dnstap_sink *sink);
void check_sums(const dnstap_stats *s);

/* Closes a sink, at most half a second after its timeout in milliseconds, and returns its last accounts. */
dnstap_stats close_sink(dnstap_sink **sink, unsigned timeout);

/* Returns the error of a sink, in memory that the next call overwrites. */
const char *error_of(const dnstap_sink *sink);

/* Fails the case unless the error contains both parts; either may be NULL. */
void expect_error(const dnstap_sink *sink, const char *part, const char *other);

/* Reads the accounts into `s` until they meet a condition. */
#define WAIT_FOR_STATS(sink, s, condition) \
	WAIT_UNTIL((s = stats_of(sink), (condition)), DEADLINE, "%s is still false; %s", #condition, error_of(sink))

#endif
