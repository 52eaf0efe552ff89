/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The accounts of a sink, and settings that change while it is open: each message is counted in exactly one place. */
#include "messages.h"
#include "sink.h"

#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { THREADS = 4, RING = 16384 };

#define GET(counter) __atomic_load_n(&(counter), __ATOMIC_SEQ_CST)
#define COUNT(counter) __atomic_add_fetch(&(counter), 1, __ATOMIC_SEQ_CST)

/* Counts of calls by their result. A call is begun, then logs, then is done. */
struct counts {
	uint64_t begun;
	uint64_t done, ok, full, too_long, invalid, disabled, sampled_out, closed;
	uint64_t by_type[DNSTAP_MESSAGE_TYPE_COUNT];
	uint64_t other;
	int running; /* threads */
	int stop;
	uint32_t next_logger;
	uint64_t rounds; /* queues that each thread makes; 0 for no limit */
	uint32_t each;   /* maximum number of messages of a queue */
	dnstap_sink *sink;
	int only_good; /* all messages are valid, and of the same length */
};

/* Under valgrind one thread runs at a time: one that never waits would delay the others for long. */
static void give_way(void)
{
	if (under_valgrind())
		sched_yield();
}

static void note(struct counts *counts, uint32_t type, dnstap_result result)
{
	switch (result) {
	case DNSTAP_OK: COUNT(counts->ok); break;
	case DNSTAP_ERROR_FULL: COUNT(counts->full); break;
	case DNSTAP_ERROR_TOO_LONG: COUNT(counts->too_long); break;
	case DNSTAP_ERROR_TIME: COUNT(counts->invalid); break;
	case DNSTAP_DISABLED: COUNT(counts->disabled); break;
	case DNSTAP_SAMPLED_OUT: COUNT(counts->sampled_out); break;
	case DNSTAP_ERROR_CLOSED: COUNT(counts->closed); break;
	default: COUNT(counts->other); break;
	}
	if (result != DNSTAP_DISABLED && result != DNSTAP_SAMPLED_OUT && result != DNSTAP_ERROR_CLOSED)
		COUNT(counts->by_type[type]);
	COUNT(counts->done);
}

/* Makes and frees queues, and logs messages to each, some of them invalid or too long. */
static void *log_on(void *arg)
{
	struct counts *counts = arg;
	unsigned random = __atomic_add_fetch(&counts->next_logger, 1, __ATOMIC_SEQ_CST) * 2654435761u;

	for (uint64_t round = 0; counts->rounds == 0 || round < counts->rounds; round++) {
		struct message_id n = { __atomic_add_fetch(&counts->next_logger, 1, __ATOMIC_SEQ_CST) % LOGGERS, 0 };
		dnstap_queue *queue = dnstap_queue_new(counts->sink, NULL);

		for (; queue != NULL && n.seq < counts->each && !GET(counts->stop); n.seq++) {
			uint32_t type = 1 + n.seq % 14;
			dnstap_result result;

			random = random * 1103515245 + 12345;
			COUNT(counts->begun);
			if (!counts->only_good && random >> 16 & 1 && n.seq % 7 == 3) {
				dnstap_message m = example(type);

				m.query_time.nanoseconds = UINT32_MAX;
				result = dnstap_log(queue, &m);
			} else {
				size_t length = counts->only_good ? 100 : 12 + (random >> 16) % 500;

				if (!counts->only_good && n.seq % 100 == 0)
					length = RING;
				result = (n.seq % 3 ? log_with_id : log_frame_with_id)(queue, type, n, length);
			}
			note(counts, type, result);
			give_way();
		}
		dnstap_queue_free(&queue);
		if (GET(counts->stop))
			break;
	}
	__atomic_sub_fetch(&counts->running, 1, __ATOMIC_SEQ_CST);
	return NULL;
}

static void start_threads(struct counts *counts, dnstap_sink *sink, pthread_t threads[THREADS])
{
	counts->sink = sink;
	counts->running = THREADS;
	for (int i = 0; i < THREADS; i++)
		ASSERT(pthread_create(&threads[i], NULL, log_on, counts) == 0, "no thread");
}

static void join(pthread_t threads[THREADS])
{
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
}

static void never_less(const dnstap_stats *before, const dnstap_stats *s)
{
	ASSERT(s->logged >= before->logged && s->sent >= before->sent && s->dropped_full >= before->dropped_full &&
		       s->dropped_too_long >= before->dropped_too_long &&
		       s->dropped_invalid >= before->dropped_invalid && s->dropped_closed >= before->dropped_closed &&
		       s->bytes_sent >= before->bytes_sent && s->connects >= before->connects &&
		       s->disconnects >= before->disconnects,
	       "a counter went down");
}

static void between(const char *what, uint64_t min, uint64_t actual, uint64_t max)
{
	ASSERT(min <= actual && actual <= max, "%s is %llu, not from %llu to %llu", what, (unsigned long long)actual,
	       (unsigned long long)min, (unsigned long long)max);
}

