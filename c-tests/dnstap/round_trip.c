/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Encoder and decoder beside those that protobuf-c makes of the schema, with
 * events made at random. SEED makes the events of an earlier run again.
 */
#include "messages.h"
#include "sink.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST = 65535, ROOM = 1 << 20 };

static uint64_t state;

static uint64_t random_number(void)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return state * UINT64_C(0x2545f4914f6cdd1d);
}

static unsigned below(unsigned limit)
{
	return (unsigned)(random_number() >> 32) % limit;
}

static int one_in(unsigned count)
{
	return below(count) == 0;
}

/* Memory that the fields of all events point into. */
static unsigned char pool[2 * MOST];

static size_t random_length(void)
{
	/* Lengths at which the length of a field, or of its message, takes one byte more. */
	static const unsigned edges[] = { 1, 12, 40, 64, 75, 76, 77, 127, 128, 16240, 16383, 16384, MOST };

	switch (below(16)) {
	case 0: return 0;
	case 1:
	case 2: return edges[below(sizeof edges / sizeof edges[0])];
	case 3: return below(MOST + 1);
	case 4: return below(3000);
	default: return below(300);
	}
}

static dnstap_bytes random_bytes(void)
{
	dnstap_bytes bytes = { NULL, 0 };

	if (!one_in(3)) {
		bytes.data = pool + below(MOST);
		bytes.length = random_length();
	}
	return bytes;
}

/* A string of protobuf: UTF-8, and for protobuf-c without NUL. */
static dnstap_bytes random_text(void)
{
	static unsigned char text[MOST];
	dnstap_bytes bytes = { NULL, 0 };

	if (!one_in(3)) {
		bytes.data = text;
		bytes.length = random_length() & ~(size_t)1;
		for (size_t i = 0; i + 1 < bytes.length; i += 2)
			memcpy(text + i, one_in(2) ? "ab" : "\xc3\xa4", 2);
	}
	return bytes;
}

static uint16_t random_port(void)
{
	static const unsigned limits[] = { 1, 128, 16384, 65536 };

	return (uint16_t)below(limits[below(4)]);
}

static dnstap_time random_time(void)
{
	/* clang-format off */
	static const int64_t edges[] = {
		0, 1, 127, 128, (1 << 28) - 1, 1 << 28, INT64_C(34359738367), INT64_C(34359738368),
		INT64_C(4611686018427387904), INT64_MAX,
	};
	/* clang-format on */
	dnstap_time time = { 0, 0 };

	if (one_in(3))
		return time;
	time.seconds = one_in(4) ? edges[below(10)] : 1700000000 + (int64_t)below(100);
	time.nanoseconds = one_in(8) ? 999999999 : (uint32_t)below(1000000000);
	return time;
}

/* A message, and what it points to. */
struct made {
	dnstap_message message;
	dnstap_address ends[2];
	dnstap_policy policy;
};

/* Returns an address of this family, without the address, or NULL. */
static const struct sockaddr *random_end(dnstap_address *end, int family)
{
	memset(end, 0, sizeof *end);
	switch (below(6)) {
	case 0: return NULL;
	case 1:
		end->any.sa_family = AF_UNSPEC;
		end->in.sin_port = htons(random_port());
		return &end->any;
	}
	if (family == DNSTAP_SOCKET_FAMILY_INET) {
		end->in.sin_family = AF_INET;
		end->in.sin_port = htons(random_port());
		memcpy(&end->in.sin_addr, pool + below(MOST), 4);
	} else {
		end->in6.sin6_family = AF_INET6;
		end->in6.sin6_port = htons(random_port());
		memcpy(&end->in6.sin6_addr, pool + below(MOST), 16);
	}
	return &end->any;
}

