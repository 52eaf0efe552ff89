/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * To be preloaded into named: once, its statistics tell of a connection while the state does
 * not, as it can be for a moment.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdatomic.h>

#include "../../../include/libdnstap.h"

enum dnstap_result dnstap_sink_get_stats(const dnstap_sink *sink, struct dnstap_stats *stats)
{
	static atomic_flag told = ATOMIC_FLAG_INIT;
	enum dnstap_result (*real)(const dnstap_sink *, struct dnstap_stats *) =
		dlsym(RTLD_NEXT, __func__);
	enum dnstap_result result = real(sink, stats);

	if (stats->connects != 0 && !atomic_flag_test_and_set(&told))
		stats->state = DNSTAP_STATE_CONNECTING;
	return result;
}
