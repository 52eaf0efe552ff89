/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The resources of a sink in its process: descriptors, which neither the programs that the process
 * starts nor its children keep, and a thread, which blocks all signals.
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

enum { GENERATIONS = 6, SINKS = 3 };

static const char DESCRIPTORS[] = "/proc/self/fd";

static int open_descriptors(void)
{
	return entries_of(DESCRIPTORS);
}

static void log_one(dnstap_queue *queue)
{
	dnstap_result result = log_number(queue, DNSTAP_MESSAGE_TYPE_CLIENT_QUERY, (struct number){ 0, 0 }, 100);

	NEED(result == DNSTAP_OK, "not logged: %s", dnstap_strerror(result));
}

/* Takes in a connection, and holds it until the sender closes. */
static void hold(struct receiver *r)
{
	int fd = accept_one(r->listening);

	NEED(fd >= 0 && receiver_handshake(r, fd, only_dnstap), "no handshake");
	receiver_reach(r, 1);
	read_to_end(fd);
	close(fd);
}

/* Outputs of each kind, each with a sink that has its stream open. */
struct sinks {
	struct receiver receivers[2];
	dnstap_sink *sinks[SINKS];
};

static void open_sinks(struct sinks *all)
{
	char tcp[40] = "tcp:127.0.0.1:", port[8];
	const char *const outputs[SINKS] = { "unix:sock", tcp, "file:held.tap" };
	dnstap_stats s;

	receiver_start(&all->receivers[0], listen_unix("sock"), hold, NULL);
	receiver_start(&all->receivers[1], listen_tcp("127.0.0.1", port), hold, NULL);
	strcat(tcp, port);
	for (int i = 0; i < SINKS; i++) {
		all->sinks[i] = open_sink(options_to(outputs[i]));
		AWAIT_STATS(all->sinks[i], s, s.state == DNSTAP_STATE_CONNECTED);
	}
}

/* Calls `check` for each descriptor that was not there before. */
static void each_descriptor(const bool *before, void (*check)(int fd, const char *target))
{
	DIR *dir = opendir(DESCRIPTORS);
	struct dirent *entry;
	char target[PATH_MAX];

	NEED(dir != NULL, "no %s", DESCRIPTORS);
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
	NEED(fcntl(fd, F_GETFD) & FD_CLOEXEC, "descriptor %d, %s, stays open in programs", fd, target);
	checked++;
}

/* No descriptor is left to a program that the process starts. */
static void closed_on_exec(int unused)
{
	bool before[1024] = { false };
	char tcp[40] = "tcp:127.0.0.1:", port[8];
	const char *outputs[SINKS] = { "unix:sock", tcp, "file:held.tap" };
	dnstap_sink *sinks[SINKS];
	dnstap_stats s;
	int listening[2] = { listen_unix("sock"), listen_tcp("127.0.0.1", port) };

	(void)unused;
	strcat(tcp, port);
	for (int fd = 0; fd < 1024; fd++)
		before[fd] = fcntl(fd, F_GETFD) >= 0;
	for (int i = 0; i < SINKS; i++) {
		sinks[i] = open_sink(options_to(outputs[i]));
		/* The system completes the connection; it need not be accepted. */
		AWAIT_STATS(sinks[i], s, s.state == DNSTAP_STATE_CONNECTING || s.state == DNSTAP_STATE_CONNECTED);
	}
	each_descriptor(before, expect_close_on_exec);
	NEED(checked >= SINKS, "%d descriptors were seen", checked);
	for (int i = 0; i < 2; i++)
		close(listening[i]);
	for (int i = 0; i < SINKS; i++)
		close_sink(&sinks[i], TIMEOUT);
}

/* A child has none of the descriptors, even if it does nothing but to be there. */
static void closed_in_a_child(int unused)
{
	struct sinks all;
	int before, listeners;
	pid_t child;

	(void)unused;
	before = open_descriptors();
	open_sinks(&all);
	/* Two listening sockets, and two that they accepted. */
	listeners = 4;
	child = fork();
	if (child == 0) {
		EXPECT((uint64_t)open_descriptors(), (uint64_t)(before + listeners));
		/* What it opens itself stays, whatever numbers that has. */
		for (int i = 0; i < 2 * SINKS; i++)
			NEED(open("/dev/null", O_RDONLY) >= 0, "no descriptor");
		for (int i = 0; i < SINKS; i++)
			NEED(dnstap_sink_close(&all.sinks[i], NULL) == DNSTAP_OK, "close");
		EXPECT((uint64_t)open_descriptors(), (uint64_t)(before + listeners + 2 * SINKS));
		_exit(0);
	}
	wait_for(child);
	for (int i = 0; i < SINKS; i++)
		EXPECT(stats_of(all.sinks[i]).disconnects, 0);
	for (int i = 0; i < SINKS; i++)
		dnstap_sink_close(&all.sinks[i], NULL);
	for (int i = 0; i < 2; i++)
		receiver_finish(&all.receivers[i], stderr);
}

