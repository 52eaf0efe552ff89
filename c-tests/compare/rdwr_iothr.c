/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A writer thread over callbacks: the order of open, close and destroy, and the bytes in between. */
#include "print.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>

struct tape {
	FILE *bytes;
	char *text;
	size_t len;
	int both_ways, reads;
	char order[64]; /* one letter a call: o, c, d */
	int calls;
};

static void note(struct tape *t, char call)
{
	if (t->calls < (int)sizeof t->order - 1)
		t->order[t->calls++] = call;
}

static fstrm_res on_open(void *obj)
{
	note(obj, 'o');
	return fstrm_res_success;
}

static fstrm_res on_close(void *obj)
{
	note(obj, 'c');
	return fstrm_res_success;
}

static fstrm_res on_destroy(void *obj)
{
	note(obj, 'd');
	return fstrm_res_success;
}

static fstrm_res on_write(void *obj, const struct iovec *iov, int iovcnt)
{
	struct tape *t = obj;

	for (int i = 0; i < iovcnt; i++)
		fwrite(iov[i].iov_base, 1, iov[i].iov_len, t->bytes);
	return fstrm_res_success;
}

/* ACCEPT for the first three reads (escape, length, frame), then FINISH. */
static fstrm_res on_read(void *obj, void *data, size_t count)
{
	static const char answers[] = "\0\0\0\0\0\0\0\4\0\0\0\1\0\0\0\0\0\0\0\4\0\0\0\5";
	struct tape *t = obj;
	size_t at = (size_t)t->reads++ * 4;

	if (count != 4 || at + 4 > sizeof answers - 1)
		return fstrm_res_failure;
	memcpy(data, answers + at, 4);
	return fstrm_res_success;
}

static void run(int both_ways, unsigned frames, fstrm_iothr_queue_model model)
{
	struct tape t = { .both_ways = both_ways };
	struct fstrm_iothr_options *opt = fstrm_iothr_options_init();
	struct fstrm_rdwr *rdwr = fstrm_rdwr_init(&t);
	struct fstrm_iothr_queue *queue;
	struct fstrm_writer *writer;
	struct fstrm_iothr *iothr;

	t.bytes = open_memstream(&t.text, &t.len);
	fstrm_rdwr_set_open(rdwr, on_open);
	fstrm_rdwr_set_close(rdwr, on_close);
	fstrm_rdwr_set_destroy(rdwr, on_destroy);
	fstrm_rdwr_set_write(rdwr, on_write);
	if (both_ways)
		fstrm_rdwr_set_read(rdwr, on_read);
	writer = fstrm_writer_init(NULL, &rdwr);
	fstrm_iothr_options_set_queue_model(opt, model);
	iothr = fstrm_iothr_init(opt, &writer);
	fstrm_iothr_options_destroy(&opt);
	queue = fstrm_iothr_get_input_queue(iothr);
	for (unsigned i = 0; i < frames; i++) {
		size_t len = 1 + i % 200;
		char *data = malloc(len);

		memset(data, (int)i, len);
		while (fstrm_iothr_submit(iothr, queue, data, len, fstrm_free_wrapper, NULL) == fstrm_res_again)
			sched_yield();
	}
	fstrm_iothr_destroy(&iothr);
	fclose(t.bytes);
	printf("%s, %u frames, model %d: calls %s, bytes ", both_ways ? "both ways" : "one way", frames, (int)model,
	       t.order);
	print_bytes(stdout, t.text, t.len);
	putchar('\n');
	free(t.text);
}

int main(void)
{
	static const unsigned frames[] = { 0, 1, 2, 63, 64, 65, 511, 3000 };

	for (int both_ways = 0; both_ways < 2; both_ways++)
		for (size_t i = 0; i < sizeof frames / sizeof *frames; i++) {
			run(both_ways, frames[i], FSTRM_IOTHR_QUEUE_MODEL_SPSC);
			run(both_ways, frames[i], FSTRM_IOTHR_QUEUE_MODEL_MPSC);
		}
	return 0;
}
