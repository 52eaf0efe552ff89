/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The resources of a sink in its process: descriptors, which programs that it starts and its children
 * do not inherit, and a thread, which blocks all signals.
 */
#include "messages.h"
#include "sink.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { GENERATIONS = 6, SINKS = 3, RING = 65536 };

static const char DESCRIPTORS[] = "/proc/self/fd";

static int open_descriptors(void)
{
	return count_entries(DESCRIPTORS);
}

static void log_one(dnstap_queue *queue)
{
	dnstap_result result = log_with_id(queue, DNSTAP_MESSAGE_TYPE_CLIENT_QUERY, (struct message_id){ 0, 0 }, 100);

	ASSERT(result == DNSTAP_OK, "not logged: %s", dnstap_strerror(result));
}

/* A connected sink for each kind of output. */
struct sinks {
	struct receiver receivers[2];
	dnstap_sink *sinks[SINKS];
};

static void open_sinks(struct sinks *all)
{
	char tcp[40] = "tcp:127.0.0.1:", port[8];
	const char *const outputs[SINKS] = { "unix:sock", tcp, "file:held.tap" };
	dnstap_stats s;

	receiver_start(&all->receivers[0], listen_unix("sock"), receive, new_tally());
	receiver_start(&all->receivers[1], listen_tcp("127.0.0.1", port), receive, new_tally());
	strcat(tcp, port);
	for (int i = 0; i < SINKS; i++) {
		all->sinks[i] = open_sink(options_to(outputs[i]));
		WAIT_FOR_STATS(all->sinks[i], s, s.state == DNSTAP_STATE_CONNECTED);
	}
}

/* Calls `check` for each descriptor that was not open before. */
static void each_descriptor(const bool *before, void (*check)(int fd, const char *target))
{
	DIR *dir = opendir(DESCRIPTORS);
	struct dirent *entry;
	char target[PATH_MAX];

	ASSERT(dir != NULL, "no %s", DESCRIPTORS);
	while ((entry = readdir(dir)) != NULL) {
		int fd = atoi(entry->d_name);
		ssize_t length = readlinkat(dirfd(dir), entry->d_name, target, sizeof target - 1);

		if (length < 0 || fd == dirfd(dir) || (fd < 1024 && before[fd]))
			continue;
		target[length] = '\0';
		check(fd, target);
	}
	closedir(dir);
}

static int checked;

static void expect_close_on_exec(int fd, const char *target)
{
	ASSERT(fcntl(fd, F_GETFD) & FD_CLOEXEC, "descriptor %d, %s, stays open after exec()", fd, target);
	checked++;
}

/* A program that the process starts inherits no descriptor. */
static void closed_on_exec(void)
{
	bool before[1024] = { false };
	char tcp[40] = "tcp:127.0.0.1:", port[8];
	const char *outputs[SINKS] = { "unix:sock", tcp, "file:held.tap" };
	dnstap_sink *sinks[SINKS];
	dnstap_stats s;
	int listening[2] = { listen_unix("sock"), listen_tcp("127.0.0.1", port) };

	strcat(tcp, port);
	for (int fd = 0; fd < 1024; fd++)
		before[fd] = fcntl(fd, F_GETFD) >= 0;
	for (int i = 0; i < SINKS; i++) {
		sinks[i] = open_sink(options_to(outputs[i]));
		/* The system completes the connection; it need not be accepted. */
		WAIT_FOR_STATS(sinks[i], s, s.state == DNSTAP_STATE_CONNECTING || s.state == DNSTAP_STATE_CONNECTED);
	}
	each_descriptor(before, expect_close_on_exec);
	ASSERT(checked >= SINKS, "%d descriptors were seen", checked);
	for (int i = 0; i < 2; i++)
		close(listening[i]);
	for (int i = 0; i < SINKS; i++)
		close_sink(&sinks[i], TIMEOUT);
}

