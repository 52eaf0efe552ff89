/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "fault.h"

#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { AT_ONCE = 8, SAID_WRONG = 7 };

struct job {
	const struct fault *fault;
	pid_t pid;
	int said;		/* read end of the child's output; its end is the child's end */
	double until;
	char text[2048];
	size_t len;
	int outcome;		/* 0 when the case could not be tried */
	int detail;		/* signal or exit status */
};

void wrong(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	fflush(stdout);
	_exit(SAID_WRONG);
}

double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

void expect(const char *what, uint64_t is, uint64_t wanted)
{
	NEED(is == wanted, "%s is %llu, not %llu", what, (unsigned long long)is, (unsigned long long)wanted);
}

void wait_for(pid_t child)
{
	int status = -1;

	NEED(child > 0 && waitpid(child, &status, 0) == child, "no child to wait for");
	NEED(status == 0, "a child ended with status %#x", (unsigned)status);
}

int entries_of(const char *path)
{
	DIR *dir = opendir(path);
	int count = 0;

	while (dir != NULL && readdir(dir) != NULL)
		count++;
	if (dir != NULL)
		closedir(dir);
	return count;
}

int in_haste(void)
{
	return getenv("IN_HASTE") != NULL;
}

static void run_child(const struct fault *f, size_t number, int out)
{
	struct rlimit no_core = { 0, 0 };
	char directory[32];

	setpgid(0, 0);
	setrlimit(RLIMIT_CORE, &no_core);
	snprintf(directory, sizeof directory, "case-%zu", number);
	if (mkdir(directory, 0700) != 0 || chdir(directory) != 0)
		_exit(99);
	dup2(out, 1);
	dup2(out, 2);
	close(out);
	f->run(f->arg);
	fflush(stdout);
	_exit(0);
}

static void start(struct job *j, const struct fault *f, size_t number)
{
	int ends[2];

	memset(j, 0, sizeof *j);
	j->fault = f;
	fflush(stdout);
	if (pipe(ends) != 0)
		exit(99);
	j->pid = fork();
	if (j->pid < 0)
		exit(99);
	if (j->pid == 0) {
		close(ends[0]);
		run_child(f, number, ends[1]);
	}
	close(ends[1]);
	j->said = ends[0];
	j->until = now() + f->limit;
}

/* The child has closed its output, or its time is over. */
static void finish(struct job *j, int late)
{
	int status = 0;

	if (late)
		kill(-j->pid, SIGKILL);
	waitpid(j->pid, &status, 0);
	kill(-j->pid, SIGKILL);
	close(j->said);
	j->pid = 0;
	j->detail = WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
	if (late)
		j->outcome = HANGS;
	else if (WIFSIGNALED(status))
		j->outcome = CRASHES;
	else if (j->detail == 0)
		j->outcome = PASSES;
	else if (j->detail == SAID_WRONG)
		j->outcome = WRONG;
}

static void follow(struct job *j)
{
	char rest[512];
	size_t room = sizeof j->text - 1 - j->len;
	ssize_t got = read(j->said, room > 0 ? j->text + j->len : rest, room > 0 ? room : sizeof rest);

	if (got <= 0)
		finish(j, 0);
	else if (room > 0)
		j->len += (size_t)got;
}

/* Runs the cases, several at once, until the last has ended. */
static void run_all(struct job *jobs, const struct fault *faults, size_t count)
{
	size_t started = 0, running = 0;

	while (started < count || running > 0) {
		struct pollfd waiting[AT_ONCE];
		struct job *of[AT_ONCE];
		nfds_t n = 0;

		for (; started < count && running < AT_ONCE; started++, running++)
			start(&jobs[started], &faults[started], started);
		for (size_t i = 0; i < started; i++)
			if (jobs[i].pid != 0) {
				of[n] = &jobs[i];
				waiting[n++] = (struct pollfd){ .fd = jobs[i].said, .events = POLLIN };
			}
		poll(waiting, n, 100);
		for (nfds_t i = 0; i < n; i++) {
			if (waiting[i].revents != 0)
				follow(of[i]);
			else if (now() > of[i]->until)
				finish(of[i], 1);
			running -= of[i]->pid == 0;
		}
	}
}

/* The last line a case has printed; lines before it tell how it came to that. */
static const char *last_line(struct job *j)
{
	char *newline;

	while (j->len > 0 && j->text[j->len - 1] == '\n')
		j->text[--j->len] = '\0';
	newline = strrchr(j->text, '\n');
	return newline != NULL ? newline + 1 : j->text;
}

static void describe(struct job *j, char *to, size_t room)
{
	const char *said = last_line(j);

	switch (j->outcome) {
	case PASSES:
		snprintf(to, room, "passes");
		break;
	case HANGS:
		snprintf(to, room, "hangs, stopped after %u s", j->fault->limit);
		break;
	case CRASHES:
		snprintf(to, room, "crashes with signal %d", j->detail);
		break;
	case WRONG:
		snprintf(to, room, "%s", said);
		break;
	default:
		snprintf(to, room, "could not be tried, status %d: %s", j->detail, said);
		break;
	}
}

/* All a case has printed, as comments. */
static void explain(const struct job *j)
{
	const char *line = j->text;

	while (*line != '\0') {
		size_t len = strcspn(line, "\n");

		printf("#   %.*s\n", (int)len, line);
		line += len + (line[len] == '\n');
	}
}

static int report_ours(struct job *j)
{
	int expected = j->outcome == PASSES;
	char did[600];

	describe(j, did, sizeof did);
	if (expected)
		printf("ok - %s\n", j->fault->name);
	else
		printf("not ok - %s: %s\n", j->fault->name, did);
	if (!expected)
		explain(j);
	return expected;
}

static int report_reference(struct job *j)
{
	const struct fault *f = j->fault;
	int expected = (j->outcome & f->reference) != 0;
	char did[600];

	describe(j, did, sizeof did);
	printf("%s - Debian's, %s: %s, %s", expected ? "ok" : "not ok", f->name, did,
	       expected ? "as expected" : "which was not expected");
	printf("%s%s%s\n", f->why != NULL ? " (" : "", f->why != NULL ? f->why : "", f->why != NULL ? ")" : "");
	if (!expected)
		explain(j);
	return expected;
}

int faults_main(int argc, char **argv, const struct fault *faults, size_t count)
{
	struct job *jobs = calloc(count, sizeof *jobs);
	int ours = argc > 1 && strcmp(argv[1], "ours") == 0;
	int failed = 0;

	if (jobs == NULL || argc < 2 || argc > 3 || (!ours && strcmp(argv[1], "reference") != 0)) {
		fprintf(stderr, "usage: %s ours|reference [CASE]\n", argv[0]);
		return 2;
	}
	if (argc == 3) {
		while (count > 0 && strcmp(faults->name, argv[2]) != 0) {
			faults++;
			count--;
		}
		if (count == 0) {
			fprintf(stderr, "%s: no case '%s'\n", argv[0], argv[2]);
			return 2;
		}
		count = 1;
	}
	run_all(jobs, faults, count);
	for (size_t i = 0; i < count; i++)
		failed += !(ours ? report_ours(&jobs[i]) : report_reference(&jobs[i]));
	free(jobs);
	return failed > 0;
}
