/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The writer for one thread: its data arrives complete, and no receiver delays it beyond the I/O timeout. */
#include "messages.h"
#include "sink.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	MESSAGES = 5000,     /* several batches */
	MAX_WRITES = 200000, /* enough to fill the buffers of any socket */
};

/* An I/O timeout in seconds that expires: long enough to reach a receiver that works. */
static unsigned short_timeout(void)
{
	return under_valgrind() ? 5 : 1;
}

/* Its error text. */
static const char *timed_out(void)
{
	return under_valgrind() ? "took more than 5 s" : "took more than 1 s";
}

static dnstap_options *short_options(const char *output)
{
	dnstap_options *options = options_to(output);

	ASSERT(dnstap_options_set_io_timeout(options, 1000 * short_timeout()) == DNSTAP_OK, "io_timeout");
	return options;
}

static dnstap_writer *open_writer(dnstap_options *options)
{
	dnstap_result error = DNSTAP_ERROR_INTERNAL;
	dnstap_writer *writer = dnstap_writer_open(options, &error);

	ASSERT(writer != NULL && error == DNSTAP_OK, "no writer: %s: %s", dnstap_strerror(error),
	       dnstap_options_get_error(options));
	dnstap_options_free(&options);
	return writer;
}

/* Checks that opening fails, with this result and text. */
static void no_writer(dnstap_options *options, dnstap_result wanted, const char *said)
{
	dnstap_result error = DNSTAP_OK;

	ASSERT(dnstap_writer_open(options, &error) == NULL, "a writer was opened: %s", said);
	ASSERT(error == wanted, "'%s' (%s) and not '%s'", dnstap_strerror(error), dnstap_options_get_error(options),
	       dnstap_strerror(wanted));
	ASSERT(strstr(dnstap_options_get_error(options), said) != NULL, "'%s' does not contain '%s'",
	       dnstap_options_get_error(options), said);
	ASSERT(strstr(dnstap_options_get_error(options), "os error") == NULL, "'%s'",
	       dnstap_options_get_error(options));
	dnstap_options_free(&options);
}

static dnstap_result write_with_id(dnstap_writer *writer, uint32_t type, struct message_id id, size_t length)
{
	uint8_t query[MAX_QUERY];
	dnstap_message m = example(type);

	put_id(&m, query, id, length);
	return dnstap_writer_write(writer, &m);
}

static dnstap_result write_frame_with_id(dnstap_writer *writer, uint32_t type, struct message_id id, size_t length)
{
	uint8_t query[MAX_QUERY], frame[MAX_QUERY + 1000];
	dnstap_message m = example(type);
	size_t used;

	put_id(&m, query, id, length);
	ASSERT(dnstap_encode(frame, sizeof frame, &used, &m) == DNSTAP_OK, "encode");
	return dnstap_writer_write_frame(writer, frame, used);
}

static void succeeds(dnstap_writer *writer, const char *call, dnstap_result result)
{
	ASSERT(result == DNSTAP_OK, "%s: %s: %s", call, dnstap_strerror(result), dnstap_writer_get_error(writer));
}
#define SUCCEEDS(writer, call) succeeds(writer, #call, call)

/* Writes short and long messages and frames. */
static void write_all(dnstap_writer *writer)
{
	for (uint32_t i = 0; i < MESSAGES; i++) {
		size_t length = i % 1000 == 999 ? MAX_QUERY : 12 + i % 300;

		SUCCEEDS(writer, (i % 3 ? write_with_id : write_frame_with_id)(writer, 1 + i % 14,
									       (struct message_id){ 1, i }, length));
	}
}

static void close_writer(dnstap_writer **writer)
{
	dnstap_result result = dnstap_writer_close(writer);

	ASSERT(result == DNSTAP_OK && *writer == NULL, "closing: %s", dnstap_strerror(result));
}

enum output { TO_FILE, TO_UNIX, TO_TCP4, TO_TCP6, TO_NAME };

static int listen_at(enum output where, char output[64])
{
	char port[8];
	int listening = -1;

	switch (where) {
	case TO_UNIX:
		listening = listen_unix("x.sock");
		snprintf(output, 64, "unix:x.sock");
		break;
	case TO_TCP6:
		listening = listen_tcp("::1", port);
		snprintf(output, 64, "tcp:[::1]:%s", port);
		break;
	default:
		listening = listen_tcp("127.0.0.1", port);
		snprintf(output, 64, "tcp:%s:%s", where == TO_NAME ? "localhost" : "127.0.0.1", port);
		break;
	}
	return listening;
}

