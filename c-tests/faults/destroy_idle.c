/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Destroying a writer thread that has just started, or has nothing to do, does not wait for the flush timeout. */
#include "endpoint.h"
#include "harness.h"
#include "receiver.h"

#include <unistd.h>

enum { ROUNDS = 100 };

/* Set by the writer thread when it opens, so that destroy can be called just when it goes to sleep. */
static int opened;

static fstrm_res on_open(void *obj)
{
	(void)obj;
	__atomic_store_n(&opened, 1, __ATOMIC_RELEASE);
	return fstrm_res_success;
}

static fstrm_res on_close(void *obj)
{
	(void)obj;
	return fstrm_res_success;
}

static fstrm_res on_write(void *obj, const struct iovec *iov, int iovcnt)
{
	(void)obj, (void)iov, (void)iovcnt;
	return fstrm_res_success;
}

static struct fstrm_iothr *start(void)
{
	struct fstrm_iothr_options *opt = fstrm_iothr_options_init();
	struct fstrm_rdwr *rdwr = fstrm_rdwr_init(NULL);
	struct fstrm_writer *writer;
	struct fstrm_iothr *iothr;

	fstrm_rdwr_set_open(rdwr, on_open);
	fstrm_rdwr_set_close(rdwr, on_close);
	fstrm_rdwr_set_write(rdwr, on_write);
	writer = fstrm_writer_init(NULL, &rdwr);
	fstrm_iothr_options_set_flush_timeout(opt, 600);
	opened = 0;
	iothr = fstrm_iothr_init(opt, &writer);
	fstrm_iothr_options_destroy(&opt);
	return iothr;
}

static void destroy(struct fstrm_iothr *iothr, int round)
{
	double began = now();

	fstrm_iothr_destroy(&iothr);
	ASSERT(now() - began < 1, "round %d: destroy took %.1f s", round, now() - began);
}

static void at_once(int rounds)
{
	for (int i = 0; i < rounds; i++)
		destroy(start(), i);
}

/* Spins a little longer every round, because any sleep would miss the moment. A busy machine does fewer rounds. */
static void when_idle(int rounds)
{
	double began = now();

	for (int i = 0; i < rounds && (i < ROUNDS || now() - began < 5); i++) {
		struct fstrm_iothr *iothr = start();

		while (!__atomic_load_n(&opened, __ATOMIC_ACQUIRE))
			;
		for (volatile int spin = i % 1000; spin > 0; spin--)
			;
		destroy(iothr, i);
	}
}

/* A frame that waits for the flush timeout is written by destroy. */
static void with_a_frame(int rounds)
{
	static char frame[] = "frame";
	struct endpoint e;

	endpoint_open(&e, TO_UNIX);
	for (int i = 0; i < rounds; i++) {
		struct fstrm_iothr *iothr;
		struct fstrm_iothr_options *opt = fstrm_iothr_options_init();
		struct fstrm_writer *writer = endpoint_writer(&e, NULL);
		struct receiver r;

		fstrm_iothr_options_set_flush_timeout(opt, 600);
		receiver_start(&r, e.listening, receiver_play_one, NULL);
		iothr = fstrm_iothr_init(opt, &writer);
		fstrm_iothr_options_destroy(&opt);
		fstrm_iothr_submit(iothr, fstrm_iothr_get_input_queue(iothr), frame, 5, NULL, NULL);
		destroy(iothr, i);
		receiver_finish(&r, stderr);
	}
}

int main(int argc, char **argv)
{
	static const char race[] = "a race: the wake-up is lost when it comes just before the thread sleeps";
	static const struct test_case cases[] = {
		FAULT("destroy right after init", at_once, ROUNDS, 15, HANGS | PASSES, race),
		FAULT("destroy when idle", when_idle, 20 * ROUNDS, 15, HANGS | PASSES, race),
		FAULT("destroy with one frame queued", with_a_frame, ROUNDS, 15, HANGS | PASSES, race),
	};

	return RUN_CASES(argc, argv, cases);
}
