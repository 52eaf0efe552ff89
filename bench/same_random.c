/*
 * SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Preloaded into a server whose instructions are counted: the same random numbers in every run, so that hash tables
 * and other random choices cost the same.
 */
#include <stdint.h>
#include <stdlib.h>

static uint32_t state;

uint32_t arc4random(void)
{
	/* Numerical Recipes' linear congruential generator; the upper half is what passes for random. */
	state = state * 1664525 + 1013904223;
	return state >> 16 | state << 16;
}

uint32_t arc4random_uniform(uint32_t bound)
{
	return bound == 0 ? 0 : arc4random() % bound;
}

void arc4random_buf(void *buffer, size_t size)
{
	for (unsigned char *at = buffer; size > 0; size--)
		*at++ = (unsigned char)arc4random();
}
