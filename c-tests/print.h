/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* How results are written down, so that two runs can be compared by diff. */
#ifndef PRINT_H
#define PRINT_H

#include "bytes.h"

#include <fstrm.h>
#include <stdio.h>

/* The name of a result, or its number if it is none of the five. */
const char *res_name(fstrm_res res);

/* The whole content of a file, as print_bytes() writes it. */
void print_file(FILE *out, const char *path);

/* Type and content types of a control frame, as the getters show them. */
void print_control(FILE *out, const struct fstrm_control *control);

#endif
