/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The accounts of a sink, and what can be changed while it is open: each message is in exactly one place. */
#include "messages.h"
#include "sink.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { THREADS = 4, RING = 16384 };

#define GET(counter) __atomic_load_n(&(counter), __ATOMIC_SEQ_CST)
#define COUNT(counter) __atomic_add_fetch(&(counter), 1, __ATOMIC_SEQ_CST)

/* What the threads were told about their messages. A message is begun, then logged, then done. */
struct told {
	uint64_t begun;
	uint64_t done, ok, full, too_long, invalid, disabled, closed;
	uint64_t by_type[DNSTAP_MESSAGE_TYPE_COUNT];
	uint64_t other;
	int running;		/* threads */
	int stop;
	uint32_t next_who;
	uint64_t rounds;	/* queues that each thread makes; 0 for no end */
	uint32_t each;		/* messages that each queue gets at most */
	dnstap_sink *sink;
	int only_good;		/* messages that are valid, and as long as any other */
};

/* Under valgrind one thread runs at a time: who never waits would hold up the others for long. */
static void give_way(void)
{
	if (in_haste())
		sched_yield();
}

static void note(struct told *told, uint32_t type, dnstap_result result)
{
	switch (result) {
	case DNSTAP_OK: COUNT(told->ok); break;
	case DNSTAP_ERROR_FULL: COUNT(told->full); break;
	case DNSTAP_ERROR_TOO_LONG: COUNT(told->too_long); break;
	case DNSTAP_ERROR_TIME: COUNT(told->invalid); break;
	case DNSTAP_DISABLED: COUNT(told->disabled); break;
	case DNSTAP_ERROR_CLOSED: COUNT(told->closed); break;
	default: COUNT(told->other); break;
	}
	if (result != DNSTAP_DISABLED && result != DNSTAP_ERROR_CLOSED)
		COUNT(told->by_type[type]);
	COUNT(told->done);
}

/* Queues that come and go, each with some messages, of which some cannot be logged. */
static void *log_on(void *arg)
{
	struct told *told = arg;
	unsigned random = __atomic_add_fetch(&told->next_who, 1, __ATOMIC_SEQ_CST) * 2654435761u;

	for (uint64_t round = 0; told->rounds == 0 || round < told->rounds; round++) {
		struct number n = { __atomic_add_fetch(&told->next_who, 1, __ATOMIC_SEQ_CST) % WHO, 0 };
		dnstap_queue *queue = dnstap_queue_new(told->sink, NULL);

		for (; queue != NULL && n.seq < told->each && !GET(told->stop); n.seq++) {
			uint32_t type = 1 + n.seq % 14;
			dnstap_result result;

			random = random * 1103515245 + 12345;
			COUNT(told->begun);
			if (!told->only_good && random >> 16 & 1 && n.seq % 7 == 3) {
				dnstap_message m = example(type);

				m.query_time.nanoseconds = UINT32_MAX;
				result = dnstap_log(queue, &m);
			} else {
				size_t length = told->only_good ? 100 : 12 + (random >> 16) % 500;

				if (!told->only_good && n.seq % 100 == 0)
					length = RING;
				result = (n.seq % 3 ? log_number : log_number_frame)(queue, type, n, length);
			}
			note(told, type, result);
			give_way();
		}
		dnstap_queue_free(&queue);
		if (GET(told->stop))
			break;
	}
	__atomic_sub_fetch(&told->running, 1, __ATOMIC_SEQ_CST);
	return NULL;
}

static void start_threads(struct told *told, dnstap_sink *sink, pthread_t threads[THREADS])
{
	told->sink = sink;
	told->running = THREADS;
	for (int i = 0; i < THREADS; i++)
		NEED(pthread_create(&threads[i], NULL, log_on, told) == 0, "no thread");
}

static void join(pthread_t threads[THREADS])
{
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
}

