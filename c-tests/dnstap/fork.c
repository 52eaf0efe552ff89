/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A process that forks: parent and child both go on logging, and neither sends messages of the other. */
#include "messages.h"
#include "sink.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BEFORE = 10, AFTER = 10, OF_CHILD = 5, MANY = 8, INHERITED = 200, THREADS = 4 };

static void log_some(dnstap_queue *queue, uint32_t logger, uint32_t from, uint32_t count)
{
	for (uint32_t seq = from; seq < from + count; seq++) {
		dnstap_result result =
			log_with_id(queue, DNSTAP_MESSAGE_TYPE_CLIENT_QUERY, (struct message_id){ logger, seq }, 100);

		ASSERT(result == DNSTAP_OK, "message %u of logger %u: %s", seq, logger, dnstap_strerror(result));
	}
}

/* Forks; a signal ends a child that hangs. */
static pid_t fork_with_deadline(void)
{
	pid_t child;

	fflush(stdout);
	child = fork();
	ASSERT(child >= 0, "fork failed");
	if (child == 0)
		alarm(DEADLINE);
	return child;
}

static void close_sent(dnstap_sink **sink, uint64_t sent)
{
	dnstap_stats s = close_sink(sink, TIMEOUT);

	ASSERT_EQ(s.sent, sent);
	ASSERT_EQ(s.waiting, 0);
	ASSERT_EQ(s.dropped_closed, 0);
}

static void end_child(dnstap_queue *queue, dnstap_sink *sink, uint64_t sent)
{
	dnstap_queue_free(&queue);
	close_sent(&sink, sent);
	_exit(0);
}

/* A sink to a socket, and a receiver for each stream. */
struct link {
	struct receiver receivers[2 * MANY];
	int count;
	struct tally *tally;
	dnstap_sink *sink;
	dnstap_queue *queue;
};

static void open_link(struct link *l, int streams)
{
	int listening = listen_unix("sock");

	l->count = streams;
	l->tally = new_tally();
	receiver_start(&l->receivers[0], listening, receive, l->tally);
	l->sink = open_sink(options_to("unix:sock"));
	l->queue = dnstap_queue_new(l->sink, NULL);
	ASSERT(receiver_wait(&l->receivers[0], 1), "no connection");
	/* For the streams of the children. */
	for (int i = 1; i < streams; i++)
		receiver_start(&l->receivers[i], listening, receive, l->tally);
}

static void close_link(struct link *l, uint64_t sent)
{
	dnstap_queue_free(&l->queue);
	close_sent(&l->sink, sent);
	for (int i = 0; i < l->count; i++)
		receiver_finish(&l->receivers[i], stderr);
	ASSERT_EQ(l->tally->missing, 0);
	ASSERT_EQ((uint64_t)l->tally->streams, (uint64_t)l->count);
}

/* Opens a link, logs messages, and forks. */
static pid_t fork_after_logging(struct link *l, int streams, int messages)
{
	open_link(l, streams);
	log_some(l->queue, 0, 0, (uint32_t)messages);
	return fork_with_deadline();
}

/* A fork before the sink is opened: each process opens its own. */
static void before_opening(void)
{
	struct tally *tally = new_tally();
	struct receiver receivers[2];
	int listening = listen_unix("sock");
	dnstap_queue *queue;
	dnstap_sink *sink;
	pid_t child;

	child = fork_with_deadline();
	sink = open_sink(options_to("unix:sock"));
	queue = dnstap_queue_new(sink, NULL);
	if (child == 0) {
		log_some(queue, 1, 0, OF_CHILD);
		end_child(queue, sink, OF_CHILD);
	}
	for (int i = 0; i < 2; i++)
		receiver_start(&receivers[i], listening, receive, tally);
	log_some(queue, 0, 0, AFTER);
	wait_for_child(child);
	dnstap_queue_free(&queue);
	close_sent(&sink, AFTER);
	for (int i = 0; i < 2; i++)
		receiver_finish(&receivers[i], stderr);
	ASSERT_EQ(tally->messages, OF_CHILD + AFTER);
	ASSERT_EQ(tally->missing, 0);
}

/* A fork with this number of pending messages: only the parent may send them. */
static void after_opening(int waiting)
{
	struct link l;
	pid_t child = fork_after_logging(&l, 2, waiting);

	if (child == 0) {
		dnstap_stats s;

		log_some(l.queue, 1, 0, OF_CHILD);
		s = stats_of(l.sink);
		ASSERT_EQ(s.logged, OF_CHILD);
		end_child(l.queue, l.sink, OF_CHILD);
	}
	log_some(l.queue, 0, (uint32_t)waiting, AFTER);
	wait_for_child(child);
	close_link(&l, (uint64_t)waiting + AFTER);
	ASSERT_EQ(l.tally->messages, (uint64_t)waiting + AFTER + OF_CHILD);
}

