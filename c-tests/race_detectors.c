/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Threads that log while another one changes the sink: a program without a race,
 * for race detectors. With the argument "race", the program has one itself.
 */
#include <libdnstap.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { THREADS = 3, QUEUES = 3, MESSAGES = 300, CHANGES = 30 };

static dnstap_sink *sink;
static bool races;
static volatile int raced, letters;

static void *log_some(void *unused)
{
	struct sockaddr_in client = { .sin_family = AF_INET, .sin_port = htons(53000) };
	uint8_t wire[100] = { 0 };

	(void)unused;
	for (int round = 0; round < QUEUES; round++) {
		dnstap_queue *queue = dnstap_queue_new(sink, NULL);

		for (int i = 0; i < MESSAGES; i++) {
			dnstap_message m = DNSTAP_MESSAGE_INIT;

			m.type = DNSTAP_MESSAGE_TYPE_CLIENT_QUERY;
			m.socket_protocol = DNSTAP_SOCKET_PROTOCOL_UDP;
			m.initiator = (struct sockaddr *)&client;
			m.query.data = wire;
			m.query.length = sizeof wire;
			if (dnstap_enabled(queue, DNSTAP_MESSAGE_TYPE_CLIENT_QUERY))
				(void)dnstap_log(queue, &m);
			memset(wire, i, sizeof wire);
			if (races)
				raced++;
		}
		dnstap_queue_free(&queue);
	}
	return NULL;
}

static void change(int i)
{
	struct timespec pause = { 0, 1000000 };
	dnstap_stats s = DNSTAP_STATS_INIT;
	dnstap_event event = DNSTAP_EVENT_INIT;
	char line[100];

	snprintf(line, sizeof line, "identity %d", i);
	(void)dnstap_sink_set_identity(sink, line);
	(void)dnstap_sink_set_sample_rate(sink, 1 + (unsigned)i % 3);
	(void)dnstap_sink_set_message_types(sink, i % 2 ? DNSTAP_ALL_MESSAGE_TYPES : 0);
	(void)dnstap_sink_get_stats(sink, &s);
	(void)dnstap_sink_get_error(sink, line, sizeof line);
	(void)dnstap_sink_get_event_fd(sink);
	/* Read byte by byte, because the tools check functions of the C library less closely. */
	while (dnstap_sink_next_event(sink, &event) == DNSTAP_OK)
		for (const char *at = event.text; *at != '\0'; at++)
			letters++;
	if (i % 10 == 0)
		(void)dnstap_sink_reopen(sink);
	if (i % 10 == 5)
		(void)dnstap_sink_flush(sink, 100);
	nanosleep(&pause, NULL);
}

int main(int argc, char **argv)
{
	dnstap_options *options = dnstap_options_new();
	dnstap_stats s = DNSTAP_STATS_INIT;
	pthread_t threads[THREADS];

	races = argc > 1 && strcmp(argv[1], "race") == 0;
	if (dnstap_options_set_output(options, "file:races.tap") != DNSTAP_OK ||
	    (sink = dnstap_sink_open(options, NULL)) == NULL) {
		printf("%s\n", dnstap_options_get_error(options));
		return EXIT_FAILURE;
	}
	dnstap_options_free(&options);
	for (int i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, log_some, NULL) != 0)
			return EXIT_FAILURE;
	for (int i = 0; i < CHANGES; i++)
		change(i);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	(void)dnstap_sink_close(&sink, &s);
	return s.sent > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
