/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Files as the writer writes them, and as the reader reads them. */
#include "print.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char path[] = "frames";

static struct fstrm_file_options *options(const char *file)
{
	struct fstrm_file_options *fopt = fstrm_file_options_init();

	fstrm_file_options_set_file_path(fopt, file);
	return fopt;
}

/* Content types are a list of strings ending in NULL. */
static struct fstrm_writer *writer_of(const char *file, const char *const *content_types)
{
	struct fstrm_file_options *fopt = options(file);
	struct fstrm_writer_options *wopt = fstrm_writer_options_init();
	struct fstrm_writer *w;

	for (; *content_types != NULL; content_types++)
		fstrm_writer_options_add_content_type(wopt, *content_types, strlen(*content_types));
	w = fstrm_file_writer_init(fopt, wopt);
	fstrm_writer_options_destroy(&wopt);
	fstrm_file_options_destroy(&fopt);
	return w;
}

static struct fstrm_reader *reader_of(const char *file, const char *const *content_types, size_t max_frame_size)
{
	struct fstrm_file_options *fopt = options(file);
	struct fstrm_reader_options *ropt = fstrm_reader_options_init();
	struct fstrm_reader *r;

	for (; *content_types != NULL; content_types++)
		fstrm_reader_options_add_content_type(ropt, *content_types, strlen(*content_types));
	if (max_frame_size > 0)
		fstrm_reader_options_set_max_frame_size(ropt, max_frame_size);
	r = fstrm_file_reader_init(fopt, ropt);
	fstrm_reader_options_destroy(&ropt);
	fstrm_file_options_destroy(&fopt);
	return r;
}

static const char *const none[] = { NULL };
static const char *const one[] = { "protobuf:dnstap.Dnstap", NULL };
static const char *const several[] = { "first", "second", "third", NULL };
static const char *const other[] = { "other", NULL };
static const char *const late[] = { "other", "first", NULL };
static const char *const *const lists[] = { none, one, several, other, late };
enum { LISTS = sizeof lists / sizeof *lists };

static void show_file(void)
{
	printf("  file ");
	print_file(stdout, path);
	putchar('\n');
}

static fstrm_res read_one(struct fstrm_reader *r)
{
	const uint8_t *data = NULL;
	size_t len = 0;
	fstrm_res res = fstrm_reader_read(r, &data, &len);

	printf("  read %s", res_name(res));
	if (res == fstrm_res_success) {
		putchar(' ');
		print_bytes(stdout, data, len);
	}
	putchar('\n');
	return res;
}

static void content_types(void)
{
	for (int i = 0; i < LISTS; i++) {
		struct fstrm_writer *w = writer_of(path, lists[i]);

		printf("writer with list %d: %s\n", i, res_name(fstrm_writer_write(w, "frame", 5)));
		printf("  destroy %s\n", res_name(fstrm_writer_destroy(&w)));
		show_file();
		for (int k = 0; k < LISTS; k++) {
			struct fstrm_reader *r = reader_of(path, lists[k], 0);

			printf(" reader with list %d: open %s\n", k, res_name(fstrm_reader_open(r)));
			while (read_one(r) == fstrm_res_success)
				;
			printf("  destroy %s\n", res_name(fstrm_reader_destroy(&r)));
		}
	}
}

static void vectors(void)
{
	static const int counts[] = { -1, 0, 1, 2, 127, 128, 129, 255, 256, 257, 300 };
	struct iovec iov[300];
	char text[300];

	for (int i = 0; i < 300; i++) {
		text[i] = (char)i;
		iov[i].iov_base = text;
		iov[i].iov_len = (size_t)i + 1;
	}
	for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
		struct fstrm_writer *w = writer_of(path, one);
		struct fstrm_reader *r;
		int frames = 0;
		const uint8_t *data;
		size_t len;

		printf("writev of %d: %s, ", counts[i], res_name(fstrm_writer_writev(w, iov, counts[i])));
		printf("of 2: %s\n", res_name(fstrm_writer_writev(w, iov, 2)));
		printf("  close %s\n", res_name(fstrm_writer_close(w)));
		fstrm_writer_destroy(&w);
		show_file();
		r = reader_of(path, none, 0);
		while (fstrm_reader_read(r, &data, &len) == fstrm_res_success)
			frames++;
		printf("  %d frames read\n", frames);
		fstrm_reader_destroy(&r);
	}
}

