/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Mistakes of programs: every call returns the result that the header documents, and dropped messages are counted. */
#include "messages.h"
#include "sink.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* Checks a result, whose text must not be that of another one. */
static void returns(const char *call, dnstap_result is, dnstap_result wanted)
{
	ASSERT(is == wanted, "%s: '%s' (%d) and not '%s' (%d)", call, dnstap_strerror(is), (int)is,
	       dnstap_strerror(wanted), (int)wanted);
}
#define RETURNS(call, wanted) returns(#call, call, wanted)

/* The same for a call with options, which keep an error text. */
static void option_fails(const dnstap_options *options, const char *call, dnstap_result is, dnstap_result wanted)
{
	returns(call, is, wanted);
	ASSERT(strlen(dnstap_options_get_error(options)) > 5, "%s: the options have no error text", call);
}
#define OPTION_FAILS(options, call, wanted) option_fails(options, #call, call, wanted)

/* A handle of each kind. */
struct handles {
	dnstap_options *options;
	dnstap_sink *sink;
	dnstap_queue *queue;
	dnstap_reader *reader;
	dnstap_writer *writer;
};

static struct handles open_handles(void)
{
	struct handles h;
	dnstap_result error;

	h.options = options_to("file:handles.tap");
	h.sink = dnstap_sink_open(h.options, NULL);
	h.queue = dnstap_queue_new(h.sink, NULL);
	h.reader = dnstap_reader_open("/dev/null", &error);
	ASSERT(h.sink != NULL && h.queue != NULL && h.reader != NULL && error == DNSTAP_OK,
	       "some handles could not be opened");
	RETURNS(dnstap_options_set_output(h.options, "file:written.tap"), DNSTAP_OK);
	h.writer = dnstap_writer_open(h.options, &error);
	ASSERT(h.writer != NULL && error == DNSTAP_OK, "some handles could not be opened");
	return h;
}

/* Checks that the handles still work, and closes them. */
static void close_handles(struct handles *h)
{
	dnstap_message m = example(DNSTAP_MESSAGE_TYPE_CLIENT_QUERY);
	dnstap_stats s = { .size = sizeof s };

	RETURNS(dnstap_log(h->queue, &m), DNSTAP_OK);
	RETURNS(log_with_id(h->queue, DNSTAP_MESSAGE_TYPE_CLIENT_QUERY, (struct message_id){ 0, 0 }, 12), DNSTAP_OK);
	dnstap_options_free(&h->options);
	dnstap_queue_free(&h->queue);
	RETURNS(dnstap_sink_close(&h->sink, &s), DNSTAP_OK);
	dnstap_reader_close(&h->reader);
	RETURNS(dnstap_writer_write(h->writer, &m), DNSTAP_OK);
	RETURNS(dnstap_writer_close(&h->writer), DNSTAP_OK);
	ASSERT(h->options == NULL && h->queue == NULL && h->sink == NULL && h->reader == NULL && h->writer == NULL,
	       "a handle is not set to NULL");
	ASSERT_EQ(s.sent, 2);
}

/* Calls every function with an invalid handle, which is NULL or not a handle of its kind, and checks the result. */
static void options_refuse(void *handle, dnstap_result expected)
{
	dnstap_options *o = handle;
	dnstap_result error;

	ASSERT(strlen(dnstap_options_get_error(o)) > 5, "an empty error");
	RETURNS(dnstap_options_check(o), expected);
	RETURNS(dnstap_options_set_output(o, "file:x"), expected);
	RETURNS(dnstap_options_set_identity(o, "x"), expected);
	RETURNS(dnstap_options_set_version(o, "x"), expected);
	RETURNS(dnstap_options_set_message_types(o, 2), expected);
	RETURNS(dnstap_options_set_queue_bytes(o, 4096), expected);
	RETURNS(dnstap_options_set_freed_queue_bytes(o, 0), expected);
	RETURNS(dnstap_options_set_flush_interval(o, 1), expected);
	RETURNS(dnstap_options_set_reconnect_interval(o, 100), expected);
	RETURNS(dnstap_options_set_io_timeout(o, 1), expected);
	RETURNS(dnstap_options_set_close_timeout(o, 1), expected);
	RETURNS(dnstap_options_set_sample_rate(o, 1), expected);
	RETURNS(dnstap_options_set_unidirectional(o, true), expected);
	RETURNS(dnstap_options_set_thread_name(o, "x"), expected);
	RETURNS(dnstap_options_set_tls_server_name(o, "x"), expected);
	RETURNS(dnstap_options_set_tls_ca_bundle(o, "x"), expected);
	RETURNS(dnstap_options_set_tls_verify(o, DNSTAP_TLS_VERIFY_NAME), expected);
	RETURNS(dnstap_options_set_tls_client_certificate(o, "x", "y"), expected);
	ASSERT(dnstap_sink_open(o, &error) == NULL, "a sink with invalid options");
	returns("dnstap_sink_open", error, expected);
	ASSERT(dnstap_writer_open(o, &error) == NULL, "a writer with invalid options");
	returns("dnstap_writer_open", error, expected);
	dnstap_options_free(&o);
}

static void sink_refuses(void *handle, dnstap_result expected)
{
	dnstap_sink *sink = handle;
	dnstap_stats s = { .size = sizeof s };
	char line[100];
	dnstap_event event = DNSTAP_EVENT_INIT;
	dnstap_result error;

	RETURNS(dnstap_sink_get_stats(sink, &s), expected);
	RETURNS(dnstap_sink_get_error(sink, line, sizeof line), expected);
	RETURNS(dnstap_sink_next_event(sink, &event), expected);
	ASSERT(dnstap_sink_get_event_fd(sink) == -1, "a descriptor of an invalid sink");
	RETURNS(dnstap_sink_set_message_types(sink, 2), expected);
	RETURNS(dnstap_sink_set_identity(sink, "x"), expected);
	RETURNS(dnstap_sink_set_version(sink, "x"), expected);
	RETURNS(dnstap_sink_set_sample_rate(sink, 1), expected);
	RETURNS(dnstap_sink_reopen(sink), expected);
	RETURNS(dnstap_sink_begin_close(sink), expected);
	RETURNS(dnstap_sink_flush(sink, 0), expected);
	ASSERT(dnstap_queue_new(sink, &error) == NULL, "a queue of an invalid sink");
	returns("dnstap_queue_new", error, expected);
	RETURNS(dnstap_sink_close(&sink, &s), expected == DNSTAP_ERROR_NULL ? DNSTAP_OK : expected);
}

static void queue_refuses(void *handle, dnstap_result expected)
{
	dnstap_queue *queue = handle;
	dnstap_message m = example(DNSTAP_MESSAGE_TYPE_CLIENT_QUERY);

	RETURNS(dnstap_log(queue, &m), expected);
	RETURNS(dnstap_log_frame(queue, DNSTAP_MESSAGE_TYPE_CLIENT_QUERY, (const uint8_t *)"x", 1), expected);
	dnstap_queue_free(&queue);
}

static void reader_refuses(void *handle, dnstap_result expected)
{
	dnstap_reader *reader = handle;
	dnstap_message m = { .size = sizeof m };
	dnstap_bytes frame;

	RETURNS(dnstap_reader_set_max_frame_size(reader, 512), expected);
	RETURNS(dnstap_reader_next(reader, &m, 0), expected);
	RETURNS(dnstap_reader_get_frame(reader, &frame), expected);
	ASSERT(strlen(dnstap_reader_get_error(reader)) > 5, "an empty error");
	dnstap_reader_close(&reader);
}

static void writer_refuses(void *handle, dnstap_result expected)
{
	dnstap_writer *writer = handle;
	dnstap_message m = example(DNSTAP_MESSAGE_TYPE_CLIENT_QUERY);

	RETURNS(dnstap_writer_write(writer, &m), expected);
	RETURNS(dnstap_writer_write_frame(writer, (const uint8_t *)"x", 1), expected);
	RETURNS(dnstap_writer_flush(writer), expected);
	ASSERT(strlen(dnstap_writer_get_error(writer)) > 5, "an empty error");
	RETURNS(dnstap_writer_close(&writer), expected == DNSTAP_ERROR_NULL ? DNSTAP_OK : expected);
}

