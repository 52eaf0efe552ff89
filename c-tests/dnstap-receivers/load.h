/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A thread that logs as fast as it can, whatever the receiver does, and sees
 * what each call costs it.
 */
#ifndef LOAD_H
#define LOAD_H

#include "fault.h"

#include <libdnstap.h>
#include <pthread.h>

enum {
	LOAD_LEAST = 300000,		/* calls, however early it is told to stop */
	LOAD_SHORTEST = 12,		/* bytes of a query */
	LOAD_RING = 256 * 1024,		/* bytes of a ring that it fills at once */
};

struct load {
	dnstap_queue *queue;
	pthread_t thread;
	int stop;		/* atomic */
	/* To be read when it has stopped. */
	uint64_t accepted;	/* these are numbered, and of who 0 */
	uint64_t full;		/* refused, because the ring was */
	uint64_t closed;	/* refused, because the sink was, or was about to be; not counted by it */
	double slowest_cpu;	/* what a call took of the processor, in seconds */
	double slowest_wall;	/* and by the clock, which goes on while others have the processor */
	uint64_t slow_calls;	/* that took a millisecond or more of it */
	uint64_t slow_nothings;	/* of as many measurements of nothing */
	long waits;		/* how often the thread went to sleep by itself */
};

void load_start(struct load *l, dnstap_sink *sink);

/* Ends the thread, and checks that it never slept: not one call has waited for anything. */
void load_stop(struct load *l);

/* close_sink() where this load, which has stopped, was the only one: nothing of it is unaccounted for. */
dnstap_stats settle(dnstap_sink **sink, unsigned timeout, const struct load *l);

/* faults_main() for cases that log; in the end their calls together must not have been slow. */
int load_main(int argc, char **argv, const struct fault *cases, size_t count);

#endif
