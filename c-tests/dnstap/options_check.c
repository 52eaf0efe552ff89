/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* dnstap_options_check() and dnstap_sink_open() agree, and a check leaves no trace. */
#include "messages.h"
#include "sink.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* Options, the result of both functions, and a part of their text if it is an error. */
struct options {
	const char *output; /* NULL for none */
	const char *ca_bundle, *server_name, *certificate, *key;
	unsigned verify;
	dnstap_result result;
	const char *text;
};

/* Socket paths. */
static char longest[200], too_long[200];

/* clang-format off */
static const struct options table[] = {
	{ .output = "file:x.tap" },
	{ .output = "file:a-file" },
	{ .output = "file:/dev/null" },
	{ .output = "file:a-folder/x.tap" },
	{ .output = "file:a-folder", .result = DNSTAP_ERROR_PATH, .text = "a-folder" },
	{ .output = "file:not-there/", .result = DNSTAP_ERROR_PATH, .text = "not-there/" },
	{ .output = "file:no-folder/x.tap", .result = DNSTAP_ERROR_PATH, .text = "no-folder: No such file" },
	{ .output = "file:a-file/x.tap", .result = DNSTAP_ERROR_PATH, .text = "a-file: not a directory" },
	{ .output = "unix:a-socket" },
	{ .output = "unix:not-there" },
	{ .output = "unix:no-folder/not-there" },
	{ .output = "unix:a-file", .result = DNSTAP_ERROR_NOT_A_SOCKET, .text = "a-file" },
	{ .output = "unix:a-folder", .result = DNSTAP_ERROR_NOT_A_SOCKET, .text = "a-folder" },
	{ .output = longest },
	{ .output = too_long, .result = DNSTAP_ERROR_PATH, .text = "xxx" },
	{ .output = "tcp:127.0.0.1:1" },
	{ .output = "tcp:127.0.0.1:1", .ca_bundle = "cert.pem", .result = DNSTAP_ERROR_CONFLICT, .text = "TLS" },
	{ .output = "unix:a-socket", .server_name = "localhost", .result = DNSTAP_ERROR_CONFLICT, .text = "TLS" },
	{ .output = "file:x.tap", .certificate = "cert.pem", .key = "key.pem", .result = DNSTAP_ERROR_CONFLICT, .text = "TLS" },
	{ .output = "file:x.tap", .verify = DNSTAP_TLS_VERIFY_NOTHING, .result = DNSTAP_ERROR_CONFLICT, .text = "TLS" },
	{ .output = "tls:127.0.0.1:1", .ca_bundle = "cert.pem" },
	{ .output = "tls:127.0.0.1:1", .ca_bundle = "cert.pem", .server_name = "192.0.2.1", .certificate = "cert.pem", .key = "key.pem" },
	{ .output = "tls:127.0.0.1:1", .verify = DNSTAP_TLS_VERIFY_NOTHING },
	{ .output = "tls:127.0.0.1:1", .ca_bundle = "missing.pem", .result = DNSTAP_ERROR_TLS, .text = "missing.pem" },
	{ .output = "tls:127.0.0.1:1", .ca_bundle = "a-folder", .result = DNSTAP_ERROR_TLS, .text = "a-folder" },
	{ .output = "tls:127.0.0.1:1", .ca_bundle = "a-file", .result = DNSTAP_ERROR_TLS, .text = "a-file" },
	/* Reading it would wait for a writer; reading the device would not end. */
	{ .output = "tls:127.0.0.1:1", .ca_bundle = "a-fifo", .result = DNSTAP_ERROR_TLS, .text = "a-fifo: not a regular file" },
	{ .output = "tls:127.0.0.1:1", .ca_bundle = "/dev/zero", .result = DNSTAP_ERROR_TLS, .text = "/dev/zero: not a regular file" },
	{ .output = "tls:127.0.0.1:1", .certificate = "a-fifo", .key = "a-fifo", .verify = DNSTAP_TLS_VERIFY_NOTHING, .result = DNSTAP_ERROR_TLS, .text = "a-fifo" },
	{ .output = "tls:127.0.0.1:1", .ca_bundle = "", .result = DNSTAP_ERROR_TLS },
	{ .output = "tls:127.0.0.1:1", .ca_bundle = "cert.pem", .server_name = "not a name", .result = DNSTAP_ERROR_TLS, .text = "not a name" },
	{ .output = "tls:127.0.0.1:1", .ca_bundle = "cert.pem", .certificate = "cert.pem", .key = "other-key.pem", .result = DNSTAP_ERROR_TLS, .text = "other-key.pem" },
	{ .output = "tls:127.0.0.1:1", .ca_bundle = "cert.pem", .certificate = "cert.pem", .key = "missing.pem", .result = DNSTAP_ERROR_TLS, .text = "missing.pem" },
	{ .result = DNSTAP_ERROR_OUTPUT, .text = "output" },
	/* Last, because a thread that looks up a name may outlive its sink. */
	{ .output = "tcp:no-such-host.invalid:1" },
};
/* clang-format on */