static void never_less(const dnstap_stats *before, const dnstap_stats *s)
{
	NEED(s->logged >= before->logged && s->sent >= before->sent && s->dropped_full >= before->dropped_full &&
	     s->dropped_too_long >= before->dropped_too_long && s->dropped_invalid >= before->dropped_invalid &&
	     s->dropped_closed >= before->dropped_closed && s->bytes_sent >= before->bytes_sent &&
	     s->connects >= before->connects && s->disconnects >= before->disconnects, "an account went back");
}

static void between(const char *what, uint64_t least, uint64_t is, uint64_t most)
{
	NEED(least <= is && is <= most, "%s is %llu, not from %llu to %llu", what, (unsigned long long)is,
	     (unsigned long long)least, (unsigned long long)most);
}

/* The accounts lie between what was done before they were taken and what was begun by then. */
static dnstap_stats look(const dnstap_sink *sink, struct told *told, const dnstap_stats *before)
{
	uint64_t full = GET(told->full), too_long = GET(told->too_long), invalid = GET(told->invalid);
	uint64_t done = GET(told->done);
	dnstap_stats s = stats_of(sink);
	uint64_t begun = GET(told->begun);

	never_less(before, &s);
	between("logged", done, s.logged, begun);
	between("dropped_full", full, s.dropped_full, GET(told->full) + THREADS);
	between("dropped_too_long", too_long, s.dropped_too_long, GET(told->too_long) + THREADS);
	between("dropped_invalid", invalid, s.dropped_invalid, GET(told->invalid) + THREADS);
	return s;
}

static void same_as_told(const dnstap_stats *s, const struct told *told)
{
	check_sums(s);
	EXPECT(told->other, 0);
	EXPECT(s->logged, told->ok + told->full + told->too_long + told->invalid);
	EXPECT(s->dropped_full, told->full);
	EXPECT(s->dropped_too_long, told->too_long);
	EXPECT(s->dropped_invalid, told->invalid);
	EXPECT(s->sampled_out, 0);
	for (int i = 0; i < DNSTAP_MESSAGE_TYPE_COUNT; i++)
		EXPECT(s->logged_by_type[i], told->by_type[i]);
}

/* A receiver that reads on only when messages have been dropped meanwhile. */
static void receive_slowly(struct receiver *r)
{
	int fd = accept_one(r->listening);

	NEED(receiver_handshake(r, fd, NULL), "no handshake");
	receiver_reach(r, 1);
	NEED(receiver_wait(r, 2), "nothing was dropped");
	tally_to_stop(r->arg, fd);
	close(fd);
}

static void at_every_moment(int rounds)
{
	static struct told told;
	dnstap_stats s = { .size = sizeof s }, before = { .size = sizeof before };
	struct tally *tally = new_tally();
	pthread_t threads[THREADS];
	unsigned looks = 0;
	struct receiver r;
	dnstap_sink *sink;

	told.rounds = (uint64_t)rounds;
	told.each = 500;
	receiver_start(&r, listen_unix("sock"), receive_slowly, tally);
	sink = open_sink(options_with_ring("unix:sock", RING));
	NEED(receiver_wait(&r, 1), "no connection");
	start_threads(&told, sink, threads);
	while (GET(told.running) > 0) {
		before = look(sink, &told, &before);
		looks++;
		give_way();
		if (before.dropped_full > 100)
			receiver_reach(&r, 2);
	}
	join(threads);
	s = close_sink(&sink, TIMEOUT);
	receiver_finish(&r, stderr);
	never_less(&before, &s);
	same_as_told(&s, &told);
	EXPECT(s.waiting, 0);
	EXPECT(s.dropped_closed, 0);
	EXPECT(s.sent, told.ok);
	EXPECT(s.connects, 1);
	EXPECT(s.disconnects, 0);
	EXPECT(tally->messages, s.sent);
	EXPECT(tally->bytes, s.bytes_sent);
	NEED(looks > 100 && told.full > 0 && told.too_long > 0 && told.invalid > 0, "%u looks, %llu full", looks,
	     (unsigned long long)told.full);
	free_tally(tally);
}

