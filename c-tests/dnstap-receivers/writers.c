/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The writer for one thread before receivers that are programs: Debian's fstrm_capture, and our dnstap. */
#include "capture.h"
#include "door.h"
#include "messages.h"
#include "sink.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	MESSAGES = 20000,
	SHORT = 500,		/* milliseconds of the I/O timeout, where it is used up */
};

static dnstap_writer *try_to_open(const char *output, unsigned timeout)
{
	dnstap_options *options = options_to(output);
	dnstap_writer *writer;

	NEED(dnstap_options_set_io_timeout(options, timeout) == DNSTAP_OK, "io_timeout");
	writer = dnstap_writer_open(options, NULL);
	dnstap_options_free(&options);
	return writer;
}

static dnstap_result write_number(dnstap_writer *writer, uint32_t seq)
{
	uint8_t query[LONGEST];
	dnstap_message m = example(DNSTAP_MESSAGE_TYPE_TOOL_QUERY);

	put_number(&m, query, (struct number){ 1, seq }, 12 + seq % 300);
	return dnstap_writer_write(writer, &m);
}

/* Everything is in the file, as soon as the writer is closed and the receiver has ended. */
static void write_all(struct process *receiver, const char *output)
{
	struct tally *tally = new_tally();
	dnstap_writer *writer;

	AWAIT((writer = try_to_open(output, TIMEOUT)) != NULL, DEADLINE, "%s: no writer, see %s", output, receiver->log);
	for (uint32_t i = 0; i < MESSAGES; i++)
		NEED(write_number(writer, i) == DNSTAP_OK, "message %u: %s", i, dnstap_writer_get_error(writer));
	NEED(dnstap_writer_close(&writer) == DNSTAP_OK, "close");
	process_end(receiver, SIGTERM);
	EXPECT(tally_file(tally, "captured"), MESSAGES);
	EXPECT(tally->missing, 0);
	free_tally(tally);
}

static void to_fstrm_capture(int transport)
{
	struct process capture;
	struct door door;

	door_make(&door, (enum transport)transport);
	capture_start(&capture, &door, "captured");
	write_all(&capture, door.output);
}

static void to_dnstap(int unused)
{
	char program[512];
	const char *const arguments[] = { program, "-u", "x.sock", "-w", "captured", NULL };
	struct process dnstap;

	(void)unused;
	snprintf(program, sizeof program, "%s/bin/dnstap", getenv("STAGE"));
	process_start(&dnstap, "dnstap.log", arguments);
	write_all(&dnstap, "unix:x.sock");
}

/* One that is stopped, or killed, while it is written to. */
static void lost(int signal)
{
	struct process capture;
	struct door door;
	dnstap_writer *writer;
	dnstap_result result = DNSTAP_OK;
	double began = now();

	door_make(&door, UNIX);
	capture_start(&capture, &door, "captured");
	/* It may not listen yet. */
	AWAIT((writer = try_to_open(door.output, SHORT)) != NULL, DEADLINE, "no writer");
	kill(capture.pid, signal);
	for (uint32_t i = 0; i < 1000 * MESSAGES && result == DNSTAP_OK; i++) {
		began = now();
		result = write_number(writer, i);
	}
	NEED(result == DNSTAP_ERROR_IO, "'%s': %s", dnstap_strerror(result), dnstap_writer_get_error(writer));
	NEED(strstr(dnstap_writer_get_error(writer), signal == SIGSTOP ? "0.5 s" : "Broken pipe") != NULL, "'%s'",
	     dnstap_writer_get_error(writer));
	NEED(now() - began < SHORT / 1e3 + 2, "a call took %.2f s", now() - began);
	NEED(dnstap_writer_close(&writer) == DNSTAP_ERROR_IO, "close");
	process_end(&capture, SIGKILL);
}

int main(int argc, char **argv)
{
	static const struct fault cases[] = {
		{ "written to fstrm_capture over a Unix socket", to_fstrm_capture, UNIX, 60, 0, NULL },
		{ "written to fstrm_capture over TCP", to_fstrm_capture, TCP, 60, 0, NULL },
		{ "written to an fstrm_capture that is stopped", lost, SIGSTOP, 60, 0, NULL },
		{ "written to an fstrm_capture that is killed", lost, SIGKILL, 60, 0, NULL },
		{ "written to our dnstap", to_dnstap, 0, 60, 0, NULL },
	};
	size_t count = sizeof cases / sizeof *cases;
	char program[512];

	snprintf(program, sizeof program, "%s/bin/dnstap", getenv("STAGE") != NULL ? getenv("STAGE") : "");
	if (access(program, X_OK) != 0) {
		printf("skip - written to our dnstap: %s is not there\n", program);
		count--;
	}
	return faults_main(argc, argv, cases, count);
}