/* A child that does nothing, or only closes, sends nothing and takes no messages from the parent. */
static void idle_child(int what)
{
	struct link l;
	pid_t child = fork_after_logging(&l, 1, BEFORE);

	if (child == 0) {
		dnstap_stats s = stats_of(l.sink);

		ASSERT_EQ(s.logged, 0);
		ASSERT_EQ(s.waiting, 0);
		ASSERT_EQ(s.connects, 0);
		if (what > 0)
			dnstap_queue_free(&l.queue);
		if (what > 1) {
			/* Not by close_sink(), which expects that a writer thread has ended: this child had none. */
			ASSERT(dnstap_sink_close(&l.sink, &s) == DNSTAP_OK, "close");
			check_sums(&s);
			ASSERT_EQ(s.logged, 0);
		}
		_exit(0);
	}
	wait_for_child(child);
	log_some(l.queue, 0, BEFORE, AFTER);
	close_link(&l, BEFORE + AFTER);
	ASSERT_EQ(l.tally->messages, BEFORE + AFTER);
}

/* A child does not inherit the errors of its parent. */
static void no_errors_in_a_child(void)
{
	dnstap_sink *sink = open_sink(options_to("unix:nobody"));
	dnstap_stats s;
	pid_t child;

	WAIT_FOR_STATS(sink, s, s.connect_failures > 0);
	child = fork_with_deadline();
	if (child == 0) {
		ASSERT_EQ(stats_of(sink).connect_failures, 0);
		ASSERT(error_of(sink)[0] == '\0', "the child has an error of its parent: %s", error_of(sink));
		_exit(0);
	}
	wait_for_child(child);
	ASSERT(error_of(sink)[0] != '\0', "the parent has lost its error");
	close_sink(&sink, TIMEOUT);
}

/* The child makes a queue for the inherited sink, and changes settings of the sink. */
static void new_queue_in_child(void)
{
	struct link l;
	dnstap_stats s;
	pid_t child;

	open_link(&l, 2);
	log_some(l.queue, 0, 0, BEFORE);
	WAIT_FOR_STATS(l.sink, s, s.sent == BEFORE);
	child = fork_with_deadline();
	if (child == 0) {
		dnstap_queue *child_queue = dnstap_queue_new(l.sink, NULL);

		ASSERT(child_queue != NULL, "no queue in the child");
		ASSERT(dnstap_sink_set_identity(l.sink, "child") == DNSTAP_OK, "identity");
		ASSERT(dnstap_sink_set_message_types(
			       l.sink, DNSTAP_MESSAGE_TYPE_BIT(DNSTAP_MESSAGE_TYPE_CLIENT_QUERY)) == DNSTAP_OK,
		       "types");
		log_some(child_queue, 1, 0, OF_CHILD);
		log_some(l.queue, 2, 0, OF_CHILD);
		ASSERT(log_with_id(child_queue, DNSTAP_MESSAGE_TYPE_AUTH_QUERY, (struct message_id){ 1, 9 }, 12) ==
			       DNSTAP_DISABLED,
		       "not disabled");
		dnstap_queue_free(&child_queue);
		end_child(l.queue, l.sink, 2 * OF_CHILD);
	}
	wait_for_child(child);
	ASSERT(log_with_id(l.queue, DNSTAP_MESSAGE_TYPE_AUTH_QUERY, (struct message_id){ 0, BEFORE }, 12) == DNSTAP_OK,
	       "the child has changed a setting of the parent");
	close_link(&l, BEFORE + 1);
	ASSERT_EQ(l.tally->messages, BEFORE + 1 + 2 * OF_CHILD);
}

static void child_of_a_child(void)
{
	struct link l;
	pid_t child = fork_after_logging(&l, 3, BEFORE);

	if (child == 0) {
		pid_t grandchild;

		log_some(l.queue, 1, 0, OF_CHILD);
		grandchild = fork_with_deadline();
		if (grandchild == 0) {
			log_some(l.queue, 2, 0, OF_CHILD);
			dnstap_queue_free(&l.queue);
			close_sink(&l.sink, TIMEOUT);
			_exit(0);
		}
		log_some(l.queue, 1, OF_CHILD, OF_CHILD);
		wait_for_child(grandchild);
		dnstap_queue_free(&l.queue);
		close_sink(&l.sink, TIMEOUT);
		_exit(0);
	}
	log_some(l.queue, 0, BEFORE, AFTER);
	wait_for_child(child);
	close_link(&l, BEFORE + AFTER);
	ASSERT_EQ(l.tally->messages, BEFORE + AFTER + 3 * OF_CHILD);
}