static void make(struct made *made)
{
	dnstap_message *m = &made->message;
	int family = 1 + (int)below(2);

	memset(made, 0, sizeof *made);
	m->size = sizeof *m;
	m->type = 1 + below(dnstap__message__type__descriptor.n_values);
	m->socket_family = one_in(2) ? (uint32_t)family : 0;
	m->socket_protocol = below(1 + dnstap__socket_protocol__descriptor.n_values);
	m->http_protocol = one_in(4) ? below(1 + dnstap__http_protocol__descriptor.n_values) : 0;
	m->initiator = random_end(&made->ends[0], family);
	m->responder = random_end(&made->ends[1], family);
	m->query_time = random_time();
	m->response_time = random_time();
	m->query = random_bytes();
	m->response = random_bytes();
	m->zone = random_bytes();
	if (one_in(4))
		m->extra = random_bytes();
	if (one_in(4)) {
		made->policy.size = sizeof made->policy;
		made->policy.type = random_text();
		made->policy.rule = random_bytes();
		made->policy.value = random_bytes();
		made->policy.action = below(1 + dnstap__policy__action__descriptor.n_values);
		made->policy.match = below(1 + dnstap__policy__match__descriptor.n_values);
		m->policy = &made->policy;
	}
	m->identity = random_bytes();
	m->version = random_bytes();
}

/* Makes the same message for protobuf-c. */
struct protobuf {
	Dnstap__Dnstap event;
	Dnstap__Message message;
	Dnstap__Policy policy;
	char policy_type[MOST + 1];
};

static void set_bytes(ProtobufCBinaryData *field, protobuf_c_boolean *has, dnstap_bytes bytes)
{
	*has = bytes.data != NULL;
	field->len = bytes.length;
	field->data = (uint8_t *)(uintptr_t)bytes.data;
}

static void set_end(const struct sockaddr *end, ProtobufCBinaryData *address, protobuf_c_boolean *has_address,
		    uint32_t *port, protobuf_c_boolean *has_port, uint32_t *family)
{
	dnstap_address a;

	if (end == NULL)
		return;
	memcpy(&a, end, sizeof a);
	*port = ntohs(a.in.sin_port);
	*has_port = *port != 0;
	*has_address = end->sa_family != AF_UNSPEC;
	if (end->sa_family == AF_INET) {
		address->len = 4;
		address->data = (uint8_t *)(uintptr_t)&((const dnstap_address *)end)->in.sin_addr;
		*family = DNSTAP_SOCKET_FAMILY_INET;
	} else if (end->sa_family == AF_INET6) {
		address->len = 16;
		address->data = (uint8_t *)(uintptr_t)&((const dnstap_address *)end)->in6.sin6_addr;
		*family = DNSTAP_SOCKET_FAMILY_INET6;
	}
}

static void set_time(dnstap_time time, uint64_t *seconds, protobuf_c_boolean *has_seconds, uint32_t *nanoseconds,
		     protobuf_c_boolean *has_nanoseconds)
{
	*has_seconds = *has_nanoseconds = time.seconds != 0 || time.nanoseconds != 0;
	*seconds = (uint64_t)time.seconds;
	*nanoseconds = time.nanoseconds;
}

static void to_protobuf(const dnstap_message *from, struct protobuf *to)
{
	Dnstap__Message *m = &to->message;
	Dnstap__Policy *p = &to->policy;
	uint32_t family = 0;

	dnstap__dnstap__init(&to->event);
	dnstap__message__init(m);
	dnstap__policy__init(p);
	to->event.type = DNSTAP__DNSTAP__TYPE__MESSAGE;
	to->event.message = m;
	set_bytes(&to->event.identity, &to->event.has_identity, from->identity);
	set_bytes(&to->event.version, &to->event.has_version, from->version);
	set_bytes(&to->event.extra, &to->event.has_extra, from->extra);
	m->type = (Dnstap__Message__Type)from->type;
	set_end(from->initiator, &m->query_address, &m->has_query_address, &m->query_port, &m->has_query_port, &family);
	set_end(from->responder, &m->response_address, &m->has_response_address, &m->response_port,
		&m->has_response_port, &family);
	if (from->socket_family != 0)
		family = from->socket_family;
	m->has_socket_family = family != 0;
	m->socket_family = (Dnstap__SocketFamily)family;
	m->has_socket_protocol = from->socket_protocol != 0;
	m->socket_protocol = (Dnstap__SocketProtocol)from->socket_protocol;
	m->has_http_protocol = from->http_protocol != 0;
	m->http_protocol = (Dnstap__HttpProtocol)from->http_protocol;
	set_time(from->query_time, &m->query_time_sec, &m->has_query_time_sec, &m->query_time_nsec,
		 &m->has_query_time_nsec);
	set_time(from->response_time, &m->response_time_sec, &m->has_response_time_sec, &m->response_time_nsec,
		 &m->has_response_time_nsec);
	set_bytes(&m->query_message, &m->has_query_message, from->query);
	set_bytes(&m->query_zone, &m->has_query_zone, from->zone);
	set_bytes(&m->response_message, &m->has_response_message, from->response);
	if (from->policy == NULL)
		return;
	m->policy = p;
	if (from->policy->type.data != NULL) {
		memcpy(to->policy_type, from->policy->type.data, from->policy->type.length);
		to->policy_type[from->policy->type.length] = '\0';
		p->type = to->policy_type;
	}
	set_bytes(&p->rule, &p->has_rule, from->policy->rule);
	set_bytes(&p->value, &p->has_value, from->policy->value);
	p->has_action = from->policy->action != 0;
	p->action = (Dnstap__Policy__Action)from->policy->action;
	p->has_match = from->policy->match != 0;
	p->match = (Dnstap__Policy__Match)from->policy->match;
}

