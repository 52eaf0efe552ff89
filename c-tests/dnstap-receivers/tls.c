/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * TLS to a receiver that is not ours: Debian's stunnel before Debian's
 * fstrm_capture. The directory CERTIFICATES has what certificates.sh makes.
 */
#include "capture.h"
#include "address.h"
#include "load.h"
#include "messages.h"
#include "sink.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	PLENTY = 20000,      /* messages that show that a stream is well */
	SHORT = 500,         /* milliseconds to close, where the time may be used up */
	FAILED_ATTEMPTS = 2, /* to wait for, where none can succeed */
};

/* A file of those that certificates.sh makes; NULL for no name. */
static const char *file_of(const char *name, const char *suffix, char path[256])
{
	if (name == NULL)
		return NULL;
	snprintf(path, 256, "%s/%s.%s", getenv("CERTIFICATES"), name, suffix);
	return path;
}

/* The TLS settings of the receiver. */
struct server {
	const char *certificate;
	bool asks;           /* for a certificate that ca.pem has signed */
	const char *version; /* the latest that it speaks; NULL for any */
};

/* stunnel, which listens at one door and hands on to another. */
struct tunnel {
	struct process stunnel, capture;
	struct address address, capture_address;
};

static void write_configuration(const struct tunnel *t, const struct server *server)
{
	FILE *file = fopen("stunnel.conf", "w");
	char path[256];

	ASSERT(file != NULL, "stunnel.conf cannot be written");
	fprintf(file, "foreground = yes\ndebug = info\npid =\n[dnstap]\n");
	fprintf(file, "accept = 127.0.0.1:%u\nconnect = 127.0.0.1:%u\n", t->address.port, t->capture_address.port);
	fprintf(file, "cert = %s\n", file_of(server->certificate, "pem", path));
	fprintf(file, "key = %s\n", file_of(server->certificate, "key", path));
	if (server->asks)
		fprintf(file, "verifyChain = yes\nCAfile = %s\n", file_of("ca", "pem", path));
	if (server->version != NULL)
		fprintf(file, "sslVersionMax = %s\n", server->version);
	fclose(file);
}

static void start_stunnel(struct tunnel *t)
{
	static const char *const arguments[] = { "stunnel", "stunnel.conf", NULL };

	process_start(&t->stunnel, "stunnel.log", arguments);
	process_await(&t->stunnel, "Accepting new connections");
}

static void start_tunnel(struct tunnel *t, const struct server *server)
{
	address_reserve(&t->capture_address, TCP);
	address_reserve(&t->address, TCP);
	capture_start(&t->capture, &t->capture_address, "captured");
	write_configuration(t, server);
	start_stunnel(t);
}

/* The TLS settings of the sender; each may be NULL. */
struct client {
	const char *host; /* of the output; NULL for 127.0.0.1 */
	const char *name; /* that the server's certificate has to be for */
	const char *authority;
	const char *certificate;
	enum dnstap_tls_verify verify;
};

static dnstap_options *tls_options(unsigned port, const struct client *client)
{
	char output[64], path[256], key[256];
	dnstap_options *options;

	snprintf(output, sizeof output, "tls:%s:%u", client->host != NULL ? client->host : "127.0.0.1", port);
	options = options_with_ring(output, LOAD_RING);
	dnstap_options_set_tls_server_name(options, client->name);
	dnstap_options_set_tls_ca_bundle(options, file_of(client->authority, "pem", path));
	dnstap_options_set_tls_client_certificate(options, file_of(client->certificate, "pem", path),
						  file_of(client->certificate, "key", key));
	dnstap_options_set_tls_verify(options, client->verify);
	return options;
}

/* Ends the tunnel. The file has all messages that were sent; after a restart some may be missing, in one place. */
static void expect_captured(struct tunnel *t, uint64_t sent, uint64_t accepted, bool may_lose)
{
	struct tally *received = new_tally();

	capture_end(&t->capture);
	tally_file(received, "captured");
	ASSERT_EQ(received->messages + received->missing, sent);
	ASSERT_EQ(received->next[0], accepted);
	ASSERT(received->gaps <= may_lose, "messages are missing in %u places", received->gaps);
	free_tally(received);
}

