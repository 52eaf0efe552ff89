/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Each function that takes a struct that can grow, with a struct of every size:
 * fields that the caller does not have are neither read nor written, and those
 * that only the caller knows are ignored, or set to 0.
 */
#include "messages.h"
#include "sink.h"
#include "sized.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* clang-format off */
static const struct sizes
	MESSAGE = SIZES(dnstap_message, FIRST(184, 108, 120),
		HOLE(dnstap_message, sample_rate, initiator),
		HOLE(dnstap_message, query_time.nanoseconds, response_time),
		HOLE(dnstap_message, response_time.nanoseconds, query),
		END_HOLE(dnstap_message, version)),
	POLICY = SIZES(dnstap_policy, FIRST(64, 36, 36), 0),
	STORAGE = SIZES(dnstap_storage, FIRST(128, 96, 96), 0),
	STATS = SIZES(dnstap_stats, FIRST(368, 360, 368),
		HOLE(dnstap_stats, size, logged),
		HOLE(dnstap_stats, state, logged_by_type)),
	EVENT = SIZES(dnstap_event, FIRST(48, 36, 40),
		HOLE(dnstap_event, time.nanoseconds, count));
/* clang-format on */

/* Checks the result of a call with a struct of this size. */
static void returned(const char *call, size_t size, const struct sizes *sizes, dnstap_result is)
{
	dnstap_result wanted = size < sizes->first ? DNSTAP_ERROR_SIZE : DNSTAP_OK;

	ASSERT(is == wanted, "%s with size %zu of %s: '%s' (%d), not '%s'", call, size, sizes->name,
	       dnstap_strerror(is), (int)is, dnstap_strerror(wanted));
}

/* Data that messages point to. */
static const uint8_t dns[] = "a DNS message", zone[] = "\7example", rule[] = "\4rule", extra[] = "extra",
		     name[] = "name";
static const dnstap_policy policy = {
	.size = sizeof policy,
	.type = { rule, sizeof rule },
	.rule = { dns, sizeof dns },
	.value = { zone, sizeof zone },
	.action = DNSTAP_POLICY_ACTION_DROP,
	.match = DNSTAP_POLICY_MATCH_QNAME,
};

/* A message with all fields, and one that takes the fast path. */
static dnstap_message message_of(int everything)
{
	dnstap_message m = example(DNSTAP_MESSAGE_TYPE_CLIENT_RESPONSE);

	m.response.data = dns;
	m.response.length = sizeof dns;
	m.response_time = m.query_time;
	if (everything) {
		m.socket_family = DNSTAP_SOCKET_FAMILY_INET;
		m.http_protocol = DNSTAP_HTTP_PROTOCOL_HTTP2;
		m.query = m.response;
		m.zone = (dnstap_bytes){ zone, sizeof zone };
		m.extra = (dnstap_bytes){ extra, sizeof extra };
		m.identity = (dnstap_bytes){ name, sizeof name };
		m.version = m.identity;
		m.policy = &policy;
	}
	return m;
}

/* The frames that were encoded, in order. */
static struct made {
	uint8_t *data;
	size_t length;
} frames[16384];
static size_t frame_count;

static void add_frame(const uint8_t *data, size_t length)
{
	struct made *frame = &frames[frame_count++];

	ASSERT(frame_count < sizeof frames / sizeof frames[0], "too many frames");
	frame->data = malloc(length + 1);
	frame->length = length;
	memcpy(frame->data, data, length);
}

static void forget_frames(void)
{
	while (frame_count > 0)
		free(frames[--frame_count].data);
}

static void add_frames_of(const char *path)
{
	dnstap_reader *reader = dnstap_reader_open(path, NULL);
	dnstap_bytes frame;

	while (dnstap_reader_next(reader, NULL, TIMEOUT) == DNSTAP_OK) {
		ASSERT(dnstap_reader_get_frame(reader, &frame) == DNSTAP_OK, "no frame");
		add_frame(frame.data, frame.length);
	}
	dnstap_reader_close(&reader);
}

