/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A host that closes all descriptors, as daemons do, at any moment in the life of a sink, and opens
 * files of its own under their numbers. The receiver is another process.
 */
#define _DEFAULT_SOURCE
#include "messages.h"
#include "own_files.h"
#include "sink.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROUNDS = 6, BATCH = 50, RING = 4 << 20, LENGTH = 1000 };

/* The state of the stream when the host closes its descriptor. */
enum moment { IDLE, LOGGED, SHAKING, BLOCKED, DOWN, CLOSING, REOPENED };

/* Shared with the receiver, as it has no descriptors in common with the host afterwards. */
struct peer {
	volatile bool stalls;     /* it neither accepts nor reads */
	volatile bool ends;       /* after the next stream that ends with STOP */
	volatile unsigned shakes; /* handshakes so far */
	volatile uint64_t messages;
};

static pid_t peer_pid;

static void wait_while(const volatile bool *condition)
{
	WAIT_UNTIL(!*condition, DEADLINE, "the host does not go on");
}

/* Serves one connection after another. */
static void serve(struct peer *peer, int listening)
{
	struct receiver r = { .log = stderr };
	struct tally *tally = new_tally();
	int type = END;

	while (!(peer->ends && type == STOP)) {
		int fd;

		wait_while(&peer->stalls);
		fd = accept_one(listening);
		ASSERT(fd >= 0, "the sink did not connect");
		type = END;
		if (receiver_handshake(&r, fd, only_dnstap)) {
			peer->shakes++;
			do {
				wait_while(&peer->stalls);
				type = tally_frame(tally, fd);
				peer->messages = tally->messages;
			} while (type == DATA);
		}
		if (type == STOP) {
			send_control(fd, FINISH, NULL);
			read_to_end(fd);
		}
		close(fd);
	}
	ASSERT(tally->missing == 0, "%u messages are missing", (unsigned)tally->missing);
	_exit(0);
}

static struct peer *start_peer(bool tcp, bool stalls, char output[40])
{
	struct peer *peer = mmap(NULL, sizeof *peer, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	char port[8];
	int listening;

	ASSERT(peer != MAP_FAILED, "no memory");
	memset(peer, 0, sizeof *peer);
	peer->stalls = stalls;
	listening = tcp ? listen_tcp("127.0.0.1", port) : listen_unix("sock");
	if (tcp)
		snprintf(output, 40, "tcp:127.0.0.1:%s", port);
	else
		strcpy(output, "unix:sock");
	peer_pid = fork();
	if (peer_pid == 0) {
		/* Also if the case fails. */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		serve(peer, listening);
	}
	close(listening);
	return peer;
}

static uint32_t logged;

static void log_some(dnstap_queue *queue, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		dnstap_result result = log_with_id(queue, DNSTAP_MESSAGE_TYPE_CLIENT_QUERY,
						   (struct message_id){ 0, logged++ }, LENGTH);

		ASSERT(result == DNSTAP_OK, "not logged: %s", dnstap_strerror(result));
	}
}

static dnstap_sink *open_with_interval(const char *output, unsigned flush_interval)
{
	dnstap_options *options = options_with_ring(output, RING);

	dnstap_options_set_flush_interval(options, flush_interval);
	return open_sink(options);
}

/* The events descriptor is another one after the host has closed it, and works. */
static void check_events(dnstap_sink *sink)
{
	dnstap_event event = DNSTAP_EVENT_INIT;
	struct pollfd p = { dnstap_sink_get_event_fd(sink), POLLIN, 0 };

	ASSERT(p.fd >= 0, "no descriptor for events");
	ASSERT(poll(&p, 1, DEADLINE * 1000) == 1, "no event");
	while (dnstap_sink_next_event(sink, &event) == DNSTAP_OK)
		;
}

