/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Receivers that are well: those that only listen, and those that are reached by other addresses. */
#include "door.h"
#include "load.h"
#include "messages.h"
#include "sink.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PLENTY = 20000, ENOUGH = 1 };

struct listener {
	struct tally *came;
	double stopped_at;	/* when STOP came */
};

/* Says not a word. START comes first and by itself, and nothing is waited for at the end. */
static void only_listen(struct receiver *r)
{
	struct listener *listener = r->arg;
	int fd = accept_one(r->listening);
	struct frame first;
	int type;

	NEED(read_frame(fd, &first) == START, "the stream began with %d, not START", first.type);
	NEED(has_content_type(&first, CONTENT_TYPE), "START has another content type");
	free_frame(&first);
	while ((type = tally_frame(listener->came, fd)) == DATA)
		if (listener->came->messages == PLENTY)
			receiver_reach(r, ENOUGH);
	NEED(type == STOP, "the stream ended with %d, not STOP", type);
	listener->stopped_at = now();
	type = tally_frame(listener->came, fd);
	NEED(type == END, "%d came behind STOP", type);
	close(fd);
}

/* READY comes first, and START only after the answer. */
static void answer(struct receiver *r)
{
	struct listener *listener = r->arg;
	int fd = accept_one(r->listening);

	NEED(receiver_handshake(r, fd, only_dnstap), "the handshake failed");
	while (listener->came->messages < PLENTY)
		NEED(tally_frame(listener->came, fd) == DATA, "the stream ended early");
	receiver_reach(r, ENOUGH);
	tally_to_stop(listener->came, fd);
	listener->stopped_at = now();
	close(fd);
}

/* Logs until enough has arrived, and closes: all of it arrives. */
static void deliver(dnstap_options *options, int listening, void (*play)(struct receiver *))
{
	struct listener listener = { new_tally(), 0 };
	struct receiver r;
	struct load l;
	dnstap_sink *sink;
	dnstap_stats s;

	receiver_start(&r, listening, play, &listener);
	sink = open_sink(options);
	load_start(&l, sink);
	NEED(receiver_wait(&r, ENOUGH), "the receiver did not get enough; %s", error_of(sink));
	load_stop(&l);
	NEED(*error_of(sink) == '\0', "an error was told: %s", error_of(sink));
	s = settle(&sink, TIMEOUT, &l);
	receiver_finish(&r, stdout);
	NEED(now() - listener.stopped_at < TIMEOUT / 2e3, "closing waited for what does not come");
	EXPECT(s.sent, l.accepted);
	EXPECT(s.connects, 1);
	EXPECT(s.connect_failures, 0);
	EXPECT(s.disconnects, 0);
	EXPECT(listener.came->messages, s.sent);
	EXPECT(listener.came->missing, 0);
}

static void unidirectional(int transport)
{
	struct door door;
	dnstap_options *options;

	door_make(&door, (enum transport)transport);
	door_open(&door);
	options = options_with_ring(door.output, LOAD_RING);
	dnstap_options_set_unidirectional(options, true);
	deliver(options, door.listening, only_listen);
}

/* Hosts as an output names them, and where they listen. */
static const struct host {
	const char *name, *address;
} hosts[] = {
	{ "127.0.0.1", "127.0.0.1" },
	{ "localhost", "127.0.0.1" },
	{ "[::1]", "::1" },
};

enum { IPV4, NAME, IPV6 };

static void host(int which)
{
	char port[8], output[64];
	int listening = listen_tcp(hosts[which].address, port);

	NEED(listening >= 0, "nobody can listen at %s", hosts[which].address);
	snprintf(output, sizeof output, "tcp:%s:%s", hosts[which].name, port);
	deliver(options_with_ring(output, LOAD_RING), listening, answer);
}

int main(int argc, char **argv)
{
	static const struct fault cases[] = {
		{ "Unix: a receiver that only listens", unidirectional, UNIX, 60, 0, NULL },
		{ "TCP: a receiver that only listens", unidirectional, TCP, 60, 0, NULL },
		{ "TCP to an address of IPv4", host, IPV4, 60, 0, NULL },
		{ "TCP to a host by its name", host, NAME, 60, 0, NULL },
		{ "TCP to an address of IPv6", host, IPV6, 60, 0, NULL },
	};
	size_t count = sizeof cases / sizeof *cases;
	char port[8];
	int ipv6 = listen_tcp(hosts[IPV6].address, port);

	if (ipv6 < 0)
		printf("skip - %s: this machine has none\n", cases[--count].name);
	else
		close(ipv6);
	return load_main(argc, argv, cases, count);
}
