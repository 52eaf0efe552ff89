/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A child of a process with a writer thread inherits none of the descriptors of that thread. */
#include "endpoint.h"
#include "harness.h"
#include "receiver.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const types[] = { "test", NULL };

static struct fstrm_iothr *start(const struct endpoint *e)
{
	struct fstrm_writer *writer = endpoint_writer(e, types);
	struct fstrm_iothr *iothr = fstrm_iothr_init(NULL, &writer);

	ASSERT(iothr != NULL, "no writer thread");
	return iothr;
}

/* The receiver has to see that the process was killed, although a child of it lives on. */
static void killed_parent(int transport)
{
	struct receiver r = { .log = stderr };
	pid_t parent, child = 0;
	struct endpoint e;
	int go[2], child_pid[2], fd;

	ASSERT(endpoint_open(&e, (enum transport)transport) && pipe(go) == 0 && pipe(child_pid) == 0, "no endpoint");
	pthread_mutex_init(&r.lock, NULL);
	pthread_cond_init(&r.moved, NULL);
	parent = fork();
	if (parent == 0) {
		start(&e);
		close(e.listening);
		/* Until the stream is open, which the receiver sees. */
		ASSERT(read(go[0], &child, sizeof child) == sizeof child, "no go");
		child = fork();
		if (child != 0)
			ASSERT(write(child_pid[1], &child, sizeof child) == sizeof child, "no write");
		for (;;)
			pause();
	}
	fd = accept_one(e.listening);
	ASSERT(fd >= 0 && receiver_handshake(&r, fd, NULL), "no handshake");
	ASSERT(write(go[1], &child, sizeof child) == sizeof child, "no write");
	ASSERT(read(child_pid[0], &child, sizeof child) == sizeof child, "no child");
	kill(parent, SIGKILL);
	while (read(fd, &r.step, sizeof r.step) > 0)
		;
	ASSERT(kill(child, SIGKILL) == 0, "the child has ended, too");
}

static int open_descriptors(void)
{
	return count_entries("/proc/self/fd");
}

/* The child has no more descriptors than before its parent had a writer thread. */
static void in_a_child(int unused)
{
	int before = open_descriptors();
	struct fstrm_iothr *iothr;
	struct endpoint e;
	pid_t child;

	(void)unused;
	endpoint_open(&e, TO_FILE);
	iothr = start(&e);
	WAIT_UNTIL(access(ENDPOINT_PATH, F_OK) == 0, DEADLINE, "no file");
	child = fork();
	if (child == 0) {
		ASSERT_EQ((uint64_t)open_descriptors(), (uint64_t)before);
		_exit(0);
	}
	wait_for_child(child);
	fstrm_iothr_destroy(&iothr);
}

/* A writer without a thread belongs to the caller: a child may go on using it, as a daemon does. */
static void writer_in_a_child(int unused)
{
	struct endpoint e;
	struct fstrm_writer *writer;
	pid_t child;

	(void)unused;
	endpoint_open(&e, TO_FILE);
	writer = endpoint_writer(&e, types);
	ASSERT(fstrm_writer_open(writer) == fstrm_res_success, "not opened");
	child = fork();
	if (child == 0) {
		ASSERT(fstrm_writer_write(writer, "frame", 5) == fstrm_res_success, "not written");
		ASSERT(fstrm_writer_close(writer) == fstrm_res_success, "not closed");
		_exit(0);
	}
	wait_for_child(child);
	_exit(0);
}

int main(int argc, char **argv)
{
	static const struct test_case cases[] = {
		FAULT("the end of a killed parent reaches its receiver, Unix", killed_parent, TO_UNIX, 10, HANGS,
		      "the child keeps the connection"),
		FAULT("the end of a killed parent reaches its receiver, TCP", killed_parent, TO_TCP4, 10, HANGS,
		      "the child keeps the connection"),
		FAULT("a child has no descriptors of the writer thread", in_a_child, 0, 20, FAILS, "it inherits them"),
		FAULT("a child goes on with a writer", writer_in_a_child, 0, 20, PASSES, "it is the caller's"),
	};

	return RUN_CASES(argc, argv, cases);
}
