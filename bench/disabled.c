/*
 * SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Passes a logging site whose message type is switched off, N times, and a function that does nothing.
 *
 *   disabled -n N
 *
 * Prints a JSON line with the library it ran on.
 */
#include <dlfcn.h>
#include <getopt.h>
#include <libdnstap.h>
#include <stdio.h>
#include <stdlib.h>

static __attribute__((noinline)) void disabled_site(dnstap_queue *queue, const dnstap_message *message)
{
	if (dnstap_enabled(queue, DNSTAP_MESSAGE_TYPE_CLIENT_RESPONSE))
		dnstap_log(queue, message);
}

static __attribute__((noinline)) void bare_site(dnstap_queue *queue, const dnstap_message *message)
{
	__asm__ volatile("" : : "r"(queue), "r"(message));
}

int main(int argc, char **argv)
{
	unsigned long count = getopt(argc, argv, "n:") == 'n' ? strtoul(optarg, NULL, 10) : 0;
	dnstap_options *options = dnstap_options_new();
	dnstap_message message = { .size = sizeof(message), .type = DNSTAP_MESSAGE_TYPE_CLIENT_RESPONSE };
	Dl_info library = { .dli_fname = "?" };

	dnstap_options_set_message_types(options, DNSTAP_MESSAGE_TYPE_BIT(DNSTAP_MESSAGE_TYPE_CLIENT_QUERY));
	dnstap_options_set_output(options, "file:/dev/null");
	dnstap_sink *sink = dnstap_sink_open(options, NULL);
	dnstap_queue *queue = dnstap_queue_new(sink, NULL);
	if (queue == NULL)
		return 1;
	for (unsigned long i = 0; i < count; i++) {
		disabled_site(queue, &message);
		bare_site(queue, &message);
	}
	dladdr((void *)dnstap_log, &library);
	printf("{\"libraries\": [\"%s\"]}\n", library.dli_fname);
	dnstap_queue_free(&queue);
	dnstap_sink_close(&sink, NULL);
	dnstap_options_free(&options);
	return 0;
}
