/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A program of release 0.1: compiled with the header of that release, and run
 * with the library of today. It uses every function, struct and number of that
 * header. Once 0.1.0 is released, neither file is edited again.
 */
#include "harness.h"

#include <libdnstap.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/un.h>
#include <unistd.h>

enum { TIMEOUT = 10000, TYPES = 14 };

static void returns(const char *call, dnstap_result is, dnstap_result wanted)
{
	ASSERT(is == wanted, "%s: '%s' (%d) and not %d", call, dnstap_strerror(is), (int)is, (int)wanted);
}
#define RETURNS(call, wanted) returns(#call, call, wanted)

static void is_text(const char *call, const char *is, const char *wanted)
{
	ASSERT(is != NULL && strcmp(is, wanted) == 0, "%s is %s, not %s", call, is == NULL ? "NULL" : is, wanted);
}
#define IS_TEXT(call, wanted) is_text(#call, call, wanted)

/* Each constant still has its name. */
static void numbers(void)
{
	static const struct named {
		const char *(*name)(uint32_t number);
		uint32_t number;
		const char *wanted;
	} named[] = {
		{ dnstap_message_type_name, DNSTAP_MESSAGE_TYPE_AUTH_QUERY, "AUTH_QUERY" },
		{ dnstap_message_type_name, DNSTAP_MESSAGE_TYPE_AUTH_RESPONSE, "AUTH_RESPONSE" },
		{ dnstap_message_type_name, DNSTAP_MESSAGE_TYPE_RESOLVER_QUERY, "RESOLVER_QUERY" },
		{ dnstap_message_type_name, DNSTAP_MESSAGE_TYPE_RESOLVER_RESPONSE, "RESOLVER_RESPONSE" },
		{ dnstap_message_type_name, DNSTAP_MESSAGE_TYPE_CLIENT_QUERY, "CLIENT_QUERY" },
		{ dnstap_message_type_name, DNSTAP_MESSAGE_TYPE_CLIENT_RESPONSE, "CLIENT_RESPONSE" },
		{ dnstap_message_type_name, DNSTAP_MESSAGE_TYPE_FORWARDER_QUERY, "FORWARDER_QUERY" },
		{ dnstap_message_type_name, DNSTAP_MESSAGE_TYPE_FORWARDER_RESPONSE, "FORWARDER_RESPONSE" },
		{ dnstap_message_type_name, DNSTAP_MESSAGE_TYPE_STUB_QUERY, "STUB_QUERY" },
		{ dnstap_message_type_name, DNSTAP_MESSAGE_TYPE_STUB_RESPONSE, "STUB_RESPONSE" },
		{ dnstap_message_type_name, DNSTAP_MESSAGE_TYPE_TOOL_QUERY, "TOOL_QUERY" },
		{ dnstap_message_type_name, DNSTAP_MESSAGE_TYPE_TOOL_RESPONSE, "TOOL_RESPONSE" },
		{ dnstap_message_type_name, DNSTAP_MESSAGE_TYPE_UPDATE_QUERY, "UPDATE_QUERY" },
		{ dnstap_message_type_name, DNSTAP_MESSAGE_TYPE_UPDATE_RESPONSE, "UPDATE_RESPONSE" },
		{ dnstap_message_type_mnemonic, DNSTAP_MESSAGE_TYPE_CLIENT_QUERY, "CQ" },
		{ dnstap_socket_family_name, DNSTAP_SOCKET_FAMILY_INET, "INET" },
		{ dnstap_socket_family_name, DNSTAP_SOCKET_FAMILY_INET6, "INET6" },
		{ dnstap_socket_protocol_name, DNSTAP_SOCKET_PROTOCOL_UDP, "UDP" },
		{ dnstap_socket_protocol_name, DNSTAP_SOCKET_PROTOCOL_TCP, "TCP" },
		{ dnstap_socket_protocol_name, DNSTAP_SOCKET_PROTOCOL_DOT, "DOT" },
		{ dnstap_socket_protocol_name, DNSTAP_SOCKET_PROTOCOL_DOH, "DOH" },
		{ dnstap_socket_protocol_name, DNSTAP_SOCKET_PROTOCOL_DNSCRYPT_UDP, "DNSCryptUDP" },
		{ dnstap_socket_protocol_name, DNSTAP_SOCKET_PROTOCOL_DNSCRYPT_TCP, "DNSCryptTCP" },
		{ dnstap_socket_protocol_name, DNSTAP_SOCKET_PROTOCOL_DOQ, "DOQ" },
		{ dnstap_http_protocol_name, DNSTAP_HTTP_PROTOCOL_HTTP1, "HTTP1" },
		{ dnstap_http_protocol_name, DNSTAP_HTTP_PROTOCOL_HTTP2, "HTTP2" },
		{ dnstap_http_protocol_name, DNSTAP_HTTP_PROTOCOL_HTTP3, "HTTP3" },
		{ dnstap_policy_action_name, DNSTAP_POLICY_ACTION_NXDOMAIN, "NXDOMAIN" },
		{ dnstap_policy_action_name, DNSTAP_POLICY_ACTION_NODATA, "NODATA" },
		{ dnstap_policy_action_name, DNSTAP_POLICY_ACTION_PASS, "PASS" },
		{ dnstap_policy_action_name, DNSTAP_POLICY_ACTION_DROP, "DROP" },
		{ dnstap_policy_action_name, DNSTAP_POLICY_ACTION_TRUNCATE, "TRUNCATE" },
		{ dnstap_policy_action_name, DNSTAP_POLICY_ACTION_LOCAL_DATA, "LOCAL_DATA" },
		{ dnstap_policy_match_name, DNSTAP_POLICY_MATCH_QNAME, "QNAME" },
		{ dnstap_policy_match_name, DNSTAP_POLICY_MATCH_CLIENT_IP, "CLIENT_IP" },
		{ dnstap_policy_match_name, DNSTAP_POLICY_MATCH_RESPONSE_IP, "RESPONSE_IP" },
		{ dnstap_policy_match_name, DNSTAP_POLICY_MATCH_NS_NAME, "NS_NAME" },
		{ dnstap_policy_match_name, DNSTAP_POLICY_MATCH_NS_IP, "NS_IP" },
		{ dnstap_state_name, DNSTAP_STATE_DISCONNECTED, "DISCONNECTED" },
		{ dnstap_state_name, DNSTAP_STATE_CONNECTING, "CONNECTING" },
		{ dnstap_state_name, DNSTAP_STATE_CONNECTED, "CONNECTED" },
		{ dnstap_state_name, DNSTAP_STATE_CLOSING, "CLOSING" },
		{ dnstap_event_kind_name, DNSTAP_EVENT_KIND_CONNECTED, "CONNECTED" },
		{ dnstap_event_kind_name, DNSTAP_EVENT_KIND_CONNECT_FAILED, "CONNECT_FAILED" },
		{ dnstap_event_kind_name, DNSTAP_EVENT_KIND_DISCONNECTED, "DISCONNECTED" },
		{ dnstap_event_kind_name, DNSTAP_EVENT_KIND_WRITE_FAILED, "WRITE_FAILED" },
		{ dnstap_event_kind_name, DNSTAP_EVENT_KIND_DROPPING, "DROPPING" },
		{ dnstap_event_kind_name, DNSTAP_EVENT_KIND_RECOVERED, "RECOVERED" },
		{ dnstap_event_kind_name, DNSTAP_EVENT_KIND_CLOSED, "CLOSED" },
	};
	uint32_t types = 0;
	const char *unknown = NULL;

	for (size_t i = 0; i < sizeof named / sizeof named[0]; i++)
		is_text("the name of a number", named[i].name(named[i].number), named[i].wanted);
	RETURNS(dnstap_message_types_parse("CLIENT_QUERY, cr", &types, NULL), DNSTAP_OK);
	ASSERT_EQ(types, DNSTAP_MESSAGE_TYPE_BIT(DNSTAP_MESSAGE_TYPE_CLIENT_QUERY) |
				 DNSTAP_MESSAGE_TYPE_BIT(DNSTAP_MESSAGE_TYPE_CLIENT_RESPONSE));
	RETURNS(dnstap_message_types_parse("all", &types, NULL), DNSTAP_OK);
	ASSERT_EQ(types, DNSTAP_ALL_MESSAGE_TYPES);
	RETURNS(dnstap_message_types_parse("none such", &types, &unknown), DNSTAP_ERROR_VALUE);
	is_text("the first unknown type", unknown, "none such");
}

