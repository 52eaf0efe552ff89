#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# The programs of docs/, built as they say and run.
set -u
work=$(mktemp -d)

result() {
	if [ "$1" -eq 0 ]; then
		echo "ok - $2"
	else
		echo "not ok - $2"
		head -n 20 "$work/log" | sed 's/^/#   /'
	fi
}

toy_server() {
	$CC -std=c11 -pedantic -Wall -Wextra -Werror -o "$work/toy-server" ../docs/toy-server.c \
		$(PKG_CONFIG_PATH=$STAGE/lib/pkgconfig pkg-config --cflags --libs libdnstap) \
		-Wl,-rpath,"$STAGE/lib" >"$work/log" 2>&1 || return 1
	python3 ./toy_server.py "$work/toy-server" "file:$work/toy.tap" >"$work/log" 2>&1 || return 1
	# A query that was sent again before the server listened may have come twice.
	grep -qE '^logged ([2-9]|[0-9]{2,}), sent ' "$work/log" || return 1
	timeout 60 dnstap -q -r "$work/toy.tap" >"$work/log" 2>&1 || return 1
	grep -qE ' CQ 127\.0\.0\.1 UDP .*"toy\.example\."' "$work/log" && grep -qE ' CR 127\.0\.0\.1 UDP .*"toy\.example\."' "$work/log"
}

toy_server
result $? "toy-server.c as C11: built, asked, and read with the golang tool"
rm -rf "$work"
echo "end of examples"