static void nulls(void)
{
	struct handles h = open_handles();
	dnstap_message m = example(DNSTAP_MESSAGE_TYPE_CLIENT_QUERY);
	dnstap_stats s = { .size = sizeof s };
	dnstap_result error;
	dnstap_storage storage = DNSTAP_STORAGE_INIT;
	uint8_t buffer[1000];
	size_t length = 77;
	char line[100];

	options_refuse(NULL, DNSTAP_ERROR_NULL);
	sink_refuses(NULL, DNSTAP_ERROR_NULL);
	queue_refuses(NULL, DNSTAP_ERROR_NULL);
	reader_refuses(NULL, DNSTAP_ERROR_NULL);
	writer_refuses(NULL, DNSTAP_ERROR_NULL);

	dnstap_options_free(NULL);
	OPTION_FAILS(h.options, dnstap_options_set_output(h.options, NULL), DNSTAP_ERROR_NULL);
	RETURNS(dnstap_options_set_identity(h.options, NULL), DNSTAP_OK);
	RETURNS(dnstap_options_set_version(h.options, NULL), DNSTAP_OK);
	OPTION_FAILS(h.options, dnstap_options_set_thread_name(h.options, NULL), DNSTAP_ERROR_NULL);
	RETURNS(dnstap_options_set_tls_server_name(h.options, NULL), DNSTAP_OK);
	RETURNS(dnstap_options_set_tls_ca_bundle(h.options, NULL), DNSTAP_OK);
	RETURNS(dnstap_options_set_tls_verify(h.options, DNSTAP_TLS_VERIFY_NAME), DNSTAP_OK);
	RETURNS(dnstap_options_set_tls_client_certificate(h.options, NULL, NULL), DNSTAP_OK);

	ASSERT(dnstap_sink_open(NULL, NULL) == NULL, "a sink without options");
	RETURNS(dnstap_sink_get_stats(h.sink, NULL), DNSTAP_ERROR_NULL);
	RETURNS(dnstap_sink_get_error(h.sink, NULL, sizeof line), DNSTAP_ERROR_NULL);
	RETURNS(dnstap_sink_next_event(h.sink, NULL), DNSTAP_ERROR_NULL);
	RETURNS(dnstap_sink_set_identity(h.sink, NULL), DNSTAP_OK);
	RETURNS(dnstap_sink_set_version(h.sink, NULL), DNSTAP_OK);
	RETURNS(dnstap_sink_close(NULL, &s), DNSTAP_ERROR_NULL);

	ASSERT(dnstap_queue_new(NULL, NULL) == NULL, "a queue without a sink");
	dnstap_queue_free(NULL);
	ASSERT(!dnstap_enabled(NULL, DNSTAP_MESSAGE_TYPE_CLIENT_QUERY), "enabled without a queue");
	RETURNS(dnstap_log(NULL, NULL), DNSTAP_ERROR_NULL);
	RETURNS(dnstap_log(h.queue, NULL), DNSTAP_ERROR_NULL);
	RETURNS(dnstap_log_frame(h.queue, DNSTAP_MESSAGE_TYPE_CLIENT_QUERY, NULL, 1), DNSTAP_ERROR_NULL);
	RETURNS(dnstap_log_frame(h.queue, DNSTAP_MESSAGE_TYPE_CLIENT_QUERY, NULL, 0), DNSTAP_ERROR_NULL);
	s = stats_of(h.sink);
	ASSERT_EQ(s.logged, 0);

	ASSERT_EQ(dnstap_encoded_size_max(NULL), 0);
	RETURNS(dnstap_encode(NULL, 1000, &length, &m), DNSTAP_ERROR_NULL);
	ASSERT_EQ(length, 0);
	RETURNS(dnstap_encode(buffer, sizeof buffer, NULL, &m), DNSTAP_ERROR_NULL);
	length = 77;
	RETURNS(dnstap_encode(buffer, sizeof buffer, &length, NULL), DNSTAP_ERROR_NULL);
	ASSERT_EQ(length, 0);
	RETURNS(dnstap_encode(buffer, sizeof buffer, &length, &m), DNSTAP_OK);
	RETURNS(dnstap_decode(NULL, 5, &m, &storage), DNSTAP_ERROR_NULL);
	RETURNS(dnstap_decode(buffer, length, NULL, &storage), DNSTAP_ERROR_NULL);
	RETURNS(dnstap_decode(buffer, length, &m, NULL), DNSTAP_ERROR_NULL);

	ASSERT(dnstap_reader_open(NULL, &error) == NULL, "a reader of no path");
	returns("dnstap_reader_open without a path", error, DNSTAP_ERROR_NULL);
	ASSERT(dnstap_reader_open(NULL, NULL) == NULL, "a reader of no path");
	ASSERT(dnstap_reader_open_fd(-1, NULL) == NULL, "a reader of no descriptor");
	RETURNS(dnstap_reader_get_frame(h.reader, NULL), DNSTAP_ERROR_NULL);
	dnstap_reader_close(NULL);

	ASSERT(dnstap_writer_open(NULL, NULL) == NULL, "a writer without options");
	RETURNS(dnstap_writer_write(h.writer, NULL), DNSTAP_ERROR_NULL);
	RETURNS(dnstap_writer_write_frame(h.writer, NULL, 1), DNSTAP_ERROR_NULL);
	RETURNS(dnstap_writer_write_frame(h.writer, NULL, 0), DNSTAP_ERROR_NULL);
	RETURNS(dnstap_writer_close(NULL), DNSTAP_ERROR_NULL);
	close_handles(&h);
}

/* The objects that are passed are alive, so reading them is harmless. */
static void handles_of_another_kind(void)
{
	static uint64_t zeros[64];
	struct handles h = open_handles();
	void *all[] = { h.options, h.sink, h.queue, h.reader, h.writer, zeros };

	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		if (all[i] != (void *)h.options)
			options_refuse(all[i], DNSTAP_ERROR_HANDLE);
		if (all[i] != (void *)h.sink)
			sink_refuses(all[i], DNSTAP_ERROR_HANDLE);
		if (all[i] != (void *)h.queue)
			queue_refuses(all[i], DNSTAP_ERROR_HANDLE);
		if (all[i] != (void *)h.reader)
			reader_refuses(all[i], DNSTAP_ERROR_HANDLE);
		if (all[i] != (void *)h.writer)
			writer_refuses(all[i], DNSTAP_ERROR_HANDLE);
	}
	close_handles(&h);
}

/* Freed handles are recognised as long as their memory is not reused. */
static void handles_that_were_freed(void)
{
	struct handles h = open_handles(), old = h;

	dnstap_options_free(&h.options);
	options_refuse(old.options, DNSTAP_ERROR_HANDLE);
	dnstap_queue_free(&h.queue);
	queue_refuses(old.queue, DNSTAP_ERROR_HANDLE);
	RETURNS(dnstap_sink_close(&h.sink, NULL), DNSTAP_OK);
	sink_refuses(old.sink, DNSTAP_ERROR_HANDLE);
	dnstap_reader_close(&h.reader);
	reader_refuses(old.reader, DNSTAP_ERROR_HANDLE);
	RETURNS(dnstap_writer_close(&h.writer), DNSTAP_OK);
	writer_refuses(old.writer, DNSTAP_ERROR_HANDLE);
}

