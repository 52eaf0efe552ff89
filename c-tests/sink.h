/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A sink whose accounts are checked whenever they are looked at, and that is opened and closed in time. */
#ifndef SINK_H
#define SINK_H

#include "fault.h"
#include "receiver.h"

#include <libdnstap.h>
#include <stdint.h>

/* Milliseconds that the options give the receiver for each step, and for the end: one that is well needs far less. */
enum { TIMEOUT = 10000 };

/* Options for an output. */
dnstap_options *options_to(const char *output);

/* The same with a ring of so many bytes, which is flushed soon, and a receiver that is tried again soon. */
dnstap_options *options_with_ring(const char *output, size_t bytes);

/* A sink with such options, which it frees. Nobody is waited for. */
dnstap_sink *open_sink(dnstap_options *options);

/* The accounts, which are checked for adding up. */
dnstap_stats stats_of(const dnstap_sink *sink);
void check_sums(const dnstap_stats *s);

/* Closes, within half a second after its timeout in milliseconds. Returns the last accounts. */
dnstap_stats close_sink(dnstap_sink **sink, unsigned timeout);

/* Why the receiver could not be reached, or was lost. Stays until the next call. */
const char *error_of(const dnstap_sink *sink);

/* Ends a case unless the error has both pieces in it; either may be NULL. */
void expect_error(const dnstap_sink *sink, const char *piece, const char *other);

/* Looks at the accounts until they are as they should be; the last ones are left in `s`. */
#define AWAIT_STATS(sink, s, condition) \
	AWAIT((s = stats_of(sink), (condition)), DEADLINE, "never came: %s; %s", #condition, error_of(sink))

#endif
