/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Receivers that hang up, or send a wrong reply, at each step of a connection. */
#include "endpoint.h"
#include "print.h"
#include "receiver.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char *const types[] = { "dns", NULL };

/* Replies of a receiver in place of ACCEPT or FINISH. */
struct answer {
	const char *name;
	const char *bytes;
	size_t len;
};
#define ANSWER(name, text) { name, text, sizeof text - 1 }

static const struct answer answers[] = {
	ANSWER("nothing", ""),
	ANSWER("half an escape", "\0\0"),
	ANSWER("an escape", "\0\0\0\0"),
	ANSWER("half a length", "\0\0\0\0\0\0"),
	ANSWER("no type", "\0\0\0\0\0\0\0\4"),
	ANSWER("half a type", "\0\0\0\0\0\0\0\4\0\0"),
	ANSWER("a length of 0", "\0\0\0\0\0\0\0\0"),
	ANSWER("a length of 3", "\0\0\0\0\0\0\0\3\0\0\0"),
	ANSWER("a length of 513", "\0\0\0\0\0\0\2\1"),
	ANSWER("a length of 2^32 - 1", "\0\0\0\0\xff\xff\xff\xff"),
	ANSWER("a data frame", "\0\0\0\4abcd"),
	ANSWER("START", "\0\0\0\0\0\0\0\4\0\0\0\2"),
	ANSWER("STOP", "\0\0\0\0\0\0\0\4\0\0\0\3"),
	ANSWER("READY", "\0\0\0\0\0\0\0\4\0\0\0\4"),
	ANSWER("type 0", "\0\0\0\0\0\0\0\4\0\0\0\0"),
	ANSWER("type 6", "\0\0\0\0\0\0\0\4\0\0\0\6"),
	ANSWER("an unknown field", "\0\0\0\0\0\0\0\14\0\0\0\1\0\0\0\2\0\0\0\0"),
	ANSWER("a field too long", "\0\0\0\0\0\0\0\14\0\0\0\1\0\0\0\1\0\0\0\1"),
	ANSWER("text", "HTTP/1.1 400 Bad Request\r\n\r\n"),
};
enum { ANSWERS = sizeof answers / sizeof *answers };

/* Waits for READY, replies, and shuts down the writing side, so that later frames can be read. */
static void answer_ready(struct receiver *r)
{
	const struct answer *a = r->arg;
	int fd = accept_one(r->listening);

	receiver_read(r, fd);
	send_bytes(fd, a->bytes, a->len);
	shutdown(fd, SHUT_WR);
	receiver_wait(r, 1);
	close(fd);
}

static void answer_stop(struct receiver *r)
{
	const struct answer *a = r->arg;
	int fd = accept_one(r->listening);

	if (receiver_handshake(r, fd, NULL))
		while (receiver_read(r, fd) == DATA)
			;
	send_bytes(fd, a->bytes, a->len);
	shutdown(fd, SHUT_WR);
	receiver_wait(r, 1);
	close(fd);
}

static void wrong_answers(const struct endpoint *e)
{
	static const struct answer accept = ANSWER("ACCEPT", "\0\0\0\0\0\0\0\4\0\0\0\1");

	for (int i = 0; i <= ANSWERS; i++) {
		const struct answer *a = i < ANSWERS ? &answers[i] : &accept;
		struct fstrm_writer *w = endpoint_writer(e, types);
		struct receiver r;

		if (i < ANSWERS) {
			printf("%s: READY is answered with %s\n", e->name, a->name);
			receiver_start(&r, e->listening, answer_ready, (void *)a);
			printf("  open %s\n", res_name(fstrm_writer_open(w)));
			printf("  close %s\n", res_name(fstrm_writer_close(w)));
			receiver_reach(&r, 1);
			receiver_finish(&r, stdout);
			fstrm_writer_destroy(&w);
			w = endpoint_writer(e, types);
		}
		printf("%s: STOP is answered with %s\n", e->name, a->name);
		receiver_start(&r, e->listening, answer_stop, (void *)a);
		printf("  open %s\n", res_name(fstrm_writer_open(w)));
		printf("  write %s\n", res_name(fstrm_writer_write(w, "frame", 5)));
		printf("  close %s\n", res_name(fstrm_writer_close(w)));
		printf("  close %s\n", res_name(fstrm_writer_close(w)));
		receiver_reach(&r, 1);
		receiver_finish(&r, stdout);
		printf("  destroy %s\n", res_name(fstrm_writer_destroy(&w)));
	}
}

static void close_at_once(struct receiver *r)
{
	close(accept_one(r->listening));
}

/* Shuts down the reading side, so that writes fail, which only Unix sockets report at once. */
static void deaf_before_start(struct receiver *r)
{
	int fd = accept_one(r->listening);

	receiver_read(r, fd);
	shutdown(fd, SHUT_RD);
	send_control(fd, ACCEPT, types);
	receiver_wait(r, 1);
	close(fd);
}

static void close_after_start(struct receiver *r)
{
	int fd = accept_one(r->listening);

	receiver_handshake(r, fd, NULL);
	close(fd);
	receiver_reach(r, 1);
}

static void gone(const struct endpoint *e)
{
	struct fstrm_writer *w = endpoint_writer(e, types);
	struct receiver r;

	printf("%s: closed at once\n", e->name);
	receiver_start(&r, e->listening, close_at_once, NULL);
	printf("  open %s\n", res_name(fstrm_writer_open(w)));
	receiver_finish(&r, stdout);
	printf("  destroy %s\n", res_name(fstrm_writer_destroy(&w)));

	if (e->transport == TO_UNIX) {
		w = endpoint_writer(e, types);
		printf("%s: closed before START\n", e->name);
		receiver_start(&r, e->listening, deaf_before_start, NULL);
		printf("  open %s\n", res_name(fstrm_writer_open(w)));
		receiver_reach(&r, 1);
		receiver_finish(&r, stdout);
		printf("  destroy %s\n", res_name(fstrm_writer_destroy(&w)));
	}

	w = endpoint_writer(e, types);
	printf("%s: closed after START\n", e->name);
	receiver_start(&r, e->listening, close_after_start, NULL);
	printf("  open %s\n", res_name(fstrm_writer_open(w)));
	receiver_wait(&r, 1);
	/* A write to a closed TCP peer may still succeed once. */
	if (e->transport == TO_UNIX) {
		printf("  write %s\n", res_name(fstrm_writer_write(w, "frame", 5)));
		printf("  write %s\n", res_name(fstrm_writer_write(w, "frame", 5)));
	}
	printf("  close %s\n", res_name(fstrm_writer_close(w)));
	receiver_finish(&r, stdout);
	printf("  destroy %s\n", res_name(fstrm_writer_destroy(&w)));
}

static void all_receivers(const struct endpoint *e)
{
	wrong_answers(e);
	gone(e);
}

int main(void)
{
	each_socket(all_receivers);
	return 0;
}