/* Every result, and the highest number in the range of its kind. */
/* clang-format off */
static const struct {
	dnstap_result result;
	const char *name;
	int first;
} results[] = {
#define RESULT(name, first) { DNSTAP_##name, "DNSTAP_" #name, first }
	RESULT(OK, 0),
	RESULT(DISABLED, 19), RESULT(SAMPLED_OUT, 19), RESULT(END, 19), RESULT(TIMED_OUT, 19),
	RESULT(ERROR_NULL, -1), RESULT(ERROR_HANDLE, -1), RESULT(ERROR_SIZE, -1), RESULT(ERROR_MEMORY, -1),
	RESULT(ERROR_SYSTEM, -1), RESULT(ERROR_INTERNAL, -1),
	RESULT(ERROR_FULL, -20), RESULT(ERROR_TOO_LONG, -20), RESULT(ERROR_CLOSED, -20),
	RESULT(ERROR_MESSAGE_TYPE, -40), RESULT(ERROR_FAMILY, -40), RESULT(ERROR_TIME, -40), RESULT(ERROR_LENGTH, -40),
	RESULT(ERROR_POLICY_TYPE, -40), RESULT(ERROR_BUFFER, -40),
	RESULT(ERROR_VALUE, -60), RESULT(ERROR_OUTPUT, -60), RESULT(ERROR_CONFLICT, -60), RESULT(ERROR_PATH, -60),
	RESULT(ERROR_NOT_A_SOCKET, -60), RESULT(ERROR_TLS, -60), RESULT(ERROR_NO_TLS, -60),
	RESULT(ERROR_DECODE, -80), RESULT(ERROR_FRAME_SIZE, -80), RESULT(ERROR_NO_STOP, -80), RESULT(ERROR_TORN, -80),
	RESULT(ERROR_STREAM, -80), RESULT(ERROR_CONTENT_TYPE, -80), RESULT(ERROR_IO, -80),
#undef RESULT
};
/* clang-format on */

static void texts(void)
{
	enum { LIMIT = 127 };
	const char *none = dnstap_strerror((dnstap_result)-LIMIT);
	bool known[2 * LIMIT + 1] = { false };

	for (size_t i = 0; i < sizeof results / sizeof results[0]; i++) {
		const char *text = dnstap_strerror(results[i].result);

		ASSERT(text != NULL && strlen(text) > 3 && text[strlen(text) - 1] != '.' && strcmp(text, none) != 0,
		       "%s: '%s'", results[i].name, text);
		for (size_t j = 0; j < i; j++)
			ASSERT(strcmp(text, dnstap_strerror(results[j].result)) != 0, "%s and %s: '%s'",
			       results[i].name, results[j].name, text);
		known[results[i].result + LIMIT] = true;
	}
	/* All other numbers have the same text, so no result is missing above. */
	for (int number = -LIMIT; number <= LIMIT; number++)
		ASSERT(known[number + LIMIT] || strcmp(dnstap_strerror((dnstap_result)number), none) == 0, "%d: '%s'",
		       number, dnstap_strerror((dnstap_result)number));
	ASSERT(strlen(none) > 3 && strcmp(dnstap_strerror((dnstap_result)INT_MAX), none) == 0, "'%s'", none);
}

/* Statuses are above 0, errors below, and each kind of error has its own range. */
static void numbers(void)
{
	for (size_t i = 0; i < sizeof results / sizeof results[0]; i++) {
		int number = results[i].result;
		bool is_error = strncmp(results[i].name, "DNSTAP_ERROR_", 13) == 0;

		ASSERT(dnstap_is_error(results[i].result) == is_error, "%s is %d", results[i].name, number);
		ASSERT(number <= results[i].first && number > results[i].first - 20, "%s is %d", results[i].name,
		       number);
		for (size_t j = 0; j < i; j++)
			ASSERT(results[j].result != results[i].result, "%s and %s are %d", results[i].name,
			       results[j].name, number);
	}
	ASSERT_EQ(DNSTAP_OK, 0);
	ASSERT(!dnstap_is_error(DNSTAP_OK), "DNSTAP_OK is an error");
}

struct longer {
	dnstap_message message;
	unsigned char beyond[64];
};

static void message_sizes(void)
{
	struct handles h = open_handles();
	uint8_t buffer[1000];
	dnstap_storage storage = DNSTAP_STORAGE_INIT;
	struct longer m = { .message = example(DNSTAP_MESSAGE_TYPE_CLIENT_QUERY) };
	size_t sizes[] = { 0, 1, sizeof(size_t), offsetof(dnstap_message, version) + sizeof(dnstap_bytes) - 1 }, length;
	dnstap_stats s;

	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		m.message.size = sizes[i];
		RETURNS(dnstap_log(h.queue, &m.message), DNSTAP_ERROR_SIZE);
		RETURNS(dnstap_writer_write(h.writer, &m.message), DNSTAP_ERROR_SIZE);
		ASSERT_EQ(dnstap_encoded_size_max(&m.message), 0);
		RETURNS(dnstap_encode(buffer, sizeof buffer, &length, &m.message), DNSTAP_ERROR_SIZE);
	}
	s = stats_of(h.sink);
	ASSERT_EQ(s.logged, 0);
	/* A program with a newer header. */
	memset(m.beyond, 0x5a, sizeof m.beyond);
	m.message.size = sizeof m;
	RETURNS(dnstap_log(h.queue, &m.message), DNSTAP_OK);
	RETURNS(dnstap_writer_write(h.writer, &m.message), DNSTAP_OK);
	RETURNS(dnstap_encode(buffer, sizeof buffer, &length, &m.message), DNSTAP_OK);
	RETURNS(dnstap_decode(buffer, length, &m.message, &storage), DNSTAP_OK);
	ASSERT_EQ(m.message.size, sizeof m);
	for (size_t i = 0; i < sizeof m.beyond; i++)
		ASSERT(m.beyond[i] == 0, "byte %zu beyond this version is not 0", i);
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		m.message.size = sizes[i];
		m.message.type = 77;
		RETURNS(dnstap_decode(buffer, length, &m.message, &storage), DNSTAP_ERROR_SIZE);
		ASSERT_EQ(m.message.type, 77);
	}
	m.message.size = sizeof m.message;
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		storage.size = i == 3 ? offsetof(dnstap_storage, policy) : sizes[i];
		m.message.type = 77;
		RETURNS(dnstap_decode(buffer, length, &m.message, &storage), DNSTAP_ERROR_SIZE);
		ASSERT_EQ(m.message.type, 77);
	}
	s = stats_of(h.sink);
	ASSERT_EQ(s.logged, 1);
	dnstap_options_free(&h.options);
	dnstap_queue_free(&h.queue);
	RETURNS(dnstap_sink_close(&h.sink, NULL), DNSTAP_OK);
	dnstap_reader_close(&h.reader);
	RETURNS(dnstap_writer_close(&h.writer), DNSTAP_OK);
}

static void stats_sizes(void)
{
	struct handles h = open_handles();
	struct {
		dnstap_stats stats;
		unsigned char beyond[64];
	} longer;
	size_t sizes[] = { 0, 1, sizeof(size_t), offsetof(dnstap_stats, logged_by_type), SIZE_MAX };

	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		memset(&longer, 0x5a, sizeof longer);
		longer.stats.size = sizes[i];
		RETURNS(dnstap_sink_get_stats(h.sink, &longer.stats), DNSTAP_ERROR_SIZE);
		ASSERT_EQ(longer.stats.logged, UINT64_C(0x5a5a5a5a5a5a5a5a));
	}
	longer.stats.size = sizeof longer;
	RETURNS(dnstap_sink_get_stats(h.sink, &longer.stats), DNSTAP_OK);
	ASSERT_EQ(longer.stats.size, sizeof longer);
	ASSERT_EQ(longer.stats.logged, 0);
	for (size_t i = 0; i < sizeof longer.beyond; i++)
		ASSERT(longer.beyond[i] == 0, "byte %zu beyond this version is not 0", i);
	longer.stats.size = 1;
	dnstap_queue_free(&h.queue);
	RETURNS(dnstap_sink_close(&h.sink, &longer.stats), DNSTAP_ERROR_SIZE);
	ASSERT(h.sink == NULL, "the sink is not closed");
	dnstap_options_free(&h.options);
	dnstap_reader_close(&h.reader);
	RETURNS(dnstap_writer_close(&h.writer), DNSTAP_OK);
}

/* Invalid messages, logged and encoded. */
struct trial {
	dnstap_sink *sink;
	dnstap_queue *queue;
	dnstap_message message;
	dnstap_policy policy;
	uint64_t invalid;
};

