/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The writer thread: every accepted frame arrives once, in the order of its producer. */
#include "endpoint.h"
#include "print.h"
#include "receiver.h"

#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SPSC FSTRM_IOTHR_QUEUE_MODEL_SPSC
#define MPSC FSTRM_IOTHR_QUEUE_MODEL_MPSC

enum { PRODUCERS = 16, FRAMES = 400 };

/* The beginning of a frame; a pattern of `seq % 97` bytes follows. */
struct head {
	unsigned producer, seq;
};

struct producer {
	struct fstrm_iothr *iothr;
	struct fstrm_iothr_queue *queue;
	unsigned id;
	bool refused;
	unsigned char freed[FRAMES]; /* how often free_func saw each */
};

/* The frames received, in any order of producers. */
struct tally {
	unsigned next[PRODUCERS], frames, wrong;
	int end;
};

static struct producer producers[PRODUCERS];

static void free_frame_of(void *data, void *free_data)
{
	struct producer *p = free_data;
	struct head h;

	memcpy(&h, data, sizeof h);
	if (h.producer == p->id && h.seq < FRAMES)
		p->freed[h.seq]++;
	/* Bytes that were freed but not yet written would arrive as these. */
	memset(data, 0xee, sizeof h + h.seq % 97);
	free(data);
}

static void *produce(void *arg)
{
	struct producer *p = arg;

	for (unsigned seq = 0; seq < FRAMES; seq++) {
		struct head h = { p->id, seq };
		size_t len = sizeof h + seq % 97;
		unsigned char *data = malloc(len);
		fstrm_res res;

		memcpy(data, &h, sizeof h);
		memset(data + sizeof h, (int)(seq & 0x7f), len - sizeof h);
		while ((res = fstrm_iothr_submit(p->iothr, p->queue, data, len, free_frame_of, p)) == fstrm_res_again)
			sched_yield();
		if (res != fstrm_res_success) {
			p->refused = true;
			free(data);
		}
	}
	return NULL;
}

static void tally_frame(struct tally *t, const struct frame *f)
{
	struct head h = { PRODUCERS, 0 };
	bool good = f->len >= sizeof h;

	if (good)
		memcpy(&h, f->data, sizeof h);
	good = good && h.producer < PRODUCERS && h.seq == t->next[h.producer] && f->len == sizeof h + h.seq % 97;
	for (size_t i = sizeof h; good && i < f->len; i++)
		good = f->data[i] == (h.seq & 0x7f);
	if (good)
		t->next[h.producer]++;
	else
		t->wrong++;
	t->frames++;
}

static void read_all(struct tally *t, int fd)
{
	struct frame f;

	while (read_frame(fd, &f) == DATA) {
		tally_frame(t, &f);
		free_frame(&f);
	}
	t->end = f.type;
	free_frame(&f);
}

static void play(struct receiver *r)
{
	int fd = accept_one(r->listening);

	if (receiver_handshake(r, fd, NULL))
		read_all(r->arg, fd);
	send_control(fd, FINISH, NULL);
	receiver_read(r, fd);
	close(fd);
}

struct setting {
	enum transport transport;
	fstrm_iothr_queue_model model;
	unsigned threads, queues;
	unsigned input_size, output_size, buffer_hint, threshold;
};

static struct fstrm_iothr_options *options(const struct setting *s)
{
	struct fstrm_iothr_options *opt = fstrm_iothr_options_init();

	fstrm_iothr_options_set_queue_model(opt, s->model);
	fstrm_iothr_options_set_num_input_queues(opt, s->queues);
	fstrm_iothr_options_set_input_queue_size(opt, s->input_size);
	fstrm_iothr_options_set_output_queue_size(opt, s->output_size);
	fstrm_iothr_options_set_buffer_hint(opt, s->buffer_hint);
	fstrm_iothr_options_set_queue_notify_threshold(opt, s->threshold);
	return opt;
}