static void empty(void)
{
	struct fstrm_writer *w = writer_of(path, one);
	struct fstrm_reader *r;

	printf("never opened: close %s, destroy ", res_name(fstrm_writer_close(w)));
	printf("%s\n", res_name(fstrm_writer_destroy(&w)));
	w = writer_of(path, one);
	printf("opened only: %s, ", res_name(fstrm_writer_open(w)));
	printf("close %s\n", res_name(fstrm_writer_close(w)));
	fstrm_writer_destroy(&w);
	show_file();
	r = reader_of(path, one, 0);
	read_one(r);
	printf("  close %s\n", res_name(fstrm_reader_close(r)));
	fstrm_reader_destroy(&r);
}

static void frame_sizes(void)
{
	static const size_t sizes[] = { 0, 511, 512, 513, 1048576, UINT32_MAX - 1, UINT32_MAX, SIZE_MAX };
	struct fstrm_reader_options *ropt = fstrm_reader_options_init();
	static char frame[2048];

	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
		printf("max_frame_size %zu: %s\n", sizes[i],
		       res_name(fstrm_reader_options_set_max_frame_size(ropt, sizes[i])));
	fstrm_reader_options_destroy(&ropt);
	for (size_t limit = 512; limit <= 2048; limit *= 2) {
		struct fstrm_writer *w = writer_of(path, none);
		struct fstrm_reader *r = reader_of(path, none, limit);

		fstrm_writer_write(w, frame, 1);
		fstrm_writer_write(w, frame, limit);
		fstrm_writer_write(w, frame, 1);
		fstrm_writer_destroy(&w);
		printf("frame of exactly %zu\n", limit);
		while (read_one(r) == fstrm_res_success)
			;
		fstrm_reader_destroy(&r);
	}
}

static void writer_controls(struct fstrm_writer *w, const char *when)
{
	for (int type = 0; type < 7; type++) {
		struct fstrm_control *c = (struct fstrm_control *)&path;
		fstrm_res res = fstrm_writer_get_control(w, (fstrm_control_type)type, &c);

		printf("writer %s, control %d: %s, ", when, type, res_name(res));
		print_control(stdout, c);
		putchar('\n');
	}
}

static void reader_controls(struct fstrm_reader *r, const char *when)
{
	for (int type = 0; type < 7; type++) {
		const struct fstrm_control *c = (const struct fstrm_control *)&path;
		fstrm_res res = fstrm_reader_get_control(r, (fstrm_control_type)type, &c);

		printf("reader %s, control %d: %s, ", when, type, res_name(res));
		if (c == (const struct fstrm_control *)&path)
			printf("untouched");
		else
			print_control(stdout, c);
		putchar('\n');
	}
}

static void states(void)
{
	struct fstrm_writer *w = writer_of(path, several);
	struct fstrm_reader *r;

	writer_controls(w, "new");
	printf("open again %s\n", res_name(fstrm_writer_open(w)));
	printf("write %s\n", res_name(fstrm_writer_write(w, "one", 3)));
	printf("write %s\n", res_name(fstrm_writer_write(w, "two", 3)));
	writer_controls(w, "written");
	printf("close %s\n", res_name(fstrm_writer_close(w)));
	printf("close %s\n", res_name(fstrm_writer_close(w)));
	printf("write after close %s\n", res_name(fstrm_writer_write(w, "late", 4)));
	printf("writev of nothing after close %s\n", res_name(fstrm_writer_writev(w, NULL, 0)));
	writer_controls(w, "closed");
	show_file();

	r = reader_of(path, none, 0);
	reader_controls(r, "new");
	printf("open again %s\n", res_name(fstrm_reader_open(r)));
	while (read_one(r) == fstrm_res_success)
		reader_controls(r, "reading");
	reader_controls(r, "stopped");
	read_one(r);
	printf("close %s\n", res_name(fstrm_reader_close(r)));
	printf("close %s\n", res_name(fstrm_reader_close(r)));
	reader_controls(r, "closed");
	read_one(r);
	printf("open after close %s\n", res_name(fstrm_reader_open(r)));
	while (read_one(r) == fstrm_res_success)
		;
	printf("destroy %s, pointer ", res_name(fstrm_reader_destroy(&r)));
	printf("%s\n", r == NULL ? "NULL" : "not NULL");
	printf("destroy of NULL %s\n", res_name(fstrm_reader_destroy(&r)));

	printf("open after close %s\n", res_name(fstrm_writer_open(w)));
	printf("write %s\n", res_name(fstrm_writer_write(w, "three", 5)));
	printf("destroy %s, pointer ", res_name(fstrm_writer_destroy(&w)));
	printf("%s\n", w == NULL ? "NULL" : "not NULL");
	printf("destroy of NULL %s\n", res_name(fstrm_writer_destroy(&w)));
	show_file();
}

