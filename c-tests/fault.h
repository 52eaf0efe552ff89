/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Things the C library does badly. Each case runs in a process and a directory
 * of its own, under a time limit. Started as `program ours`, every case has to
 * pass; as `program reference`, every case has to show its fault, which proves
 * that the case is able to see it. Where the C library has nothing of the kind,
 * there are just cases to pass. A further argument names the only case to run.
 */
#ifndef FAULT_H
#define FAULT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

enum outcome { PASSES = 1, WRONG = 2, CRASHES = 4, HANGS = 8, ANYTHING = 15 };

struct fault {
	const char *name;
	void (*run)(int arg);	/* returns when all is well */
	int arg;
	unsigned limit;		/* seconds; longer is a hang */
	unsigned reference;	/* the outcomes the C library shows */
	const char *why;	/* printed with them */
};

/* Ends a case: what was expected did not happen. */
void wrong(const char *format, ...);
#define NEED(condition, ...) do { if (!(condition)) wrong(__VA_ARGS__); } while (0)

/* Seconds on a clock that never goes back. */
double now(void);

/* Ends a case unless an account is what it should be. */
void expect(const char *what, uint64_t is, uint64_t wanted);
#define EXPECT(what, wanted) expect(#what, what, wanted)

/* Asks again until it is so, where no event tells. Ends the case after so many seconds, with the words behind them. */
#define AWAIT(condition, seconds, ...) do { \
		struct timespec pause_ = { 0, 1000000 }; \
		double began_ = now(); \
		while (!(condition)) { \
			NEED(now() - began_ < (seconds), __VA_ARGS__); \
			nanosleep(&pause_, NULL); \
		} \
	} while (0)

/* Waits for a child of a fork, which has to end well. */
void wait_for(pid_t child);

/* How many entries a folder has, as those of /proc that list threads and descriptors. */
int entries_of(const char *path);

/* Whether all is slow, as under valgrind: then less is tried, and more time given. */
int in_haste(void);

int faults_main(int argc, char **argv, const struct fault *faults, size_t count);

/* Runs all of an array of cases. */
#define RUN(argc, argv, cases) faults_main(argc, argv, cases, sizeof cases / sizeof *cases)

#endif
