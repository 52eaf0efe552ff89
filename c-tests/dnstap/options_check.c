/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* dnstap_options_check() and dnstap_sink_open() agree, and a check leaves no trace. */
#include "messages.h"
#include "sink.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* Options, the result of both functions, and a part of their text. */
struct options {
	const char *output;	/* NULL for none */
	const char *ca_bundle, *server_name, *certificate, *key;
	unsigned verify;
	dnstap_result result;
	const char *text;
};

/* Socket paths. */
static char longest[200], too_long[200];

static const struct options table[] = {
	{ "file:x.tap", NULL, NULL, NULL, NULL, 0, DNSTAP_OK, "" },
	{ "file:a-file", NULL, NULL, NULL, NULL, 0, DNSTAP_OK, "" },
	{ "file:/dev/null", NULL, NULL, NULL, NULL, 0, DNSTAP_OK, "" },
	{ "file:a-folder/x.tap", NULL, NULL, NULL, NULL, 0, DNSTAP_OK, "" },
	{ "file:a-folder", NULL, NULL, NULL, NULL, 0, DNSTAP_ERROR_PATH, "a-folder" },
	{ "file:not-there/", NULL, NULL, NULL, NULL, 0, DNSTAP_ERROR_PATH, "not-there/" },
	{ "file:no-folder/x.tap", NULL, NULL, NULL, NULL, 0, DNSTAP_ERROR_PATH, "no-folder/x.tap" },
	{ "file:a-file/x.tap", NULL, NULL, NULL, NULL, 0, DNSTAP_ERROR_PATH, "a-file/x.tap" },
	{ "unix:a-socket", NULL, NULL, NULL, NULL, 0, DNSTAP_OK, "" },
	{ "unix:not-there", NULL, NULL, NULL, NULL, 0, DNSTAP_OK, "" },
	{ "unix:no-folder/not-there", NULL, NULL, NULL, NULL, 0, DNSTAP_OK, "" },
	{ "unix:a-file", NULL, NULL, NULL, NULL, 0, DNSTAP_ERROR_NOT_A_SOCKET, "a-file" },
	{ "unix:a-folder", NULL, NULL, NULL, NULL, 0, DNSTAP_ERROR_NOT_A_SOCKET, "a-folder" },
	{ longest, NULL, NULL, NULL, NULL, 0, DNSTAP_OK, "" },
	{ too_long, NULL, NULL, NULL, NULL, 0, DNSTAP_ERROR_PATH, "xxx" },
	{ "tcp:127.0.0.1:1", NULL, NULL, NULL, NULL, 0, DNSTAP_OK, "" },
	{ "tcp:127.0.0.1:1", "cert.pem", NULL, NULL, NULL, 0, DNSTAP_ERROR_CONFLICT, "TLS" },
	{ "unix:a-socket", NULL, "localhost", NULL, NULL, 0, DNSTAP_ERROR_CONFLICT, "TLS" },
	{ "file:x.tap", NULL, NULL, "cert.pem", "key.pem", 0, DNSTAP_ERROR_CONFLICT, "TLS" },
	{ "file:x.tap", NULL, NULL, NULL, NULL, DNSTAP_TLS_VERIFY_NOTHING, DNSTAP_ERROR_CONFLICT, "TLS" },
	{ "tls:127.0.0.1:1", "cert.pem", NULL, NULL, NULL, 0, DNSTAP_OK, "" },
	{ "tls:127.0.0.1:1", "cert.pem", "192.0.2.1", "cert.pem", "key.pem", 0, DNSTAP_OK, "" },
	{ "tls:127.0.0.1:1", NULL, NULL, NULL, NULL, DNSTAP_TLS_VERIFY_NOTHING, DNSTAP_OK, "" },
	{ "tls:127.0.0.1:1", "missing.pem", NULL, NULL, NULL, 0, DNSTAP_ERROR_TLS, "missing.pem" },
	{ "tls:127.0.0.1:1", "a-folder", NULL, NULL, NULL, 0, DNSTAP_ERROR_TLS, "a-folder" },
	{ "tls:127.0.0.1:1", "a-file", NULL, NULL, NULL, 0, DNSTAP_ERROR_TLS, "a-file" },
	{ "tls:127.0.0.1:1", "", NULL, NULL, NULL, 0, DNSTAP_ERROR_TLS, "" },
	{ "tls:127.0.0.1:1", "cert.pem", "not a name", NULL, NULL, 0, DNSTAP_ERROR_TLS, "not a name" },
	{ "tls:127.0.0.1:1", "cert.pem", NULL, "cert.pem", "other-key.pem", 0, DNSTAP_ERROR_TLS, "other-key.pem" },
	{ "tls:127.0.0.1:1", "cert.pem", NULL, "cert.pem", "missing.pem", 0, DNSTAP_ERROR_TLS, "missing.pem" },
	{ NULL, NULL, NULL, NULL, NULL, 0, DNSTAP_ERROR_OUTPUT, "output" },
	/* Last, because a thread that looks up a name may outlive its sink. */
	{ "tcp:no-such-host.invalid:1", NULL, NULL, NULL, NULL, 0, DNSTAP_OK, "" },
};

