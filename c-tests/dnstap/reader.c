/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Reading streams that are made here byte by byte: whole, cut off, and foreign; from files, pipes and sockets. */
#include "messages.h"
#include "sink.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* A stream under construction. */
struct stream {
	unsigned char *bytes;
	size_t length;
	size_t room;
};

static void append(struct stream *s, const void *data, size_t length)
{
	if (s->length + length > s->room) {
		s->room = 2 * (s->length + length);
		s->bytes = realloc(s->bytes, s->room);
		ASSERT(s->bytes != NULL, "no memory");
	}
	memcpy(s->bytes + s->length, data, length);
	s->length += length;
}

static void put32(struct stream *s, size_t value)
{
	unsigned char bytes[4] = {
		(unsigned char)(value >> 24),
		(unsigned char)(value >> 16),
		(unsigned char)(value >> 8),
		(unsigned char)value,
	};

	append(s, bytes, 4);
}

static void put_control(struct stream *s, int type, const char *of)
{
	put32(s, 0);
	put32(s, of != NULL ? 12 + strlen(of) : 4);
	put32(s, (size_t)type);
	if (of != NULL) {
		put32(s, 1);
		put32(s, strlen(of));
		append(s, of, strlen(of));
	}
}

static void put_frame(struct stream *s, const void *data, size_t length)
{
	put32(s, length);
	append(s, data, length);
}

/* Encodes an event by protobuf-c, with this sequence number and a query of this length. */
static size_t make_event(unsigned char *to, uint32_t seq, size_t query)
{
	static unsigned char bytes[100000];
	Dnstap__Dnstap event = DNSTAP__DNSTAP__INIT;
	Dnstap__Message message = DNSTAP__MESSAGE__INIT;

	memcpy(bytes, &seq, sizeof seq);
	event.type = DNSTAP__DNSTAP__TYPE__MESSAGE;
	event.message = &message;
	message.type = DNSTAP__MESSAGE__TYPE__CLIENT_QUERY;
	message.has_query_message = 1;
	message.query_message = (ProtobufCBinaryData){ query, bytes };
	return dnstap__dnstap__pack(&event, to);
}

static void put_event(struct stream *s, uint32_t seq, size_t query)
{
	static unsigned char event[101000];

	put_frame(s, event, make_event(event, seq, query));
}

/* Lengths of START, and of a frame with an event. */
enum { START_SIZE = 12 + 8 + sizeof CONTENT_TYPE - 1 };

static size_t event_size(size_t query)
{
	static unsigned char unused[101000];

	return 4 + make_event(unused, 0, query);
}

/* Makes a stream: START, this number of events, and STOP. */
static struct stream make_stream(uint32_t events, size_t query)
{
	struct stream s = { NULL, 0, 0 };

	put_control(&s, START, CONTENT_TYPE);
	for (uint32_t seq = 0; seq < events; seq++)
		put_event(&s, seq, query);
	put_control(&s, STOP, NULL);
	return s;
}

static void write_file(const char *path, const void *data, size_t length)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	ASSERT(fd >= 0 && write(fd, data, length) == (ssize_t)length, "%s cannot be written", path);
	close(fd);
}

static dnstap_reader *open_reader(const char *path)
{
	dnstap_result error;
	dnstap_reader *reader = dnstap_reader_open(path, &error);

	ASSERT(reader != NULL && error == DNSTAP_OK, "%s: %s", path, dnstap_strerror(error));
	return reader;
}

static dnstap_reader *reader_of(int fd)
{
	dnstap_result error;
	dnstap_reader *reader = dnstap_reader_open_fd(fd, &error);

	ASSERT(reader != NULL && error == DNSTAP_OK, "descriptor %d: %s", fd, dnstap_strerror(error));
	close(fd);
	return reader;
}

static void needs(dnstap_reader *reader, const char *what, dnstap_result is, dnstap_result wanted)
{
	ASSERT(is == wanted, "%s: '%s' and not '%s'", what, dnstap_strerror(is), dnstap_strerror(wanted));
	if (dnstap_is_error(wanted))
		ASSERT(strlen(dnstap_reader_get_error(reader)) > 5, "%s: no error text", what);
}

