/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Receivers in trouble, while a thread logs at full speed: it is never held up,
 * the accounts always balance, closing ends in time, the error says what was
 * wrong, and what arrives is whole and in order.
 */
#include "door.h"
#include "load.h"
#include "messages.h"
#include "sink.h"

#include <string.h>
#include <unistd.h>

enum {
	SHORT = 500,		/* milliseconds to close, where the time will be used up */
	PLENTY = 20000,		/* messages that show that a stream is well */
	KILLS = 4,
	TRIES = 2,		/* that fail before the receiver is well */
	PACE = 1024,		/* bytes a second of the slow receiver */
	PACES = 3,
};

/*
 * What the receiver announces, and what it is told. Kills by appointment have
 * two steps each, from IN_TROUBLE on: it does not read, and it may be killed.
 */
enum { IN_TROUBLE = 1, ENOUGH = IN_TROUBLE + 2 * KILLS, OVER };

struct trouble {
	void (*meet)(struct receiver *r, int fd);	/* a receiver that is not well, until the sender gives up */
	const char *says;
};

struct scene {
	struct door door;
	const struct trouble *trouble;
	unsigned tries;		/* before the receiver is well */
	struct tally *came;
	int end;		/* what came behind the data */
};

/* Where the errors say that the receiver is. */
static const char *address(const struct door *d)
{
	return strchr(d->output, ':') + 1;
}

static int next_sender(struct receiver *r)
{
	struct scene *scene = r->arg;
	int fd = accept_one(scene->door.listening);

	NEED(fd >= 0, "the sender did not come");
	return fd;
}

static int next_stream(struct receiver *r)
{
	int fd = next_sender(r);

	NEED(receiver_handshake(r, fd, only_dnstap), "the handshake failed");
	return fd;
}

static void take(struct receiver *r, int fd, unsigned frames)
{
	struct scene *scene = r->arg;

	for (unsigned i = 0; i < frames; i++)
		NEED(tally_frame(scene->came, fd) == DATA, "the stream ended early");
}

/* Serves a stream that is well. */
static void serve(struct receiver *r)
{
	struct scene *scene = r->arg;
	int fd = next_stream(r);

	take(r, fd, PLENTY);
	receiver_reach(r, ENOUGH);
	tally_to_stop(scene->came, fd);
	close(fd);
}

static void open_scene(struct scene *scene, int transport)
{
	memset(scene, 0, sizeof *scene);
	scene->came = new_tally();
	door_make(&scene->door, (enum transport)transport);
}

static dnstap_sink *open_troubled(const struct scene *scene, unsigned close_timeout)
{
	dnstap_options *options = options_with_ring(scene->door.output, LOAD_RING);

	dnstap_options_set_close_timeout(options, close_timeout);
	return open_sink(options);
}

/* A receiver that plays its part, and a thread that logs to it. */
static dnstap_sink *begin(struct scene *scene, int transport, struct receiver *r, void (*play)(struct receiver *),
	unsigned close_timeout, struct load *l)
{
	dnstap_sink *sink;

	open_scene(scene, transport);
	door_open(&scene->door);
	receiver_start(r, scene->door.listening, play, scene);
	sink = open_troubled(scene, close_timeout);
	load_start(l, sink);
	return sink;
}

/* Once the receiver is well, ends the stream. All that was sent has arrived, but for `lost` messages. */
static dnstap_stats end_well(dnstap_sink **sink, struct load *l, struct receiver *r)
{
	struct scene *scene = r->arg;
	dnstap_stats s;

	NEED(receiver_wait(r, ENOUGH), "the receiver did not get enough; %s", error_of(*sink));
	load_stop(l);
	s = settle(sink, TIMEOUT, l);
	EXPECT(s.dropped_closed, 0);
	receiver_finish(r, stdout);
	EXPECT(scene->came->messages + scene->came->missing, s.sent);
	EXPECT(scene->came->next[0], l->accepted);
	return s;
}