/* The accounts lie between the calls that were done before they were read and those begun by then. */
static dnstap_stats look(const dnstap_sink *sink, struct counts *counts, const dnstap_stats *before)
{
	uint64_t full = GET(counts->full), too_long = GET(counts->too_long), invalid = GET(counts->invalid);
	uint64_t done = GET(counts->done);
	dnstap_stats s = stats_of(sink);
	uint64_t begun = GET(counts->begun);

	never_less(before, &s);
	between("logged", done, s.logged, begun);
	between("dropped_full", full, s.dropped_full, GET(counts->full) + THREADS);
	between("dropped_too_long", too_long, s.dropped_too_long, GET(counts->too_long) + THREADS);
	between("dropped_invalid", invalid, s.dropped_invalid, GET(counts->invalid) + THREADS);
	return s;
}

static void same_as_told(const dnstap_stats *s, const struct counts *counts)
{
	check_sums(s);
	ASSERT_EQ(counts->other, 0);
	ASSERT_EQ(s->logged, counts->ok + counts->full + counts->too_long + counts->invalid);
	ASSERT_EQ(s->dropped_full, counts->full);
	ASSERT_EQ(s->dropped_too_long, counts->too_long);
	ASSERT_EQ(s->dropped_invalid, counts->invalid);
	ASSERT_EQ(s->sampled_out, counts->sampled_out);
	for (int i = 0; i < DNSTAP_MESSAGE_TYPE_COUNT; i++)
		ASSERT_EQ(s->logged_by_type[i], counts->by_type[i]);
}

/* A receiver that stops reading until messages have been dropped. */
static void receive_slowly(struct receiver *r)
{
	int fd = accept_one(r->listening);

	ASSERT(receiver_handshake(r, fd, NULL), "no handshake");
	receiver_reach(r, 1);
	ASSERT(receiver_wait(r, 2), "nothing was dropped");
	tally_to_stop(r->arg, fd);
	close(fd);
}

static void at_every_moment(int rounds)
{
	static struct counts counts;
	dnstap_stats s = { .size = sizeof s }, before = { .size = sizeof before };
	struct tally *tally = new_tally();
	pthread_t threads[THREADS];
	unsigned looks = 0;
	struct receiver r;
	dnstap_sink *sink;

	counts.rounds = (uint64_t)rounds;
	counts.each = 500;
	receiver_start(&r, listen_unix("sock"), receive_slowly, tally);
	sink = open_sink(options_with_ring("unix:sock", RING));
	ASSERT(receiver_wait(&r, 1), "no connection");
	start_threads(&counts, sink, threads);
	while (GET(counts.running) > 0) {
		before = look(sink, &counts, &before);
		looks++;
		give_way();
		if (before.dropped_full > 100)
			receiver_reach(&r, 2);
	}
	join(threads);
	s = close_sink(&sink, TIMEOUT);
	receiver_finish(&r, stderr);
	never_less(&before, &s);
	same_as_told(&s, &counts);
	ASSERT_EQ(s.waiting, 0);
	ASSERT_EQ(s.dropped_closed, 0);
	ASSERT_EQ(s.sent, counts.ok);
	ASSERT_EQ(s.connects, 1);
	ASSERT_EQ(s.disconnects, 0);
	ASSERT_EQ(tally->messages, s.sent);
	ASSERT_EQ(tally->bytes, s.bytes_sent);
	ASSERT(looks > 100 && counts.full > 0 && counts.too_long > 0 && counts.invalid > 0, "read %u times, %llu full",
	       looks, (unsigned long long)counts.full);
	free_tally(tally);
}

/* Accepts a stream, and breaks it off twice. */
static void break_off(struct receiver *r)
{
	for (int i = 0; i < 2; i++) {
		int fd = accept_one(r->listening);

		ASSERT(receiver_handshake(r, fd, NULL), "no handshake");
		for (int frames = 0; frames < 1000 && tally_frame(r->arg, fd) == DATA; frames++)
			;
		close(fd);
	}
	receive(r);
}

/* Messages that a broken connection took with it count as sent; none arrives twice, and all other counts are exact. */
static void streams_that_break_off(void)
{
	static struct counts counts = { .each = 500 };
	dnstap_stats s = { .size = sizeof s }, before = { .size = sizeof before };
	struct tally *tally = new_tally();
	pthread_t threads[THREADS];
	struct receiver r;
	dnstap_sink *sink;

	receiver_start(&r, listen_unix("sock"), break_off, tally);
	/* Larger than the buffer of the socket, so that streams break in the middle of a write. */
	sink = open_sink(options_with_ring("unix:sock", 1 << 20));
	start_threads(&counts, sink, threads);
	while (before.connects < 3 || before.state != DNSTAP_STATE_CONNECTED) {
		before = look(sink, &counts, &before);
		give_way();
	}
	__atomic_store_n(&counts.stop, 1, __ATOMIC_SEQ_CST);
	join(threads);
	s = close_sink(&sink, TIMEOUT);
	receiver_finish(&r, stderr);
	same_as_told(&s, &counts);
	ASSERT_EQ(s.waiting, 0);
	ASSERT_EQ(s.dropped_closed, 0);
	ASSERT_EQ(s.connects, 3);
	ASSERT_EQ(s.disconnects, 2);
	ASSERT(tally->messages <= s.sent && tally->streams == 1, "%llu messages came, %llu were sent",
	       (unsigned long long)tally->messages, (unsigned long long)s.sent);
	free_tally(tally);
}