/* Takes a stream, and breaks it off twice. */
static void break_off(struct receiver *r)
{
	for (int i = 0; i < 2; i++) {
		int fd = accept_one(r->listening);

		NEED(receiver_handshake(r, fd, NULL), "no handshake");
		for (int frames = 0; frames < 1000 && tally_frame(r->arg, fd) == DATA; frames++)
			;
		close(fd);
	}
	receive(r);
}

/* What the receiver took with it was sent, but nothing comes twice, and all else is exact. */
static void streams_that_break_off(int unused)
{
	static struct told told = { .each = 500 };
	dnstap_stats s = { .size = sizeof s }, before = { .size = sizeof before };
	struct tally *tally = new_tally();
	pthread_t threads[THREADS];
	struct receiver r;
	dnstap_sink *sink;

	(void)unused;
	receiver_start(&r, listen_unix("sock"), break_off, tally);
	/* Larger than what the socket holds, so that streams break in the middle of a write. */
	sink = open_sink(options_with_ring("unix:sock", 1 << 20));
	start_threads(&told, sink, threads);
	while (before.connects < 3 || before.state != DNSTAP_STATE_CONNECTED) {
		before = look(sink, &told, &before);
		give_way();
	}
	__atomic_store_n(&told.stop, 1, __ATOMIC_SEQ_CST);
	join(threads);
	s = close_sink(&sink, TIMEOUT);
	receiver_finish(&r, stderr);
	same_as_told(&s, &told);
	EXPECT(s.waiting, 0);
	EXPECT(s.dropped_closed, 0);
	EXPECT(s.connects, 3);
	EXPECT(s.disconnects, 2);
	NEED(tally->messages <= s.sent && tally->streams == 1, "%llu messages came, %llu were sent",
	     (unsigned long long)tally->messages, (unsigned long long)s.sent);
	free_tally(tally);
}

/* The sink is closed while threads log. What they were told is true, but for what is under way. */
static void closing_under_load(int unused)
{
	static struct told told = { .rounds = 1, .each = UINT32_MAX, .only_good = 1 };
	dnstap_stats s = { .size = sizeof s };
	struct tally *tally = new_tally();
	pthread_t threads[THREADS];
	struct receiver r;
	dnstap_sink *sink;

	(void)unused;
	receiver_start(&r, listen_unix("sock"), receive, tally);
	sink = open_sink(options_with_ring("unix:sock", RING));
	start_threads(&told, sink, threads);
	AWAIT(GET(told.ok) > (in_haste() ? 500 : 10000), DEADLINE, "the threads do not log");
	s = close_sink(&sink, TIMEOUT);
	AWAIT(GET(told.closed) > 100, DEADLINE, "the threads are not refused");
	__atomic_store_n(&told.stop, 1, __ATOMIC_SEQ_CST);
	join(threads);
	receiver_finish(&r, stderr);
	check_sums(&s);
	/* One that came too late is dropped, and does not wait for good. */
	EXPECT(s.waiting, 0);
	EXPECT(tally->messages, s.sent);
	/* One that was being refused for a full ring when the accounts were closed is among those dropped then. */
	between("ok and full", s.sent + s.dropped_closed + s.dropped_full, told.ok + told.full,
		s.sent + s.dropped_closed + s.dropped_full + THREADS);
	free_tally(tally);
}

/* Nobody reads: closing ends in time, and tells what was not sent. */
static void never_read(struct receiver *r)
{
	int fd = accept_one(r->listening);

	NEED(receiver_handshake(r, fd, NULL), "no handshake");
	receiver_reach(r, 1);
	receiver_wait(r, 2);
	close(fd);
}

