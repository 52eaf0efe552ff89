/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Frames and queues of sizes the format or the option does not allow. */
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */
#include "endpoint.h"
#include "harness.h"
#include "receiver.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static struct fstrm_reader *small_reader(void)
{
	struct fstrm_file_options *fopt = fstrm_file_options_init();
	struct fstrm_reader_options *ropt = fstrm_reader_options_init();
	struct fstrm_reader *r;

	fstrm_file_options_set_file_path(fopt, ENDPOINT_PATH);
	fstrm_reader_options_set_max_frame_size(ropt, 512);
	r = fstrm_file_reader_init(fopt, ropt);
	fstrm_reader_options_destroy(&ropt);
	fstrm_file_options_destroy(&fopt);
	return r;
}

static void too_long_to_read(int size)
{
	static const char frame[4096];
	struct endpoint e = { .transport = TO_FILE };
	struct fstrm_writer *w = endpoint_writer(&e, NULL);
	struct fstrm_reader *r;
	const uint8_t *data = NULL;
	size_t len = 0;
	fstrm_res res;

	fstrm_writer_write(w, "one", 3);
	fstrm_writer_write(w, frame, (size_t)size);
	fstrm_writer_destroy(&w);
	r = small_reader();
	ASSERT(fstrm_reader_read(r, &data, &len) == fstrm_res_success && len == 3, "the first frame cannot be read");
	data = NULL;
	res = fstrm_reader_read(r, &data, &len);
	ASSERT(res == fstrm_res_failure, "read returned %d, %s", (int)res, data == NULL ? "without data" : "with data");
	res = fstrm_reader_read(r, &data, &len);
	ASSERT(res == fstrm_res_failure, "the read after it returned %d", (int)res);
	fstrm_reader_destroy(&r);
}

/* Even, so the setter accepts it, but not a power of two. */
static void odd_queue(int size)
{
	struct fstrm_iothr_options *opt = fstrm_iothr_options_init();
	struct endpoint e = { .transport = TO_FILE };
	struct fstrm_writer *w = endpoint_writer(&e, NULL);
	struct fstrm_iothr *iothr;
	static char frame[] = "frame";
	int accepted = 0, fd;
	struct frame f;

	ASSERT(fstrm_iothr_options_set_input_queue_size(opt, (unsigned)size) == fstrm_res_success,
	       "the size was refused");
	iothr = fstrm_iothr_init(opt, &w);
	fstrm_iothr_options_destroy(&opt);
	if (iothr == NULL) {
		ASSERT(w != NULL, "init failed, and took the writer");
		fstrm_writer_destroy(&w);
		return;
	}
	for (int i = 0; i < 3; i++)
		accepted += fstrm_iothr_submit(iothr, fstrm_iothr_get_input_queue_idx(iothr, 0), frame, 5, NULL,
					       NULL) == fstrm_res_success;
	fstrm_iothr_destroy(&iothr);
	fd = open(ENDPOINT_PATH, O_RDONLY);
	ASSERT(read_frame(fd, &f) == START, "no START in the file");
	for (; read_frame(fd, &f) == DATA; accepted--)
		;
	ASSERT(f.type == STOP && accepted == 0, "%d frames are missing", accepted);
}

/* The stream must contain exactly these frames, whatever the call in between returns. */
static void expect_stream(int fd, const char *const *texts)
{
	struct frame f;

	for (; *texts != NULL; texts++) {
		int type = read_frame(fd, &f);

		ASSERT(type == DATA && f.len == strlen(*texts) && memcmp(f.data, *texts, f.len) == 0,
		       "the stream is corrupt at \"%s\": frame of type %d", *texts, type);
		free_frame(&f);
	}
	ASSERT(read_frame(fd, &f) == STOP, "the stream continues, or ends without STOP: frame of type %d", f.type);
}

static void play(struct receiver *r)
{
	int fd = accept_one(r->listening);

	receiver_handshake(r, fd, NULL);
	expect_stream(fd, r->arg);
	send_control(fd, FINISH, NULL);
	close(fd);
}

static void around(enum transport transport, fstrm_res (*call)(struct fstrm_writer *))
{
	static const char *const texts[] = { "before", "after", NULL };
	struct fstrm_writer *w;
	struct endpoint e;
	struct receiver r;
	fstrm_res before, after;

	endpoint_open(&e, transport);
	if (transport != TO_FILE)
		receiver_start(&r, e.listening, play, (void *)texts);
	w = endpoint_writer(&e, NULL);
	before = fstrm_writer_write(w, "before", 6);
	call(w);
	after = fstrm_writer_write(w, "after", 5);
	fstrm_writer_close(w);
	fstrm_writer_destroy(&w);
	ASSERT(before == fstrm_res_success && after == fstrm_res_success, "writes returned %d and %d", (int)before,
	       (int)after);
	if (transport == TO_FILE) {
		struct frame f;
		int fd = open(ENDPOINT_PATH, O_RDONLY);

		ASSERT(read_frame(fd, &f) == START, "no START in the file");
		expect_stream(fd, texts);
	} else {
		receiver_finish(&r, stderr);
	}
}

/* On the wire a length of 0 announces a control frame. */
static fstrm_res write_nothing(struct fstrm_writer *w)
{
	return fstrm_writer_write(w, "", 0);
}

static void empty_frame(int transport)
{
	around((enum transport)transport, write_nothing);
}

/* Its length does not fit the 4 bytes on the wire. Its memory cannot even be read. */
static fstrm_res write_too_much(struct fstrm_writer *w)
{
	size_t size = (size_t)UINT32_MAX + 1;
	void *data = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	fstrm_res res = fstrm_writer_write(w, data, size);

	ASSERT(res != fstrm_res_success, "a frame of 2^32 bytes was written");
	return res;
}

static void huge_frame(int transport)
{
	around((enum transport)transport, write_too_much);
}

int main(int argc, char **argv)
{
	enum { BAD = FAILS | CRASHES };
	static const struct test_case cases[] = {
		FAULT("frame of one byte more than max_frame_size", too_long_to_read, 513, 10, FAILS, NULL),
		FAULT("frame of 4096 bytes over max_frame_size", too_long_to_read, 4096, 10, FAILS, NULL),
		FAULT("input queue of 6", odd_queue, 6, 10, CRASHES, NULL),
		FAULT("input queue of 16382", odd_queue, 16382, 10, CRASHES, NULL),
		FAULT("empty frame into a file", empty_frame, TO_FILE, 10, BAD, NULL),
		FAULT("empty frame into a socket", empty_frame, TO_UNIX, 10, BAD, NULL),
		FAULT("frame of 2^32 bytes into a file", huge_frame, TO_FILE, 10, BAD, NULL),
		FAULT("frame of 2^32 bytes into a socket", huge_frame, TO_UNIX, 10, BAD, NULL),
	};

	return RUN_CASES(argc, argv, cases);
}
