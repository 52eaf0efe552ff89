/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Libraries that a plug-in loads: loaded and unloaded repeatedly, in
 * a process that forks and has other threads, or has used up its thread keys. Run with the path of the library.
 */
#define _DEFAULT_SOURCE
#include "harness.h"

#include <dlfcn.h>
#include <fstrm.h>
#include <libdnstap.h>
#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ROUNDS = 20 };

static const char *library; /* its path */

/* Declares a function of the library, which this program is not linked with. */
static void *function(void *handle, const char *name)
{
	void *found = dlsym(handle, name);

	ASSERT(found != NULL, "no %s: %s", name, dlerror());
	return found;
}
#define TAKE(name) __typeof__(&name) name##_ = (__typeof__(&name))(uintptr_t)function(handle, #name)

/* Returns the number of mappings of the library. */
static int pieces(void)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	char line[1000];
	int found = 0;

	ASSERT(maps != NULL, "no /proc");
	while (fgets(line, sizeof line, maps) != NULL)
		found += strstr(line, library) != NULL;
	fclose(maps);
	return found;
}

struct use {
	void *handle;
	void *(*run)(void *); /* a thread */
	const char *output;
	int leaves; /* the sink stays open */
};

/* Opens a sink, logs, and closes it. */
static void *use_dnstap(void *arg)
{
	const struct use *use = arg;
	void *handle = use->handle;
	TAKE(dnstap_options_new);
	TAKE(dnstap_options_set_output);
	TAKE(dnstap_options_set_close_timeout);
	TAKE(dnstap_options_free);
	TAKE(dnstap_sink_open);
	TAKE(dnstap_sink_close);
	TAKE(dnstap_queue_new);
	TAKE(dnstap_queue_free);
	TAKE(dnstap_log);
	/* Inline in the header, and exported for programs that do not compile it. */
	TAKE(dnstap_enabled);
	TAKE(dnstap_is_error);
	dnstap_message m = { .size = sizeof m, .type = DNSTAP_MESSAGE_TYPE_CLIENT_QUERY };
	dnstap_options *options = dnstap_options_new_();
	dnstap_queue *queue;
	dnstap_sink *sink;

	ASSERT(dnstap_options_set_output_(options, use->output) == DNSTAP_OK, "%s", use->output);
	dnstap_options_set_close_timeout_(options, 10);
	sink = dnstap_sink_open_(options, NULL);
	dnstap_options_free_(&options);
	queue = dnstap_queue_new_(sink, NULL);
	ASSERT(dnstap_enabled_(queue, m.type) && !dnstap_is_error_(dnstap_log_(queue, &m)), "log");
	if (!use->leaves) {
		dnstap_queue_free_(&queue);
		ASSERT(dnstap_sink_close_(&sink, NULL) == DNSTAP_OK, "close");
	}
	return NULL;
}

/* Starts a writer thread to a file, submits a frame, and ends it. */
static void *use_fstrm(void *arg)
{
	const struct use *use = arg;
	void *handle = use->handle;
	TAKE(fstrm_file_options_init);
	TAKE(fstrm_file_options_set_file_path);
	TAKE(fstrm_file_options_destroy);
	TAKE(fstrm_file_writer_init);
	TAKE(fstrm_iothr_init);
	TAKE(fstrm_iothr_get_input_queue);
	TAKE(fstrm_iothr_submit);
	TAKE(fstrm_iothr_destroy);
	static char frame[] = "frame";
	struct fstrm_file_options *options = fstrm_file_options_init_();
	struct fstrm_writer *writer;
	struct fstrm_iothr *iothr;

	fstrm_file_options_set_file_path_(options, use->output);
	writer = fstrm_file_writer_init_(options, NULL);
	fstrm_file_options_destroy_(&options);
	iothr = fstrm_iothr_init_(NULL, &writer);
	ASSERT(iothr != NULL, "no writer thread");
	ASSERT(fstrm_iothr_submit_(iothr, fstrm_iothr_get_input_queue_(iothr), frame, sizeof frame, NULL, NULL) ==
		       fstrm_res_success,
	       "submit");
	fstrm_iothr_destroy_(&iothr);
	return NULL;
}

/* Loads the library, and unloads it once a thread that used it has ended. */
static void load_and_unload(struct use *use)
{
	pthread_t thread;

	use->handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
	ASSERT(use->handle != NULL, "%s", dlerror());
	ASSERT(pthread_create(&thread, NULL, use->run, use) == 0 && pthread_join(thread, NULL) == 0, "no thread");
	ASSERT(dlclose(use->handle) == 0, "%s", dlerror());
}

static void in_rounds(int is_dnstap)
{
	struct use use = { NULL, is_dnstap ? use_dnstap : use_fstrm, is_dnstap ? "file:out" : "out", 0 };
	int descriptors = count_entries("/proc/self/fd"), threads = count_entries("/proc/self/task"), once = 0;

	for (int round = 0; round < ROUNDS; round++) {
		pid_t child;

		load_and_unload(&use);
		once = round == 0 ? pieces() : once;
		ASSERT(pieces() == once, "the library has %d mappings after round %d, not %d", pieces(), round, once);
		/* Its fork handlers are called, or unregistered. */
		child = fork();
		if (child == 0)
			_exit(0);
		wait_for_child(child);
	}
	ASSERT(count_entries("/proc/self/fd") == descriptors, "descriptors were leaked");
	WAIT_UNTIL(count_entries("/proc/self/task") == threads, 20, "threads were leaked");
}

