/*
 * SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * A producer: submits messages as a server does, one malloc each, to a receiver on a Unix socket, and prints one JSON
 * line about it. It is built once; LD_LIBRARY_PATH chooses the libfstrm it runs on, and the line says which one it was.
 */
#include <dlfcn.h>
#include <fstrm.h>
#include <getopt.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#if defined(__x86_64__)
#include <x86intrin.h>
#endif

static const char usage[] =
	"usage: submit [options] -u SOCKET\n"
	"  -n N     messages in all (100000)\n"
	"  -s N     payload bytes (100)\n"
	"  -t N     producing threads (1)\n"
	"  -m MODEL spsc: one queue a thread; mpsc: one queue for all (spsc)\n"
	"  -r N     messages a second and thread, 0 for as fast as possible (0)\n"
	"  -b N     messages a burst, when -r is given (64)\n"
	"  -R N     in rounds: after N messages wait until the writer thread has freed the last of them\n"
	"  -q N     input_queue_size\n"
	"  -w N     queue_notify_threshold\n"
	"  -c N     pin the producing threads to core N; the writer thread stays where submit was started\n"
	"  -l       time every submit: median and 99.9 %, of those accepted\n"
	"  -g       wait for a line on standard input before the first message\n";

static const char content_type[] = "protobuf:dnstap.Dnstap";

static struct {
	unsigned long messages, rate, burst, round;
	size_t size;
	unsigned threads, queue_size, notify;
	int core;
	bool mpsc, latency, go;
	const char *socket;
} opt = {.core = -1, .messages = 100000, .burst = 64, .size = 100, .threads = 1};

struct producer {
	pthread_t thread;
	struct fstrm_iothr *iothr;
	struct fstrm_iothr_queue *queue;
	unsigned long messages, accepted;
	uint32_t *ticks; /* of every accepted submit, with -l */
	double cpu;
	sem_t freed;
};