/* A function that encodes a message as a frame. */
typedef dnstap_result send_function(const dnstap_message *message);

/* Frames that must be equal, in pairs. */
static size_t pairs;

/* Sends a message in structs of each size, and the same message in structs of this version. */
static void send_each_size(const char *call, send_function *send)
{
	static struct area area;
	dnstap_message whole, cut;
	dnstap_policy rest;

	for (int everything = 0; everything < 2; everything++) {
		whole = message_of(everything);
		FOR_EACH_SIZE(size, MESSAGE) {
			returned(call, size, &MESSAGE, send(place_copy(&area, size, &whole, &MESSAGE)));
			if (size < MESSAGE.first)
				continue;
			cut = whole;
			clear_beyond(size, &cut, &MESSAGE);
			ASSERT(send(&cut) == DNSTAP_OK, "%s: not sent", call);
			pairs++;
		}
	}
	cut = whole;
	FOR_EACH_SIZE(size, POLICY) {
		whole.policy = place_copy(&area, size, &policy, &POLICY);
		returned(call, size, &POLICY, send(&whole));
		if (size < POLICY.first)
			continue;
		rest = policy;
		clear_beyond(size, &rest, &POLICY);
		cut.policy = &rest;
		ASSERT(send(&cut) == DNSTAP_OK, "%s: not sent", call);
		pairs++;
	}
}

static void check_pairs(void)
{
	ASSERT_EQ(frame_count, 2 * pairs);
	ASSERT(pairs > 100, "only %zu frames to compare", pairs);
	for (size_t i = 0; i < frame_count; i += 2)
		ASSERT(frames[i].length == frames[i + 1].length &&
			       memcmp(frames[i].data, frames[i + 1].data, frames[i].length) == 0,
		       "pair %zu: the frames of a size differ from those of this version", i / 2);
}

static dnstap_result encode(const dnstap_message *message)
{
	uint8_t buffer[1024];
	size_t length, max_len = dnstap_encoded_size_max(message);
	dnstap_result result = dnstap_encode(buffer, sizeof buffer, &length, message);

	if (result == DNSTAP_OK) {
		ASSERT(max_len >= length, "%zu bytes of at most %zu", length, max_len);
		add_frame(buffer, length);
	} else {
		ASSERT_EQ(length, 0);
		ASSERT_EQ(max_len, 0);
	}
	return result;
}

static void encoding(void)
{
	send_each_size("dnstap_encode", encode);
	check_pairs();
}

static dnstap_queue *queue;

static dnstap_result log_one(const dnstap_message *message)
{
	return dnstap_log(queue, message);
}

static void logging(void)
{
	dnstap_sink *sink = open_sink(options_to("file:sizes.tap"));
	dnstap_stats s;

	queue = dnstap_queue_new(sink, NULL);
	send_each_size("dnstap_log", log_one);
	dnstap_queue_free(&queue);
	s = close_sink(&sink, TIMEOUT);
	/* A policy is part of the message, so one of a wrong size makes the message invalid. */
	ASSERT_EQ(s.sent, 2 * pairs);
	ASSERT_EQ(s.dropped_invalid, POLICY.first);
	add_frames_of("sizes.tap");
	check_pairs();
}

static dnstap_writer *writer;

static dnstap_result write_one(const dnstap_message *message)
{
	return dnstap_writer_write(writer, message);
}

static void writing(void)
{
	dnstap_options *options = options_to("file:sizes.tap");

	writer = dnstap_writer_open(options, NULL);
	dnstap_options_free(&options);
	send_each_size("dnstap_writer_write", write_one);
	dnstap_writer_close(&writer);
	add_frames_of("sizes.tap");
	check_pairs();
}

/* The event with all fields. */
static struct made example_frame(void)
{
	static uint8_t buffer[1024];
	struct made frame = { buffer, 0 };
	dnstap_message m = message_of(1);

