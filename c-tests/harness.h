/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Runs the cases of a test program, several at a time, each in a process and a
 * directory of its own and under a time limit.
 *
 * Started as `program ours`, every case has to pass. The programs of faults/ also
 * run as `program reference`, with the C library: there every case has to show the
 * fault that it is about, which proves that the case is able to detect it. A further
 * argument names the only case to run.
 */
#ifndef HARNESS_H
#define HARNESS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

enum outcome { PASSES = 1, FAILS = 2, CRASHES = 4, HANGS = 8, ANY_OUTCOME = 15 };

/* Seconds after which a case counts as hanging, unless it sets a limit. */
enum { TIME_LIMIT = 120 };

struct test_case {
	const char *name;
	void (*run)(void);         /* returns if the case passes */
	void (*run_with)(int arg); /* the same; a case has one of the two */
	int arg;
	unsigned limit;     /* seconds; 0 for TIME_LIMIT */
	unsigned reference; /* the outcomes expected of the C library */
	const char *why;    /* printed with its outcome */
};

#define CASE(name_, run_) { .name = (name_), .run = (run_) }
#define CASE_WITH(name_, run_, arg_) { .name = (name_), .run_with = (run_), .arg = (arg_) }

/* A case that runs with the C library, too, which is expected to show one of `reference`. */
#define FAULT(name_, run_, arg_, limit_, reference_, why_) \
	{ .name = (name_), \
	  .run_with = (run_), \
	  .arg = (arg_), \
	  .limit = (limit_), \
	  .reference = (reference_), \
	  .why = (why_) }

/* Fails the case, with a message. */
void fail(const char *format, ...);
#define ASSERT(condition, ...) \
	do { \
		if (!(condition)) \
			fail(__VA_ARGS__); \
	} while (0)

/* Fails the case unless two numbers are equal. */
void assert_eq(const char *expression, uint64_t actual, uint64_t expected);
#define ASSERT_EQ(actual, expected) assert_eq(#actual, actual, expected)

/* Seconds on a monotonic clock. */
double now(void);

/* Polls a condition that no event announces. Fails the case, with a message, if it is not met within the time. */
#define WAIT_UNTIL(condition, seconds, ...) \
	do { \
		struct timespec pause_ = { 0, 1000000 }; \
		double began_ = now(); \
		while (!(condition)) { \
			ASSERT(now() - began_ < (seconds), __VA_ARGS__); \
			nanosleep(&pause_, NULL); \
		} \
	} while (0)

/* Waits for a forked child, which has to exit with status 0. */
void wait_for_child(pid_t child);

/* Returns the number of entries in a directory, such as those of /proc that list threads and descriptors. */
int count_entries(const char *path);

/* Returns whether valgrind slows everything down: tests then try fewer things, and allow more time. */
int under_valgrind(void);

/* Runs an array of cases; returns the exit status for main(). */
int run_cases(int argc, char **argv, const struct test_case *cases, size_t count);
#define RUN_CASES(argc, argv, cases) run_cases(argc, argv, cases, sizeof cases / sizeof *cases)

#endif