/* Seconds that closing took. */
static double close_once(int milliseconds)
{
	dnstap_options *options = options_to("unix:sock");
	int listening = listen_unix("sock");
	dnstap_stats s = { .size = sizeof s };
	struct number n = { 0, 0 };
	dnstap_queue *queue;
	struct receiver r;
	dnstap_sink *sink;
	double took;

	receiver_start(&r, listening, never_read, NULL);
	dnstap_options_set_close_timeout(options, (unsigned)milliseconds);
	sink = open_sink(options);
	queue = dnstap_queue_new(sink, NULL);
	NEED(receiver_wait(&r, 1), "no connection");
	while (log_number(queue, DNSTAP_MESSAGE_TYPE_CLIENT_QUERY, n, 1000) == DNSTAP_OK)
		n.seq++;
	took = now();
	NEED(dnstap_sink_close(&sink, &s) == DNSTAP_OK, "close");
	took = now() - took;
	receiver_reach(&r, 2);
	receiver_finish(&r, stderr);
	close(listening);
	dnstap_queue_free(&queue);
	check_sums(&s);
	/* Where the machine is too slow for the thread to end in time, what it has not dropped yet still waits. */
	EXPECT(s.sent + s.dropped_closed, n.seq);
	EXPECT(s.waiting, 0);
	NEED(s.dropped_closed > 0, "all was sent to one who does not read");
	NEED(took > milliseconds / 1000.0 - 0.05, "it gave up after %.3f s", took);
	return took;
}

/* Half a second is promised. A machine that stands still for a moment does not do so three times. */
static void closing_in_time(int milliseconds)
{
	double best = DEADLINE, most = milliseconds / 1000.0 + (in_haste() ? 10 : 0.7);

	for (int i = 0; i < 3 && best > most; i++) {
		double took = close_once(milliseconds);

		best = took < best ? took : best;
	}
	NEED(best < most, "closing took %.3f s", best);
}

static void nobody_there(int unused)
{
	dnstap_sink *sink = open_sink(options_with_ring("unix:sock", RING));
	dnstap_queue *queue = dnstap_queue_new(sink, NULL);
	dnstap_stats s = { .size = sizeof s };
	struct tally *tally = new_tally();
	struct number n = { 7, 0 };
	struct receiver r;

	(void)unused;
	for (; n.seq < 50; n.seq++)
		NEED(log_number(queue, DNSTAP_MESSAGE_TYPE_CLIENT_QUERY, n, 12) == DNSTAP_OK, "message %u", n.seq);
	AWAIT_STATS(sink, s, s.connect_failures > 1 && s.state == DNSTAP_STATE_DISCONNECTED);
	EXPECT(s.logged, 50);
	EXPECT(s.waiting, 50);
	EXPECT(s.connects, 0);
	EXPECT(s.bytes_sent, 0);
	receiver_start(&r, listen_unix("sock"), receive, tally);
	AWAIT_STATS(sink, s, s.sent == 50);
	EXPECT(s.waiting, 0);
	EXPECT(s.connects, 1);
	EXPECT(s.state, DNSTAP_STATE_CONNECTED);
	/* An idle queue is sent from after the flush interval at the latest. */
	NEED(log_number(queue, DNSTAP_MESSAGE_TYPE_CLIENT_QUERY, n, 12) == DNSTAP_OK, "message 50");
	AWAIT_STATS(sink, s, s.sent == 51);
	dnstap_queue_free(&queue);
	close_sink(&sink, TIMEOUT);
	receiver_finish(&r, stderr);
	EXPECT(tally->messages, 51);
	EXPECT(tally->missing, 0);
	free_tally(tally);
}

