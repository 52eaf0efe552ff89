/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Flushing: earlier messages are sent when the call returns, or the call reports that they are not. */
#include "messages.h"
#include "sink.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { MESSAGES = 50, LENGTH = 100, SHORT = 200 };

static uint32_t seq;

static void log_some(dnstap_queue *queue, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		dnstap_result result =
			log_with_id(queue, DNSTAP_MESSAGE_TYPE_CLIENT_QUERY, (struct message_id){ 0, seq++ }, LENGTH);

		ASSERT(result == DNSTAP_OK, "message %u: %s", seq, dnstap_strerror(result));
	}
}

/* Opens a sink that sends only full batches by itself. */
static dnstap_sink *open_slow(const char *output)
{
	dnstap_options *options = options_to(output);

	ASSERT(dnstap_options_set_flush_interval(options, 60000) == DNSTAP_OK, "flush_interval");
	ASSERT(dnstap_options_set_reconnect_interval(options, 60000) == DNSTAP_OK, "reconnect_interval");
	return open_sink(options);
}

static void flush(dnstap_sink *sink)
{
	dnstap_result result = dnstap_sink_flush(sink, TIMEOUT);

	ASSERT(result == DNSTAP_OK, "not flushed: %s", dnstap_strerror(result));
}

static void expect_timeout(dnstap_sink *sink)
{
	double took = now();
	dnstap_result result = dnstap_sink_flush(sink, SHORT);

	took = now() - took;
	ASSERT(result == DNSTAP_TIMED_OUT, "flushed: %s", dnstap_strerror(result));
	ASSERT(took >= SHORT / 1e3 && took < SHORT / 1e3 + 2, "the limit of %.1f s took %.1f s", SHORT / 1e3, took);
}

/* All messages are in the file at once, and counted. */
static void to_a_file(int rounds)
{
	dnstap_sink *sink = open_slow("file:flushed.tap");
	dnstap_queue *queues[2];
	dnstap_stats s;

	ASSERT(dnstap_sink_flush(sink, 0) == DNSTAP_OK, "flushing without messages failed");
	for (int i = 0; i < 2; i++)
		queues[i] = dnstap_queue_new(sink, NULL);
	for (int round = 1; round <= rounds; round++) {
		struct tally *tally = new_tally();

		log_some(queues[round % 2], MESSAGES);
		/* Messages of a freed queue are sent like any others. */
		if (round % 5 == 0) {
			dnstap_queue_free(&queues[round % 2]);
			queues[round % 2] = dnstap_queue_new(sink, NULL);
		}
		flush(sink);
		s = stats_of(sink);
		ASSERT_EQ(s.sent, (uint64_t)round * MESSAGES);
		ASSERT_EQ(s.waiting, 0);
		ASSERT(tally_partial_file(tally, "flushed.tap") == END, "the stream has already ended");
		ASSERT_EQ(tally->messages, (uint64_t)round * MESSAGES);
		free_tally(tally);
	}
	for (int i = 0; i < 2; i++)
		dnstap_queue_free(&queues[i]);
	close_sink(&sink, TIMEOUT);
}

/* A program that exits without closing. */
static void then_exit(int in_child)
{
	struct tally *tally = new_tally();
	char path[40] = "exit.tap";
	dnstap_sink *sink = NULL;
	pid_t child;

	if (in_child)
		sink = open_slow("file:exit.tap");
	child = fork();
	if (child == 0) {
		dnstap_queue *queue;

		if (!in_child)
			sink = open_slow("file:exit.tap");
		queue = dnstap_queue_new(sink, NULL);
		log_some(queue, MESSAGES);
		flush(sink);
		exit(0);
	}
	wait_for_child(child);
	if (in_child)
		snprintf(path, sizeof path, "exit.tap.%ld", (long)child);
	ASSERT(tally_partial_file(tally, path) == END, "the stream has ended");
	ASSERT_EQ(tally->messages, MESSAGES);
}