/* Each generation logs, and forks the next: descriptors do not accumulate. */
static void generations(int unused)
{
	dnstap_sink *sink = open_sink(options_to("file:generations.tap"));
	dnstap_queue *queue = dnstap_queue_new(sink, NULL);
	dnstap_stats s;
	int first = 0;

	(void)unused;
	for (int generation = 0; generation < GENERATIONS; generation++) {
		pid_t child;

		log_one(queue);
		AWAIT_STATS(sink, s, s.sent == 1);
		if (generation == 0)
			first = open_descriptors();
		EXPECT((uint64_t)open_descriptors(), (uint64_t)first);
		child = fork();
		if (child != 0) {
			wait_for(child);
			dnstap_queue_free(&queue);
			EXPECT(close_sink(&sink, TIMEOUT).sent, 1);
			if (generation > 0)
				_exit(0);
			return;
		}
	}
	_exit(0);
}

/* A descriptor of the host that has the number of one which the host has closed is not closed in a child. */
static void numbers_of_the_host(int unused)
{
	dnstap_sink *sink = open_sink(options_to("file:numbers.tap"));
	int null = open("/dev/null", O_RDONLY);
	dnstap_stats s;
	pid_t child;

	(void)unused;
	NEED(null >= 0, "no descriptor");
	AWAIT_STATS(sink, s, s.state == DNSTAP_STATE_CONNECTED);
	/* dup2() replaces in one step: the writer thread, which opens its pipe anew, takes no number in between. */
	for (int fd = 3; fd < 64; fd++)
		NEED(dup2(null, fd) == fd, "descriptor %d", fd);
	child = fork();
	if (child == 0) {
		for (int fd = 3; fd < 64; fd++)
			NEED(fcntl(fd, F_GETFD) >= 0, "descriptor %d of the host is closed", fd);
		_exit(0);
	}
	wait_for(child);
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

/* Logs, reopens and closes while the host has closed this one of the sink's descriptors. Returns whether there is one. */
static bool lose_descriptor(int number)
{
	enum { MOST = 64 };
	dnstap_options *options = options_to("file:lost.tap");
	dnstap_message invalid = example(DNSTAP_MESSAGE_TYPE_CLIENT_QUERY);
	dnstap_event event = DNSTAP_EVENT_INIT;
	bool before[MOST], reported = false;
	dnstap_queue *queue;
	dnstap_sink *sink;
	dnstap_stats s;
	double began;
	int fd, found = -1;

	for (fd = 0; fd < MOST; fd++)
		before[fd] = is_open(fd);
	dnstap_options_set_flush_interval(options, 600000);
	sink = open_sink(options);
	queue = dnstap_queue_new(sink, NULL);
	dnstap_sink_get_event_fd(sink);
	AWAIT_STATS(sink, s, s.state == DNSTAP_STATE_CONNECTED);
	for (fd = 0; fd < MOST && found < number; fd++)
		found += !before[fd] && is_open(fd);
	if (found == number)
		close(fd - 1);
	log_one(queue);
	NEED(dnstap_sink_reopen(sink) == DNSTAP_OK, "reopen");
	NEED(dnstap_sink_flush(sink, TIMEOUT) == DNSTAP_OK, "descriptor %d: not sent", number);
	invalid.query_time.seconds = -1;
	NEED(dnstap_log(queue, &invalid) == DNSTAP_ERROR_TIME, "an invalid time");
	while (!reported) {
		NEED(has_event(sink, DEADLINE * 1000), "descriptor %d: no event", number);
		while (dnstap_sink_next_event(sink, &event) == DNSTAP_OK)
			reported |= event.kind == DNSTAP_EVENT_KIND_DROPPING;
	}
	NEED(!has_event(sink, 0), "descriptor %d: readable without an event", number);
	dnstap_queue_free(&queue);
	began = now();
	EXPECT(close_sink(&sink, TIMEOUT).sent, 1);
	NEED(now() - began < TIMEOUT / 2000.0, "descriptor %d: closed after %.1f s", number, now() - began);
	return found == number;
}

static void each_by_itself(int unused)
{
	int number = 0;

	(void)unused;
	while (lose_descriptor(number))
		number++;
	NEED(number >= 3, "only %d descriptors were found", number);
}

/* A receiver sees the end of a process that is killed, though a child of it goes on. */
static void killed_parent(int unused)
{
	int listening = listen_unix("sock"), to_parent[2], fd;
	struct receiver r = { .listening = listening, .log = stderr };
	pid_t parent, child = 0;

	(void)unused;
	NEED(pipe(to_parent) == 0, "no pipe");
	pthread_mutex_init(&r.lock, NULL);
	pthread_cond_init(&r.moved, NULL);
	parent = fork();
	if (parent == 0) {
		dnstap_sink *sink;
		dnstap_stats s;

		close(listening);
		sink = open_sink(options_to("unix:sock"));
		AWAIT_STATS(sink, s, s.state == DNSTAP_STATE_CONNECTED);
		child = fork();
		if (child != 0)
			NEED(write(to_parent[1], &child, sizeof child) == sizeof child, "write");
		for (;;)
			pause();
	}
	fd = accept_one(listening);
	NEED(fd >= 0 && receiver_handshake(&r, fd, only_dnstap), "no handshake");
	NEED(read(to_parent[0], &child, sizeof child) == sizeof child, "no child");
	kill(parent, SIGKILL);
	if (!read_to_end(fd)) {
		kill(child, SIGKILL);
		wrong("the end of a killed parent does not reach its receiver");
	}
	NEED(kill(child, 0) == 0, "the child has ended too");
	kill(child, SIGKILL);
}

/* A child of a sink to something other than a regular file makes no file beside it. */
static void beside(int is_fifo)
{
	char path[40] = "/dev/null", beside[60], output[60];
	dnstap_queue *queue;
	dnstap_sink *sink;
	dnstap_stats s;
	pid_t child;

	if (is_fifo) {
		strcpy(path, "fifo");
		NEED(mkfifo(path, 0600) == 0 && open(path, O_RDONLY | O_NONBLOCK) >= 0, "no fifo");
	}
	snprintf(output, sizeof output, "file:%s", path);
	sink = open_sink(options_to(output));
	queue = dnstap_queue_new(sink, NULL);
	AWAIT_STATS(sink, s, s.state == DNSTAP_STATE_CONNECTED);
	child = fork();
	if (child == 0) {
		log_one(queue);
		if (is_fifo) {
			/* One stream in it is the parent's. */
			AWAIT_STATS(sink, s, s.connect_failures > 0);
			expect_error(sink, "FIFO", NULL);
		} else {
			AWAIT_STATS(sink, s, s.sent == 1);
		}
		snprintf(beside, sizeof beside, "%s.%ld", path, (long)getpid());
		NEED(access(beside, F_OK) != 0, "there is a file %s", beside);
		_exit(0);
	}
	wait_for(child);
	dnstap_queue_free(&queue);
	close_sink(&sink, TIMEOUT);
}

/* Reads the signals that the thread of this name blocks. Returns false if there is no such thread. */
static bool blocked_by(const char *name, unsigned long long *blocked)
{
	DIR *dir = opendir("/proc/self/task");
	struct dirent *entry;
	bool found = false;

	NEED(dir != NULL, "no threads");
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

	AWAIT(blocked_by(name, &blocked), DEADLINE, "no thread %s", name);
	for (int signal = 1; signal <= SIGRTMAX; signal++) {
		/* Those that nobody can block, and those that the C library keeps for itself. */
		if (signal == SIGKILL || signal == SIGSTOP || (signal >= 32 && signal < SIGRTMIN))
			continue;
		NEED(blocked >> (signal - 1) & 1, "signal %d may reach the writer thread", signal);
	}
}

/* The writer thread blocks all signals, in a child as well, and the thread that starts it none. */
static void signals(int unused)
{
	dnstap_options *options = options_to("file:signals.tap");
	dnstap_queue *queue;
	dnstap_sink *sink;
	sigset_t mask;
	pid_t child;

	(void)unused;
	NEED(dnstap_options_set_thread_name(options, "the-writer") == DNSTAP_OK, "name");
	sink = open_sink(options);
	queue = dnstap_queue_new(sink, NULL);
	expect_all_blocked("the-writer");
	child = fork();
	if (child == 0) {
		log_one(queue);
		expect_all_blocked("the-writer");
		_exit(0);
	}
	wait_for(child);
	NEED(pthread_sigmask(SIG_SETMASK, NULL, &mask) == 0, "no mask");
	for (int signal = 1; signal < SIGRTMIN; signal++)
		NEED(sigismember(&mask, signal) != 1, "signal %d is blocked for the host", signal);
	dnstap_queue_free(&queue);
	close_sink(&sink, TIMEOUT);
}

int main(int argc, char **argv)
{
	static const struct fault cases[] = {
		{ "descriptors are closed in programs that the process starts", closed_on_exec, 0, 30, 0, NULL },
		{ "descriptors are closed in a child", closed_in_a_child, 0, 30, 0, NULL },
		{ "descriptors do not pile up over generations", generations, 0, 30, 0, NULL },
		{ "descriptors that the host opened in their place stay", numbers_of_the_host, 0, 30, 0, NULL },
		{ "a sink does without each of its descriptors", each_by_itself, 0, 60, 0, NULL },
		{ "a receiver sees the end of a killed parent", killed_parent, 0, 60, 0, NULL },
		{ "a child of a sink to a device makes no file beside it", beside, false, 30, 0, NULL },
		{ "a child of a sink to a FIFO makes no file beside it", beside, true, 30, 0, NULL },
		{ "the writer thread blocks all signals", signals, 0, 30, 0, NULL },
	};

	return RUN(argc, argv, cases);
}