static dnstap_result next(dnstap_reader *reader, dnstap_message *m)
{
	memset(m, 0, sizeof *m);
	m->size = sizeof *m;
	return dnstap_reader_next(reader, m, DEADLINE * 1000);
}

/* Reads consecutive events, from this sequence number on. Returns the result that ends them. */
static dnstap_result read_events(dnstap_reader *reader, uint32_t from, uint32_t *count)
{
	dnstap_result result;
	dnstap_message m;

	for (*count = 0; (result = next(reader, &m)) == DNSTAP_OK; ++*count) {
		uint32_t seq;

		ASSERT(m.type == DNSTAP_MESSAGE_TYPE_CLIENT_QUERY && m.query.length >= sizeof seq,
		       "event %u was not logged", *count);
		memcpy(&seq, m.query.data, sizeof seq);
		ASSERT(seq == from + *count, "event %u instead of %u", seq, from + *count);
	}
	return result;
}

/* A file that is cut off at each of its bytes: whole events are read, then the error is reported. */
static void cut_off(int query)
{
	enum { EVENTS = 5 };
	struct stream s = make_stream(EVENTS, (size_t)query);
	size_t event = event_size((size_t)query);

	for (size_t cut = 0; cut <= s.length; cut++) {
		uint32_t whole = cut < START_SIZE ? 0 : (uint32_t)((cut - START_SIZE) / event), count;
		dnstap_reader *reader;
		dnstap_result result, wanted;
		char what[40];

		whole = whole < EVENTS ? whole : EVENTS;
		if (cut == s.length)
			wanted = DNSTAP_END;
		else if (cut == 0)
			wanted = DNSTAP_ERROR_STREAM;
		else if (cut >= START_SIZE && cut == START_SIZE + whole * event)
			wanted = DNSTAP_ERROR_NO_STOP;
		else
			wanted = DNSTAP_ERROR_TORN;
		snprintf(what, sizeof what, "cut off at %zu of %zu", cut, s.length);
		write_file("cut.tap", s.bytes, cut);
		reader = open_reader("cut.tap");
		result = read_events(reader, 0, &count);
		needs(reader, what, result, wanted);
		ASSERT(count == whole, "%s: %u and not %u events", what, count, whole);
		/* A second call returns the same. */
		needs(reader, what, read_events(reader, 0, &count), wanted);
		dnstap_reader_close(&reader);
	}
	free(s.bytes);
}

/* Errors contain the offset of the frame. */
static void errors_have_offsets(void)
{
	struct stream s = make_stream(2, 100);
	dnstap_reader *reader;
	char number[16];
	uint32_t count;

	write_file("torn.tap", s.bytes, s.length - 5);
	reader = open_reader("torn.tap");
	needs(reader, "a torn STOP", read_events(reader, 0, &count), DNSTAP_ERROR_TORN);
	snprintf(number, sizeof number, "%zu", START_SIZE + 2 * event_size(100));
	ASSERT(strstr(dnstap_reader_get_error(reader), number) != NULL, "'%s' does not contain %s",
	       dnstap_reader_get_error(reader), number);
	dnstap_reader_close(&reader);
	free(s.bytes);
}

