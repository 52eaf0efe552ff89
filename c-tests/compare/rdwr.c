/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A transport of the program's own callbacks: which of them are called, with which arguments, and the effect of their results. */
#include "print.h"

#include <stdlib.h>
#include <string.h>

/* START, READY or ACCEPT with content type "t"; the data frame "one"; STOP, FINISH. */
#define FIELD "\0\0\0\1\0\0\0\1t"
#define READY_T "\0\0\0\0\0\0\0\15\0\0\0\4" FIELD
#define ACCEPT_T "\0\0\0\0\0\0\0\15\0\0\0\1" FIELD
#define START_T "\0\0\0\0\0\0\0\15\0\0\0\2" FIELD
#define ONE "\0\0\0\3one"
#define STOP_FRAME "\0\0\0\0\0\0\0\4\0\0\0\3"
#define FINISH_FRAME "\0\0\0\0\0\0\0\4\0\0\0\5"

/* The peer: the bytes that it sends, and the number of the callback that fails. */
struct tape {
	const char *input;
	size_t len, at;
	int calls, failing;
	fstrm_res result;
	int hide_close;
};

static fstrm_res outcome(struct tape *t, fstrm_res res)
{
	if (++t->calls == t->failing)
		res = t->result;
	printf(" -> %s\n", res_name(res));
	return res;
}

static fstrm_res on_open(void *obj)
{
	struct tape *t = obj;

	t->at = 0;
	printf("    open");
	return outcome(t, fstrm_res_success);
}

static fstrm_res on_close(void *obj)
{
	struct tape *t = obj;

	if (t->hide_close)
		return fstrm_res_success;
	printf("    close");
	return outcome(t, fstrm_res_success);
}

static fstrm_res on_destroy(void *obj)
{
	printf("    destroy");
	return outcome(obj, fstrm_res_success);
}

static fstrm_res on_read(void *obj, void *data, size_t count)
{
	struct tape *t = obj;

	printf("    read %zu", count);
	if (count > t->len - t->at)
		return outcome(t, fstrm_res_stop);
	memcpy(data, t->input + t->at, count);
	t->at += count;
	return outcome(t, fstrm_res_success);
}

static fstrm_res on_write(void *obj, const struct iovec *iov, int iovcnt)
{
	unsigned char all[65536];
	size_t len = 0;

	for (int i = 0; i < iovcnt; i++) {
		memcpy(all + len, iov[i].iov_base, iov[i].iov_len);
		len += iov[i].iov_len;
	}
	printf("    write of %d pieces ", iovcnt);
	print_bytes(stdout, all, len);
	return outcome(obj, fstrm_res_success);
}

enum { CAN_OPEN = 1, CAN_CLOSE = 2, CAN_READ = 4, CAN_WRITE = 8, CAN_DESTROY = 16, CAN_ALL = 31 };

static struct fstrm_rdwr *rdwr_of(struct tape *t, int can)
{
	struct fstrm_rdwr *rdwr = fstrm_rdwr_init(t);

	if (can & CAN_OPEN)
		fstrm_rdwr_set_open(rdwr, on_open);
	if (can & CAN_CLOSE)
		fstrm_rdwr_set_close(rdwr, on_close);
	if (can & CAN_READ)
		fstrm_rdwr_set_read(rdwr, on_read);
	if (can & CAN_WRITE)
		fstrm_rdwr_set_write(rdwr, on_write);
	if (can & CAN_DESTROY)
		fstrm_rdwr_set_destroy(rdwr, on_destroy);
	return rdwr;
}

static void print_result(const char *call, fstrm_res res)
{
	printf("  %s: %s\n", call, res_name(res));
}

/* The functions of fstrm_rdwr themselves. */
static void direct(int can)
{
	struct tape t = { .input = "abcdef", .len = 6 };
	struct fstrm_rdwr *rdwr = rdwr_of(&t, can);
	struct iovec iov[2] = { { "xy", 2 }, { "z", 1 } };
	char data[8];

	printf("rdwr with callbacks %d\n", can);
	print_result("read unopened", fstrm_rdwr_read(rdwr, data, 2));
	print_result("write unopened", fstrm_rdwr_write(rdwr, iov, 2));
	print_result("close unopened", fstrm_rdwr_close(rdwr));
	print_result("open", fstrm_rdwr_open(rdwr));
	print_result("open twice", fstrm_rdwr_open(rdwr));
	print_result("read", fstrm_rdwr_read(rdwr, data, 4));
	print_result("read nothing", fstrm_rdwr_read(rdwr, data, 0));
	print_result("write", fstrm_rdwr_write(rdwr, iov, 2));
	print_result("write nothing", fstrm_rdwr_write(rdwr, iov, 0));
	print_result("close", fstrm_rdwr_close(rdwr));
	print_result("close twice", fstrm_rdwr_close(rdwr));
	print_result("open again", fstrm_rdwr_open(rdwr));
	print_result("read too much", fstrm_rdwr_read(rdwr, data, 7));
	print_result("read after a failure", fstrm_rdwr_read(rdwr, data, 1));
	print_result("write after a failure", fstrm_rdwr_write(rdwr, iov, 1));
	print_result("destroy", fstrm_rdwr_destroy(&rdwr));
	printf("  %s\n", rdwr == NULL ? "NULL" : "not NULL");
	print_result("destroy NULL", fstrm_rdwr_destroy(&rdwr));
}

