/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Receivers that fail or misbehave, while a thread logs at full speed: logging
 * never blocks, the accounts always balance, closing ends in time, the error
 * gives the reason, and messages arrive complete and in order.
 */
#include "address.h"
#include "load.h"
#include "messages.h"
#include "sink.h"

#include <string.h>
#include <unistd.h>

enum {
	SHORT = 500,    /* milliseconds: a close timeout that expires */
	PLENTY = 20000, /* messages that show that a stream works */
	RESETS = 4,
	FAILED_ATTEMPTS = 2, /* before the receiver works */
	PACE = 1024,         /* bytes a second of the slow receiver */
	PACES = 3,
};

/*
 * The steps of the receiver. Each reset of a full stream takes two, from
 * IN_TROUBLE on: the receiver has stopped reading, and the stream may be reset.
 */
enum { IN_TROUBLE = 1, ENOUGH = IN_TROUBLE + 2 * RESETS, OVER };

struct misbehaviour {
	void (*act)(struct receiver *r, int fd); /* until the sender gives up */
	const char *error;
};

struct scenario {
	struct address address;
	const struct misbehaviour *misbehaviour;
	unsigned failures; /* before the receiver behaves */
	struct tally *received;
	int end; /* what followed the data */
	struct receiver receiver;
	struct load load;
	dnstap_sink *sink;
};

/* The address as it appears in errors. */
static const char *address_text(const struct address *a)
{
	return strchr(a->output, ':') + 1;
}

static int accept_sender(struct receiver *r)
{
	struct scenario *scenario = r->arg;
	int fd = accept_one(scenario->address.listening);

	ASSERT(fd >= 0, "the sender did not connect");
	return fd;
}

static int accept_stream(struct receiver *r)
{
	int fd = accept_sender(r);

	ASSERT(receiver_handshake(r, fd, only_dnstap), "the handshake failed");
	return fd;
}

static void receive_frames(struct receiver *r, int fd, unsigned frames)
{
	struct scenario *scenario = r->arg;

	for (unsigned i = 0; i < frames; i++)
		ASSERT(tally_frame(scenario->received, fd) == DATA, "the stream ended early");
}

/* Serves a whole stream. */
static void serve(struct receiver *r)
{
	struct scenario *scenario = r->arg;
	int fd = accept_stream(r);

	receive_frames(r, fd, PLENTY);
	receiver_reach(r, ENOUGH);
	tally_to_stop(scenario->received, fd);
	close(fd);
}

static void prepare_scenario(struct scenario *scenario, int transport)
{
	memset(scenario, 0, sizeof *scenario);
	scenario->received = new_tally();
	address_reserve(&scenario->address, (enum transport)transport);
}

/* Opens the sink, and starts a thread that logs to it. */
static void start_logging(struct scenario *scenario, unsigned close_timeout, unsigned io_timeout)
{
	dnstap_options *options = options_with_ring(scenario->address.output, LOAD_RING);

	dnstap_options_set_close_timeout(options, close_timeout);
	dnstap_options_set_io_timeout(options, io_timeout);
	scenario->sink = open_sink(options);
	load_start(&scenario->load, scenario->sink);
}

static void start_receiver(struct scenario *scenario, void (*play)(struct receiver *))
{
	address_listen(&scenario->address);
	receiver_start(&scenario->receiver, scenario->address.listening, play, scenario);
}

/* Starts a receiver, and a thread that logs to it. */
static void start_scenario(struct scenario *scenario, int transport, void (*play)(struct receiver *),
			   unsigned close_timeout)
{
	prepare_scenario(scenario, transport);
	start_receiver(scenario, play);
	start_logging(scenario, close_timeout, TIMEOUT);
}

/* Ends the stream once the receiver has plenty. Every message that was sent has arrived or is counted as missing. */
static dnstap_stats finish_delivery(struct scenario *scenario)
{
	dnstap_stats s;

	ASSERT(receiver_wait(&scenario->receiver, ENOUGH), "the receiver did not get enough; %s",
	       error_of(scenario->sink));
	load_stop(&scenario->load);
	s = close_loaded_sink(&scenario->sink, TIMEOUT, &scenario->load);
	ASSERT_EQ(s.dropped_closed, 0);
	receiver_finish(&scenario->receiver, stdout);
	ASSERT_EQ(scenario->received->messages + scenario->received->missing, s.sent);
	ASSERT_EQ(scenario->received->next[0], scenario->load.accepted);
	return s;
}