/* From one message to the next. */
static void types_from_one_message_to_the_next(int unused)
{
	dnstap_sink *sink = open_sink(options_to("file:types.tap"));
	dnstap_queue *queues[2] = { dnstap_queue_new(sink, NULL), dnstap_queue_new(sink, NULL) };
	dnstap_stats s = { .size = sizeof s };
	struct tally *tally = new_tally();
	uint64_t wanted[DNSTAP_MESSAGE_TYPE_COUNT] = { 0 }, sum = 0;
	struct number n[2] = { { 0, 0 }, { 1, 0 } };

	(void)unused;
	for (uint32_t set = 0; set < DNSTAP_MESSAGE_TYPE_BIT(15); set += 2 * 37) {
		NEED(dnstap_sink_set_message_types(sink, set) == DNSTAP_OK, "message types %#x", set);
		for (int type = 1; type <= DNSTAP_MESSAGE_TYPE_UPDATE_RESPONSE; type++)
			for (int q = 0; q < 2; q++) {
				bool enabled = (set & DNSTAP_MESSAGE_TYPE_BIT(type)) != 0;
				dnstap_result result = log_number(queues[q], (uint32_t)type, n[q], 12);

				NEED(dnstap_enabled(queues[q], (uint32_t)type) == enabled,
				     "type %d of %#x is %senabled", type, set, enabled ? "not " : "");
				NEED(result == (enabled ? DNSTAP_OK : DNSTAP_DISABLED), "type %d of %#x: %s", type, set,
				     dnstap_strerror(result));
				n[q].seq += enabled;
				wanted[type] += enabled;
				sum += enabled;
			}
	}
	dnstap_queue_free(&queues[0]);
	dnstap_queue_free(&queues[1]);
	s = close_sink(&sink, TIMEOUT);
	EXPECT(s.sent, sum);
	EXPECT(tally_file(tally, "types.tap"), sum);
	EXPECT(tally->missing, 0);
	for (int type = 0; type < DNSTAP_MESSAGE_TYPE_COUNT; type++) {
		EXPECT(s.logged_by_type[type], wanted[type]);
		EXPECT(tally->by_type[type], wanted[type]);
	}
	free_tally(tally);
}

/* Types, identity and version change all the time, while threads log. */
static void changes_under_load(int unused)
{
	static struct told told = { .each = 500, .only_good = 1 };
	dnstap_stats s = { .size = sizeof s }, before = { .size = sizeof before };
	struct tally *tally = new_tally();
	pthread_t threads[THREADS];
	struct receiver r;
	dnstap_sink *sink;
	unsigned changes = 0;

	(void)unused;
	told.rounds = in_haste() ? 5 : 100;
	receiver_start(&r, listen_unix("sock"), receive, tally);
	sink = open_sink(options_with_ring("unix:sock", RING));
	start_threads(&told, sink, threads);
	while (GET(told.running) > 0) {
		char name[32];

		snprintf(name, sizeof name, "name %u", changes++);
		NEED(dnstap_sink_set_message_types(sink, changes * 37 * 2 & 0x7ffe) == DNSTAP_OK, "types");
		NEED(dnstap_sink_set_identity(sink, changes % 3 ? name : NULL) == DNSTAP_OK, "identity");
		NEED(dnstap_sink_set_version(sink, changes % 5 ? name : NULL) == DNSTAP_OK, "version");
		s = stats_of(sink);
		never_less(&before, &s);
		before = s;
		give_way();
	}
	join(threads);
	s = close_sink(&sink, TIMEOUT);
	receiver_finish(&r, stderr);
	same_as_told(&s, &told);
	EXPECT(s.sent, told.ok);
	EXPECT(tally->messages, told.ok);
	NEED(told.disabled > 0 && changes > 10, "%llu messages were of other types, in %u changes",
	     (unsigned long long)told.disabled, changes);
	free_tally(tally);
}

/* A field of the next event of a file is this text; NULL for none. */
static void has_text(const char *what, protobuf_c_boolean has, const ProtobufCBinaryData *is, const char *wanted)
{
	NEED(has == (wanted != NULL), "%s is %s", what, has ? "there" : "missing");
	NEED(!has || (is->len == strlen(wanted) && memcmp(is->data, wanted, is->len) == 0), "%s is '%.*s' and not '%.40s'",
	     what, (int)(is->len < 40 ? is->len : 40), (const char *)is->data, wanted);
}

