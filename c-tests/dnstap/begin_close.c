/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Closing that begins without waiting: a program with several sinks stops within one deadline. */
#include "messages.h"
#include "sink.h"

#include <unistd.h>

enum {
	SINKS = 8,
	SHORT = 1000, /* milliseconds: a close timeout that expires */
	RING = 64 * 1024,
	QUERY = 1000, /* bytes */
	STREAMS_ARE_OPEN = 1,
	ALL_IS_CLOSED,
};

static const char SOCKET[] = "receiver.sock";
static const char OUTPUT[] = "unix:receiver.sock";

/* Seconds that a busy machine may add to all calls together; less than any other timeout. */
static const double SLACK = 3.0;

/* Opens a stream for each sink, and reads none of them. */
static void freeze(struct receiver *r)
{
	int streams[SINKS];

	for (int i = 0; i < SINKS; i++) {
		streams[i] = accept_one(r->listening);
		ASSERT(streams[i] >= 0 && receiver_handshake(r, streams[i], only_dnstap), "stream %d did not open", i);
	}
	receiver_reach(r, STREAMS_ARE_OPEN);
	receiver_wait(r, ALL_IS_CLOSED);
	for (int i = 0; i < SINKS; i++)
		close(streams[i]);
}

/* Never accepts a connection: the system completes them by itself. */
static void ignore(struct receiver *r)
{
	receiver_reach(r, STREAMS_ARE_OPEN);
	receiver_wait(r, ALL_IS_CLOSED);
}

/* Logs until the ring is full. */
static void fill(dnstap_queue *queue, uint32_t logger)
{
	uint32_t seq = 0;

	while (log_with_id(queue, DNSTAP_MESSAGE_TYPE_CLIENT_QUERY, (struct message_id){ logger, seq }, QUERY) ==
	       DNSTAP_OK)
		seq++;
	ASSERT(seq > 0, "nothing was logged");
}

static void frozen(int accepts)
{
	dnstap_sink *sinks[SINKS];
	dnstap_queue *queues[SINKS];
	struct receiver r;
	double began, took;

	receiver_start(&r, listen_unix(SOCKET), accepts ? freeze : ignore, NULL);
	for (int i = 0; i < SINKS; i++) {
		dnstap_options *options = options_with_ring(OUTPUT, RING);

		dnstap_options_set_close_timeout(options, SHORT);
		sinks[i] = open_sink(options);
		queues[i] = dnstap_queue_new(sinks[i], NULL);
	}
	ASSERT(receiver_wait(&r, STREAMS_ARE_OPEN), "the streams did not open");
	for (uint32_t i = 0; i < SINKS; i++)
		fill(queues[i], i);

	began = now();
	for (int i = 0; i < SINKS; i++) {
		ASSERT(dnstap_sink_begin_close(sinks[i]) == DNSTAP_OK, "begin_close");
		ASSERT(!dnstap_enabled(queues[i], DNSTAP_MESSAGE_TYPE_CLIENT_QUERY),
		       "enabled while the sink is closing");
		ASSERT(log_with_id(queues[i], DNSTAP_MESSAGE_TYPE_CLIENT_QUERY, (struct message_id){ 0, 0 }, QUERY) ==
			       DNSTAP_ERROR_CLOSED,
		       "a closing sink accepts messages");
	}
	took = now() - began;
	ASSERT(took < SHORT / 1e3, "beginning to close %d sinks took %.2f s", SINKS, took);
	for (int i = 0; i < SINKS; i++) {
		close_sink(&sinks[i], SHORT);
		dnstap_queue_free(&queues[i]);
	}
	took = now() - began;
	ASSERT(took >= SHORT / 1e3, "the close timeout was not used: %.2f s", took);
	ASSERT(took < SHORT / 1e3 + SLACK, "closing %d sinks took %.2f s, one timeout is %.2f s", SINKS, took,
	       SHORT / 1e3);
	receiver_reach(&r, ALL_IS_CLOSED);
	receiver_finish(&r, stdout);
}