static struct trial start_trial(void)
{
	struct trial t = { .sink = open_sink(options_to("file:trial.tap")) };

	t.queue = dnstap_queue_new(t.sink, NULL);
	return t;
}

static void reset(struct trial *t)
{
	t->message = example(DNSTAP_MESSAGE_TYPE_CLIENT_QUERY);
	t->policy = (dnstap_policy)DNSTAP_POLICY_INIT;
}

static void refused(struct trial *t, const char *what, dnstap_result wanted)
{
	static uint8_t buffer[1 << 20];
	size_t length = 77;
	dnstap_stats s;

	ASSERT_EQ(dnstap_encoded_size_max(&t->message), 0);
	returns(what, dnstap_encode(buffer, sizeof buffer, &length, &t->message), wanted);
	ASSERT_EQ(length, 0);
	returns(what, dnstap_log(t->queue, &t->message), wanted);
	s = stats_of(t->sink);
	t->invalid++;
	ASSERT(s.dropped_invalid == t->invalid && s.logged == t->invalid &&
		       s.logged_by_type[DNSTAP_MESSAGE_TYPE_CLIENT_QUERY] == t->invalid,
	       "%s: the message is not counted as invalid", what);
	/* A message of a disabled type is not checked. */
	RETURNS(dnstap_sink_set_message_types(t->sink, DNSTAP_MESSAGE_TYPE_BIT(DNSTAP_MESSAGE_TYPE_AUTH_QUERY)),
		DNSTAP_OK);
	returns(what, dnstap_log(t->queue, &t->message), DNSTAP_DISABLED);
	RETURNS(dnstap_sink_set_message_types(t->sink, DNSTAP_ALL_MESSAGE_TYPES), DNSTAP_OK);
	s = stats_of(t->sink);
	ASSERT_EQ(s.logged, t->invalid);
}

static void end_trial(struct trial *t)
{
	dnstap_stats s = { .size = sizeof s };

	reset(t);
	RETURNS(dnstap_log(t->queue, &t->message), DNSTAP_OK);
	dnstap_queue_free(&t->queue);
	RETURNS(dnstap_sink_close(&t->sink, &s), DNSTAP_OK);
	check_sums(&s);
	ASSERT_EQ(s.sent, 1);
	ASSERT_EQ(s.dropped_invalid, t->invalid);
}

static void families(void)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	struct sockaddr_un un = { .sun_family = AF_UNIX, .sun_path = "/run/x" };
	struct sockaddr other = { .sa_family = 0xffff };
	const struct sockaddr *v4 = (const void *)&in, *v6 = (const void *)&in6, *path = (const void *)&un;
	struct trial t = start_trial();
	const struct {
		const char *what;
		const struct sockaddr *initiator, *responder;
		uint32_t family;
	} wrong_ones[] = {
		{ "an initiator of AF_UNIX", path, v4, 0 },
		{ "a responder of AF_UNIX", v4, path, 0 },
		{ "a responder of AF_UNIX alone", NULL, path, 0 },
		{ "an initiator of family 65535", &other, NULL, 0 },
		{ "IPv4 asks IPv6", v4, v6, 0 },
		{ "IPv6 asks IPv4", v6, v4, 0 },
		{ "IPv4 asks IPv6, said to be IPv6", v4, v6, DNSTAP_SOCKET_FAMILY_INET6 },
		{ "IPv4 said to be IPv6", v4, v4, DNSTAP_SOCKET_FAMILY_INET6 },
		{ "IPv6 said to be IPv4", v6, v6, DNSTAP_SOCKET_FAMILY_INET },
		{ "IPv6 said to be IPv4, with one end", NULL, v6, DNSTAP_SOCKET_FAMILY_INET },
		{ "IPv4 said to be of family 3", v4, v4, 3 },
		{ "IPv4 said to be of family 2^32 - 1", v4, v4, UINT32_MAX },
	};

	for (size_t i = 0; i < sizeof wrong_ones / sizeof wrong_ones[0]; i++) {
		reset(&t);
		t.message.initiator = wrong_ones[i].initiator;
		t.message.responder = wrong_ones[i].responder;
		t.message.socket_family = wrong_ones[i].family;
		refused(&t, wrong_ones[i].what, DNSTAP_ERROR_FAMILY);
	}
	end_trial(&t);
}

/* Addresses may be unaligned, as in a packed struct of the caller. */
static void unaligned(void)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(53000) };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(853) };
	const struct {
		const void *address;
		size_t size;
		uint32_t family;
	} ends[] = {
		{ &in, sizeof in, DNSTAP_SOCKET_FAMILY_INET },
		{ &in6, sizeof in6, DNSTAP_SOCKET_FAMILY_INET6 },
	};
	struct trial t = start_trial();
	uint8_t aligned[1000], odd[1000];
	size_t lengths[2];

	memcpy(&in.sin_addr, "\300\0\2\1", 4);
	memcpy(&in6.sin6_addr, "0123456789abcdef", 16);
	for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
		for (int is_rare = 0; is_rare < 2; is_rare++) {
			unsigned char place[1 + sizeof in6];

			memcpy(place + 1, ends[i].address, ends[i].size);
			reset(&t);
			t.message.http_protocol = is_rare ? DNSTAP_HTTP_PROTOCOL_HTTP2 : 0;
			t.message.initiator = t.message.responder = ends[i].address;
			RETURNS(dnstap_encode(aligned, sizeof aligned, &lengths[0], &t.message), DNSTAP_OK);
			t.message.initiator = t.message.responder = (const void *)(place + 1);
			RETURNS(dnstap_encode(odd, sizeof odd, &lengths[1], &t.message), DNSTAP_OK);
			ASSERT(lengths[0] == lengths[1] && memcmp(aligned, odd, lengths[0]) == 0,
			       "other bytes of family %u", ends[i].family);
			RETURNS(dnstap_log(t.queue, &t.message), DNSTAP_OK);
		}
	dnstap_queue_free(&t.queue);
	RETURNS(dnstap_sink_close(&t.sink, NULL), DNSTAP_OK);
}

static void times(void)
{
	/* clang-format off */
	static const dnstap_time wrong_ones[] = {
		{ -1, 0 }, { INT64_MIN, 0 }, { 0, 1000000000 }, { 0, INT32_MAX }, { 0, UINT32_MAX },
		{ 1700000000, 1000000000 }, { 1700000000, UINT32_MAX }, { -1, 999999999 }, { INT64_MAX, UINT32_MAX },
	};
	/* clang-format on */
	struct trial t = start_trial();

	for (size_t i = 0; i < sizeof wrong_ones / sizeof wrong_ones[0]; i++) {
		char what[80];

		snprintf(what, sizeof what, "%lld s and %lu ns", (long long)wrong_ones[i].seconds,
			 (unsigned long)wrong_ones[i].nanoseconds);
		reset(&t);
		t.message.query_time = wrong_ones[i];
		refused(&t, what, DNSTAP_ERROR_TIME);
		reset(&t);
		t.message.response_time = wrong_ones[i];
		refused(&t, what, DNSTAP_ERROR_TIME);
		/* The rest of the message takes the slow path. */
		t.message.http_protocol = DNSTAP_HTTP_PROTOCOL_HTTP2;
		refused(&t, what, DNSTAP_ERROR_TIME);
	}
	end_trial(&t);
}