/* Those that the writer is tested with, too. */
enum { BY_ADDRESS = 0, WITH_TLS_1_2 = 3, MUTUAL = 5, OTHER_NAME = 7, NO_CERTIFICATE = 10 };

/* clang-format off */
static const struct tls_case {
	const char *name;
	struct server server;
	struct client client;
	const char *reason, *detail;	/* parts of the error; NULL if the connection succeeds */
} tls_cases[] = {
	[BY_ADDRESS] = { "TLS to an address in the certificate", { "server", false, NULL }, { NULL, NULL, "ca", NULL, 0 }, NULL, NULL },
	{ "TLS to a host name in the certificate", { "server", false, NULL }, { "localhost", NULL, "ca", NULL, 0 }, NULL, NULL },
	{ "TLS with a server name in the certificate", { "server", false, NULL }, { NULL, "receiver.test", "ca", NULL, 0 }, NULL, NULL },
	[WITH_TLS_1_2] = { "TLS 1.2", { "server", false, "TLSv1.2" }, { NULL, NULL, "ca", NULL, 0 }, NULL, NULL },
	{ "TLS with a client certificate that the server does not request", { "server", false, NULL }, { NULL, NULL, "ca", "client", 0 }, NULL, NULL },
	[MUTUAL] = { "mutual TLS", { "server", true, NULL }, { NULL, NULL, "ca", "client", 0 }, NULL, NULL },
	{ "mutual TLS 1.2", { "server", true, "TLSv1.2" }, { NULL, NULL, "ca", "client", 0 }, NULL, NULL },

	[OTHER_NAME] = { "TLS: a certificate for another name", { "server", false, NULL }, { NULL, "other.test", "ca", NULL, 0 }, "other.test", "certificate" },
	{ "TLS: a certificate from an unknown authority", { "server", false, NULL }, { NULL, NULL, "other-ca", NULL, 0 }, "certificate", "UnknownIssuer" },
	{ "TLS: an expired certificate", { "expired", false, NULL }, { NULL, NULL, "ca", NULL, 0 }, "certificate", "expired" },
	[NO_CERTIFICATE] = { "mutual TLS without a client certificate", { "server", true, NULL }, { NULL, NULL, "ca", NULL, 0 }, "alert", "CertificateRequired" },
	{ "mutual TLS 1.2 without a client certificate", { "server", true, "TLSv1.2" }, { NULL, NULL, "ca", NULL, 0 }, "alert", "HandshakeFailure" },
	{ "mutual TLS: a client certificate from an unknown authority", { "server", true, NULL }, { NULL, NULL, "ca", "stranger", 0 }, "alert", "UnknownCA" },
	{ "mutual TLS 1.2: a client certificate from an unknown authority", { "server", true, "TLSv1.2" }, { NULL, NULL, "ca", "stranger", 0 }, "alert", "UnknownCA" },

	{ "TLS to a server with a trusted self-signed certificate", { "self", false, NULL }, { NULL, "self.test", "self", NULL, 0 }, NULL, NULL },
	{ "mutual TLS with X.509 v1 certificates", { "old", false, NULL }, { NULL, "Old", "old", "old", 0 }, NULL, NULL },
	{ "TLS, verifying the authority only", { "server", false, NULL }, { NULL, "other.test", "ca", NULL, DNSTAP_TLS_VERIFY_AUTHORITY }, NULL, NULL },
	{ "TLS, verifying the authority only: an X.509 v1 certificate", { "old", false, NULL }, { NULL, "other.test", "old", NULL, DNSTAP_TLS_VERIFY_AUTHORITY }, NULL, NULL },
	{ "TLS, verifying nothing: an X.509 v1 certificate", { "old", false, NULL }, { NULL, NULL, NULL, NULL, DNSTAP_TLS_VERIFY_NOTHING }, NULL, NULL },
	{ "TLS 1.2, verifying nothing: an expired certificate", { "expired", false, "TLSv1.2" }, { NULL, NULL, NULL, NULL, DNSTAP_TLS_VERIFY_NOTHING }, NULL, NULL },

	{ "TLS: a trusted self-signed certificate for another name", { "self", false, NULL }, { NULL, "other.test", "self", NULL, 0 }, "certificate", "other.test" },
	{ "TLS: a trusted X.509 v1 certificate for another name", { "old", false, NULL }, { NULL, "other", "old", NULL, 0 }, "other", "only valid for old" },
	{ "TLS: an X.509 v1 certificate that is not trusted", { "old", false, NULL }, { NULL, "old", "ca", NULL, 0 }, "certificate", "ersion" },
	{ "TLS, verifying the authority only: an unknown one", { "server", false, NULL }, { NULL, NULL, "other-ca", NULL, DNSTAP_TLS_VERIFY_AUTHORITY }, "certificate", "UnknownIssuer" },
	{ "TLS, verifying the authority only: an expired certificate", { "expired", false, NULL }, { NULL, NULL, "expired", NULL, DNSTAP_TLS_VERIFY_AUTHORITY }, "certificate", "expired" },
};
/* clang-format on */

