/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Control frames that are decoded: whole, cut, too long, and with every byte changed. */
#include "print.h"

#include <stdlib.h>
#include <string.h>

struct wire {
	unsigned char data[1100];
	size_t len;
};

static void put32(struct wire *w, uint32_t value)
{
	for (int shift = 24; shift >= 0; shift -= 8)
		w->data[w->len++] = (unsigned char)(value >> shift);
}

static void put_field(struct wire *w, const char *text, size_t len)
{
	put32(w, 1);
	put32(w, (uint32_t)len);
	memcpy(w->data + w->len, text, len);
	w->len += len;
}

/* Decodes from memory of exactly that length, so that valgrind sees a read beyond it. */
static fstrm_res decode(struct fstrm_control *c, const void *data, size_t len, uint32_t flags)
{
	unsigned char *exact = malloc(len + (len == 0));
	fstrm_res res;

	memcpy(exact, data, len);
	res = fstrm_control_decode(c, exact, len, flags);
	free(exact);
	return res;
}

static void report(const char *title, const struct wire *w, uint32_t flags)
{
	struct fstrm_control *c = fstrm_control_init();

	printf("%s, flags %u: %s, ", title, (unsigned)flags, res_name(decode(c, w->data, w->len, flags)));
	print_control(stdout, c);
	putchar('\n');
	fstrm_control_destroy(&c);
}

/* A frame of a type with a number of content types. */
static struct wire build(uint32_t type, int fields, uint32_t flags)
{
	static const struct {
		const char *text;
		size_t len;
	} texts[] = { { "dns", 3 }, { "a\0b", 3 }, { "", 0 } };
	struct wire w = { .len = 0 };

	if (flags & FSTRM_CONTROL_FLAG_WITH_HEADER) {
		put32(&w, 0);
		put32(&w, 0);
	}
	put32(&w, type);
	for (int i = 0; i < fields; i++)
		put_field(&w, texts[i % 3].text, texts[i % 3].len);
	if (flags & FSTRM_CONTROL_FLAG_WITH_HEADER)
		w.data[7] = (unsigned char)(w.len - 8);
	return w;
}

static void whole(void)
{
	for (uint32_t flags = 0; flags < 4; flags++)
		for (uint32_t type = 0; type < 8; type++)
			for (int fields = 0; fields < 4; fields++) {
				struct wire w = build(type, fields, flags);
				char title[64];

				snprintf(title, sizeof title, "type %u with %d fields", (unsigned)type, fields);
				report(title, &w, flags);
				report("  with the other flag", &w, flags ^ 1);
			}
}

static void cut(void)
{
	for (uint32_t flags = 0; flags < 2; flags++)
		for (uint32_t type = FSTRM_CONTROL_ACCEPT; type <= FSTRM_CONTROL_FINISH; type++) {
			struct wire w = build(type, 3, flags);

			for (size_t whole_len = w.len, len = 0; len <= whole_len; len++) {
				char title[64];

				snprintf(title, sizeof title, "type %u cut to %zu bytes", (unsigned)type, len);
				w.len = len;
				report(title, &w, flags);
			}
		}
}

/* Prints a letter for each result, and the number of content types left in the frame. */
static void changed(void)
{
	static const int values[] = { 0x00, 0x01, 0x02, 0x7f, 0x80, 0xff };
	struct fstrm_control *c = fstrm_control_init();

	for (uint32_t flags = 0; flags < 2; flags++)
		for (uint32_t type = FSTRM_CONTROL_ACCEPT; type <= FSTRM_CONTROL_READY; type++) {
			struct wire w = build(type, 2, flags);

			for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
				printf("type %u, flags %u, each byte set to %02x:", (unsigned)type, (unsigned)flags,
				       values[i]);
				for (size_t at = 0; at < w.len; at++) {
					struct wire bad = w;
					size_t count = 0;

					bad.data[at] = (unsigned char)values[i];
					printf(" %c", res_name(decode(c, bad.data, bad.len, flags))[0]);
					fstrm_control_get_num_field_content_type(c, &count);
					printf("%zu", count);
				}
				putchar('\n');
			}
		}
	fstrm_control_destroy(&c);
}