/* Brings the stream into the state in which the host closes it. */
static void reach(enum moment moment, struct peer *peer, dnstap_sink *sink, dnstap_queue *queue)
{
	dnstap_stats s;

	switch (moment) {
	case IDLE:
	case LOGGED:
		WAIT_FOR_STATS(sink, s, s.state == DNSTAP_STATE_CONNECTED);
		log_some(queue, BATCH);
		if (moment == IDLE)
			ASSERT(dnstap_sink_flush(sink, TIMEOUT) == DNSTAP_OK, "not sent");
		break;
	case SHAKING:
		/* READY was sent, unless the machine is busy. */
		WAIT_FOR_STATS(sink, s, s.state == DNSTAP_STATE_CONNECTING);
		log_some(queue, BATCH);
		break;
	case BLOCKED:
		WAIT_FOR_STATS(sink, s, s.state == DNSTAP_STATE_CONNECTED);
		peer->stalls = true;
		log_some(queue, 2000);
		ASSERT(dnstap_sink_flush(sink, 200) == DNSTAP_TIMED_OUT, "the receiver still reads");
		break;
	case DOWN:
		/* Away for as long as its path does not exist. */
		ASSERT(rename("sock", "away") == 0, "no socket");
		ASSERT(dnstap_sink_reopen(sink) == DNSTAP_OK, "reopen");
		log_some(queue, BATCH);
		WAIT_FOR_STATS(sink, s, s.connect_failures > 0 && s.state == DNSTAP_STATE_DISCONNECTED);
		break;
	case CLOSING:
	case REOPENED:
		WAIT_FOR_STATS(sink, s, s.state == DNSTAP_STATE_CONNECTED);
		log_some(queue, BATCH);
		ASSERT(dnstap_sink_flush(sink, TIMEOUT) == DNSTAP_OK, "not sent");
		peer->stalls = true;
		if (moment == CLOSING)
			ASSERT(dnstap_sink_begin_close(sink) == DNSTAP_OK, "begin_close");
		else
			ASSERT(dnstap_sink_reopen(sink) == DNSTAP_OK, "reopen");
		break;
	}
}

/* Undoes it, after the host has closed it. */
static void resume(enum moment moment, struct peer *peer)
{
	peer->stalls = false;
	if (moment == DOWN)
		ASSERT(rename("away", "sock") == 0, "no socket");
}

/* The host closes everything at this moment; all messages arrive, once each. */
static void at_moment(enum moment moment, bool tcp, unsigned flush_interval)
{
	char output[40];
	struct peer *peer = start_peer(tcp, moment == SHAKING, output);
	int rounds = moment == CLOSING || moment == SHAKING ? 1 : ROUNDS;
	dnstap_queue *queue;
	dnstap_sink *sink;
	dnstap_stats s;

	sink = open_with_interval(output, flush_interval);
	queue = dnstap_queue_new(sink, NULL);
	ASSERT(dnstap_sink_get_event_fd(sink) >= 0, "no descriptor for events");
	for (int round = 0; round < rounds; round++) {
		unsigned shakes;

		reach(moment, peer, sink, queue);
		shakes = peer->shakes;
		take_all_descriptors();
		resume(moment, peer);
		if (moment == CLOSING)
			break;
		/* Without a message in case of IDLE: the loss is noticed all the same. */
		WAIT_UNTIL(peer->shakes > shakes, DEADLINE, "round %d: no new stream; %s", round, error_of(sink));
		check_own_files();
		log_some(queue, BATCH);
		ASSERT(dnstap_sink_flush(sink, TIMEOUT) == DNSTAP_OK, "round %d: not sent", round);
		WAIT_UNTIL(peer->messages == logged, DEADLINE, "round %d: %u of %u messages; %s", round,
			   (unsigned)peer->messages, logged, error_of(sink));
		check_events(sink);
		check_own_files();
	}
	peer->ends = true;
	dnstap_queue_free(&queue);
	s = close_sink(&sink, TIMEOUT);
	ASSERT_EQ(s.logged, logged);
	ASSERT_EQ(s.sent, logged);
	check_own_files();
	if (moment == CLOSING) {
		/* The receiver has seen the end of its stream, but neither STOP nor another one. */
		kill(peer_pid, SIGKILL);
		return;
	}
	if (moment == SHAKING)
		ASSERT(s.connect_failures >= 1, "the loss is not counted");
	if (moment == IDLE || moment == LOGGED || moment == BLOCKED)
		ASSERT(s.disconnects >= ROUNDS, "%d losses, but %u disconnects", ROUNDS, (unsigned)s.disconnects);
	wait_for_child(peer_pid);
}

static void over_unix(int moment)
{
	at_moment((enum moment)moment, false, 10);
}

static void over_tcp(int moment)
{
	at_moment((enum moment)moment, true, 10);
}

/* The timer of the thread does not help. */
static void without_timer(int moment)
{
	at_moment((enum moment)moment, false, 600000);
}