static void absent_then_there(int transport)
{
	struct scene scene;
	struct receiver r;
	struct load l;
	dnstap_sink *sink;
	dnstap_stats s;

	open_scene(&scene, transport);
	sink = open_troubled(&scene, TIMEOUT);
	load_start(&l, sink);
	AWAIT_STATS(sink, s, s.connect_failures >= TRIES && s.dropped_full > 0);
	EXPECT(s.connects, 0);
	EXPECT(s.sent, 0);
	expect_error(sink, transport == UNIX ? "connecting: No such file" : "connecting: ", address(&scene.door));
	expect_error(sink, transport == UNIX ? NULL : "refused", NULL);
	door_open(&scene.door);
	receiver_start(&r, scene.door.listening, serve, &scene);
	s = end_well(&sink, &l, &r);
	EXPECT(s.connects, 1);
	EXPECT(s.disconnects, 0);
	EXPECT(scene.came->missing, 0);
}

static void absent_for_good(int transport)
{
	struct scene scene;
	struct load l;
	dnstap_sink *sink;
	dnstap_stats s;

	open_scene(&scene, transport);
	sink = open_troubled(&scene, SHORT);
	load_start(&l, sink);
	AWAIT_STATS(sink, s, s.connect_failures >= TRIES && s.state == DNSTAP_STATE_DISCONNECTED);
	load_stop(&l);
	s = settle(&sink, SHORT, &l);
	EXPECT(s.sent, 0);
	EXPECT(s.connects, 0);
	EXPECT(s.disconnects, 0);
}

/* Whether the ring is full, and nothing has gone out any more at so many looks in a row. */
static bool stands_still(const dnstap_stats *s, uint64_t *sent, unsigned *looks)
{
	enum { MANY = 100 };

	*looks = s->dropped_full > 0 && s->sent == *sent ? *looks + 1 : 0;
	*sent = s->sent;
	return *looks >= MANY;
}

static void await_standstill(const dnstap_sink *sink)
{
	dnstap_stats s;
	uint64_t sent = 0;
	unsigned looks = 0;

	AWAIT_STATS(sink, s, stands_still(&s, &sent, &looks));
}

static void get_killed(struct receiver *r)
{
	for (int i = 0; i < KILLS; i++) {
		int fd = next_stream(r);

		/* Each time at another place in what is under way. */
		take(r, fd, PLENTY / 4 + 7 * (unsigned)i);
		slam(fd);
	}
	serve(r);
}

/* Stops reading first, until the sender is stuck in the middle of something. */
static void get_killed_when_full(struct receiver *r)
{
	for (int i = 0; i < KILLS; i++) {
		int fd = next_stream(r);

		take(r, fd, PLENTY / 4 + 7 * (unsigned)i);
		receiver_reach(r, IN_TROUBLE + 2 * i);
		NEED(receiver_wait(r, IN_TROUBLE + 2 * i + 1), "the sender never stood still");
		slam(fd);
	}
	serve(r);
}

/* Connections break off, but the next one is taken each time. */
static void break_off(int transport, void (*play)(struct receiver *))
{
	struct scene scene;
	struct receiver r;
	struct load l;
	dnstap_sink *sink;
	dnstap_stats s;

	sink = begin(&scene, transport, &r, play, TIMEOUT, &l);
	for (int i = 0; i < KILLS && play == get_killed_when_full; i++) {
		NEED(receiver_wait(&r, IN_TROUBLE + 2 * i), "the receiver saw no stream");
		await_standstill(sink);
		receiver_reach(&r, IN_TROUBLE + 2 * i + 1);
	}
	AWAIT_STATS(sink, s, s.connects == KILLS + 1);
	expect_error(sink, "the stream broke: ", address(&scene.door));
	s = end_well(&sink, &l, &r);
	EXPECT(s.connects, KILLS + 1);
	EXPECT(s.disconnects, KILLS);
	EXPECT(s.connect_failures, 0);
	NEED(scene.came->gaps <= KILLS, "messages are missing in %u places", scene.came->gaps);
}

static void reset(int transport)
{
	break_off(transport, get_killed);
}

static void reset_when_full(int transport)
{
	break_off(transport, get_killed_when_full);
}

static void get_killed_and_come_back(struct receiver *r)
{
	struct scene *scene = r->arg;
	int fd = next_stream(r);

	take(r, fd, PLENTY);
	door_shut(&scene->door);
	slam(fd);
	receiver_reach(r, IN_TROUBLE);
}