static void foreign(void)
{
	/* clang-format off */
	static const struct { const char *what, *bytes; size_t length; } formats[] = {
		{ "gzip", "\x1f\x8b\x08\0\0\0\0\0\0\x03\x63\x60\0\0", 14 },
		{ "zstd", "\x28\xb5\x2f\xfd\x04\x58\x61\0\0\x61\x62\x63\x64", 13 },
		{ "xz", "\xfd" "7zXZ\0\0\x04\xe6\xd6\xb4\x46", 12 },
		{ "pcap", "\xd4\xc3\xb2\xa1\x02\0\x04\0\0\0\0\0\0\0\0\0", 16 },
		{ "pcap", "\x0a\x0d\x0d\x0a\x1c\0\0\0\x4d\x3c\x2b\x1a", 12 },
		{ "TLS", "\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03\x9a\x9b", 13 },
		{ "text", "type: MESSAGE\nidentity: \"ns1\"\n", 30 },
		{ "text", "{}\n", 3 },
		{ "START", "\0\0\0\x0a\x0a\x03ns1\x72\x02\x08\x05\x78\x01", 15 },
		{ "PowerDNS", "\0\x20\x08\x01\x12\x10\x01\x02\x03\x04\x05\x06\x07\x08", 14 },
		{ "", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 12 },
		/* A control frame of an invalid type or length. */
		{ "", "\0\0\0\0\0\0\0\x04\0\0\0\x63", 12 },
		{ "", "\0\0\0\0\xff\xff\xff\xff\0\0\0\x02", 12 },
		{ "", "\0\0\0\0\0\0\0\x02\0\x02\0\0", 12 },
		/* A control frame that cannot begin a stream. */
		{ "", "\0\0\0\0\0\0\0\x04\0\0\0\x03", 12 },
		{ "", "\0\0\0\0\0\0\0\x04\0\0\0\x01", 12 },
	};
	/* clang-format on */

	for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
		dnstap_message m;
		dnstap_reader *reader;

		write_file("foreign", formats[i].bytes, formats[i].length);
		reader = open_reader("foreign");
		for (int again = 0; again < 2; again++) {
			needs(reader, formats[i].what, next(reader, &m), DNSTAP_ERROR_STREAM);
			ASSERT(strstr(dnstap_reader_get_error(reader), formats[i].what) != NULL,
			       "'%s' does not contain '%s'", dnstap_reader_get_error(reader), formats[i].what);
		}
		dnstap_reader_close(&reader);
	}
}

static void content_types(void)
{
	static const char *const others[] = {
		"protobuf:dnstap.Dnsta",
		"protobuf:dnstap.Dnstap2",
		"PROTOBUF:DNSTAP.DNSTAP",
		"protobuf:PBDNSMessage",
		"x",
		"",
	};
	dnstap_reader *reader;
	uint32_t count;
	struct stream s;

	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
		s = (struct stream){ NULL, 0, 0 };
		put_control(&s, START, others[i]);
		put_event(&s, 0, 100);
		put_control(&s, STOP, NULL);
		write_file("other", s.bytes, s.length);
		reader = open_reader("other");
		needs(reader, others[i], read_events(reader, 0, &count), DNSTAP_ERROR_CONTENT_TYPE);
		ASSERT_EQ(count, 0);
		ASSERT(strstr(dnstap_reader_get_error(reader), others[i]) != NULL, "'%s' does not contain '%s'",
		       dnstap_reader_get_error(reader), others[i]);
		dnstap_reader_close(&reader);
		free(s.bytes);
	}
	/* A stream without a content type is accepted. */
	s = (struct stream){ NULL, 0, 0 };
	put_control(&s, START, NULL);
	put_event(&s, 0, 100);
	put_control(&s, STOP, NULL);
	write_file("none", s.bytes, s.length);
	reader = open_reader("none");
	needs(reader, "no content type", read_events(reader, 0, &count), DNSTAP_END);
	ASSERT_EQ(count, 1);
	dnstap_reader_close(&reader);
	free(s.bytes);
}