static void to_receiver(int where)
{
	struct tally *tally = new_tally();
	struct receiver receiver;
	dnstap_writer *writer;
	char output[64];
	int listening = listen_at((enum output)where, output);

	if (listening < 0)
		return; /* no IPv6 */
	receiver_start(&receiver, listening, receive, tally);
	writer = open_writer(options_to(output));
	write_all(writer);
	close_writer(&writer);
	receiver_finish(&receiver, stderr);
	ASSERT_EQ(tally->messages, MESSAGES);
	ASSERT_EQ(tally->missing, 0);
	ASSERT_EQ((uint64_t)tally->streams, 1);
	free_tally(tally);
	close(listening);
}

static size_t slurp(const char *path, uint8_t **bytes)
{
	FILE *file = fopen(path, "rb");
	long length = 0;

	ASSERT(file != NULL && fseek(file, 0, SEEK_END) == 0 && (length = ftell(file)) > 0, "%s does not exist", path);
	rewind(file);
	*bytes = malloc((size_t)length);
	ASSERT(fread(*bytes, 1, (size_t)length, file) == (size_t)length, "%s cannot be read", path);
	fclose(file);
	return (size_t)length;
}

/* A writer and a sink write the same file, byte for byte. */
static void as_a_sink(void)
{
	static const char *const outputs[] = { "file:sink.tap", "file:writer.tap" };
	dnstap_options *options[2];
	dnstap_writer *writer;
	dnstap_queue *queue;
	dnstap_sink *sink;
	uint8_t *of_sink, *of_writer;
	size_t length;

	for (int i = 0; i < 2; i++) {
		options[i] = options_to(outputs[i]);
		dnstap_options_set_identity(options[i], "ns1.example");
		dnstap_options_set_version(options[i], "version 1");
	}
	sink = open_sink(options[0]);
	writer = open_writer(options[1]);
	queue = dnstap_queue_new(sink, NULL);
	for (uint32_t i = 0; i < 1000; i++) {
		dnstap_message m = example(1 + i % 14);
		uint8_t query[500];

		put_id(&m, query, (struct message_id){ 1, i }, 12 + i % 400);
		if (i % 5 == 0)
			m.extra = m.identity = (dnstap_bytes){ (const uint8_t *)"own", 3 };
		ASSERT(dnstap_log(queue, &m) == DNSTAP_OK, "log");
		SUCCEEDS(writer, dnstap_writer_write(writer, &m));
	}
	dnstap_queue_free(&queue);
	close_sink(&sink, TIMEOUT);
	close_writer(&writer);
	length = slurp("sink.tap", &of_sink);
	ASSERT(slurp("writer.tap", &of_writer) == length && memcmp(of_sink, of_writer, length) == 0,
	       "the files differ");
	free(of_sink);
	free(of_writer);
}