/* Threads of the library continue: their code must stay mapped. */
static void in_use(int leaves)
{
	/* The lookup of a name may end much later than the sink. */
	struct use use = { NULL, use_dnstap, leaves ? "unix:nobody.sock" : "tcp:name.invalid:6000", leaves };
	int threads = count_entries("/proc/self/task");

	for (int round = 0; round < ROUNDS; round++)
		load_and_unload(&use);
	if (!leaves)
		WAIT_UNTIL(count_entries("/proc/self/task") == threads, 20, "a thread never ends");
}

/* Opens a sink, which fails without thread keys, and a file to read, which does not need one. */
static bool opens_dnstap(void *handle)
{
	TAKE(dnstap_options_new);
	TAKE(dnstap_options_set_output);
	TAKE(dnstap_options_get_error);
	TAKE(dnstap_options_free);
	TAKE(dnstap_sink_open);
	TAKE(dnstap_sink_close);
	TAKE(dnstap_writer_open);
	TAKE(dnstap_writer_close);
	TAKE(dnstap_reader_open);
	TAKE(dnstap_reader_get_error);
	dnstap_options *options = dnstap_options_new_();
	dnstap_result error = DNSTAP_OK;
	dnstap_writer *writer;
	dnstap_sink *sink;
	bool opened;

	ASSERT(dnstap_reader_open_("absent", &error) == NULL && error == DNSTAP_ERROR_IO, "reader");
	ASSERT(strstr(dnstap_reader_get_error_(NULL), "absent") != NULL, "%s", dnstap_reader_get_error_(NULL));
	ASSERT(dnstap_options_set_output_(options, "file:out") == DNSTAP_OK, "output");
	sink = dnstap_sink_open_(options, &error);
	opened = sink != NULL;
	if (!opened) {
		const char *text = dnstap_options_get_error_(options);

		ASSERT(error == DNSTAP_ERROR_SYSTEM && strstr(text, "PTHREAD_KEYS_MAX") != NULL, "%d: %s", (int)error,
		       text);
	}
	ASSERT(dnstap_sink_close_(&sink, NULL) == DNSTAP_OK, "close");
	writer = dnstap_writer_open_(options, &error);
	ASSERT((writer != NULL) == opened && error == (opened ? DNSTAP_OK : DNSTAP_ERROR_SYSTEM), "writer");
	ASSERT(dnstap_writer_close_(&writer) == DNSTAP_OK, "close the writer");
	dnstap_options_free_(&options);
	return opened;
}

/* Starts a writer thread, which fails without thread keys. */
static bool opens_fstrm(void *handle)
{
	TAKE(fstrm_file_options_init);
	TAKE(fstrm_file_options_set_file_path);
	TAKE(fstrm_file_options_destroy);
	TAKE(fstrm_file_writer_init);
	TAKE(fstrm_writer_open);
	TAKE(fstrm_iothr_init);
	TAKE(fstrm_iothr_destroy);
	struct fstrm_file_options *options = fstrm_file_options_init_();
	struct fstrm_writer *writer;
	struct fstrm_iothr *iothr;
	bool opened;

	fstrm_file_options_set_file_path_(options, "out");
	writer = fstrm_file_writer_init_(options, NULL);
	fstrm_file_options_destroy_(&options);
	ASSERT(fstrm_writer_open_(writer) == fstrm_res_success, "a writer without a thread");
	iothr = fstrm_iothr_init_(NULL, &writer);
	opened = iothr != NULL;
	fstrm_iothr_destroy_(&iothr);
	return opened;
}

/* A host that has used up its thread keys gets an error, and can go on once it has deleted some. */
static void without_keys(int is_dnstap)
{
	bool (*opens)(void *) = is_dnstap ? opens_dnstap : opens_fstrm;
	static pthread_key_t keys[PTHREAD_KEYS_MAX];
	int used = 0, first;
	void *handle;

	while (pthread_key_create(&keys[used], NULL) == 0)
		used++;
	ASSERT(used > 2, "only %d keys", used);
	handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
	ASSERT(handle != NULL, "%s", dlerror());
	ASSERT(!opens(handle) && !opens(handle), "opened without a key");
	/* The key 0, if there is one, cannot be used alone. */
	for (first = 0; first < used && keys[first] != 0; first++)
		;
	if (first < used) {
		pthread_key_delete(keys[first]);
		ASSERT(!opens(handle), "opened with the key 0");
	}
	pthread_key_delete(keys[first == 0]);
	ASSERT(opens(handle), "not opened with a key");
	/* Its key is kept. */
	while (pthread_key_create(&keys[0], NULL) == 0)
		;
	ASSERT(opens(handle), "not opened again");
}

int main(int argc, char **argv)
{
	static const struct test_case dnstap[] = {
		CASE_WITH("libdnstap is loaded and unloaded, with forks between", in_rounds, 1),
		CASE_WITH("libdnstap is unloaded while it looks up a name", in_use, 0),
		CASE_WITH("libdnstap is unloaded while sinks are open", in_use, 1),
		CASE_WITH("libdnstap returns an error if the host has used up its thread keys", without_keys, 1),
	};
	static const struct test_case fstrm[] = {
		CASE_WITH("libfstrm is loaded and unloaded, with forks between", in_rounds, 0),
		CASE_WITH("libfstrm returns an error if the host has used up its thread keys", without_keys, 0),
	};

	if (argc != 2)
		return 2;
	library = argv[1];
	argv[1] = "ours";
	return strstr(library, "/libdnstap.so") != NULL ? RUN_CASES(argc, argv, dnstap) : RUN_CASES(argc, argv, fstrm);
}