static void absent_then_there(int transport)
{
	struct scenario scenario;
	dnstap_stats s;

	prepare_scenario(&scenario, transport);
	start_logging(&scenario, TIMEOUT, TIMEOUT);
	WAIT_FOR_STATS(scenario.sink, s, s.connect_failures >= FAILED_ATTEMPTS && s.dropped_full > 0);
	ASSERT_EQ(s.connects, 0);
	ASSERT_EQ(s.sent, 0);
	expect_error(scenario.sink,
		     transport == UNIX ? "connecting: No such file" : "connecting: ", address_text(&scenario.address));
	expect_error(scenario.sink, transport == UNIX ? NULL : "refused", NULL);
	start_receiver(&scenario, serve);
	s = finish_delivery(&scenario);
	ASSERT_EQ(s.connects, 1);
	ASSERT_EQ(s.disconnects, 0);
	ASSERT_EQ(scenario.received->missing, 0);
}

static void absent_for_good(int transport)
{
	struct scenario scenario;
	dnstap_stats s;

	prepare_scenario(&scenario, transport);
	start_logging(&scenario, SHORT, TIMEOUT);
	WAIT_FOR_STATS(scenario.sink, s, s.connect_failures >= FAILED_ATTEMPTS && s.state == DNSTAP_STATE_DISCONNECTED);
	load_stop(&scenario.load);
	s = close_loaded_sink(&scenario.sink, SHORT, &scenario.load);
	ASSERT_EQ(s.sent, 0);
	ASSERT_EQ(s.connects, 0);
	ASSERT_EQ(s.disconnects, 0);
}

/* Returns whether the ring is full, and nothing was sent between many polls in a row. */
static bool has_stalled(const dnstap_stats *s, uint64_t *sent, unsigned *unchanged)
{
	enum { MANY = 100 };

	*unchanged = s->dropped_full > 0 && s->sent == *sent ? *unchanged + 1 : 0;
	*sent = s->sent;
	return *unchanged >= MANY;
}

static void wait_for_stall(const dnstap_sink *sink)
{
	dnstap_stats s;
	uint64_t sent = 0;
	unsigned unchanged = 0;

	WAIT_FOR_STATS(sink, s, has_stalled(&s, &sent, &unchanged));
}

static void reset_streams(struct receiver *r)
{
	for (int i = 0; i < RESETS; i++) {
		int fd = accept_stream(r);

		/* At another place of the stream each time. */
		receive_frames(r, fd, PLENTY / 4 + 7 * (unsigned)i);
		reset_connection(fd);
	}
	serve(r);
}

/* Stops reading first, until the sender is blocked in the middle of a write. */
static void reset_full_streams(struct receiver *r)
{
	for (int i = 0; i < RESETS; i++) {
		int fd = accept_stream(r);

		receive_frames(r, fd, PLENTY / 4 + 7 * (unsigned)i);
		receiver_reach(r, IN_TROUBLE + 2 * i);
		ASSERT(receiver_wait(r, IN_TROUBLE + 2 * i + 1), "the sender did not stall");
		reset_connection(fd);
	}
	serve(r);
}

/* Connections break off, and the next one is accepted each time. */
static void break_off(int transport, void (*play)(struct receiver *))
{
	struct scenario scenario;
	dnstap_stats s;

	start_scenario(&scenario, transport, play, TIMEOUT);
	for (int i = 0; i < RESETS && play == reset_full_streams; i++) {
		ASSERT(receiver_wait(&scenario.receiver, IN_TROUBLE + 2 * i), "the receiver saw no stream");
		wait_for_stall(scenario.sink);
		receiver_reach(&scenario.receiver, IN_TROUBLE + 2 * i + 1);
	}
	WAIT_FOR_STATS(scenario.sink, s, s.connects == RESETS + 1);
	expect_error(scenario.sink, "the stream broke: ", address_text(&scenario.address));
	s = finish_delivery(&scenario);
	ASSERT_EQ(s.connects, RESETS + 1);
	ASSERT_EQ(s.disconnects, RESETS);
	ASSERT_EQ(s.connect_failures, 0);
	ASSERT(scenario.received->gaps <= RESETS, "messages are missing in %u places", scenario.received->gaps);
}