/* Refused messages and frames leave the stream unchanged. */
static void refused(void)
{
	static uint8_t frame[1 << 20];
	dnstap_options *options = options_to("file:refused.tap");
	struct tally *tally = new_tally();
	dnstap_message m = example(DNSTAP_MESSAGE_TYPE_CLIENT_QUERY);
	dnstap_writer *writer;

	ASSERT(dnstap_options_set_message_types(options, DNSTAP_MESSAGE_TYPE_BIT(DNSTAP_MESSAGE_TYPE_CLIENT_QUERY)) ==
		       DNSTAP_OK,
	       "message types");
	/* An option of sinks only. */
	ASSERT(dnstap_options_set_sample_rate(options, 1000000) == DNSTAP_OK, "sample rate");
	writer = open_writer(options);
	ASSERT(dnstap_writer_get_error(writer)[0] == '\0', "an error before any call: %s",
	       dnstap_writer_get_error(writer));
	for (uint32_t i = 0; i < 100; i++) {
		SUCCEEDS(writer,
			 write_with_id(writer, DNSTAP_MESSAGE_TYPE_CLIENT_QUERY, (struct message_id){ 1, i }, 100));
		ASSERT(write_with_id(writer, DNSTAP_MESSAGE_TYPE_CLIENT_RESPONSE, (struct message_id){ 1, i }, 100) ==
			       DNSTAP_DISABLED,
		       "disabled");
		ASSERT(write_with_id(writer, 0, (struct message_id){ 1, i }, 100) == DNSTAP_ERROR_MESSAGE_TYPE,
		       "type 0");
		ASSERT(write_with_id(writer, 33, (struct message_id){ 1, i }, 100) == DNSTAP_ERROR_MESSAGE_TYPE,
		       "type 33");
		ASSERT(dnstap_writer_write_frame(writer, frame, 0) == DNSTAP_ERROR_LENGTH, "an empty frame");
		ASSERT(dnstap_writer_write_frame(writer, frame, SIZE_MAX) == DNSTAP_ERROR_LENGTH,
		       "a frame of SIZE_MAX bytes");
		ASSERT(strlen(dnstap_writer_get_error(writer)) > 5, "no words");
		m.query_time.nanoseconds = 1000000000;
		ASSERT(dnstap_writer_write(writer, &m) == DNSTAP_ERROR_TIME, "an invalid time");
		m.query_time.nanoseconds = 0;
		m.query = (dnstap_bytes){ frame, 65536 };
		ASSERT(dnstap_writer_write(writer, &m) == DNSTAP_ERROR_LENGTH, "a query that is too long");
		ASSERT(strlen(dnstap_writer_get_error(writer)) > 5, "no words");
	}
	close_writer(&writer);
	ASSERT_EQ(tally_file(tally, "refused.tap"), 100);
	ASSERT_EQ(tally->missing, 0);
	free_tally(tally);
}

/* A frame much longer than a batch, whose memory is released afterwards. */
static void long_frames(void)
{
	enum { LENGTH = 10 << 20 };
	uint8_t *frame = calloc(1, LENGTH);
	dnstap_writer *writer = open_writer(options_to("file:long.tap"));
	dnstap_reader *reader;
	dnstap_bytes got;

	for (int i = 0; i < 3; i++) {
		memset(frame, 'a' + i, LENGTH);
		SUCCEEDS(writer, dnstap_writer_write_frame(writer, frame, LENGTH - (size_t)i));
		SUCCEEDS(writer, dnstap_writer_write_frame(writer, frame, 1));
	}
	close_writer(&writer);
	reader = dnstap_reader_open("long.tap", NULL);
	ASSERT(dnstap_reader_set_max_frame_size(reader, LENGTH) == DNSTAP_OK, "max_frame_size");
	for (int i = 0; i < 6; i++) {
		size_t length = i % 2 ? 1 : LENGTH - (size_t)i / 2;

		ASSERT(dnstap_reader_next(reader, NULL, 0) == DNSTAP_OK &&
			       dnstap_reader_get_frame(reader, &got) == DNSTAP_OK && got.length == length &&
			       got.data[0] == 'a' + i / 2 && got.data[length - 1] == 'a' + i / 2,
		       "frame %d", i);
	}
	ASSERT(dnstap_reader_next(reader, NULL, 0) == DNSTAP_END, "no end");
	dnstap_reader_close(&reader);
	free(frame);
}

/* Flushing writes the buffered data; nothing is written before. */
static void flushing(void)
{
	struct stat buffered, flushed;
	dnstap_writer *writer = open_writer(options_to("file:flush.tap"));

	SUCCEEDS(writer, write_with_id(writer, DNSTAP_MESSAGE_TYPE_AUTH_QUERY, (struct message_id){ 1, 0 }, 500));
	ASSERT(stat("flush.tap", &buffered) == 0 && buffered.st_size < 500, "it is written at once");
	SUCCEEDS(writer, dnstap_writer_flush(writer));
	ASSERT(stat("flush.tap", &flushed) == 0 && flushed.st_size > buffered.st_size + 500,
	       "a flush does not write it");
	SUCCEEDS(writer, dnstap_writer_flush(writer));
	close_writer(&writer);
	/* A file is truncated, as by a sink. */
	writer = open_writer(options_to("file:flush.tap"));
	ASSERT(stat("flush.tap", &flushed) == 0 && flushed.st_size == buffered.st_size, "the file is not truncated");
	close_writer(&writer);
}