static void names_from_one_message_to_the_next(int unused)
{
	static char longest[65536];
	const struct { const char *identity, *version; } names[] = {
		{ "ns1", "1.0" }, { "ns2", "1.0" }, { "ns2", "2.0" }, { NULL, "2.0" }, { NULL, NULL }, { "", NULL }, { "", "" },
		{ longest, "" }, { longest, longest }, { "n", longest }, { "ns1", "1.0" },
	};
	enum { STEPS = sizeof names / sizeof names[0] };
	dnstap_options *options = options_to("unix:sock");
	dnstap_sink *sink;
	dnstap_queue *queue;
	int listening, fd;
	struct frame f;

	(void)unused;
	memset(longest, 'x', 65535);
	listening = listen_unix("sock");
	dnstap_options_set_identity(options, names[0].identity);
	dnstap_options_set_version(options, names[0].version);
	dnstap_options_set_unidirectional(options, true);
	dnstap_options_set_flush_interval(options, 1);
	sink = open_sink(options);
	queue = dnstap_queue_new(sink, NULL);
	fd = accept_one(listening);
	NEED(read_frame(fd, &f) == START, "no START");
	free_frame(&f);
	for (int i = 0; i < STEPS; i++) {
		dnstap_queue *young;
		Dnstap__Dnstap *event;

		if (i > 0) {
			NEED(dnstap_sink_set_identity(sink, names[i].identity) == DNSTAP_OK, "identity");
			NEED(dnstap_sink_set_version(sink, names[i].version) == DNSTAP_OK, "version");
		}
		/* A queue that knew what was before, and one that never did. */
		young = dnstap_queue_new(sink, NULL);
		for (int q = 0; q < 2; q++) {
			NEED(log_number(q == 0 ? queue : young, DNSTAP_MESSAGE_TYPE_CLIENT_QUERY, (struct number){ 0, 0 }, 12) == DNSTAP_OK, "log");
			NEED(read_frame(fd, &f) == DATA, "no message");
			event = unpack(f.data, f.len);
			has_text("identity", event->has_identity, &event->identity, names[i].identity);
			has_text("version", event->has_version, &event->version, names[i].version);
			free_event(event);
			free_frame(&f);
		}
		dnstap_queue_free(&young);
	}
	dnstap_queue_free(&queue);
	close_sink(&sink, TIMEOUT);
	close(fd);
}

/* The next frame of a reader. */
static Dnstap__Dnstap *next_event(dnstap_reader *reader)
{
	dnstap_bytes frame;

	NEED(dnstap_reader_next(reader, NULL, 0) == DNSTAP_OK && dnstap_reader_get_frame(reader, &frame) == DNSTAP_OK, "read");
	return unpack(frame.data, frame.length);
}

/* A message has its own identity and version, or those of the sink, whatever the one before had. */
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
		NEED(result == DNSTAP_OK || (rate > 1 && result == DNSTAP_SAMPLED_OUT), "message %d: %s", i, dnstap_strerror(result));
		logged += result == DNSTAP_OK;
	}
	dnstap_queue_free(&queue);
	close_sink(&sink, TIMEOUT);
	/* The same message IDs come with all names, so each has as many messages in the sample. */
	NEED(logged > 0 && logged % (2 * NAMES * NAMES) == 0, "%d messages were logged", logged);
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