static void delivered(int which)
{
	struct tunnel t;
	struct load l;
	dnstap_sink *sink;
	dnstap_stats s;

	start_tunnel(&t, &tls_cases[which].server);
	sink = open_sink(tls_options(t.address.port, &tls_cases[which].client));
	load_start(&l, sink);
	WAIT_FOR_STATS(sink, s, s.sent >= PLENTY);
	load_stop(&l);
	s = close_loaded_sink(&sink, TIMEOUT, &l);
	ASSERT_EQ(s.dropped_closed, 0);
	ASSERT_EQ(s.connects, 1);
	ASSERT_EQ(s.connect_failures, 0);
	ASSERT_EQ(s.disconnects, 0);
	expect_captured(&t, s.sent, l.accepted, false);
}

/* Logs until connecting has failed, with these parts in the error. */
static void expect_connect_failure(dnstap_options *options, const char *reason, const char *detail)
{
	struct load l;
	dnstap_sink *sink;
	dnstap_stats s;

	dnstap_options_set_close_timeout(options, SHORT);
	sink = open_sink(options);
	load_start(&l, sink);
	WAIT_FOR_STATS(sink, s, s.connect_failures >= FAILED_ATTEMPTS);
	expect_error(sink, reason, detail);
	load_stop(&l);
	s = close_loaded_sink(&sink, SHORT, &l);
	ASSERT_EQ(s.connects, 0);
	ASSERT_EQ(s.sent, 0);
	ASSERT_EQ(s.disconnects, 0);
}

static void refused_by_tls(int which)
{
	const struct tls_case *c = &tls_cases[which];
	struct tunnel t;

	start_tunnel(&t, &c->server);
	expect_connect_failure(tls_options(t.address.port, &c->client), c->reason, c->detail);
	expect_captured(&t, 0, 0, false);
}

static const struct client trusting_ca = { NULL, NULL, "ca", NULL, 0 };

/* fstrm_capture without stunnel takes the ClientHello for the length of a long frame, and waits for the rest. */
static void no_tls(void)
{
	struct tunnel t;
	dnstap_options *options;

	address_reserve(&t.capture_address, TCP);
	capture_start(&t.capture, &t.capture_address, "captured");
	options = tls_options(t.capture_address.port, &trusting_ca);
	dnstap_options_set_io_timeout(options, 1000);
	expect_connect_failure(options, "connecting: ", "did not answer within 1 s");
	expect_captured(&t, 0, 0, false);
}

static void greet(struct receiver *r)
{
	static const char greeting[] = "220 mail.test\r\n";

	for (;;) {
		int fd = accept_one(r->listening);

		send_bytes(fd, greeting, sizeof greeting - 1);
		read_to_end(fd);
		close(fd);
	}
}

static void stay_silent(struct receiver *r)
{
	for (;;) {
		int fd = accept_one(r->listening);

		read_to_end(fd);
		close(fd);
	}
}

static void another_protocol(void)
{
	struct receiver r;
	struct address address;

	address_reserve(&address, TCP);
	address_listen(&address);
	receiver_start(&r, address.listening, greet, NULL);
	expect_connect_failure(tls_options(address.port, &trusting_ca), "connecting: ", "does not speak TLS");
}

static void silence(void)
{
	struct receiver r;
	struct address address;
	dnstap_options *options;

	address_reserve(&address, TCP);
	address_listen(&address);
	receiver_start(&r, address.listening, stay_silent, NULL);
	options = tls_options(address.port, &trusting_ca);
	dnstap_options_set_io_timeout(options, 1000);
	expect_connect_failure(options, "connecting: ", "did not answer within 1 s");
}

