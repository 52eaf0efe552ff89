/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Receivers that fall silent: nothing may wait for them without a deadline. */
#include "endpoint.h"
#include "harness.h"
#include "receiver.h"

#include <stdlib.h>
#include <unistd.h>

static const char *const types[] = { "test", NULL };

enum { FRAMES = 2000, FRAME_SIZE = 4096 }; /* far more than a socket buffers */

/* The point at which the receiver falls silent. */
enum silence { BEFORE_ACCEPTING, BEFORE_ACCEPT, AFTER_START, BEFORE_FINISH };

static void play(struct receiver *r)
{
	enum silence silence = *(enum silence *)r->arg;
	int fd = -1;

	if (silence != BEFORE_ACCEPTING)
		fd = accept_one(r->listening);
	if (silence == AFTER_START || silence == BEFORE_FINISH)
		receiver_handshake(r, fd, NULL);
	receiver_reach(r, 1);
	if (silence == BEFORE_FINISH)
		while (receiver_read(r, fd) == DATA)
			;
	receiver_wait(r, 2); /* silent from here until the end of the test */
	close(fd);
}

static void count(void *data, void *free_data)
{
	++*(int *)free_data;
	free(data);
}

static void destroy(enum transport transport, enum silence silence)
{
	struct fstrm_iothr_options *opt = fstrm_iothr_options_init();
	struct fstrm_iothr_queue *queue;
	struct fstrm_writer *writer;
	struct fstrm_iothr *iothr;
	struct endpoint e;
	struct receiver r;
	int accepted = 0, freed = 0, frames = silence == BEFORE_FINISH ? 10 : FRAMES;
	double began;

	ASSERT(endpoint_open(&e, transport), "no such transport");
	receiver_start(&r, e.listening, play, &silence);
	writer = endpoint_writer(&e, types);
	fstrm_iothr_options_set_input_queue_size(opt, 4096);
	iothr = fstrm_iothr_init(opt, &writer);
	fstrm_iothr_options_destroy(&opt);
	queue = fstrm_iothr_get_input_queue(iothr);
	ASSERT(receiver_wait(&r, 1), "the receiver saw no connection");
	for (int i = 0; i < frames; i++) {
		void *data = calloc(1, FRAME_SIZE);

		if (fstrm_iothr_submit(iothr, queue, data, FRAME_SIZE, count, &freed) == fstrm_res_success)
			accepted++;
		else
			free(data);
	}
	began = now();
	fstrm_iothr_destroy(&iothr);
	ASSERT(now() - began < 5, "destroy took %.1f s", now() - began);
	ASSERT(accepted > 0 && freed == accepted, "of %d accepted frames %d were freed", accepted, freed);
	receiver_reach(&r, 2);
}

static void stops_reading(int transport)
{
	destroy((enum transport)transport, AFTER_START);
}

static void no_accept(int transport)
{
	destroy((enum transport)transport, BEFORE_ACCEPT);
}

static void no_finish(int transport)
{
	destroy((enum transport)transport, BEFORE_FINISH);
}

static void not_accepted(int transport)
{
	destroy((enum transport)transport, BEFORE_ACCEPTING);
}

/* The same without a writer thread: the calls themselves return. */
static void calls(int silence)
{
	enum silence where = (enum silence)silence;
	static char frame[1 << 20];
	struct fstrm_writer *writer;
	struct endpoint e;
	struct receiver r;
	fstrm_res res;
	double began = now();

	endpoint_open(&e, TO_UNIX);
	receiver_start(&r, e.listening, play, &where);
	writer = endpoint_writer(&e, types);
	res = fstrm_writer_open(writer);
	ASSERT(now() - began < 10, "open took %.1f s", now() - began);
	ASSERT((res == fstrm_res_success) == (where >= AFTER_START), "open returned %d", (int)res);
	began = now();
	for (int i = 0; where == AFTER_START && i < 10 && res == fstrm_res_success; i++)
		res = fstrm_writer_write(writer, frame, sizeof frame);
	ASSERT(where != AFTER_START || res != fstrm_res_success, "10 MB were written without a reader");
	ASSERT(now() - began < 10, "write took %.1f s", now() - began);
	began = now();
	ASSERT(fstrm_writer_close(writer) != fstrm_res_success, "close without FINISH succeeded");
	ASSERT(now() - began < 10, "close took %.1f s", now() - began);
	began = now();
	fstrm_writer_destroy(&writer);
	ASSERT(now() - began < 10, "destroy took %.1f s", now() - began);
	receiver_reach(&r, 2);
}

int main(int argc, char **argv)
{
	static const struct test_case cases[] = {
		FAULT("destroy while a Unix receiver does not read", stops_reading, TO_UNIX, 12, HANGS, NULL),
		FAULT("destroy while a TCP receiver does not read", stops_reading, TO_TCP4, 12, HANGS, NULL),
		FAULT("destroy while ACCEPT does not come", no_accept, TO_UNIX, 12, HANGS, NULL),
		FAULT("destroy while FINISH does not come", no_finish, TO_UNIX, 12, HANGS, NULL),
		FAULT("destroy while the connection is not accepted", not_accepted, TO_TCP4, 12, HANGS, NULL),
		FAULT("open while ACCEPT does not come", calls, BEFORE_ACCEPT, 12, HANGS, NULL),
		FAULT("write while the receiver does not read", calls, AFTER_START, 15, HANGS, NULL),
		FAULT("close while FINISH does not come", calls, BEFORE_FINISH, 12, HANGS, NULL),
	};

	return RUN_CASES(argc, argv, cases);
}
