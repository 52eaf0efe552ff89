/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "sized.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* The size comes first. A field of 8 bytes is there as a whole or not at all. */
enum { PAGE = 4096, PAGES = 4, WORD = 8, HEAD = sizeof(size_t) };

size_t next_size(size_t size, size_t now)
{
	if (size < now + 64)
		return size + 1;
	return size == now + 64 ? now + 4096 : SIZE_MAX;
}

/* Returns the length of the fields that a struct of this size has. */
static size_t known_length(size_t size, const struct sizes *sizes)
{
	return size < sizes->now ? size / WORD * WORD : sizes->now;
}

void *place(struct area *area, size_t size)
{
	if (area->pages == NULL) {
		void *pages;

		ASSERT(posix_memalign(&pages, PAGE, (PAGES + 1) * PAGE) == 0, "no memory");
		area->pages = pages;
		ASSERT(mprotect(area->pages + PAGES * PAGE, PAGE, PROT_NONE) == 0, "no guard page");
	}
	ASSERT(mprotect(area->pages, PAGES * PAGE, PROT_READ | PROT_WRITE) == 0, "the pages stay read-only");
	memset(area->pages, CANARY, PAGES * PAGE);
	/* There is always a size to read. */
	area->length = size == 0 ? WORD : (size + WORD - 1) / WORD * WORD;
	area->place = area->pages + PAGES * PAGE - area->length;
	memcpy(area->place, &size, sizeof size);
	return area->place;
}

void *place_copy(struct area *area, size_t size, const void *whole, const struct sizes *sizes)
{
	uint8_t *copy = place(area, size);
	size_t known = known_length(size, sizes);

	if (known > HEAD)
		memcpy(copy + HEAD, (const uint8_t *)whole + HEAD, known - HEAD);
	/* Half a pointer would be none. */
	if (size < sizes->now && known >= HEAD)
		memset(copy + known, 0, area->length - known);
	ASSERT(mprotect(area->pages, PAGES * PAGE, PROT_READ) == 0, "the pages cannot be made read-only");
	return copy;
}

void clear_beyond(size_t size, void *whole, const struct sizes *sizes)
{
	size_t known = known_length(size, sizes);

	if (known < sizes->now)
		memset((uint8_t *)whole + known, 0, sizes->now - known);
	memcpy(whole, &sizes->now, sizeof sizes->now);
}

void check_outside(const struct area *area, size_t size, const char *call)
{
	size_t has;

	memcpy(&has, area->place, sizeof has);
	ASSERT(has == size, "%s: size %zu is now %zu", call, size, has);
	for (const uint8_t *at = area->pages; at < area->place; at++)
		ASSERT(*at == CANARY, "%s: size %zu, and byte %td was written to", call, size, at - area->place);
	for (size_t at = size < HEAD ? HEAD : size; at < area->length; at++)
		ASSERT(area->place[at] == CANARY, "%s: size %zu, and byte %zu was written to", call, size, at);
}

void check_refused(const struct area *area, size_t size, const char *call)
{
	check_outside(area, size, call);
	for (size_t at = HEAD; at < area->length; at++)
		ASSERT(area->place[at] == CANARY, "%s: size %zu is refused, and byte %zu was written to", call, size,
		       at);
}

static int is_padding(const struct sizes *sizes, size_t at)
{
	for (size_t i = 0; i < sizeof sizes->holes / sizeof *sizes->holes; i++)
		if (at - at % 4 == sizes->holes[i])
			return 1;
	return 0;
}

void check_filled(const struct area *area, size_t size, const void *whole, const struct sizes *sizes, const char *call)
{
	size_t known = known_length(size, sizes);
	const uint8_t *wanted = whole;

	check_outside(area, size, call);
	for (size_t at = HEAD; at < known; at++)
		ASSERT(is_padding(sizes, at) || area->place[at] == wanted[at],
		       "%s: size %zu, and byte %zu of %s is %#x, not %#x", call, size, at, sizes->name, area->place[at],
		       wanted[at]);
	for (size_t at = sizes->now; at < size; at++)
		ASSERT(area->place[at] == 0, "%s: size %zu, and byte %zu is not 0", call, size, at);
}
