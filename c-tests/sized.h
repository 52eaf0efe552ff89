/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Structs that can grow, as callers of any version have them: with any size, at
 * the end of a page that is followed by an inaccessible one.
 */
#ifndef SIZED_H
#define SIZED_H

#include "fault.h"

#include <stddef.h>

/* The sizes of a struct: that of its first version, which never changes, and that of this one. */
struct sizes {
	const char *name;
	size_t first, now;
	size_t holes[3];	/* ends of fields that 4 bytes of padding follow */
};

#define SIZES(type, first, ...) { #type, first, sizeof(type), { __VA_ARGS__ } }
#define END_OF(type, field) (offsetof(type, field) + sizeof ((type *)NULL)->field)

/* Every size up to 64 bytes more than that of this version, and one that is much larger. */
#define EACH_SIZE(size, sizes) (size_t size = 0; size != SIZE_MAX; size = next_size(size, (sizes).now))
size_t next_size(size_t size, size_t now);

/* Memory for a struct; all of it but the size is filled with CANARY. */
enum { CANARY = 0xa5 };
struct area {
	uint8_t *pages;
	uint8_t *place;		/* where the struct is */
	size_t length;		/* up to the end of the page: the size, rounded up to whole words as by a compiler */
};

/* Makes room for a struct of that size, and sets its size. */
void *place(struct area *area, size_t size);

/* The same with the fields of a struct of this version, as far as they are within the size. It cannot be written to. */
void *place_copy(struct area *area, size_t size, const void *whole, const struct sizes *sizes);

/* Clears the fields that are not within the size. */
void clear_beyond(size_t size, void *whole, const struct sizes *sizes);

/* Ends a case if anything outside of the struct was written to, or its size. */
void check_outside(const struct area *area, size_t size, const char *call);

/* The same for a struct that was refused, and for one that was filled in: it has what `whole` has, and 0 beyond. */
void check_refused(const struct area *area, size_t size, const char *call);
void check_filled(const struct area *area, size_t size, const void *whole, const struct sizes *sizes, const char *call);

#endif
