/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Events of a sink: each change is reported once, in order, with its reason, and no dropped message is counted twice. */
#include "messages.h"
#include "sink.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	RING = 16 * 1024,
	WIDE_RING = 256 * 1024,
	QUERY = 1000,   /* bytes */
	KEPT = 64,      /* events that a sink keeps */
	NEVER = 600000, /* milliseconds: no event may depend on this timer */
	STREAM_IS_OPEN = 1,
	ALL_IS_SEEN,
};

static const char SOCKET[] = "tap.sock";
static const char OUTPUT[] = "unix:tap.sock";

/* Opens a sink whose timers only connect. */
static dnstap_sink *open_quiet(const char *output, size_t ring, unsigned close_timeout)
{
	dnstap_options *options = options_with_ring(output, ring);

	dnstap_options_set_flush_interval(options, NEVER);
	dnstap_options_set_reconnect_interval(options, 100);
	dnstap_options_set_close_timeout(options, close_timeout);
	return open_sink(options);
}

/* Waits for the descriptor, as an event loop does. */
static void await_readable(dnstap_sink *sink)
{
	struct pollfd p = { dnstap_sink_get_event_fd(sink), POLLIN, 0 };
	int ready = poll(&p, 1, DEADLINE * 1000);

	ASSERT(p.fd >= 0 && ready == 1 && p.revents == POLLIN, "no event came: %d, %x", ready, (unsigned)p.revents);
}

static int is_readable(dnstap_sink *sink)
{
	struct pollfd p = { dnstap_sink_get_event_fd(sink), POLLIN, 0 };

	ASSERT(p.fd >= 0, "no descriptor");
	return poll(&p, 1, 0) == 1;
}

/* Returns the next event, which must be of this kind. */
static dnstap_event next(dnstap_sink *sink, dnstap_event_kind kind)
{
	dnstap_event event = DNSTAP_EVENT_INIT;

	await_readable(sink);
	ASSERT(dnstap_sink_next_event(sink, &event) == DNSTAP_OK, "the descriptor is readable without an event");
	ASSERT(event.kind == (uint32_t)kind, "kind %u, not %d: %s", (unsigned)event.kind, (int)kind, event.text);
	ASSERT(event.time.seconds > 0 && event.time.nanoseconds < 1000000000, "no time");
	ASSERT(event.text != NULL && *event.text != '\0', "no text");
	return event;
}

static void nothing_more(dnstap_sink *sink)
{
	dnstap_event event = DNSTAP_EVENT_INIT;
	dnstap_result result = dnstap_sink_next_event(sink, &event);

	ASSERT(result == DNSTAP_END, "another event: %s", result == DNSTAP_OK ? event.text : dnstap_strerror(result));
	ASSERT(!is_readable(sink), "the descriptor is readable without an event");
}

/* Checks a text, except for a directory in front of a name at its beginning. */
static void expect_text(const dnstap_event *event, const char *text)
{
	size_t length = strlen(event->text), wanted = strlen(text);
	const char *end = event->text + (length < wanted ? 0 : length - wanted);

	ASSERT(strcmp(end, text) == 0 && (end == event->text || end[-1] == '/'), "\"%s\", not \"%s\"", event->text,
	       text);
}

/* Logs until this number of messages are dropped. */
static void drop_some(dnstap_queue *queue, uint32_t count)
{
	static uint32_t seq;

	for (uint32_t dropped = 0; dropped < count; seq++) {
		dnstap_result result =
			log_with_id(queue, DNSTAP_MESSAGE_TYPE_CLIENT_QUERY, (struct message_id){ 0, seq }, QUERY);

		ASSERT(result == DNSTAP_OK || result == DNSTAP_ERROR_FULL, "log: %s", dnstap_strerror(result));
		dropped += result == DNSTAP_ERROR_FULL;
	}
}

/* Accepts a stream, and reads none of it until the test has finished. */
static void stall(struct receiver *r)
{
	int stream = accept_one(r->listening);

	ASSERT(stream >= 0 && receiver_handshake(r, stream, only_dnstap), "the stream did not open");
	receiver_reach(r, STREAM_IS_OPEN);
	receiver_wait(r, ALL_IS_SEEN);
	ASSERT(read_to_end(stream), "the stream did not end");
	close(stream);
}

