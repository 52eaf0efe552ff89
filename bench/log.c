/*
 * SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Logs messages as a server does, to a receiver on a Unix socket, or decodes one again and again, and prints one JSON
 * line about it. Linked with log_debian.c or log_ours.c, which say how. The line tells which libraries it ran on.
 */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <getopt.h>
#include <unistd.h>

#include "log.h"
#include "timing.h"

static const char usage[] =
	"usage: log_debian|log_ours [options] -u SOCKET\n"
	"       log_debian|log_ours -e|-d [options]\n"
	"  -n N     messages in all (100000)\n"
	"  -s N     bytes of the DNS message (100)\n"
	"  -Q       no query time, as of a server that has forgotten it\n"
	"  -t N     producing threads (1)\n"
	"  -r N     messages a second and thread, 0 for as fast as possible (0)\n"
	"  -b N     messages a burst, when -r is given (64)\n"
	"  -S       sleep from burst to burst, not spin\n"
	"  -R N     in rounds: after N messages wait until they are sent\n"
	"  -q N     size of a queue: messages with libfstrm, bytes with libdnstap\n"
	"  -w N     queue_notify_threshold, with libfstrm\n"
	"  -c N     pin the producing threads to core N; the writer thread stays where log was started\n"
	"  -l N     time every N calls together: median and 99.9 % a call, if none of them was refused\n"
	"  -g       wait for a line on standard input before the first message\n"
	"  -e       print the event in hexadecimal digits\n"
	"  -d       decode it N times\n";

static struct {
	unsigned long messages, rate, burst, round, together;
	size_t size;
	struct sink_options sink;
	int core;
	bool no_query_time, sleep, go;
	int mode; /* e, d, or 0 to log */
} opt = { .core = -1, .messages = 100000, .burst = 64, .size = 100, .sink.threads = 1 };

struct producer {
	pthread_t thread;
	struct queue *queue;
	struct event event;
	unsigned long messages, refused;
	struct times times; /* with -l */
	double cpu;
};

static struct event make_event(void)
{
	uint8_t *wire = malloc(opt.size);

	if (wire == NULL)
		die("out of memory");
	memset(wire, 0x5a, opt.size);
	struct event event = {
		.client = { .sin_family = AF_INET, .sin_port = htons(50000), .sin_addr.s_addr = htonl(0xc0000201) },
		.server = { .sin_family = AF_INET, .sin_port = htons(53), .sin_addr.s_addr = htonl(0xc6336401) },
		.response_time = { .tv_sec = 1700000000, .tv_nsec = 123567890 },
		.wire = wire,
		.length = opt.size,
	};
	if (!opt.no_query_time)
		event.query_time = (struct timespec){ .tv_sec = 1700000000, .tv_nsec = 123456789 };
	return event;
}

/* No two messages are of the same client and time, but all have the same length. */
static inline void next_event(struct event *event, unsigned long i)
{
	event->client.sin_port = htons((uint16_t)(0x8000 | i));
	event->response_time.tv_nsec = 123567890 + (long)(i & 0xffff);
}

static inline bool log_next(struct producer *p, unsigned long i)
{
	bool last_of_round = opt.round != 0 && (i + 1) % opt.round == 0;

	next_event(&p->event, i);
	if (last_of_round)
		round_ends(p->queue);
	bool accepted = log_site(p->queue, &p->event);
	if (accepted && last_of_round)
		round_wait(p->queue);
	return accepted;
}

/* Takes the time of every `together` calls. Those of which one was refused are left out: a refusal is quicker. */
static void *produce(void *argument)
{
	struct producer *p = argument;
	unsigned long step = opt.together != 0 ? opt.together : opt.burst;

	pin(opt.core);
	struct pace pace = pace_start(opt.rate, opt.burst, opt.sleep);
	for (unsigned long i = 0; i < p->messages;) {
		unsigned long end = i + step < p->messages ? i + step : p->messages, refused = 0;
		if (opt.rate != 0 && i % opt.burst == 0)
			pace_wait(&pace);
		uint64_t before = ticks_now();
		for (; i < end; i++)
			refused += !log_next(p, i);
		uint64_t after = ticks_now();
		p->refused += refused;
		if (opt.together != 0 && refused == 0)
			times_add(&p->times, after - before);
	}
	p->cpu = seconds(CLOCK_THREAD_CPUTIME_ID);
	return NULL;
}

static void print_libraries(void)
{
	printf("{\"libraries\": [");
	for (size_t i = 0; library_functions[i] != NULL; i++) {
		Dl_info library = { .dli_fname = "?" };
		dladdr(library_functions[i], &library);
		printf("%s\"%s\"", i > 0 ? ", " : "", library.dli_fname);
	}
	printf("]");
}

static void print_frame(const struct event *event)
{
	size_t length;
	uint8_t *frame = encode(event, &length);

	for (size_t i = 0; i < length; i++)
		printf("%02x", frame[i]);
	putchar('\n');
	free(frame);
}