static void in_the_background(void)
{
	enum { MESSAGES = 100 };
	dnstap_sink *sink = open_sink(options_with_ring("file:background.tap", RING));
	dnstap_queue *queue = dnstap_queue_new(sink, NULL);
	struct tally *came = new_tally();
	dnstap_stats s;

	for (uint32_t i = 0; i < MESSAGES; i++)
		ASSERT(log_with_id(queue, DNSTAP_MESSAGE_TYPE_CLIENT_QUERY, (struct message_id){ 0, i }, 100) ==
			       DNSTAP_OK,
		       "log");
	ASSERT(dnstap_sink_begin_close(sink) == DNSTAP_OK, "begin_close");
	ASSERT(dnstap_sink_begin_close(sink) == DNSTAP_OK, "begin_close again");
	ASSERT(dnstap_queue_new(sink, NULL) == NULL, "made a queue of a closing sink");
	/* From here on, only the thread of the sink is needed. */
	WAIT_FOR_STATS(sink, s, s.sent == MESSAGES && s.state == DNSTAP_STATE_CLOSING);
	s = close_sink(&sink, TIMEOUT);
	ASSERT_EQ(s.sent, MESSAGES);
	ASSERT_EQ(s.dropped_closed, 0);
	ASSERT_EQ(tally_file(came, "background.tap"), MESSAGES);
	dnstap_queue_free(&queue);
	free_tally(came);
}

static void in_a_child(void)
{
	dnstap_sink *sink = open_sink(options_with_ring("file:parent.tap", RING));
	dnstap_queue *queue = dnstap_queue_new(sink, NULL);
	dnstap_stats s;
	pid_t child;

	ASSERT(log_with_id(queue, DNSTAP_MESSAGE_TYPE_CLIENT_QUERY, (struct message_id){ 0, 0 }, 100) == DNSTAP_OK,
	       "log");
	child = fork();
	if (child == 0) {
		ASSERT(dnstap_sink_begin_close(sink) == DNSTAP_OK, "begin_close in the child");
		ASSERT(log_with_id(queue, DNSTAP_MESSAGE_TYPE_CLIENT_QUERY, (struct message_id){ 0, 1 }, 100) ==
			       DNSTAP_ERROR_CLOSED,
		       "a closing sink accepts messages in a child");
		close_sink(&sink, 0);
		_exit(0);
	}
	wait_for_child(child);
	ASSERT(log_with_id(queue, DNSTAP_MESSAGE_TYPE_CLIENT_QUERY, (struct message_id){ 0, 1 }, 100) == DNSTAP_OK,
	       "the child has closed the sink of its parent");
	s = close_sink(&sink, TIMEOUT);
	ASSERT_EQ(s.sent, 2);
	dnstap_queue_free(&queue);
}

/* Logs a message without a receiver, waits for failed attempts, and closes, possibly with a receiver from then on. */
static void without_stream(int has_receiver)
{
	dnstap_options *options = options_to(OUTPUT);
	dnstap_sink *sink;
	dnstap_queue *queue;
	dnstap_stats s;
	struct receiver r;
	double began, took;

	dnstap_options_set_reconnect_interval(options, 600000);
	sink = open_sink(options);
	queue = dnstap_queue_new(sink, NULL);
	ASSERT(log_with_id(queue, DNSTAP_MESSAGE_TYPE_CLIENT_QUERY, (struct message_id){ 0, 0 }, 100) == DNSTAP_OK,
	       "not logged");
	/* The next attempt is 1.6 seconds after the fifth. */
	WAIT_FOR_STATS(sink, s, s.connect_failures == 5);
	if (has_receiver)
		receiver_start(&r, listen_unix(SOCKET), receiver_play_one, NULL);
	began = now();
	s = close_sink(&sink, TIMEOUT);
	took = now() - began;
	dnstap_queue_free(&queue);
	ASSERT_EQ(s.sent, has_receiver);
	ASSERT_EQ(s.dropped_closed, !has_receiver);
	ASSERT(took < SLACK, "closing took %.1f s", took);
	if (has_receiver)
		receiver_finish(&r, stderr);
}

int main(int argc, char **argv)
{
	static const struct test_case cases[] = {
		CASE_WITH("sinks whose receiver stopped reading close within one timeout", frozen, 1),
		CASE_WITH("sinks whose receiver never answered close within one timeout", frozen, 0),
		CASE("a sink that is being closed sends pending messages by itself", in_the_background),
		CASE_WITH("closing without a receiver does not wait for one", without_stream, 0),
		CASE_WITH("closing makes one more attempt to connect", without_stream, 1),
		CASE("a child that begins to close leaves its parent's sink alone", in_a_child),
	};

	return RUN_CASES(argc, argv, cases);
}
