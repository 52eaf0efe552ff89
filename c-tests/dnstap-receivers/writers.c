/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The writer for one thread, with programs as receivers: Debian's fstrm_capture, and our dnstap. */
#include "capture.h"
#include "address.h"
#include "messages.h"
#include "sink.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	MESSAGES = 20000,
	SHORT = 500, /* milliseconds: an I/O timeout that expires */
};

static dnstap_writer *try_to_open(const char *output, unsigned timeout)
{
	dnstap_options *options = options_to(output);
	dnstap_writer *writer;

	ASSERT(dnstap_options_set_io_timeout(options, timeout) == DNSTAP_OK, "io_timeout");
	writer = dnstap_writer_open(options, NULL);
	dnstap_options_free(&options);
	return writer;
}

static dnstap_result write_with_id(dnstap_writer *writer, uint32_t seq)
{
	uint8_t query[MAX_QUERY];
	dnstap_message m = example(DNSTAP_MESSAGE_TYPE_TOOL_QUERY);

	put_id(&m, query, (struct message_id){ 1, seq }, 12 + seq % 300);
	return dnstap_writer_write(writer, &m);
}

/* Once the writer is closed and the receiver has ended, the file has every message. */
static void write_all(struct process *receiver, const char *output)
{
	struct tally *tally = new_tally();
	dnstap_writer *writer;

	WAIT_UNTIL((writer = try_to_open(output, TIMEOUT)) != NULL, DEADLINE, "%s: no writer, see %s", output,
		   receiver->log);
	for (uint32_t i = 0; i < MESSAGES; i++)
		ASSERT(write_with_id(writer, i) == DNSTAP_OK, "message %u: %s", i, dnstap_writer_get_error(writer));
	ASSERT(dnstap_writer_close(&writer) == DNSTAP_OK, "close");
	process_end(receiver, SIGTERM);
	ASSERT_EQ(tally_file(tally, "captured"), MESSAGES);
	ASSERT_EQ(tally->missing, 0);
	free_tally(tally);
}

static void to_fstrm_capture(int transport)
{
	struct process capture;
	struct address address;

	address_reserve(&address, (enum transport)transport);
	capture_start(&capture, &address, "captured");
	write_all(&capture, address.output);
}

static void to_dnstap(void)
{
	char program[512];
	const char *const arguments[] = { program, "-u", "x.sock", "-w", "captured", NULL };
	struct process dnstap;

	snprintf(program, sizeof program, "%s/bin/dnstap", getenv("STAGE"));
	process_start(&dnstap, "dnstap.log", arguments);
	write_all(&dnstap, "unix:x.sock");
}

/* A receiver that is stopped or killed during the stream. */
static void lost(int signal)
{
	struct process capture;
	struct address address;
	dnstap_writer *writer;
	dnstap_result result = DNSTAP_OK;
	double began = now();

	address_reserve(&address, UNIX);
	capture_start(&capture, &address, "captured");
	/* It may not listen yet. */
	WAIT_UNTIL((writer = try_to_open(address.output, SHORT)) != NULL, DEADLINE, "no writer");
	kill(capture.pid, signal);
	for (uint32_t i = 0; i < 1000 * MESSAGES && result == DNSTAP_OK; i++) {
		began = now();
		result = write_with_id(writer, i);
	}
	ASSERT(result == DNSTAP_ERROR_IO, "'%s': %s", dnstap_strerror(result), dnstap_writer_get_error(writer));
	ASSERT(strstr(dnstap_writer_get_error(writer), signal == SIGSTOP ? "0.5 s" : "Broken pipe") != NULL, "'%s'",
	       dnstap_writer_get_error(writer));
	ASSERT(now() - began < SHORT / 1e3 + 2, "a call took %.2f s", now() - began);
	ASSERT(dnstap_writer_close(&writer) == DNSTAP_ERROR_IO, "close");
	process_end(&capture, SIGKILL);
}

int main(int argc, char **argv)
{
	static const struct test_case cases[] = {
		CASE_WITH("written to fstrm_capture over a Unix socket", to_fstrm_capture, UNIX),
		CASE_WITH("written to fstrm_capture over TCP", to_fstrm_capture, TCP),
		CASE_WITH("written to an fstrm_capture that is stopped", lost, SIGSTOP),
		CASE_WITH("written to an fstrm_capture that is killed", lost, SIGKILL),
		CASE("written to our dnstap", to_dnstap),
	};
	size_t count = sizeof cases / sizeof *cases;
	char program[512];

	snprintf(program, sizeof program, "%s/bin/dnstap", getenv("STAGE") != NULL ? getenv("STAGE") : "");
	if (access(program, X_OK) != 0) {
		printf("skip - written to our dnstap: %s is not there\n", program);
		count--;
	}
	return run_cases(argc, argv, cases, count);
}
