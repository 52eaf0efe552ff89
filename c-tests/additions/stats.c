/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The accounts of a writer thread: every frame that submit took is in exactly one place. */
#include "endpoint.h"
#include "fault.h"
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
	NEED(fstrm_iothr_get_stats(iothr, &s) == fstrm_res_success, "get_stats failed");
	NEED(s.accepted == s.written + s.waiting + s.lost_closing + s.lost_error,
	     "%llu accepted, but %llu written, %llu waiting, %llu + %llu lost",
	     (unsigned long long)s.accepted, (unsigned long long)s.written, (unsigned long long)s.waiting,
	     (unsigned long long)s.lost_closing, (unsigned long long)s.lost_error);
	return s;
}

/* Looks at the accounts until they are as they should be; the last ones are left in `s`. */
#define AWAIT_STATS(iothr, s, condition) \
	AWAIT((s = stats_of(iothr), (condition)), 10, "never came: %s", #condition)

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
		NEED(fstrm_iothr_submit(iothr, fstrm_iothr_get_input_queue_idx(iothr, 0), frame, len, NULL, NULL) ==
		     fstrm_res_success, "frame %u was refused", i);
}

/* Takes one connection and closes it when told, then serves a second. */
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
	AWAIT_STATS(iothr, s, s.state == FSTRM_IOTHR_STATE_CONNECTED);
	EXPECT(s.accepted, 0);
	submit(iothr, 10, 100);
	AWAIT_STATS(iothr, s, s.written == 10);
	EXPECT(s.waiting, 0);
	EXPECT(s.bytes_written, 10 * 104);
	EXPECT(s.connects, 1);
	EXPECT(s.connect_failures, 0);
	EXPECT(s.disconnects, 0);
	EXPECT(s.refused, 0);
	EXPECT(s.size, sizeof s);
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
	AWAIT_STATS(iothr, s, s.connect_failures > 0 && s.state == FSTRM_IOTHR_STATE_DISCONNECTED);
	EXPECT(s.waiting, (uint64_t)frames);
	EXPECT(s.connects, 0);
	endpoint_open(&e, TO_UNIX);
	receiver_start(&r, e.listening, receiver_play_one, NULL);
	AWAIT_STATS(iothr, s, s.written == (uint64_t)frames);
	EXPECT(s.connects, 1);
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
	AWAIT_STATS(iothr, s, s.connects == 1);
	receiver_reach(&r, 1);
	submit(iothr, (unsigned)frames, 100);
	AWAIT_STATS(iothr, s, s.disconnects == 1);
	AWAIT_STATS(iothr, s, s.written == (uint64_t)frames);
	EXPECT(s.connects, 2);
	EXPECT(s.lost_error, 0);
	fstrm_iothr_destroy(&iothr);
	receiver_finish(&r, stderr);
}

enum { QUEUE = 8192 };

/* submit's own results, and the accounts, tell the same. */
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
	/* The thread gets its turn often enough to take what it has room for. */
	while (again < 200) {
		fstrm_res res = fstrm_iothr_submit(iothr, fstrm_iothr_get_input_queue_idx(iothr, 0), frame, sizeof frame, NULL, NULL);

		NEED(res == fstrm_res_success || res == fstrm_res_again, "submit returned %d", (int)res);
		taken += res == fstrm_res_success;
		again += res == fstrm_res_again;
		if (res == fstrm_res_again)
			sched_yield();
	}
	s = stats_of(iothr);
	EXPECT(s.accepted, taken);
	EXPECT(s.refused, again);
	EXPECT(s.waiting, taken);
	/* The queue, perhaps without the one entry that tells full from empty, and what the limit lets the thread hold. */
	NEED(taken >= QUEUE - 1 && taken <= QUEUE + 131072 / sizeof frame, "%llu frames were taken", (unsigned long long)taken);
	fstrm_iothr_destroy(&iothr);
}

static fstrm_res callback(void *obj)
{
	(void)obj;
	return fstrm_res_success;
}