/* Each result still has its own text, and errors are still errors. */
static void results(void)
{
	/* clang-format off */
	static const dnstap_result known[] = {
		DNSTAP_OK, DNSTAP_DISABLED, DNSTAP_SAMPLED_OUT, DNSTAP_END, DNSTAP_TIMED_OUT, DNSTAP_ERROR_NULL,
		DNSTAP_ERROR_HANDLE, DNSTAP_ERROR_SIZE, DNSTAP_ERROR_MEMORY, DNSTAP_ERROR_SYSTEM, DNSTAP_ERROR_INTERNAL,
		DNSTAP_ERROR_FULL, DNSTAP_ERROR_TOO_LONG, DNSTAP_ERROR_CLOSED, DNSTAP_ERROR_MESSAGE_TYPE,
		DNSTAP_ERROR_FAMILY, DNSTAP_ERROR_TIME, DNSTAP_ERROR_LENGTH, DNSTAP_ERROR_POLICY_TYPE, DNSTAP_ERROR_BUFFER,
		DNSTAP_ERROR_VALUE, DNSTAP_ERROR_OUTPUT, DNSTAP_ERROR_CONFLICT, DNSTAP_ERROR_PATH,
		DNSTAP_ERROR_NOT_A_SOCKET, DNSTAP_ERROR_TLS, DNSTAP_ERROR_NO_TLS, DNSTAP_ERROR_DECODE,
		DNSTAP_ERROR_FRAME_SIZE, DNSTAP_ERROR_NO_STOP, DNSTAP_ERROR_TORN, DNSTAP_ERROR_STREAM,
		DNSTAP_ERROR_CONTENT_TYPE, DNSTAP_ERROR_IO,
	};
	/* clang-format on */
	const char *of_none = dnstap_strerror((dnstap_result)9999);

	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
		const char *text = dnstap_strerror(known[i]);

		ASSERT(text != NULL && *text != '\0' && strcmp(text, of_none) != 0, "%d: no text", (int)known[i]);
		for (size_t j = 0; j < i; j++)
			ASSERT(strcmp(text, dnstap_strerror(known[j])) != 0, "%d and %d have the same text",
			       (int)known[i], (int)known[j]);
		ASSERT(dnstap_is_error(known[i]) == (i >= 5), "whether %d is an error", (int)known[i]);
	}
}

