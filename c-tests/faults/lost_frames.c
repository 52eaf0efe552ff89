/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Frames that were accepted without a receiver, or whose write failed, arrive at the next receiver. */
#include "endpoint.h"
#include "harness.h"
#include "receiver.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *const types[] = { "test", NULL };

enum { FRAMES = 100 };

static unsigned frames[FRAMES];

/* The number of frames that the library has freed. */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t moved;
	int count;
} freed = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0 };

static void give_back(void *data, void *free_data)
{
	(void)data, (void)free_data;
	pthread_mutex_lock(&freed.lock);
	freed.count++;
	pthread_cond_signal(&freed.moved);
	pthread_mutex_unlock(&freed.lock);
}

/* Waits up to `seconds` for the library to free all frames; returns how many it freed. */
static int wait_for_loss(int seconds)
{
	struct timespec until;
	int late = 0, count;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += seconds;
	pthread_mutex_lock(&freed.lock);
	while (freed.count < FRAMES && late == 0)
		late = pthread_cond_timedwait(&freed.moved, &freed.lock, &until);
	count = freed.count;
	pthread_mutex_unlock(&freed.lock);
	return count;
}

struct came {
	int hang_up_first; /* take one connection and close it after START */
	int frames, end;
};

enum { HUNG_UP = 1, STARTED = 2, COMPLETE = 3 };

static void play(struct receiver *r)
{
	struct came *came = r->arg;
	struct frame f;
	int fd;

	if (came->hang_up_first) {
		fd = accept_one(r->listening);
		receiver_handshake(r, fd, NULL);
		close(fd);
		receiver_reach(r, HUNG_UP);
	}
	fd = accept_one(r->listening);
	if (receiver_handshake(r, fd, NULL)) {
		receiver_reach(r, STARTED);
		while (read_frame(fd, &f) == DATA) {
			unsigned number = FRAMES;

			if (f.len == sizeof number)
				memcpy(&number, f.data, sizeof number);
			if (number == (unsigned)came->frames)
				came->frames++;
			free_frame(&f);
			if (came->frames == FRAMES)
				receiver_reach(r, COMPLETE);
		}
		came->end = f.type;
		free_frame(&f);
	}
	receiver_reach(r, COMPLETE);
	send_control(fd, FINISH, NULL);
	close(fd);
}

static struct fstrm_iothr *start(const struct endpoint *e)
{
	struct fstrm_iothr_options *opt = fstrm_iothr_options_init();
	struct fstrm_writer *writer = endpoint_writer(e, types);
	struct fstrm_iothr *iothr;

	fstrm_iothr_options_set_reopen_interval(opt, 1);
	iothr = fstrm_iothr_init(opt, &writer);
	fstrm_iothr_options_destroy(&opt);
	return iothr;
}

static void submit(struct fstrm_iothr *iothr)
{
	struct fstrm_iothr_queue *queue = fstrm_iothr_get_input_queue(iothr);

	for (unsigned i = 0; i < FRAMES; i++) {
		frames[i] = i;
		ASSERT(fstrm_iothr_submit(iothr, queue, &frames[i], sizeof frames[i], give_back, NULL) ==
			       fstrm_res_success,
		       "frame %u was refused", i);
	}
}

/* If all frames are freed, the stream only has to begin; otherwise they have yet to arrive. */
static void check(struct fstrm_iothr *iothr, struct receiver *r, struct came *came, int before)
{
	receiver_wait(r, before == FRAMES ? STARTED : COMPLETE);
	fstrm_iothr_destroy(&iothr);
	receiver_finish(r, stderr);
	ASSERT(came->frames == FRAMES, "%d of %d frames arrived", came->frames, (int)FRAMES);
	ASSERT(came->end == STOP, "the stream ended with %d", came->end);
	ASSERT(freed.count == FRAMES, "%d of %d frames were freed", freed.count, (int)FRAMES);
}

static void no_receiver_yet(int transport)
{
	struct came came = { 0, 0, END };
	struct fstrm_iothr *iothr;
	struct endpoint e;
	struct receiver r;
	int before;

	endpoint_open(&e, (enum transport)transport);
	endpoint_close(&e);
	iothr = start(&e);
	submit(iothr);
	before = wait_for_loss(3);
	endpoint_open(&e, (enum transport)transport);
	receiver_start(&r, e.listening, play, &came);
	check(iothr, &r, &came, before);
}

static void receiver_hangs_up(int transport)
{
	struct came came = { 1, 0, END };
	struct fstrm_iothr *iothr;
	struct endpoint e;
	struct receiver r;

	endpoint_open(&e, (enum transport)transport);
	receiver_start(&r, e.listening, play, &came);
	iothr = start(&e);
	ASSERT(receiver_wait(&r, HUNG_UP), "the receiver saw no connection");
	submit(iothr);
	check(iothr, &r, &came, wait_for_loss(3));
}

int main(int argc, char **argv)
{
	/* Only a Unix socket reports for certain, and at once, that a frame was not read. */
	static const struct test_case cases[] = {
		FAULT("frames submitted before the receiver is there", no_receiver_yet, TO_UNIX, 25, FAILS, NULL),
		FAULT("frames whose write failed", receiver_hangs_up, TO_UNIX, 25, FAILS, NULL),
	};

	return RUN_CASES(argc, argv, cases);
}