/* Takes what is written in the handshake, one piece each, and fails what carries frames. */
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
	AWAIT_STATS(iothr, s, s.connects == 1);
	submit(iothr, (unsigned)frames, 100);
	AWAIT_STATS(iothr, s, s.lost_error > 0);
	EXPECT(s.written, 0);
	NEED(s.disconnects >= 1, "no disconnect is counted");
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
		/* Nobody listens: what the child submits waits, what the parent did is not the child's. */
		submit(iothr, 3, 100);
		s = stats_of(iothr);
		EXPECT(s.accepted, 3);
		EXPECT(s.waiting, 3);
		EXPECT(s.connects + s.disconnects + s.written + s.lost_closing, 0);
		fstrm_iothr_destroy(&iothr);
		_exit(0);
	}
	wait_for(child);
	s = stats_of(iothr);
	EXPECT(s.waiting, (uint64_t)frames);
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

/* The sums hold at any moment, not only at rest: stats_of() checks each. */
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
	while (!__atomic_load_n(&producers[0].done, __ATOMIC_ACQUIRE) || !__atomic_load_n(&producers[1].done, __ATOMIC_ACQUIRE)) {
		s = stats_of(iothr);
		NEED(s.accepted >= before.accepted && s.written >= before.written && s.refused >= before.refused &&
		     s.bytes_written >= before.bytes_written, "an account went back");
		before = s;
	}
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	AWAIT_STATS(iothr, s, s.waiting == 0);
	EXPECT(s.accepted + s.refused, 200000);
	EXPECT(s.written, s.accepted);
	fstrm_iothr_destroy(&iothr);
	receiver_finish(&r, stderr);
}

static void sizes(int unused)
{
	static const struct sizes STATS = SIZES(struct fstrm_iothr_stats, 96, END_OF(struct fstrm_iothr_stats, state));
	static struct area area;
	struct fstrm_iothr_stats s;
	struct endpoint e;
	struct fstrm_iothr *iothr;
	fstrm_res res;

	(void)unused;
	endpoint_open(&e, TO_FILE);
	iothr = start(endpoint_writer(&e, types));
	submit(iothr, 1, sizeof frame);
	AWAIT_STATS(iothr, s, s.written == 1);
	for EACH_SIZE(size, STATS) {
		res = fstrm_iothr_get_stats(iothr, place(&area, size));
		NEED(res == (size < STATS.first ? fstrm_res_invalid : fstrm_res_success), "size %zu: %d", size, (int)res);
		if (res == fstrm_res_success)
			check_filled(&area, size, &s, &STATS, "fstrm_iothr_get_stats");
		else
			check_refused(&area, size, "fstrm_iothr_get_stats");
	}
	res = fstrm_iothr_get_stats(iothr, NULL);
	NEED(res == fstrm_res_invalid, "no stats: %d", (int)res);
	res = fstrm_iothr_get_stats(NULL, &s);
	NEED(res == fstrm_res_invalid, "no iothr: %d", (int)res);
	fstrm_iothr_destroy(&iothr);
}

