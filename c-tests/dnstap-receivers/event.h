/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Numbered messages: each says its number, and can be told whole from torn.
 * They are read by hand, so that the library is not checked by itself.
 */
#ifndef EVENT_H
#define EVENT_H

#include <libdnstap.h>

enum { QUERY_MIN = 12, QUERY_MAX = QUERY_MIN + 127 };

/* Makes the message of a number. It points into `query`, which has QUERY_MAX bytes. */
void event_fill(dnstap_message *message, uint8_t *query, uint64_t number);

/* The number of an encoded event; false if anything in it is not as it was made. */
bool event_number(const unsigned char *event, size_t len, uint64_t *number);

/* The same, from its query alone. */
bool event_number_of_query(const unsigned char *query, size_t len, uint64_t *number);

/* What came of a numbered stream, or of several one behind the other. */
struct arrivals {
	uint64_t frames;
	uint64_t next;		/* the number that is due */
	uint64_t lost;		/* numbers that were passed over */
	unsigned gaps;		/* in so many places */
};

/* Takes the next number. False if it has been there, or is older than one that has. */
bool arrive(struct arrivals *a, uint64_t number);

#endif
