/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A host with fork handlers that were registered before the library's, so that they run while the
 * library holds its locks for the fork. The fork may take long there, or wait for a lock that a
 * thread holds while it logs: logging must not wait for the fork.
 */
#include "messages.h"
#include "sink.h"

#include <pthread.h>
#include <string.h>
#include <unistd.h>

enum { IDENTITY = 1, VERSION = 2, TYPES = 4, ALL = IDENTITY | VERSION | TYPES, LENGTH = 100 };

/* A fork that is delayed until a thread has logged. */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t moved;
	bool armed, forking, logged, waited;
} hold_up = { .lock = PTHREAD_MUTEX_INITIALIZER, .moved = PTHREAD_COND_INITIALIZER };

/* Waits for `condition`, with the lock held; false if it is not met in time. */
static bool wait_for_flag(const bool *condition)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += DEADLINE / 4;
	while (!*condition)
		if (pthread_cond_timedwait(&hold_up.moved, &hold_up.lock, &until) != 0)
			return false;
	return true;
}

static void set_flag(bool *condition)
{
	pthread_mutex_lock(&hold_up.lock);
	*condition = true;
	pthread_cond_broadcast(&hold_up.moved);
	pthread_mutex_unlock(&hold_up.lock);
}

static void before_fork(void)
{
	pthread_mutex_lock(&hold_up.lock);
	if (hold_up.armed) {
		hold_up.forking = true;
		pthread_cond_broadcast(&hold_up.moved);
		hold_up.waited = !wait_for_flag(&hold_up.logged);
		hold_up.armed = false;
	}
}

static void after_fork(void)
{
	pthread_mutex_unlock(&hold_up.lock);
}

static void *fork_once(void *unused)
{
	pid_t child = fork();

	(void)unused;
	if (child == 0)
		_exit(0);
	wait_for_child(child);
	return NULL;
}

/* Starts a fork that ends once `logged` is set, and waits until it is in the handler. */
static pthread_t hold_a_fork(void)
{
	pthread_t thread;

	pthread_mutex_lock(&hold_up.lock);
	hold_up.armed = true;
	hold_up.forking = hold_up.logged = false;
	ASSERT(pthread_create(&thread, NULL, fork_once, NULL) == 0, "no thread");
	ASSERT(wait_for_flag(&hold_up.forking), "the fork did not begin");
	pthread_mutex_unlock(&hold_up.lock);
	return thread;
}

static void end_fork(pthread_t thread)
{
	set_flag(&hold_up.logged);
	pthread_join(thread, NULL);
	ASSERT(!hold_up.waited, "logging waited for the fork");
}

static void log_one(dnstap_queue *queue, uint32_t seq)
{
	dnstap_result result =
		log_with_id(queue, DNSTAP_MESSAGE_TYPE_CLIENT_QUERY, (struct message_id){ 0, seq }, LENGTH);

	ASSERT(result == DNSTAP_OK, "message %u: %s", seq, dnstap_strerror(result));
}

static void change(dnstap_sink *sink, int what)
{
	if (what & IDENTITY)
		ASSERT(dnstap_sink_set_identity(sink, "new") == DNSTAP_OK, "identity");
	if (what & VERSION)
		ASSERT(dnstap_sink_set_version(sink, "2") == DNSTAP_OK, "version");
	if (what & TYPES)
		ASSERT(dnstap_sink_set_message_types(sink, DNSTAP_ALL_MESSAGE_TYPES) == DNSTAP_OK, "types");
}

static bool is(dnstap_bytes bytes, const char *text)
{
	return bytes.length == strlen(text) && memcmp(bytes.data, text, bytes.length) == 0;
}

/* Returns how many events of a file have these names. */
static uint64_t count_named(const char *path, const char *identity, const char *version)
{
	dnstap_result error;
	dnstap_reader *reader = dnstap_reader_open(path, &error);
	dnstap_message message = { .size = sizeof message };
	uint64_t count = 0;

	ASSERT(reader != NULL, "%s: %s", path, dnstap_strerror(error));
	while ((error = dnstap_reader_next(reader, &message, 1000)) == DNSTAP_OK)
		count += is(message.identity, identity) && is(message.version, version);
	ASSERT(error == DNSTAP_END, "%s: %s", path, dnstap_strerror(error));
	dnstap_reader_close(&reader);
	return count;
}

/* Registers the handlers, opens a sink, and logs the first message. */
static dnstap_sink *open_after_handlers(const char *output, dnstap_queue **queue)
{
	dnstap_options *options = options_to(output);
	dnstap_sink *sink;

	ASSERT(pthread_atfork(before_fork, after_fork, after_fork) == 0, "no handlers");
	ASSERT(dnstap_options_set_identity(options, "old") == DNSTAP_OK, "identity");
	ASSERT(dnstap_options_set_version(options, "1") == DNSTAP_OK, "version");
	sink = open_sink(options);
	*queue = dnstap_queue_new(sink, NULL);
	log_one(*queue, 0);
	return sink;
}

/* Settings change, a fork begins, a thread logs; the new settings take effect after the fork. */
static void change_then_fork(int what)
{
	dnstap_queue *queue;
	dnstap_sink *sink = open_after_handlers("file:named.tap", &queue);
	pthread_t fork;

	change(sink, what);
	fork = hold_a_fork();
	log_one(queue, 1);
	log_one(queue, 2);
	end_fork(fork);
	log_one(queue, 3);
	dnstap_queue_free(&queue);
	close_sink(&sink, TIMEOUT);
	/* Messages logged during the fork still have the old names. */
	ASSERT_EQ(count_named("named.tap", what & IDENTITY ? "new" : "old", what & VERSION ? "2" : "1"),
		  what & (IDENTITY | VERSION) ? 1 : 4);
}

/* The first message of a child is logged while a fork of another thread is delayed. */
static void first_in_child(int more)
{
	dnstap_queue *queue;
	dnstap_sink *sink = open_after_handlers("file:first.tap", &queue);
	pid_t child = fork();

	if (child == 0) {
		pthread_t fork = hold_a_fork();
		dnstap_stats s;

		log_one(queue, 1);
		end_fork(fork);
		for (int i = 0; i < more; i++)
			log_one(queue, 2 + (uint32_t)i);
		/* It is sent without another call. */
		WAIT_FOR_STATS(sink, s, s.sent == 1 + (uint64_t)more);
		dnstap_queue_free(&queue);
		s = close_sink(&sink, TIMEOUT);
		ASSERT_EQ(s.logged, 1 + (uint64_t)more);
		ASSERT_EQ(s.sent, 1 + (uint64_t)more);
		_exit(0);
	}
	wait_for_child(child);
	dnstap_queue_free(&queue);
	ASSERT_EQ(close_sink(&sink, TIMEOUT).sent, 1);
}

int main(int argc, char **argv)
{
	static const struct test_case cases[] = {
		CASE_WITH("a fork without a change", change_then_fork, 0),
		CASE_WITH("the identity changes before a fork", change_then_fork, IDENTITY),
		CASE_WITH("the version changes before a fork", change_then_fork, VERSION),
		CASE_WITH("the message types change before a fork", change_then_fork, TYPES),
		CASE_WITH("the first message of a child is logged during a fork", first_in_child, 0),
		CASE_WITH("the same, followed by others", first_in_child, 5),
		CASE_WITH("all changes before a fork", change_then_fork, ALL),
	};

	return RUN_CASES(argc, argv, cases);
}