/* The sink is closed while threads log. The results of their calls are right, except for calls in progress. */
static void closing_under_load(void)
{
	static struct counts counts = { .rounds = 1, .each = UINT32_MAX, .only_good = 1 };
	dnstap_stats s = { .size = sizeof s };
	struct tally *tally = new_tally();
	pthread_t threads[THREADS];
	struct receiver r;
	dnstap_sink *sink;

	receiver_start(&r, listen_unix("sock"), receive, tally);
	sink = open_sink(options_with_ring("unix:sock", RING));
	start_threads(&counts, sink, threads);
	WAIT_UNTIL(GET(counts.ok) > (under_valgrind() ? 500 : 10000), DEADLINE, "the threads do not log");
	s = close_sink(&sink, TIMEOUT);
	WAIT_UNTIL(GET(counts.closed) > 100, DEADLINE, "the threads are not refused");
	__atomic_store_n(&counts.stop, 1, __ATOMIC_SEQ_CST);
	join(threads);
	receiver_finish(&r, stderr);
	check_sums(&s);
	/* A message that came too late is dropped, and does not stay pending. */
	ASSERT_EQ(s.waiting, 0);
	ASSERT_EQ(tally->messages, s.sent);
	/* A message that a full ring was refusing when the accounts were closed is among those dropped then. */
	between("ok and full", s.sent + s.dropped_closed + s.dropped_full, counts.ok + counts.full,
		s.sent + s.dropped_closed + s.dropped_full + THREADS);
	free_tally(tally);
}

/* If the receiver does not read, closing ends in time, and counts the messages that were not sent. */
static void never_read(struct receiver *r)
{
	int fd = accept_one(r->listening);

	ASSERT(receiver_handshake(r, fd, NULL), "no handshake");
	receiver_reach(r, 1);
	receiver_wait(r, 2);
	close(fd);
}

/* Returns how many seconds closing took. */
static double close_once(int milliseconds)
{
	dnstap_options *options = options_to("unix:sock");
	int listening = listen_unix("sock");
	dnstap_stats s = { .size = sizeof s };
	struct message_id n = { 0, 0 };
	dnstap_queue *queue;
	struct receiver r;
	dnstap_sink *sink;
	double took;

	receiver_start(&r, listening, never_read, NULL);
	dnstap_options_set_close_timeout(options, (unsigned)milliseconds);
	sink = open_sink(options);
	queue = dnstap_queue_new(sink, NULL);
	ASSERT(receiver_wait(&r, 1), "no connection");
	while (log_with_id(queue, DNSTAP_MESSAGE_TYPE_CLIENT_QUERY, n, 1000) == DNSTAP_OK)
		n.seq++;
	took = now();
	ASSERT(dnstap_sink_close(&sink, &s) == DNSTAP_OK, "close");
	took = now() - took;
	receiver_reach(&r, 2);
	receiver_finish(&r, stderr);
	close(listening);
	dnstap_queue_free(&queue);
	check_sums(&s);
	/* On a machine too slow for the thread to end in time, messages that it has not dropped yet are still pending. */
	ASSERT_EQ(s.sent + s.dropped_closed, n.seq);
	ASSERT_EQ(s.waiting, 0);
	ASSERT(s.dropped_closed > 0, "all was sent, although the receiver does not read");
	ASSERT(took > milliseconds / 1000.0 - 0.05, "the call returned after %.3f s", took);
	return took;
}

/* Half a second is promised. A machine may stall once, but not three times. */
static void closing_in_time(int milliseconds)
{
	double best = DEADLINE, limit = milliseconds / 1000.0 + (under_valgrind() ? 10 : 0.7);

	for (int i = 0; i < 3 && best > limit; i++) {
		double took = close_once(milliseconds);

		best = took < best ? took : best;
	}
	ASSERT(best < limit, "closing took %.3f s", best);
}

static void nobody_there(void)
{
	dnstap_sink *sink = open_sink(options_with_ring("unix:sock", RING));
	dnstap_queue *queue = dnstap_queue_new(sink, NULL);
	dnstap_stats s = { .size = sizeof s };
	struct tally *tally = new_tally();
	struct message_id n = { 7, 0 };
	struct receiver r;

	for (; n.seq < 50; n.seq++)
		ASSERT(log_with_id(queue, DNSTAP_MESSAGE_TYPE_CLIENT_QUERY, n, 12) == DNSTAP_OK, "message %u", n.seq);
	WAIT_FOR_STATS(sink, s, s.connect_failures > 1 && s.state == DNSTAP_STATE_DISCONNECTED);
	ASSERT_EQ(s.logged, 50);
	ASSERT_EQ(s.waiting, 50);
	ASSERT_EQ(s.connects, 0);
	ASSERT_EQ(s.bytes_sent, 0);
	receiver_start(&r, listen_unix("sock"), receive, tally);
	WAIT_FOR_STATS(sink, s, s.sent == 50);
	ASSERT_EQ(s.waiting, 0);
	ASSERT_EQ(s.connects, 1);
	ASSERT_EQ(s.state, DNSTAP_STATE_CONNECTED);
	/* Messages of an idle queue are sent after the flush interval at the latest. */
	ASSERT(log_with_id(queue, DNSTAP_MESSAGE_TYPE_CLIENT_QUERY, n, 12) == DNSTAP_OK, "message 50");
	WAIT_FOR_STATS(sink, s, s.sent == 51);
	dnstap_queue_free(&queue);
	close_sink(&sink, TIMEOUT);
	receiver_finish(&r, stderr);
	ASSERT_EQ(tally->messages, 51);
	ASSERT_EQ(tally->missing, 0);
	free_tally(tally);
}