/* Two streams in one file would be mixed up: a child writes to PATH.PID. */
static void child_of_a_file(int waiting)
{
	dnstap_sink *sink = open_sink(options_to("file:fork.tap"));
	dnstap_queue *queue = dnstap_queue_new(sink, NULL);
	struct tally *tally = new_tally();
	char path[40];
	pid_t child;

	log_some(queue, 0, 0, (uint32_t)waiting);
	child = fork_with_deadline();
	if (child == 0) {
		log_some(queue, 1, 0, OF_CHILD);
		dnstap_queue_free(&queue);
		close_sink(&sink, TIMEOUT);
		_exit(0);
	}
	log_some(queue, 0, (uint32_t)waiting, AFTER);
	wait_for_child(child);
	dnstap_queue_free(&queue);
	close_sent(&sink, (uint64_t)waiting + AFTER);
	snprintf(path, sizeof path, "fork.tap.%ld", (long)child);
	ASSERT_EQ(tally_file(tally, "fork.tap"), (uint64_t)waiting + AFTER);
	ASSERT_EQ(tally_file(tally, path), OF_CHILD);
	ASSERT_EQ(tally->missing, 0);
}

/* Work for the threads of the parent while it forks. */
struct busy {
	dnstap_sink *sink;
	int stop;
};

static int is_over(struct busy *b)
{
	return __atomic_load_n(&b->stop, __ATOMIC_ACQUIRE);
}

static void *make_queues(void *arg)
{
	struct busy *b = arg;

	while (!is_over(b)) {
		dnstap_queue *queue = dnstap_queue_new(b->sink, NULL);

		for (int i = 0; i < 100; i++)
			log_with_id(queue, DNSTAP_MESSAGE_TYPE_CLIENT_QUERY, (struct message_id){ 0, 0 }, 100);
		dnstap_queue_free(&queue);
	}
	return NULL;
}

static void *read_stats(void *arg)
{
	struct busy *b = arg;
	char line[100];

	while (!is_over(b)) {
		stats_of(b->sink);
		dnstap_sink_get_error(b->sink, line, sizeof line);
		dnstap_sink_set_identity(b->sink, "parent");
	}
	return NULL;
}

static void *open_and_close(void *arg)
{
	while (!is_over(arg)) {
		dnstap_sink *sink = open_sink(options_to("file:other.tap"));
		dnstap_queue *queue = dnstap_queue_new(sink, NULL);

		log_with_id(queue, DNSTAP_MESSAGE_TYPE_CLIENT_QUERY, (struct message_id){ 0, 0 }, 100);
		dnstap_sink_close(&sink, NULL);
		dnstap_queue_free(&queue);
	}
	return NULL;
}

/* In a child forked at any moment, every function works and returns. */
static void use_all(struct busy *b, dnstap_queue *inherited)
{
	dnstap_queue *child_queue = dnstap_queue_new(b->sink, NULL);
	dnstap_stats s = { .size = sizeof s };
	dnstap_sink *own;
	char line[100];

	ASSERT(child_queue != NULL, "no queue in a child");
	stats_of(b->sink);
	log_some(inherited, 1, 0, OF_CHILD);
	log_some(child_queue, 2, 0, OF_CHILD);
	stats_of(b->sink);
	ASSERT(dnstap_sink_get_error(b->sink, line, sizeof line) == DNSTAP_OK, "get_error");
	ASSERT(dnstap_sink_set_identity(b->sink, "child") == DNSTAP_OK, "identity");
	own = open_sink(options_to("file:own.tap"));
	close_sink(&own, TIMEOUT);
	dnstap_queue_free(&child_queue);
	dnstap_queue_free(&inherited);
	s = close_sink(&b->sink, TIMEOUT);
	ASSERT_EQ(s.dropped_closed, 0);
	ASSERT_EQ(s.waiting, 0);
	_exit(0);
}

static void many_forks(int forks)
{
	struct busy busy = { open_sink(options_to("file:busy.tap")), 0 };
	dnstap_queue *queue = dnstap_queue_new(busy.sink, NULL);
	void *(*const work[])(void *) = { make_queues, make_queues, read_stats, open_and_close };
	dnstap_stats s = { .size = sizeof s };
	struct tally *tally = new_tally();
	pthread_t threads[4];

	for (int i = 0; i < 4; i++)
		ASSERT(pthread_create(&threads[i], NULL, work[i], &busy) == 0, "no thread");
	for (int i = 0; i < forks; i++) {
		pid_t child = fork_with_deadline();
		char path[40];

		if (child == 0)
			use_all(&busy, queue);
		wait_for_child(child);
		snprintf(path, sizeof path, "busy.tap.%ld", (long)child);
		memset(tally->next, 0, sizeof tally->next);
		ASSERT_EQ(tally_file(tally, path), 2 * OF_CHILD);
		ASSERT_EQ(tally->missing, 0);
		unlink(path);
	}
	__atomic_store_n(&busy.stop, 1, __ATOMIC_RELEASE);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	dnstap_queue_free(&queue);
	s = close_sink(&busy.sink, TIMEOUT);
	ASSERT_EQ(s.sent + s.dropped_full, s.logged);
}