	ASSERT(dnstap_encode(buffer, sizeof buffer, &frame.length, &m) == DNSTAP_OK, "no frame");
	return frame;
}

static void decoding(void)
{
	static struct area area;
	struct made frame = example_frame();
	dnstap_storage storage = { .size = sizeof storage };
	dnstap_message whole = { .size = sizeof whole }, m;
	dnstap_result result;

	ASSERT(dnstap_decode(frame.data, frame.length, &whole, &storage) == DNSTAP_OK, "decoding");
	FOR_EACH_SIZE(size, MESSAGE) {
		result = dnstap_decode(frame.data, frame.length, place(&area, size), &storage);
		returned("dnstap_decode", size, &MESSAGE, result);
		if (result == DNSTAP_OK)
			check_filled(&area, size, &whole, &MESSAGE, "dnstap_decode");
		else
			check_refused(&area, size, "dnstap_decode");
	}
	FOR_EACH_SIZE(size, STORAGE) {
		memset(&m, CANARY, sizeof m);
		m.size = sizeof m;
		result = dnstap_decode(frame.data, frame.length, &m, place(&area, size));
		returned("dnstap_decode", size, &STORAGE, result);
		if (result == DNSTAP_OK) {
			/* The policy is last, cut to the available room. */
			storage.policy.size = size - offsetof(dnstap_storage, policy);
			if (storage.policy.size > POLICY.now)
				storage.policy.size = POLICY.now;
			check_filled(&area, size, &storage, &STORAGE, "dnstap_decode");
			ASSERT((const uint8_t *)m.policy > area.place &&
				       (const uint8_t *)m.policy < area.place + area.length,
			       "the policy is not in the storage");
		} else {
			check_refused(&area, size, "dnstap_decode");
			ASSERT(m.type == CANARY * 0x1010101u, "the message was written to, without storage");
		}
	}
}

static void reading(void)
{
	static struct area area;
	struct made frame = example_frame(), made;
	dnstap_message whole = { .size = sizeof whole }, m = message_of(1);
	dnstap_storage storage = { .size = sizeof storage };
	dnstap_sink *sink = open_sink(options_to("file:sizes.tap"));
	dnstap_reader *reader;
	dnstap_result result;
	dnstap_bytes read;

	queue = dnstap_queue_new(sink, NULL);
	FOR_EACH_SIZE(size, MESSAGE)
		ASSERT(dnstap_log(queue, &m) == DNSTAP_OK, "not logged");
	dnstap_queue_free(&queue);
	close_sink(&sink, TIMEOUT);
	ASSERT(dnstap_decode(frame.data, frame.length, &whole, &storage) == DNSTAP_OK, "decoding");

	reader = dnstap_reader_open("sizes.tap", NULL);
	FOR_EACH_SIZE(size, MESSAGE) {
		dnstap_message *placed = place(&area, size);

		result = dnstap_reader_next(reader, placed, TIMEOUT);
		returned("dnstap_reader_next", size, &MESSAGE, result);
		ASSERT(dnstap_reader_get_frame(reader, &read) == DNSTAP_OK, "no frame");
		ASSERT(read.length == frame.length && memcmp(read.data, frame.data, read.length) == 0, "another frame");
		if (result != DNSTAP_OK) {
			check_refused(&area, size, "dnstap_reader_next");
			continue;
		}
		check_outside(&area, size, "dnstap_reader_next");
		for (size_t i = sizeof whole; i < size; i++)
			ASSERT(area.place[i] == 0, "dnstap_reader_next: size %zu, and byte %zu is not 0", size, i);
		/* It points into the reader, so its content is compared. */
		forget_frames();
		m = whole;
		clear_beyond(size, &m, &MESSAGE);
		ASSERT(encode(placed) == DNSTAP_OK && encode(&m) == DNSTAP_OK, "the message cannot be encoded again");
		made = frames[0];
		ASSERT(made.length == frames[1].length && memcmp(made.data, frames[1].data, made.length) == 0,
		       "dnstap_reader_next: size %zu: another message", size);
	}
	dnstap_reader_close(&reader);
}

