/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "bytes.h"

#include <stdint.h>

void print_bytes(FILE *out, const void *data, size_t len)
{
	const unsigned char *byte = data;
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	if (len <= 96) {
		fputc('<', out);
		for (size_t i = 0; i < len; i++)
			fprintf(out, "%02x", byte[i]);
		fputc('>', out);
		return;
	}
	for (size_t i = 0; i < len; i++)
		hash = (hash ^ byte[i]) * UINT64_C(0x100000001b3);
	fprintf(out, "<%zu bytes, hash %016llx>", len, (unsigned long long)hash);
}
