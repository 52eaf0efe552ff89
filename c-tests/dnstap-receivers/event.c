/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "event.h"

#include <string.h>

/* Fields of the schema: Dnstap.message and Message.query_message. */
enum { MESSAGE = 14, QUERY_MESSAGE = 10 };

/* Wire types of Protocol Buffers. */
enum { VARINT = 0, FIXED64 = 1, BYTES = 2, FIXED32 = 5 };

static size_t query_length(uint64_t number)
{
	return QUERY_MIN + number % (QUERY_MAX - QUERY_MIN + 1);
}

void event_fill(dnstap_message *message, uint8_t *query, uint64_t number)
{
	size_t len = query_length(number);

	memcpy(query, &number, sizeof number);
	memset(query + sizeof number, (int)(number & 0xff), len - sizeof number);
	message->query.data = query;
	message->query.length = len;
}

static bool read_varint(const unsigned char **at, const unsigned char *end, uint64_t *value)
{
	*value = 0;
	for (unsigned shift = 0; *at < end && shift < 64; shift += 7) {
		unsigned char byte = *(*at)++;

		*value |= (uint64_t)(byte & 0x7f) << shift;
		if (byte < 0x80)
			return true;
	}
	return false;
}

/* The bytes of a field that occurs once. Goes through all others, up to the very end. */
static bool find(const unsigned char *at, size_t len, unsigned field, const unsigned char **found, size_t *found_len)
{
	const unsigned char *end = at + len;
	unsigned times = 0;

	while (at < end) {
		uint64_t key, size;

		if (!read_varint(&at, end, &key))
			return false;
		switch (key & 7) {
		case VARINT:
			if (!read_varint(&at, end, &size))
				return false;
			size = 0;
			break;
		case FIXED64:
			size = 8;
			break;
		case FIXED32:
			size = 4;
			break;
		case BYTES:
			if (!read_varint(&at, end, &size))
				return false;
			break;
		default:
			return false;
		}
		if (size > (uint64_t)(end - at))
			return false;
		if (key == (field << 3 | BYTES)) {
			*found = at;
			*found_len = (size_t)size;
			times++;
		}
		at += size;
	}
	return times == 1;
}

bool event_number_of_query(const unsigned char *query, size_t len, uint64_t *number)
{
	if (len < sizeof *number)
		return false;
	memcpy(number, query, sizeof *number);
	for (size_t i = sizeof *number; i < len; i++)
		if (query[i] != (*number & 0xff))
			return false;
	return len == query_length(*number);
}

bool event_number(const unsigned char *event, size_t len, uint64_t *number)
{
	const unsigned char *message, *query;

	return find(event, len, MESSAGE, &message, &len) && find(message, len, QUERY_MESSAGE, &query, &len)
	       && event_number_of_query(query, len, number);
}

bool arrive(struct arrivals *a, uint64_t number)
{
	if (number < a->next)
		return false;
	a->gaps += number > a->next;
	a->lost += number - a->next;
	a->next = number + 1;
	a->frames++;
	return true;
}