static void lengths(void)
{
	static const uint8_t bytes[65536];
	static const size_t too_long[] = { 65536,      65537,        131072,           INT_MAX,
					   UINT32_MAX, SIZE_MAX / 2, SIZE_MAX / 2 + 1, SIZE_MAX };
	struct trial t = start_trial();
	dnstap_bytes *fields[] = {
		&t.message.query,   &t.message.response, &t.message.zone, &t.message.extra, &t.message.identity,
		&t.message.version, &t.policy.type,      &t.policy.rule,  &t.policy.value,
	};
	enum { OF_MESSAGE = 6, FIELDS = sizeof fields / sizeof fields[0] };

	for (int field = 0; field < FIELDS; field++) {
		for (size_t i = 0; i < sizeof too_long / sizeof too_long[0]; i++) {
			char what[80];

			snprintf(what, sizeof what, "field %d with %zu bytes", field, too_long[i]);
			reset(&t);
			t.message.policy = field < OF_MESSAGE ? NULL : &t.policy;
			fields[field]->data = bytes;
			fields[field]->length = too_long[i];
			refused(&t, what, DNSTAP_ERROR_LENGTH);
			fields[field]->data = NULL;
			refused(&t, what, DNSTAP_ERROR_LENGTH);
		}
		reset(&t);
		t.message.policy = field < OF_MESSAGE ? NULL : &t.policy;
		fields[field]->length = 1;
		refused(&t, "a length without data", DNSTAP_ERROR_NULL);
	}
	for (size_t size = 0; size <= offsetof(dnstap_policy, match); size += 1 + size / 2) {
		reset(&t);
		t.message.policy = &t.policy;
		t.policy.size = size;
		refused(&t, "a policy that is too short", DNSTAP_ERROR_SIZE);
	}
	reset(&t);
	t.message.policy = &t.policy;
	t.policy.type.data = (const uint8_t *)"RPZ\xff";
	t.policy.type.length = 4;
	refused(&t, "a policy type that is not UTF-8", DNSTAP_ERROR_POLICY_TYPE);
	end_trial(&t);
}

static void message_types(void)
{
	uint32_t none[] = { 0, 1, 31, 32, 32 + DNSTAP_MESSAGE_TYPE_CLIENT_QUERY, 64 + 1, INT_MAX, UINT32_MAX };
	struct trial t = start_trial();
	uint8_t buffer[1000];
	size_t length;

	/* The first unknown type. */
	while (dnstap_message_type_name(none[1]) != NULL)
		none[1]++;
	for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
		for (unsigned all = 0; all < 2; all++) {
			dnstap_stats s;

			RETURNS(dnstap_sink_set_message_types(t.sink, all ? DNSTAP_ALL_MESSAGE_TYPES : 0), DNSTAP_OK);
			reset(&t);
			t.message.type = none[i];
			ASSERT(!dnstap_enabled(t.queue, none[i]), "type %u is enabled", none[i]);
			RETURNS(dnstap_log(t.queue, &t.message), DNSTAP_ERROR_MESSAGE_TYPE);
			t.message.query_time.seconds = -1;
			RETURNS(dnstap_log(t.queue, &t.message), DNSTAP_ERROR_MESSAGE_TYPE);
			t.message.query_time.seconds = 1;
			RETURNS(dnstap_encode(buffer, sizeof buffer, &length, &t.message), DNSTAP_ERROR_MESSAGE_TYPE);
			ASSERT_EQ(dnstap_encoded_size_max(&t.message), 0);
			s = stats_of(t.sink);
			ASSERT_EQ(s.logged, 0);
		}
	RETURNS(dnstap_sink_set_message_types(t.sink, DNSTAP_MESSAGE_TYPE_BIT(0)), DNSTAP_ERROR_VALUE);
	RETURNS(dnstap_sink_set_message_types(t.sink, DNSTAP_MESSAGE_TYPE_BIT(none[1])), DNSTAP_ERROR_VALUE);
	RETURNS(dnstap_sink_set_message_types(t.sink, UINT32_MAX - 1), DNSTAP_ERROR_VALUE);
	RETURNS(dnstap_sink_set_message_types(t.sink, UINT32_MAX >> 1), DNSTAP_ERROR_VALUE);
	/* All but one, whether this version knows them or not. */
	for (uint32_t removed = 1; removed < 31; removed++) {
		uint32_t set = DNSTAP_ALL_MESSAGE_TYPES & ~DNSTAP_MESSAGE_TYPE_BIT(removed);

		RETURNS(dnstap_sink_set_message_types(t.sink, set), DNSTAP_OK);
		for (uint32_t type = 0; type < 40; type++)
			ASSERT(dnstap_enabled(t.queue, type) ==
				       (dnstap_message_type_name(type) != NULL && type != removed),
			       "without type %u, type %u is %senabled", removed, type,
			       dnstap_enabled(t.queue, type) ? "" : "not ");
	}
	RETURNS(dnstap_sink_set_message_types(t.sink, DNSTAP_ALL_MESSAGE_TYPES), DNSTAP_OK);
	end_trial(&t);
}

static void values(void)
{
	static char name[65537];
	dnstap_options *o = options_to("file:values.tap");
	dnstap_sink *sink;
	static const struct {
		dnstap_result (*set)(dnstap_options *, unsigned);
		unsigned min, max; /* 0 and UINT_MAX for none */
	} ranges[] = {
		{ dnstap_options_set_flush_interval, 1, 600000 },
		{ dnstap_options_set_reconnect_interval, 100, 600000 },
		{ dnstap_options_set_io_timeout, 1, 600000 },
		{ dnstap_options_set_close_timeout, 0, 600000 },
		{ dnstap_options_set_sample_rate, 1, UINT_MAX },
	};

	for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
		RETURNS(ranges[i].set(o, ranges[i].min), DNSTAP_OK);
		RETURNS(ranges[i].set(o, ranges[i].max), DNSTAP_OK);
		if (ranges[i].min > 0)
			OPTION_FAILS(o, ranges[i].set(o, ranges[i].min - 1), DNSTAP_ERROR_VALUE);
		if (ranges[i].max < UINT_MAX) {
			OPTION_FAILS(o, ranges[i].set(o, ranges[i].max + 1), DNSTAP_ERROR_VALUE);
			OPTION_FAILS(o, ranges[i].set(o, UINT_MAX), DNSTAP_ERROR_VALUE);
		}
	}
	RETURNS(dnstap_options_set_message_types(o, 0), DNSTAP_OK);
	RETURNS(dnstap_options_set_message_types(o, DNSTAP_ALL_MESSAGE_TYPES), DNSTAP_OK);
	OPTION_FAILS(o, dnstap_options_set_message_types(o, 1), DNSTAP_ERROR_VALUE);
	OPTION_FAILS(o, dnstap_options_set_message_types(o, UINT32_MAX - 1), DNSTAP_ERROR_VALUE);
	OPTION_FAILS(o, dnstap_options_set_queue_bytes(o, 0), DNSTAP_ERROR_VALUE);
	OPTION_FAILS(o, dnstap_options_set_queue_bytes(o, 4095), DNSTAP_ERROR_VALUE);
	RETURNS(dnstap_options_set_queue_bytes(o, 4096), DNSTAP_OK);
	RETURNS(dnstap_options_set_queue_bytes(o, (size_t)1 << 30), DNSTAP_OK);
	OPTION_FAILS(o, dnstap_options_set_queue_bytes(o, ((size_t)1 << 30) + 1), DNSTAP_ERROR_VALUE);
	OPTION_FAILS(o, dnstap_options_set_queue_bytes(o, SIZE_MAX), DNSTAP_ERROR_VALUE);
	RETURNS(dnstap_options_set_freed_queue_bytes(o, 0), DNSTAP_OK);
	RETURNS(dnstap_options_set_freed_queue_bytes(o, SIZE_MAX), DNSTAP_OK);
	OPTION_FAILS(o, dnstap_options_set_thread_name(o, "\xff"), DNSTAP_ERROR_VALUE);
	RETURNS(dnstap_options_set_thread_name(o, "a name of more than 15 bytes"), DNSTAP_OK);
	OPTION_FAILS(o, dnstap_options_set_tls_server_name(o, "\xff"), DNSTAP_ERROR_VALUE);
	OPTION_FAILS(o, dnstap_options_set_tls_verify(o, 3), DNSTAP_ERROR_VALUE);
	memset(name, 'x', 65536);
	OPTION_FAILS(o, dnstap_options_set_identity(o, name), DNSTAP_ERROR_LENGTH);
	OPTION_FAILS(o, dnstap_options_set_version(o, name), DNSTAP_ERROR_LENGTH);
	/* Refused values have changed nothing, so a sink can be opened. */
	sink = open_sink(o);
	RETURNS(dnstap_sink_set_identity(sink, name), DNSTAP_ERROR_LENGTH);
	RETURNS(dnstap_sink_set_version(sink, name), DNSTAP_ERROR_LENGTH);
	name[65535] = '\0';
	RETURNS(dnstap_sink_set_identity(sink, name), DNSTAP_OK);
	RETURNS(dnstap_sink_set_version(sink, name), DNSTAP_OK);
	RETURNS(dnstap_sink_set_sample_rate(sink, 0), DNSTAP_ERROR_VALUE);
	RETURNS(dnstap_sink_set_sample_rate(sink, UINT_MAX), DNSTAP_OK);
	RETURNS(dnstap_sink_close(&sink, NULL), DNSTAP_OK);
}

