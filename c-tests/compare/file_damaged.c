/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Reading files that are cut off, changed, or not Frame Streams. */
#include "print.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* START with content type "t", frames "one" and "three", STOP. */
/* clang-format off */
static const unsigned char capture[] = {
	0, 0, 0, 0, 0, 0, 0, 13, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 1, 't',
	0, 0, 0, 3, 'o', 'n', 'e',
	0, 0, 0, 5, 't', 'h', 'r', 'e', 'e',
	0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 3,
};
/* clang-format on */
enum { FIRST_FRAME = 21 };

static void put_file(const void *data, size_t len)
{
	FILE *file = fopen("damaged", "wb");

	if (file == NULL || fwrite(data, 1, len, file) != len || fclose(file) != 0)
		exit(99);
}

/* Makes a file of these bytes, and a reader of it. */
static struct fstrm_reader *reader_of(const void *data, size_t len)
{
	struct fstrm_file_options *fopt = fstrm_file_options_init();
	struct fstrm_reader *r;

	put_file(data, len);
	fstrm_file_options_set_file_path(fopt, "damaged");
	r = fstrm_file_reader_init(fopt, NULL);
	fstrm_file_options_destroy(&fopt);
	return r;
}

/* Opens, reads past the end, closes, destroys, and writes each result in one line. */
static void read_through(const char *title, const void *data, size_t size)
{
	const struct fstrm_control *control = NULL;
	struct fstrm_reader *r = reader_of(data, size);
	const uint8_t *frame;
	size_t len;
	fstrm_res res;

	printf("%s: open %s, read", title, res_name(fstrm_reader_open(r)));
	for (int more = 3; more > 0;) {
		res = fstrm_reader_read(r, &frame, &len);
		printf(" %s", res_name(res));
		if (res == fstrm_res_success)
			print_bytes(stdout, frame, len);
		else
			more--;
	}
	res = fstrm_reader_get_control(r, FSTRM_CONTROL_STOP, &control);
	printf(", STOP %s %s", res_name(res), control != NULL ? "there" : "not there");
	printf(", close %s", res_name(fstrm_reader_close(r)));
	printf(", destroy %s\n", res_name(fstrm_reader_destroy(&r)));
	unlink("damaged");
}

static void cut(void)
{
	for (size_t len = 0; len <= sizeof capture; len++) {
		char title[32];

		snprintf(title, sizeof title, "cut to %zu", len);
		read_through(title, capture, len);
	}
}

/* Reopens the reader of a file that was cut off, after the file was completed. */
static void opened_again(void)
{
	for (size_t len = 0; len < sizeof capture; len++) {
		struct fstrm_reader *r = reader_of(capture, len);
		const uint8_t *frame;
		size_t frame_len;
		fstrm_res res;

		while (fstrm_reader_read(r, &frame, &frame_len) == fstrm_res_success)
			;
		put_file(capture, sizeof capture);
		printf("cut to %zu, open again %s, read", len, res_name(fstrm_reader_open(r)));
		do {
			res = fstrm_reader_read(r, &frame, &frame_len);
			printf(" %s", res_name(res));
			if (res == fstrm_res_success)
				print_bytes(stdout, frame, frame_len);
		} while (res == fstrm_res_success);
		printf(", destroy %s\n", res_name(fstrm_reader_destroy(&r)));
		unlink("damaged");
	}
}

static void changed(void)
{
	/* Lengths of data frames are left alone: a frame beyond the limit is a fault of its own. */
	static const unsigned char lengths[] = { 21, 22, 23, 24, 28, 29, 30, 31 };
	static const int values[] = { 1, 2, 0xff };

	for (size_t at = 0; at < sizeof capture; at++)
		for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
			unsigned char bad[sizeof capture];
			char title[64];

			if (memchr(lengths, (int)at, sizeof lengths) != NULL)
				continue;
			/* The escape before STOP becomes the length of a data frame; keep it small. */
			if (at >= 37 && at < 40)
				continue;
			memcpy(bad, capture, sizeof capture);
			bad[at] = (unsigned char)values[i];
			snprintf(title, sizeof title, "byte %zu set to %02x", at, values[i]);
			read_through(title, bad, sizeof bad);
		}
}

/* Puts something between START and the first frame. */
static void between(const char *title, const void *data, size_t len)
{
	unsigned char all[sizeof capture + 1024];

	memcpy(all, capture, FIRST_FRAME);
	memcpy(all + FIRST_FRAME, data, len);
	memcpy(all + FIRST_FRAME + len, capture + FIRST_FRAME, sizeof capture - FIRST_FRAME);
	read_through(title, all, sizeof capture + len);
}

static void control_between(void)
{
	unsigned char control[12 + 512] = { 0 };

	for (unsigned char type = 0; type < 7; type++) {
		char title[64];

		control[7] = 4;
		control[11] = type;
		snprintf(title, sizeof title, "control frame %u in the middle", type);
		between(title, control, 12);
	}
	for (unsigned char len = 0; len < 4; len++) {
		char title[64];

		control[7] = len;
		control[11] = 4;
		snprintf(title, sizeof title, "control frame of %u bytes in the middle", len);
		between(title, control, (size_t)len + 8);
	}
	control[6] = 2;
	control[7] = 1;
	between("control frame of 513 bytes in the middle", control, 8 + 513);
}

int main(void)
{
	char text[4096];

	cut();
	opened_again();
	changed();
	control_between();
	read_through("no START", capture + FIRST_FRAME, sizeof capture - FIRST_FRAME);
	read_through("STOP only", capture + sizeof capture - 12, 12);
	memset(text, 'G', sizeof text);
	read_through("text", text, sizeof text);
	memset(text, 0, sizeof text);
	read_through("zeros", text, sizeof text);
	memset(text, 0xff, sizeof text);
	read_through("ones", text, sizeof text);
	return 0;
}
