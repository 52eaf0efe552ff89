/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Receivers that are programs of their own. What they print goes to a file. */
#ifndef PROCESS_H
#define PROCESS_H

#include <sys/types.h>

struct process {
	pid_t pid;
	const char *log;	/* what it prints, in the current directory */
};

/* Starts a program; the arguments begin with its name, and end in NULL. */
void process_start(struct process *p, const char *log, const char *const *arguments);

/* Waits until it has printed this. */
void process_await(const struct process *p, const char *text);

/* Sends a signal that ends it, and waits until it has. */
void process_end(struct process *p, int signal);

#endif
