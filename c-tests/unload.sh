#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# shellcheck disable=SC2046 # several flags
# Both libraries as plug-ins have them: dlopen, dlclose.
set -u
. ./cases.sh
work=$(mktemp -d)

# Linked with neither.
if PKG_CONFIG_PATH=$STAGE/lib/pkgconfig $CC -std=c99 -Wall -Wextra -Werror -O1 -g -pthread -D_XOPEN_SOURCE=700 -I. \
	$(PKG_CONFIG_PATH=$STAGE/lib/pkgconfig pkg-config --cflags libdnstap libfstrm) \
	-o "$work/unload" unload.c fault.c -ldl >"$work/log" 2>&1; then
	for library in libdnstap libfstrm; do
		run 150 "unload $library" "$work/unload" "$(realpath "$STAGE/lib/$library.so.0")"
	done
else
	echo "not ok - unload.c is compiled"
	head -n 20 "$work/log" | sed 's/^/#   /'
fi
rm -rf "$work"
echo "end of unload"