static int event_number;

#define SAME(condition) ASSERT(condition, "event %d: failed: %s", event_number, #condition)
static bool is_present(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
	const unsigned char *bytes = (const void *)message;
	protobuf_c_boolean has;
	const void *pointer;

	if (field->label == PROTOBUF_C_LABEL_REQUIRED)
		return true;
	if (field->type == PROTOBUF_C_TYPE_MESSAGE || field->type == PROTOBUF_C_TYPE_STRING) {
		memcpy(&pointer, bytes + field->offset, sizeof pointer);
		return pointer != NULL;
	}
	memcpy(&has, bytes + field->quantifier_offset, sizeof has);
	return has;
}

static const void *pointer_at(const unsigned char *place)
{
	const void *pointer;

	memcpy(&pointer, place, sizeof pointer);
	return pointer;
}

static bool same_value(const ProtobufCFieldDescriptor *field, const unsigned char *a, const unsigned char *b);

/* Fails the case if a field differs from that of a message of protobuf-c. */
static void same_fields(const ProtobufCMessage *a, const ProtobufCMessage *b)
{
	SAME(a->n_unknown_fields == 0 && b->n_unknown_fields == 0);
	for (unsigned n = 0; n < a->descriptor->n_fields; n++) {
		const ProtobufCFieldDescriptor *field = &a->descriptor->fields[n];
		const unsigned char *value = (const unsigned char *)a + field->offset;
		bool is_same = is_present(a, field) == is_present(b, field);

		if (is_same && is_present(a, field))
			is_same = same_value(field, value, (const unsigned char *)b + field->offset);
		ASSERT(is_same, "event %d: %s.%s differs", event_number, a->descriptor->short_name, field->name);
	}
}

static bool same_value(const ProtobufCFieldDescriptor *field, const unsigned char *a, const unsigned char *b)
{
	ProtobufCBinaryData x, y;

	switch (field->type) {
	case PROTOBUF_C_TYPE_MESSAGE: same_fields(pointer_at(a), pointer_at(b)); return true;
	case PROTOBUF_C_TYPE_STRING: return strcmp(pointer_at(a), pointer_at(b)) == 0;
	case PROTOBUF_C_TYPE_BYTES:
		memcpy(&x, a, sizeof x);
		memcpy(&y, b, sizeof y);
		return x.len == y.len && (x.len == 0 || memcmp(x.data, y.data, x.len) == 0);
	case PROTOBUF_C_TYPE_UINT64: return memcmp(a, b, sizeof(uint64_t)) == 0;
	default: return memcmp(a, b, sizeof(uint32_t)) == 0;
	}
}

