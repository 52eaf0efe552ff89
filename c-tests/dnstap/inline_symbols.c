/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Functions that are inline in the header and exported by the library: both return the same. */
#include "messages.h"
#include "sink.h"

#include <dlfcn.h>
#include <stdlib.h>

/* Looks up a function like ctypes, cgo and plug-ins. The program is linked with the library. */
static void *symbol(const char *name)
{
	void *program = dlopen(NULL, RTLD_NOW), *found;

	ASSERT(program != NULL, "%s", dlerror());
	found = dlsym(program, name);
	ASSERT(found != NULL, "no %s: %s", name, dlerror());
	dlclose(program);
	return found;
}
#define TAKE(name) __typeof__(&name) name##_ = (__typeof__(&name))(uintptr_t)symbol(#name)

static void enabled(void)
{
	static const uint32_t sets[] = {
		0,
		DNSTAP_MESSAGE_TYPE_BIT(DNSTAP_MESSAGE_TYPE_CLIENT_QUERY),
		0x2aaa,
		DNSTAP_ALL_MESSAGE_TYPES,
	};
	TAKE(dnstap_enabled);
	dnstap_sink *sink = open_sink(options_to("file:enabled.tap"));
	dnstap_queue *queue = dnstap_queue_new(sink, NULL);

	for (size_t set = 0; set < sizeof sets / sizeof *sets; set++) {
		ASSERT(dnstap_sink_set_message_types(sink, sets[set]) == DNSTAP_OK, "types 0x%x", (unsigned)sets[set]);
		for (uint32_t type = 0; type < 70; type++) {
			bool wanted = dnstap_message_type_name(type) != NULL && sets[set] >> type & 1;

			ASSERT(dnstap_enabled(queue, type) == wanted, "inline: %u", (unsigned)type);
			ASSERT(dnstap_enabled_(queue, type) == wanted, "symbol: %u", (unsigned)type);
		}
		ASSERT(!dnstap_enabled_(queue, UINT32_MAX), "type -1");
	}
	ASSERT(!dnstap_enabled_(NULL, DNSTAP_MESSAGE_TYPE_CLIENT_QUERY), "without a queue");
	for (uint32_t type = 0; type < 70; type++) {
		dnstap_queue *other = (dnstap_queue *)(void *)sink;

		ASSERT(!dnstap_enabled(other, type), "inline: a sink is accepted as a queue, type %u", (unsigned)type);
		ASSERT(!dnstap_enabled_(other, type), "symbol: a sink is accepted as a queue, type %u", (unsigned)type);
	}
	dnstap_queue_free(&queue);
	close_sink(&sink, TIMEOUT);
}

static void is_error(void)
{
	TAKE(dnstap_is_error);

	for (int number = -200; number <= 200; number++) {
		dnstap_result result = (dnstap_result)number;

		ASSERT(dnstap_is_error(result) == (number < 0), "inline: %d", number);
		ASSERT(dnstap_is_error_(result) == (number < 0), "symbol: %d", number);
	}
}

int main(int argc, char **argv)
{
	static const struct test_case cases[] = {
		CASE("dnstap_enabled() as a symbol", enabled),
		CASE("dnstap_is_error() as a symbol", is_error),
	};

	return RUN_CASES(argc, argv, cases);
}
