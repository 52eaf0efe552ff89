/*
 * SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Shared by the producers: clocks, the pace of their bursts, and statistics of their times.
 */
#ifndef TIMING_H
#define TIMING_H

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#if defined(__x86_64__)
#include <x86intrin.h>
#endif

static inline void die(const char *what)
{
	fprintf(stderr, "%s: %s\n", program_invocation_short_name, what);
	exit(1);
}

static inline double seconds(clockid_t clock)
{
	struct timespec t;
	clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static inline uint64_t ticks_now(void)
{
#if defined(__x86_64__)
	unsigned processor;
	return __rdtscp(&processor);
#else
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
#endif
}

/* Pins the calling thread to a core, unless it is negative. */
static inline void pin(int core)
{
	cpu_set_t set;

	if (core < 0)
		return;
	CPU_ZERO(&set);
	CPU_SET(core, &set);
	if (pthread_setaffinity_np(pthread_self(), sizeof(set), &set) != 0)
		die("cannot pin to that core");
}

/* The times of bursts: every `period` seconds. */
struct pace {
	double period, due;
	bool sleep;
};

static inline struct pace pace_start(unsigned long rate, unsigned long burst, bool sleep)
{
	double period = rate != 0 ? (double)burst / (double)rate : 0;
	return (struct pace){ .period = period, .due = seconds(CLOCK_MONOTONIC), .sleep = sleep };
}

/* Waits for the next burst. Spins, unless there are more producers than cores: a sleep is longer than the time between
 * two bursts. A burst missed while the machine held this thread up is not caught up on: the queue shall see bursts of
 * this size only. */
static inline void pace_wait(struct pace *pace)
{
	double now;

	if (pace->sleep) {
		struct timespec due = { .tv_sec = (time_t)pace->due };
		due.tv_nsec = (long)((pace->due - (double)due.tv_sec) * 1e9);
		while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL) == EINTR)
			;
	}
	while ((now = seconds(CLOCK_MONOTONIC)) < pace->due)
		;
	pace->due = now - pace->due < pace->period ? pace->due + pace->period : now + pace->period;
}

/* Times in ticks. */
struct times {
	uint32_t *ticks;
	size_t count;
};

static inline void times_reserve(struct times *times, size_t most)
{
	size_t length = (most + 1) * sizeof(*times->ticks);

	times->ticks = malloc(length);
	if (times->ticks == NULL)
		die("out of memory");
	memset(times->ticks, 0xff, length); /* page faults belong here, not into the run */
}

static inline void times_add(struct times *times, uint64_t ticks)
{
	times->ticks[times->count++] = (uint32_t)ticks;
}

static inline int by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	return (x > y) - (x < y);
}

/* Prints median, 99.9 % and greatest of the times, each of which `together` calls took. The clock's own time is in all of
 * them; it is printed, not subtracted. */
static inline void print_times(struct times *times, double ns_per_tick, unsigned long together)
{
	const uint32_t *ticks = times->ticks;
	size_t n = times->count;
	uint32_t clock_alone = UINT32_MAX;
	double ns_per_call = ns_per_tick / (double)together;

	if (n == 0)
		return;
	qsort(times->ticks, n, sizeof(*ticks), by_value);
	for (int i = 0; i < 1000; i++) {
		uint64_t before = ticks_now();
		uint32_t taken = (uint32_t)(ticks_now() - before);
		clock_alone = taken < clock_alone ? taken : clock_alone;
	}
	printf(", \"median_ns\": %.1f, \"p999_ns\": %.1f, \"max_ns\": %.0f, \"clock_ns\": %.1f",
	       ticks[n / 2] * ns_per_call, ticks[n - 1 - n / 1000] * ns_per_call, ticks[n - 1] * ns_per_call,
	       clock_alone * ns_per_call);
}

#endif
