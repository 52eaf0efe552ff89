/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Times that a program logs are those that it reads, whatever the size of its time_t; and no struct of the libraries
 * depends on that size, or on that of off_t. time_bits.sh compiles it for each size that the system has.
 */
#include "harness.h"

#include <fstrm.h>
#include <fstrm/stats.h>
#include <libdnstap.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* Encodes a message with a time, decodes it, and compares the time. */
static void returns(dnstap_time time)
{
	dnstap_message message = DNSTAP_MESSAGE_INIT, found = DNSTAP_MESSAGE_INIT;
	dnstap_storage storage = DNSTAP_STORAGE_INIT;
	uint8_t buffer[1000];
	size_t length;

	message.type = DNSTAP_MESSAGE_TYPE_CLIENT_RESPONSE;
	message.query_time = time;
	message.response_time = time;
	message.response_time.nanoseconds++;
	ASSERT(dnstap_encode(buffer, sizeof buffer, &length, &message) == DNSTAP_OK, "not encoded");
	ASSERT(dnstap_decode(buffer, length, &found, &storage) == DNSTAP_OK, "not decoded");
	ASSERT_EQ((uint64_t)found.query_time.seconds, (uint64_t)time.seconds);
	ASSERT_EQ(found.query_time.nanoseconds, time.nanoseconds);
	ASSERT_EQ((uint64_t)found.response_time.seconds, (uint64_t)time.seconds);
	ASSERT_EQ(found.response_time.nanoseconds, time.nanoseconds + 1);
}

static void of_the_program(void)
{
	struct timespec time = { INT32_MAX, 999999990 };
	dnstap_time converted;

	returns(dnstap_time_of(&time));
	ASSERT(clock_gettime(CLOCK_REALTIME, &time) == 0, "no clock");
	time.tv_nsec = 123456789;
	converted = dnstap_time_of(&time);
	ASSERT(converted.seconds == (int64_t)time.tv_sec && converted.nanoseconds == 123456789, "another time");
	returns(converted);
	if (sizeof time.tv_sec == 8) {
		/* After 2106. */
		int64_t late = (int64_t)1 << 33;

		memcpy(&time.tv_sec, &late, sizeof time.tv_sec);
		converted = dnstap_time_of(&time);
		ASSERT(converted.seconds == late, "a late time");
		returns(converted);
	}
}

static void late(void)
{
	dnstap_time time = { (int64_t)1 << 33, 5 };

	returns(time);
}

#define PRINT(type) printf("%s %zu\n", #type, sizeof(type))

static void print_sizes(void)
{
	PRINT(dnstap_time);
	PRINT(dnstap_message);
	PRINT(dnstap_policy);
	PRINT(dnstap_event);
	PRINT(dnstap_storage);
	PRINT(dnstap_stats);
	PRINT(fstrm_iothr_stats);
}

int main(int argc, char **argv)
{
	static const struct test_case cases[] = {
		CASE("times of a struct timespec", of_the_program),
		CASE("a time after 2106", late),
	};

	if (argc == 2 && strcmp(argv[1], "sizes") == 0) {
		print_sizes();
		return 0;
	}
	if (argc == 2 && strcmp(argv[1], "bits") == 0) {
		printf("%zu\n", 8 * sizeof(time_t));
		return 0;
	}
	return RUN_CASES(argc, argv, cases);
}
