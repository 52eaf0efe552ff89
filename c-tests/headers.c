/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Uses every macro and every inline function of the headers, so that what they
 * expand to is compiled in each dialect, as C and as C++. headers.sh looks for
 * their names in here.
 */
#include <fstrm.h>
#include <fstrm/stats.h>
#include <libdnstap.h>
#include <stdio.h>

#ifdef __cplusplus
#define NOTHING nullptr
#else
#define NOTHING NULL
#endif

static dnstap_message static_message = DNSTAP_MESSAGE_INIT;
static dnstap_policy static_policy = DNSTAP_POLICY_INIT;
static dnstap_storage static_storage = DNSTAP_STORAGE_INIT;
static dnstap_stats static_stats = DNSTAP_STATS_INIT;
static dnstap_event static_event = DNSTAP_EVENT_INIT;

static int sizes(void)
{
	dnstap_message message = DNSTAP_MESSAGE_INIT;
	dnstap_policy policy = DNSTAP_POLICY_INIT;
	dnstap_storage storage = DNSTAP_STORAGE_INIT;
	dnstap_stats stats = DNSTAP_STATS_INIT;
	dnstap_event event = DNSTAP_EVENT_INIT;

	message.policy = &policy;
	return message.size == sizeof message && message.size == static_message.size && message.zone.data == NOTHING &&
	       policy.size == sizeof policy && policy.size == static_policy.size && policy.match == 0 &&
	       storage.size == sizeof storage && storage.size == static_storage.size && storage.policy.match == 0 &&
	       stats.size == sizeof stats && stats.size == static_stats.size &&
	       stats.logged_by_type[DNSTAP_MESSAGE_TYPE_COUNT - 1] == 0 && event.size == sizeof event &&
	       event.size == static_event.size && event.text == NOTHING;
}

static int inline_functions(void)
{
	struct timespec now = { 5, 6 };
	dnstap_time time = dnstap_time_of(&now);

	return time.seconds == 5 && time.nanoseconds == 6 &&
	       !dnstap_enabled(NOTHING, DNSTAP_MESSAGE_TYPE_CLIENT_QUERY) && !dnstap_is_error(DNSTAP_DISABLED) &&
	       dnstap_is_error(DNSTAP_ERROR_NULL);
}

static int numbers(void)
{
	uint32_t types = DNSTAP_ALL_MESSAGE_TYPES & ~DNSTAP_MESSAGE_TYPE_BIT(DNSTAP_MESSAGE_TYPE_TOOL_QUERY);

	return types != 0 && LIBDNSTAP_VERSION_NUMBER >= 0x000100 && LIBDNSTAP_VERSION[0] != 0 &&
	       FSTRM_CONTROL_FIELD_CONTENT_TYPE_LENGTH_MAX != 0 && FSTRM_CONTROL_FRAME_LENGTH_MAX != 0;
}

int main(void)
{
	if (!sizes() || !inline_functions() || !numbers()) {
		puts("wrong");
		return 1;
	}
	return 0;
}
