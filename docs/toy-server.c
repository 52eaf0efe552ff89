/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A toy name server on UDP that refuses every query, and logs what it does.
 *   cc -std=c11 toy-server.c $(pkg-config --cflags --libs libdnstap) -o toy-server
 *   ./toy-server 5353 unix:/run/dnstap.sock
 */
#define _POSIX_C_SOURCE 200809L
#include <libdnstap.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/select.h>
#include <unistd.h>

static void stop(int signal)
{
	(void)signal;
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: %s PORT OUTPUT\n", argv[0]);
		return EXIT_FAILURE;
	}
	dnstap_options *options = dnstap_options_new();
	dnstap_options_set_version(options, "toy-server 1.0");
	dnstap_sink *sink = NULL;
	dnstap_result error = dnstap_options_set_output(options, argv[2]);
	if (error == DNSTAP_OK)
		sink = dnstap_sink_open(options, &error);
	if (sink == NULL) {
		fprintf(stderr, "toy-server: %s\n", dnstap_options_get_error(options));
		return EXIT_FAILURE;
	}
	dnstap_options_free(&options);
	dnstap_queue *queue = dnstap_queue_new(sink, &error); /* one for each thread */
	if (queue == NULL) {
		fprintf(stderr, "toy-server: %s\n", dnstap_strerror(error));
		return EXIT_FAILURE;
	}

	struct sockaddr_in client, server = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)atoi(argv[1])),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (bind(fd, (struct sockaddr *)&server, sizeof server) != 0) {
		perror("bind");
		return EXIT_FAILURE;
	}
	int events = dnstap_sink_get_event_fd(sink); /* readable while events are pending */
	sigset_t termination, none;
	sigemptyset(&none);
	sigemptyset(&termination);
	sigaddset(&termination, SIGTERM);
	sigprocmask(SIG_BLOCK, &termination, NULL); /* except in pselect() */
	sigaction(SIGTERM, &(struct sigaction){ .sa_handler = stop }, NULL);
	uint8_t wire[65535];
	for (;;) {
		fd_set readable;
		FD_ZERO(&readable);
		FD_SET(fd, &readable);
		FD_SET(events, &readable);
		if (pselect((fd > events ? fd : events) + 1, &readable, NULL, NULL, NULL, &none) < 0)
			break; /* a signal */
		dnstap_event event = DNSTAP_EVENT_INIT;
		while (dnstap_sink_next_event(sink, &event) == DNSTAP_OK)
			fprintf(stderr, "dnstap: %s\n", event.text);
		if (!FD_ISSET(fd, &readable))
			continue;
		socklen_t size = sizeof client;
		ssize_t length = recvfrom(fd, wire, sizeof wire, 0, (struct sockaddr *)&client, &size);
		if (length < 12)
			continue;
		struct timespec now;
		clock_gettime(CLOCK_REALTIME, &now);
		dnstap_message message = {
			.size = sizeof message,
			.type = DNSTAP_MESSAGE_TYPE_CLIENT_QUERY,
			.socket_protocol = DNSTAP_SOCKET_PROTOCOL_UDP,
			.initiator = (struct sockaddr *)&client,
			.responder = (struct sockaddr *)&server,
			.query_time = dnstap_time_of(&now),
			.query = { wire, (size_t)length },
		};
		if (dnstap_enabled(queue, DNSTAP_MESSAGE_TYPE_CLIENT_QUERY))
			dnstap_log(queue, &message);

		wire[2] |= 0x80;                           /* QR: a response */
		wire[3] = (uint8_t)((wire[3] & 0x70) | 5); /* REFUSED */
		sendto(fd, wire, (size_t)length, 0, (struct sockaddr *)&client, size);
		if (dnstap_enabled(queue, DNSTAP_MESSAGE_TYPE_CLIENT_RESPONSE)) {
			message.type = DNSTAP_MESSAGE_TYPE_CLIENT_RESPONSE;
			message.response = message.query;
			message.query = (dnstap_bytes){ 0 };
			clock_gettime(CLOCK_REALTIME, &now);
			message.response_time = dnstap_time_of(&now);
			dnstap_log(queue, &message);
		}
	}
	dnstap_queue_free(&queue);
	dnstap_stats stats = DNSTAP_STATS_INIT;
	dnstap_sink_close(&sink, &stats); /* sends the pending messages */
	printf("logged %llu, sent %llu\n", (unsigned long long)stats.logged, (unsigned long long)stats.sent);
}