/* A child has none of the descriptors, even if it does not use the library. */
static void closed_in_a_child(void)
{
	struct sinks all;
	int before, listeners;
	pid_t child;

	before = open_descriptors();
	open_sinks(&all);
	/* Two listening sockets, and two that they accepted. */
	listeners = 4;
	child = fork();
	if (child == 0) {
		ASSERT_EQ((uint64_t)open_descriptors(), (uint64_t)(before + listeners));
		/* Descriptors that it opens itself stay open, whatever their numbers. */
		for (int i = 0; i < 2 * SINKS; i++)
			ASSERT(open("/dev/null", O_RDONLY) >= 0, "no descriptor");
		for (int i = 0; i < SINKS; i++)
			ASSERT(dnstap_sink_close(&all.sinks[i], NULL) == DNSTAP_OK, "close");
		ASSERT_EQ((uint64_t)open_descriptors(), (uint64_t)(before + listeners + 2 * SINKS));
		_exit(0);
	}
	wait_for_child(child);
	for (int i = 0; i < SINKS; i++)
		ASSERT_EQ(stats_of(all.sinks[i]).disconnects, 0);
	for (int i = 0; i < SINKS; i++)
		dnstap_sink_close(&all.sinks[i], NULL);
	for (int i = 0; i < 2; i++)
		receiver_finish(&all.receivers[i], stderr);
}

/* Each generation logs, and forks the next: descriptors do not accumulate. */
static void generations(void)
{
	dnstap_sink *sink = open_sink(options_with_ring("file:generations.tap", RING));
	dnstap_queue *queue = dnstap_queue_new(sink, NULL);
	dnstap_stats s;
	int first = 0;

	for (int generation = 0; generation < GENERATIONS; generation++) {
		pid_t child;

		log_one(queue);
		WAIT_FOR_STATS(sink, s, s.sent == 1);
		if (generation == 0)
			first = open_descriptors();
		ASSERT_EQ((uint64_t)open_descriptors(), (uint64_t)first);
		child = fork();
		if (child != 0) {
			wait_for_child(child);
			dnstap_queue_free(&queue);
			ASSERT_EQ(close_sink(&sink, TIMEOUT).sent, 1);
			if (generation > 0)
				_exit(0);
			return;
		}
	}
	_exit(0);
}