static void name_of_the_host(int unused)
{
	dnstap_sink *sink = open_sink(options_to("file:host.tap"));
	dnstap_queue *queue = dnstap_queue_new(sink, NULL);
	dnstap_message m = example(DNSTAP_MESSAGE_TYPE_CLIENT_QUERY);
	dnstap_reader *reader;
	Dnstap__Dnstap *event;
	char host[256] = "";

	(void)unused;
	NEED(gethostname(host, sizeof host - 1) == 0, "gethostname");
	NEED(dnstap_log(queue, &m) == DNSTAP_OK, "log");
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

/* A pair of messages of one transaction; both are logged or neither. Returns how many were. */
static int log_pair(dnstap_queue *queue, int family, unsigned port, unsigned id)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port) };
	dnstap_message query = example(DNSTAP_MESSAGE_TYPE_CLIENT_QUERY), response = example(DNSTAP_MESSAGE_TYPE_CLIENT_RESPONSE);
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
	/* None, a tag, or an empty one. */
	if (port % 3 != 0)
		query.extra = (dnstap_bytes){ (const uint8_t *)"tag=7", port % 3 == 1 ? 5 : 0 };
	results[0] = dnstap_log(queue, &query);
	results[1] = dnstap_log(queue, &response);
	NEED(results[0] == results[1], "ID %u, port %u: the query: %s; the response: %s", id, port,
	     dnstap_strerror(results[0]), dnstap_strerror(results[1]));
	NEED(results[0] == DNSTAP_OK || results[0] == DNSTAP_SAMPLED_OUT, "%s", dnstap_strerror(results[0]));
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
	NEED(dnstap_options_set_sample_rate(options, (unsigned)rate) == DNSTAP_OK, "sample_rate");
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
	EXPECT(s.sent, chosen);
	EXPECT(s.logged, chosen);
	EXPECT(s.sampled_out, all - chosen);
	/* Off by six standard deviations at most. */
	off = (double)chosen * rate / (double)all - 1;
	NEED(off * off < 36.0 * (rate - 1) / ((double)all / 2), "%llu of %llu messages", (unsigned long long)chosen,
	     (unsigned long long)all);

	reader = dnstap_reader_open("sample.tap", NULL);
	for (;; read++) {
		dnstap_bytes frame;
		Dnstap__Dnstap *event;

		m.size = sizeof m;
		if (dnstap_reader_next(reader, &m, 0) != DNSTAP_OK)
			break;
		EXPECT(m.sample_rate, (uint64_t)rate);
		NEED(dnstap_reader_get_frame(reader, &frame) == DNSTAP_OK, "get_frame");
		event = unpack(frame.data, frame.length);
		if (event->extra.len > strlen(wanted))
			with_tag++;
		has_text("extra", event->has_extra, &event->extra, event->extra.len > strlen(wanted) ? tagged : wanted);
		free_event(event);
	}
	dnstap_reader_close(&reader);
	EXPECT(read, chosen);
	NEED(with_tag > 0 && with_tag < chosen, "%llu of %llu with a tag", (unsigned long long)with_tag,
	     (unsigned long long)chosen);
}

/* Of the invalid messages, too, one in N counts. */
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

	NEED(dnstap_options_set_sample_rate(options, (unsigned)rate) == DNSTAP_OK, "sample_rate");
	sink = open_sink(options);
	queue = dnstap_queue_new(sink, NULL);
	m.initiator = &other;
	for (int i = 0; i < CALLS; i++) {
		dnstap_result result = dnstap_log(queue, &m);

		NEED(result == DNSTAP_ERROR_FAMILY || result == DNSTAP_SAMPLED_OUT, "%s", dnstap_strerror(result));
		invalid += result == DNSTAP_ERROR_FAMILY;
	}
	EXPECT(invalid, (uint64_t)(CALLS / rate));
	dnstap_queue_free(&queue);
	s = close_sink(&sink, TIMEOUT);
	EXPECT(s.logged, invalid);
	EXPECT(s.dropped_invalid, invalid);
	EXPECT(s.sampled_out, CALLS - invalid);
}