/* Accepts a stream, breaks it, and then serves another one. */
static void break_one(struct receiver *r)
{
	int stream = accept_one(r->listening);

	ASSERT(stream >= 0 && receiver_handshake(r, stream, only_dnstap), "the stream did not open");
	close(stream);
	receiver_play_one(r);
}

static void an_outage(void)
{
	dnstap_sink *sink = open_quiet(OUTPUT, RING, TIMEOUT);
	dnstap_queue *queue = dnstap_queue_new(sink, NULL);
	struct receiver r;
	dnstap_event event;
	dnstap_stats s;

	event = next(sink, DNSTAP_EVENT_KIND_CONNECT_FAILED);
	expect_text(&event, "tap.sock: connecting: No such file or directory");
	WAIT_FOR_STATS(sink, s, s.connect_failures >= 4);
	nothing_more(sink);

	drop_some(queue, 1);
	event = next(sink, DNSTAP_EVENT_KIND_DROPPING);
	expect_text(&event, "dropping messages: queue full");
	ASSERT_EQ(event.count, 1);
	drop_some(queue, 99);
	nothing_more(sink);

	receiver_start(&r, listen_unix(SOCKET), break_one, NULL);
	event = next(sink, DNSTAP_EVENT_KIND_CONNECTED);
	expect_text(&event, "tap.sock: connected");
	event = next(sink, DNSTAP_EVENT_KIND_DISCONNECTED);
	ASSERT(strstr(event.text, "/tap.sock: the stream broke: ") != NULL, "no reason: %s", event.text);
	next(sink, DNSTAP_EVENT_KIND_CONNECTED);
	expect_error(sink, "Z: /", "/tap.sock: the stream broke: ");

	event = next(sink, DNSTAP_EVENT_KIND_RECOVERED);
	ASSERT_EQ(event.count, 100);
	ASSERT(strstr(event.text, "; 100 lost in ") != NULL && strstr(event.text, " s: 100 queue full") != NULL,
	       "no account: %s", event.text);
	expect_error(sink, "Z: /", "/tap.sock: the stream broke: ");
	dnstap_queue_free(&queue);
	s = close_sink(&sink, TIMEOUT);
	ASSERT_EQ(s.dropped_full, 100);
	receiver_finish(&r, stderr);
}

/* Logs until the buffer of the socket is full and the writer thread waits for it. The ring still has room. */
static void block(dnstap_sink *sink, dnstap_queue *queue)
{
	enum { PENDING = WIDE_RING / QUERY / 2 };
	struct timespec pause = { 0, 1000000 };
	uint64_t sent = 0;
	uint32_t seq = 0;

	for (int same = 0; same < 100;) {
		dnstap_stats s = stats_of(sink);

		if (s.waiting < PENDING) {
			dnstap_result result = log_with_id(queue, DNSTAP_MESSAGE_TYPE_CLIENT_QUERY,
							   (struct message_id){ 0, seq++ }, QUERY);

			ASSERT(result == DNSTAP_OK, "log: %s", dnstap_strerror(result));
			continue;
		}
		same = s.sent == sent ? same + 1 : 0;
		sent = s.sent;
		nanosleep(&pause, NULL);
	}
}

/* The receiver does not read, and the close timeout is too short. */
static void a_stall(void)
{
	enum { DROPPED = 5 };
	struct receiver r;
	dnstap_sink *sink;
	dnstap_queue *queue;
	dnstap_event event;
	dnstap_stats s;
	double began;

	receiver_start(&r, listen_unix(SOCKET), stall, NULL);
	sink = open_quiet(OUTPUT, WIDE_RING, 100);
	queue = dnstap_queue_new(sink, NULL);
	ASSERT(receiver_wait(&r, STREAM_IS_OPEN), "no stream");
	next(sink, DNSTAP_EVENT_KIND_CONNECTED);
	block(sink, queue);
	nothing_more(sink);
	drop_some(queue, 1);
	began = now();
	next(sink, DNSTAP_EVENT_KIND_DROPPING);
	ASSERT(now() - began < 5, "a drop was reported after %.1f s", now() - began);
	drop_some(queue, DROPPED - 1);
	ASSERT(dnstap_sink_begin_close(sink) == DNSTAP_OK, "begin_close");
	event = next(sink, DNSTAP_EVENT_KIND_CLOSED);
	s = stats_of(sink);
	ASSERT_EQ(s.waiting, 0);
	ASSERT_EQ(s.dropped_full, DROPPED);
	ASSERT(s.dropped_closed > 0, "all was sent");
	ASSERT_EQ(event.count, s.dropped_full + s.dropped_closed);
	ASSERT(strstr(event.text, "not sent before the close timeout") != NULL, "no account: %s", event.text);
	nothing_more(sink);
	receiver_reach(&r, ALL_IS_SEEN);
	dnstap_queue_free(&queue);
	close_sink(&sink, 100);
	receiver_finish(&r, stderr);
}

