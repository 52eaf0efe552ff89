/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "harness.h"

#include <dirent.h>
#include <errno.h>
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

enum { MAX_PARALLEL = 8 };

/* Exit statuses of a child whose case did not pass. */
enum { EXIT_FAILED = 7, EXIT_NOT_RUN = 99 };

struct job {
	const struct test_case *test_case;
	pid_t pid;
	int output; /* read end of the child's output, which is closed when the child ends */
	double deadline;
	char text[2048];
	size_t len;
	int outcome; /* 0 if the case was not run */
	int detail;  /* signal or exit status */
};

void fail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	fflush(stdout);
	_exit(EXIT_FAILED);
}

double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

void assert_eq(const char *expression, uint64_t actual, uint64_t expected)
{
	ASSERT(actual == expected, "%s is %llu, not %llu", expression, (unsigned long long)actual,
	       (unsigned long long)expected);
}

void wait_for_child(pid_t child)
{
	int status = -1;

	ASSERT(child > 0 && waitpid(child, &status, 0) == child, "no child to wait for");
	ASSERT(status == 0, "a child ended with status %#x", (unsigned)status);
}

int count_entries(const char *path)
{
	DIR *dir = opendir(path);
	int count = 0;

	while (dir != NULL && readdir(dir) != NULL)
		count++;
	if (dir != NULL)
		closedir(dir);
	return count;
}

int under_valgrind(void)
{
	return getenv("UNDER_VALGRIND") != NULL;
}

static unsigned limit_of(const struct test_case *c)
{
	return c->limit != 0 ? c->limit : TIME_LIMIT;
}

static void enter_directory(size_t number)
{
	char parent[1024] = "", directory[32];

	snprintf(directory, sizeof directory, "case-%zu", number);
	if (mkdir(directory, 0700) == 0 && chdir(directory) == 0)
		return;
	printf("cannot create %s/%s: %s; run the program in an empty directory\n", getcwd(parent, sizeof parent),
	       directory, strerror(errno));
	fflush(stdout);
	_exit(EXIT_NOT_RUN);
}

static void run_child(const struct test_case *c, size_t number, int out)
{
	struct rlimit no_core = { 0, 0 };

	setpgid(0, 0);
	setrlimit(RLIMIT_CORE, &no_core);
	dup2(out, 1);
	dup2(out, 2);
	close(out);
	enter_directory(number);
	if (c->run != NULL)
		c->run();
	else
		c->run_with(c->arg);
	fflush(stdout);
	_exit(0);
}

static void start(struct job *j, const struct test_case *c, size_t number)
{
	int ends[2];

	memset(j, 0, sizeof *j);
	j->test_case = c;
	fflush(stdout);
	if (pipe(ends) != 0)
		exit(EXIT_NOT_RUN);
	j->pid = fork();
	if (j->pid < 0)
		exit(EXIT_NOT_RUN);
	if (j->pid == 0) {
		close(ends[0]);
		run_child(c, number, ends[1]);
	}
	close(ends[1]);
	j->output = ends[0];
	j->deadline = now() + limit_of(c);
}

/* Reaps a child that has closed its output, or whose time is over. */
static void finish(struct job *j, int late)
{
	int status = 0;

	if (late)
		kill(-j->pid, SIGKILL);
	waitpid(j->pid, &status, 0);
	kill(-j->pid, SIGKILL);
	close(j->output);
	j->pid = 0;
	j->detail = WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
	if (late)
		j->outcome = HANGS;
	else if (WIFSIGNALED(status))
		j->outcome = CRASHES;
	else if (j->detail == 0)
		j->outcome = PASSES;
	else if (j->detail == EXIT_FAILED)
		j->outcome = FAILS;
}

static void read_output(struct job *j)
{
	char rest[512];
	size_t room = sizeof j->text - 1 - j->len;
	ssize_t got = read(j->output, room > 0 ? j->text + j->len : rest, room > 0 ? room : sizeof rest);

	if (got <= 0)
		finish(j, 0);
	else if (room > 0)
		j->len += (size_t)got;
}

