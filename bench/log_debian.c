/*
 * SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Logging as in today's servers, BIND and Knot DNS alike: protobuf-c packs the event into a buffer of 256 bytes from malloc that
 * grows if need be, and libfstrm frees it when it is sent. Each thread has an SPSC queue, as in Knot DNS.
 */
#include <arpa/inet.h>
#include <fstrm.h>
#include <semaphore.h>
#include <stdlib.h>

#include "dnstap.pb-c.h"
#include "log.h"
#include "timing.h"

#define CONTENT_TYPE "protobuf:dnstap.Dnstap"
#define FIRST_SIZE 256

struct sink {
	struct fstrm_iothr *iothr;
};

struct queue {
	struct fstrm_iothr *iothr;
	struct fstrm_iothr_queue *queue;
	void (*free_func)(void *data, void *freed);
	sem_t freed;
};

const void *const library_functions[] = {
	(const void *)fstrm_iothr_submit,
	(const void *)protobuf_c_message_pack_to_buffer,
	NULL,
};

static void set_bytes(protobuf_c_boolean *has, ProtobufCBinaryData *field, const void *data, size_t length)
{
	*has = true;
	field->data = (uint8_t *)data;
	field->len = length;
}

static void set_address(protobuf_c_boolean *has, ProtobufCBinaryData *field, protobuf_c_boolean *has_port,
			uint32_t *port, const struct sockaddr_in *address)
{
	set_bytes(has, field, &address->sin_addr, sizeof(address->sin_addr));
	*has_port = true;
	*port = ntohs(address->sin_port);
}

static void set_time(protobuf_c_boolean *has_sec, uint64_t *sec, protobuf_c_boolean *has_nsec, uint32_t *nsec,
		     const struct timespec *time)
{
	*has_sec = *has_nsec = time->tv_sec != 0;
	*sec = (uint64_t)time->tv_sec;
	*nsec = (uint32_t)time->tv_nsec;
}

static inline uint8_t *pack(const struct event *event, size_t *length)
{
	Dnstap__Dnstap dnstap = DNSTAP__DNSTAP__INIT;
	Dnstap__Message message = DNSTAP__MESSAGE__INIT;

	dnstap.type = DNSTAP__DNSTAP__TYPE__MESSAGE;
	dnstap.message = &message;
	set_bytes(&dnstap.has_identity, &dnstap.identity, IDENTITY, sizeof(IDENTITY) - 1);
	set_bytes(&dnstap.has_version, &dnstap.version, VERSION, sizeof(VERSION) - 1);

	message.type = DNSTAP__MESSAGE__TYPE__CLIENT_RESPONSE;
	message.has_socket_family = message.has_socket_protocol = true;
	message.socket_family = DNSTAP__SOCKET_FAMILY__INET;
	message.socket_protocol = DNSTAP__SOCKET_PROTOCOL__UDP;
	set_address(&message.has_query_address, &message.query_address, &message.has_query_port, &message.query_port,
		    &event->client);
	set_address(&message.has_response_address, &message.response_address, &message.has_response_port,
		    &message.response_port, &event->server);
	set_time(&message.has_query_time_sec, &message.query_time_sec, &message.has_query_time_nsec,
		 &message.query_time_nsec, &event->query_time);
	set_time(&message.has_response_time_sec, &message.response_time_sec, &message.has_response_time_nsec,
		 &message.response_time_nsec, &event->response_time);
	set_bytes(&message.has_response_message, &message.response_message, event->wire, event->length);

	ProtobufCBufferSimple buffer = {
		.base.append = protobuf_c_buffer_simple_append,
		.alloced = FIRST_SIZE,
		.data = malloc(FIRST_SIZE),
		.must_free_data = true,
	};
	if (buffer.data == NULL)
		return NULL;
	*length = dnstap__dnstap__pack_to_buffer(&dnstap, &buffer.base);
	return buffer.data;
}

__attribute__((noinline)) bool log_site(struct queue *queue, const struct event *event)
{
	size_t length;
	uint8_t *frame = pack(event, &length);

	if (frame == NULL)
		die("out of memory");
	fstrm_res result =
		fstrm_iothr_submit(queue->iothr, queue->queue, frame, length, queue->free_func, &queue->freed);
	if (result == fstrm_res_success)
		return true;
	if (result != fstrm_res_again)
		die("fstrm_iothr_submit failed");
	free(frame);
	return false;
}

uint8_t *encode(const struct event *event, size_t *length)
{
	return pack(event, length);
}

__attribute__((noinline)) size_t decode_site(const uint8_t *frame, size_t length)
{
	Dnstap__Dnstap *dnstap = dnstap__dnstap__unpack(NULL, length, frame);

	if (dnstap == NULL || dnstap->message == NULL)
		die("an event cannot be decoded");
	size_t found = dnstap->message->response_message.len;
	dnstap__dnstap__free_unpacked(dnstap, NULL);
	return found;
}

static void free_and_post(void *data, void *freed)
{
	free(data);
	sem_post(freed);
}

void round_ends(struct queue *queue)
{
	queue->free_func = free_and_post;
}

void round_wait(struct queue *queue)
{
	while (sem_wait(&queue->freed) != 0)
		;
	queue->free_func = fstrm_free_wrapper;
}

struct sink *sink_open(const struct sink_options *options)
{
	struct fstrm_unix_writer_options *unix_options = fstrm_unix_writer_options_init();
	struct fstrm_writer_options *writer_options = fstrm_writer_options_init();
	struct fstrm_iothr_options *iothr_options = fstrm_iothr_options_init();

	fstrm_unix_writer_options_set_socket_path(unix_options, options->socket);
	fstrm_writer_options_add_content_type(writer_options, CONTENT_TYPE, sizeof(CONTENT_TYPE) - 1);
	struct fstrm_writer *writer = fstrm_unix_writer_init(unix_options, writer_options);

	fstrm_res result = fstrm_iothr_options_set_num_input_queues(iothr_options, options->threads);
	if (result == fstrm_res_success && options->queue_size != 0)
		result = fstrm_iothr_options_set_input_queue_size(iothr_options, (unsigned)options->queue_size);
	if (result == fstrm_res_success && options->notify != 0)
		result = fstrm_iothr_options_set_queue_notify_threshold(iothr_options, options->notify);
	if (result != fstrm_res_success)
		die("a queue option was refused");

	struct sink *sink = malloc(sizeof(*sink));
	if (sink == NULL || writer == NULL || (sink->iothr = fstrm_iothr_init(iothr_options, &writer)) == NULL)
		die("fstrm_iothr_init failed");
	fstrm_iothr_options_destroy(&iothr_options);
	fstrm_writer_options_destroy(&writer_options);
	fstrm_unix_writer_options_destroy(&unix_options);
	return sink;
}

struct queue *queue_open(struct sink *sink, unsigned thread)
{
	struct queue *queue = malloc(sizeof(*queue));

	if (queue == NULL)
		die("out of memory");
	queue->iothr = sink->iothr;
	queue->queue = fstrm_iothr_get_input_queue_idx(sink->iothr, thread);
	queue->free_func = fstrm_free_wrapper;
	sem_init(&queue->freed, 0, 0);
	return queue;
}

void sink_close(struct sink *sink)
{
	fstrm_iothr_destroy(&sink->iothr);
	free(sink);
}