static void run(const char *command)
{
	ASSERT(system(command) == 0, "failed: %s", command);
}

static void prepare(void)
{
	const size_t max_path = sizeof((struct sockaddr_un *)NULL)->sun_path - 1;
	FILE *file = fopen("a-file", "w");

	ASSERT(file != NULL && fclose(file) == 0 && mkdir("a-folder", 0700) == 0, "files to test with");
	ASSERT(mkfifo("a-fifo", 0600) == 0, "a FIFO to test with");
	ASSERT(listen_unix("a-socket") >= 0, "a socket to test with");
	memset(longest, 'x', 5 + max_path);
	memcpy(longest, "unix:/", 6);
	memset(too_long, 'x', 5 + max_path + 1);
	memcpy(too_long, "unix:/", 6);
	run("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem -out cert.pem"
	    " -subj /CN=localhost -days 2 2>openssl.log");
	run("openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out other-key.pem 2>openssl.log");
}

static dnstap_options *options_of(const struct options *row)
{
	dnstap_options *o = dnstap_options_new();

	ASSERT(row->output == NULL || dnstap_options_set_output(o, row->output) == DNSTAP_OK, "%s: %s", row->output,
	       dnstap_options_get_error(o));
	ASSERT(dnstap_options_set_tls_ca_bundle(o, row->ca_bundle) == DNSTAP_OK &&
		       dnstap_options_set_tls_server_name(o, row->server_name) == DNSTAP_OK &&
		       dnstap_options_set_tls_client_certificate(o, row->certificate, row->key) == DNSTAP_OK &&
		       dnstap_options_set_tls_verify(o, row->verify) == DNSTAP_OK,
	       "TLS: %s", dnstap_options_get_error(o));
	ASSERT(dnstap_options_set_close_timeout(o, 100) == DNSTAP_OK, "close_timeout");
	return o;
}

static void both_agree(void)
{
	prepare();
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		const struct options *row = &table[i];
		const char *name = row->output != NULL ? row->output : "no output";
		dnstap_options *o = options_of(row);
		int entries = count_entries("."), threads = count_entries("/proc/self/task"),
		    fds = count_entries("/proc/self/fd");
		dnstap_result error = dnstap_options_check(o), opened;
		dnstap_sink *sink;
		char said[512] = "";

		ASSERT(error == row->result, "%zu, %s: check says '%s' (%s), not '%s'", i, name, dnstap_strerror(error),
		       dnstap_options_get_error(o), dnstap_strerror(row->result));
		ASSERT(count_entries(".") == entries, "%s: the check has made a file", name);
		ASSERT(count_entries("/proc/self/task") == threads, "%s: the check has started a thread", name);
		ASSERT(count_entries("/proc/self/fd") == fds, "%s: the check has left a descriptor open", name);
		if (error != DNSTAP_OK) {
			strncat(said, dnstap_options_get_error(o), sizeof said - 1);
			ASSERT(strlen(said) > 5 && (row->text == NULL || strstr(said, row->text) != NULL) &&
				       strstr(said, "os error") == NULL,
			       "%s: the text is '%s'", name, said);
		}
		sink = dnstap_sink_open(o, &opened);
		ASSERT((sink != NULL) == (error == DNSTAP_OK) && opened == error, "%s: check says '%s', open says '%s'",
		       name, dnstap_strerror(error), dnstap_strerror(opened));
		ASSERT(sink != NULL || strcmp(said, dnstap_options_get_error(o)) == 0,
		       "%s: check says '%s', open says '%s'", name, said, dnstap_options_get_error(o));
		ASSERT(dnstap_sink_close(&sink, NULL) == DNSTAP_OK, "close");
		dnstap_options_free(&o);
		unlink("x.tap");
		unlink("a-folder/x.tap");
	}
}

