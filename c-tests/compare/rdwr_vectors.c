/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Calls of a program's own write function: the vectors of each, their memory, and when frames are freed. */
#include "print.h"

#include <semaphore.h>
#include <stdlib.h>
#include <string.h>

enum { FRAMES_MAX = 4096, LEN_MAX = 70000 };

/* Prints the vectors of a call as one line; equal lines in a row only once, with their number. */
static char line[200], last[200];
static unsigned repeats;

static void show(const char *next)
{
	if (strcmp(next, last) == 0) {
		repeats++;
		return;
	}
	if (repeats > 0)
		printf("%s (%u times)\n", last, repeats);
	repeats = *next != '\0';
	snprintf(last, sizeof last, "%s", next);
}

/* The submitted frames. */
static struct {
	void *data;
	size_t len;
	int freed;
} frames[FRAMES_MAX];
static unsigned handed_over, written, freed_early;
static sem_t opening, may_open;

static void await(sem_t *semaphore)
{
	while (sem_wait(semaphore) != 0)
		;
}

static fstrm_res on_open(void *obj)
{
	(void)obj;
	sem_post(&opening);
	await(&may_open);
	show("    open");
	return fstrm_res_success;
}

static fstrm_res on_close(void *obj)
{
	(void)obj;
	show("    close");
	return fstrm_res_success;
}

/* A data frame is right if its vectors are its length and the memory of the next submitted frame itself. */
static fstrm_res on_write(void *obj, const struct iovec *iov, int iovcnt)
{
	size_t bytes = 0;
	int right = 0;

	(void)obj;
	for (int i = 0; i < iovcnt; i++)
		bytes += iov[i].iov_len;
	for (int i = 0; i + 1 < iovcnt && iovcnt % 2 == 0 && written < handed_over; i += 2, written++) {
		const unsigned char *length = iov[i].iov_base;
		size_t len = frames[written].len;

		freed_early += frames[written].freed;
		right += iov[i].iov_len == 4 && length[0] == 0 && length[1] == len >> 16 &&
			 length[2] == (len >> 8 & 255) && length[3] == (len & 255) && iov[i + 1].iov_len == len &&
			 iov[i + 1].iov_base == frames[written].data;
	}
	snprintf(line, sizeof line, "    write of %d vectors, %zu bytes, %d frames in place", iovcnt, bytes, right);
	show(line);
	return fstrm_res_success;
}

static struct fstrm_writer *writer_of(void)
{
	struct fstrm_rdwr *rdwr = fstrm_rdwr_init(NULL);

	fstrm_rdwr_set_open(rdwr, on_open);
	fstrm_rdwr_set_close(rdwr, on_close);
	fstrm_rdwr_set_write(rdwr, on_write);
	handed_over = written = freed_early = 0;
	return fstrm_writer_init(NULL, &rdwr);
}

static size_t fixed_len;

/* Returns the fixed length, or, if it is 0, one of many lengths, the same in every run. */
static void make(unsigned count)
{
	static char memory[LEN_MAX];
	unsigned random = 1;

	for (unsigned i = 0; i < count; i++) {
		random = random * 1103515245 + 12345;
		frames[i].len = fixed_len     ? fixed_len
				: random % 37 ? 1 + random / 65536 % 600
					      : 1 + random / 65536 % 20000;
		frames[i].data = memory + i % 50;
		frames[i].freed = 0;
	}
	handed_over = count;
	written = 0;
}

static void writer(unsigned count)
{
	struct fstrm_writer *w = writer_of();
	struct iovec iov[FRAMES_MAX];

	printf("writer, %u frames\n", count);
	sem_post(&may_open);
	make(1);
	fstrm_writer_write(w, frames[0].data, frames[0].len);
	await(&opening);
	make(count);
	for (unsigned i = 0; i < count; i++) {
		iov[i].iov_base = frames[i].data;
		iov[i].iov_len = frames[i].len;
	}
	fstrm_writer_writev(w, iov, (int)count);
	fstrm_writer_destroy(&w);
	show("");
}

static void on_free(void *data, void *number)
{
	(void)data;
	frames[(size_t)number].freed++;
}

/* Blocks the thread in the open function until all frames are submitted. */
static void thread(fstrm_iothr_queue_model model, unsigned buffer_hint, unsigned output_queue_size, unsigned count)
{
	struct fstrm_iothr_options *opt = fstrm_iothr_options_init();
	struct fstrm_writer *w = writer_of();
	struct fstrm_iothr *iothr;
	struct fstrm_iothr_queue *queue;
	unsigned freed = 0;

	printf("thread, model %d, hint %u, output queue %u, %u frames of %zu bytes\n", (int)model, buffer_hint,
	       output_queue_size, count, fixed_len);
	fstrm_iothr_options_set_input_queue_size(opt, FRAMES_MAX);
	fstrm_iothr_options_set_queue_model(opt, model);
	if (buffer_hint > 0)
		fstrm_iothr_options_set_buffer_hint(opt, buffer_hint);
	if (output_queue_size > 0)
		fstrm_iothr_options_set_output_queue_size(opt, output_queue_size);
	make(count);
	iothr = fstrm_iothr_init(opt, &w);
	fstrm_iothr_options_destroy(&opt);
	queue = fstrm_iothr_get_input_queue(iothr);
	await(&opening);
	for (size_t i = 0; i < count; i++)
		if (fstrm_iothr_submit(iothr, queue, frames[i].data, frames[i].len, on_free, (void *)i) !=
		    fstrm_res_success)
			printf("frame %zu was refused\n", i);
	sem_post(&may_open);
	fstrm_iothr_destroy(&iothr);
	show("");
	for (unsigned i = 0; i < count; i++)
		freed += frames[i].freed == 1;
	printf("    %u written, %u freed, %u of them before they were written\n", written, freed, freed_early);
}

int main(void)
{
	static const unsigned counts[] = { 1, 2, 127, 128, 129, 256, 257, 1000, 2000 };
	static const size_t lens[] = { 0, 1, 60, 124, 100, 508, 1000, 8188, 8189, 20000, LEN_MAX };
	static const struct {
		unsigned buffer_hint, output_queue_size;
	} options[] = {
		{ 0, 0 }, { 1024, 0 }, { 0, 2 }, { 65536, 3 }, { 65536, 64 }, { 65536, 1024 },
	};

	sem_init(&opening, 0, 0);
	sem_init(&may_open, 0, 0);
	for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
		writer(counts[i]);
	for (size_t k = 0; k < sizeof options / sizeof *options; k++)
		for (size_t i = 0; i < sizeof lens / sizeof *lens; i++) {
			fixed_len = lens[i];
			thread(FSTRM_IOTHR_QUEUE_MODEL_SPSC, options[k].buffer_hint, options[k].output_queue_size,
			       1000);
			thread(FSTRM_IOTHR_QUEUE_MODEL_MPSC, options[k].buffer_hint, options[k].output_queue_size, 130);
		}
	return 0;
}
