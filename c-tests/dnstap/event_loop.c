/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Readers in an event loop, as in docs/integration.md: one thread reads from several senders, and never blocks. */
#include "messages.h"
#include "sink.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SENDERS = 3, MESSAGES = 2000, BUDGET = 16 };

static const char path[] = "loop.sock";

/* A thread that logs to its own sink. */
static void *send_messages(void *arg)
{
	uint32_t logger = *(const uint32_t *)arg;
	dnstap_sink *sink = open_sink(options_with_ring("unix:loop.sock", 1 << 20));
	dnstap_queue *queue = dnstap_queue_new(sink, NULL);

	for (uint32_t seq = 0; seq < MESSAGES; seq++) {
		/* Some are longer than the buffer of a reader. */
		size_t length = seq % 500 == 250 ? MAX_QUERY : MIN_QUERY + seq % 300;
		dnstap_result result;

		WAIT_UNTIL((result = log_with_id(queue, DNSTAP_MESSAGE_TYPE_CLIENT_QUERY,
						 (struct message_id){ logger, seq }, length)) != DNSTAP_ERROR_FULL,
			   DEADLINE, "the ring of sender %u stays full", (unsigned)logger);
		ASSERT(result == DNSTAP_OK, "log: %s", dnstap_strerror(result));
	}
	dnstap_queue_free(&queue);
	close_sink(&sink, TIMEOUT);
	return NULL;
}

struct connection {
	int fd;
	dnstap_reader *reader;
	bool has_more; /* in the reader, where poll() does not see it */
	bool is_over;
	int sender; /* -1 before the first message */
	uint32_t next;
};

static void take(struct connection *c, const dnstap_message *message)
{
	struct message_id id;

	ASSERT(get_id(message->query.data, message->query.length, &id), "a message is corrupt");
	if (c->sender < 0)
		c->sender = (int)id.logger;
	ASSERT((uint32_t)c->sender == id.logger, "messages of two senders in a stream");
	ASSERT(id.seq == c->next, "message %u instead of %u", (unsigned)id.seq, (unsigned)c->next);
	c->next++;
}

static void end(struct connection *c, dnstap_result result)
{
	ASSERT(result == DNSTAP_END, "the stream ends with '%s'", dnstap_reader_get_error(c->reader));
	dnstap_reader_close(&c->reader);
	close(c->fd);
	c->has_more = false;
	c->is_over = true;
}

/* Reads messages that have arrived, but not too many, so that other connections get their turn. */
static void read_some(struct connection *c)
{
	dnstap_message message = DNSTAP_MESSAGE_INIT;

	for (int i = 0; i < BUDGET; i++) {
		dnstap_result result = dnstap_reader_next(c->reader, &message, 0);

		if (result == DNSTAP_OK) {
			take(c, &message);
		} else if (result == DNSTAP_TIMED_OUT) {
			c->has_more = false;
			return;
		} else if (result != DNSTAP_ERROR_DECODE && result != DNSTAP_ERROR_FRAME_SIZE) {
			end(c, result);
			return;
		}
	}
	c->has_more = true;
}

static void in_a_loop(void)
{
	struct connection connections[SENDERS];
	struct pollfd polled[SENDERS];
	pthread_t threads[SENDERS];
	uint32_t numbers[SENDERS];
	int listening = listen_unix(path), over = 0;
	unsigned turns = 0;

	for (uint32_t i = 0; i < SENDERS; i++) {
		numbers[i] = i;
		ASSERT(pthread_create(&threads[i], NULL, send_messages, &numbers[i]) == 0, "no thread");
	}
	for (int i = 0; i < SENDERS; i++) {
		struct connection *c = &connections[i];

		*c = (struct connection){ .fd = accept_one(listening), .sender = -1 };
		ASSERT(c->fd >= 0 && (c->reader = dnstap_reader_open_fd(c->fd, NULL)) != NULL, "no connection");
	}
	while (over < SENDERS) {
		int timeout = TIMEOUT / 2, ready; /* before a sender gives up */

		for (int i = 0; i < SENDERS; i++) {
			/* poll() ignores negative descriptors. */
			polled[i] = (struct pollfd){ .fd = connections[i].is_over ? -1 : connections[i].fd,
						     .events = POLLIN };
			if (connections[i].has_more)
				timeout = 0;
		}
		ready = poll(polled, SENDERS, timeout);
		ASSERT(ready > 0 || (ready == 0 && timeout == 0),
		       "no more messages arrive: %u, %u and %u were received", (unsigned)connections[0].next,
		       (unsigned)connections[1].next, (unsigned)connections[2].next);
		for (int i = 0; i < SENDERS; i++) {
			if (connections[i].is_over || (polled[i].revents == 0 && !connections[i].has_more))
				continue;
			read_some(&connections[i]);
			over += connections[i].is_over;
		}
		turns++;
	}
	for (int i = 0; i < SENDERS; i++) {
		pthread_join(threads[i], NULL);
		ASSERT_EQ(connections[i].next, MESSAGES);
	}
	/* Each turn reads messages, or was woken by bytes: the loop does not spin. */
	ASSERT(turns < 2 * SENDERS * MESSAGES, "%u turns", turns);
	close(listening);
}

int main(int argc, char **argv)
{
	static const struct test_case cases[] = {
		CASE("readers in an event loop", in_a_loop),
	};

	return RUN_CASES(argc, argv, cases);
}