/* Each field of the schema is in some of the events, so the other cases cover it. */
static void made_of_all_fields(int count)
{
	static struct protobuf p;
	const ProtobufCMessage *messages[] = { &p.event.base, &p.message.base, &p.policy.base };
	bool seen[3][64] = { { false } };
	struct made made;

	for (event_number = 0; event_number < count; event_number++) {
		make(&made);
		to_protobuf(&made.message, &p);
		for (unsigned i = 0; i < 3; i++)
			for (unsigned n = 0; n < messages[i]->descriptor->n_fields; n++)
				seen[i][n] |= is_present(messages[i], &messages[i]->descriptor->fields[n]);
	}
	for (unsigned i = 0; i < 3; i++)
		for (unsigned n = 0; n < messages[i]->descriptor->n_fields; n++)
			ASSERT(seen[i][n], "no event with %s.%s", messages[i]->descriptor->short_name,
			       messages[i]->descriptor->fields[n].name);
}

static unsigned char ours[ROOM], theirs[ROOM];

/* All cases have the same seed, and so the same events. */
static void encodes(int count)
{
	static struct protobuf wanted;
	struct made made;

	for (event_number = 0; event_number < count; event_number++) {
		Dnstap__Dnstap *got;
		size_t length = 0, max_len;
		dnstap_result result;

		make(&made);
		to_protobuf(&made.message, &wanted);
		max_len = dnstap_encoded_size_max(&made.message);
		SAME(max_len > 0 && max_len < ROOM);
		memset(ours, 0xa5, max_len + 64);
		result = dnstap_encode(ours, max_len, &length, &made.message);
		ASSERT(result == DNSTAP_OK, "event %d: %s", event_number, dnstap_strerror(result));
		SAME(length > 0 && length <= max_len);
		for (size_t i = 0; i < 64; i++)
			ASSERT(ours[max_len + i] == 0xa5, "event %d: byte %zu beyond the buffer was written to",
			       event_number, i);
		got = unpack(ours, length);
		same_fields(&got->base, &wanted.event.base);
		free_event(got);
		/* The same bytes, not only the same event. */
		SAME(dnstap__dnstap__get_packed_size(&wanted.event) == length);
		dnstap__dnstap__pack(&wanted.event, theirs);
		SAME(memcmp(ours, theirs, length) == 0);
	}
}

/* An address with neither address nor port is the same as none. */
static void same_end(const struct sockaddr *was, const struct sockaddr *is)
{
	bool is_known = was != NULL &&
			(was->sa_family != AF_UNSPEC || ((const struct sockaddr_in *)(const void *)was)->sin_port != 0);
	const struct sockaddr_in6 *in6 = (const void *)is;

	SAME(is_known == (is != NULL));
	if (is_known && is->sa_family == AF_INET6)
		SAME(in6->sin6_scope_id == 0 && in6->sin6_flowinfo == 0);
}

static void same_as_logged(const dnstap_message *a, const dnstap_message *b)
{
	static struct protobuf logged, read;

	SAME(b->size == sizeof *b && b->sample_rate == 1);
	SAME(b->policy == NULL || b->policy->size == sizeof *b->policy);
	same_end(a->initiator, b->initiator);
	same_end(a->responder, b->responder);
	to_protobuf(a, &logged);
	to_protobuf(b, &read);
	same_fields(&logged.event.base, &read.event.base);
}

/*
 * A message like those that servers log, which take the fast path, or one that has a little more. A field that is not
 * named here stays as it is made: it must not be lost on that path.
 */
static void make_usual(struct made *made)
{
	static const dnstap_bytes absent;
	dnstap_message *m = &made->message;

	do
		make(made);
	while (m->initiator == NULL || m->initiator->sa_family == AF_UNSPEC || m->responder == NULL ||
	       m->responder->sa_family != m->initiator->sa_family);
	m->query.length %= 300;
	m->response.length %= 300;
	m->zone.length %= 100;
	m->query_time.seconds = one_in(8) ? 0 : 1700000000;
	m->response_time.seconds = m->query_time.seconds;
	if (one_in(2)) {
		m->response = absent;
		m->response_time = one_in(8) ? m->query_time : (dnstap_time){ 0, 0 };
	} else if (!one_in(8)) {
		m->query = absent;
	}
	if (!one_in(8))
		m->http_protocol = 0;
	if (!one_in(8))
		m->policy = NULL;
	if (!one_in(8))
		m->extra = absent;
	if (!one_in(8))
		m->identity = absent;
	if (!one_in(8))
		m->version = absent;
}

