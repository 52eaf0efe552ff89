/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Control frames that are built: types, content types, sizes, encoding, matching. */
#include "print.h"

#include <stdlib.h>
#include <string.h>

/* clang-format off */
static const int types[] = {
	0, FSTRM_CONTROL_ACCEPT, FSTRM_CONTROL_START, FSTRM_CONTROL_STOP,
	FSTRM_CONTROL_READY, FSTRM_CONTROL_FINISH, 6, 255, 1 << 30, -1,
};
/* clang-format on */
enum { TYPES = sizeof types / sizeof *types };

static struct fstrm_control *frame_of(int type)
{
	struct fstrm_control *c = fstrm_control_init();

	fstrm_control_set_type(c, (fstrm_control_type)type);
	return c;
}

static void show(const char *title, const struct fstrm_control *c)
{
	printf("%s: ", title);
	print_control(stdout, c);
	putchar('\n');
}

static void names(void)
{
	for (int i = 0; i < TYPES; i++)
		printf("%d is %s, field %s\n", types[i], fstrm_control_type_to_str((fstrm_control_type)types[i]),
		       fstrm_control_field_type_to_str((fstrm_control_field)types[i]));
}

static void set_and_get_type(void)
{
	struct fstrm_control *c = fstrm_control_init();

	show("new", c);
	for (int i = 0; i < TYPES; i++) {
		printf("set type %d: %s, ", types[i],
		       res_name(fstrm_control_set_type(c, (fstrm_control_type)types[i])));
		show("now", c);
	}
	fstrm_control_reset(c);
	show("reset", c);
	fstrm_control_destroy(&c);
	printf("destroyed: %s\n", c == NULL ? "NULL" : "not NULL");
	fstrm_control_destroy(&c);
}

/* Encodes into buffers of exactly the given size, so that valgrind sees an overrun by one byte. */
static void encode(const struct fstrm_control *c, uint32_t flags)
{
	size_t size = 12345;
	fstrm_res res = fstrm_control_encoded_size(c, &size, flags);
	size_t rooms[] = { 0, 3, 4, 11, 12, size - 1, size, size + 1, 600 };

	printf("  flags %u: encoded_size %s %zu\n", (unsigned)flags, res_name(res), size);
	for (size_t i = 0; i < sizeof rooms / sizeof *rooms; i++) {
		size_t room = rooms[i], len = room;
		unsigned char *buffer;

		if (room == 12344 || room == 12346)
			continue;
		buffer = malloc(room + (room == 0));
		memset(buffer, 0xa5, room);
		res = fstrm_control_encode(c, buffer, &len, flags);
		printf("    into %zu bytes: %s, length %zu ", room, res_name(res), len);
		print_bytes(stdout, buffer, room);
		putchar('\n');
		free(buffer);
	}
}

static void add(struct fstrm_control *c, const void *text, size_t len)
{
	printf("  add %zu bytes: %s\n", len, res_name(fstrm_control_add_field_content_type(c, text, len)));
}

/* Every type with no content type, one, three, and one that is empty. */
static void encode_types(void)
{
	for (int i = 0; i < 6; i++) {
		for (int fields = 0; fields < 4; fields++) {
			struct fstrm_control *c = frame_of(types[i]);

			printf("type %d, %d content types\n", types[i], fields);
			if (fields > 0)
				add(c, "protobuf:dnstap.Dnstap", 22);
			if (fields > 1)
				add(c, "nul\0inside", 10);
			if (fields > 2)
				add(c, "", 0);
			show("  frame", c);
			for (uint32_t flags = 0; flags < 4; flags++)
				encode(c, flags);
			fstrm_control_reset(c);
			show("  reset", c);
			fstrm_control_destroy(&c);
		}
	}
}

/* Around the limits of one field (256) and of the whole frame (512). */
static void encode_limits(void)
{
	static const size_t first[] = { 255, 256, 257, 1000, 256, 256, 256, 256 };
	static const size_t second[] = { 0, 0, 0, 0, 227, 228, 236, 237 };
	char text[1000];

	for (size_t i = 0; i < sizeof text; i++)
		text[i] = (char)i;
	for (size_t i = 0; i < sizeof first / sizeof *first; i++) {
		for (int type = FSTRM_CONTROL_ACCEPT; type <= FSTRM_CONTROL_FINISH; type++) {
			struct fstrm_control *c = frame_of(type);

			printf("type %d, fields of %zu and %zu\n", type, first[i], second[i]);
			add(c, text, first[i]);
			if (second[i] > 0)
				add(c, text, second[i]);
			show("  frame", c);
			encode(c, 0);
			encode(c, FSTRM_CONTROL_FLAG_WITH_HEADER);
			fstrm_control_destroy(&c);
		}
	}
}

static void many_fields(void)
{
	struct fstrm_control *c = frame_of(FSTRM_CONTROL_READY);

	for (int i = 0; i < 60; i++)
		fstrm_control_add_field_content_type(c, (const uint8_t *)"abcdefghij", (size_t)i % 10);
	show("60 fields", c);
	encode(c, 0);
	fstrm_control_set_type(c, FSTRM_CONTROL_START);
	show("the same as START", c);
	encode(c, 0);
	fstrm_control_set_type(c, FSTRM_CONTROL_STOP);
	show("the same as STOP", c);
	encode(c, 0);
	fstrm_control_destroy(&c);
}

static void match(void)
{
	static const struct {
		const char *text;
		size_t len;
	} texts[] = {
		{ NULL, 0 },   { NULL, 3 },  { "", 0 },     { "one", 3 },  { "on", 2 },
		{ "ones", 4 }, { "two", 3 }, { "n\0l", 3 }, { "n\0m", 3 },
	};
	static const char fields[][4] = { "one", "two", "n\0l", "" };

	for (int type = 0; type < 6; type++) {
		for (int count = 0; count < 5; count++) {
			struct fstrm_control *c = frame_of(type);

			for (int i = 0; i < count; i++)
				fstrm_control_add_field_content_type(c, (const uint8_t *)fields[i], i < 3 ? 3 : 0);
			printf("match in type %d with %d fields:", type, count);
			for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
				printf(" %s", res_name(fstrm_control_match_field_content_type(
						      c, (const uint8_t *)texts[i].text, texts[i].len)));
			putchar('\n');
			fstrm_control_destroy(&c);
		}
	}
}

int main(void)
{
	names();
	set_and_get_type();
	encode_types();
	encode_limits();
	many_fields();
	match();
	return 0;
}
