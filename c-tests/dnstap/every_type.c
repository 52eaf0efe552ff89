/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * every_type FILE [old]: logs a message of every type, over IPv4 and IPv6 and
 * every protocol, to a file, and prints a line for each that a reader has to agree
 * with. With `old`, only the types and protocols that readers before 2020 know.
 */
#include "messages.h"
#include "sink.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Makes a query, or the response to it, for a name with this number. Returns its length. */
static size_t make_wire(uint8_t wire[64], unsigned number, bool is_response)
{
	static const uint8_t rest[] = { 7, 'e', 'x', 'a', 'm', 'p', 'l', 'e', 0, 0, 1, 0, 1 };

	memset(wire, 0, 64);
	wire[0] = (uint8_t)(number >> 8);
	wire[1] = (uint8_t)number;
	wire[2] = is_response ? 0x80 : 0x01;
	wire[5] = 1;
	wire[12] = 4;
	/* sprintf ends with NUL, which the next label replaces. */
	sprintf((char *)wire + 13, "n%03u", number);
	memcpy(wire + 17, rest, sizeof rest);
	return 17 + sizeof rest;
}

static void print_time(dnstap_time time)
{
	char text[32];

	strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", gmtime(&(time_t){ time.seconds }));
	printf(" %s.%09" PRIu32, text, time.nanoseconds);
}

static void print_end(const struct sockaddr *end)
{
	const dnstap_address *a = (const void *)end;
	char text[INET6_ADDRSTRLEN];

	if (end->sa_family == AF_INET)
		inet_ntop(AF_INET, &a->in.sin_addr, text, sizeof text);
	else
		inet_ntop(AF_INET6, &a->in6.sin6_addr, text, sizeof text);
	printf(" %s %u", text, ntohs(a->in.sin_port));
}

static void print(const dnstap_message *m, unsigned number)
{
	printf("%s %s %s", dnstap_message_type_name(m->type), m->initiator->sa_family == AF_INET ? "INET" : "INET6",
	       dnstap_socket_protocol_name(m->socket_protocol));
	print_end(m->initiator);
	print_end(m->responder);
	print_time(m->query_time);
	if (m->response.data != NULL)
		print_time(m->response_time);
	printf(" example. n%03u.example.", number);
	if (m->response.data != NULL)
		printf(" n%03u.example.", number);
	putchar('\n');
}

static void log_one(dnstap_queue *queue, uint32_t type, int family, uint32_t protocol, unsigned number)
{
	dnstap_address initiator, responder;
	dnstap_message m = example(type);
	uint8_t query[64], response[64];
	dnstap_result result;

	memset(&initiator, 0, sizeof initiator);
	memset(&responder, 0, sizeof responder);
	initiator.any.sa_family = responder.any.sa_family = (sa_family_t)family;
	initiator.in.sin_port = htons((uint16_t)(1 + number * 331));
	responder.in.sin_port = htons(protocol == DNSTAP_SOCKET_PROTOCOL_UDP ? 53 : 853);
	if (family == AF_INET) {
		initiator.in.sin_addr.s_addr = htonl(0xc0000200 + number);
		responder.in.sin_addr.s_addr = htonl(0xc6336400 + type);
	} else {
		inet_pton(AF_INET6, "2001:db8::", &initiator.in6.sin6_addr);
		inet_pton(AF_INET6, "2001:db8:1:2:3:4:5:6", &responder.in6.sin6_addr);
		initiator.in6.sin6_addr.s6_addr[15] = (uint8_t)number;
	}
	m.initiator = &initiator.any;
	m.responder = &responder.any;
	m.socket_protocol = protocol;
	m.http_protocol = protocol == DNSTAP_SOCKET_PROTOCOL_DOH ? DNSTAP_HTTP_PROTOCOL_HTTP2 : 0;
	m.query_time.seconds += number;
	m.query_time.nanoseconds = 100000001 + 10 * number;
	m.query = (dnstap_bytes){ query, make_wire(query, number, false) };
	m.zone = (dnstap_bytes){ (const uint8_t *)"\7example", 9 };
	if (type % 2 == 0) {
		m.response_time.seconds = m.query_time.seconds + 1;
		m.response_time.nanoseconds = 1 + 10 * number;
		m.response = (dnstap_bytes){ response, make_wire(response, number, true) };
	}
	result = dnstap_log(queue, &m);
	ASSERT(result == DNSTAP_OK, "message %u: %s", number, dnstap_strerror(result));
	print(&m, number);
}

int main(int argc, char **argv)
{
	bool is_old = argc == 3 && strcmp(argv[2], "old") == 0;
	dnstap_options *options;
	dnstap_queue *queue;
	dnstap_sink *sink;
	unsigned number = 0;
	char output[200];

	ASSERT(argc == 2 || is_old, "usage: %s FILE [old]", argv[0]);
	snprintf(output, sizeof output, "file:%s", argv[1]);
	options = options_to(output);
	dnstap_options_set_identity(options, "ns1.example");
	dnstap_options_set_version(options, "every_type 1.0");
	sink = open_sink(options);
	queue = dnstap_queue_new(sink, NULL);
	for (uint32_t type = 1; dnstap_message_type_name(type) != NULL; type++) {
		if (is_old && type > DNSTAP_MESSAGE_TYPE_TOOL_RESPONSE)
			break;
		for (uint32_t protocol = 1; dnstap_socket_protocol_name(protocol) != NULL; protocol++) {
			if (is_old && protocol > DNSTAP_SOCKET_PROTOCOL_TCP)
				break;
			log_one(queue, type, AF_INET, protocol, number++);
			log_one(queue, type, AF_INET6, protocol, number++);
		}
	}
	dnstap_queue_free(&queue);
	close_sink(&sink, TIMEOUT);
	return 0;
}
