/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A thread that logs does not allocate. Its only system calls check the pipe to
 * the writer thread, and wake the thread: no_alloc.sh looks for others by strace,
 * between the calls of access(), which mark where logging begins and ends.
 */
#include "messages.h"
#include "sink.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The ring is emptied between rounds. */
enum { ROUNDS = 100, MESSAGES = 1000 };

/* Allocations of this thread, which include those of the library. */
static __thread unsigned long allocations;

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *memory);

void *malloc(size_t size)
{
	allocations++;
	return __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
	allocations++;
	return __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size)
{
	allocations++;
	return __libc_realloc(memory, size);
}

int posix_memalign(void **memory, size_t alignment, size_t size)
{
	allocations++;
	*memory = __libc_memalign(alignment, size);
	return *memory != NULL ? 0 : ENOMEM;
}

void *aligned_alloc(size_t alignment, size_t size)
{
	allocations++;
	return __libc_memalign(alignment, size);
}

void free(void *memory)
{
	allocations++;
	__libc_free(memory);
}

enum kind { TYPICAL, OVER_IPV6, RARE, REFUSED, TOO_LONG, DISABLED, FULL, SAMPLED, RENAMED };

/* Logs an encoded event. */
enum { FRAME = 0x100 };

/* Makes a message, and the expected result of logging it. */
static dnstap_message make(enum kind kind, dnstap_result *expected)
{
	static uint8_t bytes[65535];
	static struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = 53 };
	static dnstap_policy policy = {
		.size = sizeof policy,
		.type = { (const uint8_t *)"RPZ", 3 },
		.action = DNSTAP_POLICY_ACTION_NXDOMAIN,
	};
	dnstap_message m = example(DNSTAP_MESSAGE_TYPE_CLIENT_RESPONSE);

	*expected = DNSTAP_OK;
	m.response_time = m.query_time;
	m.response = (dnstap_bytes){ bytes, 100 };
	switch (kind) {
	case OVER_IPV6:
		m.initiator = m.responder = (const struct sockaddr *)&in6;
		m.response.length = 500;
		break;
	case RARE:
		m.extra = (dnstap_bytes){ bytes, 30 };
		m.policy = &policy;
		m.identity = m.version = (dnstap_bytes){ bytes, 10 };
		m.http_protocol = DNSTAP_HTTP_PROTOCOL_HTTP2;
		m.responder = NULL;
		break;
	case REFUSED:
		m.query_time.nanoseconds = UINT32_MAX;
		*expected = DNSTAP_ERROR_TIME;
		break;
	case TOO_LONG:
		m.query = m.response = (dnstap_bytes){ bytes, 65535 };
		*expected = DNSTAP_ERROR_TOO_LONG;
		break;
	case DISABLED:
		m.type = DNSTAP_MESSAGE_TYPE_AUTH_QUERY;
		*expected = DNSTAP_DISABLED;
		break;
	case FULL: *expected = DNSTAP_ERROR_FULL; break;
	case SAMPLED: *expected = DNSTAP_SAMPLED_OUT; break;
	case TYPICAL:
	case RENAMED: break;
	}
	return m;
}

/* The message, encoded for dnstap_log_frame(). */
static uint8_t frame[200000];
static size_t frame_length;

static dnstap_result log_one(dnstap_queue *queue, const dnstap_message *m, int kind)
{
	return kind & FRAME ? dnstap_log_frame(queue, m->type, frame, frame_length) : dnstap_log(queue, m);
}

/* Returns how many calls had this result, and counts allocations. */
static unsigned long log_round(dnstap_queue *queue, const dnstap_message *m, int kind, dnstap_result expected,
			       unsigned long *allocated)
{
	unsigned long before, as_expected = 0;

	access("begin logging", F_OK);
	before = allocations;
	for (int i = 0; i < MESSAGES; i++)
		as_expected += log_one(queue, m, kind) == expected;
	*allocated += allocations - before;
	access("end logging", F_OK);
	return as_expected;
}

static void log_many(int how)
{
	const int kind = how & ~FRAME;
	unsigned long before = allocations, allocated = 0, as_expected = 0;
	dnstap_options *options = options_to(kind == FULL ? "unix:not-there" : "file:/dev/null");
	dnstap_result expected;
	dnstap_message m = make((enum kind)kind, &expected);
	dnstap_queue *queue;
	dnstap_sink *sink;
	dnstap_stats s;

	ASSERT(allocations > before, "allocations of the library are not counted");
	dnstap_options_set_message_types(options, DNSTAP_MESSAGE_TYPE_BIT(DNSTAP_MESSAGE_TYPE_CLIENT_RESPONSE));
	dnstap_options_set_queue_bytes(options, kind == TOO_LONG ? 65536 : 4 << 20);
	dnstap_options_set_flush_interval(options, 1);
	dnstap_options_set_close_timeout(options, 1000);
	if (kind == SAMPLED)
		dnstap_options_set_sample_rate(options, 1000000);
	if (how & FRAME)
		ASSERT(dnstap_encode(frame, sizeof frame, &frame_length, &m) == DNSTAP_OK, "encode");
	sink = open_sink(options);
	queue = dnstap_queue_new(sink, NULL);
	/* Warms the queue up, or fills it. */
	for (int i = 0; i < (kind == FULL ? 100000 : 1000); i++)
		log_one(queue, &m, how);
	for (int round = 0; round < ROUNDS; round++) {
		if (kind != FULL)
			WAIT_FOR_STATS(sink, s, s.waiting == 0);
		if (kind == RENAMED)
			ASSERT(dnstap_sink_set_identity(sink, round % 2 ? "odd" : NULL) == DNSTAP_OK, "identity");
		if (kind == SAMPLED)
			ASSERT(dnstap_sink_set_sample_rate(sink, 1000000 + (unsigned)round) == DNSTAP_OK,
			       "sample rate");
		as_expected += log_round(queue, &m, how, expected, &allocated);
	}
	ASSERT(allocated == 0, "%lu allocations", allocated);
	ASSERT(as_expected == ROUNDS * MESSAGES, "%lu calls had the expected result", as_expected);
	dnstap_queue_free(&queue);
	ASSERT(dnstap_sink_close(&sink, NULL) == DNSTAP_OK, "close");
}

int main(int argc, char **argv)
{
	static const struct test_case cases[] = {
		CASE_WITH("no allocation for typical messages", log_many, TYPICAL),
		CASE_WITH("no allocation for large messages over IPv6", log_many, OVER_IPV6),
		CASE_WITH("no allocation for messages with rare fields", log_many, RARE),
		CASE_WITH("no allocation for messages that are refused", log_many, REFUSED),
		CASE_WITH("no allocation for messages that are too long", log_many, TOO_LONG),
		CASE_WITH("no allocation for messages of disabled types", log_many, DISABLED),
		CASE_WITH("no allocation when the ring is full", log_many, FULL),
		CASE_WITH("no allocation for messages outside the sample", log_many, SAMPLED),
		CASE_WITH("no allocation when the identity changes", log_many, RENAMED),
		CASE_WITH("no allocation for frames", log_many, FRAME | TYPICAL),
		CASE_WITH("no allocation for frames that are too long", log_many, FRAME | TOO_LONG),
		CASE_WITH("no allocation for frames when the ring is full", log_many, FRAME | FULL),
	};

	return RUN_CASES(argc, argv, cases);
}