/* Frames over the limit are skipped, and the others are read. */
static void too_large(int limit)
{
	static const size_t sizes[] = { 100, 600, 100, 70000, 90000, 10, 99000, 100 };
	enum { FRAMES = sizeof sizes / sizeof sizes[0] };
	static unsigned char event[101000];
	struct stream s = { NULL, 0, 0 };
	dnstap_reader *reader;
	dnstap_message m;

	put_control(&s, START, CONTENT_TYPE);
	for (uint32_t seq = 0; seq < FRAMES; seq++)
		put_event(&s, seq, sizes[seq]);
	put_control(&s, STOP, NULL);
	write_file("large.tap", s.bytes, s.length);
	reader = open_reader("large.tap");
	ASSERT(dnstap_reader_set_max_frame_size(reader, (size_t)limit) == DNSTAP_OK, "max_frame_size");
	for (uint32_t seq = 0; seq < FRAMES; seq++) {
		bool fits = make_event(event, seq, sizes[seq]) <= (size_t)limit;
		dnstap_bytes frame = { event, 1 };

		needs(reader, "a frame", next(reader, &m), fits ? DNSTAP_OK : DNSTAP_ERROR_FRAME_SIZE);
		ASSERT(dnstap_reader_get_frame(reader, &frame) == DNSTAP_OK, "get_frame");
		if (!fits) {
			ASSERT(frame.data == NULL && frame.length == 0, "a frame that was skipped");
			continue;
		}
		ASSERT(m.query.length == sizes[seq] && memcmp(m.query.data, &seq, sizeof seq) == 0, "event %u differs",
		       seq);
	}
	needs(reader, "the end", next(reader, &m), DNSTAP_END);
	dnstap_reader_close(&reader);
	free(s.bytes);
}

/* By default, a frame of 1,048,576 bytes is read, and one of a byte more is not. */
static void default_limit(int more)
{
	size_t length = 1048576 + (size_t)more;
	unsigned char *frame = calloc(1, length);
	struct stream s = { NULL, 0, 0 };
	dnstap_reader *reader;
	dnstap_message m;
	uint32_t count;

	put_control(&s, START, CONTENT_TYPE);
	put_frame(&s, frame, length);
	put_event(&s, 0, 100);
	put_control(&s, STOP, NULL);
	write_file("limit.tap", s.bytes, s.length);
	reader = open_reader("limit.tap");
	needs(reader, "a large frame", next(reader, &m), more > 0 ? DNSTAP_ERROR_FRAME_SIZE : DNSTAP_ERROR_DECODE);
	needs(reader, "the rest of the file", read_events(reader, 0, &count), DNSTAP_END);
	ASSERT_EQ(count, 1);
	dnstap_reader_close(&reader);
	free(frame);
	free(s.bytes);
}

/* Frames that are not events are reported, and can be retrieved. */
static void no_events(void)
{
	struct stream s = { NULL, 0, 0 };
	dnstap_reader *reader;
	dnstap_bytes frame;
	dnstap_message m;
	uint32_t count;

	put_control(&s, START, CONTENT_TYPE);
	put_event(&s, 0, 100);
	put_frame(&s, "no event", 8);
	put_frame(&s, "\x0a\xff", 2);
	put_event(&s, 1, 100);
	put_control(&s, STOP, NULL);
	write_file("none.tap", s.bytes, s.length);
	reader = open_reader("none.tap");
	needs(reader, "an event", next(reader, &m), DNSTAP_OK);
	needs(reader, "no event", next(reader, &m), DNSTAP_ERROR_DECODE);
	ASSERT(dnstap_reader_get_frame(reader, &frame) == DNSTAP_OK && frame.length == 8 &&
		       memcmp(frame.data, "no event", 8) == 0,
	       "the frame is lost");
	needs(reader, "no event", next(reader, &m), DNSTAP_ERROR_DECODE);
	needs(reader, "the rest", read_events(reader, 1, &count), DNSTAP_END);
	ASSERT_EQ(count, 1);
	ASSERT(dnstap_reader_get_frame(reader, &frame) == DNSTAP_OK && frame.data == NULL, "a frame after the end");
	dnstap_reader_close(&reader);
	/* Without a message, nothing is decoded. */
	reader = open_reader("none.tap");
	for (int i = 0; i < 4; i++)
		needs(reader, "a frame", dnstap_reader_next(reader, NULL, 0), DNSTAP_OK);
	needs(reader, "the end", dnstap_reader_next(reader, NULL, 0), DNSTAP_END);
	dnstap_reader_close(&reader);
	free(s.bytes);
}