/* Two sinks in one process know nothing of each other. */
static void two_sinks(int unused)
{
	dnstap_options *queries = options_to("file:queries.tap"), *responses = options_to("unix:sock");
	struct tally *tallies[2] = { new_tally(), new_tally() };
	dnstap_stats s = { .size = sizeof s };
	dnstap_queue *queues[2];
	dnstap_sink *sinks[2];
	struct receiver r;

	(void)unused;
	receiver_start(&r, listen_unix("sock"), receive, tallies[1]);
	dnstap_options_set_message_types(queries, DNSTAP_MESSAGE_TYPE_BIT(DNSTAP_MESSAGE_TYPE_CLIENT_QUERY));
	dnstap_options_set_message_types(responses, DNSTAP_MESSAGE_TYPE_BIT(DNSTAP_MESSAGE_TYPE_CLIENT_RESPONSE));
	sinks[0] = open_sink(queries);
	sinks[1] = open_sink(responses);
	for (int i = 0; i < 2; i++)
		queues[i] = dnstap_queue_new(sinks[i], NULL);
	for (uint32_t seq = 0; seq < 1000; seq++)
		for (int i = 0; i < 2; i++)
			for (uint32_t type = DNSTAP_MESSAGE_TYPE_CLIENT_QUERY; type <= DNSTAP_MESSAGE_TYPE_CLIENT_RESPONSE; type++) {
				bool enabled = type == (i == 0 ? DNSTAP_MESSAGE_TYPE_CLIENT_QUERY : DNSTAP_MESSAGE_TYPE_CLIENT_RESPONSE);

				NEED(log_number(queues[i], type, (struct number){ (uint32_t)i, seq }, 50) ==
				     (enabled ? DNSTAP_OK : DNSTAP_DISABLED), "type %u to sink %d", type, i);
			}
	for (int i = 0; i < 2; i++) {
		dnstap_queue_free(&queues[i]);
		s = close_sink(&sinks[i], TIMEOUT);
		EXPECT(s.logged, 1000);
		EXPECT(s.sent, 1000);
		EXPECT(s.logged_by_type[i == 0 ? DNSTAP_MESSAGE_TYPE_CLIENT_QUERY : DNSTAP_MESSAGE_TYPE_CLIENT_RESPONSE], 1000);
	}
	receiver_finish(&r, stderr);
	EXPECT(tally_file(tallies[0], "queries.tap"), 1000);
	EXPECT(tallies[0]->by_type[DNSTAP_MESSAGE_TYPE_CLIENT_QUERY], 1000);
	EXPECT(tallies[1]->by_type[DNSTAP_MESSAGE_TYPE_CLIENT_RESPONSE], 1000);
	EXPECT(tallies[0]->missing + tallies[1]->missing, 0);
	free_tally(tallies[0]);
	free_tally(tallies[1]);
}

int main(int argc, char **argv)
{
	const struct fault cases[] = {
		{ "accounts: exact at every moment, while queues come and go", at_every_moment, in_haste() ? 5 : 300, 90, 0, NULL },
		{ "accounts: exact while streams break off", streams_that_break_off, 0, 90, 0, NULL },
		{ "accounts: exact when the sink is closed under load", closing_under_load, 0, 90, 0, NULL },
		{ "closing in time without a receiver that reads: 0 ms", closing_in_time, 0, 60, 0, NULL },
		{ "closing in time without a receiver that reads: 300 ms", closing_in_time, 300, 60, 0, NULL },
		{ "accounts: without a receiver, and with one later", nobody_there, 0, 60, 0, NULL },
		{ "message types change from one message to the next", types_from_one_message_to_the_next, 0, 60, 0, NULL },
		{ "types and names change while threads log", changes_under_load, 0, 90, 0, NULL },
		{ "identity and version change from one message to the next", names_from_one_message_to_the_next, 0, 60, 0, NULL },
		{ "messages have their own identity and version", names_of_messages, 1, 60, 0, NULL },
		{ "messages have their own identity and version in a sample", names_of_messages, 10, 60, 0, NULL },
		{ "identity is the name of the host by default", name_of_the_host, 0, 60, 0, NULL },
		{ "sampling 1 in 2 keeps pairs, and says so", sampling, 2, 90, 0, NULL },
		{ "sampling 1 in 10 keeps pairs, and says so", sampling, 10, 90, 0, NULL },
		{ "sampling 1 in 10 counts invalid messages likewise", sampling_invalid, 10, 60, 0, NULL },
		{ "two sinks with types of their own", two_sinks, 0, 60, 0, NULL },
	};

	return RUN(argc, argv, cases);
}