/* Logs a message that is too long for the ring. */
static void drop_long(dnstap_queue *queue)
{
	dnstap_result result = log_with_id(queue, DNSTAP_MESSAGE_TYPE_CLIENT_QUERY, (struct message_id){ 0, 0 }, 40000);

	ASSERT(result == DNSTAP_ERROR_TOO_LONG, "log: %s", dnstap_strerror(result));
}

/* Invalid and too long messages are counted independently of the receiver. */
static void other_reasons(void)
{
	dnstap_sink *sink = open_quiet("file:log.tap", RING, TIMEOUT);
	dnstap_queue *queue = dnstap_queue_new(sink, NULL);
	dnstap_message invalid = example(DNSTAP_MESSAGE_TYPE_CLIENT_QUERY);
	dnstap_event event;

	event = next(sink, DNSTAP_EVENT_KIND_CONNECTED);
	expect_text(&event, "log.tap: connected");
	invalid.query_time.seconds = -1;
	ASSERT(dnstap_log(queue, &invalid) == DNSTAP_ERROR_TIME, "an invalid time");
	event = next(sink, DNSTAP_EVENT_KIND_DROPPING);
	expect_text(&event, "dropping messages: invalid");
	drop_long(queue);
	drop_long(queue);
	event = next(sink, DNSTAP_EVENT_KIND_RECOVERED);
	ASSERT_EQ(event.count, 3);
	ASSERT(strstr(event.text, "2 too long, 1 invalid") != NULL, "no account: %s", event.text);
	nothing_more(sink);
	dnstap_queue_free(&queue);
	close_sink(&sink, TIMEOUT);
}

static void a_full_disk(void)
{
	struct rlimit limit;
	dnstap_sink *sink;
	dnstap_queue *queue;
	dnstap_event event;
	rlim_t before;
	dnstap_stats s;

	sink = open_quiet("file:log.tap", RING, TIMEOUT);
	queue = dnstap_queue_new(sink, NULL);
	next(sink, DNSTAP_EVENT_KIND_CONNECTED);
	ASSERT(getrlimit(RLIMIT_FSIZE, &limit) == 0, "getrlimit");
	before = limit.rlim_cur;
	limit.rlim_cur = 4096;
	ASSERT(setrlimit(RLIMIT_FSIZE, &limit) == 0, "setrlimit");
	for (uint32_t i = 0; i < 10; i++)
		log_with_id(queue, DNSTAP_MESSAGE_TYPE_CLIENT_QUERY, (struct message_id){ 0, i }, QUERY);
	ASSERT(dnstap_sink_flush(sink, 500) == DNSTAP_TIMED_OUT, "there was room");
	event = next(sink, DNSTAP_EVENT_KIND_WRITE_FAILED);
	expect_text(&event, "log.tap: writing: File too large");
	nothing_more(sink);
	limit.rlim_cur = before;
	ASSERT(setrlimit(RLIMIT_FSIZE, &limit) == 0, "setrlimit");
	WAIT_FOR_STATS(sink, s, s.sent == 10);
	nothing_more(sink);
	dnstap_queue_free(&queue);
	close_sink(&sink, TIMEOUT);
}

/* Renames the file and reopens it, so that each stream has one event. */
static void reopen(dnstap_sink *sink, uint64_t streams)
{
	dnstap_stats s;

	ASSERT(rename("log.tap", "old.tap") == 0, "rename: %s", strerror(errno));
	ASSERT(dnstap_sink_reopen(sink) == DNSTAP_OK, "reopen");
	WAIT_FOR_STATS(sink, s, s.connects == streams && s.state == DNSTAP_STATE_CONNECTED);
}