/* Frames of all sizes are returned unchanged, with their messages. */
static void frames_as_they_are(int frames)
{
	static unsigned char event[101000];
	struct stream s = { NULL, 0, 0 };
	dnstap_reader *reader;
	dnstap_message m;

	put_control(&s, START, CONTENT_TYPE);
	for (uint32_t seq = 0; seq < (uint32_t)frames; seq++)
		put_event(&s, seq, 4 + seq * 7919 % 66000);
	put_control(&s, STOP, NULL);
	write_file("frames.tap", s.bytes, s.length);
	reader = open_reader("frames.tap");
	for (uint32_t seq = 0; seq < (uint32_t)frames; seq++) {
		size_t length = make_event(event, seq, 4 + seq * 7919 % 66000);
		dnstap_bytes frame;

		needs(reader, "a frame", next(reader, &m), DNSTAP_OK);
		ASSERT(dnstap_reader_get_frame(reader, &frame) == DNSTAP_OK && frame.length == length &&
			       memcmp(frame.data, event, length) == 0,
		       "frame %u differs", seq);
		ASSERT(m.query.data > frame.data && m.query.data + m.query.length <= frame.data + length,
		       "the message of frame %u is elsewhere", seq);
	}
	needs(reader, "the end", next(reader, &m), DNSTAP_END);
	dnstap_reader_close(&reader);
	free(s.bytes);
}

/* A stream that arrives byte by byte: the reader waits as long as asked, and loses nothing. */
static void byte_by_byte(int is_socket)
{
	struct stream s = make_stream(3, 50);
	uint32_t events = 0;
	dnstap_reader *reader;
	dnstap_result result;
	dnstap_message m = { .size = sizeof m };
	int ends[2];

	ASSERT((is_socket ? socketpair(AF_UNIX, SOCK_STREAM, 0, ends) : pipe(ends)) == 0, "no descriptors");
	reader = reader_of(ends[0]);
	for (size_t i = 0; i < s.length; i++) {
		result = dnstap_reader_next(reader, &m, 0);
		ASSERT(result == DNSTAP_TIMED_OUT || result == DNSTAP_OK, "before byte %zu: %s", i,
		       dnstap_strerror(result));
		events += result == DNSTAP_OK;
		ASSERT(write(ends[1], s.bytes + i, 1) == 1, "write");
	}
	result = dnstap_reader_next(reader, &m, 0);
	needs(reader, "after STOP", result, DNSTAP_END);
	ASSERT_EQ(events, 3);
	dnstap_reader_close(&reader);
	close(ends[1]);
	free(s.bytes);
}

static void waits(int milliseconds)
{
	dnstap_message m = { .size = sizeof m };
	dnstap_reader *reader;
	double took;
	int ends[2];

	ASSERT(pipe(ends) == 0, "no pipe");
	reader = reader_of(ends[0]);
	took = now();
	needs(reader, "nothing", dnstap_reader_next(reader, &m, (unsigned)milliseconds), DNSTAP_TIMED_OUT);
	took = now() - took;
	ASSERT(took > milliseconds / 1000.0 - 0.01 && took < milliseconds / 1000.0 + 2, "waited %.3f s", took);
	close(ends[1]);
	needs(reader, "a pipe that is closed", dnstap_reader_next(reader, &m, DEADLINE * 1000), DNSTAP_ERROR_STREAM);
	dnstap_reader_close(&reader);
}

static void *write_later(void *arg)
{
	struct stream s = make_stream(1000, 300);
	int fd = open(arg, O_WRONLY);

	ASSERT(fd >= 0 && write(fd, s.bytes, s.length) == (ssize_t)s.length, "the FIFO cannot be written");
	close(fd);
	free(s.bytes);
	return NULL;
}

/* A FIFO is opened before its writer. */
static void fifo(void)
{
	dnstap_reader *reader;
	dnstap_message m = { .size = sizeof m };
	dnstap_result result;
	pthread_t thread;
	uint32_t count;

	ASSERT(mkfifo("fifo", 0600) == 0, "mkfifo");
	reader = open_reader("fifo");
	result = dnstap_reader_next(reader, &m, 1);
	needs(reader, "a FIFO without a writer", result, DNSTAP_TIMED_OUT);
	ASSERT(pthread_create(&thread, NULL, write_later, "fifo") == 0, "no thread");
	needs(reader, "a FIFO", read_events(reader, 0, &count), DNSTAP_END);
	ASSERT_EQ(count, 1000);
	pthread_join(thread, NULL);
	dnstap_reader_close(&reader);
}