/* A change takes effect from one message to the next. */
static void types_from_one_message_to_the_next(void)
{
	dnstap_sink *sink = open_sink(options_to("file:types.tap"));
	dnstap_queue *queues[2] = { dnstap_queue_new(sink, NULL), dnstap_queue_new(sink, NULL) };
	dnstap_stats s = { .size = sizeof s };
	struct tally *tally = new_tally();
	uint64_t wanted[DNSTAP_MESSAGE_TYPE_COUNT] = { 0 }, sum = 0;
	struct message_id n[2] = { { 0, 0 }, { 1, 0 } };

	for (uint32_t set = 0; set < DNSTAP_MESSAGE_TYPE_BIT(15); set += 2 * 37) {
		ASSERT(dnstap_sink_set_message_types(sink, set) == DNSTAP_OK, "message types %#x", set);
		for (int type = 1; type <= DNSTAP_MESSAGE_TYPE_UPDATE_RESPONSE; type++)
			for (int q = 0; q < 2; q++) {
				bool enabled = (set & DNSTAP_MESSAGE_TYPE_BIT(type)) != 0;
				dnstap_result result = log_with_id(queues[q], (uint32_t)type, n[q], 12);

				ASSERT(dnstap_enabled(queues[q], (uint32_t)type) == enabled,
				       "type %d of %#x is %senabled", type, set, enabled ? "not " : "");
				ASSERT(result == (enabled ? DNSTAP_OK : DNSTAP_DISABLED), "type %d of %#x: %s", type,
				       set, dnstap_strerror(result));
				n[q].seq += enabled;
				wanted[type] += enabled;
				sum += enabled;
			}
	}
	dnstap_queue_free(&queues[0]);
	dnstap_queue_free(&queues[1]);
	s = close_sink(&sink, TIMEOUT);
	ASSERT_EQ(s.sent, sum);
	ASSERT_EQ(tally_file(tally, "types.tap"), sum);
	ASSERT_EQ(tally->missing, 0);
	for (int type = 0; type < DNSTAP_MESSAGE_TYPE_COUNT; type++) {
		ASSERT_EQ(s.logged_by_type[type], wanted[type]);
		ASSERT_EQ(tally->by_type[type], wanted[type]);
	}
	free_tally(tally);
}

/* Types, identity, version and sample rate change continually while threads log. */
static void changes_under_load(void)
{
	static struct counts counts = { .each = 500, .only_good = 1 };
	dnstap_stats s = { .size = sizeof s }, before = { .size = sizeof before };
	struct tally *tally = new_tally();
	pthread_t threads[THREADS];
	struct receiver r;
	dnstap_sink *sink;
	unsigned changes = 0;

	counts.rounds = under_valgrind() ? 5 : 100;
	receiver_start(&r, listen_unix("sock"), receive, tally);
	sink = open_sink(options_with_ring("unix:sock", RING));
	start_threads(&counts, sink, threads);
	while (GET(counts.running) > 0) {
		char name[32];

		snprintf(name, sizeof name, "name %u", changes++);
		ASSERT(dnstap_sink_set_message_types(sink, changes * 37 * 2 & 0x7ffe) == DNSTAP_OK, "types");
		ASSERT(dnstap_sink_set_identity(sink, changes % 3 ? name : NULL) == DNSTAP_OK, "identity");
		ASSERT(dnstap_sink_set_version(sink, changes % 5 ? name : NULL) == DNSTAP_OK, "version");
		ASSERT(dnstap_sink_set_sample_rate(sink, changes % 7 ? 1 : 2) == DNSTAP_OK, "sample rate");
		s = stats_of(sink);
		never_less(&before, &s);
		before = s;
		give_way();
	}
	join(threads);
	s = close_sink(&sink, TIMEOUT);
	receiver_finish(&r, stderr);
	same_as_told(&s, &counts);
	ASSERT_EQ(s.sent, counts.ok);
	ASSERT_EQ(tally->messages, counts.ok);
	ASSERT(counts.disabled > 0 && counts.sampled_out > 0 && changes > 10,
	       "%llu messages were of other types, %llu not in the sample, in %u changes",
	       (unsigned long long)counts.disabled, (unsigned long long)counts.sampled_out, changes);
	free_tally(tally);
}

/* Checks that a field of the next event in a file is this text, or absent if NULL. */
static void has_text(const char *what, protobuf_c_boolean has, const ProtobufCBinaryData *is, const char *wanted)
{
	ASSERT(has == (wanted != NULL), "%s is %s", what, has ? "there" : "missing");
	ASSERT(!has || (is->len == strlen(wanted) && memcmp(is->data, wanted, is->len) == 0),
	       "%s is '%.*s' and not '%.40s'", what, (int)(is->len < 40 ? is->len : 40), (const char *)is->data,
	       wanted);
}

