/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Rotation: each file is a whole stream, and each message is in exactly one of them. */
#include "messages.h"
#include "sink.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { THREADS = 2 };

struct logger {
	dnstap_sink *sink;
	uint32_t logger;
	uint64_t logged;
	int stop;
};

/* Logs continually, with short pauses so that no ring becomes full. */
static void *log_on(void *arg)
{
	struct logger *l = arg;
	dnstap_queue *queue = dnstap_queue_new(l->sink, NULL);
	struct message_id n = { l->logger, 0 };
	struct timespec rest = { 0, 100000 };

	while (!__atomic_load_n(&l->stop, __ATOMIC_ACQUIRE)) {
		dnstap_result result = log_with_id(queue, 1 + n.seq % 14, n, 8 + n.seq % 1000);

		if (result == DNSTAP_OK)
			n.seq++;
		ASSERT(result == DNSTAP_OK || result == DNSTAP_ERROR_FULL, "%s", dnstap_strerror(result));
		if (result == DNSTAP_ERROR_FULL || n.seq % 100 == 0)
			nanosleep(&rest, NULL);
	}
	l->logged = n.seq;
	dnstap_queue_free(&queue);
	return NULL;
}

/* A sink that threads log to, and the messages that readers of its output have found. */
struct rotation {
	dnstap_sink *sink;
	struct logger loggers[THREADS];
	pthread_t threads[THREADS];
	uint64_t logged;
	struct tally *tally;
};

static void start(struct rotation *r, const char *output)
{
	r->sink = open_sink(options_to(output));
	r->tally = new_tally();
	for (int i = 0; i < THREADS; i++) {
		r->loggers[i] = (struct logger){ .sink = r->sink, .logger = (uint32_t)i };
		ASSERT(pthread_create(&r->threads[i], NULL, log_on, &r->loggers[i]) == 0, "no thread");
	}
}

/* Ends the threads and closes the sink, which has sent all of their messages. */
static dnstap_stats stop(struct rotation *r)
{
	dnstap_stats s;

	for (int i = 0; i < THREADS; i++)
		__atomic_store_n(&r->loggers[i].stop, 1, __ATOMIC_RELEASE);
	r->logged = 0;
	for (int i = 0; i < THREADS; i++) {
		pthread_join(r->threads[i], NULL);
		r->logged += r->loggers[i].logged;
	}
	s = close_sink(&r->sink, TIMEOUT);
	ASSERT_EQ(s.sent, r->logged);
	ASSERT_EQ(s.dropped_closed, 0);
	return s;
}

/* Checks that each message was found in exactly one place. */
static void check_found(struct rotation *r)
{
	ASSERT_EQ(r->tally->messages, r->logged);
	ASSERT_EQ(r->tally->missing, 0);
}

/* Waits until further messages have been sent. */
static void wait_for_more(const dnstap_sink *sink)
{
	dnstap_stats s = stats_of(sink);
	uint64_t sent = s.sent;

	WAIT_FOR_STATS(sink, s, s.sent >= sent + 1000);
}

static unsigned long lines_of(const char *format, const char *path)
{
	char command[200];
	unsigned long lines = 0;
	FILE *out;

	snprintf(command, sizeof command, format, path);
	out = popen(command, "r");
	ASSERT(out != NULL, "cannot run %s", command);
	for (int c = getc(out); c != EOF; c = getc(out))
		lines += c == '\n';
	ASSERT(pclose(out) == 0, "failed: %s", command);
	return lines;
}

/* Checks that Debian's readers find this number of messages in a whole file. */
static void read_by_others(const char *path, uint64_t messages)
{
	ASSERT_EQ(lines_of("/usr/bin/fstrm_dump %s 2>&1 >/dev/null | grep '^Data frame'", path), messages);
	ASSERT_EQ(lines_of("/usr/bin/fstrm_dump %s 2>&1 >/dev/null | grep '^FSTRM_CONTROL_START'", path), 1);
	ASSERT_EQ(lines_of("/usr/bin/fstrm_dump %s 2>&1 >/dev/null | grep '^FSTRM_CONTROL_STOP'", path), 1);
	ASSERT_EQ(lines_of("dnstap -q -r %s 2>/dev/null", path), messages);
}

static void read_by_all(struct tally *tally, const char *path)
{
	uint64_t messages = tally_file(tally, path);

	ASSERT(messages > 0, "%s is empty", path);
	read_by_others(path, messages);
}

static void renamed(int times)
{
	struct rotation r;
	dnstap_stats s;
	char path[32];

	start(&r, "file:log.tap");
	for (int i = 0; i < times; i++) {
		wait_for_more(r.sink);
		snprintf(path, sizeof path, "log.tap.%d", i);
		ASSERT(rename("log.tap", path) == 0, "rename");
		ASSERT(dnstap_sink_reopen(r.sink) == DNSTAP_OK, "reopen");
		WAIT_FOR_STATS(r.sink, s, s.connects == (uint64_t)i + 2);
	}
	wait_for_more(r.sink);
	s = stop(&r);
	ASSERT_EQ(s.connects, (uint64_t)times + 1);
	ASSERT_EQ(s.disconnects, 0);
	for (int i = 0; i < times; i++) {
		snprintf(path, sizeof path, "log.tap.%d", i);
		read_by_all(r.tally, path);
	}
	read_by_all(r.tally, "log.tap");
	check_found(&r);
}

