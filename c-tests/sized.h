/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Structs that can grow, as callers of any version pass them: of any size, at the
 * end of a page that is followed by an inaccessible one.
 */
#ifndef SIZED_H
#define SIZED_H

#include "harness.h"

#include <stddef.h>

/* The size of the first version of a struct, which never changes, and that of this version. */
struct sizes {
	const char *name;
	size_t first, now;
	size_t holes[3]; /* ends of fields that 4 bytes of padding follow */
};

#define SIZES(type, first, ...) \
	{ \
		#type, first, sizeof(type), \
		{ \
			__VA_ARGS__ \
		} \
	}
#define END_OF(type, field) (offsetof(type, field) + sizeof((type *)NULL)->field)

/* Every size up to 64 bytes more than that of this version, and a much larger one. */
#define FOR_EACH_SIZE(size, sizes) for (size_t size = 0; size != SIZE_MAX; size = next_size(size, (sizes).now))
size_t next_size(size_t size, size_t now);

/* Memory for a struct; all but the size is filled with CANARY. */
enum { CANARY = 0xa5 };
struct area {
	uint8_t *pages;
	uint8_t *place; /* where the struct is */
	size_t length;  /* up to the end of the page: the size, rounded up to whole words as by a compiler */
};

/* Allocates a struct of a size, and sets its size field. */
void *place(struct area *area, size_t size);

/* The same, read-only, with those fields of a struct of this version that the size includes. */
void *place_copy(struct area *area, size_t size, const void *whole, const struct sizes *sizes);

/* Clears the fields that the size does not include. */
void clear_beyond(size_t size, void *whole, const struct sizes *sizes);

/* Fails the case if anything outside of the struct was written to, or its size. */
void check_outside(const struct area *area, size_t size, const char *call);

/* The same for a struct that was refused, and for one that was filled in: it has the fields of `whole`, then zeros. */
void check_refused(const struct area *area, size_t size, const char *call);
void check_filled(const struct area *area, size_t size, const void *whole, const struct sizes *sizes, const char *call);

#endif