/* Logging writes the same bytes as encoding, on the fast path and the slow one. */
static void logs(int count)
{
	dnstap_options *options = options_with_ring("file:usual", 64 << 20);
	uint64_t start = state;
	dnstap_reader *reader;
	dnstap_result result;
	dnstap_queue *queue;
	dnstap_sink *sink;
	struct made made;

	dnstap_options_set_identity(options, NULL);
	dnstap_options_set_version(options, NULL);
	sink = open_sink(options);
	queue = dnstap_queue_new(sink, &result);
	for (event_number = 0; event_number < count; event_number++) {
		make_usual(&made);
		result = dnstap_log(queue, &made.message);
		ASSERT(result == DNSTAP_OK, "event %d: %s", event_number, dnstap_strerror(result));
	}
	dnstap_queue_free(&queue);
	close_sink(&sink, TIMEOUT);
	reader = dnstap_reader_open("usual", &result);
	state = start;
	for (event_number = 0; event_number < count; event_number++) {
		size_t length = 0;
		dnstap_bytes frame;

		make_usual(&made);
		SAME(dnstap_reader_next(reader, NULL, TIMEOUT) == DNSTAP_OK);
		SAME(dnstap_reader_get_frame(reader, &frame) == DNSTAP_OK);
		SAME(dnstap_encode(ours, ROOM, &length, &made.message) == DNSTAP_OK);
		SAME(frame.length == length && memcmp(frame.data, ours, length) == 0);
	}
	dnstap_reader_close(&reader);
}

static void decodes(int count)
{
	static struct protobuf from;
	struct made made;

	for (event_number = 0; event_number < count; event_number++) {
		dnstap_message message;
		dnstap_storage storage;
		dnstap_result result;
		unsigned char *frame;
		size_t length;

		make(&made);
		to_protobuf(&made.message, &from);
		length = dnstap__dnstap__get_packed_size(&from.event);
		/* In memory of exactly that size, so that valgrind sees reads beyond it. */
		frame = malloc(length);
		ASSERT(frame != NULL, "no memory");
		dnstap__dnstap__pack(&from.event, frame);
		memset(&message, 0x5a, sizeof message);
		message.size = sizeof message;
		memset(&storage, 0x5a, sizeof storage);
		storage.size = sizeof storage;
		result = dnstap_decode(frame, length, &message, &storage);
		ASSERT(result == DNSTAP_OK, "event %d: %s", event_number, dnstap_strerror(result));
		same_as_logged(&made.message, &message);
		free(frame);
	}
}

/* A message is copied with its fields, and is valid as long as the frame and the storage are. */
static void copies(int count)
{
	struct made made;

	for (event_number = 0; event_number < count; event_number++) {
		dnstap_message message = DNSTAP_MESSAGE_INIT, copy;
		dnstap_storage storage = DNSTAP_STORAGE_INIT;
		size_t length;

		make(&made);
		SAME(dnstap_encode(ours, ROOM, &length, &made.message) == DNSTAP_OK);
		SAME(dnstap_decode(ours, length, &message, &storage) == DNSTAP_OK);
		copy = message;
		memset(&message, 0x5a, sizeof message);
		same_as_logged(&made.message, &copy);
	}
}

/* Structs of a program with a newer header. */
static void newer_programs(int count)
{
	struct {
		dnstap_message message;
		unsigned char beyond[40];
	} message;
	struct {
		dnstap_storage storage;
		unsigned char beyond[40];
	} storage;
	struct made made;

	for (event_number = 0; event_number < count; event_number++) {
		size_t length;

		memset(&message, 0x5a, sizeof message);
		memset(&storage, 0x5a, sizeof storage);
		message.message.size = one_in(2) ? sizeof message : sizeof message.message;
		storage.storage.size =
			message.message.size == sizeof message && one_in(2) ? sizeof storage.storage : sizeof storage;
		make(&made);
		SAME(dnstap_encode(ours, ROOM, &length, &made.message) == DNSTAP_OK);
		SAME(dnstap_decode(ours, length, &message.message, &storage.storage) == DNSTAP_OK);
		for (size_t i = 0; i < sizeof message.beyond; i++)
			SAME(message.beyond[i] == (message.message.size == sizeof message ? 0 : 0x5a));
		for (size_t i = 0; i < sizeof storage.beyond; i++)
			SAME(storage.beyond[i] == (storage.storage.size == sizeof storage ? 0 : 0x5a));
		message.message.size = sizeof message.message;
		same_as_logged(&made.message, &message.message);
	}
}