static void run(const char *command)
{
	ASSERT(system(command) == 0, "failed: %s", command);
}

static void prepare(void)
{
	const size_t most = sizeof ((struct sockaddr_un *)NULL)->sun_path - 1;
	FILE *file = fopen("a-file", "w");

	ASSERT(file != NULL && fclose(file) == 0 && mkdir("a-folder", 0700) == 0, "files to test with");
	ASSERT(listen_unix("a-socket") >= 0, "a socket to test with");
	memset(longest, 'x', 5 + most);
	memcpy(longest, "unix:/", 6);
	memset(too_long, 'x', 5 + most + 1);
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
		int entries = count_entries("."), threads = count_entries("/proc/self/task"), fds = count_entries("/proc/self/fd");
		dnstap_result error = dnstap_options_check(o), opened;
		dnstap_sink *sink;
		char said[512] = "";

		ASSERT(error == row->result, "%zu, %s: check says '%s' (%s), not '%s'", i, name,
		       dnstap_strerror(error), dnstap_options_get_error(o), dnstap_strerror(row->result));
		ASSERT(count_entries(".") == entries, "%s: the check has made a file", name);
		ASSERT(count_entries("/proc/self/task") == threads, "%s: the check has started a thread", name);
		ASSERT(count_entries("/proc/self/fd") == fds, "%s: the check has left a descriptor open", name);
		if (error != DNSTAP_OK) {
			strncat(said, dnstap_options_get_error(o), sizeof said - 1);
			ASSERT(strlen(said) > 5 && strstr(said, row->text) != NULL && strstr(said, "os error") == NULL, "%s: the text is '%s'", name, said);
		}
		sink = dnstap_sink_open(o, &opened);
		ASSERT((sink != NULL) == (error == DNSTAP_OK) && opened == error, "%s: check says '%s', open says '%s'", name,
		       dnstap_strerror(error), dnstap_strerror(opened));
		ASSERT(sink != NULL || strcmp(said, dnstap_options_get_error(o)) == 0, "%s: check says '%s', open says '%s'",
		       name, said, dnstap_options_get_error(o));
		ASSERT(dnstap_sink_close(&sink, NULL) == DNSTAP_OK, "close");
		dnstap_options_free(&o);
		unlink("x.tap");
		unlink("a-folder/x.tap");
	}
}

/* Relative paths refer to the working directory at the time when they are set. */
static void changed_directory(void)
{
	static const struct options row = { "tls:127.0.0.1:1", "cert.pem", NULL, "cert.pem", "key.pem", 0, DNSTAP_OK, "" };
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
	ASSERT(log_with_id(queue, DNSTAP_MESSAGE_TYPE_CLIENT_QUERY, (struct message_id){ 0, 0 }, 12) == DNSTAP_OK, "log");
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