static void version(void)
{
	ASSERT(LIBDNSTAP_VERSION_NUMBER == 0x000100, "another header");
	IS_TEXT(LIBDNSTAP_VERSION, "0.1.0");
	/* The library may be a later one. */
	ASSERT(strlen(dnstap_version()) >= 5, "the library has version %s", dnstap_version());
	ASSERT((dnstap_features() & DNSTAP_FEATURE_TLS) != 0, "features: %#x", (unsigned)dnstap_features());
}

/* The options of one output, and all others set to valid values. */
static dnstap_options *all_options(const char *output)
{
	dnstap_options *o = dnstap_options_new();

	RETURNS(dnstap_options_set_output(o, output), DNSTAP_OK);
	RETURNS(dnstap_options_set_identity(o, "ns1.example"), DNSTAP_OK);
	RETURNS(dnstap_options_set_version(o, "server 1.0"), DNSTAP_OK);
	RETURNS(dnstap_options_set_message_types(o, DNSTAP_ALL_MESSAGE_TYPES), DNSTAP_OK);
	RETURNS(dnstap_options_set_queue_bytes(o, 65536), DNSTAP_OK);
	RETURNS(dnstap_options_set_freed_queue_bytes(o, 1 << 20), DNSTAP_OK);
	RETURNS(dnstap_options_set_flush_interval(o, 10), DNSTAP_OK);
	RETURNS(dnstap_options_set_reconnect_interval(o, 100), DNSTAP_OK);
	RETURNS(dnstap_options_set_io_timeout(o, TIMEOUT), DNSTAP_OK);
	RETURNS(dnstap_options_set_close_timeout(o, TIMEOUT), DNSTAP_OK);
	RETURNS(dnstap_options_set_sample_rate(o, 1), DNSTAP_OK);
	RETURNS(dnstap_options_set_unidirectional(o, false), DNSTAP_OK);
	RETURNS(dnstap_options_set_thread_name(o, "dnstap"), DNSTAP_OK);
	RETURNS(dnstap_options_set_tls_server_name(o, NULL), DNSTAP_OK);
	RETURNS(dnstap_options_set_tls_ca_bundle(o, NULL), DNSTAP_OK);
	RETURNS(dnstap_options_set_tls_verify(o, DNSTAP_TLS_VERIFY_AUTHORITY), DNSTAP_OK);
	RETURNS(dnstap_options_set_tls_verify(o, DNSTAP_TLS_VERIFY_NOTHING), DNSTAP_OK);
	RETURNS(dnstap_options_set_tls_verify(o, DNSTAP_TLS_VERIFY_NAME), DNSTAP_OK);
	RETURNS(dnstap_options_set_tls_client_certificate(o, NULL, NULL), DNSTAP_OK);
	RETURNS(dnstap_options_check(o), DNSTAP_OK);
	return o;
}