/* An event that is cut off is refused, and is not read beyond its end. */
static void cut_off(int count)
{
	struct made made;

	for (event_number = 0; event_number < count; event_number++) {
		dnstap_message message = DNSTAP_MESSAGE_INIT;
		dnstap_storage storage = DNSTAP_STORAGE_INIT;
		size_t length = 0;

		do
			make(&made);
		while (dnstap_encoded_size_max(&made.message) > 2000);
		SAME(dnstap_encode(ours, ROOM, &length, &made.message) == DNSTAP_OK);
		for (size_t cut = 0; cut < length; cut++) {
			unsigned char *frame = malloc(cut + (cut == 0));
			dnstap_result result;

			ASSERT(frame != NULL, "no memory");
			memcpy(frame, ours, cut);
			result = dnstap_decode(frame, cut, &message, &storage);
			ASSERT(result == DNSTAP_ERROR_DECODE, "event %d cut off at %zu: %s", event_number, cut,
			       dnstap_strerror(result));
			free(frame);
		}
	}
}

static size_t pack(const Dnstap__Dnstap *event)
{
	return dnstap__dnstap__pack(event, theirs);
}

static void start_event(struct protobuf *p)
{
	static dnstap_message minimal = { .size = sizeof minimal, .type = DNSTAP_MESSAGE_TYPE_CLIENT_QUERY };

	memset(p, 0, sizeof *p);
	to_protobuf(&minimal, p);
}

static void decode_to(dnstap_message *m, size_t length)
{
	static dnstap_storage storage = DNSTAP_STORAGE_INIT;
	dnstap_result result;

	memset(m, 0x5a, sizeof *m);
	m->size = sizeof *m;
	result = dnstap_decode(theirs, length, m, &storage);
	ASSERT(result == DNSTAP_OK, "%s", dnstap_strerror(result));
}

static void numbers_without_a_name(void)
{
	static struct protobuf p;
	dnstap_message m;

	start_event(&p);
	p.message.type = (Dnstap__Message__Type)99;
	p.message.has_socket_family = p.message.has_socket_protocol = p.message.has_http_protocol = 1;
	p.message.socket_family = (Dnstap__SocketFamily)7;
	p.message.socket_protocol = (Dnstap__SocketProtocol)200;
	p.message.http_protocol = (Dnstap__HttpProtocol)70000;
	p.message.policy = &p.policy;
	p.policy.has_action = p.policy.has_match = 1;
	p.policy.action = (Dnstap__Policy__Action)12;
	p.policy.match = (Dnstap__Policy__Match)-1;
	decode_to(&m, pack(&p.event));
	ASSERT_EQ(m.type, 99);
	ASSERT_EQ(m.socket_family, 7);
	ASSERT_EQ(m.socket_protocol, 200);
	ASSERT_EQ(m.http_protocol, 70000);
	ASSERT_EQ(m.policy->action, 12);
	ASSERT_EQ(m.policy->match, UINT32_MAX);
}

static void odd_addresses(int length)
{
	static struct protobuf p;
	const struct sockaddr_in *in;
	dnstap_message m;

	start_event(&p);
	p.message.has_query_address = p.message.has_query_port = p.message.has_response_address = 1;
	p.message.query_address = (ProtobufCBinaryData){ (size_t)length, pool };
	p.message.response_address = (ProtobufCBinaryData){ (size_t)length, pool };
	p.message.query_port = 5353;
	decode_to(&m, pack(&p.event));
	in = (const void *)m.initiator;
	ASSERT(in != NULL && in->sin_family == AF_UNSPEC && in->sin_port == htons(5353), "the port is lost");
	ASSERT(m.responder == NULL, "an address of %d bytes, and a responder", length);
}

