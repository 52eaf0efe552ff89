/*
 * SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * A producer: submits messages as a server does, one malloc each, to a receiver on a Unix socket, and prints one JSON
 * line about it. It is built once; LD_LIBRARY_PATH chooses the libfstrm it runs on, and the line has its path.
 */
#include <dlfcn.h>
#include <fstrm.h>
#include <getopt.h>
#include <semaphore.h>
#include <unistd.h>

#include "timing.h"

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
} opt = { .core = -1, .messages = 100000, .burst = 64, .size = 100, .threads = 1 };

struct producer {
	pthread_t thread;
	struct fstrm_iothr *iothr;
	struct fstrm_iothr_queue *queue;
	unsigned long messages, accepted;
	struct times times; /* of every accepted submit, with -l */
	double cpu;
	sem_t freed;
};

static void free_and_post(void *data, void *semaphore)
{
	free(data);
	sem_post(semaphore);
}

/* One message, as a server makes it. Not inlined, so that a profile shows it around fstrm_iothr_submit. */
static __attribute__((noinline)) bool submit_one(struct producer *p, bool last_of_round)
{
	uint8_t *data = malloc(opt.size);

	if (data == NULL)
		die("out of memory");
	memset(data, 0x5a, opt.size);
	void (*free_func)(void *, void *) = last_of_round ? free_and_post : fstrm_free_wrapper;
	bool timed = p->times.ticks != NULL;
	uint64_t before = timed ? ticks_now() : 0;
	fstrm_res result = fstrm_iothr_submit(p->iothr, p->queue, data, opt.size, free_func, &p->freed);
	uint64_t after = timed ? ticks_now() : 0;
	if (result == fstrm_res_success) {
		p->accepted++;
		if (timed)
			times_add(&p->times, after - before);
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
	pin(opt.core);
	struct pace pace = pace_start(opt.rate, opt.burst, false);

	for (unsigned long i = 0; i < p->messages; i++) {
		if (opt.rate != 0 && i % opt.burst == 0)
			pace_wait(&pace);
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
	if (opt.socket == NULL || opt.threads == 0 || opt.burst == 0 || opt.size == 0 || opt.messages < opt.threads) {
		fputs(usage, stderr);
		exit(2);
	}
}

int main(int argc, char **argv)
{
	options(argc, argv);

	struct producer *producers = calloc(opt.threads, sizeof(*producers));
	struct fstrm_iothr *iothr = open_iothr();
	unsigned long submitted = 0, accepted = 0;
	struct times times = { 0 };
	double producer_cpu = 0;

	for (unsigned i = 0; i < opt.threads; i++) {
		struct producer *p = &producers[i];
		p->iothr = iothr;
		p->queue = fstrm_iothr_get_input_queue_idx(iothr, opt.mpsc ? 0 : i);
		p->messages = opt.messages / opt.threads;
		sem_init(&p->freed, 0, 0);
		if (opt.latency)
			times_reserve(&p->times, p->messages);
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

	if (opt.latency)
		times_reserve(&times, opt.messages);
	for (unsigned i = 0; i < opt.threads; i++) {
		struct producer *p = &producers[i];
		submitted += p->messages;
		accepted += p->accepted;
		producer_cpu += p->cpu;
		for (size_t t = 0; t < p->times.count; t++)
			times_add(&times, p->times.ticks[t]);
	}
	Dl_info library = { .dli_fname = "?" };
	dladdr((void *)fstrm_iothr_submit, &library);
	printf("{\"libraries\": [\"%s\"], \"frame_bytes\": %zu, \"submitted\": %lu, \"accepted\": %lu, \"refused\": %lu, \"seconds\": %.6f, "
	       "\"ns_per_message\": %.1f, \"producer_cpu\": %.6f, \"writer_cpu\": %.6f",
	       library.dli_fname, opt.size, submitted, accepted, submitted - accepted, elapsed,
	       elapsed * 1e9 / (double)submitted, producer_cpu, process - producer_cpu - main_thread);
	print_times(&times, ns_per_tick, 1);
	puts("}");
	return 0;
}