static void names_from_one_message_to_the_next(void)
{
	static char longest[65536];
	const struct {
		const char *identity, *version;
	} names[] = {
		{ "ns1", "1.0" },     { "ns2", "1.0" }, { "ns2", "2.0" }, { NULL, "2.0" },
		{ NULL, NULL },       { "", NULL },     { "", "" },       { longest, "" },
		{ longest, longest }, { "n", longest }, { "ns1", "1.0" },
	};
	enum { STEPS = sizeof names / sizeof names[0] };
	dnstap_options *options = options_to("unix:sock");
	dnstap_sink *sink;
	dnstap_queue *queue;
	int listening, fd;
	struct frame f;

	memset(longest, 'x', 65535);
	listening = listen_unix("sock");
	dnstap_options_set_identity(options, names[0].identity);
	dnstap_options_set_version(options, names[0].version);
	dnstap_options_set_unidirectional(options, true);
	dnstap_options_set_flush_interval(options, 1);
	sink = open_sink(options);
	queue = dnstap_queue_new(sink, NULL);
	fd = accept_one(listening);
	ASSERT(read_frame(fd, &f) == START, "no START");
	free_frame(&f);
	for (int i = 0; i < STEPS; i++) {
		dnstap_queue *new_queue;
		Dnstap__Dnstap *event;

		if (i > 0) {
			ASSERT(dnstap_sink_set_identity(sink, names[i].identity) == DNSTAP_OK, "identity");
			ASSERT(dnstap_sink_set_version(sink, names[i].version) == DNSTAP_OK, "version");
		}
		/* A queue from before the change, and a new one. */
		new_queue = dnstap_queue_new(sink, NULL);
		for (int q = 0; q < 2; q++) {
			ASSERT(log_with_id(q == 0 ? queue : new_queue, DNSTAP_MESSAGE_TYPE_CLIENT_QUERY,
					   (struct message_id){ 0, 0 }, 12) == DNSTAP_OK,
			       "log");
			ASSERT(read_frame(fd, &f) == DATA, "no message");
			event = unpack(f.data, f.len);
			has_text("identity", event->has_identity, &event->identity, names[i].identity);
			has_text("version", event->has_version, &event->version, names[i].version);
			free_event(event);
			free_frame(&f);
		}
		dnstap_queue_free(&new_queue);
	}
	dnstap_queue_free(&queue);
	close_sink(&sink, TIMEOUT);
	close(fd);
}

/* Returns the next frame of a reader. */
static Dnstap__Dnstap *next_event(dnstap_reader *reader)
{
	dnstap_bytes frame;

	ASSERT(dnstap_reader_next(reader, NULL, 0) == DNSTAP_OK && dnstap_reader_get_frame(reader, &frame) == DNSTAP_OK,
	       "read");
	return unpack(frame.data, frame.length);
}

/* A message has its own identity and version, or those of the sink, independently of the previous message. */
static void names_of_messages(int rate)
{
	static char longest[65536];
	static const char *const names[] = { NULL, "a relay's", "", longest };
	enum { NAMES = sizeof names / sizeof names[0] };
	dnstap_options *options = options_to("file:names.tap");
	dnstap_sink *sink;
	dnstap_queue *queue;
	dnstap_reader *reader;
	const int ids = 10 * rate;
	int logged = 0;

	memset(longest, 'x', 65535);
	dnstap_options_set_identity(options, "ns1");
	dnstap_options_set_version(options, "1.0");
	dnstap_options_set_sample_rate(options, (unsigned)rate);
	dnstap_options_set_queue_bytes(options, 16 << 20);
	sink = open_sink(options);
	queue = dnstap_queue_new(sink, NULL);
	for (int i = 0; i < 2 * NAMES * NAMES * ids; i++) {
		const char *identity = names[i / ids % NAMES], *version = names[i / ids / NAMES % NAMES];
		uint8_t query[12] = { (uint8_t)(i % ids >> 8), (uint8_t)(i % ids) };
		dnstap_message m = example(DNSTAP_MESSAGE_TYPE_CLIENT_QUERY);
		dnstap_result result;

		m.query = (dnstap_bytes){ query, sizeof query };
		if (identity != NULL)
			m.identity = (dnstap_bytes){ (const uint8_t *)identity, strlen(identity) };
		if (version != NULL)
			m.version = (dnstap_bytes){ (const uint8_t *)version, strlen(version) };
		if (i >= NAMES * NAMES * ids)
			m.extra = (dnstap_bytes){ (const uint8_t *)"note", 4 };
		result = dnstap_log(queue, &m);
		ASSERT(result == DNSTAP_OK || (rate > 1 && result == DNSTAP_SAMPLED_OUT), "message %d: %s", i,
		       dnstap_strerror(result));
		logged += result == DNSTAP_OK;
	}
	dnstap_queue_free(&queue);
	close_sink(&sink, TIMEOUT);
	/* All names are logged with the same message IDs, so each has equally many messages in the sample. */
	ASSERT(logged > 0 && logged % (2 * NAMES * NAMES) == 0, "%d messages were logged", logged);
	reader = dnstap_reader_open("names.tap", NULL);
	for (int i = 0; i < logged; i++) {
		int each = logged / (2 * NAMES * NAMES);
		const char *identity = names[i / each % NAMES], *version = names[i / each / NAMES % NAMES];
		bool noted = i >= logged / 2;
		Dnstap__Dnstap *event = next_event(reader);
		char extra[30] = "";

		if (rate > 1)
			snprintf(extra, sizeof extra, "sample=1/%d%s", rate, noted ? " " : "");
		if (noted)
			strcat(extra, "note");
		has_text("identity", event->has_identity, &event->identity, identity != NULL ? identity : "ns1");
		has_text("version", event->has_version, &event->version, version != NULL ? version : "1.0");
		has_text("extra", event->has_extra, &event->extra, *extra != '\0' ? extra : NULL);
		free_event(event);
	}
	dnstap_reader_close(&reader);
}

