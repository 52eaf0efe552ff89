/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Memory stays within the configured limits, also when queues and sinks come and go or the receiver is away. */
#include "messages.h"
#include "sink.h"

#include <string.h>

enum {
	MANY = 5000,
	RING_KIB = 1024, /* the default */
	FREED_KIB = 4096,
	PAGE_KIB = 64, /* the largest there is */
};

/* There is no receiver. */
static const char AWAY[] = "unix:nobody.sock";

/* Returns a line of /proc/self/status, in KiB: VmSize is address space, VmRSS resident memory. */
static long kib(const char *name)
{
	FILE *status = fopen("/proc/self/status", "r");
	char line[200];
	long value = -1;

	ASSERT(status != NULL, "no /proc");
	while (fgets(line, sizeof line, status) != NULL)
		if (strncmp(line, name, strlen(name)) == 0 && line[strlen(name)] == ':')
			sscanf(line + strlen(name) + 1, "%ld", &value);
	fclose(status);
	ASSERT(value >= 0, "no %s", name);
	return value;
}

static void log_one(dnstap_queue *queue, uint32_t logger)
{
	ASSERT(log_with_id(queue, DNSTAP_MESSAGE_TYPE_CLIENT_QUERY, (struct message_id){ logger, 0 }, 100) == DNSTAP_OK,
	       "log");
}

/* A pending message must not keep other memory in use. */
static void empty_queues(void)
{
	dnstap_sink *sink = open_sink(options_to(AWAY));
	dnstap_queue *pending = dnstap_queue_new(sink, NULL);
	long before = kib("VmSize"), grown;

	log_one(pending, 0);
	for (int i = 0; i < MANY; i++) {
		dnstap_queue *queue = dnstap_queue_new(sink, NULL);

		ASSERT(queue != NULL, "no queue after %d", i);
		dnstap_queue_free(&queue);
	}
	grown = kib("VmSize") - before;
	ASSERT(grown < MANY * RING_KIB / 20, "%d queues that were freed empty hold %ld MiB", MANY, grown / 1024);
	dnstap_queue_free(&pending);
	close_sink(&sink, TIMEOUT);
}

/* The same with queues that leave a message each. */
static void queues_with_messages(void)
{
	dnstap_options *options = options_to(AWAY);
	dnstap_sink *sink;
	dnstap_stats s;
	long size, used;

	ASSERT(dnstap_options_set_freed_queue_bytes(options, FREED_KIB * 1024) == DNSTAP_OK, "freed_queue_bytes");
	sink = open_sink(options);
	size = kib("VmSize");
	used = kib("VmRSS");
	for (uint32_t i = 0; i < MANY; i++) {
		dnstap_queue *queue = dnstap_queue_new(sink, NULL);

		ASSERT(queue != NULL, "no queue after %u", i);
		log_one(queue, i);
		dnstap_queue_free(&queue);
	}
	size = kib("VmSize") - size;
	used = kib("VmRSS") - used;
	ASSERT(size < 20 * FREED_KIB && used < 2 * FREED_KIB, "%d freed queues hold %ld MiB, of which %ld MiB are used",
	       MANY, size / 1024, used / 1024);
	s = stats_of(sink);
	ASSERT_EQ(s.logged, MANY);
	ASSERT(s.waiting >= FREED_KIB / PAGE_KIB, "only %llu are kept", (unsigned long long)s.waiting);
	ASSERT_EQ(s.dropped_full, MANY - s.waiting);
	close_sink(&sink, TIMEOUT);
}

/* Reused rings take only the memory of their messages. */
static void fresh_rings(void)
{
	enum { ROUNDS = 4, QUEUES = 16, FILL = 900 };

	for (int round = 0; round < ROUNDS; round++) {
		dnstap_sink *sink = open_sink(options_to("file:/dev/null"));
		dnstap_queue *queues[QUEUES];
		long used = kib("VmRSS");

		for (int i = 0; i < QUEUES; i++) {
			queues[i] = dnstap_queue_new(sink, NULL);
			log_one(queues[i], 0);
		}
		used = kib("VmRSS") - used;
		ASSERT(used < QUEUES * 2 * PAGE_KIB, "%d queues cost %ld KiB in round %d", QUEUES, used, round);
		for (int i = 0; i < QUEUES; i++) {
			for (uint32_t j = 1; j < FILL; j++)
				log_with_id(queues[i], DNSTAP_MESSAGE_TYPE_CLIENT_QUERY, (struct message_id){ 0, j },
					    1000);
			dnstap_queue_free(&queues[i]);
		}
		close_sink(&sink, TIMEOUT);
	}
}

int main(int argc, char **argv)
{
	static const struct test_case cases[] = {
		CASE("empty queues that come and go", empty_queues),
		CASE("queues that come and go with pending messages", queues_with_messages),
		CASE("reused rings take no more memory than new ones", fresh_rings),
	};

	return RUN_CASES(argc, argv, cases);
}
