/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#define _GNU_SOURCE /* RUSAGE_THREAD, MAP_ANONYMOUS */
#include "load.h"
#include "messages.h"
#include "sink.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>

/*
 * The CPU time of a slow call, in seconds.
 *
 * The CPU clock of a thread may include time that is not its own: interrupts, or
 * time that a virtual machine did not get. That affects an empty measurement as
 * often as a call, so each call is followed by one: code that is slow itself is
 * slow more often than the baseline. A call that waits shows without doubt: the
 * thread sleeps. Only in a page fault does it sleep on a machine short of memory or
 * of CPU time, whatever the library does.
 */
static const double SLOW_CALL = 0.001;

/* The number of slow calls that may be due to chance. */
enum { CHANCE = 8 };

/* Queries have this number of lengths, so that a stream is cut at any place of a message. */
enum { LENGTHS = 128 };

/* Measurements of all cases together. */
static struct seen {
	uint64_t calls;
	uint64_t slow_calls, slow_baselines; /* that took SLOW_CALL or more */
	uint64_t cpu, wall;                  /* of the slowest call, in nanoseconds */
} *seen;

static double clock_of(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static struct rusage usage_so_far(void)
{
	struct rusage usage;

	ASSERT(getrusage(RUSAGE_THREAD, &usage) == 0, "getrusage failed");
	return usage;
}

/* Counts a call during which the thread went to sleep, unless the kernel may have waited for memory. */
static void count_wait(struct load *l, const struct rusage *before)
{
	struct rusage after = usage_so_far();
	bool has_faulted = after.ru_minflt != before->ru_minflt || after.ru_majflt != before->ru_majflt;

	l->waits += after.ru_nvcsw != before->ru_nvcsw && !has_faulted;
}

static void raise_to(double *slowest, double value)
{
	if (value > *slowest)
		*slowest = value;
}

/* Logs one message, and measures the call. */
static dnstap_result log_timed(struct load *l, const dnstap_message *message)
{
	struct rusage before = usage_so_far();
	double wall = clock_of(CLOCK_MONOTONIC), start = clock_of(CLOCK_THREAD_CPUTIME_ID), cpu, baseline;
	dnstap_result result = dnstap_log(l->queue, message);

	cpu = clock_of(CLOCK_THREAD_CPUTIME_ID) - start;
	wall = clock_of(CLOCK_MONOTONIC) - wall;
	start = clock_of(CLOCK_THREAD_CPUTIME_ID);
	baseline = clock_of(CLOCK_THREAD_CPUTIME_ID) - start;
	count_wait(l, &before);
	raise_to(&l->slowest_cpu, cpu);
	raise_to(&l->slowest_wall, wall);
	l->slow_calls += cpu >= SLOW_CALL;
	l->slow_baselines += baseline >= SLOW_CALL;
	return result;
}

static void count(struct load *l, dnstap_result result)
{
	switch (result) {
	case DNSTAP_OK: l->accepted++; break;
	case DNSTAP_ERROR_FULL: l->full++; break;
	case DNSTAP_DISABLED: /* for a moment, while the sink is being closed */
	case DNSTAP_ERROR_CLOSED: l->closed++; break;
	default: fail("logging: %s", dnstap_strerror(result));
	}
}

static void *run(void *arg)
{
	struct load *l = arg;
	dnstap_message message = example(DNSTAP_MESSAGE_TYPE_CLIENT_QUERY);
	uint8_t query[LOAD_MIN_QUERY + LENGTHS];

	for (uint64_t calls = 0; calls < LOAD_MIN_CALLS || !__atomic_load_n(&l->stop, __ATOMIC_RELAXED); calls++) {
		struct message_id id = { 0, (uint32_t)l->accepted };

		put_id(&message, query, id, LOAD_MIN_QUERY + id.seq % LENGTHS);
		count(l, log_timed(l, &message));
	}
	return NULL;
}

void load_start(struct load *l, dnstap_sink *sink)
{
	memset(l, 0, sizeof *l);
	l->queue = dnstap_queue_new(sink, NULL);
	ASSERT(l->queue != NULL, "no queue");
	ASSERT(pthread_create(&l->thread, NULL, run, l) == 0, "no thread");
}

static void raise_seen(uint64_t *slowest, double seconds)
{
	uint64_t value = (uint64_t)(seconds * 1e9);
	uint64_t before = __atomic_load_n(slowest, __ATOMIC_RELAXED);

	while (value > before &&
	       !__atomic_compare_exchange_n(slowest, &before, value, 0, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
}

void load_stop(struct load *l)
{
	__atomic_store_n(&l->stop, 1, __ATOMIC_RELAXED);
	pthread_join(l->thread, NULL);
	dnstap_queue_free(&l->queue);
	raise_seen(&seen->cpu, l->slowest_cpu);
	raise_seen(&seen->wall, l->slowest_wall);
	__atomic_fetch_add(&seen->calls, l->accepted + l->full + l->closed, __ATOMIC_RELAXED);
	__atomic_fetch_add(&seen->slow_calls, l->slow_calls, __ATOMIC_RELAXED);
	__atomic_fetch_add(&seen->slow_baselines, l->slow_baselines, __ATOMIC_RELAXED);
	ASSERT(l->waits == 0, "the logging thread went to sleep in %ld calls; the slowest call took %.0f us", l->waits,
	       l->slowest_wall * 1e6);
}

dnstap_stats close_loaded_sink(dnstap_sink **sink, unsigned timeout, const struct load *l)
{
	dnstap_stats s = close_sink(sink, timeout);

	ASSERT_EQ(s.logged, l->accepted + l->full);
	ASSERT_EQ(s.logged_by_type[DNSTAP_MESSAGE_TYPE_CLIENT_QUERY], s.logged);
	ASSERT_EQ(s.dropped_full, l->full);
	ASSERT_EQ(s.sent + s.dropped_closed, l->accepted);
	ASSERT_EQ(s.waiting, 0);
	ASSERT_EQ(l->closed, 0);
	return s;
}

int load_main(int argc, char **argv, const struct test_case *cases, size_t count)
{
	int status, slow;

	seen = mmap(NULL, sizeof *seen, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT(seen != MAP_FAILED, "no shared memory");
	status = run_cases(argc, argv, cases, count);
	slow = seen->slow_calls > 2 * seen->slow_baselines + CHANCE;
	printf("%s - %llu calls: %llu took a millisecond of CPU time, as did %llu empty measurements\n",
	       slow ? "not ok" : "ok", (unsigned long long)seen->calls, (unsigned long long)seen->slow_calls,
	       (unsigned long long)seen->slow_baselines);
	printf("# the slowest took %.1f us of CPU time, or %.1f us with the time of other threads\n",
	       (double)seen->cpu / 1e3, (double)seen->wall / 1e3);
	return status != 0 ? status : slow;
}
