/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The accounts of a writer thread: every accepted frame is counted in exactly one place. */
#include "endpoint.h"
#include "harness.h"
#include "receiver.h"
#include "sized.h"

#include <fstrm/stats.h>

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *const types[] = { "test", NULL };
static char frame[1000];

static struct fstrm_iothr_stats stats_of(const struct fstrm_iothr *iothr)
{
	struct fstrm_iothr_stats s;

	memset(&s, 0, sizeof s);
	s.size = sizeof s;
	ASSERT(fstrm_iothr_get_stats(iothr, &s) == fstrm_res_success, "get_stats failed");
	ASSERT(s.accepted == s.written + s.waiting + s.lost_closing + s.lost_error,
	       "%llu accepted, but %llu written, %llu waiting, %llu + %llu lost", (unsigned long long)s.accepted,
	       (unsigned long long)s.written, (unsigned long long)s.waiting, (unsigned long long)s.lost_closing,
	       (unsigned long long)s.lost_error);
	return s;
}

/* Reads the accounts into `s` until they meet a condition. */
#define WAIT_FOR_STATS(iothr, s, condition) \
	WAIT_UNTIL((s = stats_of(iothr), (condition)), 10, "%s is still false", #condition)

static struct fstrm_iothr *start_with(struct fstrm_iothr_options *opt, struct fstrm_writer *writer)
{
	struct fstrm_iothr *iothr;

	fstrm_iothr_options_set_reopen_interval(opt, 1);
	iothr = fstrm_iothr_init(opt, &writer);
	fstrm_iothr_options_destroy(&opt);
	return iothr;
}

static struct fstrm_iothr *start(struct fstrm_writer *writer)
{
	return start_with(fstrm_iothr_options_init(), writer);
}

static void submit(struct fstrm_iothr *iothr, unsigned count, size_t len)
{
	for (unsigned i = 0; i < count; i++)
		ASSERT(fstrm_iothr_submit(iothr, fstrm_iothr_get_input_queue_idx(iothr, 0), frame, len, NULL, NULL) ==
			       fstrm_res_success,
		       "frame %u was refused", i);
}

/* Accepts a connection and closes it at a step of the test, then serves a second one. */
static void hang_up(struct receiver *r)
{
	int fd = accept_one(r->listening);

	receiver_handshake(r, fd, NULL);
	receiver_wait(r, 1);
	close(fd);
	receiver_play_one(r);
}

static void delivered(int transport)
{
	struct fstrm_iothr_stats s;
	struct fstrm_iothr *iothr;
	struct endpoint e;
	struct receiver r;

	endpoint_open(&e, (enum transport)transport);
	if (e.listening >= 0)
		receiver_start(&r, e.listening, receiver_play_one, NULL);
	iothr = start(endpoint_writer(&e, types));
	WAIT_FOR_STATS(iothr, s, s.state == FSTRM_IOTHR_STATE_CONNECTED);
	ASSERT_EQ(s.accepted, 0);
	submit(iothr, 10, 100);
	WAIT_FOR_STATS(iothr, s, s.written == 10);
	ASSERT_EQ(s.waiting, 0);
	ASSERT_EQ(s.bytes_written, 10 * 104);
	ASSERT_EQ(s.connects, 1);
	ASSERT_EQ(s.connect_failures, 0);
	ASSERT_EQ(s.disconnects, 0);
	ASSERT_EQ(s.refused, 0);
	ASSERT_EQ(s.size, sizeof s);
	fstrm_iothr_destroy(&iothr);
	if (e.listening >= 0)
		receiver_finish(&r, stderr);
}

static void absent_and_back(int frames)
{
	struct fstrm_iothr_stats s;
	struct fstrm_iothr *iothr;
	struct endpoint e;
	struct receiver r;

	endpoint_open(&e, TO_UNIX);
	endpoint_close(&e);
	iothr = start(endpoint_writer(&e, types));
	submit(iothr, (unsigned)frames, 100);
	WAIT_FOR_STATS(iothr, s, s.connect_failures > 0 && s.state == FSTRM_IOTHR_STATE_DISCONNECTED);
	ASSERT_EQ(s.waiting, (uint64_t)frames);
	ASSERT_EQ(s.connects, 0);
	endpoint_open(&e, TO_UNIX);
	receiver_start(&r, e.listening, receiver_play_one, NULL);
	WAIT_FOR_STATS(iothr, s, s.written == (uint64_t)frames);
	ASSERT_EQ(s.connects, 1);
	fstrm_iothr_destroy(&iothr);
	receiver_finish(&r, stderr);
}

static void broken_off(int frames)
{
	struct fstrm_iothr_stats s;
	struct fstrm_iothr *iothr;
	struct endpoint e;
	struct receiver r;

	endpoint_open(&e, TO_UNIX);
	receiver_start(&r, e.listening, hang_up, NULL);
	iothr = start(endpoint_writer(&e, types));
	WAIT_FOR_STATS(iothr, s, s.connects == 1);
	receiver_reach(&r, 1);
	submit(iothr, (unsigned)frames, 100);
	WAIT_FOR_STATS(iothr, s, s.disconnects == 1);
	WAIT_FOR_STATS(iothr, s, s.written == (uint64_t)frames);
	ASSERT_EQ(s.connects, 2);
	ASSERT_EQ(s.lost_error, 0);
	fstrm_iothr_destroy(&iothr);
	receiver_finish(&r, stderr);
}

enum { QUEUE = 8192 };

/* The accounts match the results of submit. */
static void refused(int model)
{
	struct fstrm_iothr_options *opt = fstrm_iothr_options_init();
	struct fstrm_iothr_stats s;
	struct fstrm_iothr *iothr;
	struct endpoint e;
	uint64_t taken = 0, again = 0;

	endpoint_open(&e, TO_UNIX);
	endpoint_close(&e);
	fstrm_iothr_options_set_queue_model(opt, (fstrm_iothr_queue_model)model);
	fstrm_iothr_options_set_input_queue_size(opt, QUEUE);
	fstrm_iothr_options_set_memory_limit(opt, 131072);
	iothr = start_with(opt, endpoint_writer(&e, types));
	/* The thread runs often enough to take the frames that it has room for. */
	while (again < 200) {
		fstrm_res res = fstrm_iothr_submit(iothr, fstrm_iothr_get_input_queue_idx(iothr, 0), frame,
						   sizeof frame, NULL, NULL);

		ASSERT(res == fstrm_res_success || res == fstrm_res_again, "submit returned %d", (int)res);
		taken += res == fstrm_res_success;
		again += res == fstrm_res_again;
		if (res == fstrm_res_again)
			sched_yield();
	}
	s = stats_of(iothr);
	ASSERT_EQ(s.accepted, taken);
	ASSERT_EQ(s.refused, again);
	ASSERT_EQ(s.waiting, taken);
	/* The queue, perhaps without the entry that distinguishes full from empty, and the frames that the thread may hold. */
	ASSERT(taken >= QUEUE - 1 && taken <= QUEUE + 131072 / sizeof frame, "%llu frames were accepted",
	       (unsigned long long)taken);
	fstrm_iothr_destroy(&iothr);
}

static fstrm_res callback(void *obj)
{
	(void)obj;
	return fstrm_res_success;
}

/* Accepts the writes of the handshake, which have one part, and fails those with frames. */
static fstrm_res fail_frames(void *obj, const struct iovec *iov, int iovcnt)
{
	(void)obj, (void)iov;
	return iovcnt > 1 || iov[0].iov_len > 40 ? fstrm_res_failure : fstrm_res_success;
}

static void failing_callback(int frames)
{
	struct fstrm_rdwr *rdwr = fstrm_rdwr_init(NULL);
	struct fstrm_iothr_stats s;
	struct fstrm_iothr *iothr;

	fstrm_rdwr_set_open(rdwr, callback);
	fstrm_rdwr_set_close(rdwr, callback);
	fstrm_rdwr_set_write(rdwr, fail_frames);
	iothr = start(fstrm_writer_init(NULL, &rdwr));
	WAIT_FOR_STATS(iothr, s, s.connects == 1);
	submit(iothr, (unsigned)frames, 100);
	WAIT_FOR_STATS(iothr, s, s.disconnects >= 1);
	ASSERT(s.lost_error > 0, "the frames of a failed write are not counted");
	ASSERT_EQ(s.written, 0);
	fstrm_iothr_destroy(&iothr);
}

static void forked(int frames)
{
	struct fstrm_iothr_stats s;
	struct fstrm_iothr *iothr;
	struct endpoint e;
	pid_t child;

	endpoint_open(&e, TO_UNIX);
	endpoint_close(&e);
	iothr = start(endpoint_writer(&e, types));
	submit(iothr, (unsigned)frames, 100);
	child = fork();
	if (child == 0) {
		/* No receiver: frames of the child wait, and those of the parent are not in its accounts. */
		submit(iothr, 3, 100);
		s = stats_of(iothr);
		ASSERT_EQ(s.accepted, 3);
		ASSERT_EQ(s.waiting, 3);
		ASSERT_EQ(s.connects + s.disconnects + s.written + s.lost_closing, 0);
		fstrm_iothr_destroy(&iothr);
		_exit(0);
	}
	wait_for_child(child);
	s = stats_of(iothr);
	ASSERT_EQ(s.waiting, (uint64_t)frames);
	fstrm_iothr_destroy(&iothr);
}

struct producer {
	struct fstrm_iothr *iothr;
	struct fstrm_iothr_queue *queue;
	int done;
};

static void *produce(void *arg)
{
	struct producer *p = arg;

	for (int i = 0; i < 100000; i++)
		fstrm_iothr_submit(p->iothr, p->queue, frame, 1 + (size_t)i % 100, NULL, NULL);
	__atomic_store_n(&p->done, 1, __ATOMIC_RELEASE);
	return NULL;
}

static void read_silently(struct receiver *r)
{
	int fd = accept_one(r->listening);
	struct frame f;

	if (receiver_handshake(r, fd, NULL))
		while (read_frame(fd, &f) == DATA)
			free_frame(&f);
	send_control(fd, FINISH, NULL);
	close(fd);
}

/* The sums hold at any moment: stats_of() checks them. */
static void at_every_moment(int model)
{
	struct fstrm_iothr_options *opt = fstrm_iothr_options_init();
	struct producer producers[2];
	struct fstrm_iothr_stats s, before;
	struct fstrm_iothr *iothr;
	pthread_t threads[2];
	struct endpoint e;
	struct receiver r;

	endpoint_open(&e, TO_UNIX);
	receiver_start(&r, e.listening, read_silently, NULL);
	fstrm_iothr_options_set_queue_model(opt, (fstrm_iothr_queue_model)model);
	fstrm_iothr_options_set_num_input_queues(opt, 2);
	iothr = start_with(opt, endpoint_writer(&e, types));
	for (int i = 0; i < 2; i++) {
		producers[i] = (struct producer){ iothr, fstrm_iothr_get_input_queue(iothr), 0 };
		pthread_create(&threads[i], NULL, produce, &producers[i]);
	}
	before = stats_of(iothr);
	while (!__atomic_load_n(&producers[0].done, __ATOMIC_ACQUIRE) ||
	       !__atomic_load_n(&producers[1].done, __ATOMIC_ACQUIRE)) {
		s = stats_of(iothr);
		ASSERT(s.accepted >= before.accepted && s.written >= before.written && s.refused >= before.refused &&
			       s.bytes_written >= before.bytes_written,
		       "a counter went down");
		before = s;
	}
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	WAIT_FOR_STATS(iothr, s, s.waiting == 0);
	ASSERT_EQ(s.accepted + s.refused, 200000);
	ASSERT_EQ(s.written, s.accepted);
	fstrm_iothr_destroy(&iothr);
	receiver_finish(&r, stderr);
}

static void sizes(void)
{
	static const struct sizes STATS =
		SIZES(struct fstrm_iothr_stats, FIRST(96, 88, 88), HOLE(struct fstrm_iothr_stats, state, accepted));
	static struct area area;
	struct fstrm_iothr_stats s;
	struct endpoint e;
	struct fstrm_iothr *iothr;
	fstrm_res res;

	endpoint_open(&e, TO_FILE);
	iothr = start(endpoint_writer(&e, types));
	submit(iothr, 1, sizeof frame);
	WAIT_FOR_STATS(iothr, s, s.written == 1);
	FOR_EACH_SIZE(size, STATS) {
		res = fstrm_iothr_get_stats(iothr, place(&area, size));
		ASSERT(res == (size < STATS.first ? fstrm_res_invalid : fstrm_res_success), "size %zu: %d", size,
		       (int)res);
		if (res == fstrm_res_success)
			check_filled(&area, size, &s, &STATS, "fstrm_iothr_get_stats");
		else
			check_refused(&area, size, "fstrm_iothr_get_stats");
	}
	res = fstrm_iothr_get_stats(iothr, NULL);
	ASSERT(res == fstrm_res_invalid, "no stats: %d", (int)res);
	res = fstrm_iothr_get_stats(NULL, &s);
	ASSERT(res == fstrm_res_invalid, "no iothr: %d", (int)res);
	fstrm_iothr_destroy(&iothr);
}

static void setters(void)
{
	struct fstrm_iothr_options *opt = fstrm_iothr_options_init();
	struct fstrm_writer_options *wopt = fstrm_writer_options_init();

	ASSERT(fstrm_iothr_options_set_close_timeout(opt, 0) == fstrm_res_success, "close_timeout 0");
	ASSERT(fstrm_iothr_options_set_close_timeout(opt, 600000) == fstrm_res_success, "close_timeout 600000");
	ASSERT(fstrm_iothr_options_set_close_timeout(opt, 600001) == fstrm_res_failure, "close_timeout 600001");
	ASSERT(fstrm_iothr_options_set_close_timeout(NULL, 1) == fstrm_res_failure, "close_timeout of NULL");
	ASSERT(fstrm_iothr_options_set_memory_limit(opt, 131071) == fstrm_res_failure, "memory_limit 131071");
	ASSERT(fstrm_iothr_options_set_memory_limit(opt, 131072) == fstrm_res_success, "memory_limit 131072");
	ASSERT(fstrm_iothr_options_set_memory_limit(opt, SIZE_MAX / 2) == fstrm_res_success,
	       "memory_limit SIZE_MAX / 2");
	ASSERT(fstrm_iothr_options_set_memory_limit(NULL, 131072) == fstrm_res_failure, "memory_limit of NULL");
	ASSERT(fstrm_writer_options_set_io_timeout(wopt, 0) == fstrm_res_failure, "io_timeout 0");
	ASSERT(fstrm_writer_options_set_io_timeout(wopt, 1) == fstrm_res_success, "io_timeout 1");
	ASSERT(fstrm_writer_options_set_io_timeout(wopt, 600000) == fstrm_res_success, "io_timeout 600000");
	ASSERT(fstrm_writer_options_set_io_timeout(wopt, 600001) == fstrm_res_failure, "io_timeout 600001");
	ASSERT(fstrm_writer_options_set_io_timeout(NULL, 1) == fstrm_res_failure, "io_timeout of NULL");
	fstrm_iothr_options_destroy(&opt);
	fstrm_writer_options_destroy(&wopt);
}

static void fall_silent(struct receiver *r)
{
	int fd = accept_one(r->listening);

	if (r->arg != NULL)
		receiver_handshake(r, fd, NULL);
	receiver_wait(r, 1);
	close(fd);
}

/* Destroying takes the close timeout, not less and not much more. */
static void close_timeout(int ms)
{
	struct fstrm_iothr_options *opt = fstrm_iothr_options_init();
	struct fstrm_iothr_stats s;
	struct fstrm_iothr *iothr;
	struct endpoint e;
	struct receiver r;
	double took;

	endpoint_open(&e, TO_UNIX);
	receiver_start(&r, e.listening, fall_silent, frame);
	fstrm_iothr_options_set_close_timeout(opt, (unsigned)ms);
	iothr = start_with(opt, endpoint_writer(&e, types));
	WAIT_FOR_STATS(iothr, s, s.state == FSTRM_IOTHR_STATE_CONNECTED);
	took = now();
	fstrm_iothr_destroy(&iothr);
	took = now() - took;
	ASSERT(took >= ms / 1000.0 - 0.05 && took < ms / 1000.0 + 1, "destroy took %.3f s", took);
	receiver_reach(&r, 1);
	receiver_finish(&r, stderr);
}

/* Frames that cannot be sent at close are counted. */
static void lost_at_close(int frames)
{
	struct fstrm_iothr_options *opt = fstrm_iothr_options_init();
	struct fstrm_iothr_queue *queue;
	struct fstrm_iothr_stats s;
	struct fstrm_iothr *iothr;
	struct endpoint e;
	struct receiver r;

	endpoint_open(&e, TO_UNIX);
	receiver_start(&r, e.listening, fall_silent, frame);
	fstrm_iothr_options_set_close_timeout(opt, 300);
	iothr = start_with(opt, endpoint_writer(&e, types));
	queue = fstrm_iothr_get_input_queue(iothr);
	WAIT_FOR_STATS(iothr, s, s.state == FSTRM_IOTHR_STATE_CONNECTED);
	for (int i = 0; i < frames; i++)
		ASSERT(fstrm_iothr_submit(iothr, queue, frame, sizeof frame, NULL, NULL) == fstrm_res_success,
		       "frame %d was refused", i);
	ASSERT(fstrm_iothr_close(iothr) == fstrm_res_success, "close failed");
	s = stats_of(iothr);
	ASSERT(s.lost_closing > 0 && s.waiting == 0 && s.accepted == (unsigned)frames, "%llu lost, %llu waiting",
	       (unsigned long long)s.lost_closing, (unsigned long long)s.waiting);
	ASSERT(fstrm_iothr_submit(iothr, queue, frame, sizeof frame, NULL, NULL) == fstrm_res_failure,
	       "a closed writer thread accepts frames");
	ASSERT(fstrm_iothr_close(iothr) == fstrm_res_success, "closing again failed");
	ASSERT(fstrm_iothr_close(NULL) == fstrm_res_failure, "closing NULL did not fail");
	fstrm_iothr_destroy(&iothr);
	receiver_reach(&r, 1);
	receiver_finish(&r, stderr);
}

static fstrm_res no_op(void *obj)
{
	(void)obj;
	return fstrm_res_success;
}

/* Blocks until the pipe that obj points to is closed. */
static fstrm_res blocked_write(void *obj, const struct iovec *iov, int iovcnt)
{
	char byte;

	(void)iov;
	(void)iovcnt;
	return read(*(int *)obj, &byte, 1) < 0 ? fstrm_res_failure : fstrm_res_success;
}

/* A writer thread that cannot end is abandoned, and frames submitted afterwards are not counted. */
static void blocked_at_close(int frames)
{
	struct fstrm_iothr_options *opt = fstrm_iothr_options_init();
	struct fstrm_iothr_queue *queue;
	struct fstrm_iothr_stats s;
	struct fstrm_iothr *iothr;
	struct fstrm_writer *writer;
	struct fstrm_rdwr *rdwr;
	int ends[2];

	ASSERT(pipe(ends) == 0, "no pipe");
	rdwr = fstrm_rdwr_init(&ends[0]);
	fstrm_rdwr_set_open(rdwr, no_op);
	fstrm_rdwr_set_close(rdwr, no_op);
	fstrm_rdwr_set_write(rdwr, blocked_write);
	writer = fstrm_writer_init(NULL, &rdwr);
	fstrm_iothr_options_set_close_timeout(opt, 100);
	iothr = start_with(opt, writer);
	queue = fstrm_iothr_get_input_queue(iothr);
	for (int i = 0; i < frames; i++)
		ASSERT(fstrm_iothr_submit(iothr, queue, frame, 100, NULL, NULL) == fstrm_res_success, "refused");
	ASSERT(fstrm_iothr_close(iothr) == fstrm_res_failure, "a blocked thread has ended");
	ASSERT(fstrm_iothr_submit(iothr, queue, frame, 100, NULL, NULL) == fstrm_res_failure, "accepted after close");
	ASSERT(fstrm_iothr_close(iothr) == fstrm_res_failure, "a thread that is still blocked has ended");
	close(ends[1]);
	WAIT_FOR_STATS(iothr, s, s.state == FSTRM_IOTHR_STATE_CLOSING && s.waiting == 0);
	ASSERT(fstrm_iothr_close(iothr) == fstrm_res_success, "the thread has not ended");
	fstrm_iothr_destroy(&iothr);
	close(ends[0]);
}

static int frames_in(const char *path)
{
	struct fstrm_file_options *fopt = fstrm_file_options_init();
	struct fstrm_reader *reader;
	const uint8_t *data;
	size_t len;
	fstrm_res res;
	int count = 0;

	fstrm_file_options_set_file_path(fopt, path);
	reader = fstrm_file_reader_init(fopt, NULL);
	while ((res = fstrm_reader_read(reader, &data, &len)) == fstrm_res_success)
		count++;
	ASSERT(res == fstrm_res_stop && fstrm_reader_close(reader) == fstrm_res_success, "%s does not end with STOP",
	       path);
	fstrm_reader_destroy(&reader);
	fstrm_file_options_destroy(&fopt);
	return count;
}

/* Parent and child of a fork do not write into one file. */
static void file_in_a_child(int frames)
{
	struct fstrm_iothr_queue *queue;
	struct fstrm_iothr *iothr;
	struct endpoint e;
	char path[64];
	pid_t child;

	endpoint_open(&e, TO_FILE);
	iothr = start(endpoint_writer(&e, types));
	queue = fstrm_iothr_get_input_queue(iothr);
	child = fork();
	for (int i = 0; i < frames; i++)
		ASSERT(fstrm_iothr_submit(iothr, queue, frame, 100, NULL, NULL) == fstrm_res_success, "refused");
	if (child == 0) {
		fstrm_iothr_destroy(&iothr);
		_exit(0);
	}
	wait_for_child(child);
	for (int i = 0; i < frames; i++)
		ASSERT(fstrm_iothr_submit(iothr, queue, frame, 100, NULL, NULL) == fstrm_res_success, "refused");
	fstrm_iothr_destroy(&iothr);
	ASSERT_EQ(frames_in(ENDPOINT_PATH), 2 * frames);
	snprintf(path, sizeof path, "%s.%d", ENDPOINT_PATH, (int)child);
	ASSERT_EQ(frames_in(path), frames);
}

static void io_timeout(int ms)
{
	struct fstrm_writer_options *wopt = fstrm_writer_options_init();
	struct fstrm_unix_writer_options *uwopt = fstrm_unix_writer_options_init();
	struct fstrm_writer *writer;
	struct endpoint e;
	struct receiver r;
	double took;

	endpoint_open(&e, TO_UNIX);
	receiver_start(&r, e.listening, fall_silent, NULL);
	fstrm_writer_options_set_io_timeout(wopt, (unsigned)ms);
	fstrm_unix_writer_options_set_socket_path(uwopt, ENDPOINT_PATH);
	writer = fstrm_unix_writer_init(uwopt, wopt);
	fstrm_unix_writer_options_destroy(&uwopt);
	fstrm_writer_options_destroy(&wopt);
	took = now();
	ASSERT(fstrm_writer_open(writer) == fstrm_res_failure, "open did not fail");
	took = now() - took;
	ASSERT(took >= ms / 1000.0 - 0.05 && took < ms / 1000.0 + 1, "open took %.3f s", took);
	fstrm_writer_destroy(&writer);
	receiver_reach(&r, 1);
	receiver_finish(&r, stderr);
}

int main(int argc, char **argv)
{
	enum { SPSC = FSTRM_IOTHR_QUEUE_MODEL_SPSC, MPSC = FSTRM_IOTHR_QUEUE_MODEL_MPSC };
	static const struct test_case cases[] = {
		CASE_WITH("stats of frames written to a file", delivered, TO_FILE),
		CASE_WITH("stats of frames delivered by Unix socket", delivered, TO_UNIX),
		CASE_WITH("stats of frames delivered by TCP", delivered, TO_TCP4),
		CASE_WITH("stats without a receiver, then with one", absent_and_back, 100),
		CASE_WITH("stats when the receiver hangs up", broken_off, 100),
		CASE_WITH("stats of refused frames, SPSC", refused, SPSC),
		CASE_WITH("stats of refused frames, MPSC", refused, MPSC),
		CASE_WITH("stats of frames a callback failed to write", failing_callback, 10),
		CASE_WITH("stats in a forked child", forked, 100),
		CASE_WITH("stats add up at every moment, SPSC", at_every_moment, SPSC),
		CASE_WITH("stats add up at every moment, MPSC", at_every_moment, MPSC),
		CASE("stats of other sizes", sizes),
		CASE("bounds of the options", setters),
		CASE_WITH("stats of frames lost at close", lost_at_close, 2000),
		CASE_WITH("close while the writer thread is blocked", blocked_at_close, 5),
		CASE_WITH("files of parent and child", file_in_a_child, 10),
		CASE_WITH("close_timeout of 0", close_timeout, 0),
		CASE_WITH("close_timeout of 700 ms", close_timeout, 700),
		CASE_WITH("io_timeout of 300 ms", io_timeout, 300),
	};

	return RUN_CASES(argc, argv, cases);
}