static struct fstrm_writer *writer_of(struct tape *t, int can)
{
	struct fstrm_rdwr *rdwr = rdwr_of(t, can);
	struct fstrm_writer_options *wopt = fstrm_writer_options_init();
	struct fstrm_writer *w;

	fstrm_writer_options_add_content_type(wopt, "t", 1);
	w = fstrm_writer_init(wopt, &rdwr);
	printf("  writer %s, rdwr %s\n", w ? "made" : "NULL", rdwr ? "kept" : "taken");
	fstrm_writer_options_destroy(&wopt);
	fstrm_rdwr_destroy(&rdwr);
	return w;
}

static struct fstrm_reader *reader_of(struct tape *t, int can)
{
	struct fstrm_rdwr *rdwr = rdwr_of(t, can);
	struct fstrm_reader_options *ropt = fstrm_reader_options_init();
	struct fstrm_reader *r;

	fstrm_reader_options_add_content_type(ropt, "t", 1);
	r = fstrm_reader_init(ropt, &rdwr);
	printf("  reader %s, rdwr %s\n", r ? "made" : "NULL", rdwr ? "kept" : "taken");
	fstrm_reader_options_destroy(&ropt);
	fstrm_rdwr_destroy(&rdwr);
	return r;
}

static void write_all(struct tape *t, int can)
{
	struct fstrm_writer *w = writer_of(t, can);
	struct fstrm_control *control = NULL;
	struct iovec iov[300];

	if (w == NULL)
		return;
	for (int i = 0; i < 300; i++) {
		iov[i].iov_base = "0123456789";
		iov[i].iov_len = (size_t)i % 10 + 1;
	}
	print_result("open", fstrm_writer_open(w));
	print_result("write", fstrm_writer_write(w, "one", 3));
	print_result("writev of 2", fstrm_writer_writev(w, iov, 2));
	print_result("writev of 300", fstrm_writer_writev(w, iov, 300));
	print_result("control", fstrm_writer_get_control(w, FSTRM_CONTROL_ACCEPT, &control));
	print_result("close", fstrm_writer_close(w));
	print_result("write", fstrm_writer_write(w, "late", 4));
	print_result("close", fstrm_writer_close(w));
	print_result("destroy", fstrm_writer_destroy(&w));
}

static void read_all(struct tape *t, int can)
{
	struct fstrm_reader *r = reader_of(t, can);
	const struct fstrm_control *control = NULL;
	const uint8_t *data;
	size_t len;

	if (r == NULL)
		return;
	print_result("open", fstrm_reader_open(r));
	print_result("read", fstrm_reader_read(r, &data, &len));
	print_result("control", fstrm_reader_get_control(r, FSTRM_CONTROL_READY, &control));
	print_result("read", fstrm_reader_read(r, &data, &len));
	print_result("read", fstrm_reader_read(r, &data, &len));
	print_result("close", fstrm_reader_close(r));
	print_result("read", fstrm_reader_read(r, &data, &len));
	print_result("close", fstrm_reader_close(r));
	print_result("destroy", fstrm_reader_destroy(&r));
}

static const struct {
	const char *name;
	void (*run)(struct tape *, int);
	int can;
	const char *input;
	size_t len;
} sides[] = {
	{ "writer, one way", write_all, CAN_ALL & ~CAN_READ, "", 0 },
	{ "writer, both ways", write_all, CAN_ALL, ACCEPT_T FINISH_FRAME, sizeof ACCEPT_T FINISH_FRAME - 1 },
	{ "reader, one way", read_all, CAN_ALL & ~CAN_WRITE, START_T ONE STOP_FRAME,
	  sizeof START_T ONE STOP_FRAME - 1 },
	{ "reader, both ways", read_all, CAN_ALL, READY_T START_T ONE STOP_FRAME,
	  sizeof READY_T START_T ONE STOP_FRAME - 1 },
};
enum { SIDES = sizeof sides / sizeof *sides };

