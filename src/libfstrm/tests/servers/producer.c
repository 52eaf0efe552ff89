/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Submits numbered frames at a constant rate, and counts them.
 *
 *     producer PATH|ADDRESS@PORT RATE SIZE MEMORY_LIMIT
 *
 * Commands on standard input, each answered with a line of key=value:
 *     submit N  submits N frames
 *     settle    waits until no frames are pending
 *     destroy   ends the writer thread, and the program
 *
 * A frame of SIZE bytes begins with its number, in network byte order; the rest is filled with the
 * last byte of the number. Refused frames have numbers, too.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <fstrm.h>
#include <fstrm/stats.h>

enum { BURSTS_PER_SECOND = 200, SETTLE_SECONDS = 20, NUMBER_SIZE = 8 };

static const char content_type[] = "test";

static unsigned long accepted, refused;
static atomic_ulong freed;

static void need(int done, const char *what)
{
	if (!done) {
		fprintf(stderr, "producer: %s\n", what);
		exit(1);
	}
}

static void free_frame(void *data, void *free_data)
{
	(void)free_data;
	free(data);
	atomic_fetch_add(&freed, 1);
}

static struct fstrm_writer *make_writer(char *endpoint)
{
	struct fstrm_writer_options *wopt = fstrm_writer_options_init();
	struct fstrm_writer *writer;
	char *at = strchr(endpoint, '@');

	fstrm_writer_options_add_content_type(wopt, content_type, sizeof content_type - 1);
	if (at == NULL) {
		struct fstrm_unix_writer_options *opt = fstrm_unix_writer_options_init();
		fstrm_unix_writer_options_set_socket_path(opt, endpoint);
		writer = fstrm_unix_writer_init(opt, wopt);
		fstrm_unix_writer_options_destroy(&opt);
	} else {
		struct fstrm_tcp_writer_options *opt = fstrm_tcp_writer_options_init();
		*at = '\0';
		fstrm_tcp_writer_options_set_socket_address(opt, endpoint);
		fstrm_tcp_writer_options_set_socket_port(opt, at + 1);
		writer = fstrm_tcp_writer_init(opt, wopt);
		fstrm_tcp_writer_options_destroy(&opt);
	}
	fstrm_writer_options_destroy(&wopt);
	return writer;
}

static struct fstrm_iothr *start(char *endpoint, size_t memory_limit)
{
	struct fstrm_iothr_options *opt = fstrm_iothr_options_init();
	struct fstrm_writer *writer = make_writer(endpoint);
	struct fstrm_iothr *iothr;

	need(fstrm_iothr_options_set_memory_limit(opt, memory_limit) == fstrm_res_success,
	     "MEMORY_LIMIT is too small");
	iothr = fstrm_iothr_init(opt, &writer);
	fstrm_iothr_options_destroy(&opt);
	need(iothr != NULL, "no writer thread");
	return iothr;
}

static void pause_for(long nanoseconds)
{
	struct timespec left = { 0, nanoseconds };

	while (nanosleep(&left, &left) != 0)
		need(errno == EINTR, "nanosleep");
}

static void submit_one(struct fstrm_iothr *iothr, struct fstrm_iothr_queue *queue, size_t size)
{
	unsigned long number = accepted + refused;
	unsigned char *frame = malloc(size);

	need(frame != NULL, "no memory");
	memset(frame, (int)(number & 0xff), size);
	for (int i = 0; i < NUMBER_SIZE; i++)
		frame[i] = (unsigned char)(number >> (8 * (NUMBER_SIZE - 1 - i)));
	switch (fstrm_iothr_submit(iothr, queue, frame, size, free_frame, NULL)) {
	case fstrm_res_success:
		accepted++;
		break;
	case fstrm_res_again:
		refused++;
		free(frame);
		break;
	default:
		need(0, "submit failed");
	}
}

/* In bursts with pauses between. Time that is lost is not made up for: a faster burst than was asked
   for could fill the queue. */
static void submit(struct fstrm_iothr *iothr, unsigned long count, unsigned long rate, size_t size)
{
	struct fstrm_iothr_queue *queue = fstrm_iothr_get_input_queue_idx(iothr, 0);
	unsigned long burst = rate / BURSTS_PER_SECOND;

	for (unsigned long i = 0; i < count; i++) {
		if (i % burst == 0)
			pause_for(1000000000 / BURSTS_PER_SECOND);
		submit_one(iothr, queue, size);
	}
}

static struct fstrm_iothr_stats get_stats(const struct fstrm_iothr *iothr)
{
	struct fstrm_iothr_stats stats = { .size = sizeof stats };

	need(fstrm_iothr_get_stats(iothr, &stats) == fstrm_res_success, "no stats");
	return stats;
}

/* The library has no event for it. */
static void settle(const struct fstrm_iothr *iothr)
{
	time_t limit = time(NULL) + SETTLE_SECONDS;

	while (get_stats(iothr).waiting > 0 && time(NULL) < limit)
		pause_for(1000000);
}

static void report(const struct fstrm_iothr *iothr)
{
	struct fstrm_iothr_stats stats = get_stats(iothr);

	printf("accepted=%lu refused=%lu ", accepted, refused);
	printf("stats_accepted=%llu ", (unsigned long long)stats.accepted);
	printf("stats_refused=%llu ", (unsigned long long)stats.refused);
	printf("written=%llu ", (unsigned long long)stats.written);
	printf("waiting=%llu ", (unsigned long long)stats.waiting);
	printf("lost_closing=%llu ", (unsigned long long)stats.lost_closing);
	printf("lost_error=%llu ", (unsigned long long)stats.lost_error);
	printf("bytes_written=%llu ", (unsigned long long)stats.bytes_written);
	printf("connects=%llu ", (unsigned long long)stats.connects);
	printf("connect_failures=%llu ", (unsigned long long)stats.connect_failures);
	printf("disconnects=%llu\n", (unsigned long long)stats.disconnects);
}

static long milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void destroy(struct fstrm_iothr *iothr)
{
	long before = milliseconds();

	fstrm_iothr_destroy(&iothr);
	printf("milliseconds=%ld freed=%lu\n", milliseconds() - before, atomic_load(&freed));
}

int main(int argc, char **argv)
{
	struct fstrm_iothr *iothr;
	unsigned long rate, count;
	char line[64];
	size_t size;

	need(argc == 5, "PATH|ADDRESS@PORT RATE SIZE MEMORY_LIMIT");
	rate = strtoul(argv[2], NULL, 10);
	size = strtoul(argv[3], NULL, 10);
	need(rate >= BURSTS_PER_SECOND && size >= NUMBER_SIZE, "RATE or SIZE is too small");
	iothr = start(argv[1], strtoul(argv[4], NULL, 10));
	setvbuf(stdout, NULL, _IOLBF, 0);
	while (fgets(line, sizeof line, stdin) != NULL) {
		if (strcmp(line, "destroy\n") == 0) {
			destroy(iothr);
			return 0;
		}
		if (sscanf(line, "submit %lu", &count) == 1)
			submit(iothr, count, rate, size);
		else
			settle(iothr);
		report(iothr);
	}
	need(0, "not told to destroy");
}