static void killed(int transport)
{
	struct scene scene;
	struct receiver r;
	struct load l;
	dnstap_sink *sink;
	dnstap_stats s;

	sink = begin(&scene, transport, &r, get_killed_and_come_back, TIMEOUT, &l);
	NEED(receiver_wait(&r, IN_TROUBLE), "the receiver had no chance to be killed");
	receiver_finish(&r, stdout);
	AWAIT_STATS(sink, s, s.connect_failures >= TRIES);
	EXPECT(s.connects, 1);
	EXPECT(s.disconnects, 1);
	expect_error(sink, "connecting: ", "refused");
	expect_error(sink, NULL, address(&scene.door));
	door_open(&scene.door);
	receiver_start(&r, scene.door.listening, serve, &scene);
	s = end_well(&sink, &l, &r);
	EXPECT(s.connects, 2);
	EXPECT(s.disconnects, 1);
	NEED(scene.came->gaps <= 1, "messages are missing in %u places", scene.came->gaps);
}

/* What had been sent before the sender gave up, to the last byte. */
static void take_remains(struct receiver *r, int fd)
{
	struct scene *scene = r->arg;

	/* As long as the case may take: a busy machine needs its time to fill the ring. */
	while (!receiver_wait(r, OVER))
		;
	scene->end = tally_stream(scene->came, fd);
	close(fd);
}

static void stop_reading(struct receiver *r)
{
	int fd = next_stream(r);

	receiver_reach(r, IN_TROUBLE);
	take_remains(r, fd);
}

/* Waits until a second has passed; true if the test was over before. */
static bool rest(struct receiver *r)
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
	struct scene *scene = r->arg;
	int fd = next_stream(r), paces = 0;

	do {
		uint64_t before = scene->came->messages;

		/* Frames are no shorter than their queries. */
		while ((scene->came->messages - before) * LOAD_SHORTEST < PACE)
			take(r, fd, 1);
		if (++paces == PACES)
			receiver_reach(r, IN_TROUBLE);
	} while (!rest(r));
	take_remains(r, fd);
}

/* A receiver that is there and takes too little: what has been sent arrives, and the rest is counted. */
static void too_little(int transport, void (*play)(struct receiver *))
{
	struct scene scene;
	struct receiver r;
	struct load l;
	dnstap_sink *sink;
	dnstap_stats s;

	sink = begin(&scene, transport, &r, play, SHORT, &l);
	NEED(receiver_wait(&r, IN_TROUBLE), "the receiver saw no stream");
	await_standstill(sink);
	load_stop(&l);
	s = stats_of(sink);
	EXPECT(s.state, DNSTAP_STATE_CONNECTED);
	NEED(*error_of(sink) == '\0', "an error was told: %s", error_of(sink));
	s = settle(&sink, SHORT, &l);
	receiver_reach(&r, OVER);
	receiver_finish(&r, stdout);
	NEED(s.dropped_closed > 0, "nothing was left to be dropped");
	EXPECT(s.connects, 1);
	EXPECT(s.connect_failures, 0);
	EXPECT(s.disconnects, 0);
	EXPECT(scene.came->messages, s.sent);
	EXPECT(scene.came->missing, 0);
	NEED(scene.end == END || scene.end == CUT, "the stream ended with %d", scene.end);
}

static void stopped(int transport)
{
	too_little(transport, stop_reading);
}

static void slow(int transport)
{
	too_little(transport, read_slowly);
}

/* The thread logs on while the sink is closed, and after that. */
static void logging_on(int transport)
{
	struct scene scene;
	struct receiver r;
	struct load l;
	dnstap_sink *sink;
	dnstap_stats s;

	sink = begin(&scene, transport, &r, stop_reading, SHORT, &l);
	NEED(receiver_wait(&r, IN_TROUBLE), "the receiver saw no stream");
	await_standstill(sink);
	s = close_sink(&sink, SHORT);
	load_stop(&l);
	receiver_reach(&r, OVER);
	receiver_finish(&r, stdout);
	EXPECT(s.logged, l.accepted + l.full);
	EXPECT(scene.came->messages, s.sent);
	/* One that was under way when the sink was closed may have stayed behind. */
	NEED(s.waiting <= 1, "%llu wait for ever", (unsigned long long)s.waiting);
	NEED(l.closed > 0, "logging was not refused");
}

static void refuse(struct receiver *r, int fd)
{
	static const char *const others[] = { "text/plain", NULL };

	receiver_read(r, fd);
	send_control(fd, ACCEPT, others);
	read_to_end(fd);
}

