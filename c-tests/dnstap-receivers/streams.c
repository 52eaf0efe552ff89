/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Receivers that work: unidirectional streams, and other kinds of addresses. */
#include "address.h"
#include "load.h"
#include "messages.h"
#include "sink.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PLENTY = 20000, ENOUGH = 1 };

struct arrivals {
	struct tally *received;
	double stopped_at; /* when STOP came */
};

/* Never replies: START is the first frame, and the sender waits for nothing at the end. */
static void never_reply(struct receiver *r)
{
	struct arrivals *arrivals = r->arg;
	int fd = accept_one(r->listening);
	struct frame first;
	int type;

	ASSERT(read_frame(fd, &first) == START, "the stream began with %d, not START", first.type);
	ASSERT(has_content_type(&first, CONTENT_TYPE), "START has another content type");
	free_frame(&first);
	while ((type = tally_frame(arrivals->received, fd)) == DATA)
		if (arrivals->received->messages == PLENTY)
			receiver_reach(r, ENOUGH);
	ASSERT(type == STOP, "the stream ended with %d, not STOP", type);
	arrivals->stopped_at = now();
	type = tally_frame(arrivals->received, fd);
	ASSERT(type == END, "%d came after STOP", type);
	close(fd);
}

/* Replies: READY is the first frame, and START follows the reply. */
static void answer(struct receiver *r)
{
	struct arrivals *arrivals = r->arg;
	int fd = accept_one(r->listening);

	ASSERT(receiver_handshake(r, fd, only_dnstap), "the handshake failed");
	while (arrivals->received->messages < PLENTY)
		ASSERT(tally_frame(arrivals->received, fd) == DATA, "the stream ended early");
	receiver_reach(r, ENOUGH);
	tally_to_stop(arrivals->received, fd);
	arrivals->stopped_at = now();
	close(fd);
}

/* Logs until the receiver has plenty, and closes: every message arrives. */
static void deliver(dnstap_options *options, int listening, void (*play)(struct receiver *))
{
	struct arrivals arrivals = { new_tally(), 0 };
	struct receiver r;
	struct load l;
	dnstap_sink *sink;
	dnstap_stats s;

	receiver_start(&r, listening, play, &arrivals);
	sink = open_sink(options);
	load_start(&l, sink);
	ASSERT(receiver_wait(&r, ENOUGH), "the receiver did not get enough; %s", error_of(sink));
	load_stop(&l);
	ASSERT(*error_of(sink) == '\0', "there is an error: %s", error_of(sink));
	s = close_loaded_sink(&sink, TIMEOUT, &l);
	receiver_finish(&r, stdout);
	ASSERT(now() - arrivals.stopped_at < TIMEOUT / 2e3, "closing waited for a reply");
	ASSERT_EQ(s.sent, l.accepted);
	ASSERT_EQ(s.connects, 1);
	ASSERT_EQ(s.connect_failures, 0);
	ASSERT_EQ(s.disconnects, 0);
	ASSERT_EQ(arrivals.received->messages, s.sent);
	ASSERT_EQ(arrivals.received->missing, 0);
}

static void unidirectional(int transport)
{
	struct address address;
	dnstap_options *options;

	address_reserve(&address, (enum transport)transport);
	address_listen(&address);
	options = options_with_ring(address.output, LOAD_RING);
	dnstap_options_set_unidirectional(options, true);
	deliver(options, address.listening, never_reply);
}

/* Hosts in outputs, and the addresses they listen at. */
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

	ASSERT(listening >= 0, "cannot listen at %s", hosts[which].address);
	snprintf(output, sizeof output, "tcp:%s:%s", hosts[which].name, port);
	deliver(options_with_ring(output, LOAD_RING), listening, answer);
}

int main(int argc, char **argv)
{
	static const struct test_case cases[] = {
		CASE_WITH("Unix: a unidirectional stream", unidirectional, UNIX),
		CASE_WITH("TCP: a unidirectional stream", unidirectional, TCP),
		CASE_WITH("TCP to an IPv4 address", host, IPV4),
		CASE_WITH("TCP to a host name", host, NAME),
		CASE_WITH("TCP to an IPv6 address", host, IPV6),
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