static void too_many_events(void)
{
	enum { MISSED = 5, ALL = KEPT + MISSED };
	dnstap_event event = DNSTAP_EVENT_INIT;
	dnstap_sink *sink = open_quiet("file:log.tap", RING, TIMEOUT);
	dnstap_stats s;

	WAIT_FOR_STATS(sink, s, s.connects == 1);
	for (uint64_t streams = 2; streams <= ALL; streams++)
		reopen(sink, streams);
	for (unsigned i = 0; i < KEPT; i++) {
		ASSERT(dnstap_sink_next_event(sink, &event) == DNSTAP_OK, "event %u is missing", i);
		ASSERT_EQ(event.missed, i == 0 ? MISSED : 0);
	}
	nothing_more(sink);
	reopen(sink, ALL + 1);
	event = next(sink, DNSTAP_EVENT_KIND_CONNECTED);
	ASSERT_EQ(event.missed, 0);
	close_sink(&sink, TIMEOUT);
}

/* A child has its own events and descriptor, and gets none of its parent's. */
static void a_fork(int asked_before)
{
	dnstap_sink *sink = open_quiet("file:log.tap", RING, TIMEOUT);
	dnstap_queue *queue = dnstap_queue_new(sink, NULL);
	struct stat status;
	dnstap_stats s;
	int fd = -1;
	pid_t child;

	if (asked_before)
		fd = dnstap_sink_get_event_fd(sink);
	WAIT_FOR_STATS(sink, s, s.connects == 1);
	fflush(stdout);
	child = fork();
	ASSERT(child >= 0, "fork: %s", strerror(errno));
	if (child == 0) {
		alarm(DEADLINE);
		ASSERT(!asked_before || fstat(fd, &status) != 0, "the descriptor is open in the child");
		nothing_more(sink);
		ASSERT(log_with_id(queue, DNSTAP_MESSAGE_TYPE_CLIENT_QUERY, (struct message_id){ 1, 0 }, QUERY) ==
			       DNSTAP_OK,
		       "log in the child");
		next(sink, DNSTAP_EVENT_KIND_CONNECTED);
		drop_long(queue);
		next(sink, DNSTAP_EVENT_KIND_DROPPING);
		ASSERT(dnstap_sink_begin_close(sink) == DNSTAP_OK, "begin_close in the child");
		ASSERT_EQ(next(sink, DNSTAP_EVENT_KIND_CLOSED).count, 1);
		dnstap_queue_free(&queue);
		close_sink(&sink, TIMEOUT);
		_exit(0);
	}
	wait_for_child(child);
	ASSERT(!asked_before || dnstap_sink_get_event_fd(sink) == fd, "the parent has another descriptor");
	next(sink, DNSTAP_EVENT_KIND_CONNECTED);
	nothing_more(sink);
	dnstap_queue_free(&queue);
	close_sink(&sink, TIMEOUT);
}

/* A child that never logged, and so has no writer thread, still gets CLOSED, even if its parent is already closing. */
static void an_idle_child(int parent_closes)
{
	dnstap_sink *sink = open_quiet("file:log.tap", RING, TIMEOUT);
	pid_t child;

	next(sink, DNSTAP_EVENT_KIND_CONNECTED);
	if (parent_closes) {
		ASSERT(dnstap_sink_begin_close(sink) == DNSTAP_OK, "begin_close");
		next(sink, DNSTAP_EVENT_KIND_CLOSED);
	}
	fflush(stdout);
	child = fork();
	if (child == 0) {
		alarm(DEADLINE);
		for (int i = 0; i < 2; i++)
			ASSERT(dnstap_sink_begin_close(sink) == DNSTAP_OK, "begin_close in the child");
		ASSERT_EQ(next(sink, DNSTAP_EVENT_KIND_CLOSED).count, 0);
		nothing_more(sink);
		close_sink(&sink, TIMEOUT);
		_exit(0);
	}
	wait_for_child(child);
	nothing_more(sink);
	close_sink(&sink, TIMEOUT);
}

