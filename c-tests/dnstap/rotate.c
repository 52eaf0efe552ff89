/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Rotation: each file is a whole stream, and each message is in one of them. */
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
	uint32_t who;
	uint64_t logged;
	int stop;
};

/* Logs all the time, with ever so short a rest that no ring becomes full. */
static void *log_on(void *arg)
{
	struct logger *l = arg;
	dnstap_queue *queue = dnstap_queue_new(l->sink, NULL);
	struct number n = { l->who, 0 };
	struct timespec rest = { 0, 100000 };

	while (!__atomic_load_n(&l->stop, __ATOMIC_ACQUIRE)) {
		dnstap_result result = log_number(queue, 1 + n.seq % 14, n, 8 + n.seq % 1000);

		if (result == DNSTAP_OK)
			n.seq++;
		NEED(result == DNSTAP_OK || result == DNSTAP_ERROR_FULL, "%s", dnstap_strerror(result));
		if (result == DNSTAP_ERROR_FULL || n.seq % 100 == 0)
			nanosleep(&rest, NULL);
	}
	l->logged = n.seq;
	dnstap_queue_free(&queue);
	return NULL;
}

static void start(struct logger loggers[THREADS], pthread_t threads[THREADS], dnstap_sink *sink)
{
	for (int i = 0; i < THREADS; i++) {
		loggers[i] = (struct logger){ .sink = sink, .who = (uint32_t)i };
		NEED(pthread_create(&threads[i], NULL, log_on, &loggers[i]) == 0, "no thread");
	}
}

/* Ends the threads and closes the sink. Returns how many messages the receiver should have. */
static uint64_t stop(struct logger loggers[THREADS], pthread_t threads[THREADS], dnstap_sink **sink, dnstap_stats *s)
{
	uint64_t logged = 0;

	for (int i = 0; i < THREADS; i++)
		__atomic_store_n(&loggers[i].stop, 1, __ATOMIC_RELEASE);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		logged += loggers[i].logged;
	}
	*s = close_sink(sink, TIMEOUT);
	EXPECT(s->sent, logged);
	EXPECT(s->dropped_closed, 0);
	return logged;
}

/* Some messages more are sent than at this moment. */
static void await_some(const dnstap_sink *sink)
{
	dnstap_stats s = stats_of(sink);
	uint64_t sent = s.sent;

	AWAIT_STATS(sink, s, s.sent >= sent + 1000);
}

static unsigned long lines_of(const char *format, const char *path)
{
	char command[200];
	unsigned long lines = 0;
	FILE *out;

	snprintf(command, sizeof command, format, path);
	out = popen(command, "r");
	NEED(out != NULL, "cannot run %s", command);
	for (int c = getc(out); c != EOF; c = getc(out))
		lines += c == '\n';
	NEED(pclose(out) == 0, "failed: %s", command);
	return lines;
}

/* What Debian's readers find in a whole file with so many messages. */
static void read_by_others(const char *path, uint64_t messages)
{
	EXPECT(lines_of("/usr/bin/fstrm_dump %s 2>&1 >/dev/null | grep '^Data frame'", path), messages);
	EXPECT(lines_of("/usr/bin/fstrm_dump %s 2>&1 >/dev/null | grep '^FSTRM_CONTROL_START'", path), 1);
	EXPECT(lines_of("/usr/bin/fstrm_dump %s 2>&1 >/dev/null | grep '^FSTRM_CONTROL_STOP'", path), 1);
	EXPECT(lines_of("dnstap -q -r %s 2>/dev/null", path), messages);
}

static void read_by_all(struct tally *tally, const char *path)
{
	uint64_t messages = tally_file(tally, path);

	NEED(messages > 0, "%s is empty", path);
	read_by_others(path, messages);
}

static void renamed(int times)
{
	dnstap_sink *sink = open_sink(options_to("file:log.tap"));
	struct tally *tally = new_tally();
	struct logger loggers[THREADS];
	pthread_t threads[THREADS];
	uint64_t logged;
	dnstap_stats s;
	char path[32];

	start(loggers, threads, sink);
	for (int i = 0; i < times; i++) {
		await_some(sink);
		snprintf(path, sizeof path, "log.tap.%d", i);
		NEED(rename("log.tap", path) == 0, "rename");
		NEED(dnstap_sink_reopen(sink) == DNSTAP_OK, "reopen");
		AWAIT_STATS(sink, s, s.connects == (uint64_t)i + 2);
	}
	await_some(sink);
	logged = stop(loggers, threads, &sink, &s);
	EXPECT(s.connects, (uint64_t)times + 1);
	EXPECT(s.disconnects, 0);
	for (int i = 0; i < times; i++) {
		snprintf(path, sizeof path, "log.tap.%d", i);
		read_by_all(tally, path);
	}
	read_by_all(tally, "log.tap");
	EXPECT(tally->messages, logged);
	EXPECT(tally->missing, 0);
}

/* Opening the file would truncate it. */
static void not_renamed(int times)
{
	dnstap_sink *sink = open_sink(options_to("file:log.tap"));
	struct tally *tally = new_tally();
	struct logger loggers[THREADS];
	pthread_t threads[THREADS];
	uint64_t logged;
	dnstap_stats s;

	start(loggers, threads, sink);
	for (int i = 0; i < times; i++) {
		NEED(dnstap_sink_reopen(sink) == DNSTAP_OK, "reopen");
		await_some(sink);
	}
	logged = stop(loggers, threads, &sink, &s);
	EXPECT(s.connects, 1);
	read_by_all(tally, "log.tap");
	EXPECT(tally->messages, logged);
	EXPECT(tally->missing, 0);
}

