/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "process.h"
#include "harness.h"
#include "receiver.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>

extern char **environ;

/* Not by fork(), which would delay a thread that logs: its memory would be copied on write. */
void process_start(struct process *p, const char *log, const char *const *arguments)
{
	posix_spawn_file_actions_t output;
	int error;

	p->log = log;
	posix_spawn_file_actions_init(&output);
	posix_spawn_file_actions_addopen(&output, 1, log, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	posix_spawn_file_actions_adddup2(&output, 1, 2);
	error = posix_spawnp(&p->pid, arguments[0], &output, NULL, (char *const *)arguments, environ);
	posix_spawn_file_actions_destroy(&output);
	ASSERT(error == 0, "%s does not start: %s", arguments[0], strerror(error));
}

static bool has_printed(const char *log, const char *text)
{
	char line[512];
	FILE *file = fopen(log, "r");
	bool found = false;

	while (file != NULL && !found && fgets(line, sizeof line, file) != NULL)
		found = strstr(line, text) != NULL;
	if (file != NULL)
		fclose(file);
	return found;
}

static bool is_ready(const struct process *p, const char *text)
{
	bool printed = has_printed(p->log, text);

	ASSERT(printed || waitpid(p->pid, NULL, WNOHANG) == 0, "a receiver has ended, see %s", p->log);
	return printed;
}

void process_await(const struct process *p, const char *text)
{
	WAIT_UNTIL(is_ready(p, text), DEADLINE, "\"%s\" is not in %s", text, p->log);
}

void process_end(struct process *p, int signal)
{
	kill(p->pid, signal);
	WAIT_UNTIL(waitpid(p->pid, NULL, WNOHANG) != 0, DEADLINE, "a receiver does not end, see %s", p->log);
}
