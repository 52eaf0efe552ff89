/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Things the C library does badly. Each case runs in a process and a directory
 * of its own, under a time limit. Started as `program ours`, every case has to
 * pass; as `program reference`, every case has to show its fault, which proves
 * that the case is able to see it. Where the C library has nothing of the kind,
 * there are just cases to pass.
 */
#ifndef FAULT_H
#define FAULT_H

#include <stddef.h>

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

int faults_main(int argc, char **argv, const struct fault *faults, size_t count);

#endif