/* Opening fails if no receiver listens, or the path is not a socket. */
static void absent(void)
{
	char port[8], output[64];
	int listening = listen_tcp("127.0.0.1", port);
	FILE *file = fopen("a-file", "w");

	ASSERT(file != NULL && fclose(file) == 0 && mkfifo("a-fifo", 0600) == 0, "files");
	no_writer(dnstap_options_new(), DNSTAP_ERROR_OUTPUT, "output");
	no_writer(options_to("unix:not-there"), DNSTAP_ERROR_IO, "not-there: ");
	no_writer(options_to("unix:a-file"), DNSTAP_ERROR_NOT_A_SOCKET, "a-file");
	no_writer(options_to("file:no-folder/x.tap"), DNSTAP_ERROR_PATH, "no-folder: No such file");
	no_writer(options_to("file:a-fifo"), DNSTAP_ERROR_IO, "a-fifo");
	no_writer(options_to("tcp:no-such-host.invalid:1"), DNSTAP_ERROR_IO, "no-such-host.invalid:1");
	snprintf(output, sizeof output, "tcp:127.0.0.1:%s", port);
	close(listening);
	no_writer(options_to(output), DNSTAP_ERROR_IO, output + 4);
}

/* Checks that a call took the I/O timeout, and little more. */
static void took_the_timeout(const char *what, double began)
{
	double took = now() - began;

	ASSERT(took > 0.9 * short_timeout() && took < short_timeout() + 2.0, "%s took %.2f s", what, took);
}

/* A receiver that does not accept, or accepts and sends nothing. */
static void silent(int where)
{
	char output[64];
	int listening = listen_at((enum output)where, output);
	double began = now();

	no_writer(short_options(output), DNSTAP_ERROR_IO, timed_out());
	took_the_timeout("opening", began);
	close(listening);
}

static void pause_for(unsigned milliseconds)
{
	nanosleep(&(struct timespec){ milliseconds / 1000, milliseconds % 1000 * 1000000L }, NULL);
}

/* Sends the reply byte by byte, slowly: no call takes longer for that. */
static void *dribble(void *arg)
{
	static const uint8_t accept_frame[] = { 0, 0, 0, 0, 0, 0, 0, 42, 0, 0, 0, 1 };
	int fd = accept_one(*(int *)arg);

	for (size_t i = 0; i < sizeof accept_frame && send(fd, accept_frame + i, 1, MSG_NOSIGNAL) == 1; i++)
		pause_for(200 * short_timeout());
	read_to_end(fd);
	close(fd);
	return NULL;
}

static void reply_byte_by_byte(int where)
{
	char output[64];
	int listening = listen_at((enum output)where, output);
	pthread_t thread;
	double began;

	ASSERT(pthread_create(&thread, NULL, dribble, &listening) == 0, "no thread");
	began = now();
	no_writer(short_options(output), DNSTAP_ERROR_IO, timed_out());
	took_the_timeout("opening", began);
	pthread_join(thread, NULL);
	close(listening);
}

/* The behaviour of a receiver once the stream is open. */
enum manner { STALLS, READS_SLOWLY, SHUTS_DOWN, RESETS, NO_FINISH, OTHER_ANSWER, OTHER_CONTENT_TYPE, BANNER };

struct peer {
	enum manner manner;
	int listening, fd;
	int done; /* the writer is closed */
};

static bool shake(int fd, const char *const *accepted)
{
	struct frame frame;
	bool done = read_frame(fd, &frame) == READY;

	free_frame(&frame);
	if (!done || !send_control(fd, ACCEPT, accepted))
		return false;
	done = read_frame(fd, &frame) == START;
	free_frame(&frame);
	return done;
}