static void name_of_the_host(void)
{
	dnstap_sink *sink = open_sink(options_to("file:host.tap"));
	dnstap_queue *queue = dnstap_queue_new(sink, NULL);
	dnstap_message m = example(DNSTAP_MESSAGE_TYPE_CLIENT_QUERY);
	dnstap_reader *reader;
	Dnstap__Dnstap *event;
	char host[256] = "";

	ASSERT(gethostname(host, sizeof host - 1) == 0, "gethostname");
	ASSERT(dnstap_log(queue, &m) == DNSTAP_OK, "log");
	dnstap_queue_free(&queue);
	close_sink(&sink, TIMEOUT);
	reader = dnstap_reader_open("host.tap", NULL);
	event = next_event(reader);
	has_text("identity", event->has_identity, &event->identity, host);
	has_text("version", event->has_version, &event->version, NULL);
	free_event(event);
	dnstap_reader_close(&reader);
}

enum { IDS = 2000, PORTS = 10 };

/* Logs the query and the response of a transaction: both are in the sample or neither. Returns how many are. */
static int log_pair(dnstap_queue *queue, int family, unsigned port, unsigned id)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port) };
	dnstap_message query = example(DNSTAP_MESSAGE_TYPE_CLIENT_QUERY),
		       response = example(DNSTAP_MESSAGE_TYPE_CLIENT_RESPONSE);
	uint8_t wire[12] = { (uint8_t)(id >> 8), (uint8_t)id };
	dnstap_result results[2];

	in.sin_addr.s_addr = htonl(0xc0000200);
	in6.sin6_addr.s6_addr[15] = (uint8_t)family;
	query.initiator = family == AF_INET ? (const struct sockaddr *)&in : (const struct sockaddr *)&in6;
	query.responder = NULL;
	response.initiator = query.initiator;
	response.responder = NULL;
	query.query = response.response = (dnstap_bytes){ wire, sizeof wire };
	if (id % 2 == 0)
		response.query = query.query;
	/* No extra field, a tag, or an empty one. */
	if (port % 3 != 0)
		query.extra = (dnstap_bytes){ (const uint8_t *)"tag=7", port % 3 == 1 ? 5 : 0 };
	results[0] = dnstap_log(queue, &query);
	results[1] = dnstap_log(queue, &response);
	ASSERT(results[0] == results[1], "ID %u, port %u: the query: %s; the response: %s", id, port,
	       dnstap_strerror(results[0]), dnstap_strerror(results[1]));
	ASSERT(results[0] == DNSTAP_OK || results[0] == DNSTAP_SAMPLED_OUT, "%s", dnstap_strerror(results[0]));
	return results[0] == DNSTAP_OK ? 2 : 0;
}

static void sampling(int rate)
{
	dnstap_options *options = options_to("file:sample.tap");
	dnstap_stats s = { .size = sizeof s };
	uint64_t chosen = 0, all = 2 * 2 * PORTS * IDS, with_tag = 0, read = 0;
	char wanted[32], tagged[32];
	dnstap_reader *reader;
	dnstap_queue *queue;
	dnstap_message m;
	dnstap_sink *sink;
	double off;

	snprintf(wanted, sizeof wanted, "sample=1/%d", rate);
	snprintf(tagged, sizeof tagged, "sample=1/%d tag=7", rate);
	ASSERT(dnstap_options_set_sample_rate(options, (unsigned)rate) == DNSTAP_OK, "sample_rate");
	dnstap_options_set_queue_bytes(options, 64 << 20);
	sink = open_sink(options);
	queue = dnstap_queue_new(sink, NULL);
	for (unsigned port = 1; port <= PORTS; port++)
		for (unsigned id = 0; id < IDS; id++) {
			chosen += (uint64_t)log_pair(queue, AF_INET, port, id);
			chosen += (uint64_t)log_pair(queue, AF_INET6, port, id);
		}
	dnstap_queue_free(&queue);
	s = close_sink(&sink, TIMEOUT);
	ASSERT_EQ(s.sent, chosen);
	ASSERT_EQ(s.logged, chosen);
	ASSERT_EQ(s.sampled_out, all - chosen);
	/* Off by six standard deviations at most. */
	off = (double)chosen * rate / (double)all - 1;
	ASSERT(off * off < 36.0 * (rate - 1) / ((double)all / 2), "%llu of %llu messages", (unsigned long long)chosen,
	       (unsigned long long)all);

	reader = dnstap_reader_open("sample.tap", NULL);
	for (;; read++) {
		dnstap_bytes frame;
		Dnstap__Dnstap *event;

		m.size = sizeof m;
		if (dnstap_reader_next(reader, &m, 0) != DNSTAP_OK)
			break;
		ASSERT_EQ(m.sample_rate, (uint64_t)rate);
		ASSERT(dnstap_reader_get_frame(reader, &frame) == DNSTAP_OK, "get_frame");
		event = unpack(frame.data, frame.length);
		if (event->extra.len > strlen(wanted))
			with_tag++;
		has_text("extra", event->has_extra, &event->extra, event->extra.len > strlen(wanted) ? tagged : wanted);
		free_event(event);
	}
	dnstap_reader_close(&reader);
	ASSERT_EQ(read, chosen);
	ASSERT(with_tag > 0 && with_tag < chosen, "%llu of %llu with a tag", (unsigned long long)with_tag,
	       (unsigned long long)chosen);
}

