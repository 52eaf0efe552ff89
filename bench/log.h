/*
 * SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * A logging site as a server has it, once with protobuf-c and libfstrm (log_debian.c), once with libdnstap (log_ours.c).
 */
#ifndef LOG_H
#define LOG_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

/* 15 and 14 bytes. */
#define IDENTITY "bench.localhost"
#define VERSION "toy-server 1.0"

/* The data of a server that answers a client over UDP. */
struct event {
	struct sockaddr_in client, server;
	struct timespec query_time, response_time;
	const uint8_t *wire;
	size_t length;
};

struct sink_options {
	const char *socket;
	unsigned threads;
	size_t queue_size; /* messages with libfstrm, bytes with libdnstap; 0 for the default */
	unsigned notify;   /* queue_notify_threshold of libfstrm; 0 for the default */
};

struct sink;
struct queue;

/* One function of each library that is used, and NULL at the end. */
extern const void *const library_functions[];

/* None of these returns after an error. */
struct sink *sink_open(const struct sink_options *options);
struct queue *queue_open(struct sink *sink, unsigned thread);
void sink_close(struct sink *sink);

/* The logging site: logs CLIENT_RESPONSE with all that the event has. Returns whether there was room. */
bool log_site(struct queue *queue, const struct event *event);

/* To be called before the last message of a round, and after it: returns when the writer thread has sent it. */
void round_ends(struct queue *queue);
void round_wait(struct queue *queue);

/* Encodes the event as log_site does, into memory that the caller frees. */
uint8_t *encode(const struct event *event, size_t *length);

/* Decodes an event and lets it go. Returns the length of its DNS message. */
size_t decode_site(const uint8_t *frame, size_t length);

#endif