/* Without a receiver, then with one: flushing does not wait for the next attempt. */
static void without_a_receiver(void)
{
	struct tally *tally = new_tally();
	dnstap_sink *sink = open_slow("unix:sock");
	dnstap_queue *queue = dnstap_queue_new(sink, NULL);
	struct receiver r;
	dnstap_stats s;

	log_some(queue, MESSAGES);
	/* Until the next attempt is far away. */
	WAIT_FOR_STATS(sink, s, s.connect_failures >= 4);
	expect_timeout(sink);
	s = stats_of(sink);
	ASSERT_EQ(s.waiting, MESSAGES);
	receiver_start(&r, listen_unix("sock"), receive, tally);
	flush(sink);
	ASSERT_EQ(stats_of(sink).sent, MESSAGES);
	dnstap_queue_free(&queue);
	close_sink(&sink, TIMEOUT);
	receiver_finish(&r, stderr);
	ASSERT_EQ(tally->messages, MESSAGES);
}

static void freeze(struct receiver *r)
{
	int fd = accept_one(r->listening);

	ASSERT(fd >= 0 && receiver_handshake(r, fd, only_dnstap), "no handshake");
	receiver_reach(r, 1);
	receiver_wait(r, 2);
	close(fd);
}

/* A receiver that has stopped reading. */
static void frozen(void)
{
	dnstap_options *options = options_with_ring("unix:sock", 1 << 20);
	dnstap_queue *queue;
	dnstap_sink *sink;
	struct receiver r;

	receiver_start(&r, listen_unix("sock"), freeze, NULL);
	dnstap_options_set_close_timeout(options, SHORT);
	sink = open_sink(options);
	queue = dnstap_queue_new(sink, NULL);
	ASSERT(receiver_wait(&r, 1), "no connection");
	for (uint32_t i = 0; i < 20000; i++)
		log_with_id(queue, DNSTAP_MESSAGE_TYPE_CLIENT_QUERY, (struct message_id){ 0, i }, LENGTH);
	expect_timeout(sink);
	ASSERT(dnstap_sink_flush(sink, 0) == DNSTAP_TIMED_OUT, "flushed");
	dnstap_queue_free(&queue);
	dnstap_sink_close(&sink, NULL);
	receiver_reach(&r, 2);
	receiver_finish(&r, stderr);
}

struct logger {
	dnstap_sink *sink;
	int stop;
};

static void *log_on(void *arg)
{
	struct logger *l = arg;
	dnstap_queue *queue = dnstap_queue_new(l->sink, NULL);

	for (uint32_t i = 0; !__atomic_load_n(&l->stop, __ATOMIC_ACQUIRE); i++)
		log_with_id(queue, DNSTAP_MESSAGE_TYPE_CLIENT_QUERY, (struct message_id){ 1, i }, LENGTH);
	dnstap_queue_free(&queue);
	return NULL;
}

/* Other threads log continually: the call waits only for earlier messages. */
static void while_others_log(int rounds)
{
	struct logger l = { open_slow("file:/dev/null"), 0 };
	dnstap_queue *queue = dnstap_queue_new(l.sink, NULL);
	pthread_t threads[2];
	dnstap_stats s;

	for (int i = 0; i < 2; i++)
		ASSERT(pthread_create(&threads[i], NULL, log_on, &l) == 0, "no thread");
	for (int round = 0; round < rounds; round++) {
		log_some(queue, MESSAGES);
		flush(l.sink);
	}
	__atomic_store_n(&l.stop, 1, __ATOMIC_RELEASE);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	flush(l.sink);
	s = stats_of(l.sink);
	ASSERT_EQ(s.waiting, 0);
	/* While it closes there is nothing to wait for. */
	ASSERT(dnstap_sink_begin_close(l.sink) == DNSTAP_OK, "begin_close");
	flush(l.sink);
	dnstap_queue_free(&queue);
	close_sink(&l.sink, TIMEOUT);
}

int main(int argc, char **argv)
{
	static const struct test_case cases[] = {
		CASE_WITH("flushed messages are in the file", to_a_file, 20),
		CASE_WITH("a program flushes, and exits without closing", then_exit, false),
		CASE_WITH("a child flushes, and exits without closing", then_exit, true),
		CASE("flushing without a receiver ends in time, and connects to one that has started",
		     without_a_receiver),
		CASE("flushing to a frozen receiver ends in time", frozen),
		CASE_WITH("flushing while others log", while_others_log, 100),
	};

	return RUN_CASES(argc, argv, cases);
}