struct logger {
	dnstap_queue *queue;
	uint32_t logger;
	pthread_barrier_t *all;
};

static void *log_with_the_others(void *arg)
{
	struct logger *l = arg;

	pthread_barrier_wait(l->all);
	log_some(l->queue, l->logger, 0, OF_CHILD);
	return NULL;
}

/* The threads of a child log at the same time: the first of them starts the writer thread. */
static void threads_of_a_child(int rounds)
{
	dnstap_sink *sink = open_sink(options_to("file:threads.tap"));
	struct tally *tally = new_tally();
	struct logger loggers[THREADS];

	for (uint32_t i = 0; i < THREADS; i++) {
		loggers[i] = (struct logger){ dnstap_queue_new(sink, NULL), i, NULL };
		/* The writer thread of the child has to skip these. */
		log_some(loggers[i].queue, i, 0, BEFORE);
	}
	for (int round = 0; round < rounds; round++) {
		pid_t child = fork_with_deadline();
		pthread_t threads[THREADS];
		pthread_barrier_t all;
		char path[40];

		if (child == 0) {
			pthread_barrier_init(&all, NULL, THREADS);
			for (int i = 0; i < THREADS; i++) {
				loggers[i].all = &all;
				ASSERT(pthread_create(&threads[i], NULL, log_with_the_others, &loggers[i]) == 0,
				       "no thread");
			}
			for (int i = 0; i < THREADS; i++)
				pthread_join(threads[i], NULL);
			close_sent(&sink, (uint64_t)THREADS * OF_CHILD);
			_exit(0);
		}
		wait_for_child(child);
		snprintf(path, sizeof path, "threads.tap.%ld", (long)child);
		memset(tally->next, 0, sizeof tally->next);
		ASSERT_EQ(tally_file(tally, path), (uint64_t)THREADS * OF_CHILD);
		ASSERT_EQ(tally->missing, 0);
		unlink(path);
	}
	for (int i = 0; i < THREADS; i++)
		dnstap_queue_free(&loggers[i].queue);
	close_sent(&sink, (uint64_t)THREADS * BEFORE);
}

static void *keep_forking(void *arg)
{
	while (!is_over(arg)) {
		pid_t child = fork_with_deadline();

		if (child == 0)
			_exit(0);
		wait_for_child(child);
	}
	return NULL;
}

/* Children that never log close inherited sinks while their threads fork. */
static void close_amid_forks(int rounds)
{
	dnstap_sink *sinks[INHERITED];

	for (int i = 0; i < INHERITED; i++)
		sinks[i] = open_sink(options_with_ring("unix:nobody", 4096));
	for (int round = 0; round < rounds; round++) {
		struct busy busy = { NULL, 0 };
		pid_t child = fork_with_deadline();
		pthread_t threads[2];

		if (child != 0) {
			wait_for_child(child);
			continue;
		}
		for (int i = 0; i < 2; i++)
			ASSERT(pthread_create(&threads[i], NULL, keep_forking, &busy) == 0, "no thread");
		for (int i = 0; i < INHERITED; i++)
			close_sink(&sinks[i], TIMEOUT);
		__atomic_store_n(&busy.stop, 1, __ATOMIC_RELEASE);
		for (int i = 0; i < 2; i++)
			pthread_join(threads[i], NULL);
		_exit(0);
	}
	for (int i = 0; i < INHERITED; i++)
		close_sink(&sinks[i], TIMEOUT);
}

int main(int argc, char **argv)
{
	static const struct test_case cases[] = {
		CASE("a fork before the sink is opened", before_opening),
		CASE_WITH("a fork after the sink is opened", after_opening, 0),
		CASE_WITH("a fork with pending messages", after_opening, BEFORE),
		CASE_WITH("a fork with many pending messages", after_opening, 2000),
		CASE_WITH("a child that does nothing", idle_child, 0),
		CASE_WITH("a child that frees its queue", idle_child, 1),
		CASE_WITH("a child that closes the sink", idle_child, 2),
		CASE("a child does not inherit errors", no_errors_in_a_child),
		CASE("a child makes a queue, and changes names and types", new_queue_in_child),
		CASE("a child of a child", child_of_a_child),
		CASE_WITH("a child of a sink to a file writes to its own file", child_of_a_file, 0),
		CASE_WITH("the same with pending messages", child_of_a_file, BEFORE),
		CASE_WITH("many forks while threads make queues, log and read accounts", many_forks, 50),
		CASE_WITH("children whose threads log at the same time", threads_of_a_child, 50),
		CASE_WITH("children that close sinks while their threads fork", close_amid_forks, 30),
	};

	return RUN_CASES(argc, argv, cases);
}
