/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The path "-": standard input and output, also shared with the program's own stdio. */
#include "print.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static struct fstrm_writer *writer_to_stdout(void)
{
	struct fstrm_file_options *fopt = fstrm_file_options_init();
	struct fstrm_writer *w;

	fstrm_file_options_set_file_path(fopt, "-");
	w = fstrm_file_writer_init(fopt, NULL);
	fstrm_file_options_destroy(&fopt);
	return w;
}

static struct fstrm_reader *reader_of_stdin(void)
{
	struct fstrm_file_options *fopt = fstrm_file_options_init();
	struct fstrm_reader *r;

	fstrm_file_options_set_file_path(fopt, "-");
	r = fstrm_file_reader_init(fopt, NULL);
	fstrm_file_options_destroy(&fopt);
	return r;
}

static const char *open_or_not(int fd)
{
	return fcntl(fd, F_GETFD) < 0 ? "closed" : "open";
}

static void write_frames(FILE *report)
{
	struct fstrm_writer *w = writer_to_stdout();

	fprintf(report, "open %s, ", res_name(fstrm_writer_open(w)));
	fprintf(report, "write %s, ", res_name(fstrm_writer_write(w, "frame", 5)));
	fprintf(report, "close %s, ", res_name(fstrm_writer_close(w)));
	fprintf(report, "descriptor 1 %s, ", open_or_not(1));
	fprintf(report, "destroy %s\n", res_name(fstrm_writer_destroy(&w)));
}

static void write_after_text(FILE *report)
{
	fputs("text first;", stdout);
	write_frames(report);
}

static void never_opened(FILE *report)
{
	struct fstrm_writer *w = writer_to_stdout();

	fprintf(report, "destroy %s, ", res_name(fstrm_writer_destroy(&w)));
	fprintf(report, "descriptor 1 %s\n", open_or_not(1));
}

static void read_frames(FILE *report)
{
	struct fstrm_reader *r = reader_of_stdin();
	const uint8_t *data;
	size_t len;

	fprintf(report, "open %s, ", res_name(fstrm_reader_open(r)));
	while (fstrm_reader_read(r, &data, &len) == fstrm_res_success) {
		print_bytes(report, data, len);
		fputs(", ", report);
	}
	fprintf(report, "close %s, ", res_name(fstrm_reader_close(r)));
	fprintf(report, "descriptor 0 %s, ", open_or_not(0));
	fprintf(report, "destroy %s\n", res_name(fstrm_reader_destroy(&r)));
}

static void read_after_text(FILE *report)
{
	char line[32] = "";

	if (fgets(line, sizeof line, stdin) != NULL)
		fprintf(report, "line of %zu, ", strlen(line));
	read_frames(report);
}

/* Runs it with `input` on standard input, and prints its report and its output. */
static void with_pipes(const char *title, void (*run)(FILE *), const void *input, size_t len)
{
	int in[2], out[2], status = 0;
	char output[4096];
	size_t got = 0;
	ssize_t n;
	pid_t child;

	if (pipe(in) != 0 || pipe(out) != 0 || write(in[1], input, len) != (ssize_t)len)
		exit(99);
	close(in[1]);
	fflush(NULL);
	child = fork();
	if (child == 0) {
		FILE *report = fopen("report", "w");

		dup2(in[0], 0);
		dup2(out[1], 1);
		close(in[0]);
		close(out[0]);
		close(out[1]);
		run(report);
		fclose(report);
		_exit(0);
	}
	close(in[0]);
	close(out[1]);
	while ((n = read(out[0], output + got, sizeof output - got)) > 0)
		got += (size_t)n;
	close(out[0]);
	waitpid(child, &status, 0);
	printf("%s: status %d, output ", title, status);
	print_bytes(stdout, output, got);
	printf("\n  ");
	{
		FILE *report = fopen("report", "r");
		int c;

		while (report != NULL && (c = getc(report)) != EOF)
			putchar(c);
		if (report != NULL)
			fclose(report);
	}
}

int main(void)
{
	static const char stream[] = "line\n\0\0\0\0\0\0\0\4\0\0\0\2\0\0\0\3one\0\0\0\3two\0\0\0\0\0\0\0\4\0\0\0\3";

	with_pipes("frames to standard output", write_frames, "", 0);
	with_pipes("after other text", write_after_text, "", 0);
	with_pipes("never opened", never_opened, "", 0);
	with_pipes("frames from standard input", read_frames, stream + 5, sizeof stream - 6);
	with_pipes("after a line of text", read_after_text, stream, sizeof stream - 1);
	with_pipes("empty standard input", read_frames, "", 0);
	return 0;
}