/* One in N invalid messages is counted, too. */
static void sampling_invalid(int rate)
{
	enum { CALLS = 1000 };
	struct sockaddr other = { .sa_family = 0xffff };
	dnstap_options *options = options_to("file:invalid.tap");
	dnstap_message m = example(DNSTAP_MESSAGE_TYPE_CLIENT_QUERY);
	uint64_t invalid = 0;
	dnstap_queue *queue;
	dnstap_sink *sink;
	dnstap_stats s;

	ASSERT(dnstap_options_set_sample_rate(options, (unsigned)rate) == DNSTAP_OK, "sample_rate");
	sink = open_sink(options);
	queue = dnstap_queue_new(sink, NULL);
	m.initiator = &other;
	for (int i = 0; i < CALLS; i++) {
		dnstap_result result = dnstap_log(queue, &m);

		ASSERT(result == DNSTAP_ERROR_FAMILY || result == DNSTAP_SAMPLED_OUT, "%s", dnstap_strerror(result));
		invalid += result == DNSTAP_ERROR_FAMILY;
	}
	ASSERT_EQ(invalid, (uint64_t)(CALLS / rate));
	dnstap_queue_free(&queue);
	s = close_sink(&sink, TIMEOUT);
	ASSERT_EQ(s.logged, invalid);
	ASSERT_EQ(s.dropped_invalid, invalid);
	ASSERT_EQ(s.sampled_out, CALLS - invalid);
}

/* A change takes effect from one message to the next, for invalid messages too, and the other settings stay. */
static void rates_from_one_message_to_the_next(void)
{
	static const unsigned rates[] = { 1, 4, 1, 3, UINT_MAX, 4, 1 };
	enum { STEPS = sizeof rates / sizeof rates[0] };
	struct sockaddr other = { .sa_family = 0xffff };
	dnstap_options *options = options_to("file:rates.tap");
	dnstap_message invalid = example(DNSTAP_MESSAGE_TYPE_CLIENT_QUERY), m = { .size = sizeof m };
	uint64_t logged[STEPS] = { 0 }, refused = 0, all = 0, sum = 0;
	dnstap_queue *queues[2];
	dnstap_reader *reader;
	dnstap_sink *sink;
	dnstap_stats s;

	invalid.initiator = &other;
	dnstap_options_set_queue_bytes(options, 16 << 20);
	sink = open_sink(options);
	ASSERT(dnstap_sink_set_identity(sink, "ns7") == DNSTAP_OK, "identity");
	ASSERT(dnstap_sink_set_version(sink, "7.0") == DNSTAP_OK, "version");
	for (int q = 0; q < 2; q++)
		queues[q] = dnstap_queue_new(sink, NULL);
	for (int i = 0; i < STEPS; i++) {
		ASSERT(dnstap_sink_set_sample_rate(sink, rates[i]) == DNSTAP_OK, "sample rate");
		for (int q = 0; q < 2; q++) {
			uint64_t before = refused;

			/* The first messages after the change are invalid in one queue, and valid in the other. */
			for (unsigned n = 0; n < (q == 0 ? 120 : 0); n++)
				refused += dnstap_log(queues[q], &invalid) == DNSTAP_ERROR_FAMILY;
			between("invalid messages", 120 / rates[i] * (q == 0), refused - before,
				(120 / rates[i] + 1) * (q == 0));
			for (unsigned id = 0; id < 500; id++)
				logged[i] += (uint64_t)log_pair(queues[q], AF_INET, 3, id);
			all += 1000 + 120 * (q == 0);
		}
		if (rates[i] == 1)
			ASSERT_EQ(logged[i], 2000);
		else
			ASSERT(logged[i] < 2000, "nothing is sampled out with a rate of %u", rates[i]);
		sum += logged[i];
	}
	ASSERT_EQ(logged[1], logged[5]);
	ASSERT(logged[1] > 0 && logged[3] > 0, "no messages");
	for (int q = 0; q < 2; q++)
		dnstap_queue_free(&queues[q]);
	s = close_sink(&sink, TIMEOUT);
	check_sums(&s);
	ASSERT_EQ(s.sent, sum);
	ASSERT_EQ(s.dropped_invalid, refused);
	ASSERT_EQ(s.sampled_out, all - sum - refused);
	/* The queues are sent in any order. */
	reader = dnstap_reader_open("rates.tap", NULL);
	while (dnstap_reader_next(reader, &m, 0) == DNSTAP_OK) {
		int i = 0;

		while (i < STEPS && (rates[i] != m.sample_rate || logged[i] == 0))
			i++;
		ASSERT(i < STEPS, "a message with a rate of %u", m.sample_rate);
		logged[i]--;
		ASSERT(m.identity.length == 3 && memcmp(m.identity.data, "ns7", 3) == 0, "another identity");
		ASSERT(m.version.length == 3 && memcmp(m.version.data, "7.0", 3) == 0, "another version");
	}
	dnstap_reader_close(&reader);
	for (int i = 0; i < STEPS; i++)
		ASSERT_EQ(logged[i], 0);
}