static void odd_ports(void)
{
	static struct protobuf p;
	const struct sockaddr_in *in;
	dnstap_message m;

	start_event(&p);
	p.message.has_query_address = p.message.has_query_port = p.message.has_response_port = 1;
	p.message.query_address = (ProtobufCBinaryData){ 4, pool };
	p.message.query_port = 65536 + 53;
	p.message.response_port = UINT32_MAX;
	decode_to(&m, pack(&p.event));
	in = (const void *)m.initiator;
	ASSERT(in != NULL && in->sin_family == AF_INET && in->sin_port == 0, "a port above 65,535 is not left out");
	ASSERT(m.responder == NULL, "a port above 65,535, and a responder");
}

/* The length of an address decides its family. */
static void family_and_address_disagree(void)
{
	static struct protobuf p;
	dnstap_message m;

	start_event(&p);
	p.message.has_socket_family = p.message.has_query_address = p.message.has_response_address = 1;
	p.message.socket_family = DNSTAP__SOCKET_FAMILY__INET;
	p.message.query_address = (ProtobufCBinaryData){ 16, pool };
	p.message.response_address = (ProtobufCBinaryData){ 4, pool };
	decode_to(&m, pack(&p.event));
	ASSERT_EQ(m.socket_family, DNSTAP_SOCKET_FAMILY_INET);
	ASSERT_EQ(m.initiator->sa_family, AF_INET6);
	ASSERT_EQ(m.responder->sa_family, AF_INET);
}

static void no_message(void)
{
	static struct protobuf p;
	dnstap_message m;

	start_event(&p);
	p.event.message = NULL;
	p.event.has_identity = 1;
	p.event.identity = (ProtobufCBinaryData){ 3, pool };
	decode_to(&m, pack(&p.event));
	ASSERT_EQ(m.type, 0);
	ASSERT(m.initiator == NULL && m.responder == NULL && m.policy == NULL && m.query.data == NULL &&
		       m.response.data == NULL && m.zone.data == NULL,
	       "an event without a message has fields of one");
	ASSERT(m.identity.length == 3 && memcmp(m.identity.data, pool, 3) == 0 && m.version.data == NULL,
	       "the identity is lost");
}

/* Incomplete and invalid times. */
static void odd_times(void)
{
	static struct protobuf p;
	dnstap_message m;

	start_event(&p);
	p.message.has_query_time_sec = p.message.has_response_time_nsec = 1;
	p.message.query_time_sec = 1700000000;
	p.message.response_time_nsec = 5;
	decode_to(&m, pack(&p.event));
	ASSERT(m.query_time.seconds == 1700000000 && m.query_time.nanoseconds == 0, "seconds alone");
	ASSERT(m.response_time.seconds == 0 && m.response_time.nanoseconds == 5, "nanoseconds alone");
	p.message.query_time_sec = UINT64_MAX;
	p.message.response_time_nsec = UINT32_MAX;
	decode_to(&m, pack(&p.event));
	ASSERT(m.query_time.seconds >= 0 && m.response_time.nanoseconds < 1000000000, "an invalid time");
}

static void sample_rates(void)
{
	static const struct {
		const char *extra;
		unsigned rate;
	} rates[] = {
		{ "sample=1/10", 10 },
		{ "sample=1/4294967295", UINT32_MAX },
		{ "sample=1/10 tag=7", 10 },
		{ "", 1 },
		{ "sample=1/", 1 },
		{ "sample=1/0", 1 },
		{ "sample=1/4294967296", 1 },
		{ "sample=1/10x", 1 },
		{ "tag sample=1/10", 1 },
		{ "sample=1/-1", 1 },
		{ NULL, 1 },
	};
	static struct protobuf p;
	dnstap_message m;

	for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
		const char *extra = rates[i].extra;

		start_event(&p);
		p.event.has_extra = extra != NULL;
		if (extra != NULL)
			p.event.extra = (ProtobufCBinaryData){ strlen(extra), (uint8_t *)(uintptr_t)extra };
		decode_to(&m, pack(&p.event));
		ASSERT(m.sample_rate == rates[i].rate, "'%s' is a rate of %u", extra != NULL ? extra : "none",
		       m.sample_rate);
	}
}