static void leave(struct receiver *r, int fd)
{
	static const char half[] = { 0, 0, 0, 0, 0, 0 };

	receiver_read(r, fd);
	send_bytes(fd, half, sizeof half);
}

static void talk(struct receiver *r, int fd)
{
	static const char garbage[] = "HTTP/1.1 400 Bad Request\r\n\r\n";

	receiver_read(r, fd);
	send_bytes(fd, garbage, sizeof garbage - 1);
	read_to_end(fd);
}

static void be_silent(struct receiver *r, int fd)
{
	receiver_read(r, fd);
	read_to_end(fd);
}

enum { REFUSES, LEAVES, TALKS, IS_SILENT };

static const struct trouble troubles[] = {
	[REFUSES] = { refuse, "handshake: no content type in common" },
	[LEAVES] = { leave, "handshake: the receiver closed the connection" },
	[TALKS] = { talk, "handshake: peer sent data in the handshake" },
	[IS_SILENT] = { be_silent, "handshake: the receiver did not answer within 2 s" },
};

static void fail_then_serve(struct receiver *r)
{
	struct scene *scene = r->arg;

	for (unsigned i = 0; i < scene->tries; i++) {
		int fd = next_sender(r);

		scene->trouble->meet(r, fd);
		close(fd);
	}
	serve(r);
}

/* A case of a trouble in the handshake, over one of the transports. */
#define OVER_UNIX(trouble) ((trouble) << 1 | UNIX)
#define OVER_TCP(trouble) ((trouble) << 1 | TCP)

static dnstap_sink *meet_trouble(struct scene *scene, struct receiver *r, int which, unsigned tries,
				 unsigned close_timeout)
{
	dnstap_options *options;

	open_scene(scene, which & 1);
	scene->trouble = &troubles[which >> 1];
	scene->tries = tries;
	door_open(&scene->door);
	receiver_start(r, scene->door.listening, fail_then_serve, scene);
	options = options_with_ring(scene->door.output, LOAD_RING);
	if (which >> 1 == IS_SILENT)
		dnstap_options_set_io_timeout(options, 2000);
	dnstap_options_set_close_timeout(options, close_timeout);
	return open_sink(options);
}

static void recovers(int which)
{
	struct scene scene;
	struct receiver r;
	struct load l;
	dnstap_sink *sink = meet_trouble(&scene, &r, which, TRIES, TIMEOUT);
	dnstap_stats s;

	load_start(&l, sink);
	AWAIT_STATS(sink, s, s.connects == 1);
	EXPECT(s.connect_failures, TRIES);
	expect_error(sink, scene.trouble->says, address(&scene.door));
	s = end_well(&sink, &l, &r);
	EXPECT(s.connects, 1);
	EXPECT(s.connect_failures, TRIES);
	EXPECT(s.disconnects, 0);
	EXPECT(scene.came->missing, 0);
}

static void persists(int which)
{
	struct scene scene;
	struct receiver r;
	struct load l;
	dnstap_sink *sink = meet_trouble(&scene, &r, which, ~0u, SHORT);
	dnstap_stats s;

	load_start(&l, sink);
	AWAIT_STATS(sink, s, s.connect_failures >= TRIES);
	expect_error(sink, scene.trouble->says, address(&scene.door));
	load_stop(&l);
	s = settle(&sink, SHORT, &l);
	EXPECT(s.connects, 0);
	EXPECT(s.disconnects, 0);
	EXPECT(s.sent, 0);
}

static void serve_without_finish(struct receiver *r)
{
	struct scene *scene = r->arg;
	int fd = next_stream(r);

	take(r, fd, PLENTY);
	receiver_reach(r, ENOUGH);
	scene->end = tally_stream(scene->came, fd);
	NEED(read_to_end(fd), "the sender waits for FINISH without end");
	close(fd);
}

static void no_finish(int transport)
{
	enum { ENOUGH_FOR_DATA = 2000 };
	struct scene scene;
	struct receiver r;
	struct load l;
	dnstap_sink *sink;
	dnstap_stats s;

	sink = begin(&scene, transport, &r, serve_without_finish, ENOUGH_FOR_DATA, &l);
	NEED(receiver_wait(&r, ENOUGH), "the receiver did not get enough");
	load_stop(&l);
	s = settle(&sink, ENOUGH_FOR_DATA, &l);
	receiver_finish(&r, stdout);
	EXPECT(scene.end, STOP);
	EXPECT(scene.came->messages, s.sent);
	EXPECT(s.sent, l.accepted);
	EXPECT(s.connects, 1);
	EXPECT(s.connect_failures, 0);
	EXPECT(s.disconnects, 0);
}

