/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Addresses as in docs/integration.md: unconnected sockets, and IPv4-mapped addresses. */
#include "messages.h"
#include "sink.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

/* Returns the IPv4 address of an IPv4-mapped address, stored in `room`; or any other address unchanged. */
static const struct sockaddr *unmapped(const struct sockaddr *address, struct sockaddr_in *room)
{
	struct sockaddr_in6 in6;

	if (address->sa_family != AF_INET6)
		return address;
	memcpy(&in6, address, sizeof in6);
	if (!IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr))
		return address;
	memset(room, 0, sizeof *room);
	room->sin_family = AF_INET;
	room->sin_port = in6.sin6_port;
	memcpy(&room->sin_addr, &in6.sin6_addr.s6_addr[12], sizeof room->sin_addr);
	return (const struct sockaddr *)room;
}

/* Returns an address of the family of its text. */
static dnstap_address parse(const char *text, uint16_t port)
{
	dnstap_address address;
	bool is_ipv6 = strchr(text, ':') != NULL;

	memset(&address, 0, sizeof address);
	address.any.sa_family = is_ipv6 ? AF_INET6 : AF_INET;
	address.in.sin_port = htons(port);
	ASSERT(inet_pton(address.any.sa_family, text,
			 is_ipv6 ? (void *)&address.in6.sin6_addr : &address.in.sin_addr) == 1,
	       "%s", text);
	return address;
}

/* Encodes a message between two addresses, which may be NULL. */
static Dnstap__Dnstap *event_between(const struct sockaddr *initiator, const struct sockaddr *responder)
{
	dnstap_message m = DNSTAP_MESSAGE_INIT;
	uint8_t buffer[200];
	size_t length;
	dnstap_result result;

	m.type = DNSTAP_MESSAGE_TYPE_CLIENT_QUERY;
	m.initiator = initiator;
	m.responder = responder;
	result = dnstap_encode(buffer, sizeof buffer, &length, &m);
	ASSERT(result == DNSTAP_OK, "encode: %s", dnstap_strerror(result));
	return unpack(buffer, length);
}

static void unconnected(void)
{
	dnstap_address client = parse("192.0.2.1", 53000), port_alone = parse("0.0.0.0", 53);
	Dnstap__Dnstap *event;

	event = event_between(&client.any, NULL);
	ASSERT(event->message->query_port == 53000 && !event->message->has_response_address &&
		       !event->message->has_response_port,
	       "a NULL address is in the event");
	free_event(event);
	port_alone.any.sa_family = AF_UNSPEC;
	event = event_between(&client.any, &port_alone.any);
	ASSERT(!event->message->has_response_address && event->message->response_port == 53,
	       "no port without an address");
	free_event(event);
	/* The wildcard address is logged like any other. */
	port_alone.any.sa_family = AF_INET;
	event = event_between(&client.any, &port_alone.any);
	ASSERT_EQ(event->message->response_address.len, 4);
	free_event(event);
}

static void mapped(void)
{
	dnstap_address client6 = parse("::ffff:192.0.2.1", 53000), server6 = parse("::ffff:198.51.100.1", 53);
	dnstap_address real6 = parse("2001:db8::1", 53000), server = parse("198.51.100.1", 53);
	struct sockaddr_in room;
	const struct sockaddr *client;
	dnstap_sink *sink = open_sink(options_to("file:mapped.tap"));
	dnstap_queue *queue = dnstap_queue_new(sink, NULL);
	dnstap_message m = DNSTAP_MESSAGE_INIT;
	Dnstap__Dnstap *event;
	dnstap_stats s;

	/* Unchanged: IPv6. */
	event = event_between(&client6.any, &server6.any);
	ASSERT(event->message->socket_family == DNSTAP__SOCKET_FAMILY__INET6, "not INET6");
	ASSERT(event->message->query_address.len == 16 &&
		       memcmp(event->message->query_address.data, &client6.in6.sin6_addr, 16) == 0,
	       "the address has changed");
	free_event(event);
	/* Not together with an IPv4 address. */
	m.type = DNSTAP_MESSAGE_TYPE_CLIENT_QUERY;
	m.initiator = &client6.any;
	m.responder = &server.any;
	ASSERT(dnstap_log(queue, &m) == DNSTAP_ERROR_FAMILY, "logged with two families");
	dnstap_queue_free(&queue);
	s = close_sink(&sink, TIMEOUT);
	ASSERT_EQ(s.dropped_invalid, 1);
	/* Converted: IPv4. */
	client = unmapped(&client6.any, &room);
	event = event_between(client, &server.any);
	ASSERT(event->message->socket_family == DNSTAP__SOCKET_FAMILY__INET, "not INET");
	ASSERT(event->message->query_address.len == 4 &&
		       memcmp(event->message->query_address.data, "\xc0\x00\x02\x01", 4) == 0 &&
		       event->message->query_port == 53000,
	       "another address");
	free_event(event);
	ASSERT(unmapped(&real6.any, &room) == &real6.any && unmapped(&server.any, &room) == &server.any,
	       "other addresses have changed");
}

int main(int argc, char **argv)
{
	static const struct test_case cases[] = {
		CASE("an unknown address, and a port without an address", unconnected),
		CASE("IPv4-mapped addresses, as they are and converted", mapped),
	};

	return RUN_CASES(argc, argv, cases);
}