/* Logs one message to a new sink. */
static dnstap_sink *busy_sink(void)
{
	dnstap_sink *sink = open_sink(options_with_ring("file:sizes.tap", 65536));
	dnstap_message m = message_of(1);

	queue = dnstap_queue_new(sink, NULL);
	ASSERT(dnstap_log(queue, &m) == DNSTAP_OK, "not logged");
	dnstap_queue_free(&queue);
	return sink;
}

static void accounts(void)
{
	static struct area area;
	dnstap_sink *sink = busy_sink();
	dnstap_stats s;
	dnstap_result result;

	WAIT_FOR_STATS(sink, s, s.sent == 1);
	FOR_EACH_SIZE(size, STATS) {
		result = dnstap_sink_get_stats(sink, place(&area, size));
		returned("dnstap_sink_get_stats", size, &STATS, result);
		if (result == DNSTAP_OK)
			check_filled(&area, size, &s, &STATS, "dnstap_sink_get_stats");
		else
			check_refused(&area, size, "dnstap_sink_get_stats");
	}
	close_sink(&sink, TIMEOUT);
}

static void last_accounts(void)
{
	static struct area area;
	dnstap_sink *sink = busy_sink();
	dnstap_stats s = close_sink(&sink, TIMEOUT);
	dnstap_result result;

	FOR_EACH_SIZE(size, STATS) {
		unlink("sizes.tap");
		sink = busy_sink();
		result = dnstap_sink_close(&sink, place(&area, size));
		returned("dnstap_sink_close", size, &STATS, result);
		ASSERT(sink == NULL, "size %zu: the sink is still open", size);
		if (result == DNSTAP_OK)
			check_filled(&area, size, &s, &STATS, "dnstap_sink_close");
		else
			check_refused(&area, size, "dnstap_sink_close");
	}
}

static void events(void)
{
	static struct area area;
	dnstap_sink *sink = open_sink(options_to("file:sizes.tap"));
	struct pollfd pending = { dnstap_sink_get_event_fd(sink), POLLIN, 0 };
	dnstap_event opened = DNSTAP_EVENT_INIT;
	const dnstap_event *event;
	dnstap_result result;

	opened.kind = DNSTAP_EVENT_KIND_CONNECTED;
	FOR_EACH_SIZE(size, EVENT) {
		ASSERT(poll(&pending, 1, TIMEOUT) == 1, "no event for size %zu", size);
		event = place(&area, size);
		result = dnstap_sink_next_event(sink, (dnstap_event *)area.place);
		returned("dnstap_sink_next_event", size, &EVENT, result);
		/* A call that fails leaves the event pending. */
		if (result != DNSTAP_OK) {
			check_refused(&area, size, "dnstap_sink_next_event");
			continue;
		}
		opened.time = event->time;
		opened.text = event->text;
		check_filled(&area, size, &opened, &EVENT, "dnstap_sink_next_event");
		ASSERT(event->time.seconds > 0 && strstr(event->text, "sizes.tap") != NULL,
		       "an event without time or text");
		ASSERT(rename("sizes.tap", "old.tap") == 0, "not renamed");
		ASSERT(dnstap_sink_reopen(sink) == DNSTAP_OK, "not opened again");
	}
	close_sink(&sink, TIMEOUT);
}

static const struct test_case cases[] = {
	CASE("messages and policies: dnstap_encode, dnstap_encoded_size_max", encoding),
	CASE("messages and policies: dnstap_log", logging),
	CASE("messages and policies: dnstap_writer_write", writing),
	CASE("messages and storage: dnstap_decode", decoding),
	CASE("messages: dnstap_reader_next", reading),
	CASE("accounts: dnstap_sink_get_stats", accounts),
	CASE("accounts: dnstap_sink_close", last_accounts),
	CASE("events: dnstap_sink_next_event", events),
};

int main(int argc, char **argv)
{
	return RUN_CASES(argc, argv, cases);
}