/* A sink sends to a socket that the test listens on. */
static void sink_to_reader(int unidirectional)
{
	dnstap_options *options = options_to("unix:sock");
	int listening = listen_unix("sock");
	dnstap_stats s = { .size = sizeof s };
	struct message_id n = { 3, 0 };
	dnstap_reader *reader;
	dnstap_queue *queue;
	dnstap_message m;
	dnstap_sink *sink;

	dnstap_options_set_unidirectional(options, unidirectional);
	dnstap_options_set_identity(options, "ns1");
	dnstap_options_set_flush_interval(options, 1);
	sink = open_sink(options);
	queue = dnstap_queue_new(sink, NULL);
	for (; n.seq < 1000; n.seq++)
		ASSERT(log_with_id(queue, DNSTAP_MESSAGE_TYPE_CLIENT_QUERY, n, 100) == DNSTAP_OK, "log");
	reader = reader_of(accept_one(listening));
	for (uint32_t seq = 0; seq < n.seq; seq++) {
		struct message_id got;
		dnstap_bytes frame;
		Dnstap__Dnstap *event;

		needs(reader, "a message", next(reader, &m), DNSTAP_OK);
		ASSERT(get_id(m.query.data, m.query.length, &got), "a corrupt message instead of %u", seq);
		ASSERT(got.logger == 3 && got.seq == seq && m.query.length == 100, "message %u instead of %u", got.seq,
		       seq);
		ASSERT(m.identity.length == 3 && memcmp(m.identity.data, "ns1", 3) == 0 && m.version.data == NULL,
		       "identity");
		ASSERT(dnstap_reader_get_frame(reader, &frame) == DNSTAP_OK, "get_frame");
		event = unpack(frame.data, frame.length);
		free_event(event);
	}
	ASSERT_EQ(stats_of(sink).connects, 1);
	dnstap_queue_free(&queue);
	/* STOP requires FINISH, which the reader sends only when it is called. */
	if (unidirectional) {
		s = close_sink(&sink, TIMEOUT);
		needs(reader, "the end", next(reader, &m), DNSTAP_END);
	} else {
		ASSERT(dnstap_sink_reopen(sink) == DNSTAP_OK, "reopen");
		needs(reader, "the end", next(reader, &m), DNSTAP_END);
		dnstap_reader_close(&reader);
		reader = reader_of(accept_one(listening));
		do
			needs(reader, "a new stream", dnstap_reader_next(reader, &m, 1), DNSTAP_TIMED_OUT);
		while (stats_of(sink).connects < 2);
		ASSERT_EQ(stats_of(sink).disconnects, 0);
		dnstap_reader_close(&reader);
		s = close_sink(&sink, TIMEOUT);
	}
	ASSERT_EQ(s.sent, n.seq);
	dnstap_reader_close(&reader);
	close(listening);
}

/* The whole handshake, with a sender played by the test. */
static void answers(void)
{
	static const char *const offers[] = { "other", CONTENT_TYPE, NULL }, *const others[] = { "other", NULL };
	dnstap_message m = { .size = sizeof m };
	dnstap_reader *reader;
	struct frame f;
	int ends[2];

	ASSERT(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0, "no sockets");
	reader = reader_of(ends[0]);
	ASSERT(send_control(ends[1], READY, offers), "READY");
	needs(reader, "READY", dnstap_reader_next(reader, &m, 1), DNSTAP_TIMED_OUT);
	ASSERT(read_frame(ends[1], &f) == ACCEPT && has_content_type(&f, CONTENT_TYPE) &&
		       !has_content_type(&f, "other"),
	       "no ACCEPT with the content type of dnstap");
	free_frame(&f);
	ASSERT(send_control(ends[1], START, offers + 1) && send_control(ends[1], STOP, NULL), "START and STOP");
	needs(reader, "STOP", dnstap_reader_next(reader, &m, 1000), DNSTAP_END);
	ASSERT(read_frame(ends[1], &f) == FINISH, "no FINISH");
	free_frame(&f);
	dnstap_reader_close(&reader);
	ASSERT(read_frame(ends[1], &f) == END, "the reader is closed, but not its socket");
	close(ends[1]);

	ASSERT(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0, "no sockets");
	reader = reader_of(ends[0]);
	ASSERT(send_control(ends[1], READY, others), "READY");
	needs(reader, "READY of another type", dnstap_reader_next(reader, &m, 1000), DNSTAP_ERROR_CONTENT_TYPE);
	dnstap_reader_close(&reader);
	ASSERT(read_frame(ends[1], &f) == END, "a reply to a stream that is not dnstap");
	close(ends[1]);
}