/* If the host closes a descriptor of the sink and reuses its number, a child keeps that descriptor. */
static void numbers_of_the_host(void)
{
	dnstap_sink *sink = open_sink(options_to("file:numbers.tap"));
	int null = open("/dev/null", O_RDONLY);
	dnstap_stats s;
	pid_t child;

	ASSERT(null >= 0, "no descriptor");
	WAIT_FOR_STATS(sink, s, s.state == DNSTAP_STATE_CONNECTED);
	/* dup2() is atomic: the writer thread, which reopens its pipe, cannot take a number in between. */
	for (int fd = 3; fd < 64; fd++)
		ASSERT(dup2(null, fd) == fd, "descriptor %d", fd);
	child = fork();
	if (child == 0) {
		for (int fd = 3; fd < 64; fd++)
			ASSERT(fcntl(fd, F_GETFD) >= 0, "descriptor %d of the host is closed", fd);
		_exit(0);
	}
	wait_for_child(child);
	_exit(0);
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static bool has_event(dnstap_sink *sink, int milliseconds)
{
	struct pollfd p = { dnstap_sink_get_event_fd(sink), POLLIN, 0 };

	return poll(&p, 1, milliseconds) > 0;
}

/* Logs, reopens and closes after the host has closed one of the sink's descriptors. Returns whether there is that one. */
static bool lose_descriptor(int number)
{
	enum { MAX_FD = 64 };
	dnstap_options *options = options_to("file:lost.tap");
	dnstap_message invalid = example(DNSTAP_MESSAGE_TYPE_CLIENT_QUERY);
	dnstap_event event = DNSTAP_EVENT_INIT;
	bool before[MAX_FD], reported = false;
	dnstap_queue *queue;
	dnstap_sink *sink;
	dnstap_stats s;
	double began;
	int fd, found = -1;

	for (fd = 0; fd < MAX_FD; fd++)
		before[fd] = is_open(fd);
	dnstap_options_set_flush_interval(options, 600000);
	sink = open_sink(options);
	queue = dnstap_queue_new(sink, NULL);
	dnstap_sink_get_event_fd(sink);
	WAIT_FOR_STATS(sink, s, s.state == DNSTAP_STATE_CONNECTED);
	for (fd = 0; fd < MAX_FD && found < number; fd++)
		found += !before[fd] && is_open(fd);
	if (found == number)
		close(fd - 1);
	log_one(queue);
	ASSERT(dnstap_sink_reopen(sink) == DNSTAP_OK, "reopen");
	ASSERT(dnstap_sink_flush(sink, TIMEOUT) == DNSTAP_OK, "descriptor %d: not sent", number);
	invalid.query_time.seconds = -1;
	ASSERT(dnstap_log(queue, &invalid) == DNSTAP_ERROR_TIME, "an invalid time");
	while (!reported) {
		ASSERT(has_event(sink, DEADLINE * 1000), "descriptor %d: no event", number);
		while (dnstap_sink_next_event(sink, &event) == DNSTAP_OK)
			reported |= event.kind == DNSTAP_EVENT_KIND_DROPPING;
	}
	ASSERT(!has_event(sink, 0), "descriptor %d: readable without an event", number);
	dnstap_queue_free(&queue);
	began = now();
	ASSERT_EQ(close_sink(&sink, TIMEOUT).sent, 1);
	ASSERT(now() - began < TIMEOUT / 2000.0, "descriptor %d: closed after %.1f s", number, now() - began);
	return found == number;
}

static void lose_each_descriptor(void)
{
	int number = 0;

	while (lose_descriptor(number))
		number++;
	ASSERT(number >= 3, "only %d descriptors were found", number);
}

/* A receiver sees the end of a process that is killed, although a child of it lives on. */
static void killed_parent(void)
{
	int listening = listen_unix("sock"), to_parent[2], fd;
	struct receiver r = { .listening = listening, .log = stderr };
	pid_t parent, child = 0;

	ASSERT(pipe(to_parent) == 0, "no pipe");
	pthread_mutex_init(&r.lock, NULL);
	pthread_cond_init(&r.moved, NULL);
	parent = fork();
	if (parent == 0) {
		dnstap_sink *sink;
		dnstap_stats s;

		close(listening);
		sink = open_sink(options_to("unix:sock"));
		WAIT_FOR_STATS(sink, s, s.state == DNSTAP_STATE_CONNECTED);
		child = fork();
		if (child != 0)
			ASSERT(write(to_parent[1], &child, sizeof child) == sizeof child, "write");
		for (;;)
			pause();
	}
	fd = accept_one(listening);
	ASSERT(fd >= 0 && receiver_handshake(&r, fd, only_dnstap), "no handshake");
	ASSERT(read(to_parent[0], &child, sizeof child) == sizeof child, "no child");
	kill(parent, SIGKILL);
	if (!read_to_end(fd)) {
		kill(child, SIGKILL);
		fail("the receiver does not see the end of a killed parent");
	}
	ASSERT(kill(child, 0) == 0, "the child has ended, too");
	kill(child, SIGKILL);
}

/* A child of a sink to a device or FIFO does not create a file next to it. */
static void beside(int is_fifo)
{
	char path[40] = "/dev/null", beside[60], output[60];
	dnstap_queue *queue;
	dnstap_sink *sink;
	dnstap_stats s;
	pid_t child;

	if (is_fifo) {
		strcpy(path, "fifo");
		ASSERT(mkfifo(path, 0600) == 0 && open(path, O_RDONLY | O_NONBLOCK) >= 0, "no fifo");
	}
	snprintf(output, sizeof output, "file:%s", path);
	sink = open_sink(options_with_ring(output, RING));
	queue = dnstap_queue_new(sink, NULL);
	WAIT_FOR_STATS(sink, s, s.state == DNSTAP_STATE_CONNECTED);
	child = fork();
	if (child == 0) {
		log_one(queue);
		if (is_fifo) {
			/* The FIFO holds the stream of the parent. */
			WAIT_FOR_STATS(sink, s, s.connect_failures > 0);
			expect_error(sink, "FIFO", NULL);
		} else {
			WAIT_FOR_STATS(sink, s, s.sent == 1);
		}
		snprintf(beside, sizeof beside, "%s.%ld", path, (long)getpid());
		ASSERT(access(beside, F_OK) != 0, "the file %s exists", beside);
		_exit(0);
	}
	wait_for_child(child);
	dnstap_queue_free(&queue);
	close_sink(&sink, TIMEOUT);
}

/* Reads the signals that the thread of this name blocks. Returns false if there is no such thread. */
static bool blocked_by(const char *name, unsigned long long *blocked)
{
	DIR *dir = opendir("/proc/self/task");
	struct dirent *entry;
	bool found = false;

	ASSERT(dir != NULL, "no threads");
	while (!found && (entry = readdir(dir)) != NULL) {
		char path[300], line[200];
		FILE *status;

		snprintf(path, sizeof path, "/proc/self/task/%s/status", entry->d_name);
		status = fopen(path, "r");
		while (status != NULL && fgets(line, sizeof line, status) != NULL) {
			if (strncmp(line, "Name:\t", 6) == 0)
				found = strncmp(line + 6, name, strlen(name)) == 0 && line[6 + strlen(name)] == '\n';
			if (found && sscanf(line, "SigBlk: %llx", blocked) == 1)
				break;
		}
		if (status != NULL)
			fclose(status);
	}
	closedir(dir);
	return found;
}

static void expect_all_blocked(const char *name)
{
	unsigned long long blocked = 0;

	WAIT_UNTIL(blocked_by(name, &blocked), DEADLINE, "no thread %s", name);
	for (int signal = 1; signal <= SIGRTMAX; signal++) {
		/* Signals that cannot be blocked, and those reserved by the C library. */
		if (signal == SIGKILL || signal == SIGSTOP || (signal >= 32 && signal < SIGRTMIN))
			continue;
		ASSERT(blocked >> (signal - 1) & 1, "signal %d may reach the writer thread", signal);
	}
}

/* The writer thread blocks all signals, in a child as well; the thread that starts it blocks none. */
static void signals(void)
{
	dnstap_options *options = options_to("file:signals.tap");
	dnstap_queue *queue;
	dnstap_sink *sink;
	sigset_t mask;
	pid_t child;

	ASSERT(dnstap_options_set_thread_name(options, "the-writer") == DNSTAP_OK, "name");
	sink = open_sink(options);
	queue = dnstap_queue_new(sink, NULL);
	expect_all_blocked("the-writer");
	child = fork();
	if (child == 0) {
		log_one(queue);
		expect_all_blocked("the-writer");
		_exit(0);
	}
	wait_for_child(child);
	ASSERT(pthread_sigmask(SIG_SETMASK, NULL, &mask) == 0, "no mask");
	for (int signal = 1; signal < SIGRTMIN; signal++)
		ASSERT(sigismember(&mask, signal) != 1, "signal %d is blocked for the host", signal);
	dnstap_queue_free(&queue);
	close_sink(&sink, TIMEOUT);
}

int main(int argc, char **argv)
{
	static const struct test_case cases[] = {
		CASE("descriptors are closed in programs that the process starts", closed_on_exec),
		CASE("descriptors are closed in a child", closed_in_a_child),
		CASE("descriptors do not accumulate over generations of children", generations),
		CASE("descriptors that the host opened under the same numbers stay open", numbers_of_the_host),
		CASE("a sink works without any one of its descriptors", lose_each_descriptor),
		CASE("a receiver sees the end of a killed parent", killed_parent),
		CASE_WITH("a child of a sink to a device creates no file", beside, false),
		CASE_WITH("a child of a sink to a FIFO creates no file", beside, true),
		CASE("the writer thread blocks all signals", signals),
	};

	return RUN_CASES(argc, argv, cases);
}