static void reset(int transport)
{
	break_off(transport, reset_streams);
}

static void reset_when_full(int transport)
{
	break_off(transport, reset_full_streams);
}

static void die_after_a_stream(struct receiver *r)
{
	struct scenario *scenario = r->arg;
	int fd = accept_stream(r);

	receive_frames(r, fd, PLENTY);
	address_abandon(&scenario->address);
	reset_connection(fd);
	receiver_reach(r, IN_TROUBLE);
}

static void killed(int transport)
{
	struct scenario scenario;
	dnstap_stats s;

	start_scenario(&scenario, transport, die_after_a_stream, TIMEOUT);
	ASSERT(receiver_wait(&scenario.receiver, IN_TROUBLE), "the receiver did not get a stream");
	receiver_finish(&scenario.receiver, stdout);
	WAIT_FOR_STATS(scenario.sink, s, s.connect_failures >= FAILED_ATTEMPTS);
	ASSERT_EQ(s.connects, 1);
	ASSERT_EQ(s.disconnects, 1);
	expect_error(scenario.sink, "connecting: ", "refused");
	expect_error(scenario.sink, NULL, address_text(&scenario.address));
	start_receiver(&scenario, serve);
	s = finish_delivery(&scenario);
	ASSERT_EQ(s.connects, 2);
	ASSERT_EQ(s.disconnects, 1);
	ASSERT(scenario.received->gaps <= 1, "messages are missing in %u places", scenario.received->gaps);
}

/* Receives all that was sent before the sender gave up. */
static void receive_rest(struct receiver *r, int fd)
{
	struct scenario *scenario = r->arg;

	/* Without a deadline: a busy machine takes long to fill the ring. */
	while (!receiver_wait(r, OVER))
		;
	scenario->end = tally_stream(scenario->received, fd);
	close(fd);
}

static void stop_reading(struct receiver *r)
{
	int fd = accept_stream(r);

	receiver_reach(r, IN_TROUBLE);
	receive_rest(r, fd);
}

/* Waits for a second, or the end of the test; returns whether that came first. */
static bool wait_a_second(struct receiver *r)
{
	struct timespec until;
	int late = 0;
	bool over;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec++;
	pthread_mutex_lock(&r->lock);
	while (r->step < OVER && late == 0)
		late = pthread_cond_timedwait(&r->moved, &r->lock, &until);
	over = r->step >= OVER;
	pthread_mutex_unlock(&r->lock);
	return over;
}

static void read_slowly(struct receiver *r)
{
	struct scenario *scenario = r->arg;
	int fd = accept_stream(r), paces = 0;

	do {
		uint64_t before = scenario->received->messages;

		/* Frames are no shorter than their queries. */
		while ((scenario->received->messages - before) * LOAD_MIN_QUERY < PACE)
			receive_frames(r, fd, 1);
		if (++paces == PACES)
			receiver_reach(r, IN_TROUBLE);
	} while (!wait_a_second(r));
	receive_rest(r, fd);
}

/* A receiver that is connected and reads too little: messages that were sent arrive, and the others are counted. */
static void too_little(int transport, void (*play)(struct receiver *))
{
	struct scenario scenario;
	dnstap_stats s;

	start_scenario(&scenario, transport, play, SHORT);
	ASSERT(receiver_wait(&scenario.receiver, IN_TROUBLE), "the receiver saw no stream");
	wait_for_stall(scenario.sink);
	load_stop(&scenario.load);
	s = stats_of(scenario.sink);
	ASSERT_EQ(s.state, DNSTAP_STATE_CONNECTED);
	ASSERT(*error_of(scenario.sink) == '\0', "there is an error: %s", error_of(scenario.sink));
	s = close_loaded_sink(&scenario.sink, SHORT, &scenario.load);
	receiver_reach(&scenario.receiver, OVER);
	receiver_finish(&scenario.receiver, stdout);
	ASSERT(s.dropped_closed > 0, "no message was dropped");
	ASSERT_EQ(s.connects, 1);
	ASSERT_EQ(s.connect_failures, 0);
	ASSERT_EQ(s.disconnects, 0);
	ASSERT_EQ(scenario.received->messages, s.sent);
	ASSERT_EQ(scenario.received->missing, 0);
	ASSERT(scenario.end == END || scenario.end == CUT, "the stream ended with %d", scenario.end);
}

