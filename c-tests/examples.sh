#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# shellcheck disable=SC2046 # several flags
# Builds the programs of docs/ by their comments, and runs them.
set -u
. ./report.sh

toy_server() {
	$CC -std=c11 -pedantic -Wall -Wextra -Werror -o "$work/toy-server" ../docs/toy-server.c \
		$(stage_flags libdnstap) >"$work/log" 2>&1 || return 1
	python3 ./toy_server.py "$work/toy-server" "file:$work/toy.tap" >"$work/log" 2>&1 || return 1
	grep -q '^logged 2, sent ' "$work/log" || return 1
	grep -qxF "dnstap: $work/toy.tap: connected" "$work/log" || return 1
	timeout 60 dnstap -q -r "$work/toy.tap" >"$work/log" 2>&1 || return 1
	grep -qE ' CQ 127\.0\.0\.1 UDP .*"toy\.example\."' "$work/log" && grep -qE ' CR 127\.0\.0\.1 UDP .*"toy\.example\."' "$work/log"
}

# The golang tool sees that the fields are where the library has them.
log_and_read() {
	LD_LIBRARY_PATH=$STAGE/lib timeout 60 python3 ../docs/log-and-read.py "$work/python.tap" >"$work/log" 2>&1 || return 1
	grep -qx 'CLIENT_QUERY 002a01000001000000000000076578616d706c650000010001' "$work/log" || return 1
	timeout 60 dnstap -q -r "$work/python.tap" >"$work/log" 2>&1 || return 1
	grep -qE '^[0-9:.]+ CQ MISSING_ADDRESS UDP 25b "example\." IN A' "$work/log"
}

# Prints a file with the golang tool, with addresses masked as by mask-clients.
masked() {
	timeout 60 dnstap -y -r "$1" | sed 's/query_address: \([0-9.]*\)\.[0-9]*$/query_address: \1.0/'
}

mask_clients() {
	$CC -std=c11 -pedantic -Wall -Wextra -Werror -o "$work/mask-clients" ../docs/mask-clients.c \
		$(stage_flags libdnstap) >"$work/log" 2>&1 || return 1
	masked ../bench/messages.fstrm >"$work/expected" 2>"$work/log" || return 1
	grep -q 'query_address: 127\.0\.0\.0' "$work/expected" || return 1
	timeout 60 "$work/mask-clients" ../bench/messages.fstrm "file:$work/masked.tap" >"$work/log" 2>&1 || return 1
	timeout 60 dnstap -y -r "$work/masked.tap" >"$work/yaml" 2>"$work/log" && cmp "$work/expected" "$work/yaml" >"$work/log"
}

mask_clients_fails() {
	! timeout 60 "$work/mask-clients" ../bench/messages.fstrm "unix:$work/missing" >"$work/log" 2>&1 || return 1
	grep -q "missing: No such file" "$work/log" || return 1
	! timeout 60 "$work/mask-clients" "$work/mask-clients" "file:$work/masked.tap" >"$work/log" 2>&1
}

toy_server
result $? "toy-server.c as C11: built, asked, and read with the golang tool"
log_and_read
result $? "log-and-read.py: logged through ctypes, read back, and read with the golang tool"
python3 ./documented_code.py ../docs/integration.md >"$work/log" 2>&1
result $? "the C code of integration.md is that of the tests"
mask_clients
result $? "mask-clients.c as C11: built, run, and read with the golang tool"
mask_clients_fails
result $? "mask-clients.c without a receiver, and without dnstap to read"
echo "end of examples"