int main(int argc, char **argv)
{
	enum { LIMIT = 60 };
	static const struct fault cases[] = {
		{ "Unix: a receiver that comes late", absent_then_there, UNIX, LIMIT, 0, NULL },
		{ "TCP: a receiver that comes late", absent_then_there, TCP, LIMIT, 0, NULL },
		{ "Unix: a receiver that never comes", absent_for_good, UNIX, LIMIT, 0, NULL },
		{ "TCP: a receiver that never comes", absent_for_good, TCP, LIMIT, 0, NULL },
		{ "Unix: connections that are reset", reset, UNIX, LIMIT, 0, NULL },
		{ "TCP: connections that are reset", reset, TCP, LIMIT, 0, NULL },
		{ "Unix: connections that are reset when they are full", reset_when_full, UNIX, LIMIT, 0, NULL },
		{ "TCP: connections that are reset when they are full", reset_when_full, TCP, LIMIT, 0, NULL },
		{ "Unix: a receiver that is killed and comes back", killed, UNIX, LIMIT, 0, NULL },
		{ "TCP: a receiver that is killed and comes back", killed, TCP, LIMIT, 0, NULL },
		{ "Unix: a receiver that stops reading", stopped, UNIX, LIMIT, 0, NULL },
		{ "TCP: a receiver that stops reading", stopped, TCP, LIMIT, 0, NULL },
		{ "Unix: a receiver that reads 1 KiB a second", slow, UNIX, LIMIT, 0, NULL },
		{ "TCP: a receiver that reads 1 KiB a second", slow, TCP, LIMIT, 0, NULL },
		{ "Unix: logging goes on while the sink closes", logging_on, UNIX, LIMIT, 0, NULL },
		{ "TCP: logging goes on while the sink closes", logging_on, TCP, LIMIT, 0, NULL },
		{ "Unix: the content type is refused twice", recovers, OVER_UNIX(REFUSES), LIMIT, 0, NULL },
		{ "TCP: the content type is refused twice", recovers, OVER_TCP(REFUSES), LIMIT, 0, NULL },
		{ "Unix: the content type is refused for good", persists, OVER_UNIX(REFUSES), LIMIT, 0, NULL },
		{ "TCP: the content type is refused for good", persists, OVER_TCP(REFUSES), LIMIT, 0, NULL },
		{ "Unix: two handshakes break off", recovers, OVER_UNIX(LEAVES), LIMIT, 0, NULL },
		{ "TCP: two handshakes break off", recovers, OVER_TCP(LEAVES), LIMIT, 0, NULL },
		{ "Unix: all handshakes break off", persists, OVER_UNIX(LEAVES), LIMIT, 0, NULL },
		{ "TCP: all handshakes break off", persists, OVER_TCP(LEAVES), LIMIT, 0, NULL },
		{ "Unix: two answers are garbage", recovers, OVER_UNIX(TALKS), LIMIT, 0, NULL },
		{ "TCP: two answers are garbage", recovers, OVER_TCP(TALKS), LIMIT, 0, NULL },
		{ "Unix: all answers are garbage", persists, OVER_UNIX(TALKS), LIMIT, 0, NULL },
		{ "TCP: all answers are garbage", persists, OVER_TCP(TALKS), LIMIT, 0, NULL },
		{ "Unix: two handshakes are not answered", recovers, OVER_UNIX(IS_SILENT), LIMIT, 0, NULL },
		{ "TCP: two handshakes are not answered", recovers, OVER_TCP(IS_SILENT), LIMIT, 0, NULL },
		{ "Unix: no handshake is answered", persists, OVER_UNIX(IS_SILENT), LIMIT, 0, NULL },
		{ "TCP: no handshake is answered", persists, OVER_TCP(IS_SILENT), LIMIT, 0, NULL },
		{ "Unix: FINISH never comes", no_finish, UNIX, LIMIT, 0, NULL },
		{ "TCP: FINISH never comes", no_finish, TCP, LIMIT, 0, NULL },
	};

	return load_main(argc, argv, cases, sizeof cases / sizeof *cases);
}