static void options(void)
{
	dnstap_options *o = all_options("unix:/run/example.sock");
	dnstap_result error = DNSTAP_OK;

	RETURNS(dnstap_options_set_output(o, "pigeon:post"), DNSTAP_ERROR_OUTPUT);
	ASSERT(strlen(dnstap_options_get_error(o)) > 5, "the options have no error text");
	RETURNS(dnstap_options_set_queue_bytes(o, 1), DNSTAP_ERROR_VALUE);
	dnstap_options_free(&o);
	ASSERT(o == NULL, "the options are not NULL");
	o = dnstap_options_new();
	ASSERT(dnstap_sink_open(o, &error) == NULL, "a sink without an output");
	returns("dnstap_sink_open", error, DNSTAP_ERROR_OUTPUT);
	RETURNS(dnstap_options_check(o), DNSTAP_ERROR_OUTPUT);
	dnstap_options_free(&o);
}

/* Checks the fields of a message. */
static const uint8_t query[] = "a query", response[] = "a response", zone[] = "\7example", extra[] = "extra",
		     rule[] = "\4rule", name[] = "ns2.example", software[] = "server 2.0";
static dnstap_address client, server;
static dnstap_policy policy = DNSTAP_POLICY_INIT;

static dnstap_bytes bytes_of(const uint8_t *data, size_t length)
{
	dnstap_bytes bytes;

	bytes.data = data;
	bytes.length = length;
	return bytes;
}
#define BYTES(array) bytes_of(array, sizeof array)

static dnstap_message make_message(uint32_t type)
{
	dnstap_message m = DNSTAP_MESSAGE_INIT;
	struct timespec time = { 1700000001, 5 };

	client.in.sin_family = AF_INET;
	client.in.sin_addr.s_addr = htonl(0xc0000201);
	client.in.sin_port = htons(53000);
	server = client;
	server.in.sin_port = htons(53);
	policy.type = bytes_of((const uint8_t *)"RPZ", 3);
	policy.rule = BYTES(rule);
	policy.value = BYTES(zone);
	policy.action = DNSTAP_POLICY_ACTION_DROP;
	policy.match = DNSTAP_POLICY_MATCH_QNAME;
	m.type = type;
	m.socket_family = DNSTAP_SOCKET_FAMILY_INET;
	m.socket_protocol = DNSTAP_SOCKET_PROTOCOL_DOH;
	m.http_protocol = DNSTAP_HTTP_PROTOCOL_HTTP3;
	m.initiator = &client.any;
	m.responder = &server.any;
	m.query_time.seconds = 1700000000;
	m.query_time.nanoseconds = 4;
	m.response_time = dnstap_time_of(&time);
	m.query = BYTES(query);
	m.response = BYTES(response);
	m.zone = BYTES(zone);
	m.extra = BYTES(extra);
	m.identity = BYTES(name);
	m.version = BYTES(software);
	m.policy = &policy;
	return m;
}

