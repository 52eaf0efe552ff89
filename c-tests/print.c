/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "print.h"

#include <stdlib.h>

const char *res_name(fstrm_res res)
{
	static char number[32];

	switch ((int)res) {
	case fstrm_res_success: return "success";
	case fstrm_res_failure: return "failure";
	case fstrm_res_again: return "again";
	case fstrm_res_invalid: return "invalid";
	case fstrm_res_stop: return "stop";
	}
	snprintf(number, sizeof number, "%d", (int)res);
	return number;
}

void print_file(FILE *out, const char *path)
{
	FILE *file = fopen(path, "rb");
	char *data = NULL;
	size_t len = 0, room = 0, got = 1;

	if (file == NULL) {
		fputs("no file", out);
		return;
	}
	while (got > 0) {
		if (len == room) {
			room = room ? 2 * room : 4096;
			data = realloc(data, room);
			if (data == NULL)
				abort();
		}
		got = fread(data + len, 1, room - len, file);
		len += got;
	}
	fclose(file);
	print_bytes(out, data, len);
	free(data);
}

void print_control(FILE *out, const struct fstrm_control *control)
{
	fstrm_control_type type = (fstrm_control_type)77;
	const uint8_t *field;
	size_t count = 77, len;
	fstrm_res res;

	if (control == NULL) {
		fputs("no frame", out);
		return;
	}
	res = fstrm_control_get_type(control, &type);
	fprintf(out, "type %s %d", res_name(res), (int)type);
	res = fstrm_control_get_num_field_content_type(control, &count);
	fprintf(out, ", content types %s %zu", res_name(res), count);
	/* Two more than counted: a START keeps fields that it does not count. */
	for (size_t i = 0; i < count + 2; i++) {
		field = NULL;
		len = 77;
		res = fstrm_control_get_field_content_type(control, i, &field, &len);
		fprintf(out, ", [%zu] %s ", i, res_name(res));
		if (res == fstrm_res_success)
			print_bytes(out, field, len);
		else
			fprintf(out, "%s", field == NULL && len == 77 ? "untouched" : "touched");
	}
}
