/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * both FILE: uses libfstrm and libdnstap in one program, for linking.sh. What one
 * library writes, the other reads; and in each a panic unwinds to the C boundary,
 * where it becomes an error.
 */
#include <fstrm.h>
#include <fstrm/stats.h>
#include <libdnstap.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define CHECK(condition) \
	do { \
		if (!(condition)) { \
			printf("%d: %s\n", __LINE__, #condition); \
			return 1; \
		} \
	} while (0)

/* Whether the clock fails on this thread, which Rust's standard library answers with a panic. */
static __thread bool broken;

/* Replaces that of the C library, for the archives too. */
int clock_gettime(clockid_t clock, struct timespec *now)
{
	if (broken) {
		errno = EINVAL;
		return -1;
	}
	return (int)syscall(SYS_clock_gettime, clock, now);
}

#if UINTPTR_MAX == UINT32_MAX
/* The same with a time of 64 bits, as Rust's standard library calls it on systems of 32; the linker takes it with --wrap. */
struct time64 {
	int64_t seconds;
	int32_t nanoseconds, padding;
};

int __wrap___clock_gettime64(clockid_t clock, struct time64 *now) __attribute__((used));

int __wrap___clock_gettime64(clockid_t clock, struct time64 *now)
{
	if (broken) {
		errno = EINVAL;
		return -1;
	}
	return (int)syscall(SYS_clock_gettime64, clock, now);
}
#endif

static int write_with_libdnstap(const char *path)
{
	char output[256];
	dnstap_options *options = dnstap_options_new();
	dnstap_message message = DNSTAP_MESSAGE_INIT;
	static const uint8_t query[12] = { 0x12, 0x34 };
	dnstap_result result;
	dnstap_writer *writer;

	message.type = DNSTAP_MESSAGE_TYPE_CLIENT_QUERY;
	message.query.data = query;
	message.query.length = sizeof query;
	snprintf(output, sizeof output, "file:%s", path);
	CHECK(dnstap_options_set_output(options, output) == DNSTAP_OK);
	broken = true;
	writer = dnstap_writer_open(options, &result);
	broken = false;
	CHECK(writer == NULL);
	CHECK(result == DNSTAP_ERROR_INTERNAL);

	writer = dnstap_writer_open(options, &result);
	CHECK(writer != NULL);
	CHECK(dnstap_writer_write(writer, &message) == DNSTAP_OK);
	CHECK(dnstap_writer_close(&writer) == DNSTAP_OK);
	dnstap_options_free(&options);
	return 0;
}

static int read_with_libfstrm(const char *path)
{
	struct fstrm_file_options *options = fstrm_file_options_init();
	dnstap_message message = DNSTAP_MESSAGE_INIT;
	dnstap_storage storage = DNSTAP_STORAGE_INIT;
	struct fstrm_reader *reader;
	const uint8_t *frame;
	size_t length;

	fstrm_file_options_set_file_path(options, path);
	reader = fstrm_file_reader_init(options, NULL);
	CHECK(reader != NULL);
	CHECK(fstrm_reader_read(reader, &frame, &length) == fstrm_res_success);
	CHECK(dnstap_decode(frame, length, &message, &storage) == DNSTAP_OK);
	CHECK(message.query.length == 12 && memcmp(message.query.data, "\x12\x34", 2) == 0);
	CHECK(fstrm_reader_read(reader, &frame, &length) == fstrm_res_stop);
	fstrm_reader_destroy(&reader);
	fstrm_file_options_destroy(&options);
	return 0;
}

static int panic_in_libfstrm(void)
{
	struct fstrm_file_options *options = fstrm_file_options_init();
	struct fstrm_writer *writer;
	struct fstrm_iothr *iothr;

	fstrm_file_options_set_file_path(options, "/dev/null");
	writer = fstrm_file_writer_init(options, NULL);
	iothr = fstrm_iothr_init(NULL, &writer);
	CHECK(iothr != NULL);
	broken = true;
	CHECK(fstrm_iothr_close(iothr) == fstrm_res_failure);
	broken = false;
	fstrm_iothr_destroy(&iothr);
	fstrm_file_options_destroy(&options);
	return 0;
}

int main(int argc, char **argv)
{
	(void)argc;
	if (write_with_libdnstap(argv[1]) || read_with_libfstrm(argv[1]) || panic_in_libfstrm())
		return 1;
	puts("both libraries work");
	return 0;
}