/* Opening a sink fails with this result, and the error of the options has this part. */
static void no_sink(dnstap_options *o, const char *what, dnstap_result wanted, const char *said)
{
	dnstap_result error = DNSTAP_OK;

	option_fails(o, what, dnstap_options_check(o), wanted);
	ASSERT(dnstap_sink_open(o, &error) == NULL, "%s: a sink", what);
	option_fails(o, what, error, wanted);
	ASSERT(strstr(dnstap_options_get_error(o), said) != NULL, "%s: '%s' does not contain '%s'", what,
	       dnstap_options_get_error(o), said);
	ASSERT(dnstap_writer_open(o, &error) == NULL, "%s: a writer", what);
	option_fails(o, what, error, wanted);
}

static void outputs(void)
{
	/* clang-format off */
	static const char *const none[] = {
		"", ":", "unix", "unix:", "file:", "tcp:", "tls:", "udp:host:53", "/run/dnstap.sock", "UNIX:/x", " unix:/x",
		"tcp:host", "tcp:host:", "tcp::53", "tcp:host:0", "tcp:host:65536", "tcp:host:-1", "tcp:host:x",
		"tcp:host:53x", "tcp:[::1]", "tcp:\xff:53", "tls:host", "tls::853", "tls:host:99999",
	};
	/* clang-format on */
	static const char *const some[] = {
		"unix:/run/dnstap.sock",  "file:a:b",       "tcp:192.0.2.1:6000",
		"tcp:[2001:db8::1]:6000", "tcp:host:65535", "tls:collector.example:853",
	};
	dnstap_options *o = dnstap_options_new();

	no_sink(o, "no output", DNSTAP_ERROR_OUTPUT, "output");
	for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
		option_fails(o, none[i], dnstap_options_set_output(o, none[i]), DNSTAP_ERROR_OUTPUT);
	no_sink(o, "still no output", DNSTAP_ERROR_OUTPUT, "output");
	for (size_t i = 0; i < sizeof some / sizeof some[0]; i++)
		returns(some[i], dnstap_options_set_output(o, some[i]), DNSTAP_OK);
	dnstap_options_free(&o);
}

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	ASSERT(file != NULL && fputs(text, file) >= 0 && fclose(file) == 0, "%s cannot be written", path);
}

static void paths(void)
{
	static const struct {
		const char *output;
		dnstap_result error;
		const char *said;
	} wrong_ones[] = {
		{ "unix:a-file", DNSTAP_ERROR_NOT_A_SOCKET, "a-file" },
		{ "unix:a-folder", DNSTAP_ERROR_NOT_A_SOCKET, "a-folder" },
		{ "file:a-folder", DNSTAP_ERROR_PATH, "a-folder" },
		{ "file:no-folder/x.tap", DNSTAP_ERROR_PATH, "no-folder: No such file" },
		{ "file:a-file/x.tap", DNSTAP_ERROR_PATH, "a-file: not a directory" },
		{ "file:", DNSTAP_ERROR_OUTPUT, "output" },
	};
	static char too_long[300] = "unix:/";
	dnstap_options *o;
	dnstap_sink *sink;
	dnstap_stats s;

	write_file("a-file", "x");
	ASSERT(mkdir("a-folder", 0700) == 0, "mkdir");
	for (size_t i = 0; i + 1 < sizeof wrong_ones / sizeof wrong_ones[0]; i++) {
		o = options_to(wrong_ones[i].output);
		no_sink(o, wrong_ones[i].output, wrong_ones[i].error, wrong_ones[i].said);
		dnstap_options_free(&o);
	}
	memset(too_long + 6, 'x', 200);
	o = options_to(too_long);
	no_sink(o, too_long, DNSTAP_ERROR_PATH, "xxx");
	dnstap_options_free(&o);
	/* A receiver that does not listen yet is not an error. */
	o = options_to("unix:not-yet");
	sink = open_sink(o);
	WAIT_FOR_STATS(sink, s, s.connect_failures > 0);
	ASSERT_EQ(s.connects, 0);
	RETURNS(dnstap_sink_close(&sink, NULL), DNSTAP_OK);
}

static void sink_errors(void)
{
	dnstap_sink *sink = open_sink(options_to("unix:not-there"));
	char line[200] = "xxxx", part[16];
	dnstap_stats s;

	RETURNS(dnstap_sink_get_error(sink, line, 0), DNSTAP_ERROR_NULL);
	ASSERT_EQ(line[0], 'x');
	WAIT_FOR_STATS(sink, s, s.connect_failures > 0);
	RETURNS(dnstap_sink_get_error(sink, line, sizeof line), DNSTAP_OK);
	ASSERT(strstr(line, "not-there") != NULL && line[strlen(line) - 1] != '.', "'%s'", line);
	for (size_t size = 1; size <= sizeof part; size++) {
		memset(part, 0x5a, sizeof part);
		RETURNS(dnstap_sink_get_error(sink, part, size), DNSTAP_OK);
		ASSERT(strlen(part) == size - 1 && memcmp(part, line, size - 1) == 0, "with %zu bytes it is '%s'", size,
		       part);
		for (size_t i = size; i < sizeof part; i++)
			ASSERT(part[i] == 0x5a, "byte %zu of %zu is written to", i, size);
	}
	RETURNS(dnstap_sink_close(&sink, NULL), DNSTAP_OK);
	sink = open_sink(options_to("file:x.tap"));
	RETURNS(dnstap_sink_get_error(sink, line, sizeof line), DNSTAP_OK);
	ASSERT(line[0] == '\0', "there is an error without a failure: '%s'", line);
	RETURNS(dnstap_sink_close(&sink, NULL), DNSTAP_OK);
}

static void run(const char *command)
{
	ASSERT(system(command) == 0, "failed: %s", command);
}

static void make_certificates(void)
{
	write_file("empty.pem", "");
	write_file("garbage.pem", "-----BEGIN CERTIFICATE-----\nbm90IGEgY2VydGlmaWNhdGU=\n-----END CERTIFICATE-----\n");
	write_file("text.pem", "no PEM at all\n");
	write_file("no-key.pem", "-----BEGIN PRIVATE KEY-----\nbm90IGEga2V5\n-----END PRIVATE KEY-----\n");
	ASSERT(mkdir("folder.pem", 0700) == 0, "mkdir");
	run("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem -out cert.pem"
	    " -subj /CN=localhost -days 2 2>openssl.log");
	run("openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out other-key.pem 2>openssl.log");
	run("openssl pkey -in key.pem -aes256 -passout pass:secret -out locked-key.pem 2>openssl.log");
}

