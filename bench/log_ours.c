/*
 * SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * A logging site with libdnstap.
 */
#include <libdnstap.h>

#include "log.h"
#include "timing.h"

#define WAIT_SECONDS 60

struct sink {
	dnstap_sink *sink;
};

struct queue {
	dnstap_queue *queue;
	struct sink *sink;
};

const void *const library_functions[] = { (const void *)dnstap_log, NULL };

static inline void fill(dnstap_message *message, const struct event *event)
{
	*message = (dnstap_message){
		.size = sizeof(*message),
		.type = DNSTAP_MESSAGE_TYPE_CLIENT_RESPONSE,
		.socket_protocol = DNSTAP_SOCKET_PROTOCOL_UDP,
		.initiator = (const struct sockaddr *)&event->client,
		.responder = (const struct sockaddr *)&event->server,
		.query_time = dnstap_time_of(&event->query_time),
		.response_time = dnstap_time_of(&event->response_time),
		.response = { event->wire, event->length },
	};
}

__attribute__((noinline)) bool log_site(struct queue *queue, const struct event *event)
{
	dnstap_message message;

	if (!dnstap_enabled(queue->queue, DNSTAP_MESSAGE_TYPE_CLIENT_RESPONSE))
		return false;
	fill(&message, event);
	dnstap_result result = dnstap_log(queue->queue, &message);
	if (result != DNSTAP_OK && result != DNSTAP_ERROR_FULL)
		die(dnstap_strerror(result));
	return result == DNSTAP_OK;
}

uint8_t *encode(const struct event *event, size_t *length)
{
	dnstap_message message;

	fill(&message, event);
	message.identity = (dnstap_bytes){ (const uint8_t *)IDENTITY, sizeof(IDENTITY) - 1 };
	message.version = (dnstap_bytes){ (const uint8_t *)VERSION, sizeof(VERSION) - 1 };
	size_t capacity = dnstap_encoded_size_max(&message);
	uint8_t *frame = malloc(capacity);
	if (frame == NULL || dnstap_encode(frame, capacity, length, &message) != DNSTAP_OK)
		die("the event cannot be encoded");
	return frame;
}

__attribute__((noinline)) size_t decode_site(const uint8_t *frame, size_t length)
{
	dnstap_message message;
	dnstap_storage storage;

	message.size = sizeof(message);
	storage.size = sizeof(storage);
	if (dnstap_decode(frame, length, &message, &storage) != DNSTAP_OK)
		die("an event cannot be decoded");
	return message.response.length;
}

void round_ends(struct queue *queue)
{
	(void)queue;
}

/* The library does not report sent messages, so this polls. */
void round_wait(struct queue *queue)
{
	dnstap_stats stats = DNSTAP_STATS_INIT;
	double end = seconds(CLOCK_MONOTONIC) + WAIT_SECONDS;

	do {
		nanosleep(&(struct timespec){ .tv_nsec = 100000 }, NULL);
		if (dnstap_sink_get_stats(queue->sink->sink, &stats) != DNSTAP_OK || seconds(CLOCK_MONOTONIC) > end)
			die("a round was not sent");
	} while (stats.waiting != 0);
}

struct sink *sink_open(const struct sink_options *options)
{
	dnstap_options *sink_options = dnstap_options_new();
	struct sink *sink = malloc(sizeof(*sink));
	char output[256];
	dnstap_result result;

	snprintf(output, sizeof(output), "unix:%s", options->socket);
	if (sink == NULL || dnstap_options_set_output(sink_options, output) != DNSTAP_OK ||
	    dnstap_options_set_identity(sink_options, IDENTITY) != DNSTAP_OK ||
	    dnstap_options_set_version(sink_options, VERSION) != DNSTAP_OK)
		die("an option was refused");
	if (options->queue_size != 0 && dnstap_options_set_queue_bytes(sink_options, options->queue_size) != DNSTAP_OK)
		die("the queue size was refused");
	sink->sink = dnstap_sink_open(sink_options, &result);
	if (sink->sink == NULL)
		die(dnstap_options_get_error(sink_options));
	dnstap_options_free(&sink_options);
	return sink;
}

struct queue *queue_open(struct sink *sink, unsigned thread)
{
	struct queue *queue = malloc(sizeof(*queue));

	(void)thread;
	if (queue == NULL || (queue->queue = dnstap_queue_new(sink->sink, NULL)) == NULL)
		die("no queue");
	queue->sink = sink;
	return queue;
}

void sink_close(struct sink *sink)
{
	dnstap_sink_close(&sink->sink, NULL);
	free(sink);
}