/* Relative paths refer to the working directory at the time when they are set. */
static void changed_directory(void)
{
	static const struct options row = {
		.output = "tls:127.0.0.1:1", .ca_bundle = "cert.pem", .certificate = "cert.pem", .key = "key.pem"
	};
	dnstap_options *o = options_to("file:first.tap"), *tls;
	dnstap_sink *sink;
	dnstap_queue *queue;
	dnstap_stats s = { .size = sizeof s };

	prepare();
	tls = options_of(&row);
	ASSERT(mkdir("later", 0700) == 0 && chdir("later") == 0, "chdir");
	ASSERT(dnstap_options_check(o) == DNSTAP_OK, "%s", dnstap_options_get_error(o));
	ASSERT(dnstap_options_check(tls) == DNSTAP_OK, "%s", dnstap_options_get_error(tls));
	dnstap_options_free(&tls);
	sink = open_sink(o);
	queue = dnstap_queue_new(sink, NULL);
	ASSERT(log_with_id(queue, DNSTAP_MESSAGE_TYPE_CLIENT_QUERY, (struct message_id){ 0, 0 }, 12) == DNSTAP_OK,
	       "log");
	WAIT_FOR_STATS(sink, s, s.connects == 1);
	/* The next stream goes to the same path. */
	ASSERT(dnstap_sink_reopen(sink) == DNSTAP_OK, "reopen");
	dnstap_queue_free(&queue);
	close_sink(&sink, TIMEOUT);
	ASSERT(access("../first.tap", F_OK) == 0 && access("first.tap", F_OK) != 0, "the file is in another directory");
}

/* In a working directory that was removed, relative paths are refused, and absolute ones work. */
static void no_directory(void)
{
	dnstap_options *o = dnstap_options_new();

	ASSERT(mkdir("gone", 0700) == 0 && chdir("gone") == 0 && rmdir("../gone") == 0, "a directory to remove");
	ASSERT(dnstap_options_set_output(o, "file:x.tap") == DNSTAP_ERROR_PATH, "a relative path");
	ASSERT(strstr(dnstap_options_get_error(o), "x.tap") != NULL, "'%s'", dnstap_options_get_error(o));
	ASSERT(dnstap_options_check(o) == DNSTAP_ERROR_OUTPUT, "an output after all");
	ASSERT(dnstap_options_set_tls_ca_bundle(o, "x.pem") == DNSTAP_ERROR_PATH, "a relative bundle");
	ASSERT(dnstap_options_set_tls_client_certificate(o, "/x.pem", "x.pem") == DNSTAP_ERROR_PATH, "a relative key");
	ASSERT(dnstap_options_set_output(o, "file:/dev/null") == DNSTAP_OK, "%s", dnstap_options_get_error(o));
	ASSERT(dnstap_options_check(o) == DNSTAP_OK, "%s", dnstap_options_get_error(o));
	dnstap_options_free(&o);
}

int main(int argc, char **argv)
{
	static const struct test_case cases[] = {
		CASE("checking and opening agree", both_agree),
		CASE("relative paths after the working directory has changed", changed_directory),
		CASE("relative paths in a working directory that was removed", no_directory),
	};

	return RUN_CASES(argc, argv, cases);
}