/* Opens a sink with mutual TLS, then deletes its certificates and key. */
static dnstap_sink *open_without_files(unsigned port)
{
	dnstap_options *options = tls_options(port, &trusting_ca);
	dnstap_sink *sink;
	char path[256];

	ASSERT(symlink(file_of("ca", "pem", path), "ca.pem") == 0 &&
		       symlink(file_of("client", "pem", path), "client.pem") == 0 &&
		       symlink(file_of("client", "key", path), "client.key") == 0,
	       "no links");
	ASSERT(dnstap_options_set_tls_ca_bundle(options, "ca.pem") == DNSTAP_OK &&
		       dnstap_options_set_tls_client_certificate(options, "client.pem", "client.key") == DNSTAP_OK,
	       "%s", dnstap_options_get_error(options));
	sink = open_sink(options);
	ASSERT(unlink("ca.pem") == 0 && unlink("client.pem") == 0 && unlink("client.key") == 0, "the links stay");
	return sink;
}

static void restarted(int without_files)
{
	const struct server server = { "server", without_files, NULL };
	struct tunnel t;
	struct load l;
	dnstap_sink *sink;
	dnstap_stats s;
	uint64_t before;

	start_tunnel(&t, &server);
	sink = without_files ? open_without_files(t.address.port)
			     : open_sink(tls_options(t.address.port, &trusting_ca));
	load_start(&l, sink);
	WAIT_FOR_STATS(sink, s, s.sent >= PLENTY);
	process_end(&t.stunnel, SIGKILL);
	/* The first tries may still be reset. */
	WAIT_FOR_STATS(sink, s, strstr(error_of(sink), "refused") != NULL);
	s = stats_of(sink);
	ASSERT_EQ(s.disconnects, 1);
	before = s.sent;
	start_stunnel(&t);
	WAIT_FOR_STATS(sink, s, s.sent >= before + PLENTY);
	ASSERT_EQ(s.connects, 2);
	ASSERT_EQ(s.disconnects, 1);
	load_stop(&l);
	s = close_loaded_sink(&sink, TIMEOUT, &l);
	ASSERT_EQ(s.dropped_closed, 0);
	expect_captured(&t, s.sent, l.accepted, true);
}

/* The same with the writer for one thread. */
static void written(int which)
{
	struct tunnel t;
	dnstap_options *options;
	dnstap_writer *writer;
	dnstap_result error;

	start_tunnel(&t, &tls_cases[which].server);
	options = tls_options(t.address.port, &tls_cases[which].client);
	writer = dnstap_writer_open(options, &error);
	ASSERT(writer != NULL && error == DNSTAP_OK, "no writer: %s", dnstap_options_get_error(options));
	dnstap_options_free(&options);
	for (uint32_t i = 0; i < PLENTY; i++) {
		dnstap_message m = example(DNSTAP_MESSAGE_TYPE_CLIENT_QUERY);
		uint8_t query[1000];

		put_id(&m, query, (struct message_id){ 0, i }, 12 + i % 900);
		ASSERT(dnstap_writer_write(writer, &m) == DNSTAP_OK, "message %u: %s", i,
		       dnstap_writer_get_error(writer));
	}
	ASSERT(dnstap_writer_close(&writer) == DNSTAP_OK, "close");
	expect_captured(&t, PLENTY, PLENTY, false);
}

static void not_written(dnstap_options *options, const char *reason, const char *detail)
{
	dnstap_result error = DNSTAP_OK;
	const char *said;

	ASSERT(dnstap_writer_open(options, &error) == NULL && error == DNSTAP_ERROR_IO, "opening: %s",
	       dnstap_strerror(error));
	said = dnstap_options_get_error(options);
	ASSERT(strstr(said, reason) != NULL && strstr(said, detail) != NULL,
	       "the error says \"%s\", not \"%s\", \"%s\"", said, reason, detail);
	dnstap_options_free(&options);
}

static void nothing_written(int which)
{
	const struct tls_case *c = &tls_cases[which];
	struct tunnel t;

	start_tunnel(&t, &c->server);
	not_written(tls_options(t.address.port, &c->client), c->reason, c->detail);
	expect_captured(&t, 0, 0, false);
}

