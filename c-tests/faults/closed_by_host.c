/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A host that closes all descriptors, as daemons do, and opens files of its own under their numbers.
 * The receiver is another process.
 */
#define _DEFAULT_SOURCE
#include "endpoint.h"
#include "harness.h"
#include "own_files.h"
#include "receiver.h"

#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { ROUNDS = 3 };

static const char *const types[] = { "test", NULL };

/* Shared with the receiver, as it has no descriptors in common with the host afterwards. */
struct peer {
	volatile unsigned shakes; /* handshakes so far */
	volatile unsigned frames;
};

/* Serves one connection after another, until it is killed. */
static void serve(struct peer *peer, int listening)
{
	struct receiver r = { .log = stderr };

	for (;;) {
		int fd = accept_one(listening), type = DATA;

		ASSERT(fd >= 0, "no connection");
		if (receiver_handshake(&r, fd, NULL)) {
			peer->shakes++;
			while (type == DATA) {
				struct frame frame;

				type = read_frame(fd, &frame);
				free_frame(&frame);
				peer->frames += type == DATA;
			}
		}
		if (type == STOP) {
			send_control(fd, FINISH, NULL);
			read_to_end(fd);
		}
		close(fd);
	}
}

static void submit(struct fstrm_iothr *iothr, struct fstrm_iothr_queue *queue)
{
	static char frame[] = "frame";

	ASSERT(fstrm_iothr_submit(iothr, queue, frame, sizeof frame, NULL, NULL) == fstrm_res_success, "submit");
}

/* All frames arrive, and the files of the host are as they were. */
static void writer_thread(int transport)
{
	struct peer *peer = mmap(NULL, sizeof *peer, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct fstrm_iothr_queue *queue;
	struct fstrm_writer *writer;
	struct fstrm_iothr *iothr;
	struct endpoint e;
	unsigned sent = 0;
	pid_t pid;

	ASSERT(peer != MAP_FAILED && endpoint_open(&e, (enum transport)transport), "no endpoint");
	memset(peer, 0, sizeof *peer);
	pid = fork();
	if (pid == 0) {
		/* Also if the case fails. */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		serve(peer, e.listening);
	}
	close(e.listening);
	writer = endpoint_writer(&e, types);
	iothr = fstrm_iothr_init(NULL, &writer);
	queue = fstrm_iothr_get_input_queue(iothr);
	for (int round = 0; round < ROUNDS; round++) {
		submit(iothr, queue);
		sent++;
		WAIT_UNTIL(peer->frames == sent, DEADLINE / 2, "round %d: not received", round);
		take_all_descriptors();
		submit(iothr, queue);
		sent++;
		WAIT_UNTIL(peer->frames == sent, DEADLINE / 2, "round %d: not received after the loss", round);
		check_own_files();
	}
	take_all_descriptors();
	fstrm_iothr_destroy(&iothr);
	check_own_files();
	kill(pid, SIGKILL);
}

/* A writer and a reader without a thread leave alone what the host has opened. */
static void without_a_thread(int unused)
{
	struct fstrm_file_options *options = fstrm_file_options_init();
	struct fstrm_writer *writer;
	struct fstrm_reader *reader;
	const uint8_t *data;
	struct endpoint e;
	size_t length;

	(void)unused;
	ASSERT(endpoint_open(&e, TO_FILE), "no endpoint");
	writer = endpoint_writer(&e, types);
	ASSERT(fstrm_writer_open(writer) == fstrm_res_success, "not opened");
	ASSERT(fstrm_writer_close(writer) == fstrm_res_success, "not closed");
	fstrm_writer_destroy(&writer);
	fstrm_file_options_set_file_path(options, ENDPOINT_PATH);
	reader = fstrm_file_reader_init(options, NULL);
	fstrm_file_options_destroy(&options);
	ASSERT(fstrm_reader_open(reader) == fstrm_res_success, "no reader");
	ASSERT(rename(ENDPOINT_PATH, "read") == 0, "no rename");
	writer = endpoint_writer(&e, types);
	ASSERT(fstrm_writer_open(writer) == fstrm_res_success, "not opened");
	take_all_descriptors();
	unlink(ENDPOINT_PATH);
	fstrm_writer_write(writer, "frame", 5);
	fstrm_reader_read(reader, &data, &length);
	fstrm_writer_destroy(&writer);
	fstrm_reader_destroy(&reader);
	check_own_files();
}

int main(int argc, char **argv)
{
	static const struct test_case cases[] = {
		FAULT("the host closes the descriptors of a writer thread, Unix", writer_thread, TO_UNIX, 60, FAILS,
		      "frames are lost"),
		FAULT("the host closes the descriptors of a writer thread, TCP", writer_thread, TO_TCP4, 60, FAILS,
		      "frames are lost"),
		FAULT("the host closes the descriptors of a writer and a reader", without_a_thread, 0, 60, FAILS,
		      "it uses and closes files of the host"),
	};

	return RUN_CASES(argc, argv, cases);
}