static void stopped(int transport)
{
	too_little(transport, stop_reading);
}

static void slow(int transport)
{
	too_little(transport, read_slowly);
}

/* The thread goes on logging while the sink is closed, and afterwards. */
static void logging_on(int transport)
{
	struct scenario scenario;
	dnstap_stats s;

	start_scenario(&scenario, transport, stop_reading, SHORT);
	ASSERT(receiver_wait(&scenario.receiver, IN_TROUBLE), "the receiver saw no stream");
	wait_for_stall(scenario.sink);
	s = close_sink(&scenario.sink, SHORT);
	load_stop(&scenario.load);
	receiver_reach(&scenario.receiver, OVER);
	receiver_finish(&scenario.receiver, stdout);
	ASSERT_EQ(s.logged, scenario.load.accepted + scenario.load.full);
	ASSERT_EQ(scenario.received->messages, s.sent);
	/* A call that was in progress when the sink was closed may have left its message. */
	ASSERT(s.waiting <= 1, "%llu still wait", (unsigned long long)s.waiting);
	ASSERT(scenario.load.closed > 0, "logging was not refused");
}

static void refuse(struct receiver *r, int fd)
{
	static const char *const others[] = { "text/plain", NULL };

	receiver_read(r, fd);
	send_control(fd, ACCEPT, others);
	read_to_end(fd);
}

static void hang_up(struct receiver *r, int fd)
{
	static const char half[] = { 0, 0, 0, 0, 0, 0 };

	receiver_read(r, fd);
	send_bytes(fd, half, sizeof half);
}

static void send_garbage(struct receiver *r, int fd)
{
	static const char garbage[] = "HTTP/1.1 400 Bad Request\r\n\r\n";

	receiver_read(r, fd);
	send_bytes(fd, garbage, sizeof garbage - 1);
	read_to_end(fd);
}

static void stay_silent(struct receiver *r, int fd)
{
	receiver_read(r, fd);
	read_to_end(fd);
}

enum { WELL_BEHAVED, REFUSES, HANGS_UP, SENDS_GARBAGE, IS_SILENT };

static const struct misbehaviour misbehaviours[] = {
	[REFUSES] = { refuse, "handshake: no content type in common" },
	[HANGS_UP] = { hang_up, "handshake: the receiver closed the connection" },
	[SENDS_GARBAGE] = { send_garbage, "handshake: peer sent data in the handshake" },
	[IS_SILENT] = { stay_silent, "handshake: the receiver did not answer within 2 s" },
};

static void fail_then_serve(struct receiver *r)
{
	struct scenario *scenario = r->arg;

	for (unsigned i = 0; i < scenario->failures; i++) {
		int fd = accept_sender(r);

		scenario->misbehaviour->act(r, fd);
		close(fd);
	}
	serve(r);
}

/* The argument of a case: the misbehaviour in the handshake, and the transport. */
#define OVER_BOTH(name, run, misbehaviour) \
	CASE_WITH("Unix: " name, run, (misbehaviour) << 1 | UNIX), \
		CASE_WITH("TCP: " name, run, (misbehaviour) << 1 | TCP)

static void start_misbehaving(struct scenario *scenario, int which, unsigned failures, unsigned close_timeout)
{
	prepare_scenario(scenario, which & 1);
	scenario->misbehaviour = &misbehaviours[which >> 1];
	scenario->failures = failures;
	start_receiver(scenario, fail_then_serve);
	start_logging(scenario, close_timeout, which >> 1 == IS_SILENT ? 2000 : TIMEOUT);
}