/* Runs the cases, several at a time. */
static void run_all(struct job *jobs, const struct test_case *cases, size_t count)
{
	size_t started = 0, running = 0;

	while (started < count || running > 0) {
		struct pollfd waiting[MAX_PARALLEL];
		struct job *of[MAX_PARALLEL];
		nfds_t n = 0;

		for (; started < count && running < MAX_PARALLEL; started++, running++)
			start(&jobs[started], &cases[started], started);
		for (size_t i = 0; i < started; i++)
			if (jobs[i].pid != 0) {
				of[n] = &jobs[i];
				waiting[n++] = (struct pollfd){ .fd = jobs[i].output, .events = POLLIN };
			}
		poll(waiting, n, 100);
		for (nfds_t i = 0; i < n; i++) {
			if (waiting[i].revents != 0)
				read_output(of[i]);
			else if (now() > of[i]->deadline)
				finish(of[i], 1);
			running -= of[i]->pid == 0;
		}
	}
}

/* Returns the last line that a case has printed. */
static const char *last_line(struct job *j)
{
	char *newline;

	while (j->len > 0 && j->text[j->len - 1] == '\n')
		j->text[--j->len] = '\0';
	newline = strrchr(j->text, '\n');
	return newline != NULL ? newline + 1 : j->text;
}

/* Describes an outcome in a few words. */
static void describe(struct job *j, char *to, size_t room)
{
	const char *line = last_line(j);

	switch (j->outcome) {
	case PASSES: snprintf(to, room, "passes"); break;
	case HANGS: snprintf(to, room, "hangs, stopped after %u s", limit_of(j->test_case)); break;
	case CRASHES: snprintf(to, room, "crashes with signal %d", j->detail); break;
	case FAILS: snprintf(to, room, "%s", line); break;
	default: snprintf(to, room, "was not run, status %d: %s", j->detail, line); break;
	}
}

/* Prints the output of a case as comments. */
static void print_output(const struct job *j)
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
	char outcome[600];

	describe(j, outcome, sizeof outcome);
	if (expected)
		printf("ok - %s\n", j->test_case->name);
	else
		printf("not ok - %s: %s\n", j->test_case->name, outcome);
	if (!expected)
		print_output(j);
	return expected;
}

static int report_reference(struct job *j)
{
	const struct test_case *c = j->test_case;
	int expected = (j->outcome & c->reference) != 0;
	char outcome[600];

	describe(j, outcome, sizeof outcome);
	printf("%s - Debian's, %s: %s, %s", expected ? "ok" : "not ok", c->name, outcome,
	       expected ? "as expected" : "which was not expected");
	if (c->why != NULL)
		printf(" (%s)", c->why);
	putchar('\n');
	if (!expected)
		print_output(j);
	return expected;
}

int run_cases(int argc, char **argv, const struct test_case *cases, size_t count)
{
	struct job *jobs = calloc(count, sizeof *jobs);
	int ours = argc > 1 && strcmp(argv[1], "ours") == 0;
	int failed = 0;

	if (jobs == NULL || argc < 2 || argc > 3 || (!ours && strcmp(argv[1], "reference") != 0)) {
		fprintf(stderr, "usage: %s ours|reference [CASE]\n", argv[0]);
		return 2;
	}
	if (argc == 3) {
		while (count > 0 && strcmp(cases->name, argv[2]) != 0) {
			cases++;
			count--;
		}
		if (count == 0) {
			fprintf(stderr, "%s: no case '%s'\n", argv[0], argv[2]);
			return 2;
		}
		count = 1;
	}
	run_all(jobs, cases, count);
	for (size_t i = 0; i < count; i++)
		failed += !(ours ? report_ours(&jobs[i]) : report_reference(&jobs[i]));
	free(jobs);
	return failed > 0;
}
