/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Receivers that are separate programs, whose output goes to a file. */
#ifndef PROCESS_H
#define PROCESS_H

#include <sys/types.h>

struct process {
	pid_t pid;
	const char *log; /* file of its output, in the current directory */
};

/* Starts a program. The arguments begin with its name, and end in NULL. */
void process_start(struct process *p, const char *log, const char *const *arguments);

/* Waits until it has printed a text. */
void process_await(const struct process *p, const char *text);

/* Ends it with a signal, and waits for it. */
void process_end(struct process *p, int signal);

#endif
