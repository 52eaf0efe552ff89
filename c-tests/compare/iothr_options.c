/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Options of the writer thread at the limits of their ranges, its queues, and frames that it refuses. */
#include "endpoint.h"
#include "print.h"

#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

typedef fstrm_res setter(struct fstrm_iothr_options *, unsigned);

static const struct {
	const char *name;
	setter *set;
	unsigned min, max;
} ranges[] = {
	{ "buffer_hint", fstrm_iothr_options_set_buffer_hint, FSTRM_IOTHR_BUFFER_HINT_MIN,
	  FSTRM_IOTHR_BUFFER_HINT_MAX },
	{ "flush_timeout", fstrm_iothr_options_set_flush_timeout, FSTRM_IOTHR_FLUSH_TIMEOUT_MIN,
	  FSTRM_IOTHR_FLUSH_TIMEOUT_MAX },
	{ "input_queue_size", fstrm_iothr_options_set_input_queue_size, FSTRM_IOTHR_INPUT_QUEUE_SIZE_MIN,
	  FSTRM_IOTHR_INPUT_QUEUE_SIZE_MAX },
	{ "num_input_queues", fstrm_iothr_options_set_num_input_queues, FSTRM_IOTHR_NUM_INPUT_QUEUES_MIN, UINT_MAX },
	{ "output_queue_size", fstrm_iothr_options_set_output_queue_size, FSTRM_IOTHR_OUTPUT_QUEUE_SIZE_MIN,
	  FSTRM_IOTHR_OUTPUT_QUEUE_SIZE_MAX },
	{ "queue_notify_threshold", fstrm_iothr_options_set_queue_notify_threshold,
	  FSTRM_IOTHR_QUEUE_NOTIFY_THRESHOLD_MIN, UINT_MAX },
	{ "reopen_interval", fstrm_iothr_options_set_reopen_interval, FSTRM_IOTHR_REOPEN_INTERVAL_MIN,
	  FSTRM_IOTHR_REOPEN_INTERVAL_MAX },
};

static void setters(void)
{
	struct fstrm_iothr_options *opt = fstrm_iothr_options_init();

	for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
		unsigned min = ranges[i].min, max = ranges[i].max;
		unsigned values[] = { 0,   1,       2,       3,   5,       6,        12,      min - 1,
				      min, min + 1, max - 1, max, max + 1, UINT_MAX, 1u << 31 };

		printf("%s:", ranges[i].name);
		for (size_t k = 0; k < sizeof values / sizeof *values; k++)
			printf(" %u %s,", values[k], res_name(ranges[i].set(opt, values[k])));
		putchar('\n');
	}
	printf("queue_model:");
	for (int model = -1; model < 4; model++)
		printf(" %d %s,", model,
		       res_name(fstrm_iothr_options_set_queue_model(opt, (fstrm_iothr_queue_model)model)));
	putchar('\n');
	fstrm_iothr_options_destroy(&opt);
	printf("options destroyed: %s\n", opt ? "not NULL" : "NULL");
	fstrm_iothr_options_destroy(&opt);
}

static struct fstrm_iothr *thread(unsigned queues)
{
	struct fstrm_iothr_options *opt = fstrm_iothr_options_init();
	struct endpoint file = { .transport = TO_FILE };
	struct fstrm_writer *w = endpoint_writer(&file, NULL);
	struct fstrm_iothr *iothr;

	fstrm_iothr_options_set_num_input_queues(opt, queues);
	iothr = fstrm_iothr_init(queues > 0 ? opt : NULL, &w);
	fstrm_iothr_options_destroy(&opt);
	return iothr;
}

static void queues(void)
{
	static const unsigned counts[] = { 0, 1, 2, 16, 100 }; /* 0: no options at all */

	for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
		struct fstrm_iothr *iothr = thread(counts[i]);
		unsigned n = counts[i] > 0 ? counts[i] : 1, given = 0, same = 0;
		struct fstrm_iothr_queue *q;

		while ((q = fstrm_iothr_get_input_queue(iothr)) != NULL && given < 1000)
			same += q == fstrm_iothr_get_input_queue_idx(iothr, given++);
		printf("%u queues: %u given, %u in the order of their index, then %s\n", counts[i], given, same,
		       fstrm_iothr_get_input_queue(iothr) ? "another" : "NULL");
		printf("  index %u %s, %u %s, SIZE_MAX %s, SIZE_MAX / 2 + 1 %s\n", n - 1,
		       fstrm_iothr_get_input_queue_idx(iothr, n - 1) ? "there" : "NULL", n,
		       fstrm_iothr_get_input_queue_idx(iothr, n) ? "there" : "NULL",
		       fstrm_iothr_get_input_queue_idx(iothr, SIZE_MAX) ? "there" : "NULL",
		       fstrm_iothr_get_input_queue_idx(iothr, SIZE_MAX / 2 + 1) ? "there" : "NULL");
		fstrm_iothr_destroy(&iothr);
		fstrm_iothr_destroy(&iothr);
	}
}

static void count(void *data, void *free_data)
{
	(void)data;
	++*(int *)free_data;
}

static void submissions(void)
{
	static char text[] = "frame";
	static const size_t lens[] = { 0, UINT32_MAX, (size_t)UINT32_MAX + 1, SIZE_MAX, 5, 1 };
	struct fstrm_iothr *iothr = thread(1);
	struct fstrm_iothr_queue *q = fstrm_iothr_get_input_queue(iothr);
	char *copy = malloc(3);
	int freed = 0, accepted = 0;

	for (size_t i = 0; i < sizeof lens / sizeof *lens; i++) {
		fstrm_res res = fstrm_iothr_submit(iothr, q, text, lens[i], count, &freed);

		printf("submit of %zu bytes: %s\n", lens[i], res_name(res));
		accepted += res == fstrm_res_success;
	}
	printf("submit of NULL: %s\n", res_name(fstrm_iothr_submit(iothr, q, NULL, 5, count, &freed)));
	printf("submit of NULL and 0 bytes: %s\n", res_name(fstrm_iothr_submit(iothr, q, NULL, 0, count, &freed)));
	printf("submit without free_func: %s\n", res_name(fstrm_iothr_submit(iothr, q, text, 2, NULL, &freed)));
	copy[0] = 'a', copy[1] = 'b', copy[2] = 'c';
	printf("submit with fstrm_free_wrapper: %s\n",
	       res_name(fstrm_iothr_submit(iothr, q, copy, 3, fstrm_free_wrapper, NULL)));
	fstrm_iothr_destroy(&iothr);
	printf("%d accepted, %d freed, file ", accepted, freed);
	print_file(stdout, ENDPOINT_PATH);
	putchar('\n');
	copy = malloc(3);
	fstrm_free_wrapper(copy, text);
}

int main(void)
{
	setters();
	queues();
	submissions();
	unlink(ENDPOINT_PATH);
	return 0;
}
