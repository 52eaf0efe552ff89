/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Events that are already encoded: sent unchanged, and counted like any other. */
#include "messages.h"
#include "sink.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MESSAGES = 1000 };

/* Frames with any content: they are not decoded. */
static const char *const anything[] = { "x", "no protobuf", "\n\3abc", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff" };

static void expect_frame(dnstap_reader *reader, const void *data, size_t length)
{
	dnstap_bytes frame;
	dnstap_result result = dnstap_reader_next(reader, NULL, 0);

	ASSERT(result == DNSTAP_OK, "reading: %s", dnstap_strerror(result));
	ASSERT(dnstap_reader_get_frame(reader, &frame) == DNSTAP_OK && frame.length == length &&
		       memcmp(frame.data, data, length) == 0,
	       "%zu bytes were received, not the %zu of the frame", frame.length, length);
}

static void as_they_are(int sample_rate)
{
	dnstap_options *o = options_to("file:frames.tap");
	dnstap_sink *sink;
	dnstap_queue *queue;
	dnstap_reader *reader;
	dnstap_stats s;
	uint64_t bytes = 0;

	/* These apply to messages, not to frames. */
	ASSERT(dnstap_options_set_identity(o, "sink") == DNSTAP_OK, "identity");
	ASSERT(dnstap_options_set_sample_rate(o, (unsigned)sample_rate) == DNSTAP_OK, "sample rate");
	sink = open_sink(o);
	queue = dnstap_queue_new(sink, NULL);
	for (int i = 0; i < MESSAGES; i++) {
		const char *frame = anything[i % 4];

		ASSERT(dnstap_log_frame(queue, DNSTAP_MESSAGE_TYPE_AUTH_QUERY, (const uint8_t *)frame, strlen(frame)) ==
			       DNSTAP_OK,
		       "frame %d", i);
		bytes += 4 + strlen(frame);
	}
	dnstap_queue_free(&queue);
	s = close_sink(&sink, TIMEOUT);
	ASSERT_EQ(s.sent, MESSAGES);
	ASSERT_EQ(s.sampled_out, 0);
	ASSERT_EQ(s.logged_by_type[DNSTAP_MESSAGE_TYPE_AUTH_QUERY], MESSAGES);
	ASSERT_EQ(s.bytes_sent, bytes);
	reader = dnstap_reader_open("frames.tap", NULL);
	for (int i = 0; i < MESSAGES; i++)
		expect_frame(reader, anything[i % 4], strlen(anything[i % 4]));
	ASSERT(dnstap_reader_next(reader, NULL, 0) == DNSTAP_END, "more came");
	dnstap_reader_close(&reader);
}

/* Frames and messages of one queue, in the order in which they were logged. */
static void among_messages(void)
{
	dnstap_sink *sink = open_sink(options_to("file:mixed.tap"));
	dnstap_queue *queue = dnstap_queue_new(sink, NULL);
	struct tally *tally = new_tally();

	for (uint32_t i = 0; i < MESSAGES; i++)
		ASSERT((i % 2 ? log_with_id : log_frame_with_id)(queue, 1 + i % 14, (struct message_id){ 1, i },
								 12 + i % 1000) == DNSTAP_OK,
		       "message %u", i);
	dnstap_queue_free(&queue);
	close_sink(&sink, TIMEOUT);
	ASSERT_EQ(tally_file(tally, "mixed.tap"), MESSAGES);
	ASSERT_EQ(tally->missing, 0);
	free_tally(tally);
}

static void drops(void)
{
	static const uint32_t no_types[] = { 0, 15, 31, 32, 200, UINT32_MAX };
	static const uint8_t frame[8192];
	dnstap_options *o = options_to("unix:not-there");
	dnstap_sink *sink;
	dnstap_queue *queue;
	dnstap_stats s;
	dnstap_result result;
	uint64_t taken = 0;

	dnstap_options_set_queue_bytes(o, 4096);
	dnstap_options_set_close_timeout(o, 0);
	dnstap_options_set_message_types(o, DNSTAP_MESSAGE_TYPE_BIT(DNSTAP_MESSAGE_TYPE_CLIENT_QUERY));
	sink = open_sink(o);
	queue = dnstap_queue_new(sink, NULL);
	for (size_t i = 0; i < sizeof no_types / sizeof no_types[0]; i++)
		ASSERT(dnstap_log_frame(queue, no_types[i], frame, 10) == DNSTAP_ERROR_MESSAGE_TYPE, "type %u",
		       no_types[i]);
	ASSERT(dnstap_log_frame(queue, DNSTAP_MESSAGE_TYPE_AUTH_QUERY, frame, 10) == DNSTAP_DISABLED,
	       "a disabled type");
	s = stats_of(sink);
	ASSERT_EQ(s.logged, 0);
	ASSERT(dnstap_log_frame(queue, DNSTAP_MESSAGE_TYPE_CLIENT_QUERY, frame, 0) == DNSTAP_ERROR_LENGTH,
	       "an empty frame");
	ASSERT(dnstap_log_frame(queue, DNSTAP_MESSAGE_TYPE_CLIENT_QUERY, frame, SIZE_MAX) == DNSTAP_ERROR_LENGTH,
	       "a frame of SIZE_MAX bytes");
	s = stats_of(sink);
	ASSERT_EQ(s.logged, 2);
	ASSERT_EQ(s.dropped_invalid, 2);
	for (size_t length = 4096; length <= sizeof frame; length += 4096)
		ASSERT(dnstap_log_frame(queue, DNSTAP_MESSAGE_TYPE_CLIENT_QUERY, frame, length) ==
			       DNSTAP_ERROR_TOO_LONG,
		       "%zu bytes", length);
	s = stats_of(sink);
	ASSERT_EQ(s.dropped_too_long, 2);
	while ((result = dnstap_log_frame(queue, DNSTAP_MESSAGE_TYPE_CLIENT_QUERY, frame, 96)) == DNSTAP_OK)
		taken++;
	ASSERT(result == DNSTAP_ERROR_FULL, "a ring that is full: %s", dnstap_strerror(result));
	/* Each has a length of 4 bytes. */
	ASSERT_EQ(taken, 40);
	s = stats_of(sink);
	ASSERT_EQ(s.dropped_full, 1);
	ASSERT_EQ(s.waiting, taken);
	ASSERT(dnstap_sink_close(&sink, &s) == DNSTAP_OK, "close");
	check_sums(&s);
	ASSERT_EQ(s.dropped_closed, taken);
	ASSERT_EQ(s.logged_by_type[DNSTAP_MESSAGE_TYPE_CLIENT_QUERY], taken + 5);
	ASSERT(dnstap_log_frame(queue, DNSTAP_MESSAGE_TYPE_CLIENT_QUERY, frame, 96) == DNSTAP_ERROR_CLOSED,
	       "a closed sink");
	dnstap_queue_free(&queue);
}

/* The first call in a child starts its writer thread. */
static void in_a_child(void)
{
	dnstap_sink *sink = open_sink(options_with_ring("file:fork.tap", 65536));
	dnstap_queue *queue = dnstap_queue_new(sink, NULL);
	struct tally *tally = new_tally();
	dnstap_stats s;
	char path[64];
	pid_t child;

	ASSERT(log_frame_with_id(queue, DNSTAP_MESSAGE_TYPE_CLIENT_QUERY, (struct message_id){ 1, 0 }, 12) == DNSTAP_OK,
	       "in the parent");
	child = fork();
	ASSERT(log_frame_with_id(queue, DNSTAP_MESSAGE_TYPE_CLIENT_QUERY,
				 (struct message_id){ child == 0 ? 2 : 1, child != 0 }, 12) == DNSTAP_OK,
	       "after the fork");
	/* Closing would start a writer thread, too. */
	WAIT_FOR_STATS(sink, s, s.sent == (child == 0 ? 1 : 2));
	dnstap_queue_free(&queue);
	s = close_sink(&sink, TIMEOUT);
	ASSERT_EQ(s.sent, child == 0 ? 1 : 2);
	if (child == 0)
		_exit(0);
	wait_for_child(child);
	snprintf(path, sizeof path, "fork.tap.%ld", (long)child);
	ASSERT_EQ(tally_file(tally, "fork.tap"), 2);
	ASSERT_EQ(tally_file(tally, path), 1);
	ASSERT_EQ(tally->missing, 0);
	free_tally(tally);
}

int main(int argc, char **argv)
{
	static const struct test_case cases[] = {
		CASE_WITH("frames are sent unchanged", as_they_are, 1),
		CASE_WITH("frames are not sampled", as_they_are, 1000000),
		CASE("frames among messages", among_messages),
		CASE("frames that are dropped are counted", drops),
		CASE("frames in a forked child", in_a_child),
	};

	return RUN_CASES(argc, argv, cases);
}