/* A file that is not renamed is not reopened, which would truncate it. */
static void not_renamed(int times)
{
	struct rotation r;

	start(&r, "file:log.tap");
	for (int i = 0; i < times; i++) {
		ASSERT(dnstap_sink_reopen(r.sink) == DNSTAP_OK, "reopen");
		wait_for_more(r.sink);
	}
	ASSERT_EQ(stop(&r).connects, 1);
	read_by_all(r.tally, "log.tap");
	check_found(&r);
}

/* A file that is renamed without a call to reopen keeps its stream. */
static void renamed_silently(void)
{
	struct rotation r;

	start(&r, "file:log.tap");
	wait_for_more(r.sink);
	ASSERT(rename("log.tap", "log.tap.0") == 0, "rename");
	wait_for_more(r.sink);
	stop(&r);
	ASSERT(access("log.tap", F_OK) != 0, "the sink has created a new file");
	read_by_all(r.tally, "log.tap.0");
	check_found(&r);
}

/* Without messages, the renamed file is complete, and so is the new one. */
static void without_messages(void)
{
	dnstap_sink *sink = open_sink(options_to("file:log.tap"));
	struct tally *tally = new_tally();
	dnstap_stats s;

	WAIT_FOR_STATS(sink, s, s.connects == 1);
	ASSERT(rename("log.tap", "log.tap.0") == 0, "rename");
	ASSERT(dnstap_sink_reopen(sink) == DNSTAP_OK, "reopen");
	WAIT_FOR_STATS(sink, s, s.connects == 2);
	ASSERT_EQ(tally_file(tally, "log.tap.0"), 0);
	close_sink(&sink, TIMEOUT);
	ASSERT_EQ(tally_file(tally, "log.tap"), 0);
}

/* While the folder does not exist, messages stay pending and none is lost. */
static void nowhere_to_go(void)
{
	dnstap_options *options = options_to("file:folder/log.tap");
	struct tally *tally = new_tally();
	struct message_id n = { 0, 0 };
	dnstap_queue *queue;
	dnstap_sink *sink;
	dnstap_stats s;

	ASSERT(mkdir("folder", 0700) == 0, "mkdir");
	dnstap_options_set_reconnect_interval(options, 100);
	sink = open_sink(options);
	queue = dnstap_queue_new(sink, NULL);
	for (; n.seq < 100; n.seq++)
		ASSERT(log_with_id(queue, DNSTAP_MESSAGE_TYPE_CLIENT_QUERY, n, 100) == DNSTAP_OK, "log");
	WAIT_FOR_STATS(sink, s, s.sent == 100);
	ASSERT(rename("folder", "old") == 0, "rename");
	ASSERT(dnstap_sink_reopen(sink) == DNSTAP_OK, "reopen");
	WAIT_FOR_STATS(sink, s, s.connect_failures > 0);
	for (; n.seq < 200; n.seq++)
		ASSERT(log_with_id(queue, DNSTAP_MESSAGE_TYPE_CLIENT_QUERY, n, 100) == DNSTAP_OK, "log");
	ASSERT_EQ(tally_file(tally, "old/log.tap"), 100);
	ASSERT(mkdir("folder", 0700) == 0, "mkdir");
	WAIT_FOR_STATS(sink, s, s.sent == 200);
	dnstap_queue_free(&queue);
	s = close_sink(&sink, TIMEOUT);
	ASSERT_EQ(s.dropped_closed, 0);
	ASSERT_EQ(tally_file(tally, "folder/log.tap"), 100);
	ASSERT_EQ(tally->missing, 0);
}

/* A socket is reconnected: each connection has a whole stream. */
static void socket_again(int times)
{
	struct receiver receivers[16];
	int listening = listen_unix("sock");
	struct rotation r;
	dnstap_stats s;

	start(&r, "unix:sock");
	receiver_start(&receivers[0], listening, receive, r.tally);
	for (int i = 1; i <= times; i++) {
		wait_for_more(r.sink);
		receiver_start(&receivers[i], listening, receive, r.tally);
		ASSERT(dnstap_sink_reopen(r.sink) == DNSTAP_OK, "reopen");
		ASSERT(receiver_wait(&receivers[i], 1), "no new connection");
	}
	wait_for_more(r.sink);
	s = stop(&r);
	for (int i = 0; i <= times; i++)
		receiver_finish(&receivers[i], stderr);
	ASSERT_EQ(s.connects, (uint64_t)times + 1);
	ASSERT_EQ(s.disconnects, 0);
	ASSERT_EQ((uint64_t)r.tally->streams, (uint64_t)times + 1);
	check_found(&r);
}

int main(int argc, char **argv)
{
	static const struct test_case cases[] = {
		CASE_WITH("a file that is renamed, once", renamed, 1),
		CASE_WITH("a file that is renamed, ten times", renamed, 10),
		CASE_WITH("a file that is not renamed keeps its stream", not_renamed, 10),
		CASE("a file that is renamed without reopening", renamed_silently),
		CASE("a file without messages", without_messages),
		CASE("a file whose folder is missing for a while", nowhere_to_go),
		CASE_WITH("a socket that is reconnected, ten times", socket_again, 10),
	};

	return RUN_CASES(argc, argv, cases);
}
