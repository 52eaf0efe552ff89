/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A child of a process with a writer thread keeps none of the descriptors of that thread. */
#include "endpoint.h"
#include "fault.h"
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

	NEED(iothr != NULL, "no writer thread");
	return iothr;
}

/* The process is killed while a child of it goes on: the receiver has to see its end. */
static void killed_parent(int transport)
{
	struct receiver r = { .log = stderr };
	pid_t parent, child = 0;
	struct endpoint e;
	int go[2], told[2], fd;

	NEED(endpoint_open(&e, (enum transport)transport) && pipe(go) == 0 && pipe(told) == 0, "no endpoint");
	pthread_mutex_init(&r.lock, NULL);
	pthread_cond_init(&r.moved, NULL);
	parent = fork();
	if (parent == 0) {
		start(&e);
		close(e.listening);
		/* Until the stream is open, which the receiver sees. */
		NEED(read(go[0], &child, sizeof child) == sizeof child, "no go");
		child = fork();
		if (child != 0)
			NEED(write(told[1], &child, sizeof child) == sizeof child, "no write");
		for (;;)
			pause();
	}
	fd = accept_one(e.listening);
	NEED(fd >= 0 && receiver_handshake(&r, fd, NULL), "no handshake");
	NEED(write(go[1], &child, sizeof child) == sizeof child, "no write");
	NEED(read(told[0], &child, sizeof child) == sizeof child, "no child");
	kill(parent, SIGKILL);
	while (read(fd, &r.step, sizeof r.step) > 0)
		;
	NEED(kill(child, SIGKILL) == 0, "the child has ended too");
}

static int open_descriptors(void)
{
	return entries_of("/proc/self/fd");
}

/* The child opens no more than it had before its parent had a writer thread. */
static void in_a_child(int unused)
{
	int before = open_descriptors();
	struct fstrm_iothr *iothr;
	struct endpoint e;
	pid_t child;

	(void)unused;
	endpoint_open(&e, TO_FILE);
	iothr = start(&e);
	AWAIT(access(ENDPOINT_PATH, F_OK) == 0, DEADLINE, "no file");
	child = fork();
	if (child == 0) {
		EXPECT((uint64_t)open_descriptors(), (uint64_t)before);
		_exit(0);
	}
	wait_for(child);
	fstrm_iothr_destroy(&iothr);
}

/* A writer without a thread is the caller's own: a child may go on with it, as that of a daemon does. */
static void writer_in_a_child(int unused)
{
	struct endpoint e;
	struct fstrm_writer *writer;
	pid_t child;

	(void)unused;
	endpoint_open(&e, TO_FILE);
	writer = endpoint_writer(&e, types);
	NEED(fstrm_writer_open(writer) == fstrm_res_success, "not opened");
	child = fork();
	if (child == 0) {
		NEED(fstrm_writer_write(writer, "frame", 5) == fstrm_res_success, "not written");
		NEED(fstrm_writer_close(writer) == fstrm_res_success, "not closed");
		_exit(0);
	}
	wait_for(child);
	_exit(0);
}

int main(int argc, char **argv)
{
	static const struct fault faults[] = {
		{ "the end of a killed parent reaches its receiver, Unix", killed_parent, TO_UNIX, 10, HANGS, "the child keeps the connection" },
		{ "the end of a killed parent reaches its receiver, TCP", killed_parent, TO_TCP4, 10, HANGS, "the child keeps the connection" },
		{ "a child has no descriptors of the writer thread", in_a_child, 0, 20, WRONG, "it has all" },
		{ "a child goes on with a writer", writer_in_a_child, 0, 20, PASSES, "it is the caller's" },
	};

	return RUN(argc, argv, faults);
}