static double seconds(clockid_t clock)
{
	struct timespec t;
	clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static inline uint64_t ticks_now(void)
{
#if defined(__x86_64__)
	unsigned processor;
	return __rdtscp(&processor);
#else
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
#endif
}

static void die(const char *what)
{
	fprintf(stderr, "submit: %s\n", what);
	exit(1);
}

static void free_and_post(void *data, void *semaphore)
{
	free(data);
	sem_post(semaphore);
}

/* One message, as a server makes it. Not inlined: it is what a profile shows around fstrm_iothr_submit. */
static __attribute__((noinline)) bool submit_one(struct producer *p, bool last_of_round)
{
	uint8_t *data = malloc(opt.size);

	if (data == NULL)
		die("out of memory");
	memset(data, 0x5a, opt.size);
	void (*free_func)(void *, void *) = last_of_round ? free_and_post : fstrm_free_wrapper;
	uint64_t before = p->ticks != NULL ? ticks_now() : 0;
	fstrm_res result = fstrm_iothr_submit(p->iothr, p->queue, data, opt.size, free_func, &p->freed);
	if (p->ticks != NULL)
		p->ticks[p->accepted] = (uint32_t)(ticks_now() - before);
	if (result == fstrm_res_success) {
		p->accepted++;
		return true;
	}
	if (result != fstrm_res_again)
		die("fstrm_iothr_submit failed");
	free(data);
	return false;
}

static void *produce(void *argument)
{
	struct producer *p = argument;
	if (opt.core >= 0) {
		cpu_set_t set;
		CPU_ZERO(&set);
		CPU_SET(opt.core, &set);
		if (pthread_setaffinity_np(pthread_self(), sizeof(set), &set) != 0)
			die("cannot pin to that core");
	}
	double period = opt.rate != 0 ? (double)opt.burst / (double)opt.rate : 0, due = seconds(CLOCK_MONOTONIC), now;

	for (unsigned long i = 0; i < p->messages; i++) {
		/* Spins: a sleep is longer than the time between two bursts. A burst missed while the machine held this
		 * thread up is not caught up on: the queue shall see bursts of this size only. */
		if (opt.rate != 0 && i % opt.burst == 0) {
			while ((now = seconds(CLOCK_MONOTONIC)) < due)
				;
			due = now - due < period ? due + period : now + period;
		}
		bool last_of_round = opt.round != 0 && (i + 1) % opt.round == 0;
		if (submit_one(p, last_of_round) && last_of_round)
			while (sem_wait(&p->freed) != 0)
				;
	}
	p->cpu = seconds(CLOCK_THREAD_CPUTIME_ID);
	return NULL;
}

static struct fstrm_iothr *open_iothr(void)
{
	struct fstrm_unix_writer_options *unix_options = fstrm_unix_writer_options_init();
	struct fstrm_writer_options *writer_options = fstrm_writer_options_init();
	struct fstrm_iothr_options *options = fstrm_iothr_options_init();
	fstrm_res result = fstrm_res_success;

	fstrm_unix_writer_options_set_socket_path(unix_options, opt.socket);
	fstrm_writer_options_add_content_type(writer_options, content_type, sizeof(content_type) - 1);
	struct fstrm_writer *writer = fstrm_unix_writer_init(unix_options, writer_options);

	if (opt.mpsc)
		result = fstrm_iothr_options_set_queue_model(options, FSTRM_IOTHR_QUEUE_MODEL_MPSC);
	else
		result = fstrm_iothr_options_set_num_input_queues(options, opt.threads);
	if (result == fstrm_res_success && opt.queue_size != 0)
		result = fstrm_iothr_options_set_input_queue_size(options, opt.queue_size);
	if (result == fstrm_res_success && opt.notify != 0)
		result = fstrm_iothr_options_set_queue_notify_threshold(options, opt.notify);
	if (result != fstrm_res_success)
		die("a queue option was refused");

	struct fstrm_iothr *iothr = writer != NULL ? fstrm_iothr_init(options, &writer) : NULL;
	if (iothr == NULL)
		die("fstrm_iothr_init failed");
	fstrm_iothr_options_destroy(&options);
	fstrm_writer_options_destroy(&writer_options);
	fstrm_unix_writer_options_destroy(&unix_options);
	return iothr;
}

static void options(int argc, char **argv)
{
	for (int c; (c = getopt(argc, argv, "n:s:t:m:r:b:R:q:w:c:lgu:")) != -1;) {
		switch (c) {
		case 'n': opt.messages = strtoul(optarg, NULL, 10); break;
		case 's': opt.size = strtoul(optarg, NULL, 10); break;
		case 't': opt.threads = (unsigned)strtoul(optarg, NULL, 10); break;
		case 'm': opt.mpsc = strcmp(optarg, "mpsc") == 0; break;
		case 'r': opt.rate = strtoul(optarg, NULL, 10); break;
		case 'b': opt.burst = strtoul(optarg, NULL, 10); break;
		case 'R': opt.round = strtoul(optarg, NULL, 10); break;
		case 'q': opt.queue_size = (unsigned)strtoul(optarg, NULL, 10); break;
		case 'w': opt.notify = (unsigned)strtoul(optarg, NULL, 10); break;
		case 'c': opt.core = atoi(optarg); break;
		case 'l': opt.latency = true; break;
		case 'g': opt.go = true; break;
		case 'u': opt.socket = optarg; break;
		default: fputs(usage, stderr); exit(2);
		}
	}
	if (opt.socket == NULL || opt.threads == 0 || opt.burst == 0 || opt.size == 0 ||
	    opt.messages < opt.threads) {
		fputs(usage, stderr);
		exit(2);
	}
}

static int by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	return (x > y) - (x < y);
}