/* The sender dies during a frame. */
static void dying_sender(void)
{
	struct stream s = { NULL, 0, 0 };
	dnstap_reader *reader;
	uint32_t count;
	int ends[2];

	put_event(&s, 0, 100);
	for (int cut = 0; cut < 2; cut++) {
		ASSERT(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0, "no sockets");
		reader = reader_of(ends[0]);
		ASSERT(send_control(ends[1], START, only_dnstap) && send_bytes(ends[1], s.bytes, s.length) &&
			       send_bytes(ends[1], s.bytes, (size_t)cut * 50),
		       "send");
		close(ends[1]);
		needs(reader, "the end", read_events(reader, 0, &count),
		      cut ? DNSTAP_ERROR_TORN : DNSTAP_ERROR_NO_STOP);
		ASSERT_EQ(count, 1);
		dnstap_reader_close(&reader);
	}
	free(s.bytes);
}

static void sizes_of_a_message(void)
{
	struct stream s = make_stream(2, 100);
	dnstap_message m = { .size = sizeof m - 1 };
	dnstap_reader *reader;
	dnstap_bytes frame;

	write_file("sizes.tap", s.bytes, s.length);
	reader = open_reader("sizes.tap");
	needs(reader, "a size too small", dnstap_reader_next(reader, &m, 0), DNSTAP_ERROR_SIZE);
	ASSERT(dnstap_reader_get_frame(reader, &frame) == DNSTAP_OK && frame.data != NULL, "the frame is lost");
	m.size = 0;
	needs(reader, "size 0", dnstap_reader_next(reader, &m, 0), DNSTAP_ERROR_SIZE);
	m.size = sizeof m;
	needs(reader, "the end", dnstap_reader_next(reader, &m, 0), DNSTAP_END);
	dnstap_reader_close(&reader);
	free(s.bytes);
}

int main(int argc, char **argv)
{
	const struct test_case cases[] = {
		CASE_WITH("a file that is cut off anywhere", cut_off, under_valgrind() ? 4 : 40),
		CASE("errors contain the offset", errors_have_offsets),
		CASE("foreign formats are recognised", foreign),
		CASE("other content types are refused", content_types),
		CASE_WITH("frames over a limit of 512 bytes are skipped", too_large, 512),
		CASE_WITH("frames over a limit of 80,000 bytes are skipped", too_large, 80000),
		CASE_WITH("a frame at the default limit", default_limit, 0),
		CASE_WITH("a frame over the default limit", default_limit, 1),
		CASE("frames that are not events", no_events),
		CASE_WITH("frames are returned unchanged", frames_as_they_are, under_valgrind() ? 100 : 3000),
		CASE_WITH("a pipe, byte by byte", byte_by_byte, 0),
		CASE_WITH("a socket, byte by byte", byte_by_byte, 1),
		CASE_WITH("waiting for 0 ms", waits, 0),
		CASE_WITH("waiting for 200 ms", waits, 200),
		CASE("a FIFO whose writer comes later", fifo),
		CASE_WITH("the stream of a sink", sink_to_reader, 0),
		CASE_WITH("the stream of a unidirectional sink", sink_to_reader, 1),
		CASE("the handshake with a sender", answers),
		CASE("a sender that dies", dying_sender),
		CASE("sizes of a message", sizes_of_a_message),
	};

	return RUN_CASES(argc, argv, cases);
}
