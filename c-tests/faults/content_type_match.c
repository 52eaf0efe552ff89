/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A writer with several content types and a receiver that does not accept the first. */
#include "endpoint.h"
#include "harness.h"
#include "receiver.h"

#include <unistd.h>

static const char *const offered[] = { "A", "B", "C", NULL };
static const char *const accepted[][3] = { { "B" }, { "C" }, { "C", "B" } };
static const char *const started[] = { "B", "C", "B" };

struct choice {
	int number;
	bool good;
};

static void play(struct receiver *r)
{
	struct choice *c = r->arg;
	int fd = accept_one(r->listening);
	struct frame f;

	receiver_read(r, fd);
	send_control(fd, ACCEPT, accepted[c->number]);
	/* With one content type the frame is 4 + 8 + 1 bytes long. */
	c->good = read_frame(fd, &f) == START && has_content_type(&f, started[c->number]) && f.len == 13;
	free_frame(&f);
	if (c->good && receiver_read(r, fd) == STOP)
		send_control(fd, FINISH, NULL);
	close(fd);
}

static void negotiate(int number)
{
	struct choice c = { number, false };
	struct fstrm_writer *writer;
	struct endpoint e;
	struct receiver r;
	fstrm_res res;

	endpoint_open(&e, TO_UNIX);
	receiver_start(&r, e.listening, play, &c);
	writer = endpoint_writer(&e, offered);
	res = fstrm_writer_open(writer);
	ASSERT(res == fstrm_res_success, "open returned %d", (int)res);
	res = fstrm_writer_close(writer);
	ASSERT(res == fstrm_res_success, "close returned %d", (int)res);
	fstrm_writer_destroy(&writer);
	receiver_finish(&r, stderr);
	ASSERT(c.good, "START has not the content type %s", started[number]);
}

int main(int argc, char **argv)
{
	static const struct test_case cases[] = {
		FAULT("A, B, C offered and B accepted", negotiate, 0, 30, FAILS, NULL),
		FAULT("A, B, C offered and C accepted", negotiate, 1, 30, FAILS, NULL),
		FAULT("A, B, C offered and C, B accepted: the writer's order counts", negotiate, 2, 30, FAILS, NULL),
	};

	return RUN_CASES(argc, argv, cases);
}
