/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Error texts contain the option or the file, the value and the limits, and the text of system errors. */
#include "messages.h"
#include "sink.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Checks a text, except for a directory in front of the first name. */
static void expect_text(const char *text, const char *wanted)
{
	size_t length = strlen(text), min_length = strlen(wanted);
	const char *end = text + (length < min_length ? 0 : length - min_length);

	ASSERT(strcmp(end, wanted) == 0 && (end == text || end[-1] == '/'), "\"%s\", not \"%s\"", text, wanted);
}

/* Checks that a value is refused, and the text of the error. */
#define REFUSED(call, result, wanted) \
	do { \
		ASSERT((call) == (result), #call " did not fail"); \
		expect_text(dnstap_options_get_error(o), wanted); \
	} while (0)

static void options(void)
{
	dnstap_options *o = dnstap_options_new();
	char *long_text = malloc(70001);

	memset(long_text, 'x', 70000);
	long_text[70000] = '\0';
	REFUSED(dnstap_options_set_queue_bytes(o, 100), DNSTAP_ERROR_VALUE,
		"queue_bytes is 100, but must be from 4096 to 1073741824");
	REFUSED(dnstap_options_set_flush_interval(o, 0), DNSTAP_ERROR_VALUE,
		"flush_interval is 0 ms, but must be from 1 to 600000 ms");
	REFUSED(dnstap_options_set_reconnect_interval(o, 99), DNSTAP_ERROR_VALUE,
		"reconnect_interval is 99 ms, but must be from 100 to 600000 ms");
	REFUSED(dnstap_options_set_io_timeout(o, 600001), DNSTAP_ERROR_VALUE,
		"io_timeout is 600001 ms, but must be from 1 to 600000 ms");
	REFUSED(dnstap_options_set_close_timeout(o, 600001), DNSTAP_ERROR_VALUE,
		"close_timeout is 600001 ms, but must be from 0 to 600000 ms");
	REFUSED(dnstap_options_set_sample_rate(o, 0), DNSTAP_ERROR_VALUE,
		"sample_rate is 0, but must be from 1 to 4294967295");
	REFUSED(dnstap_options_set_message_types(o, DNSTAP_MESSAGE_TYPE_BIT(5) | DNSTAP_MESSAGE_TYPE_BIT(31)),
		DNSTAP_ERROR_VALUE,
		"message_types is 0x80000020, but bit 31 does not belong to a message type; message types "
		"are from 1 to 14");
	REFUSED(dnstap_options_set_identity(o, long_text), DNSTAP_ERROR_LENGTH,
		"identity has 70000 bytes, but may have at most 65535");
	REFUSED(dnstap_options_set_version(o, long_text), DNSTAP_ERROR_LENGTH,
		"version has 70000 bytes, but may have at most 65535");
	REFUSED(dnstap_options_set_thread_name(o, "a\xff"), DNSTAP_ERROR_VALUE,
		"thread_name \"a\xef\xbf\xbd\" is not valid UTF-8");
	REFUSED(dnstap_options_set_thread_name(o, NULL), DNSTAP_ERROR_NULL, "thread_name: a required pointer is NULL");
	REFUSED(dnstap_options_set_tls_server_name(o, "a\xff"), DNSTAP_ERROR_VALUE,
		"tls_server_name \"a\xef\xbf\xbd\" is not valid UTF-8");
	REFUSED(dnstap_options_set_tls_verify(o, 3), DNSTAP_ERROR_VALUE, "tls_verify is 3, but must be from 0 to 2");
	REFUSED(dnstap_options_set_tls_client_certificate(o, "cert.pem", NULL), DNSTAP_ERROR_CONFLICT,
		"tls_client_certificate: the key is missing");
	REFUSED(dnstap_options_set_output(o, "tcp:x"), DNSTAP_ERROR_OUTPUT,
		"output \"tcp:x\": expected a host and a port from 1 to 65535, as in \"tcp:host:port\" or "
		"\"tcp:[2001:db8::1]:6000\"");
	REFUSED(dnstap_options_set_output(o, "log.tap"), DNSTAP_ERROR_OUTPUT,
		"output \"log.tap\": expected \"unix:PATH\", \"tcp:HOST:PORT\", \"tls:HOST:PORT\" or \"file:PATH\"");
	REFUSED(dnstap_options_set_output(o, NULL), DNSTAP_ERROR_NULL, "output: a required pointer is NULL");
	free(long_text);
	dnstap_options_free(&o);
}

static void opening(void)
{
	dnstap_options *o = dnstap_options_new();
	dnstap_result error;
	char long_path[256] = "unix:/";

	ASSERT(dnstap_options_set_output(o, "file:missing/log.tap") == DNSTAP_OK, "output");
	ASSERT(dnstap_sink_open(o, &error) == NULL && error == DNSTAP_ERROR_PATH, "%s", dnstap_strerror(error));
	expect_text(dnstap_options_get_error(o), "missing: No such file or directory");
	memset(long_path + 6, 'x', 200);
	ASSERT(dnstap_options_set_output(o, long_path) == DNSTAP_OK, "output");
	ASSERT(dnstap_sink_open(o, &error) == NULL && error == DNSTAP_ERROR_PATH, "%s", dnstap_strerror(error));
	expect_text(strrchr(dnstap_options_get_error(o), ':'),
		    ": the path of a socket may have at most 107 bytes, not 201");
	ASSERT(dnstap_options_set_output(o, "tls:127.0.0.1:1") == DNSTAP_OK, "output");
	ASSERT(dnstap_options_set_tls_ca_bundle(o, "missing.pem") == DNSTAP_OK, "tls_ca_bundle");
	ASSERT(dnstap_sink_open(o, &error) == NULL && error == DNSTAP_ERROR_TLS, "%s", dnstap_strerror(error));
	expect_text(dnstap_options_get_error(o), "missing.pem: No such file or directory");
	dnstap_options_free(&o);
}

static void reading(void)
{
	dnstap_reader *reader;
	dnstap_result error;
	FILE *file;

	ASSERT(dnstap_reader_open("missing.tap", &error) == NULL && error == DNSTAP_ERROR_IO, "%s",
	       dnstap_strerror(error));
	expect_text(dnstap_reader_get_error(NULL), "missing.tap: No such file or directory");
	ASSERT(dnstap_reader_open_fd(-1, &error) == NULL && error == DNSTAP_ERROR_VALUE, "%s", dnstap_strerror(error));
	expect_text(dnstap_reader_get_error(NULL), "-1 is not a descriptor");
	ASSERT(dnstap_reader_open_fd(1000, &error) == NULL && error == DNSTAP_ERROR_IO, "%s", dnstap_strerror(error));
	expect_text(dnstap_reader_get_error(NULL), "descriptor 1000: Bad file descriptor");
	ASSERT(dnstap_reader_open(NULL, &error) == NULL && error == DNSTAP_ERROR_NULL, "%s", dnstap_strerror(error));
	expect_text(dnstap_reader_get_error(NULL), "a required pointer is NULL");

	file = fopen("empty.tap", "w");
	ASSERT(file != NULL && fclose(file) == 0, "empty.tap");
	reader = dnstap_reader_open("empty.tap", &error);
	ASSERT(reader != NULL, "%s", dnstap_reader_get_error(NULL));
	ASSERT(dnstap_reader_set_max_frame_size(reader, 511) == DNSTAP_ERROR_VALUE, "a small limit");
	expect_text(dnstap_reader_get_error(reader), "max_frame_size is 511, but must be from 512 to 2147483647");
	dnstap_reader_close(&reader);
	reader = dnstap_reader_open(".", &error);
	ASSERT(reader != NULL, "%s", dnstap_reader_get_error(NULL));
	ASSERT(dnstap_reader_next(reader, NULL, 1000) == DNSTAP_ERROR_IO, "a folder is read");
	expect_text(dnstap_reader_get_error(reader), "Is a directory");
	dnstap_reader_close(&reader);
}

static void *fail_to_open(void *unused)
{
	(void)unused;
	ASSERT(strlen(dnstap_reader_get_error(NULL)) > 5, "no text without an error");
	ASSERT(dnstap_reader_open("theirs.tap", NULL) == NULL, "theirs.tap");
	expect_text(dnstap_reader_get_error(NULL), "theirs.tap: No such file or directory");
	return NULL;
}

static void threads(void)
{
	pthread_t thread;

	ASSERT(dnstap_reader_open("ours.tap", NULL) == NULL, "ours.tap");
	ASSERT(pthread_create(&thread, NULL, fail_to_open, NULL) == 0, "no thread");
	pthread_join(thread, NULL);
	expect_text(dnstap_reader_get_error(NULL), "ours.tap: No such file or directory");
}

/* The last failure has a time, and is kept after a reconnect. */
static void a_failure(void)
{
	dnstap_sink *sink = open_sink(options_with_ring("unix:tap.sock", 65536));
	dnstap_queue *queue;
	struct receiver r;
	dnstap_stats s;
	char before[300];

	WAIT_UNTIL(*error_of(sink) != '\0', DEADLINE, "nothing failed");
	snprintf(before, sizeof before, "%s", error_of(sink));
	ASSERT(strlen(before) > 22 && before[4] == '-' && before[10] == 'T' && before[19] == 'Z' && before[20] == ':',
	       "no time: %s", before);
	expect_text(before + 22, "tap.sock: connecting: No such file or directory");
	receiver_start(&r, listen_unix("tap.sock"), receiver_play_one, NULL);
	WAIT_FOR_STATS(sink, s, s.connects == 1);
	snprintf(before, sizeof before, "%s", error_of(sink));
	queue = dnstap_queue_new(sink, NULL);
	ASSERT(log_with_id(queue, DNSTAP_MESSAGE_TYPE_CLIENT_QUERY, (struct message_id){ 0, 0 }, 100) == DNSTAP_OK,
	       "log");
	WAIT_FOR_STATS(sink, s, s.sent == 1);
	ASSERT(strcmp(before, error_of(sink)) == 0, "\"%s\" has become \"%s\"", before, error_of(sink));
	dnstap_queue_free(&queue);
	close_sink(&sink, TIMEOUT);
	receiver_finish(&r, stderr);
}

int main(int argc, char **argv)
{
	static const struct test_case cases[] = {
		CASE("errors of options contain the option, the value and the limits", options),
		CASE("the error of a sink that cannot be opened contains the file", opening),
		CASE("the error of a reader contains the file, the descriptor or the limit", reading),
		CASE("each thread has its own error of opening a reader", threads),
		CASE("the last error of a sink has a time, and is kept", a_failure),
	};

	return RUN_CASES(argc, argv, cases);
}
