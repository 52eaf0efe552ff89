/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Prints results in a form that diff can compare. */
#ifndef PRINT_H
#define PRINT_H

#include "bytes.h"

#include <fstrm.h>
#include <stdio.h>

/* Returns the name of a result, or its number if it is none of the five. */
const char *res_name(fstrm_res res);

/* Prints the whole content of a file by print_bytes(). */
void print_file(FILE *out, const char *path);

/* Prints the type and content types of a control frame, as the getters return them. */
void print_control(FILE *out, const struct fstrm_control *control);

#endif