static void setters(int unused)
{
	struct fstrm_iothr_options *opt = fstrm_iothr_options_init();
	struct fstrm_writer_options *wopt = fstrm_writer_options_init();

	(void)unused;
	NEED(fstrm_iothr_options_set_close_timeout(opt, 0) == fstrm_res_success, "close_timeout 0");
	NEED(fstrm_iothr_options_set_close_timeout(opt, 600000) == fstrm_res_success, "close_timeout 600000");
	NEED(fstrm_iothr_options_set_close_timeout(opt, 600001) == fstrm_res_failure, "close_timeout 600001");
	NEED(fstrm_iothr_options_set_close_timeout(NULL, 1) == fstrm_res_failure, "close_timeout of NULL");
	NEED(fstrm_iothr_options_set_memory_limit(opt, 131071) == fstrm_res_failure, "memory_limit 131071");
	NEED(fstrm_iothr_options_set_memory_limit(opt, 131072) == fstrm_res_success, "memory_limit 131072");
	NEED(fstrm_iothr_options_set_memory_limit(opt, (size_t)1 << 40) == fstrm_res_success, "memory_limit 2^40");
	NEED(fstrm_iothr_options_set_memory_limit(NULL, 131072) == fstrm_res_failure, "memory_limit of NULL");
	NEED(fstrm_writer_options_set_io_timeout(wopt, 0) == fstrm_res_failure, "io_timeout 0");
	NEED(fstrm_writer_options_set_io_timeout(wopt, 1) == fstrm_res_success, "io_timeout 1");
	NEED(fstrm_writer_options_set_io_timeout(wopt, 600000) == fstrm_res_success, "io_timeout 600000");
	NEED(fstrm_writer_options_set_io_timeout(wopt, 600001) == fstrm_res_failure, "io_timeout 600001");
	NEED(fstrm_writer_options_set_io_timeout(NULL, 1) == fstrm_res_failure, "io_timeout of NULL");
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

/* The deadline of destroy is the one that was set, not sooner and not much later. */
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
	AWAIT_STATS(iothr, s, s.state == FSTRM_IOTHR_STATE_CONNECTED);
	took = now();
	fstrm_iothr_destroy(&iothr);
	took = now() - took;
	NEED(took >= ms / 1000.0 - 0.05 && took < ms / 1000.0 + 1, "destroy took %.3f s", took);
	receiver_reach(&r, 1);
	receiver_finish(&r, stderr);
}

/* What cannot be sent any more is counted, and the count can be read. */
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
	AWAIT_STATS(iothr, s, s.state == FSTRM_IOTHR_STATE_CONNECTED);
	for (int i = 0; i < frames; i++)
		NEED(fstrm_iothr_submit(iothr, queue, frame, sizeof frame, NULL, NULL) == fstrm_res_success,
		     "frame %d was not taken", i);
	NEED(fstrm_iothr_close(iothr) == fstrm_res_success, "close failed");
	s = stats_of(iothr);
	NEED(s.lost_closing > 0 && s.waiting == 0 && s.accepted == (unsigned)frames, "%llu lost, %llu waiting",
	     (unsigned long long)s.lost_closing, (unsigned long long)s.waiting);
	NEED(fstrm_iothr_submit(iothr, queue, frame, sizeof frame, NULL, NULL) == fstrm_res_failure,
	     "a closed writer thread takes frames");
	NEED(fstrm_iothr_close(iothr) == fstrm_res_success, "closing again failed");
	NEED(fstrm_iothr_close(NULL) == fstrm_res_failure, "closing NULL did not fail");
	fstrm_iothr_destroy(&iothr);
	receiver_reach(&r, 1);
	receiver_finish(&r, stderr);
}

static fstrm_res no_op(void *obj)
{
	(void)obj;
	return fstrm_res_success;
}

/* Writes when the pipe behind obj says so. */
static fstrm_res held_up(void *obj, const struct iovec *iov, int iovcnt)
{
	char byte;

	(void)iov;
	(void)iovcnt;
	return read(*(int *)obj, &byte, 1) < 0 ? fstrm_res_failure : fstrm_res_success;
}