/* Checks that a frame is refused, and the message unchanged. */
static void no_events(void)
{
	static const struct {
		const char *bytes;
		size_t length;
		const char *what;
	} frames[] = {
		{ "", 0, "nothing" },
		{ "\x0a\x01x", 3, "no Dnstap.type" },
		{ "\x72\x02\x10\x01\x78\x01", 6, "no Message.type" },
		{ "\x72\x05\x08\x05\x78\x01", 6, "a message longer than the frame" },
		{ "\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11, "a length of 2^64 - 1" },
		{ "\x78\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 13, "a varint that is too long" },
		{ "\x0f\x78\x01", 3, "a wire type that is not there" },
		{ "GET / HTTP/1.1\r\n", 16, "text" },
	};
	struct {
		dnstap_message message;
		dnstap_storage storage;
	} before, after;

	memset(&before, 0x5a, sizeof before);
	before.message.size = sizeof before.message;
	before.storage.size = sizeof before.storage;
	for (size_t i = 0; i < sizeof frames / sizeof frames[0]; i++) {
		dnstap_result result;

		memcpy(&after, &before, sizeof after);
		result = dnstap_decode((const uint8_t *)frames[i].bytes, frames[i].length, &after.message,
				       &after.storage);
		ASSERT(result == DNSTAP_ERROR_DECODE, "%s: %s", frames[i].what, dnstap_strerror(result));
		ASSERT(memcmp(&before, &after, sizeof after) == 0, "%s: the message or its storage was written to",
		       frames[i].what);
	}
}

int main(int argc, char **argv)
{
	const char *text = getenv("SEED");
	uint64_t seed = text != NULL ? strtoull(text, NULL, 10) : (uint64_t)time(NULL) * 64 + (uint64_t)getpid();
	int count = under_valgrind() ? 500 : 50000;
	char encoding[100], decoding[100];
	const struct test_case cases[] = {
		CASE_WITH("the events of this test have all fields of the schema", made_of_all_fields, 500),
		CASE_WITH(encoding, encodes, count),
		CASE_WITH(decoding, decodes, count),
		CASE_WITH("logging: the same bytes as encoding", logs, under_valgrind() ? 500 : 20000),
		CASE_WITH("decoding: a message can be copied", copies, under_valgrind() ? 100 : 2000),
		CASE_WITH("decoding: into the structs of newer programs", newer_programs,
			  under_valgrind() ? 100 : 2000),
		CASE_WITH("decoding: an event that is cut off is refused", cut_off, under_valgrind() ? 3 : 200),
		CASE("decoding: numbers without a name are kept", numbers_without_a_name),
		CASE_WITH("decoding: addresses of 5 bytes are left out", odd_addresses, 5),
		CASE_WITH("decoding: addresses of no bytes are left out", odd_addresses, 0),
		CASE_WITH("decoding: addresses of 1,000 bytes are left out", odd_addresses, 1000),
		CASE("decoding: ports above 65,535 are left out", odd_ports),
		CASE("decoding: the length of an address decides its family", family_and_address_disagree),
		CASE("decoding: an event without a message has type 0", no_message),
		CASE("decoding: invalid times are left out", odd_times),
		CASE("decoding: the sample rate is read from extra", sample_rates),
		CASE("decoding: frames that are not events are refused", no_events),
	};

	state = seed != 0 ? seed : 1;
	for (size_t i = 0; i < sizeof pool; i++)
		pool[i] = (unsigned char)(random_number() >> 56);
	snprintf(encoding, sizeof encoding, "encoding: %d events are to the byte what protobuf-c writes (SEED=%llu)",
		 count, (unsigned long long)seed);
	snprintf(decoding, sizeof decoding, "decoding: %d events of protobuf-c are what they were (SEED=%llu)", count,
		 (unsigned long long)seed);
	return RUN_CASES(argc, argv, cases);
}