static void recovers(int which)
{
	struct scenario scenario;
	dnstap_stats s;

	start_misbehaving(&scenario, which, FAILED_ATTEMPTS, TIMEOUT);
	WAIT_FOR_STATS(scenario.sink, s, s.connects == 1);
	ASSERT_EQ(s.connect_failures, FAILED_ATTEMPTS);
	expect_error(scenario.sink, scenario.misbehaviour->error, address_text(&scenario.address));
	s = finish_delivery(&scenario);
	ASSERT_EQ(s.connects, 1);
	ASSERT_EQ(s.connect_failures, FAILED_ATTEMPTS);
	ASSERT_EQ(s.disconnects, 0);
	ASSERT_EQ(scenario.received->missing, 0);
}

static void persists(int which)
{
	struct scenario scenario;
	dnstap_stats s;

	start_misbehaving(&scenario, which, ~0u, SHORT);
	WAIT_FOR_STATS(scenario.sink, s, s.connect_failures >= FAILED_ATTEMPTS);
	expect_error(scenario.sink, scenario.misbehaviour->error, address_text(&scenario.address));
	load_stop(&scenario.load);
	s = close_loaded_sink(&scenario.sink, SHORT, &scenario.load);
	ASSERT_EQ(s.connects, 0);
	ASSERT_EQ(s.disconnects, 0);
	ASSERT_EQ(s.sent, 0);
}

static void serve_without_finish(struct receiver *r)
{
	struct scenario *scenario = r->arg;
	int fd = accept_stream(r);

	receive_frames(r, fd, PLENTY);
	receiver_reach(r, ENOUGH);
	scenario->end = tally_stream(scenario->received, fd);
	ASSERT(read_to_end(fd), "the sender waits for FINISH without a deadline");
	close(fd);
}

static void no_finish(int transport)
{
	enum { ENOUGH_FOR_DATA = 2000 };
	struct scenario scenario;
	dnstap_stats s;

	start_scenario(&scenario, transport, serve_without_finish, ENOUGH_FOR_DATA);
	ASSERT(receiver_wait(&scenario.receiver, ENOUGH), "the receiver did not get enough");
	load_stop(&scenario.load);
	s = close_loaded_sink(&scenario.sink, ENOUGH_FOR_DATA, &scenario.load);
	receiver_finish(&scenario.receiver, stdout);
	ASSERT_EQ(scenario.end, STOP);
	ASSERT_EQ(scenario.received->messages, s.sent);
	ASSERT_EQ(s.sent, scenario.load.accepted);
	ASSERT_EQ(s.connects, 1);
	ASSERT_EQ(s.connect_failures, 0);
	ASSERT_EQ(s.disconnects, 0);
}

int main(int argc, char **argv)
{
	static const struct test_case cases[] = {
		OVER_BOTH("a receiver that comes late", absent_then_there, WELL_BEHAVED),
		OVER_BOTH("a receiver that never comes", absent_for_good, WELL_BEHAVED),
		OVER_BOTH("connections that are reset", reset, WELL_BEHAVED),
		OVER_BOTH("connections that are reset while they are full", reset_when_full, WELL_BEHAVED),
		OVER_BOTH("a receiver that is killed and comes back", killed, WELL_BEHAVED),
		OVER_BOTH("a receiver that stops reading", stopped, WELL_BEHAVED),
		OVER_BOTH("a receiver that reads 1 KiB a second", slow, WELL_BEHAVED),
		OVER_BOTH("logging goes on while the sink closes", logging_on, WELL_BEHAVED),
		OVER_BOTH("the content type is refused twice", recovers, REFUSES),
		OVER_BOTH("the content type is always refused", persists, REFUSES),
		OVER_BOTH("two handshakes break off", recovers, HANGS_UP),
		OVER_BOTH("every handshake breaks off", persists, HANGS_UP),
		OVER_BOTH("two answers are garbage", recovers, SENDS_GARBAGE),
		OVER_BOTH("every answer is garbage", persists, SENDS_GARBAGE),
		OVER_BOTH("two handshakes are not answered", recovers, IS_SILENT),
		OVER_BOTH("no handshake is answered", persists, IS_SILENT),
		OVER_BOTH("FINISH never comes", no_finish, WELL_BEHAVED),
	};

	return load_main(argc, argv, cases, sizeof cases / sizeof *cases);
}
