/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* After a failed handshake the connection is closed, and the next attempt uses a new one. */
#include "endpoint.h"
#include "harness.h"
#include "receiver.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const types[] = { "test", NULL };
static const char *const other[] = { "other", NULL };

enum answer { HANG_UP, WRONG_FRAME, WRONG_TYPE, BAD_LENGTH };

struct story {
	enum answer answer;
	const char *wrong; /* what the receiver did not like */
};

/* Fails the handshake of the first connection, and serves the second. */
static void play(struct receiver *r)
{
	struct story *s = r->arg;
	int fd = accept_one(r->listening);
	int type;

	if (receiver_read(r, fd) != READY)
		s->wrong = "the first connection did not begin with READY";
	if (s->answer == WRONG_FRAME)
		send_control(fd, START, types);
	if (s->answer == WRONG_TYPE)
		send_control(fd, ACCEPT, other);
	if (s->answer == BAD_LENGTH)
		send_bytes(fd, "\0\0\0\0\xff\xff\xff\xff", 8);
	if (s->answer != HANG_UP) {
		type = receiver_read(r, fd);
		if (type == READY)
			s->wrong = "READY was sent again on the same connection";
		else if (type != END)
			s->wrong = "the first connection was not closed";
	}
	close(fd);
	if (s->wrong != NULL)
		return;
	fd = accept_one(r->listening);
	if (!receiver_handshake(r, fd, NULL))
		s->wrong = "the second connection had no good handshake";
	else if (receiver_read(r, fd) != DATA || receiver_read(r, fd) != STOP)
		s->wrong = "the second connection did not carry the frame";
	send_control(fd, FINISH, NULL);
	close(fd);
}

static void try_again(int answer)
{
	struct story story = { (enum answer)answer, NULL };
	struct fstrm_writer *writer;
	struct endpoint e;
	struct receiver r;

	endpoint_open(&e, TO_UNIX);
	receiver_start(&r, e.listening, play, &story);
	writer = endpoint_writer(&e, types);
	ASSERT(fstrm_writer_open(writer) != fstrm_res_success, "the first open succeeded");
	if (fstrm_writer_open(writer) == fstrm_res_success &&
	    fstrm_writer_write(writer, "frame", 5) == fstrm_res_success)
		fstrm_writer_close(writer);
	fstrm_writer_destroy(&writer);
	receiver_finish(&r, stderr);
	ASSERT(story.wrong == NULL, "%s", story.wrong);
}

/* Callbacks of a transport whose peer sends a wrong frame. */
struct tape {
	const char *input;
	size_t at;
	int opens, closes;
};

static fstrm_res on_open(void *obj)
{
	struct tape *t = obj;

	t->at = 0;
	t->opens++;
	return fstrm_res_success;
}

static fstrm_res on_close(void *obj)
{
	((struct tape *)obj)->closes++;
	return fstrm_res_success;
}

static fstrm_res on_read(void *obj, void *data, size_t count)
{
	struct tape *t = obj;

	memcpy(data, t->input + t->at, count);
	t->at += count;
	return fstrm_res_success;
}

static fstrm_res on_write(void *obj, const struct iovec *iov, int iovcnt)
{
	(void)obj, (void)iov, (void)iovcnt;
	return fstrm_res_success;
}

static void callbacks(int reader)
{
	/* STOP, where READY or ACCEPT is due. */
	struct tape t = { "\0\0\0\0\0\0\0\4\0\0\0\3", 0, 0, 0 };
	struct fstrm_rdwr *rdwr = fstrm_rdwr_init(&t);

	fstrm_rdwr_set_open(rdwr, on_open);
	fstrm_rdwr_set_close(rdwr, on_close);
	fstrm_rdwr_set_read(rdwr, on_read);
	fstrm_rdwr_set_write(rdwr, on_write);
	if (reader) {
		struct fstrm_reader *r = fstrm_reader_init(NULL, &rdwr);

		ASSERT(fstrm_reader_open(r) != fstrm_res_success, "open succeeded");
		fstrm_reader_destroy(&r);
	} else {
		struct fstrm_writer *w = fstrm_writer_init(NULL, &rdwr);

		ASSERT(fstrm_writer_open(w) != fstrm_res_success, "open succeeded");
		fstrm_writer_destroy(&w);
	}
	ASSERT(t.opens == 1 && t.closes == 1, "opened %d times, closed %d times", t.opens, t.closes);
}

/* A file of another content type is closed with its reader. */
static void unwanted_file(int rounds)
{
	struct endpoint e = { .transport = TO_FILE };
	struct fstrm_writer *writer = endpoint_writer(&e, types);
	struct fstrm_file_options *fopt = fstrm_file_options_init();
	struct fstrm_reader_options *ropt = fstrm_reader_options_init();
	int before, after;

	fstrm_writer_open(writer);
	fstrm_writer_destroy(&writer);
	fstrm_file_options_set_file_path(fopt, ENDPOINT_PATH);
	fstrm_reader_options_add_content_type(ropt, "other", 5);
	before = count_entries("/proc/self/fd");
	for (int i = 0; i < rounds; i++) {
		struct fstrm_reader *r = fstrm_file_reader_init(fopt, ropt);

		ASSERT(fstrm_reader_open(r) == fstrm_res_failure, "the file was accepted");
		fstrm_reader_destroy(&r);
	}
	after = count_entries("/proc/self/fd");
	ASSERT(after == before, "%d descriptors leaked in %d rounds", after - before, rounds);
}

int main(int argc, char **argv)
{
	static const struct test_case cases[] = {
		FAULT("receiver hangs up after READY", try_again, HANG_UP, 30, PASSES,
		      "only this failure closes its socket"),
		FAULT("receiver answers READY with START", try_again, WRONG_FRAME, 30, FAILS, NULL),
		FAULT("receiver accepts another content type", try_again, WRONG_TYPE, 30, FAILS, NULL),
		FAULT("receiver answers READY with a bad length", try_again, BAD_LENGTH, 30, FAILS, NULL),
		FAULT("callbacks of a writer are closed", callbacks, 0, 10, FAILS, NULL),
		FAULT("callbacks of a reader are closed", callbacks, 1, 10, FAILS, NULL),
		FAULT("files of another content type are closed", unwanted_file, 20, 10, FAILS, NULL),
	};

	return RUN_CASES(argc, argv, cases);
}