/* A file is continued at its end. */
static void to_file(void)
{
	dnstap_sink *sink = open_with_interval("file:continued.tap", 10);
	dnstap_queue *queue = dnstap_queue_new(sink, NULL);
	struct tally *tally = new_tally();
	dnstap_stats s;

	WAIT_FOR_STATS(sink, s, s.state == DNSTAP_STATE_CONNECTED);
	for (int round = 0; round < ROUNDS; round++) {
		log_some(queue, BATCH);
		ASSERT(dnstap_sink_flush(sink, TIMEOUT) == DNSTAP_OK, "round %d: not sent", round);
		take_all_descriptors();
		log_some(queue, BATCH);
		ASSERT(dnstap_sink_flush(sink, TIMEOUT) == DNSTAP_OK, "round %d: not sent", round);
		check_own_files();
	}
	take_all_descriptors();
	dnstap_queue_free(&queue);
	ASSERT_EQ(close_sink(&sink, TIMEOUT).sent, logged);
	check_own_files();
	ASSERT_EQ(tally_file(tally, "continued.tap"), logged);
}

/* Closing keeps its time limit, even a short one, although nothing can wake the thread. */
static void closes_in_time(void)
{
	char output[40];
	dnstap_options *options;
	dnstap_sink *sink;
	dnstap_stats s;

	start_peer(false, false, output);
	options = options_to(output);
	dnstap_options_set_flush_interval(options, 600000);
	dnstap_options_set_close_timeout(options, 10);
	sink = open_sink(options);
	WAIT_FOR_STATS(sink, s, s.state == DNSTAP_STATE_CONNECTED);
	take_all_descriptors();
	close_sink(&sink, 10);
	check_own_files();
	kill(peer_pid, SIGKILL);
}

/* A writer and readers fail, and leave alone what the host has opened. */
static void without_a_thread(void)
{
	dnstap_options *options = options_to("file:written.tap");
	dnstap_message m = example(DNSTAP_MESSAGE_TYPE_CLIENT_QUERY);
	dnstap_writer *writer = dnstap_writer_open(options, NULL);
	dnstap_reader *readers[2];
	dnstap_result result;
	int ends[2];

	ASSERT(writer != NULL && dnstap_writer_write(writer, &m) == DNSTAP_OK, "write");
	ASSERT(dnstap_writer_flush(writer) == DNSTAP_OK, "flush");
	ASSERT(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0, "no sockets");
	readers[0] = dnstap_reader_open("written.tap", NULL);
	readers[1] = dnstap_reader_open_fd(ends[0], NULL);
	ASSERT(readers[0] != NULL && readers[1] != NULL, "no readers");
	take_all_descriptors();
	ASSERT(dnstap_writer_write(writer, &m) == DNSTAP_OK, "buffered");
	ASSERT(dnstap_writer_flush(writer) == DNSTAP_OK, "a file that is still at its path is continued");
	take_all_descriptors();
	ASSERT(unlink("written.tap") == 0 && dnstap_writer_write(writer, &m) == DNSTAP_OK, "buffered");
	result = dnstap_writer_flush(writer);
	ASSERT(result == DNSTAP_ERROR_IO, "flush: %s", dnstap_strerror(result));
	check_own_files();
	for (int i = 0; i < 2; i++) {
		result = dnstap_reader_next(readers[i], NULL, 100);
		ASSERT(result == DNSTAP_ERROR_IO, "reader %d: %s", i, dnstap_strerror(result));
		dnstap_reader_close(&readers[i]);
	}
	ASSERT(dnstap_writer_close(&writer) == DNSTAP_ERROR_IO, "closed");
	check_own_files();
	dnstap_options_free(&options);
}

int main(int argc, char **argv)
{
	static const struct test_case cases[] = {
		CASE_WITH("the host closes an idle stream, Unix", over_unix, IDLE),
		CASE_WITH("the host closes an idle stream, TCP", over_tcp, IDLE),
		CASE_WITH("the host closes an idle stream whose thread has no timer", without_timer, IDLE),
		CASE_WITH("the host closes a stream that is about to be used, Unix", over_unix, LOGGED),
		CASE_WITH("the host closes a stream that is about to be used, TCP", over_tcp, LOGGED),
		CASE_WITH("the host closes a stream during the handshake, Unix", over_unix, SHAKING),
		CASE_WITH("the host closes a stream during the handshake, TCP", over_tcp, SHAKING),
		CASE_WITH("the host closes a stream whose receiver does not read", over_unix, BLOCKED),
		CASE_WITH("the host closes the descriptors of a sink whose receiver is away", over_unix, DOWN),
		CASE_WITH("the host closes a stream that is being closed", over_unix, CLOSING),
		CASE_WITH("the host closes a stream that is being reopened", over_unix, REOPENED),
		CASE("the host closes a file", to_file),
		CASE("the host closes a stream, and then the sink, with a short time limit", closes_in_time),
		CASE("the host closes the descriptors of a writer and of readers", without_a_thread),
	};

	return RUN_CASES(argc, argv, cases);
}