/* The same for a child that cannot start a thread because it is out of descriptors. */
static void a_child_without_descriptors(void)
{
	dnstap_sink *sink = open_quiet("file:log.tap", RING, TIMEOUT);
	dnstap_queue *queue = dnstap_queue_new(sink, NULL);
	struct rlimit limit;
	rlim_t before;
	pid_t child;

	next(sink, DNSTAP_EVENT_KIND_CONNECTED);
	fflush(stdout);
	child = fork();
	if (child == 0) {
		alarm(DEADLINE);
		ASSERT(getrlimit(RLIMIT_NOFILE, &limit) == 0, "getrlimit");
		before = limit.rlim_cur;
		limit.rlim_cur = 0;
		ASSERT(setrlimit(RLIMIT_NOFILE, &limit) == 0, "setrlimit");
		ASSERT(log_with_id(queue, DNSTAP_MESSAGE_TYPE_CLIENT_QUERY, (struct message_id){ 1, 0 }, QUERY) ==
			       DNSTAP_ERROR_CLOSED,
		       "a thread was started");
		limit.rlim_cur = before;
		ASSERT(setrlimit(RLIMIT_NOFILE, &limit) == 0, "setrlimit");
		ASSERT(dnstap_sink_begin_close(sink) == DNSTAP_OK, "begin_close in the child");
		ASSERT_EQ(next(sink, DNSTAP_EVENT_KIND_CLOSED).count, 1);
		nothing_more(sink);
		dnstap_queue_free(&queue);
		ASSERT_EQ(close_sink(&sink, TIMEOUT).dropped_closed, 1);
		_exit(0);
	}
	wait_for_child(child);
	nothing_more(sink);
	dnstap_queue_free(&queue);
	close_sink(&sink, TIMEOUT);
}

/* The program closes the descriptor and reuses its number: the sink does not write to it. */
static void closed_by_the_program(void)
{
	dnstap_sink *sink = open_quiet("file:log.tap", RING, TIMEOUT);
	int pipes[2], fd = dnstap_sink_get_event_fd(sink);
	struct pollfd p;

	next(sink, DNSTAP_EVENT_KIND_CONNECTED);
	/* dup2() is atomic: the writer thread cannot take the number in between. */
	ASSERT(fd >= 0 && pipe(pipes) == 0 && dup2(pipes[1], fd) == fd, "dup2: %s", strerror(errno));
	reopen(sink, 2);
	p = (struct pollfd){ pipes[0], POLLIN, 0 };
	ASSERT(poll(&p, 1, 0) == 0, "the sink writes to a descriptor of the program");
	ASSERT(dnstap_sink_get_event_fd(sink) != fd, "a descriptor of the program is returned");
	next(sink, DNSTAP_EVENT_KIND_CONNECTED);
	nothing_more(sink);
	close_sink(&sink, TIMEOUT);
	ASSERT(write(fd, "x", 1) == 1, "the sink has closed a descriptor of the program");
}

/* The events that a thread has retrieved. */
struct taker {
	dnstap_sink *sink;
	pthread_t thread;
	unsigned dropping, recovered;
	uint64_t lost;
	int closed;
};

static void *take_events(void *arg)
{
	struct taker *taker = arg;
	dnstap_event event = DNSTAP_EVENT_INIT;

	while (!taker->closed) {
		await_readable(taker->sink);
		while (dnstap_sink_next_event(taker->sink, &event) == DNSTAP_OK) {
			ASSERT_EQ(event.missed, 0);
			taker->dropping += event.kind == DNSTAP_EVENT_KIND_DROPPING;
			taker->recovered += event.kind == DNSTAP_EVENT_KIND_RECOVERED;
			taker->closed |= event.kind == DNSTAP_EVENT_KIND_CLOSED;
			if (event.kind != DNSTAP_EVENT_KIND_DROPPING)
				taker->lost += event.count;
		}
	}
	return NULL;
}

static void *drop_in_bursts(void *arg)
{
	/* Some of the bursts end when a series is about to end. */
	static const double pauses[] = { 2.0, 0.001, 1.0 };
	dnstap_queue *queue = dnstap_queue_new(arg, NULL);

	for (size_t i = 0; i < sizeof pauses / sizeof *pauses; i++) {
		double until = now() + pauses[i];
		struct timespec pause = { 0, 5000000 };

		for (int j = 0; j < 1000; j++)
			drop_long(queue);
		while (now() < until)
			nanosleep(&pause, NULL);
	}
	dnstap_queue_free(&queue);
	return NULL;
}