static void certificates(void)
{
	static const char *const no_ca[] = {
		"missing.pem", "folder.pem", "empty.pem", "text.pem", "garbage.pem", "key.pem", "",
	};
	static const struct {
		const char *certificate, *key, *said;
	} no_pair[] = {
		{ "missing.pem", "key.pem", "missing.pem" },
		{ "folder.pem", "key.pem", "folder.pem" },
		{ "empty.pem", "key.pem", "empty.pem" },
		{ "text.pem", "key.pem", "text.pem" },
		{ "garbage.pem", "key.pem", "" },
		{ "cert.pem", "missing.pem", "missing.pem" },
		{ "cert.pem", "empty.pem", "empty.pem" },
		{ "cert.pem", "cert.pem", "cert.pem" },
		{ "cert.pem", "no-key.pem", "" },
		{ "cert.pem", "other-key.pem", "" },
		{ "cert.pem", "locked-key.pem", "locked-key.pem" },
	};
	dnstap_options *o;
	dnstap_sink *sink;

	make_certificates();
	for (size_t i = 0; i < sizeof no_ca / sizeof no_ca[0]; i++) {
		o = options_to("tls:localhost:1");
		returns(no_ca[i], dnstap_options_set_tls_ca_bundle(o, no_ca[i]), DNSTAP_OK);
		no_sink(o, no_ca[i], DNSTAP_ERROR_TLS, no_ca[i]);
		dnstap_options_free(&o);
	}
	for (size_t i = 0; i < sizeof no_pair / sizeof no_pair[0]; i++) {
		char what[80];

		snprintf(what, sizeof what, "%s with %s", no_pair[i].certificate, no_pair[i].key);
		o = options_to("tls:localhost:1");
		RETURNS(dnstap_options_set_tls_ca_bundle(o, "cert.pem"), DNSTAP_OK);
		returns(what, dnstap_options_set_tls_client_certificate(o, no_pair[i].certificate, no_pair[i].key),
			DNSTAP_OK);
		no_sink(o, what, DNSTAP_ERROR_TLS, no_pair[i].said);
		dnstap_options_free(&o);
	}
	o = options_to("tls:localhost:1");
	RETURNS(dnstap_options_set_tls_ca_bundle(o, "cert.pem"), DNSTAP_OK);
	RETURNS(dnstap_options_set_tls_server_name(o, "not a name"), DNSTAP_OK);
	no_sink(o, "a server name that is none", DNSTAP_ERROR_TLS, "not a name");
	RETURNS(dnstap_options_set_tls_server_name(o, ""), DNSTAP_OK);
	no_sink(o, "an empty server name", DNSTAP_ERROR_TLS, "");
	RETURNS(dnstap_options_set_tls_server_name(o, "192.0.2.1"), DNSTAP_OK);
	RETURNS(dnstap_options_set_tls_client_certificate(o, "cert.pem", "key.pem"), DNSTAP_OK);
	sink = open_sink(o);
	RETURNS(dnstap_sink_close(&sink, NULL), DNSTAP_OK);
}

static void contradictions(void)
{
	static const char *const plain[] = { "unix:x.sock", "tcp:localhost:1", "file:x.tap" };
	dnstap_options *o = options_to("tls:localhost:1");

	OPTION_FAILS(o, dnstap_options_set_tls_client_certificate(o, "cert.pem", NULL), DNSTAP_ERROR_CONFLICT);
	OPTION_FAILS(o, dnstap_options_set_tls_client_certificate(o, NULL, "key.pem"), DNSTAP_ERROR_CONFLICT);
	for (int i = 0; i < 3; i++) {
		RETURNS(dnstap_options_set_output(o, plain[i]), DNSTAP_OK);
		RETURNS(dnstap_options_set_tls_ca_bundle(o, "cert.pem"), DNSTAP_OK);
		no_sink(o, "a CA bundle without TLS", DNSTAP_ERROR_CONFLICT, "TLS");
		RETURNS(dnstap_options_set_tls_ca_bundle(o, NULL), DNSTAP_OK);
		RETURNS(dnstap_options_set_tls_server_name(o, "localhost"), DNSTAP_OK);
		no_sink(o, "a server name without TLS", DNSTAP_ERROR_CONFLICT, "TLS");
		RETURNS(dnstap_options_set_tls_server_name(o, NULL), DNSTAP_OK);
		RETURNS(dnstap_options_set_tls_client_certificate(o, "cert.pem", "key.pem"), DNSTAP_OK);
		no_sink(o, "a certificate without TLS", DNSTAP_ERROR_CONFLICT, "TLS");
		RETURNS(dnstap_options_set_tls_client_certificate(o, NULL, NULL), DNSTAP_OK);
		RETURNS(dnstap_options_set_tls_verify(o, DNSTAP_TLS_VERIFY_NOTHING), DNSTAP_OK);
		no_sink(o, "what to verify without TLS", DNSTAP_ERROR_CONFLICT, "TLS");
		RETURNS(dnstap_options_set_tls_verify(o, DNSTAP_TLS_VERIFY_NAME), DNSTAP_OK);
	}
	ASSERT(access("x.tap", F_OK) != 0, "a sink that was not opened has created a file");
	dnstap_options_free(&o);
}

/* With pending messages or without. */
static void longer_than_the_ring(int waiting)
{
	static const size_t too_long[] = { 4096, 10000, 65535 };
	dnstap_options *o = options_to("unix:not-there");
	dnstap_sink *sink;
	dnstap_queue *queue;
	dnstap_stats s;

	dnstap_options_set_queue_bytes(o, 4096);
	dnstap_options_set_close_timeout(o, 0);
	sink = open_sink(o);
	queue = dnstap_queue_new(sink, NULL);
	for (int i = 0; i < waiting; i++)
		RETURNS(log_with_id(queue, DNSTAP_MESSAGE_TYPE_CLIENT_QUERY, (struct message_id){ 0, 0 }, 12),
			DNSTAP_OK);
	for (size_t i = 0; i < sizeof too_long / sizeof too_long[0]; i++) {
		RETURNS(log_with_id(queue, DNSTAP_MESSAGE_TYPE_AUTH_QUERY, (struct message_id){ 0, 0 }, too_long[i]),
			DNSTAP_ERROR_TOO_LONG);
		s = stats_of(sink);
		ASSERT_EQ(s.dropped_too_long, i + 1);
		ASSERT_EQ(s.logged_by_type[DNSTAP_MESSAGE_TYPE_AUTH_QUERY], i + 1);
		ASSERT_EQ(s.waiting, (uint64_t)waiting);
	}
	dnstap_queue_free(&queue);
	RETURNS(dnstap_sink_close(&sink, NULL), DNSTAP_OK);
}

static void full_ring(void)
{
	dnstap_options *o = options_to("unix:not-there");
	dnstap_stats s = { .size = sizeof s };
	dnstap_result result;
	dnstap_queue *queue;
	dnstap_sink *sink;
	unsigned taken = 0;

	dnstap_options_set_queue_bytes(o, 4096);
	dnstap_options_set_close_timeout(o, 0);
	sink = open_sink(o);
	queue = dnstap_queue_new(sink, NULL);
	while ((result = log_with_id(queue, DNSTAP_MESSAGE_TYPE_CLIENT_QUERY, (struct message_id){ 0, taken }, 100)) ==
	       DNSTAP_OK)
		taken++;
	returns("dnstap_log to a ring that is full", result, DNSTAP_ERROR_FULL);
	ASSERT(taken > 15, "%u messages of some 200 bytes are in 4,096 bytes", taken);
	for (unsigned i = 1; i <= 100; i++) {
		s = stats_of(sink);
		ASSERT_EQ(s.dropped_full, i);
		ASSERT_EQ(s.waiting, taken);
		RETURNS(log_with_id(queue, DNSTAP_MESSAGE_TYPE_CLIENT_QUERY, (struct message_id){ 0, taken + i }, 100),
			DNSTAP_ERROR_FULL);
	}
	dnstap_queue_free(&queue);
	RETURNS(dnstap_sink_close(&sink, &s), DNSTAP_OK);
	check_sums(&s);
	ASSERT_EQ(s.dropped_closed, taken);
	ASSERT_EQ(s.waiting, 0);
}