/* A writer thread that cannot end is left behind, and what is submitted then changes no account. */
static void held_up_at_close(int frames)
{
	struct fstrm_iothr_options *opt = fstrm_iothr_options_init();
	struct fstrm_iothr_queue *queue;
	struct fstrm_iothr_stats s;
	struct fstrm_iothr *iothr;
	struct fstrm_writer *writer;
	struct fstrm_rdwr *rdwr;
	int ends[2];

	NEED(pipe(ends) == 0, "no pipe");
	rdwr = fstrm_rdwr_init(&ends[0]);
	fstrm_rdwr_set_open(rdwr, no_op);
	fstrm_rdwr_set_close(rdwr, no_op);
	fstrm_rdwr_set_write(rdwr, held_up);
	writer = fstrm_writer_init(NULL, &rdwr);
	fstrm_iothr_options_set_close_timeout(opt, 100);
	iothr = start_with(opt, writer);
	queue = fstrm_iothr_get_input_queue(iothr);
	for (int i = 0; i < frames; i++)
		NEED(fstrm_iothr_submit(iothr, queue, frame, 100, NULL, NULL) == fstrm_res_success, "not taken");
	NEED(fstrm_iothr_close(iothr) == fstrm_res_failure, "a thread that is held up has ended");
	NEED(fstrm_iothr_submit(iothr, queue, frame, 100, NULL, NULL) == fstrm_res_failure, "taken after close");
	NEED(fstrm_iothr_close(iothr) == fstrm_res_failure, "a thread that is still held up has ended");
	close(ends[1]);
	AWAIT_STATS(iothr, s, s.state == FSTRM_IOTHR_STATE_CLOSING && s.waiting == 0);
	NEED(fstrm_iothr_close(iothr) == fstrm_res_success, "it has not ended");
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
	NEED(res == fstrm_res_stop && fstrm_reader_close(reader) == fstrm_res_success, "%s has no STOP", path);
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
		NEED(fstrm_iothr_submit(iothr, queue, frame, 100, NULL, NULL) == fstrm_res_success, "not taken");
	if (child == 0) {
		fstrm_iothr_destroy(&iothr);
		_exit(0);
	}
	wait_for(child);
	for (int i = 0; i < frames; i++)
		NEED(fstrm_iothr_submit(iothr, queue, frame, 100, NULL, NULL) == fstrm_res_success, "not taken");
	fstrm_iothr_destroy(&iothr);
	EXPECT(frames_in(ENDPOINT_PATH), 2 * frames);
	snprintf(path, sizeof path, "%s.%d", ENDPOINT_PATH, (int)child);
	EXPECT(frames_in(path), frames);
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
	NEED(fstrm_writer_open(writer) == fstrm_res_failure, "open did not fail");
	took = now() - took;
	NEED(took >= ms / 1000.0 - 0.05 && took < ms / 1000.0 + 1, "open took %.3f s", took);
	fstrm_writer_destroy(&writer);
	receiver_reach(&r, 1);
	receiver_finish(&r, stderr);
}

int main(int argc, char **argv)
{
	enum { SPSC = FSTRM_IOTHR_QUEUE_MODEL_SPSC, MPSC = FSTRM_IOTHR_QUEUE_MODEL_MPSC };
	static const struct fault cases[] = {
		{ "stats of frames written to a file", delivered, TO_FILE, 20, 0, NULL },
		{ "stats of frames delivered by Unix socket", delivered, TO_UNIX, 20, 0, NULL },
		{ "stats of frames delivered by TCP", delivered, TO_TCP4, 20, 0, NULL },
		{ "stats without a receiver, then with one", absent_and_back, 100, 20, 0, NULL },
		{ "stats when the receiver hangs up", broken_off, 100, 20, 0, NULL },
		{ "stats of refused frames, SPSC", refused, SPSC, 20, 0, NULL },
		{ "stats of refused frames, MPSC", refused, MPSC, 20, 0, NULL },
		{ "stats of frames a callback failed to write", failing_callback, 10, 20, 0, NULL },
		{ "stats in a forked child", forked, 100, 20, 0, NULL },
		{ "stats add up at every moment, SPSC", at_every_moment, SPSC, 60, 0, NULL },
		{ "stats add up at every moment, MPSC", at_every_moment, MPSC, 60, 0, NULL },
		{ "stats of other sizes", sizes, 0, 20, 0, NULL },
		{ "bounds of the options", setters, 0, 20, 0, NULL },
		{ "stats of frames lost at close", lost_at_close, 2000, 20, 0, NULL },
		{ "close while the thread is held up", held_up_at_close, 5, 20, 0, NULL },
		{ "files of parent and child", file_in_a_child, 10, 20, 0, NULL },
		{ "close_timeout of 0", close_timeout, 0, 20, 0, NULL },
		{ "close_timeout of 700 ms", close_timeout, 700, 20, 0, NULL },
		{ "io_timeout of 300 ms", io_timeout, 300, 20, 0, NULL },
	};

	return RUN(argc, argv, cases);
}
