/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * TLS to a receiver that is not ours: Debian's stunnel before Debian's
 * fstrm_capture. The directory CERTIFICATES has what certificates.sh makes.
 */
#include "capture.h"
#include "door.h"
#include "load.h"
#include "messages.h"
#include "sink.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	PLENTY = 20000,		/* messages that show that a stream is well */
	SHORT = 500,		/* milliseconds to close, where the time may be used up */
	TRIES = 2,		/* that are waited for where none can succeed */
};

/* A file of those that certificates.sh makes; NULL for no name. */
static const char *file_of(const char *name, const char *suffix, char path[256])
{
	if (name == NULL)
		return NULL;
	snprintf(path, 256, "%s/%s.%s", getenv("CERTIFICATES"), name, suffix);
	return path;
}

/* How the receiver speaks TLS. */
struct server {
	const char *certificate;
	bool asks;		/* for a certificate that ca.pem has signed */
	const char *version;	/* the latest that it speaks; NULL for any */
};

/* stunnel, which listens at one door and hands on to another. */
struct tunnel {
	struct process stunnel, capture;
	struct door door, behind;
};

static void write_configuration(const struct tunnel *t, const struct server *server)
{
	FILE *file = fopen("stunnel.conf", "w");
	char path[256];

	NEED(file != NULL, "stunnel.conf cannot be written");
	fprintf(file, "foreground = yes\ndebug = info\npid =\n[dnstap]\n");
	fprintf(file, "accept = 127.0.0.1:%u\nconnect = 127.0.0.1:%u\n", t->door.port, t->behind.port);
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
	door_make(&t->behind, TCP);
	door_make(&t->door, TCP);
	capture_start(&t->capture, &t->behind, "captured");
	write_configuration(t, server);
	start_stunnel(t);
}

