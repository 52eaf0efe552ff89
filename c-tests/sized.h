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
	size_t holes[4]; /* offsets of 4 bytes of padding; 0 for none */
};

/*
 * One of three sizes: if pointers have 64 bits; if they have 32, and integers of 64 are
 * aligned to 4 bytes, as on i686; if these are aligned to 8, as on ARM.
 */
#define FIRST(pointers_64, aligned_4, aligned_8) \
	(sizeof(void *) == 8 ? (pointers_64) : offsetof(struct alignment, number) == 4 ? (aligned_4) : (aligned_8))
struct alignment {
	char byte;
	uint64_t number;
};

#define SIZES(type, first, ...) \
	{ \
		#type, first, sizeof(type), \
		{ \
			__VA_ARGS__ \
		} \
	}

/* The padding between two fields, and that at the end, after the last field. */
#define END_OF(type, field) (offsetof(type, field) + sizeof((type *)NULL)->field)
#define HOLE(type, field, next) (END_OF(type, field) < offsetof(type, next) ? END_OF(type, field) : 0)
#define END_HOLE(type, last) (END_OF(type, last) < sizeof(type) ? END_OF(type, last) : 0)

/* Every size up to 64 bytes more than that of this version, and a much larger one. */
#define FOR_EACH_SIZE(size, sizes) for (size_t size = 0; size != SIZE_MAX; size = next_size(size, (sizes).now))
size_t next_size(size_t size, size_t now);

/* Memory for a struct; all but the size is filled with CANARY. */
enum { CANARY = 0xa5 };
struct area {
	uint8_t *pages;
	uint8_t *place; /* where the struct is */
	size_t length;  /* up to the end of the page: the size, rounded up to 8 bytes as by a compiler */
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