/* Two sinks in one process are independent. */
static void two_sinks(void)
{
	dnstap_options *queries = options_to("file:queries.tap"), *responses = options_to("unix:sock");
	struct tally *tallies[2] = { new_tally(), new_tally() };
	dnstap_stats s = { .size = sizeof s };
	dnstap_queue *queues[2];
	dnstap_sink *sinks[2];
	struct receiver r;

	receiver_start(&r, listen_unix("sock"), receive, tallies[1]);
	dnstap_options_set_message_types(queries, DNSTAP_MESSAGE_TYPE_BIT(DNSTAP_MESSAGE_TYPE_CLIENT_QUERY));
	dnstap_options_set_message_types(responses, DNSTAP_MESSAGE_TYPE_BIT(DNSTAP_MESSAGE_TYPE_CLIENT_RESPONSE));
	sinks[0] = open_sink(queries);
	sinks[1] = open_sink(responses);
	for (int i = 0; i < 2; i++)
		queues[i] = dnstap_queue_new(sinks[i], NULL);
	for (uint32_t seq = 0; seq < 1000; seq++)
		for (int i = 0; i < 2; i++)
			for (uint32_t type = DNSTAP_MESSAGE_TYPE_CLIENT_QUERY;
			     type <= DNSTAP_MESSAGE_TYPE_CLIENT_RESPONSE; type++) {
				bool enabled = type == (i == 0 ? DNSTAP_MESSAGE_TYPE_CLIENT_QUERY
							       : DNSTAP_MESSAGE_TYPE_CLIENT_RESPONSE);

				ASSERT(log_with_id(queues[i], type, (struct message_id){ (uint32_t)i, seq }, 50) ==
					       (enabled ? DNSTAP_OK : DNSTAP_DISABLED),
				       "type %u to sink %d", type, i);
			}
	for (int i = 0; i < 2; i++) {
		dnstap_queue_free(&queues[i]);
		s = close_sink(&sinks[i], TIMEOUT);
		ASSERT_EQ(s.logged, 1000);
		ASSERT_EQ(s.sent, 1000);
		ASSERT_EQ(s.logged_by_type[i == 0 ? DNSTAP_MESSAGE_TYPE_CLIENT_QUERY
						  : DNSTAP_MESSAGE_TYPE_CLIENT_RESPONSE],
			  1000);
	}
	receiver_finish(&r, stderr);
	ASSERT_EQ(tally_file(tallies[0], "queries.tap"), 1000);
	ASSERT_EQ(tallies[0]->by_type[DNSTAP_MESSAGE_TYPE_CLIENT_QUERY], 1000);
	ASSERT_EQ(tallies[1]->by_type[DNSTAP_MESSAGE_TYPE_CLIENT_RESPONSE], 1000);
	ASSERT_EQ(tallies[0]->missing + tallies[1]->missing, 0);
	free_tally(tallies[0]);
	free_tally(tallies[1]);
}

int main(int argc, char **argv)
{
	const struct test_case cases[] = {
		CASE_WITH("accounts: exact at every moment, while queues come and go", at_every_moment,
			  under_valgrind() ? 5 : 300),
		CASE("accounts: exact while streams break off", streams_that_break_off),
		CASE("accounts: exact when the sink is closed under load", closing_under_load),
		CASE_WITH("closing in time if the receiver does not read: 0 ms", closing_in_time, 0),
		CASE_WITH("closing in time if the receiver does not read: 300 ms", closing_in_time, 300),
		CASE("accounts: without a receiver, then with one", nobody_there),
		CASE("message types change from one message to the next", types_from_one_message_to_the_next),
		CASE("types, names and sample rate change while threads log", changes_under_load),
		CASE("identity and version change from one message to the next", names_from_one_message_to_the_next),
		CASE_WITH("messages have their own identity and version", names_of_messages, 1),
		CASE_WITH("messages have their own identity and version when sampled", names_of_messages, 10),
		CASE("the default identity is the host name", name_of_the_host),
		CASE_WITH("sampling 1 in 2 keeps pairs together, and records the rate", sampling, 2),
		CASE_WITH("sampling 1 in 10 keeps pairs together, and records the rate", sampling, 10),
		CASE_WITH("sampling 1 in 10 counts 1 in 10 invalid messages", sampling_invalid, 10),
		CASE("the sample rate changes from one message to the next", rates_from_one_message_to_the_next),
		CASE("two sinks with different message types", two_sinks),
	};

	return RUN_CASES(argc, argv, cases);
}