static void closed_sink(void)
{
	dnstap_sink *sink = open_sink(options_to("file:closed.tap"));
	dnstap_queue *queue = dnstap_queue_new(sink, NULL), *other = dnstap_queue_new(sink, NULL);
	dnstap_message m = example(DNSTAP_MESSAGE_TYPE_CLIENT_QUERY);
	dnstap_stats s = { .size = sizeof s };

	RETURNS(dnstap_log(queue, &m), DNSTAP_OK);
	ASSERT(dnstap_enabled(queue, DNSTAP_MESSAGE_TYPE_CLIENT_QUERY), "not enabled");
	RETURNS(dnstap_sink_close(&sink, &s), DNSTAP_OK);
	ASSERT_EQ(s.sent, 1);
	ASSERT_EQ(s.state, DNSTAP_STATE_CLOSING);
	ASSERT(!dnstap_enabled(queue, DNSTAP_MESSAGE_TYPE_CLIENT_QUERY), "enabled after the sink is closed");
	for (int i = 0; i < 3; i++)
		RETURNS(dnstap_log(queue, &m), DNSTAP_ERROR_CLOSED);
	m.query_time.seconds = -1;
	RETURNS(dnstap_log(other, &m), DNSTAP_ERROR_CLOSED);
	dnstap_queue_free(&queue);
	dnstap_queue_free(&other);
	RETURNS(dnstap_sink_close(&sink, &s), DNSTAP_OK);
}

static void small_buffers(int length)
{
	static uint8_t query[65535];
	dnstap_message m = example(DNSTAP_MESSAGE_TYPE_CLIENT_QUERY);
	dnstap_policy policy = DNSTAP_POLICY_INIT;
	size_t max_len, used;

	m.query.data = query;
	m.query.length = (size_t)length;
	m.extra = m.identity = (dnstap_bytes){ (const uint8_t *)"extra", 5 };
	policy.type = (dnstap_bytes){ (const uint8_t *)"RPZ", 3 };
	policy.action = DNSTAP_POLICY_ACTION_DROP;
	m.policy = &policy;
	max_len = dnstap_encoded_size_max(&m);
	for (size_t capacity = 0; capacity <= max_len; capacity += capacity + 300 < max_len ? 7 : 1) {
		uint8_t *buffer = malloc(capacity + (capacity == 0));

		used = 77;
		returns("dnstap_encode to a small buffer", dnstap_encode(buffer, capacity, &used, &m),
			capacity < max_len ? DNSTAP_ERROR_BUFFER : DNSTAP_OK);
		ASSERT_EQ(used == 0, capacity < max_len);
		ASSERT(used == 0 || used > (size_t)length, "%zu bytes in a buffer of %zu", used, capacity);
		free(buffer);
	}
	RETURNS(dnstap_encode(query, SIZE_MAX, &used, &m), DNSTAP_ERROR_BUFFER);
}

static void readers(void)
{
	static const size_t fit[] = { 512, 1048576, 2147483647 }, none[] = { 0, 511, 2147483648, SIZE_MAX };
	dnstap_message m = { .size = sizeof m };
	dnstap_reader *reader;
	dnstap_result error;

	errno = 0;
	ASSERT(dnstap_reader_open("missing.tap", &error) == NULL, "a reader of a missing file");
	returns("dnstap_reader_open", error, DNSTAP_ERROR_IO);
	ASSERT_EQ(errno, ENOENT);
	errno = 0;
	ASSERT(dnstap_reader_open_fd(1000, &error) == NULL, "a reader of a descriptor that is not open");
	returns("dnstap_reader_open_fd", error, DNSTAP_ERROR_IO);
	ASSERT_EQ(errno, EBADF);
	ASSERT(mkdir("folder.tap", 0700) == 0, "mkdir");
	reader = dnstap_reader_open("folder.tap", &error);
	if (reader != NULL)
		error = dnstap_reader_next(reader, &m, 0);
	returns("reading a folder", error, DNSTAP_ERROR_IO);
	dnstap_reader_close(&reader);
	reader = dnstap_reader_open("/dev/null", &error);
	for (size_t i = 0; i < sizeof fit / sizeof fit[0]; i++)
		RETURNS(dnstap_reader_set_max_frame_size(reader, fit[i]), DNSTAP_OK);
	for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
		RETURNS(dnstap_reader_set_max_frame_size(reader, none[i]), DNSTAP_ERROR_VALUE);
	dnstap_reader_close(&reader);
}

/* Out of descriptors: opening a sink fails, and everything else works. */
static void no_descriptors(void)
{
	dnstap_options *o = options_to("file:few.tap");
	struct rlimit few;
	dnstap_sink *sink;

	ASSERT(getrlimit(RLIMIT_NOFILE, &few) == 0, "getrlimit");
	/* Open ones keep working. */
	few.rlim_cur = (rlim_t)dup(0);
	close((int)few.rlim_cur);
	for (; few.rlim_cur < 20; few.rlim_cur++) {
		dnstap_result error;

		ASSERT(setrlimit(RLIMIT_NOFILE, &few) == 0, "setrlimit");
		sink = dnstap_sink_open(o, &error);
		if (sink != NULL)
			break;
		option_fails(o, "dnstap_sink_open", error, DNSTAP_ERROR_SYSTEM);
	}
	ASSERT(sink != NULL, "no sink with 20 descriptors");
	RETURNS(dnstap_sink_close(&sink, NULL), DNSTAP_OK);
	dnstap_options_free(&o);
}

/* Out of memory for a ring: making a queue fails. */
static void no_memory(void)
{
	dnstap_options *o = options_to("file:big.tap");
	struct rlimit little = { 600 << 20, RLIM_INFINITY };
	dnstap_result error;
	dnstap_queue *queue;
	dnstap_sink *sink;

	dnstap_options_set_queue_bytes(o, (size_t)1 << 30);
	sink = open_sink(o);
	ASSERT(setrlimit(RLIMIT_AS, &little) == 0, "setrlimit");
	ASSERT(dnstap_queue_new(sink, &error) == NULL, "a queue of 1 GiB in 600 MiB");
	returns("dnstap_queue_new without memory", error, DNSTAP_ERROR_MEMORY);
	little.rlim_cur = RLIM_INFINITY;
	ASSERT(setrlimit(RLIMIT_AS, &little) == 0, "setrlimit");
	queue = dnstap_queue_new(sink, NULL);
	ASSERT(queue != NULL, "no queue of 1 GiB");
	RETURNS(log_with_id(queue, DNSTAP_MESSAGE_TYPE_CLIENT_QUERY, (struct message_id){ 0, 0 }, 12), DNSTAP_OK);
	dnstap_queue_free(&queue);
	RETURNS(dnstap_sink_close(&sink, NULL), DNSTAP_OK);
}

int main(int argc, char **argv)
{
	static const struct test_case cases[] = {
		CASE("every result has its own text", texts),
		CASE("every result is in the range of its kind", numbers),
		CASE("NULL for every argument", nulls),
		CASE("handles of another kind", handles_of_another_kind),
		CASE("sizes of a message", message_sizes),
		CASE("sizes of the accounts", stats_sizes),
		CASE("addresses of the wrong family are refused, and counted", families),
		CASE("unaligned addresses", unaligned),
		CASE("invalid times are refused, and counted", times),
		CASE("invalid lengths are refused, and counted", lengths),
		CASE("unknown message types are refused, and not counted", message_types),
		CASE("limits of options", values),
		CASE("outputs", outputs),
		CASE("paths", paths),
		CASE("the error of a sink that cannot connect", sink_errors),
		CASE("certificates and keys", certificates),
		CASE("options that contradict each other", contradictions),
		CASE_WITH("a message that is longer than the ring", longer_than_the_ring, 0),
		CASE_WITH("a message that is longer than a ring with messages", longer_than_the_ring, 3),
		CASE("a ring that is full", full_ring),
		CASE("queues of a sink that is closed", closed_sink),
		CASE_WITH("small buffers for a small message", small_buffers, 12),
		CASE_WITH("small buffers for a large message", small_buffers, 20000),
		CASE("readers", readers),
		CASE("a process out of descriptors", no_descriptors),
		CASE("a process out of memory", no_memory),
		/* Not under valgrind, which rightly reports it. */
		CASE("handles that were freed", handles_that_were_freed),
	};
	size_t count = sizeof cases / sizeof cases[0];

	return run_cases(argc, argv, cases, under_valgrind() ? count - 1 : count);
}