static void bad_paths(void)
{
	static const char *const paths[] = { NULL, "", "missing/frames", ".", "/dev/null" };

	for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
		struct fstrm_file_options *fopt = options(path);
		struct fstrm_writer *w;
		struct fstrm_reader *r;

		/* The second setting replaces the first, and NULL removes it. */
		fstrm_file_options_set_file_path(fopt, paths[i]);
		w = fstrm_file_writer_init(fopt, NULL);
		r = fstrm_file_reader_init(fopt, NULL);
		fstrm_file_options_destroy(&fopt);
		fstrm_file_options_destroy(&fopt);
		printf("path %s: writer %s, reader %s\n", paths[i] ? paths[i] : "NULL", w ? "made" : "NULL",
		       r ? "made" : "NULL");
		if (w == NULL || r == NULL)
			continue;
		printf("  writer open %s, ", res_name(fstrm_writer_open(w)));
		printf("open %s, ", res_name(fstrm_writer_open(w)));
		printf("write %s, ", res_name(fstrm_writer_write(w, "x", 1)));
		printf("destroy %s\n", res_name(fstrm_writer_destroy(&w)));
		printf("  reader open %s\n", res_name(fstrm_reader_open(r)));
		read_one(r);
		read_one(r);
		printf("  destroy %s\n", res_name(fstrm_reader_destroy(&r)));
	}
}

/* Buffering decides which call reports a full disk, but one of them does. */
static void full_disk(void)
{
	struct fstrm_writer *w = writer_of("/dev/full", one);
	bool all_well = fstrm_writer_open(w) == fstrm_res_success;

	all_well &= fstrm_writer_write(w, "frame", 5) == fstrm_res_success;
	all_well &= fstrm_writer_close(w) == fstrm_res_success;
	printf("writing to a full disk: %s\n", all_well ? "nothing noticed" : "an error");
	fstrm_writer_destroy(&w);
}

static void file_mode(void)
{
	struct fstrm_writer *w;
	struct stat st;
	int fd = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0600);

	if (fd < 0 || write(fd, "an older, longer text than the frames to come", 45) != 45)
		puts("could not prepare the file");
	close(fd);
	w = writer_of(path, none);
	fstrm_writer_open(w);
	fstrm_writer_destroy(&w);
	stat(path, &st);
	printf("an older file keeps mode %o and is replaced\n", (unsigned)st.st_mode);
	show_file();
	unlink(path);
	umask(027);
	w = writer_of(path, none);
	fstrm_writer_open(w);
	fstrm_writer_destroy(&w);
	stat(path, &st);
	printf("a new file has mode %o under umask 027\n", (unsigned)st.st_mode);
}

static void content_type_lengths(void)
{
	static const size_t lens[] = { 0, 1, 255, 256, 257, 1000 };
	struct fstrm_writer_options *wopt = fstrm_writer_options_init();
	struct fstrm_reader_options *ropt = fstrm_reader_options_init();
	static const char text[1000];

	for (size_t i = 0; i < sizeof lens / sizeof *lens; i++) {
		printf("content type of %zu: writer %s, ", lens[i],
		       res_name(fstrm_writer_options_add_content_type(wopt, text, lens[i])));
		printf("reader %s\n", res_name(fstrm_reader_options_add_content_type(ropt, text, lens[i])));
	}
	fstrm_writer_options_destroy(&wopt);
	fstrm_reader_options_destroy(&ropt);
	printf("options destroyed: %s %s\n", wopt ? "kept" : "NULL", ropt ? "kept" : "NULL");
	fstrm_writer_options_destroy(&wopt);
	fstrm_reader_options_destroy(&ropt);
}

int main(void)
{
	content_types();
	vectors();
	empty();
	frame_sizes();
	states();
	bad_paths();
	full_disk();
	file_mode();
	content_type_lengths();
	return 0;
}
