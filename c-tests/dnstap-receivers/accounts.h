/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A sink whose accounts are checked whenever they are looked at. */
#ifndef ACCOUNTS_H
#define ACCOUNTS_H

#include "fault.h"
#include "load.h"
#include "receiver.h"

#include <libdnstap.h>
#include <time.h>

/* Milliseconds: of a receiver that is well, none is ever reached. */
enum { FLUSH = 10, RECONNECT = 200, IO_TIMEOUT = 10000, CLOSE_TIMEOUT = 10000 };

/* The memory of a queue, small enough to be full at once. */
enum { RING = 256 * 1024 };

/* Options for an output; then the sink of them, which have to be right. */
dnstap_options *options_for(const char *output);
dnstap_sink *open_sink(dnstap_options *options);

/* The accounts, which balance. */
dnstap_stats accounts(const dnstap_sink *sink);

/* Asks again until it is so: the accounts have no event to wait for. The receiver has DEADLINE for it. */
#define UNTIL(condition) do { \
		struct timespec pause = { 0, 1000000 }; \
		double began = now(); \
		while (s = accounts(sink), !(condition)) { \
			NEED(now() - began < DEADLINE, "never came: %s; %s", #condition, error_of(sink)); \
			nanosleep(&pause, NULL); \
		} \
	} while (0)

void expect(const char *what, uint64_t is, uint64_t wanted);
#define EXPECT(what, wanted) expect(#what, what, wanted)

/* Why the receiver could not be reached, or was lost. Stays until the next call. */
const char *error_of(const dnstap_sink *sink);

/* Checks that the error has both pieces in it; either may be NULL. */
void expect_error(const dnstap_sink *sink, const char *piece, const char *other);

/* Closes, within half a second after the timeout in milliseconds. The last accounts balance. */
dnstap_stats close_sink(dnstap_sink **sink, unsigned timeout);

/* Checks the last accounts with those of the thread that logged: nothing is unaccounted for. */
void settle(const dnstap_stats *s, const struct load *l);

#endif
