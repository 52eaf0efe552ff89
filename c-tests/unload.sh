#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# shellcheck disable=SC2046,SC2086 # several flags
# Both libraries as plug-ins load them: dlopen, dlclose.
set -u
. ./report.sh
. ./cases.sh

# Linked with neither.
$CC -std=c99 ${CPPFLAGS-} -Wall -Wextra -Werror -O1 -g -pthread -D_XOPEN_SOURCE=700 -I. $(pc --cflags libdnstap libfstrm) \
	-o "$work/unload" unload.c harness.c -ldl ${LDFLAGS-} >"$work/log" 2>&1
status=$?
result $status "unload.c is compiled"
if [ $status -eq 0 ]; then
	for library in libdnstap libfstrm; do
		run 150 "unload $library" "$work/unload" "$(realpath "$STAGE/lib/$library.so.0")"
	done
fi
echo "end of unload"