static void lengths(void)
{
	static const uint32_t announced[] = {
		0, 1, 2, 3, 4, 11, 12, 13, 500, 504, 505, 512, 513, UINT32_C(1) << 31, UINT32_MAX,
	};
	static const size_t present[] = { 0, 3, 4, 11, 12, 504, 512, 513 };

	for (size_t i = 0; i < sizeof announced / sizeof *announced; i++)
		for (size_t k = 0; k < sizeof present / sizeof *present; k++) {
			struct wire w = { .len = 0 };
			char title[64];

			put32(&w, 0);
			put32(&w, announced[i]);
			put32(&w, FSTRM_CONTROL_READY);
			if (present[k] >= 12)
				put_field(&w, "", 0);
			w.len = 8 + present[k];
			snprintf(title, sizeof title, "length %u, %zu bytes there", (unsigned)announced[i], present[k]);
			report(title, &w, FSTRM_CONTROL_FLAG_WITH_HEADER);
		}
}

/* A frame of the maximum length, and one byte longer. */
static void limits(void)
{
	char text[300];

	memset(text, 'x', sizeof text);
	for (size_t second = 235; second < 239; second++)
		for (uint32_t flags = 0; flags < 2; flags++) {
			struct wire w = { .len = 0 };
			char title[64];

			if (flags) {
				put32(&w, 0);
				put32(&w, (uint32_t)(4 + 264 + 8 + second));
			}
			put32(&w, FSTRM_CONTROL_ACCEPT);
			put_field(&w, text, 256);
			put_field(&w, text, second);
			snprintf(title, sizeof title, "fields of 256 and %zu", second);
			report(title, &w, flags);
		}
	for (size_t len = 255; len < 259; len++) {
		struct wire w = { .len = 0 };
		char title[64];

		put32(&w, FSTRM_CONTROL_ACCEPT);
		put_field(&w, text, len);
		snprintf(title, sizeof title, "field of %zu", len);
		report(title, &w, 0);
	}
}

static void fields(void)
{
	static const uint32_t lens[] = { 2, 3, 4, 256, 257, UINT32_C(1) << 31, UINT32_MAX };
	struct wire w;

	for (size_t i = 0; i < sizeof lens / sizeof *lens; i++) {
		w = build(FSTRM_CONTROL_READY, 1, 0);
		put32(&w, 1);
		put32(&w, lens[i]);
		memcpy(w.data + w.len, "abc", 3);
		w.len += 3;
		printf("field length %u before 3 bytes, ", (unsigned)lens[i]);
		report("second field", &w, 0);
	}
	for (uint32_t type = 0; type < 4; type++) {
		w = build(FSTRM_CONTROL_READY, 1, 0);
		put32(&w, type == 3 ? UINT32_MAX : type);
		put32(&w, 0);
		printf("field type %u, ", (unsigned)type);
		report("second field", &w, 0);
	}
	w = build(FSTRM_CONTROL_STOP, 0, 0);
	w.data[w.len++] = 0;
	report("STOP and one byte", &w, 0);
	w = build(FSTRM_CONTROL_READY, 2, 1);
	w.data[w.len++] = 0;
	report("READY and one byte", &w, 1);
	w = build(FSTRM_CONTROL_READY, 2, 1);
	w.data[3] = 1;
	report("READY without the escape", &w, 1);
}

/* Decoding discards the previous content of the frame, even if it fails. */
static void reused(void)
{
	struct fstrm_control *c = fstrm_control_init();
	struct wire good = build(FSTRM_CONTROL_READY, 3, 0), bad = build(9, 1, 0);

	fstrm_control_add_field_content_type(c, (const uint8_t *)"before", 6);
	for (int i = 0; i < 3; i++) {
		const struct wire *w = i == 1 ? &bad : &good;

		printf("decode again: %s, ", res_name(decode(c, w->data, w->len, 0)));
		print_control(stdout, c);
		putchar('\n');
	}
	fstrm_control_destroy(&c);
}

int main(void)
{
	whole();
	cut();
	changed();
	lengths();
	limits();
	fields();
	reused();
	return 0;
}
