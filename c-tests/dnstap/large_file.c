/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Files of more than 2 GiB, whose sizes do not fit into 32 bits. */
#define _FILE_OFFSET_BITS 64
#include "messages.h"
#include "sink.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BEFORE = 100, ALL = 200 };

static const char path[] = "large.tap";

/* Logs messages from number `from` on, and waits until they are in the file. */
static void log_up_to(dnstap_sink *sink, uint32_t from, uint32_t to)
{
	dnstap_queue *queue = dnstap_queue_new(sink, NULL);
	dnstap_stats s;

	for (struct message_id id = { 0, from }; id.seq < to; id.seq++)
		ASSERT(log_with_id(queue, DNSTAP_MESSAGE_TYPE_CLIENT_QUERY, id, 100) == DNSTAP_OK, "not logged");
	dnstap_queue_free(&queue);
	WAIT_FOR_STATS(sink, s, s.sent == to);
}

/* Returns the number of messages up to the end of the stream, after which the file may go on. */
static int count(void)
{
	dnstap_reader *reader = dnstap_reader_open(path, NULL);
	dnstap_message message = DNSTAP_MESSAGE_INIT;
	dnstap_result result;
	int messages = 0;

	ASSERT(reader != NULL, "%s is not opened", path);
	while ((result = dnstap_reader_next(reader, &message, 0)) == DNSTAP_OK)
		messages++;
	ASSERT(result == DNSTAP_END || result == DNSTAP_ERROR_STREAM, "%s", dnstap_reader_get_error(reader));
	dnstap_reader_close(&reader);
	return messages;
}

/* Also checks that the file is not created anew, which would lose the messages before. */
static void is_written_on(void)
{
	dnstap_sink *sink = open_sink(options_with_ring("file:large.tap", 1 << 16));
	const off_t size = (off_t)5 << 30;
	struct stat found;

	log_up_to(sink, 0, BEFORE);
	ASSERT(truncate(path, size) == 0, "the file system has no files of 5 GiB");
	log_up_to(sink, BEFORE, ALL);
	ASSERT_EQ(close_sink(&sink, TIMEOUT).sent, ALL);
	ASSERT(stat(path, &found) == 0 && found.st_size == size, "a file of another size");
	ASSERT_EQ(count(), ALL);
}

int main(int argc, char **argv)
{
	static const struct test_case cases[] = {
		CASE("a file that grows beyond 2 GiB is written on, and read", is_written_on),
	};

	return RUN_CASES(argc, argv, cases);
}
