/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Short writes. A signal that arrives while a send waits for room makes it return
 * after a part of the data; the next send must continue exactly there.
 */
#include "endpoint.h"
#include "harness.h"
#include "receiver.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const char *const types[] = { "test", NULL };

enum { FRAMES = 120, FRAME_SIZE = 120000 };

static unsigned char frames[FRAMES][FRAME_SIZE];

static void on_alarm(int signal)
{
	(void)signal;
}

/* Signals come every millisecond; receivers block them. */
static void start_signals(void)
{
	struct itimerval every = { { 0, 1000 }, { 0, 1000 } };
	struct sigaction action;

	memset(&action, 0, sizeof action);
	action.sa_handler = on_alarm;
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &every, NULL);
}

static void fill(void)
{
	for (int i = 0; i < FRAMES; i++)
		for (int k = 0; k < FRAME_SIZE; k++)
			frames[i][k] = (unsigned char)(i * 7 + k * 31 + k / 251);
}

/* Slow on purpose: the sender has to find the socket full. */
static void slow(struct receiver *r)
{
	struct timespec pause = { 0, 2000000 };
	int *good = r->arg, fd = accept_one(r->listening);
	struct frame f = { .type = END };

	if (receiver_handshake(r, fd, NULL))
		while (read_frame(fd, &f) == DATA && *good < FRAMES && f.len == FRAME_SIZE &&
		       memcmp(f.data, frames[*good], FRAME_SIZE) == 0) {
			++*good;
			free_frame(&f);
			nanosleep(&pause, NULL);
		}
	if (f.type == STOP)
		send_control(fd, FINISH, NULL);
	else
		*good = -1 - *good;
	free_frame(&f);
	close(fd);
}

static void check(struct receiver *r, int good)
{
	receiver_finish(r, stderr);
	ASSERT(good >= 0, "the stream is corrupt after %d frames", -1 - good);
	ASSERT(good == FRAMES, "%d of %d frames arrived", good, (int)FRAMES);
}

static void vectors(int transport)
{
	struct iovec iov[FRAMES];
	struct fstrm_writer *writer;
	struct receiver r;
	struct endpoint e;
	fstrm_res res;
	int good = 0;

	fill();
	endpoint_open(&e, (enum transport)transport);
	receiver_start(&r, e.listening, slow, &good);
	writer = endpoint_writer(&e, types);
	res = fstrm_writer_open(writer);
	ASSERT(res == fstrm_res_success, "open failed");
	for (int i = 0; i < FRAMES; i++) {
		iov[i].iov_base = frames[i];
		iov[i].iov_len = FRAME_SIZE;
	}
	start_signals();
	res = fstrm_writer_writev(writer, iov, FRAMES);
	if (res == fstrm_res_success)
		res = fstrm_writer_close(writer);
	fstrm_writer_destroy(&writer);
	check(&r, good);
	ASSERT(res == fstrm_res_success, "writev or close failed");
}

static void iothr(int transport)
{
	struct fstrm_iothr_options *opt = fstrm_iothr_options_init();
	struct fstrm_iothr_queue *queue;
	struct fstrm_iothr *thread;
	struct fstrm_writer *writer;
	struct receiver r;
	struct endpoint e;
	sigset_t alarms;
	int good = 0;

	fill();
	endpoint_open(&e, (enum transport)transport);
	receiver_start(&r, e.listening, slow, &good);
	writer = endpoint_writer(&e, types);
	fstrm_iothr_options_set_buffer_hint(opt, FSTRM_IOTHR_BUFFER_HINT_MAX);
	thread = fstrm_iothr_init(opt, &writer);
	fstrm_iothr_options_destroy(&opt);
	/* The signals are for the other threads. */
	sigemptyset(&alarms);
	sigaddset(&alarms, SIGALRM);
	pthread_sigmask(SIG_BLOCK, &alarms, NULL);
	start_signals();
	queue = fstrm_iothr_get_input_queue(thread);
	for (int i = 0; i < FRAMES; i++)
		ASSERT(fstrm_iothr_submit(thread, queue, frames[i], FRAME_SIZE, NULL, NULL) == fstrm_res_success,
		       "frame %d was refused", i);
	fstrm_iothr_destroy(&thread);
	check(&r, good);
}

int main(int argc, char **argv)
{
	enum { BAD = FAILS | CRASHES | HANGS };
	static const struct test_case cases[] = {
		FAULT("writev to a slow Unix receiver, interrupted", vectors, TO_UNIX, 30, BAD, NULL),
		FAULT("writev to a slow TCP receiver, interrupted", vectors, TO_TCP4, 30, BAD, NULL),
		FAULT("writer thread to a slow Unix receiver, interrupted", iothr, TO_UNIX, 30, BAD, NULL),
	};

	return RUN_CASES(argc, argv, cases);
}