static void *play(void *arg)
{
	static const char *const other[] = { "protobuf:other", NULL };
	struct peer *peer = arg;
	int small = 4096;
	struct frame frame;
	uint8_t byte;

	peer->fd = accept_one(peer->listening);
	setsockopt(peer->fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
	if (peer->manner == BANNER) {
		send_bytes(peer->fd, "220 mail.example ESMTP\r\n", 24);
		read_to_end(peer->fd);
		return NULL;
	}
	if (!shake(peer->fd, peer->manner == OTHER_CONTENT_TYPE ? other : only_dnstap))
		return NULL;
	switch (peer->manner) {
	case READS_SLOWLY:
		/* Slowly enough to leave most of the data, fast enough never to pause. */
		while (recv(peer->fd, &byte, 1, 0) == 1 && !__atomic_load_n(&peer->done, __ATOMIC_SEQ_CST))
			pause_for(1);
		break;
	case SHUTS_DOWN: shutdown(peer->fd, SHUT_RDWR); break;
	case RESETS:
		setsockopt(peer->fd, SOL_SOCKET, SO_LINGER, &(struct linger){ 1, 0 }, sizeof(struct linger));
		close(peer->fd);
		break;
	case NO_FINISH:
	case OTHER_ANSWER:
		while (read_frame(peer->fd, &frame) == DATA)
			free_frame(&frame);
		free_frame(&frame);
		if (peer->manner == OTHER_ANSWER)
			send_control(peer->fd, ACCEPT, NULL);
		break;
	default: break;
	}
	return NULL;
}

static pthread_t start(struct peer *peer, enum output where, char output[64])
{
	pthread_t thread;

	peer->listening = listen_at(where, output);
	ASSERT(pthread_create(&thread, NULL, play, peer) == 0, "no thread");
	return thread;
}

/* Once a stream has failed, every call returns the same error immediately. */
static void stays_failed(dnstap_writer **writer, dnstap_result wanted)
{
	char said[256] = "";
	double began = now();

	strncat(said, dnstap_writer_get_error(*writer), sizeof said - 1);
	ASSERT(strlen(said) > 5 && strstr(said, "os error") == NULL, "the text is '%s'", said);
	for (int i = 0; i < 3; i++) {
		ASSERT(write_with_id(*writer, DNSTAP_MESSAGE_TYPE_AUTH_QUERY, (struct message_id){ 1, 0 }, 100) ==
			       wanted,
		       "write");
		ASSERT(write_frame_with_id(*writer, DNSTAP_MESSAGE_TYPE_AUTH_QUERY, (struct message_id){ 1, 0 }, 100) ==
			       wanted,
		       "write_frame");
		ASSERT(dnstap_writer_flush(*writer) == wanted, "flush");
		ASSERT(strcmp(dnstap_writer_get_error(*writer), said) == 0, "'%s' and then '%s'", said,
		       dnstap_writer_get_error(*writer));
	}
	ASSERT(dnstap_writer_close(writer) == wanted && *writer == NULL, "close");
	ASSERT(strcmp(dnstap_writer_get_error(NULL), said) == 0, "'%s' and then '%s'", said,
	       dnstap_writer_get_error(NULL));
	ASSERT(now() - began < 0.9 * short_timeout() + 1, "a call on a failed stream took time");
}

/* Writes until it fails; returns how long the last call took. */
static double write_to_failure(dnstap_writer *writer)
{
	dnstap_result result = DNSTAP_OK;
	double began = now();

	for (uint32_t i = 0; i < MAX_WRITES && result == DNSTAP_OK; i++) {
		began = now();
		result = write_with_id(writer, DNSTAP_MESSAGE_TYPE_AUTH_QUERY, (struct message_id){ 1, i }, 1000);
	}
	ASSERT(result == DNSTAP_ERROR_IO, "'%s' (%s) and no failure", dnstap_strerror(result),
	       dnstap_writer_get_error(writer));
	return now() - began;
}

static void misbehaving(int how)
{
	struct peer peer = { (enum manner)(how / 8), -1, -1, 0 };
	enum output where = (enum output)(how % 8);
	bool waits = peer.manner == STALLS || peer.manner == READS_SLOWLY;
	char output[64];
	pthread_t thread = start(&peer, where, output);
	dnstap_writer *writer = open_writer(short_options(output));
	double took = write_to_failure(writer);

	ASSERT(took < short_timeout() + 2.0, "a call took %.2f s", took);
	ASSERT(!waits || took > 0.9 * short_timeout(), "a call returned after %.2f s", took);
	ASSERT(!waits || strstr(dnstap_writer_get_error(writer), timed_out()) != NULL, "'%s'",
	       dnstap_writer_get_error(writer));
	ASSERT(strstr(dnstap_writer_get_error(writer), where == TO_UNIX ? "x.sock" : output + 4) != NULL,
	       "'%s' does not contain %s", dnstap_writer_get_error(writer), output);
	stays_failed(&writer, DNSTAP_ERROR_IO);
	__atomic_store_n(&peer.done, 1, __ATOMIC_SEQ_CST);
	pthread_join(thread, NULL);
	close(peer.listening);
}

/* The end of the stream is not confirmed, or with an invalid reply. */
static void no_finish(int manner)
{
	struct peer peer = { (enum manner)manner, -1, -1, 0 };
	char output[64];
	pthread_t thread = start(&peer, TO_UNIX, output);
	dnstap_writer *writer = open_writer(short_options(output));
	dnstap_result result;
	double began;

	SUCCEEDS(writer, write_with_id(writer, DNSTAP_MESSAGE_TYPE_AUTH_QUERY, (struct message_id){ 1, 0 }, 100));
	began = now();
	result = dnstap_writer_close(&writer);
	ASSERT(writer == NULL, "not freed");
	ASSERT(strstr(dnstap_writer_get_error(NULL), "x.sock: ") != NULL, "'%s'", dnstap_writer_get_error(NULL));
	ASSERT(result == (manner == NO_FINISH ? DNSTAP_ERROR_IO : DNSTAP_ERROR_STREAM), "'%s'",
	       dnstap_strerror(result));
	if (manner == NO_FINISH)
		took_the_timeout("closing", began);
	pthread_join(thread, NULL);
}

static void no_handshake(int manner)
{
	struct peer peer = { (enum manner)manner, -1, -1, 0 };
	char output[64];
	pthread_t thread = start(&peer, TO_UNIX, output);

	no_writer(options_to(output), manner == OTHER_CONTENT_TYPE ? DNSTAP_ERROR_CONTENT_TYPE : DNSTAP_ERROR_STREAM,
		  "x.sock: ");
	pthread_join(thread, NULL);
}

/* A unidirectional stream, to a receiver that sends no replies. */
static void *just_listen(void *arg)
{
	int fd = accept_one(*(int *)arg);
	struct frame frame;

	ASSERT(read_frame(fd, &frame) == START, "the stream does not begin with START");
	free_frame(&frame);
	ASSERT(read_frame(fd, &frame) == DATA, "no message");
	free_frame(&frame);
	ASSERT(read_frame(fd, &frame) == STOP, "no STOP");
	free_frame(&frame);
	ASSERT(read_frame(fd, &frame) == END, "no end");
	close(fd);
	return NULL;
}

static void unidirectional(void)
{
	char output[64];
	int listening = listen_at(TO_UNIX, output);
	dnstap_options *options = options_to(output);
	dnstap_writer *writer;
	pthread_t thread;

	ASSERT(pthread_create(&thread, NULL, just_listen, &listening) == 0, "no thread");
	ASSERT(dnstap_options_set_unidirectional(options, true) == DNSTAP_OK, "unidirectional");
	writer = open_writer(options);
	SUCCEEDS(writer, write_with_id(writer, DNSTAP_MESSAGE_TYPE_AUTH_QUERY, (struct message_id){ 1, 0 }, 100));
	close_writer(&writer);
	pthread_join(thread, NULL);
}

static void full_disk(void)
{
	struct rlimit limit = { 1 << 20, 1 << 20 };
	dnstap_writer *writer;

	/* START is written at once. */
	no_writer(options_to("file:/dev/full"), DNSTAP_ERROR_IO, "/dev/full: No space");
	/* The same at the size limit of a file, if its signal is ignored. */
	signal(SIGXFSZ, SIG_IGN);
	ASSERT(setrlimit(RLIMIT_FSIZE, &limit) == 0, "setrlimit");
	writer = open_writer(options_to("file:limited.tap"));
	write_to_failure(writer);
	ASSERT(strstr(dnstap_writer_get_error(writer), "limited.tap: File too large") != NULL, "'%s'",
	       dnstap_writer_get_error(writer));
	stays_failed(&writer, DNSTAP_ERROR_IO);
}

static volatile sig_atomic_t signals;

static void count_signal(int number)
{
	(void)number;
	signals++;
}

/* The dispositions of SIGPIPE that a program may have set. */
enum disposition { DEFAULT_ACTION, HANDLED, BLOCKED, PENDING };

static bool is_pending(void)
{
	sigset_t set;

	return sigpending(&set) == 0 && sigismember(&set, SIGPIPE) == 1;
}

/* A FIFO whose reader is gone. Sockets are tested above. */
static void broken_pipe(int disposition)
{
	sigset_t pipe_alone, before, after;
	dnstap_writer *writer;
	int reader;

	sigemptyset(&pipe_alone);
	sigaddset(&pipe_alone, SIGPIPE);
	ASSERT(mkfifo("a-fifo", 0600) == 0, "mkfifo");
	reader = open("a-fifo", O_RDONLY | O_NONBLOCK);
	ASSERT(reader >= 0, "open");
	signal(SIGPIPE, disposition == HANDLED ? count_signal : SIG_DFL);
	if (disposition >= BLOCKED)
		pthread_sigmask(SIG_BLOCK, &pipe_alone, NULL);
	if (disposition == PENDING)
		raise(SIGPIPE);
	pthread_sigmask(SIG_BLOCK, NULL, &before);
	writer = open_writer(options_to("file:a-fifo"));
	close(reader);
	write_to_failure(writer);
	ASSERT(strstr(dnstap_writer_get_error(writer), "Broken pipe") != NULL, "'%s'", dnstap_writer_get_error(writer));
	stays_failed(&writer, DNSTAP_ERROR_IO);
	pthread_sigmask(SIG_BLOCK, NULL, &after);
	for (int i = 1; i < 32; i++)
		ASSERT(sigismember(&before, i) == sigismember(&after, i), "the mask of signal %d has changed", i);
	ASSERT(is_pending() == (disposition == PENDING), "SIGPIPE is pending: %d", is_pending());
	ASSERT_EQ(signals, 0);
}

/* A child inherits a copy of the writer, and must neither send its buffer nor end the stream. */
static void in_a_child(int where)
{
	struct tally *tally = new_tally();
	struct receiver receiver;
	dnstap_message m = example(DNSTAP_MESSAGE_TYPE_AUTH_QUERY);
	dnstap_writer *writer;
	char output[64] = "file:fork.tap";
	int listening = where == TO_FILE ? -1 : listen_at((enum output)where, output);
	pid_t child;

	if (where != TO_FILE)
		receiver_start(&receiver, listening, receive, tally);
	writer = open_writer(options_to(output));
	SUCCEEDS(writer, write_with_id(writer, m.type, (struct message_id){ 1, 0 }, 100));
	child = fork();
	if (child == 0) {
		ASSERT(dnstap_writer_write(writer, &m) == DNSTAP_ERROR_CLOSED, "write");
		ASSERT(dnstap_writer_write_frame(writer, (const uint8_t *)"x", 1) == DNSTAP_ERROR_CLOSED,
		       "write_frame");
		ASSERT(dnstap_writer_flush(writer) == DNSTAP_ERROR_CLOSED, "flush");
		ASSERT(strstr(dnstap_writer_get_error(writer), "child") != NULL, "'%s'",
		       dnstap_writer_get_error(writer));
		ASSERT(dnstap_writer_close(&writer) == DNSTAP_ERROR_CLOSED && writer == NULL, "close");
		/* Its own writer. */
		writer = open_writer(options_to("file:child.tap"));
		SUCCEEDS(writer, dnstap_writer_write(writer, &m));
		close_writer(&writer);
		_exit(0);
	}
	wait_for_child(child);
	SUCCEEDS(writer, write_with_id(writer, m.type, (struct message_id){ 1, 1 }, 100));
	close_writer(&writer);
	if (where == TO_FILE)
		ASSERT_EQ(tally_file(tally, "fork.tap"), 2);
	else
		receiver_finish(&receiver, stderr);
	ASSERT_EQ(tally->messages, 2);
	free_tally(tally);
}

/* The only descriptor of a writer is closed by exec(), and in a forked child. */
static void descriptors(int where)
{
	char output[64] = "file:x.tap";
	int listening = where == TO_FILE ? -1 : listen_at((enum output)where, output), opened = -1;
	dnstap_writer *writer;
	bool is_open[64];
	pid_t receiver = where == TO_FILE ? 0 : fork(), child;

	if (where != TO_FILE && receiver == 0) {
		struct tally *tally = new_tally();
		int fd = accept_one(listening);

		ASSERT(shake(fd, only_dnstap), "no handshake");
		tally_to_stop(tally, fd);
		free_tally(tally);
		_exit(0);
	}
	for (int fd = 0; fd < 64; fd++)
		is_open[fd] = fcntl(fd, F_GETFD) >= 0;
	writer = open_writer(options_to(output));
	for (int fd = 0; fd < 64; fd++) {
		if (is_open[fd] || fcntl(fd, F_GETFD) < 0)
			continue;
		ASSERT(opened < 0, "descriptors %d and %d", opened, fd);
		opened = fd;
	}
	ASSERT(opened >= 0, "no descriptor");
	ASSERT(fcntl(opened, F_GETFD) & FD_CLOEXEC, "not closed by exec()");
	child = fork();
	if (child == 0) {
		ASSERT(fcntl(opened, F_GETFD) < 0 && errno == EBADF, "still open in a child");
		_exit(0);
	}
	wait_for_child(child);
	close_writer(&writer);
	ASSERT(fcntl(opened, F_GETFD) < 0, "open after closing");
	if (where != TO_FILE)
		wait_for_child(receiver);
}

int main(int argc, char **argv)
{
	static const struct test_case cases[] = {
		CASE_WITH("written over a Unix socket", to_receiver, TO_UNIX),
		CASE_WITH("written over TCP", to_receiver, TO_TCP4),
		CASE_WITH("written over TCP to IPv6", to_receiver, TO_TCP6),
		CASE_WITH("written over TCP to a name", to_receiver, TO_NAME),
		CASE("a writer and a sink write the same file", as_a_sink),
		CASE("messages and frames that are refused", refused),
		CASE("long frames", long_frames),
		CASE("flushing", flushing),
		CASE("unidirectional", unidirectional),
		CASE("no receiver", absent),
		CASE_WITH("a Unix socket that does not accept", silent, TO_UNIX),
		CASE_WITH("a TCP port that does not accept", silent, TO_TCP4),
		CASE_WITH("a handshake reply that arrives byte by byte", reply_byte_by_byte, TO_UNIX),
		CASE_WITH("a receiver of another content type", no_handshake, OTHER_CONTENT_TYPE),
		CASE_WITH("a peer that does not speak Frame Streams", no_handshake, BANNER),
		CASE_WITH("a receiver that stalls", misbehaving, 8 * STALLS + TO_UNIX),
		CASE_WITH("a receiver that stalls, over TCP", misbehaving, 8 * STALLS + TO_TCP4),
		CASE_WITH("a receiver that reads slowly", misbehaving, 8 * READS_SLOWLY + TO_UNIX),
		CASE_WITH("a receiver that reads slowly, over TCP", misbehaving, 8 * READS_SLOWLY + TO_TCP4),
		CASE_WITH("a receiver that shuts down", misbehaving, 8 * SHUTS_DOWN + TO_UNIX),
		CASE_WITH("a receiver that shuts down, over TCP", misbehaving, 8 * SHUTS_DOWN + TO_TCP4),
		CASE_WITH("a receiver that resets the connection", misbehaving, 8 * RESETS + TO_TCP4),
		CASE_WITH("a receiver that does not confirm the end", no_finish, NO_FINISH),
		CASE_WITH("a receiver that confirms the end with an invalid reply", no_finish, OTHER_ANSWER),
		CASE("a full disk", full_disk),
		CASE_WITH("a broken pipe: SIGPIPE would end the program", broken_pipe, DEFAULT_ACTION),
		CASE_WITH("a broken pipe: SIGPIPE has a handler", broken_pipe, HANDLED),
		CASE_WITH("a broken pipe: SIGPIPE is blocked", broken_pipe, BLOCKED),
		CASE_WITH("a broken pipe: SIGPIPE is pending", broken_pipe, PENDING),
		CASE_WITH("a forked child of one that writes to a file", in_a_child, TO_FILE),
		CASE_WITH("a forked child of one that writes to a socket", in_a_child, TO_UNIX),
		CASE_WITH("the descriptor of a file", descriptors, TO_FILE),
		CASE_WITH("the descriptor of a socket", descriptors, TO_UNIX),
	};

	return RUN_CASES(argc, argv, cases);
}