static void run_decoder(const struct event *event)
{
	size_t length;
	uint8_t *frame = encode(event, &length);
	unsigned long step = opt.together != 0 ? opt.together : opt.messages;
	struct times times = { 0 };

	times_reserve(&times, opt.messages / step);
	double begin = seconds(CLOCK_MONOTONIC);
	uint64_t ticks = ticks_now();
	for (unsigned long i = 0; i + step <= opt.messages;) {
		uint64_t before = ticks_now();
		for (unsigned long end = i + step; i < end; i++)
			if (decode_site(frame, length) != event->length)
				die("decoded to something else");
		times_add(&times, ticks_now() - before);
	}
	double ns_per_tick = (seconds(CLOCK_MONOTONIC) - begin) * 1e9 / (double)(ticks_now() - ticks);
	print_libraries();
	print_times(&times, ns_per_tick, step);
	puts("}");
	free(frame);
}

static void run_producers(const struct event *event)
{
	struct producer *producers = calloc(opt.sink.threads, sizeof(*producers));
	struct sink *sink = sink_open(&opt.sink);
	unsigned long submitted = 0, refused = 0;
	struct times times = { 0 };
	double producer_cpu = 0;
	size_t frame_length;

	free(encode(event, &frame_length));
	for (unsigned i = 0; i < opt.sink.threads; i++) {
		struct producer *p = &producers[i];
		p->queue = queue_open(sink, i);
		p->event = *event;
		p->messages = opt.messages / opt.sink.threads;
		if (opt.together != 0)
			times_reserve(&p->times, p->messages / opt.together + 1);
	}
	if (opt.go && getchar() == EOF)
		die("no line on standard input");

	double begin = seconds(CLOCK_MONOTONIC), process = seconds(CLOCK_PROCESS_CPUTIME_ID);
	double main_thread = seconds(CLOCK_THREAD_CPUTIME_ID);
	uint64_t ticks = ticks_now();
	for (unsigned i = 0; i < opt.sink.threads; i++)
		if (pthread_create(&producers[i].thread, NULL, produce, &producers[i]) != 0)
			die("pthread_create failed");
	for (unsigned i = 0; i < opt.sink.threads; i++)
		pthread_join(producers[i].thread, NULL);
	double elapsed = seconds(CLOCK_MONOTONIC) - begin;
	double ns_per_tick = elapsed * 1e9 / (double)(ticks_now() - ticks);
	sink_close(sink);
	process = seconds(CLOCK_PROCESS_CPUTIME_ID) - process;
	main_thread = seconds(CLOCK_THREAD_CPUTIME_ID) - main_thread;

	times_reserve(&times, opt.together != 0 ? opt.messages : 0);
	for (unsigned i = 0; i < opt.sink.threads; i++) {
		struct producer *p = &producers[i];
		submitted += p->messages;
		refused += p->refused;
		producer_cpu += p->cpu;
		for (size_t t = 0; t < p->times.count; t++)
			times_add(&times, p->times.ticks[t]);
	}
	print_libraries();
	printf(", \"frame_bytes\": %zu, \"submitted\": %lu, \"accepted\": %lu, \"refused\": %lu, \"seconds\": %.6f, "
	       "\"producer_cpu\": %.6f, \"writer_cpu\": %.6f",
	       frame_length, submitted, submitted - refused, refused, elapsed, producer_cpu,
	       process - producer_cpu - main_thread);
	print_times(&times, ns_per_tick, opt.together);
	puts("}");
}

static void options(int argc, char **argv)
{
	for (int c; (c = getopt(argc, argv, "n:s:Qt:r:b:SR:q:w:c:l:gedu:")) != -1;) {
		switch (c) {
		case 'n': opt.messages = strtoul(optarg, NULL, 10); break;
		case 's': opt.size = strtoul(optarg, NULL, 10); break;
		case 'Q': opt.no_query_time = true; break;
		case 't': opt.sink.threads = (unsigned)strtoul(optarg, NULL, 10); break;
		case 'r': opt.rate = strtoul(optarg, NULL, 10); break;
		case 'b': opt.burst = strtoul(optarg, NULL, 10); break;
		case 'S': opt.sleep = true; break;
		case 'R': opt.round = strtoul(optarg, NULL, 10); break;
		case 'q': opt.sink.queue_size = strtoul(optarg, NULL, 10); break;
		case 'w': opt.sink.notify = (unsigned)strtoul(optarg, NULL, 10); break;
		case 'c': opt.core = atoi(optarg); break;
		case 'l': opt.together = strtoul(optarg, NULL, 10); break;
		case 'g': opt.go = true; break;
		case 'u': opt.sink.socket = optarg; break;
		case 'e':
		case 'd': opt.mode = c; break;
		default: fputs(usage, stderr); exit(2);
		}
	}
	if ((opt.mode == 0 && opt.sink.socket == NULL) || opt.sink.threads == 0 || opt.burst == 0 || opt.size == 0 ||
	    opt.messages < opt.sink.threads || (opt.together != 0 && opt.burst % opt.together != 0)) {
		fputs(usage, stderr);
		exit(2);
	}
}

int main(int argc, char **argv)
{
	options(argc, argv);
	struct event event = make_event();

	switch (opt.mode) {
	case 'e': print_frame(&event); break;
	case 'd': run_decoder(&event); break;
	default: run_producers(&event);
	}
	return 0;
}