static void written_in_silence(void)
{
	struct receiver r;
	struct address address;
	dnstap_options *options;
	double began = now();

	address_reserve(&address, TCP);
	address_listen(&address);
	receiver_start(&r, address.listening, stay_silent, NULL);
	options = tls_options(address.port, &trusting_ca);
	dnstap_options_set_io_timeout(options, SHORT);
	not_written(options, address.output + 4, "0.5 s");
	ASSERT(now() - began < SHORT / 1e3 + 2, "opening took %.1f s", now() - began);
}

/* Opening a sink fails, with a part of the error. */
static void cannot_open(const char *certificate, const char *key, const char *authority, const char *reason)
{
	static const struct client nobody = { NULL, NULL, NULL, NULL, 0 };
	dnstap_options *options = tls_options(1, &nobody);
	dnstap_result error = DNSTAP_OK;
	dnstap_sink *sink;

	dnstap_options_set_tls_client_certificate(options, certificate, key);
	dnstap_options_set_tls_ca_bundle(options, authority);
	sink = dnstap_sink_open(options, &error);
	ASSERT(sink == NULL && error == DNSTAP_ERROR_TLS, "opening: %s", dnstap_strerror(error));
	ASSERT(strstr(dnstap_options_get_error(options), reason) != NULL, "the error says \"%s\", not \"%s\"",
	       dnstap_options_get_error(options), reason);
	dnstap_options_free(&options);
}

static void unusable_files(void)
{
	char authority[256], certificate[256], key[256], other_key[256], missing[256];

	file_of("ca", "pem", authority);
	file_of("client", "pem", certificate);
	file_of("client", "key", key);
	file_of("stranger", "key", other_key);
	file_of("nobody", "pem", missing);
	cannot_open(certificate, other_key, authority, other_key);
	cannot_open(missing, key, authority, missing);
	cannot_open(certificate, missing, authority, missing);
	cannot_open(certificate, certificate, authority, certificate);
	cannot_open(key, key, authority, key);
	cannot_open(NULL, NULL, missing, missing);
	cannot_open(NULL, NULL, key, key);
}

int main(int argc, char **argv)
{
	static const struct test_case others[] = {
		CASE("TLS to fstrm_capture, which does not speak TLS", no_tls),
		CASE("TLS to a server of another protocol", another_protocol),
		CASE("TLS to a receiver that never answers", silence),
		CASE_WITH("TLS: stunnel is killed and restarted", restarted, 0),
		CASE_WITH("mutual TLS: stunnel is restarted after the sink's files are deleted", restarted, 1),
		CASE_WITH("writer: TLS", written, BY_ADDRESS),
		CASE_WITH("writer: TLS 1.2", written, WITH_TLS_1_2),
		CASE_WITH("writer: mutual TLS", written, MUTUAL),
		CASE_WITH("writer: a certificate for another name", nothing_written, OTHER_NAME),
		CASE_WITH("writer: mutual TLS without a client certificate", nothing_written, NO_CERTIFICATE),
		CASE("writer: a receiver that never answers", written_in_silence),
		CASE("TLS: unusable keys and certificates", unusable_files),
	};
	enum { TLS_CASES = sizeof tls_cases / sizeof *tls_cases, OTHERS = sizeof others / sizeof *others };
	struct test_case cases[TLS_CASES + OTHERS];
	dnstap_options *options = dnstap_options_new();
	int status = 0;

	for (int i = 0; i < TLS_CASES; i++)
		cases[i] = (struct test_case)CASE_WITH(tls_cases[i].name,
						       tls_cases[i].reason == NULL ? delivered : refused_by_tls, i);
	memcpy(cases + TLS_CASES, others, sizeof others);
	if (dnstap_options_set_output(options, "tls:localhost:1") == DNSTAP_ERROR_NO_TLS) {
		printf("skip - TLS: the library was built without it\n");
	} else if (getenv("CERTIFICATES") == NULL) {
		fprintf(stderr, "CERTIFICATES is not set\n");
		status = 2;
	} else {
		status = load_main(argc, argv, cases, sizeof cases / sizeof *cases);
	}
	dnstap_options_free(&options);
	return status;
}