/* Threads drop messages while another one retrieves the events: the counts match the statistics. */
static void threads(void)
{
	enum { THREADS = 4 };
	struct taker taker = { .sink = open_quiet("file:log.tap", RING, TIMEOUT) };
	pthread_t droppers[THREADS];
	dnstap_stats s;

	ASSERT(pthread_create(&taker.thread, NULL, take_events, &taker) == 0, "no thread");
	for (int i = 0; i < THREADS; i++)
		ASSERT(pthread_create(&droppers[i], NULL, drop_in_bursts, taker.sink) == 0, "no thread");
	for (int i = 0; i < THREADS; i++)
		pthread_join(droppers[i], NULL);
	ASSERT(dnstap_sink_begin_close(taker.sink) == DNSTAP_OK, "begin_close");
	pthread_join(taker.thread, NULL);
	s = close_sink(&taker.sink, TIMEOUT);
	ASSERT_EQ(s.dropped_too_long, THREADS * 3 * 1000);
	ASSERT_EQ(taker.lost, s.dropped_too_long);
	ASSERT(taker.dropping >= 1 && taker.dropping <= 3, "%u series", taker.dropping);
	ASSERT(taker.dropping - taker.recovered <= 1, "%u DROPPING, %u RECOVERED", taker.dropping, taker.recovered);
}

/* A call that fails leaves the event pending. */
static void arguments(void)
{
	dnstap_sink *sink = open_quiet("file:log.tap", RING, TIMEOUT);
	dnstap_event event = DNSTAP_EVENT_INIT;
	dnstap_queue *queue;
	dnstap_result error;
	dnstap_stats s;

	WAIT_FOR_STATS(sink, s, s.connects == 1);
	ASSERT(dnstap_sink_next_event(sink, NULL) == DNSTAP_ERROR_NULL, "no event");
	event.size = 0;
	ASSERT(dnstap_sink_next_event(sink, &event) == DNSTAP_ERROR_SIZE, "no size");
	event.size = sizeof event;
	ASSERT(dnstap_sink_next_event(sink, &event) == DNSTAP_OK, "a call that failed has removed the event");
	ASSERT((queue = dnstap_queue_new(sink, &error)) != NULL && error == DNSTAP_OK, "a queue");
	dnstap_queue_free(&queue);
	ASSERT(dnstap_sink_begin_close(sink) == DNSTAP_OK, "begin_close");
	ASSERT(dnstap_queue_new(sink, &error) == NULL && error == DNSTAP_ERROR_CLOSED, "a closed sink");
	close_sink(&sink, TIMEOUT);
}

/* Returns whether no other thread of this process is woken within a second. */
static int is_quiet(void)
{
	struct timespec second = { 1, 0 };
	struct rusage before, after;

	getrusage(RUSAGE_SELF, &before);
	nanosleep(&second, NULL);
	getrusage(RUSAGE_SELF, &after);
	return after.ru_nvcsw - before.ru_nvcsw <= 1;
}

/* A sink without events or messages sleeps. */
static void an_idle_sink(void)
{
	dnstap_sink *sink = open_quiet("file:log.tap", RING, TIMEOUT);
	dnstap_queue *queue = dnstap_queue_new(sink, NULL);

	next(sink, DNSTAP_EVENT_KIND_CONNECTED);
	ASSERT(log_with_id(queue, DNSTAP_MESSAGE_TYPE_CLIENT_QUERY, (struct message_id){ 0, 0 }, QUERY) == DNSTAP_OK,
	       "log");
	ASSERT(dnstap_sink_flush(sink, TIMEOUT) == DNSTAP_OK, "flush");
	/* On a busy machine the thread may not be asleep yet. A timer would wake it every time. */
	WAIT_UNTIL(is_quiet() && is_quiet(), DEADLINE, "woken every second");
	dnstap_queue_free(&queue);
	close_sink(&sink, TIMEOUT);
}

int main(int argc, char **argv)
{
	static const struct test_case cases[] = {
		CASE("an outage is reported from its first failure to the recovery", an_outage),
		CASE("a stalled receiver costs messages, which are reported at once", a_stall),
		CASE("each reason for drops is counted", other_reasons),
		CASE("a full disk is reported once", a_full_disk),
		CASE("the oldest of too many events are discarded and counted", too_many_events),
		CASE_WITH("a child has events and a descriptor of its own", a_fork, 1),
		CASE_WITH("the same if the parent has no descriptor", a_fork, 0),
		CASE_WITH("a child without a thread sees its sink close", an_idle_child, 0),
		CASE_WITH("the same if the parent has closed the sink", an_idle_child, 1),
		CASE("the same for a child that cannot start a thread", a_child_without_descriptors),
		CASE("a descriptor closed by the program is replaced", closed_by_the_program),
		CASE("every message that threads drop is counted in one event", threads),
		CASE("wrong arguments are errors", arguments),
		CASE("a sink without events sleeps", an_idle_sink),
	};

	return RUN_CASES(argc, argv, cases);
}
