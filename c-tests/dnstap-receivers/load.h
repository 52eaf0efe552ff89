/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A thread that logs as fast as it can, whatever the receiver does, and measures
 * each call.
 */
#ifndef LOAD_H
#define LOAD_H

#include "harness.h"

#include <libdnstap.h>
#include <pthread.h>

enum {
	LOAD_MIN_CALLS = 300000, /* even if it is stopped earlier */
	LOAD_MIN_QUERY = 12,     /* bytes of the shortest query */
	LOAD_RING = 256 * 1024,  /* bytes of a ring that it fills at once */
};

struct load {
	dnstap_queue *queue;
	pthread_t thread;
	int stop; /* atomic */
	/* Valid once it has stopped. */
	uint64_t accepted;       /* their ids are of logger 0 */
	uint64_t full;           /* refused because the ring was full */
	uint64_t closed;         /* refused because the sink was closed or about to be; not counted by the sink */
	double slowest_cpu;      /* CPU time of a call, in seconds */
	double slowest_wall;     /* elapsed time of a call, which includes the time of other threads */
	uint64_t slow_calls;     /* calls that took a millisecond of CPU time or more */
	uint64_t slow_baselines; /* as many empty measurements that did */
	long waits;              /* calls during which the thread went to sleep */
};

void load_start(struct load *l, dnstap_sink *sink);

/* Stops the thread, and checks that it never slept: no call waited for anything. */
void load_stop(struct load *l);

/* close_sink() for a sink with this load only, which has stopped; checks the account of each of its messages. */
dnstap_stats close_loaded_sink(dnstap_sink **sink, unsigned timeout, const struct load *l);

/* run_cases() for cases with a load; fails if too many calls of all cases together were slow. */
int load_main(int argc, char **argv, const struct test_case *cases, size_t count);

#endif