static void report(const struct setting *s, const struct tally *t)
{
	unsigned once = 0, otherwise = 0, complete = 0;

	for (unsigned i = 0; i < s->threads; i++) {
		complete += t->next[i] == FRAMES && !producers[i].refused;
		for (unsigned k = 0; k < FRAMES; k++)
			producers[i].freed[k] == 1 ? once++ : otherwise++;
	}
	printf("  %u frames came, %u out of order or damaged, %u producers complete, end %d\n", t->frames, t->wrong,
	       complete, t->end);
	printf("  free_func once for %u frames, otherwise for %u\n", once, otherwise);
}

static void run(const struct setting *s)
{
	static const char *const types[] = { "test", NULL };
	struct fstrm_iothr_options *opt = options(s);
	struct tally tally = { .end = 0 };
	pthread_t threads[PRODUCERS];
	struct fstrm_writer *writer;
	struct fstrm_iothr *iothr;
	struct receiver r;
	struct endpoint e;

	if (!endpoint_open(&e, s->transport)) {
		printf("%s: skipped, the machine does not have this address\n", e.name);
		fstrm_iothr_options_destroy(&opt);
		return;
	}
	printf("%s, model %d, %u threads, %u queues of %u, output %u, hint %u, threshold %u\n", e.name, (int)s->model,
	       s->threads, s->queues, s->input_size, s->output_size, s->buffer_hint, s->threshold);
	if (e.listening >= 0)
		receiver_start(&r, e.listening, play, &tally);
	writer = endpoint_writer(&e, types);
	iothr = fstrm_iothr_init(opt, &writer);
	printf("  init %s, writer %s\n", iothr ? "made" : "NULL", writer ? "kept" : "taken");
	fstrm_iothr_options_destroy(&opt);
	memset(producers, 0, sizeof producers);
	for (unsigned i = 0; i < s->threads; i++) {
		struct producer *p = &producers[i];
		p->id = i;
		p->iothr = iothr;
		p->queue = i < s->queues ? fstrm_iothr_get_input_queue(iothr)
					 : fstrm_iothr_get_input_queue_idx(iothr, i % s->queues);
		pthread_create(&threads[i], NULL, produce, p);
	}
	for (unsigned i = 0; i < s->threads; i++)
		pthread_join(threads[i], NULL);
	/* Frames are still queued now; destroy has to write them. */
	fstrm_iothr_destroy(&iothr);
	printf("  destroyed: %s\n", iothr ? "not NULL" : "NULL");
	if (e.listening >= 0) {
		receiver_finish(&r, stdout);
	} else {
		struct frame start;
		int fd = open(ENDPOINT_PATH, O_RDONLY);

		printf("  file begins with %d\n", read_frame(fd, &start));
		free_frame(&start);
		read_all(&tally, fd);
		close(fd);
	}
	report(s, &tally);
	endpoint_close(&e);
}

int main(void)
{
	/* clang-format off */
	static const struct setting settings[] = {
		{ TO_UNIX, SPSC, 1, 1, 512, 64, 8192, 32 },
		{ TO_UNIX, SPSC, 2, 2, 512, 64, 8192, 32 },
		{ TO_UNIX, SPSC, 16, 16, 128, 64, 8192, 32 },
		{ TO_UNIX, SPSC, 4, 4, 16, 2, 1024, 1 },
		{ TO_UNIX, MPSC, 1, 1, 512, 64, 8192, 32 },
		{ TO_UNIX, MPSC, 4, 1, 1024, 64, 65536, 500 },
		{ TO_UNIX, MPSC, 16, 1, 16384, 1024, 65536, 32 },
		{ TO_UNIX, MPSC, 16, 16, 512, 64, 8192, 32 },
		{ TO_UNIX, MPSC, 16, 3, 4096, 64, 1024, 4000 },
		{ TO_FILE, SPSC, 3, 3, 64, 64, 8192, 32 },
		{ TO_FILE, MPSC, 8, 2, 1024, 1024, 65536, 32 },
		{ TO_TCP4, SPSC, 2, 2, 512, 64, 8192, 32 },
		{ TO_TCP4, MPSC, 8, 1, 512, 64, 8192, 32 },
		{ TO_TCP6, MPSC, 2, 1, 512, 64, 8192, 32 },
	};
	/* clang-format on */

	for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
		run(&settings[i]);
	return 0;
}