static void print_latency(struct producer *producers, unsigned long accepted, double ns_per_tick)
{
	uint32_t *all = malloc((accepted + 1) * sizeof(*all));
	size_t n = 0;
	uint32_t clock_alone = UINT32_MAX;

	if (all == NULL)
		die("out of memory");
	for (unsigned i = 0; i < opt.threads; i++) {
		memcpy(all + n, producers[i].ticks, producers[i].accepted * sizeof(*all));
		n += producers[i].accepted;
	}
	qsort(all, n, sizeof(*all), by_value);
	for (int i = 0; i < 1000; i++) {
		uint64_t before = ticks_now();
		uint32_t taken = (uint32_t)(ticks_now() - before);
		clock_alone = taken < clock_alone ? taken : clock_alone;
	}
	/* The clock's own time is in both figures; it is printed, not subtracted. */
	printf(", \"median_ns\": %.1f, \"p999_ns\": %.1f, \"max_ns\": %.0f, \"clock_ns\": %.1f", all[n / 2] * ns_per_tick,
	       all[n - 1 - n / 1000] * ns_per_tick, all[n - 1] * ns_per_tick, clock_alone * ns_per_tick);
	free(all);
}

int main(int argc, char **argv)
{
	options(argc, argv);

	struct producer *producers = calloc(opt.threads, sizeof(*producers));
	struct fstrm_iothr *iothr = open_iothr();
	unsigned long submitted = 0, accepted = 0;
	double producer_cpu = 0;

	for (unsigned i = 0; i < opt.threads; i++) {
		struct producer *p = &producers[i];
		p->iothr = iothr;
		p->queue = fstrm_iothr_get_input_queue_idx(iothr, opt.mpsc ? 0 : i);
		p->messages = opt.messages / opt.threads;
		sem_init(&p->freed, 0, 0);
		if (opt.latency) {
			size_t length = (p->messages + 1) * sizeof(*p->ticks);
			p->ticks = malloc(length);
			if (p->ticks == NULL)
				die("out of memory");
			memset(p->ticks, 0xff, length); /* page faults belong here, not into the run */
		}
	}
	if (opt.go && getchar() == EOF)
		die("no line on standard input");

	double begin = seconds(CLOCK_MONOTONIC), process = seconds(CLOCK_PROCESS_CPUTIME_ID);
	double main_thread = seconds(CLOCK_THREAD_CPUTIME_ID);
	uint64_t ticks = ticks_now();
	for (unsigned i = 0; i < opt.threads; i++)
		if (pthread_create(&producers[i].thread, NULL, produce, &producers[i]) != 0)
			die("pthread_create failed");
	for (unsigned i = 0; i < opt.threads; i++)
		pthread_join(producers[i].thread, NULL);
	double elapsed = seconds(CLOCK_MONOTONIC) - begin;
	double ns_per_tick = elapsed * 1e9 / (double)(ticks_now() - ticks);
	fstrm_iothr_destroy(&iothr);
	process = seconds(CLOCK_PROCESS_CPUTIME_ID) - process;
	main_thread = seconds(CLOCK_THREAD_CPUTIME_ID) - main_thread;

	for (unsigned i = 0; i < opt.threads; i++) {
		submitted += producers[i].messages;
		accepted += producers[i].accepted;
		producer_cpu += producers[i].cpu;
	}
	Dl_info library = {.dli_fname = "?"};
	dladdr((void *)fstrm_iothr_submit, &library);
	printf("{\"library\": \"%s\", \"submitted\": %lu, \"accepted\": %lu, \"refused\": %lu, \"seconds\": %.6f, "
	       "\"ns_per_message\": %.1f, \"producer_cpu\": %.6f, \"writer_cpu\": %.6f",
	       library.dli_fname, submitted, accepted, submitted - accepted, elapsed, elapsed * 1e9 / (double)submitted,
	       producer_cpu, process - producer_cpu - main_thread);
	if (opt.latency && accepted > 0)
		print_latency(producers, accepted, ns_per_tick);
	puts("}");
	return 0;
}