/* Each call fails once, with each result and with an unknown one. */
static void failing(void)
{
	static const int results[] = { fstrm_res_failure, fstrm_res_again, fstrm_res_invalid, fstrm_res_stop };

	for (int i = 0; i < SIDES; i++) {
		struct tape well = { .input = sides[i].input, .len = sides[i].len };
		int calls;

		printf("%s: all well\n", sides[i].name);
		sides[i].run(&well, sides[i].can);
		calls = well.calls;
		for (int call = 1; call <= calls; call++)
			for (size_t k = 0; k < sizeof results / sizeof *results; k++) {
				struct tape t = { .input = sides[i].input,
						  .len = sides[i].len,
						  .failing = call,
						  .result = (fstrm_res)results[k] };

				printf("%s: call %d returns %s\n", sides[i].name, call, res_name(t.result));
				sides[i].run(&t, sides[i].can);
			}
	}
}

static void missing(void)
{
	static const int lacking[] = { CAN_OPEN, CAN_CLOSE, CAN_READ, CAN_WRITE, CAN_DESTROY, CAN_READ | CAN_WRITE,
				       CAN_ALL };

	for (int i = 0; i < SIDES; i++)
		for (size_t k = 0; k < sizeof lacking / sizeof *lacking; k++) {
			struct tape t = { .input = sides[i].input, .len = sides[i].len };

			/* For a reader that cannot answer, READY on the tape is an error of the peer. */
			if (sides[i].run == read_all && lacking[k] == CAN_WRITE && (sides[i].can & CAN_WRITE))
				continue;
			printf("%s: without callbacks %d\n", sides[i].name, lacking[k]);
			sides[i].run(&t, sides[i].can & ~lacking[k]);
		}
}

/* The peer sends something else. The libraries differ in whether they close the transport, so that is not printed. */
static void wrong_peer(void)
{
	/* clang-format off */
	static const struct { const char *input; size_t len; } inputs[] = {
		{ "", 0 }, { "\0\0\0\0", 4 }, { "\0\0\0\3one", 7 }, { STOP_FRAME, 12 }, { FINISH_FRAME, 12 },
		{ START_T, 21 }, { ACCEPT_T, 21 }, { READY_T STOP_FRAME, 33 }, { READY_T ACCEPT_T, 42 },
		{ "\0\0\0\0\0\0\2\1", 8 }, { "\0\0\0\0\xff\xff\xff\xff", 8 }, { "\0\0\0\0\0\0\0\3abc", 11 },
		{ "\0\0\0\0\0\0\0\15\0\0\0\1\0\0\0\1\0\0\0\1x", 21 },
		{ "\0\0\0\0\0\0\0\15\0\0\0\2\0\0\0\1\0\0\0\1x", 21 },
		{ "\0\0\0\0\0\0\0\15\0\0\0\4\0\0\0\1\0\0\0\1x", 21 },
		{ "\0\0\0\0\0\0\0\4\0\0\0\1", 12 }, { "\0\0\0\0\0\0\0\4\0\0\0\2", 12 }, { "\0\0\0\0\0\0\0\4\0\0\0\4" START_T, 33 },
	};
	/* clang-format on */

	for (int i = 1; i < SIDES; i++)
		for (size_t k = 0; k < sizeof inputs / sizeof *inputs; k++) {
			struct tape t = { .input = inputs[k].input, .len = inputs[k].len, .hide_close = 1 };

			printf("%s: wrong peer %zu\n", sides[i].name, k);
			if (sides[i].run == write_all) {
				struct fstrm_writer *w = writer_of(&t, sides[i].can);

				print_result("open", fstrm_writer_open(w));
				fstrm_writer_destroy(&w);
			} else {
				struct fstrm_reader *r = reader_of(&t, sides[i].can);

				print_result("open", fstrm_reader_open(r));
				fstrm_reader_destroy(&r);
			}
		}
}

static void destroyed_open(void)
{
	for (int i = 0; i < SIDES; i++) {
		struct tape t = { .input = sides[i].input, .len = sides[i].len };

		printf("%s: destroyed while open\n", sides[i].name);
		if (sides[i].run == write_all) {
			struct fstrm_writer *w = writer_of(&t, sides[i].can);

			print_result("write", fstrm_writer_write(w, "one", 3));
			print_result("destroy", fstrm_writer_destroy(&w));
		} else {
			struct fstrm_reader *r = reader_of(&t, sides[i].can);
			const uint8_t *data;
			size_t len;

			print_result("read", fstrm_reader_read(r, &data, &len));
			print_result("destroy", fstrm_reader_destroy(&r));
		}
	}
}

int main(void)
{
	direct(CAN_ALL);
	direct(0);
	direct(CAN_OPEN);
	direct(CAN_ALL & ~CAN_CLOSE);
	failing();
	missing();
	wrong_peer();
	destroyed_open();
	return 0;
}