/* How the sender speaks TLS; each may be NULL. */
struct client {
	const char *host;	/* of the output; NULL for 127.0.0.1 */
	const char *name;	/* that the server's certificate has to be for */
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

/* All that was sent is in the file; after a restart some may be missing, in one place. */
static void expect_captured(struct tunnel *t, uint64_t sent, uint64_t accepted, bool may_lose)
{
	struct tally *came = new_tally();

	capture_end(&t->capture);
	tally_file(came, "captured");
	EXPECT(came->messages + came->missing, sent);
	EXPECT(came->next[0], accepted);
	NEED(came->gaps <= may_lose, "messages are missing in %u places", came->gaps);
	free_tally(came);
}

static const struct meeting {
	struct server server;
	struct client client;
	const char *says, *and;	/* what is in the error */
} meetings[] = {
	[0] = { { "server", false, NULL }, { NULL, NULL, "ca", NULL, 0 }, NULL, NULL },
	[1] = { { "server", false, NULL }, { "localhost", NULL, "ca", NULL, 0 }, NULL, NULL },
	[2] = { { "server", false, NULL }, { NULL, "receiver.test", "ca", NULL, 0 }, NULL, NULL },
	[3] = { { "server", false, "TLSv1.2" }, { NULL, NULL, "ca", NULL, 0 }, NULL, NULL },
	[4] = { { "server", false, NULL }, { NULL, NULL, "ca", "client", 0 }, NULL, NULL },
	[5] = { { "server", true, NULL }, { NULL, NULL, "ca", "client", 0 }, NULL, NULL },
	[6] = { { "server", true, "TLSv1.2" }, { NULL, NULL, "ca", "client", 0 }, NULL, NULL },

	[7] = { { "server", false, NULL }, { NULL, "other.test", "ca", NULL, 0 }, "other.test", "certificate" },
	[8] = { { "server", false, NULL }, { NULL, NULL, "other-ca", NULL, 0 }, "certificate", "UnknownIssuer" },
	[9] = { { "expired", false, NULL }, { NULL, NULL, "ca", NULL, 0 }, "certificate", "expired" },
	[10] = { { "server", true, NULL }, { NULL, NULL, "ca", NULL, 0 }, "alert", "CertificateRequired" },
	[11] = { { "server", true, "TLSv1.2" }, { NULL, NULL, "ca", NULL, 0 }, "alert", "HandshakeFailure" },
	[12] = { { "server", true, NULL }, { NULL, NULL, "ca", "stranger", 0 }, "alert", "UnknownCA" },
	[13] = { { "server", true, "TLSv1.2" }, { NULL, NULL, "ca", "stranger", 0 }, "alert", "UnknownCA" },

	[14] = { { "self", false, NULL }, { NULL, "self.test", "self", NULL, 0 }, NULL, NULL },
	[15] = { { "old", false, NULL }, { NULL, "Old", "old", "old", 0 }, NULL, NULL },
	[16] = { { "server", false, NULL }, { NULL, "other.test", "ca", NULL, DNSTAP_TLS_VERIFY_AUTHORITY }, NULL, NULL },
	[17] = { { "old", false, NULL }, { NULL, "other.test", "old", NULL, DNSTAP_TLS_VERIFY_AUTHORITY }, NULL, NULL },
	[18] = { { "old", false, NULL }, { NULL, NULL, NULL, NULL, DNSTAP_TLS_VERIFY_NOTHING }, NULL, NULL },
	[19] = { { "expired", false, "TLSv1.2" }, { NULL, NULL, NULL, NULL, DNSTAP_TLS_VERIFY_NOTHING }, NULL, NULL },

	[20] = { { "self", false, NULL }, { NULL, "other.test", "self", NULL, 0 }, "certificate", "other.test" },
	[21] = { { "old", false, NULL }, { NULL, "other", "old", NULL, 0 }, "other", "only valid for old" },
	[22] = { { "old", false, NULL }, { NULL, "old", "ca", NULL, 0 }, "certificate", "ersion" },
	[23] = { { "server", false, NULL }, { NULL, NULL, "other-ca", NULL, DNSTAP_TLS_VERIFY_AUTHORITY }, "certificate", "UnknownIssuer" },
	[24] = { { "expired", false, NULL }, { NULL, NULL, "expired", NULL, DNSTAP_TLS_VERIFY_AUTHORITY }, "certificate", "expired" },
};

static void arrives(int which)
{
	struct tunnel t;
	struct load l;
	dnstap_sink *sink;
	dnstap_stats s;

	start_tunnel(&t, &meetings[which].server);
	sink = open_sink(tls_options(t.door.port, &meetings[which].client));
	load_start(&l, sink);
	AWAIT_STATS(sink, s, s.sent >= PLENTY);
	load_stop(&l);
	s = settle(&sink, TIMEOUT, &l);
	EXPECT(s.dropped_closed, 0);
	EXPECT(s.connects, 1);
	EXPECT(s.connect_failures, 0);
	EXPECT(s.disconnects, 0);
	expect_captured(&t, s.sent, l.accepted, false);
}

/* Logs to a receiver that cannot be had, until the error says so. */
static void fail(dnstap_options *options, const char *says, const char *and)
{
	struct load l;
	dnstap_sink *sink;
	dnstap_stats s;

	dnstap_options_set_close_timeout(options, SHORT);
	sink = open_sink(options);
	load_start(&l, sink);
	AWAIT_STATS(sink, s, s.connect_failures >= TRIES);
	expect_error(sink, says, and);
	load_stop(&l);
	s = settle(&sink, SHORT, &l);
	EXPECT(s.connects, 0);
	EXPECT(s.sent, 0);
	EXPECT(s.disconnects, 0);
}

static void nothing_arrives(int which)
{
	const struct meeting *m = &meetings[which];
	struct tunnel t;

	start_tunnel(&t, &m->server);
	fail(tls_options(t.door.port, &m->client), m->says, m->and);
	expect_captured(&t, 0, 0, false);
}

static const struct client usual = { NULL, NULL, "ca", NULL, 0 };

/* fstrm_capture without stunnel takes what comes for the length of a long frame, and waits for that. */
static void no_tls(int unused)
{
	struct tunnel t;
	dnstap_options *options;

	(void)unused;
	door_make(&t.behind, TCP);
	capture_start(&t.capture, &t.behind, "captured");
	options = tls_options(t.behind.port, &usual);
	dnstap_options_set_io_timeout(options, 1000);
	fail(options, "connecting: ", "did not answer within 1 s");
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

static void be_silent(struct receiver *r)
{
	for (;;) {
		int fd = accept_one(r->listening);

		read_to_end(fd);
		close(fd);
	}
}

static void another_protocol(int unused)
{
	struct receiver r;
	struct door door;

	(void)unused;
	door_make(&door, TCP);
	door_open(&door);
	receiver_start(&r, door.listening, greet, NULL);
	fail(tls_options(door.port, &usual), "connecting: ", "does not speak TLS");
}

static void silence(int unused)
{
	struct receiver r;
	struct door door;
	dnstap_options *options;

	(void)unused;
	door_make(&door, TCP);
	door_open(&door);
	receiver_start(&r, door.listening, be_silent, NULL);
	options = tls_options(door.port, &usual);
	dnstap_options_set_io_timeout(options, 1000);
	fail(options, "connecting: ", "did not answer within 1 s");
}

/* Opens a sink of mutual TLS whose files are gone as soon as it is open. */
static dnstap_sink *open_without_files(unsigned port)
{
	dnstap_options *options = tls_options(port, &usual);
	dnstap_sink *sink;
	char path[256];

	NEED(symlink(file_of("ca", "pem", path), "ca.pem") == 0 && symlink(file_of("client", "pem", path), "client.pem") == 0 &&
	     symlink(file_of("client", "key", path), "client.key") == 0, "no links");
	NEED(dnstap_options_set_tls_ca_bundle(options, "ca.pem") == DNSTAP_OK &&
	     dnstap_options_set_tls_client_certificate(options, "client.pem", "client.key") == DNSTAP_OK,
	     "%s", dnstap_options_get_error(options));
	sink = open_sink(options);
	NEED(unlink("ca.pem") == 0 && unlink("client.pem") == 0 && unlink("client.key") == 0, "the links stay");
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
	sink = without_files ? open_without_files(t.door.port) : open_sink(tls_options(t.door.port, &usual));
	load_start(&l, sink);
	AWAIT_STATS(sink, s, s.sent >= PLENTY);
	process_end(&t.stunnel, SIGKILL);
	/* The first tries may still be reset. */
	AWAIT_STATS(sink, s, strstr(error_of(sink), "refused") != NULL);
	EXPECT(s.disconnects, 1);
	before = s.sent;
	start_stunnel(&t);
	AWAIT_STATS(sink, s, s.sent >= before + PLENTY);
	EXPECT(s.connects, 2);
	EXPECT(s.disconnects, 1);
	load_stop(&l);
	s = settle(&sink, TIMEOUT, &l);
	EXPECT(s.dropped_closed, 0);
	expect_captured(&t, s.sent, l.accepted, true);
}

/* The writer for one thread, too. */
static void written(int which)
{
	struct tunnel t;
	dnstap_options *options;
	dnstap_writer *writer;
	dnstap_result error;

	start_tunnel(&t, &meetings[which].server);
	options = tls_options(t.door.port, &meetings[which].client);
	writer = dnstap_writer_open(options, &error);
	NEED(writer != NULL && error == DNSTAP_OK, "no writer: %s", dnstap_options_get_error(options));
	dnstap_options_free(&options);
	for (uint32_t i = 0; i < PLENTY; i++) {
		dnstap_message m = example(DNSTAP_MESSAGE_TYPE_CLIENT_QUERY);
		uint8_t query[1000];

		put_number(&m, query, (struct number){ 0, i }, 12 + i % 900);
		NEED(dnstap_writer_write(writer, &m) == DNSTAP_OK, "message %u: %s", i, dnstap_writer_get_error(writer));
	}
	NEED(dnstap_writer_close(&writer) == DNSTAP_OK, "close");
	expect_captured(&t, PLENTY, PLENTY, false);
}

static void not_written(dnstap_options *options, const char *says, const char *and)
{
	dnstap_result error = DNSTAP_OK;
	const char *said;

	NEED(dnstap_writer_open(options, &error) == NULL && error == DNSTAP_ERROR_IO, "opening: %s", dnstap_strerror(error));
	said = dnstap_options_get_error(options);
	NEED(strstr(said, says) != NULL && strstr(said, and) != NULL, "the error says \"%s\", not \"%s\", \"%s\"", said, says, and);
	dnstap_options_free(&options);
}

static void nothing_written(int which)
{
	const struct meeting *m = &meetings[which];
	struct tunnel t;

	start_tunnel(&t, &m->server);
	not_written(tls_options(t.door.port, &m->client), m->says, m->and);
	expect_captured(&t, 0, 0, false);
}

static void written_in_silence(int unused)
{
	struct receiver r;
	struct door door;
	dnstap_options *options;
	double began = now();

	(void)unused;
	door_make(&door, TCP);
	door_open(&door);
	receiver_start(&r, door.listening, be_silent, NULL);
	options = tls_options(door.port, &usual);
	dnstap_options_set_io_timeout(options, SHORT);
	not_written(options, door.output + 4, "0.5 s");
	NEED(now() - began < SHORT / 1e3 + 2, "opening took %.1f s", now() - began);
}

/* What a sink cannot be opened with is said at once, and which file it is. */
static void refused(const char *certificate, const char *key, const char *authority, const char *says)
{
	static const struct client nobody = { NULL, NULL, NULL, NULL, 0 };
	dnstap_options *options = tls_options(1, &nobody);
	dnstap_result error = DNSTAP_OK;
	dnstap_sink *sink;

	dnstap_options_set_tls_client_certificate(options, certificate, key);
	dnstap_options_set_tls_ca_bundle(options, authority);
	sink = dnstap_sink_open(options, &error);
	NEED(sink == NULL && error == DNSTAP_ERROR_TLS, "opening: %s", dnstap_strerror(error));
	NEED(strstr(dnstap_options_get_error(options), says) != NULL, "the error says \"%s\", not \"%s\"",
	     dnstap_options_get_error(options), says);
	dnstap_options_free(&options);
}

static void unusable_files(int unused)
{
	char authority[256], certificate[256], key[256], other_key[256], missing[256];

	(void)unused;
	file_of("ca", "pem", authority);
	file_of("client", "pem", certificate);
	file_of("client", "key", key);
	file_of("stranger", "key", other_key);
	file_of("nobody", "pem", missing);
	refused(certificate, other_key, authority, other_key);
	refused(missing, key, authority, missing);
	refused(certificate, missing, authority, missing);
	refused(certificate, certificate, authority, certificate);
	refused(key, key, authority, key);
	refused(NULL, NULL, missing, missing);
	refused(NULL, NULL, key, key);
}

int main(int argc, char **argv)
{
	enum { LIMIT = 60 };
	static const struct fault cases[] = {
		{ "TLS to an address of the certificate", arrives, 0, LIMIT, 0, NULL },
		{ "TLS to a host of the certificate", arrives, 1, LIMIT, 0, NULL },
		{ "TLS to a server name of the certificate", arrives, 2, LIMIT, 0, NULL },
		{ "TLS 1.2", arrives, 3, LIMIT, 0, NULL },
		{ "TLS with a certificate that nobody asks for", arrives, 4, LIMIT, 0, NULL },
		{ "mutual TLS", arrives, 5, LIMIT, 0, NULL },
		{ "mutual TLS 1.2", arrives, 6, LIMIT, 0, NULL },
		{ "TLS: a certificate for another name", nothing_arrives, 7, LIMIT, 0, NULL },
		{ "TLS: a certificate of an unknown authority", nothing_arrives, 8, LIMIT, 0, NULL },
		{ "TLS: an expired certificate", nothing_arrives, 9, LIMIT, 0, NULL },
		{ "mutual TLS without a certificate", nothing_arrives, 10, LIMIT, 0, NULL },
		{ "mutual TLS 1.2 without a certificate", nothing_arrives, 11, LIMIT, 0, NULL },
		{ "mutual TLS with a certificate of another authority", nothing_arrives, 12, LIMIT, 0, NULL },
		{ "mutual TLS 1.2 with a certificate of another authority", nothing_arrives, 13, LIMIT, 0, NULL },
		{ "TLS to a server with a trusted certificate of its own", arrives, 14, LIMIT, 0, NULL },
		{ "mutual TLS with certificates of version 1", arrives, 15, LIMIT, 0, NULL },
		{ "TLS to a server of any name that an authority knows", arrives, 16, LIMIT, 0, NULL },
		{ "TLS to a server of any name with a trusted certificate", arrives, 17, LIMIT, 0, NULL },
		{ "TLS to anybody, with a certificate of version 1", arrives, 18, LIMIT, 0, NULL },
		{ "TLS 1.2 to anybody, with an expired certificate", arrives, 19, LIMIT, 0, NULL },
		{ "TLS: a trusted certificate for another name", nothing_arrives, 20, LIMIT, 0, NULL },
		{ "TLS: a trusted certificate of version 1 for another name", nothing_arrives, 21, LIMIT, 0, NULL },
		{ "TLS: a certificate of version 1 that is not trusted", nothing_arrives, 22, LIMIT, 0, NULL },
		{ "TLS: any name, but of an unknown authority", nothing_arrives, 23, LIMIT, 0, NULL },
		{ "TLS: a trusted certificate that is expired", nothing_arrives, 24, LIMIT, 0, NULL },
		{ "TLS to fstrm_capture, which speaks none", no_tls, 0, LIMIT, 0, NULL },
		{ "TLS to a server of another protocol", another_protocol, 0, LIMIT, 0, NULL },
		{ "TLS to a receiver that is silent", silence, 0, LIMIT, 0, NULL },
		{ "TLS: stunnel is killed and started again", restarted, 0, LIMIT, 0, NULL },
		{ "mutual TLS: the same when the files of the sink are gone", restarted, 1, LIMIT, 0, NULL },
		{ "written over TLS", written, 0, LIMIT, 0, NULL },
		{ "written over TLS 1.2", written, 3, LIMIT, 0, NULL },
		{ "written over mutual TLS", written, 5, LIMIT, 0, NULL },
		{ "not written over TLS: a certificate for another name", nothing_written, 7, LIMIT, 0, NULL },
		{ "not written over mutual TLS without a certificate", nothing_written, 10, LIMIT, 0, NULL },
		{ "not written over TLS: a receiver that is silent", written_in_silence, 0, LIMIT, 0, NULL },
		{ "TLS: keys and certificates that cannot be used", unusable_files, 0, LIMIT, 0, NULL },
	};
	dnstap_options *options = dnstap_options_new();
	int status = 0;

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
