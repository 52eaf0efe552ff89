/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Starting and stopping repeatedly leaks no thread and no descriptor. */
#include "endpoint.h"
#include "harness.h"
#include "receiver.h"

#include <time.h>
#include <unistd.h>

enum { CYCLES = 100 };

/* A joined thread may be listed for a moment longer. */
static int threads_down_to(int wanted)
{
	struct timespec pause = { 0, 1000000 };
	double began = now();
	int count;

	while ((count = count_entries("/proc/self/task")) > wanted && now() - began < 2)
		nanosleep(&pause, NULL);
	return count;
}

static void cycle(const struct endpoint *e, bool served, int flavour)
{
	static char frame[] = "frame";
	struct fstrm_iothr_options *opt = fstrm_iothr_options_init();
	struct fstrm_writer *writer = endpoint_writer(e, NULL);
	struct fstrm_iothr *iothr;
	struct receiver r;

	if (served)
		receiver_start(&r, e->listening, receiver_play_one, NULL);
	fstrm_iothr_options_set_queue_model(opt,
					    flavour % 2 ? FSTRM_IOTHR_QUEUE_MODEL_MPSC : FSTRM_IOTHR_QUEUE_MODEL_SPSC);
	fstrm_iothr_options_set_num_input_queues(opt, 1 + (unsigned)flavour % 5);
	iothr = fstrm_iothr_init(opt, &writer);
	fstrm_iothr_options_destroy(&opt);
	for (int i = 0; i < flavour % 3; i++)
		fstrm_iothr_submit(iothr, fstrm_iothr_get_input_queue_idx(iothr, 0), frame, 5, NULL, NULL);
	fstrm_iothr_destroy(&iothr);
	if (served)
		receiver_finish(&r, stderr);
}

static void cycles(const struct endpoint *e, bool served)
{
	int threads, descriptors;

	/* The first cycle may make allocations that last as long as the process. */
	cycle(e, served, 0);
	threads = threads_down_to(3);
	descriptors = count_entries("/proc/self/fd");
	for (int i = 0; i < CYCLES; i++)
		cycle(e, served, i);
	ASSERT(threads_down_to(threads) == threads, "%d threads became %d", threads - 2,
	       count_entries("/proc/self/task") - 2);
	ASSERT(count_entries("/proc/self/fd") == descriptors, "%d descriptors became %d", descriptors - 2,
	       count_entries("/proc/self/fd") - 2);
}

static void with_receiver(int transport)
{
	struct endpoint e;

	endpoint_open(&e, (enum transport)transport);
	cycles(&e, e.listening >= 0);
}

static void without_receiver(int transport)
{
	struct endpoint e;

	endpoint_open(&e, (enum transport)transport);
	endpoint_close(&e);
	cycles(&e, false);
}

int main(int argc, char **argv)
{
	static const struct test_case cases[] = {
		FAULT("100 cycles to a file", with_receiver, TO_FILE, 60, PASSES | HANGS,
		      "hangs when a wake-up is lost"),
		FAULT("100 cycles to a Unix receiver", with_receiver, TO_UNIX, 60, PASSES | HANGS,
		      "hangs when a wake-up is lost"),
		FAULT("100 cycles to a TCP receiver", with_receiver, TO_TCP4, 60, PASSES | HANGS,
		      "hangs when a wake-up is lost"),
		FAULT("100 cycles without a receiver", without_receiver, TO_UNIX, 60, PASSES | HANGS,
		      "hangs when a wake-up is lost"),
	};

	return RUN_CASES(argc, argv, cases);
}