#define SAME(field, array) \
	ASSERT((field).length == sizeof array && memcmp((field).data, array, sizeof array) == 0, "another " #field)

static void check_message(const dnstap_message *m, uint32_t type)
{
	ASSERT_EQ(m->type, type);
	ASSERT_EQ(m->socket_family, DNSTAP_SOCKET_FAMILY_INET);
	ASSERT_EQ(m->socket_protocol, DNSTAP_SOCKET_PROTOCOL_DOH);
	ASSERT_EQ(m->http_protocol, DNSTAP_HTTP_PROTOCOL_HTTP3);
	ASSERT_EQ(m->sample_rate, 1);
	ASSERT_EQ(((const dnstap_address *)(const void *)m->initiator)->in.sin_port, htons(53000));
	ASSERT_EQ(((const dnstap_address *)(const void *)m->responder)->in.sin_port, htons(53));
	ASSERT_EQ((uint64_t)m->query_time.seconds, 1700000000);
	ASSERT_EQ(m->query_time.nanoseconds, 4);
	ASSERT_EQ((uint64_t)m->response_time.seconds, 1700000001);
	ASSERT_EQ(m->response_time.nanoseconds, 5);
	SAME(m->query, query);
	SAME(m->response, response);
	SAME(m->zone, zone);
	SAME(m->extra, extra);
	SAME(m->identity, name);
	SAME(m->version, software);
	ASSERT(m->policy != NULL, "no policy");
	SAME(m->policy->rule, rule);
	SAME(m->policy->value, zone);
	ASSERT_EQ(m->policy->type.length, 3);
	ASSERT_EQ(m->policy->action, DNSTAP_POLICY_ACTION_DROP);
	ASSERT_EQ(m->policy->match, DNSTAP_POLICY_MATCH_QNAME);
}

static void codec(void)
{
	dnstap_message m = make_message(DNSTAP_MESSAGE_TYPE_RESOLVER_QUERY), decoded = DNSTAP_MESSAGE_INIT;
	dnstap_storage storage = DNSTAP_STORAGE_INIT;
	uint8_t buffer[1024];
	size_t length = 0;

	ASSERT(dnstap_encoded_size_max(&m) <= sizeof buffer, "%zu bytes", dnstap_encoded_size_max(&m));
	RETURNS(dnstap_encode(buffer, sizeof buffer, &length, &m), DNSTAP_OK);
	RETURNS(dnstap_decode(buffer, length, &decoded, &storage), DNSTAP_OK);
	check_message(&decoded, DNSTAP_MESSAGE_TYPE_RESOLVER_QUERY);
	ASSERT(decoded.initiator == &storage.initiator.any && decoded.responder == &storage.responder.any &&
		       decoded.policy == &storage.policy,
	       "not in the storage");
	RETURNS(dnstap_decode(buffer, 3, &decoded, &storage), DNSTAP_ERROR_DECODE);
	RETURNS(dnstap_encode(buffer, 3, &length, &m), DNSTAP_ERROR_BUFFER);
	m.type = 0;
	RETURNS(dnstap_encode(buffer, sizeof buffer, &length, &m), DNSTAP_ERROR_MESSAGE_TYPE);
}

/* Opens a sink to a file, with a queue. */
static dnstap_sink *open_sink(const char *output, dnstap_queue **queue)
{
	dnstap_options *o = all_options(output);
	dnstap_result error = DNSTAP_ERROR_INTERNAL;
	dnstap_sink *sink = dnstap_sink_open(o, &error);

	ASSERT(sink != NULL && error == DNSTAP_OK, "no sink: %s", dnstap_options_get_error(o));
	dnstap_options_free(&o);
	*queue = dnstap_queue_new(sink, &error);
	ASSERT(*queue != NULL && error == DNSTAP_OK, "no queue: %d", (int)error);
	return sink;
}

static void logging(void)
{
	dnstap_queue *queue, *late;
	dnstap_sink *sink = open_sink("file:logged.tap", &queue);
	dnstap_message m = make_message(DNSTAP_MESSAGE_TYPE_CLIENT_QUERY);
	dnstap_stats s = DNSTAP_STATS_INIT;
	dnstap_event event = DNSTAP_EVENT_INIT;
	dnstap_result error;
	struct pollfd readable = { dnstap_sink_get_event_fd(sink), POLLIN, 0 };
	uint8_t frame[1024];
	size_t length;
	char line[200];

	ASSERT(poll(&readable, 1, TIMEOUT) == 1, "no event");
	RETURNS(dnstap_sink_next_event(sink, &event), DNSTAP_OK);
	ASSERT_EQ(event.kind, DNSTAP_EVENT_KIND_CONNECTED);
	ASSERT_EQ(event.count, 0);
	ASSERT_EQ(event.missed, 0);
	ASSERT(event.time.seconds > 1700000000 && *event.text != '\0', "an event without time or text");
	for (uint32_t type = 1; type <= TYPES; type++) {
		m.type = type;
		ASSERT(dnstap_enabled(queue, type), "type %u is disabled", (unsigned)type);
		RETURNS(dnstap_log(queue, &m), DNSTAP_OK);
	}
	ASSERT(!dnstap_enabled(queue, 0), "type 0 is enabled");
	RETURNS(dnstap_encode(frame, sizeof frame, &length, &m), DNSTAP_OK);
	RETURNS(dnstap_log_frame(queue, m.type, frame, length), DNSTAP_OK);
	m.query_time.nanoseconds = 1000000000;
	RETURNS(dnstap_log(queue, &m), DNSTAP_ERROR_TIME);
	m.query_time.nanoseconds = 4;
	RETURNS(dnstap_sink_set_identity(sink, "ns3.example"), DNSTAP_OK);
	RETURNS(dnstap_sink_set_version(sink, NULL), DNSTAP_OK);
	RETURNS(dnstap_sink_set_sample_rate(sink, 1), DNSTAP_OK);
	RETURNS(dnstap_sink_set_message_types(sink, DNSTAP_MESSAGE_TYPE_BIT(DNSTAP_MESSAGE_TYPE_AUTH_QUERY)),
		DNSTAP_OK);
	RETURNS(dnstap_log(queue, &m), DNSTAP_DISABLED);
	RETURNS(dnstap_sink_flush(sink, TIMEOUT), DNSTAP_OK);

	RETURNS(dnstap_sink_get_stats(sink, &s), DNSTAP_OK);
	ASSERT_EQ(s.size, sizeof s);
	ASSERT_EQ(s.logged, TYPES + 2);
	ASSERT_EQ(s.sent, TYPES + 1);
	ASSERT_EQ(s.waiting, 0);
	ASSERT_EQ(s.dropped_full + s.dropped_too_long + s.dropped_closed + s.sampled_out, 0);
	ASSERT_EQ(s.dropped_invalid, 1);
	ASSERT(s.bytes_sent > TYPES * 100, "%llu bytes", (unsigned long long)s.bytes_sent);
	ASSERT_EQ(s.connects, 1);
	ASSERT_EQ(s.connect_failures + s.disconnects, 0);
	ASSERT_EQ(s.state, DNSTAP_STATE_CONNECTED);
	for (int type = 0; type < DNSTAP_MESSAGE_TYPE_COUNT; type++)
		ASSERT_EQ(s.logged_by_type[type], type == 0 || type > TYPES ? 0 : type == TYPES ? 3 : 1);
	RETURNS(dnstap_sink_get_error(sink, line, sizeof line), DNSTAP_OK);
	IS_TEXT(line, "");

	ASSERT(rename("logged.tap", "renamed.tap") == 0, "not renamed");
	RETURNS(dnstap_sink_reopen(sink), DNSTAP_OK);
	WAIT_UNTIL(access("logged.tap", F_OK) == 0, 20, "the file is not reopened");
	RETURNS(dnstap_sink_begin_close(sink), DNSTAP_OK);
	m.type = DNSTAP_MESSAGE_TYPE_AUTH_QUERY;
	RETURNS(dnstap_log(queue, &m), DNSTAP_ERROR_CLOSED);
	late = dnstap_queue_new(sink, &error);
	ASSERT(late == NULL, "a queue of a closed sink");
	returns("dnstap_queue_new", error, DNSTAP_ERROR_CLOSED);
	dnstap_queue_free(&queue);
	RETURNS(dnstap_sink_close(&sink, &s), DNSTAP_OK);
	ASSERT_EQ(s.state, DNSTAP_STATE_CLOSING);
	ASSERT(queue == NULL && sink == NULL, "handles are not NULL");
}

/* Waits for an event of this kind, and ignores others. */
static dnstap_event await_event(dnstap_sink *sink, dnstap_event_kind kind)
{
	dnstap_event event = DNSTAP_EVENT_INIT;
	struct pollfd pending = { dnstap_sink_get_event_fd(sink), POLLIN, 0 };

	do {
		ASSERT(poll(&pending, 1, TIMEOUT) == 1, "no event of kind %d", (int)kind);
		RETURNS(dnstap_sink_next_event(sink, &event), DNSTAP_OK);
		ASSERT(event.text != NULL && *event.text != '\0', "an event without a text");
	} while (event.kind != (uint32_t)kind);
	return event;
}

static int listen_at(const char *path)
{
	struct sockaddr_un address;
	int listening = socket(AF_UNIX, SOCK_STREAM, 0);

	memset(&address, 0, sizeof address);
	address.sun_family = AF_UNIX;
	strcpy(address.sun_path, path);
	ASSERT(bind(listening, (const struct sockaddr *)&address, sizeof address) == 0 && listen(listening, 1) == 0,
	       "no listening socket");
	return listening;
}

/* A receiver that is away, then connected, then away again. */
static void receiver(void)
{
	dnstap_options *o = all_options("unix:socket");
	dnstap_message m = make_message(DNSTAP_MESSAGE_TYPE_CLIENT_QUERY), read = DNSTAP_MESSAGE_INIT;
	dnstap_stats s = DNSTAP_STATS_INIT;
	dnstap_event event;
	dnstap_sink *sink;
	dnstap_queue *queue;
	dnstap_reader *reader;
	char line[200];
	int listening, fd;

	RETURNS(dnstap_options_set_close_timeout(o, 100), DNSTAP_OK);
	sink = dnstap_sink_open(o, NULL);
	dnstap_options_free(&o);
	queue = dnstap_queue_new(sink, NULL);
	await_event(sink, DNSTAP_EVENT_KIND_CONNECT_FAILED);
	RETURNS(dnstap_sink_get_error(sink, line, sizeof line), DNSTAP_OK);
	ASSERT(strlen(line) > 5, "no reason");
	while (dnstap_log(queue, &m) == DNSTAP_OK)
		;
	RETURNS(dnstap_log(queue, &m), DNSTAP_ERROR_FULL);
	event = await_event(sink, DNSTAP_EVENT_KIND_DROPPING);
	ASSERT(event.count >= 1, "no message dropped");
	RETURNS(dnstap_sink_flush(sink, 0), DNSTAP_TIMED_OUT);

	listening = listen_at("socket");
	fd = accept(listening, NULL, NULL);
	reader = dnstap_reader_open_fd(fd, NULL);
	close(fd);
	RETURNS(dnstap_reader_next(reader, &read, TIMEOUT), DNSTAP_OK);
	check_message(&read, DNSTAP_MESSAGE_TYPE_CLIENT_QUERY);
	await_event(sink, DNSTAP_EVENT_KIND_CONNECTED);
	event = await_event(sink, DNSTAP_EVENT_KIND_RECOVERED);
	ASSERT(event.count >= 1, "no message was dropped");
	close(listening);
	unlink("socket");
	dnstap_reader_close(&reader);
	RETURNS(dnstap_log(queue, &m), DNSTAP_OK);
	await_event(sink, DNSTAP_EVENT_KIND_DISCONNECTED);

	dnstap_queue_free(&queue);
	RETURNS(dnstap_sink_begin_close(sink), DNSTAP_OK);
	await_event(sink, DNSTAP_EVENT_KIND_CLOSED);
	RETURNS(dnstap_sink_close(&sink, &s), DNSTAP_OK);
	ASSERT_EQ(s.connects, 1);
	ASSERT_EQ(s.disconnects, 1);
	ASSERT(s.connect_failures >= 1 && s.dropped_full >= 1, "no failure is counted");
}

/* A file system without room. */
static void full(void)
{
	dnstap_queue *queue;
	dnstap_sink *sink;
	struct rlimit none = { 100, 100 };
	dnstap_message m = make_message(DNSTAP_MESSAGE_TYPE_CLIENT_QUERY);

	signal(SIGXFSZ, SIG_IGN);
	ASSERT(setrlimit(RLIMIT_FSIZE, &none) == 0, "no limit");
	sink = open_sink("file:full.tap", &queue);
	RETURNS(dnstap_log(queue, &m), DNSTAP_OK);
	await_event(sink, DNSTAP_EVENT_KIND_WRITE_FAILED);
	RETURNS(dnstap_sink_flush(sink, 0), DNSTAP_TIMED_OUT);
}

/* Reads a file of messages of all types, in this order, by one of the ways to open it. */
static void read_back(dnstap_reader *reader, const char *path)
{
	dnstap_message m = DNSTAP_MESSAGE_INIT;
	dnstap_bytes frame;

	ASSERT(reader != NULL, "%s: no reader", path);
	RETURNS(dnstap_reader_set_max_frame_size(reader, 4096), DNSTAP_OK);
	for (uint32_t type = 1; type <= TYPES; type++) {
		RETURNS(dnstap_reader_next(reader, &m, TIMEOUT), DNSTAP_OK);
		check_message(&m, type);
		RETURNS(dnstap_reader_get_frame(reader, &frame), DNSTAP_OK);
		ASSERT(frame.length > 100, "a frame of %zu bytes", frame.length);
	}
	RETURNS(dnstap_reader_next(reader, NULL, TIMEOUT), DNSTAP_OK);
	RETURNS(dnstap_reader_next(reader, &m, TIMEOUT), DNSTAP_END);
	dnstap_reader_close(&reader);
	ASSERT(reader == NULL, "the reader is not NULL");
}

/* Writes messages of all types, and the last one again as a frame. */
static void write_all(const char *output)
{
	dnstap_options *o = all_options(output);
	dnstap_result error = DNSTAP_ERROR_INTERNAL;
	dnstap_writer *writer = dnstap_writer_open(o, &error);
	dnstap_message m = make_message(0);
	uint8_t frame[1024];
	size_t length;

	ASSERT(writer != NULL && error == DNSTAP_OK, "no writer: %s", dnstap_options_get_error(o));
	dnstap_options_free(&o);
	for (m.type = 1; m.type <= TYPES; m.type++)
		RETURNS(dnstap_writer_write(writer, &m), DNSTAP_OK);
	RETURNS(dnstap_writer_write(writer, &m), DNSTAP_ERROR_MESSAGE_TYPE);
	ASSERT(strlen(dnstap_writer_get_error(writer)) > 5, "the writer has no error text");
	m.type = TYPES;
	RETURNS(dnstap_encode(frame, sizeof frame, &length, &m), DNSTAP_OK);
	RETURNS(dnstap_writer_write_frame(writer, frame, length), DNSTAP_OK);
	RETURNS(dnstap_writer_flush(writer), DNSTAP_OK);
	RETURNS(dnstap_writer_close(&writer), DNSTAP_OK);
	ASSERT(writer == NULL, "the writer is not NULL");
}

static void files(void)
{
	dnstap_result error = DNSTAP_ERROR_INTERNAL;
	int fd;

	write_all("file:written.tap");
	read_back(dnstap_reader_open("written.tap", &error), "written.tap");
	returns("dnstap_reader_open", error, DNSTAP_OK);
	fd = open("written.tap", O_RDONLY);
	read_back(dnstap_reader_open_fd(fd, &error), "a descriptor");
	close(fd);
	ASSERT(dnstap_reader_open("none.tap", &error) == NULL, "a reader without a path");
	returns("dnstap_reader_open", error, DNSTAP_ERROR_IO);
}

/* A file that ends within a frame. */
static void torn(void)
{
	dnstap_message m = DNSTAP_MESSAGE_INIT;
	dnstap_result result = DNSTAP_OK;
	dnstap_reader *reader;

	write_all("file:torn.tap");
	ASSERT(truncate("torn.tap", 1000) == 0, "not truncated");
	reader = dnstap_reader_open("torn.tap", NULL);
	while (result == DNSTAP_OK)
		result = dnstap_reader_next(reader, &m, TIMEOUT);
	returns("dnstap_reader_next", result, DNSTAP_ERROR_TORN);
	ASSERT(strlen(dnstap_reader_get_error(reader)) > 5, "the reader has no error text");
	dnstap_reader_close(&reader);
}

int main(int argc, char **argv)
{
	static const struct test_case cases[] = {
		CASE("numbers have their names", numbers),
		CASE("results have their texts", results),
		CASE("version and features", version),
		CASE("options", options),
		CASE("encoding and decoding", codec),
		CASE("logging, accounts and events", logging),
		CASE("a receiver that comes and goes", receiver),
		CASE("a file that cannot grow", full),
		CASE("writing and reading files", files),
		CASE("reading a file that is cut off", torn),
	};

	return RUN_CASES(argc, argv, cases);
}