/* Renamed, and nothing said: the stream goes on where it is. */
static void renamed_silently(int unused)
{
	dnstap_sink *sink = open_sink(options_to("file:log.tap"));
	struct tally *tally = new_tally();
	struct logger loggers[THREADS];
	pthread_t threads[THREADS];
	uint64_t logged;
	dnstap_stats s;

	(void)unused;
	start(loggers, threads, sink);
	await_some(sink);
	NEED(rename("log.tap", "log.tap.0") == 0, "rename");
	await_some(sink);
	logged = stop(loggers, threads, &sink, &s);
	NEED(access("log.tap", F_OK) != 0, "a new file, which nobody asked for");
	read_by_all(tally, "log.tap.0");
	EXPECT(tally->messages, logged);
}

/* Nothing is logged: the file that was renamed is complete all the same, and so is the new one. */
static void without_messages(int unused)
{
	dnstap_sink *sink = open_sink(options_to("file:log.tap"));
	struct tally *tally = new_tally();
	dnstap_stats s;

	(void)unused;
	AWAIT_STATS(sink, s, s.connects == 1);
	NEED(rename("log.tap", "log.tap.0") == 0, "rename");
	NEED(dnstap_sink_reopen(sink) == DNSTAP_OK, "reopen");
	AWAIT_STATS(sink, s, s.connects == 2);
	EXPECT(tally_file(tally, "log.tap.0"), 0);
	close_sink(&sink, TIMEOUT);
	EXPECT(tally_file(tally, "log.tap"), 0);
}

/* A folder that is gone: messages wait, and nothing is lost, until it is back. */
static void nowhere_to_go(int unused)
{
	dnstap_options *options = options_to("file:folder/log.tap");
	struct tally *tally = new_tally();
	struct number n = { 0, 0 };
	dnstap_queue *queue;
	dnstap_sink *sink;
	dnstap_stats s;

	(void)unused;
	NEED(mkdir("folder", 0700) == 0, "mkdir");
	dnstap_options_set_reconnect_interval(options, 100);
	sink = open_sink(options);
	queue = dnstap_queue_new(sink, NULL);
	for (; n.seq < 100; n.seq++)
		NEED(log_number(queue, DNSTAP_MESSAGE_TYPE_CLIENT_QUERY, n, 100) == DNSTAP_OK, "log");
	AWAIT_STATS(sink, s, s.sent == 100);
	NEED(rename("folder", "old") == 0, "rename");
	NEED(dnstap_sink_reopen(sink) == DNSTAP_OK, "reopen");
	AWAIT_STATS(sink, s, s.connect_failures > 0);
	for (; n.seq < 200; n.seq++)
		NEED(log_number(queue, DNSTAP_MESSAGE_TYPE_CLIENT_QUERY, n, 100) == DNSTAP_OK, "log");
	EXPECT(tally_file(tally, "old/log.tap"), 100);
	NEED(mkdir("folder", 0700) == 0, "mkdir");
	AWAIT_STATS(sink, s, s.sent == 200);
	dnstap_queue_free(&queue);
	s = close_sink(&sink, TIMEOUT);
	EXPECT(s.dropped_closed, 0);
	EXPECT(tally_file(tally, "folder/log.tap"), 100);
	EXPECT(tally->missing, 0);
}

/* A socket is connected anew: the receiver has two whole streams. */
static void socket_again(int times)
{
	struct tally *tally = new_tally();
	struct receiver receivers[16];
	int listening = listen_unix("sock");
	struct logger loggers[THREADS];
	pthread_t threads[THREADS];
	dnstap_sink *sink;
	uint64_t logged;
	dnstap_stats s;

	receiver_start(&receivers[0], listening, receive, tally);
	sink = open_sink(options_to("unix:sock"));
	start(loggers, threads, sink);
	for (int i = 1; i <= times; i++) {
		await_some(sink);
		receiver_start(&receivers[i], listening, receive, tally);
		NEED(dnstap_sink_reopen(sink) == DNSTAP_OK, "reopen");
		NEED(receiver_wait(&receivers[i], 1), "no new connection");
	}
	await_some(sink);
	logged = stop(loggers, threads, &sink, &s);
	for (int i = 0; i <= times; i++)
		receiver_finish(&receivers[i], stderr);
	EXPECT(s.connects, (uint64_t)times + 1);
	EXPECT(s.disconnects, 0);
	EXPECT((uint64_t)tally->streams, (uint64_t)times + 1);
	EXPECT(tally->messages, logged);
	EXPECT(tally->missing, 0);
}

int main(int argc, char **argv)
{
	static const struct fault cases[] = {
		{ "a file that is renamed, once", renamed, 1, 60, 0, NULL },
		{ "a file that is renamed, ten times", renamed, 10, 60, 0, NULL },
		{ "a file that is not renamed goes on", not_renamed, 10, 60, 0, NULL },
		{ "a file that is renamed, and nothing is said", renamed_silently, 0, 60, 0, NULL },
		{ "a file without messages", without_messages, 0, 60, 0, NULL },
		{ "a file whose folder is gone for a while", nowhere_to_go, 0, 60, 0, NULL },
		{ "a socket is connected anew, ten times", socket_again, 10, 60, 0, NULL },
	};

	return RUN(argc, argv, cases);
}
